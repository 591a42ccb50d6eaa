#include "server/config_words.h"

#include "util/number.h"

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* What stands for \c inside double quotes; any other character stands for itself. */
static char unescape(char c) {
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'a':
        return '\a';
    case 'b':
        return '\b';
    default:
        return c;
    }
}

/* Reads a quoted word whose opening quote is at line[at]; returns the place behind the closing one,
 * or 0 when there is none or something is glued to it. */
static size_t read_quoted(struct slice line, size_t at, struct buf *out) {
    char quote = line.data[at++];
    while (at < line.len && line.data[at] != quote) {
        char c = line.data[at++];
        if (c == '\\' && at < line.len && (quote == '"' || line.data[at] == '\'')) {
            char escaped = line.data[at++];
            bool is_hex = quote == '"' && escaped == 'x' && at + 1 < line.len &&
                          hex_digit(line.data[at]) >= 0 && hex_digit(line.data[at + 1]) >= 0;
            if (is_hex) {
                c = (char)(hex_digit(line.data[at]) * 16 + hex_digit(line.data[at + 1]));
                at += 2;
            } else {
                c = quote == '"' ? unescape(escaped) : escaped;
            }
        }
        buf_append_char(out, c);
    }
    if (at == line.len) return 0;
    at++;
    return at == line.len || is_space(line.data[at]) ? at : 0;
}

bool config_words_split(struct slice line, struct config_words *out) {
    *out = (struct config_words){0};
    buf_reserve(&out->text, line.len + 1); /* words only get shorter: slices stay valid */
    size_t at = 0;
    for (;;) {
        while (at < line.len && is_space(line.data[at])) at++;
        if (at == line.len) return true;
        if (out->n == CONFIG_WORDS_MAX) return false;
        size_t start = out->text.len;
        while (at < line.len && !is_space(line.data[at])) {
            if (line.data[at] == '"' || line.data[at] == '\'') {
                at = read_quoted(line, at, &out->text);
                if (at == 0) return false;
                break;
            }
            buf_append_char(&out->text, line.data[at++]);
        }
        out->words[out->n++] = slice_of(out->text.data + start, out->text.len - start);
    }
}

void config_words_clear(struct config_words *words) {
    buf_free(&words->text);
    words->n = 0;
}

static bool is_plain(struct slice word) {
    for (size_t i = 0; i < word.len; i++) {
        char c = word.data[i];
        if (c <= ' ' || c > '~' || c == '"' || c == '\'' || c == '\\') return false;
    }
    return word.len > 0 && word.data[0] != '#';
}

void config_word_print(struct slice word, struct buf *out) {
    if (is_plain(word)) {
        buf_append_slice(out, word);
        return;
    }
    buf_append_char(out, '"');
    for (size_t i = 0; i < word.len; i++) {
        char c = word.data[i];
        if (c == '"' || c == '\\') {
            buf_printf(out, "\\%c", c);
        } else if (c >= ' ' && c <= '~') {
            buf_append_char(out, c);
        } else {
            buf_printf(out, "\\x%02x", (unsigned)(unsigned char)c);
        }
    }
    buf_append_char(out, '"');
}
