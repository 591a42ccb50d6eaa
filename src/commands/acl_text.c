/* Users as lines of text ("user alice on ~* +@all"), as an aclfile holds them, and as the words of
 * the command that puts them into the log. */
#include "commands/acl_internal.h"
#include "util/number.h"

struct line_reader {
    struct acl *acl;
    const char *file;
    uint32_t line;
    bool has_default; /* his line was read: he is there from the start */
    struct buf *errors;
};

/* Words between blanks, quotes without a meaning: as Redis reads an aclfile. */
static uint32_t split(struct slice line, struct slice *out) {
    uint32_t n = 0;
    size_t at = 0;
    while (at < line.len) {
        size_t begin = at;
        while (at < line.len && line.data[at] != ' ' && line.data[at] != '\t') at++;
        if (at > begin) out[n++] = slice_of(line.data + begin, at - begin);
        at++;
    }
    return n;
}

/* The next line, without its end. */
static bool line_take(struct slice *text, struct slice *line) {
    if (text->len == 0) return false;
    const char *end = memchr(text->data, '\n', text->len);
    size_t len = end == NULL ? text->len : (size_t)(end - text->data);
    *line = slice_of(text->data, len);
    if (len > 0 && text->data[len - 1] == '\r') line->len--;
    size_t taken = SF_MIN(len + 1, text->len);
    *text = slice_of(text->data + taken, text->len - taken);
    return true;
}

static void complain(struct line_reader *reader, const char *text) {
    buf_printf(reader->errors, "%s:%u: %s. ", reader->file, reader->line, text);
}

static void read_user(struct line_reader *reader, uint32_t n, struct slice *words) {
    if (n < 2 || !slice_equal(words[0], SLICE("user"))) {
        buf_printf(reader->errors,
            "%s:%u should start with user keyword followed by the username. ", reader->file,
            reader->line);
        return;
    }
    struct slice name = words[1];
    bool is_default = slice_equal(name, SLICE("default"));
    if (is_default ? reader->has_default : acl_find(reader->acl, name) != NULL) {
        buf_printf(reader->errors, "WARNING: Duplicate user '%.*s' found on line %u. ",
            (int)SF_MIN(name.len, (size_t)128), name.data, reader->line);
        return;
    }
    reader->has_default = reader->has_default || is_default;
    words[1] = SLICE("reset"); /* of a new user too: it changes nothing */
    uint32_t failed;
    enum acl_error error = acl_set_user(reader->acl, name, n - 1, words + 1, &failed);
    if (error == ACL_OPEN_PARENTHESIS)
        complain(reader, "Unmatched parenthesis in selector definition");
    else if (error != ACL_OK)
        complain(reader, acl_error_text(error));
}

bool acl_text_read(struct acl *acl, struct slice text, const char *file, struct buf *errors) {
    struct line_reader reader = {.acl = acl, .file = file, .errors = errors};
    size_t before = errors->len;
    struct slice line;
    while (line_take(&text, &line)) {
        reader.line++;
        struct slice *words = sf_alloc((line.len + 1) * sizeof *words);
        uint32_t n = split(line, words);
        if (n > 0) read_user(&reader, n, words);
        sf_free(words);
    }
    return errors->len == before;
}

bool acl_text_names_default(struct slice text) {
    struct slice line;
    bool named = false;
    while (!named && line_take(&text, &line)) {
        struct slice *words = sf_alloc((line.len + 1) * sizeof *words);
        uint32_t n = split(line, words);
        named = n > 1 && slice_equal(words[1], SLICE("default"));
        sf_free(words);
    }
    return named;
}

void acl_text_print(const struct acl *acl, struct buf *out) {
    for (uint32_t i = 0; i < acl_count(acl); i++) {
        buf_append_text(out, "user ");
        buf_append_slice(out, acl_user_name(acl_at(acl, i)));
        buf_append_char(out, ' ');
        acl_user_print(acl_at(acl, i), out);
        buf_append_char(out, '\n');
    }
}

/* The number of rules is a word of its own, as wide as it ever gets. */
uint32_t acl_words(
    const struct acl *acl, const char *what, struct buf *text, struct slice **words) {
    size_t *ends = sf_alloc((size_t)acl_count(acl) * sizeof *ends);
    for (uint32_t i = 0; i < acl_count(acl); i++) {
        acl_user_print(acl_at(acl, i), text);
        ends[i] = text->len;
    }
    char *numbers = buf_reserve(text, (size_t)acl_count(acl) * INT_TEXT_MAX);
    struct slice *out = sf_alloc((text->len + 4 * (size_t)acl_count(acl) + 2) * sizeof *out);
    uint32_t n = 0;
    out[n++] = SLICE("shardforge.acl");
    out[n++] = slice_text(what);
    size_t begin = 0;
    for (uint32_t i = 0; i < acl_count(acl); i++) {
        char *number = numbers + (size_t)i * INT_TEXT_MAX;
        struct slice rules = slice_of(buf_slice(text).data + begin, ends[i] - begin);
        uint32_t n_rules = split(rules, out + n + 3);
        out[n] = acl_user_name(acl_at(acl, i));
        out[n + 1] = slice_of(number, uint_print(n_rules + 1, number));
        out[n + 2] = SLICE("reset");
        n += 3 + n_rules;
        begin = ends[i];
    }
    sf_free(ends);
    *words = out;
    return n;
}
