#include "server/config_file.h"

#include "server/config_words.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- lines ----------------------------------------------------------------------------------- */

/* Takes the next line off text, without its end. */
static struct slice next_line(struct slice *text) {
    const char *end = memchr(text->data, '\n', text->len);
    struct slice line = slice_of(text->data, end == NULL ? text->len : (size_t)(end - text->data));
    size_t taken = line.len + (end != NULL);
    *text = slice_of(text->data + taken, text->len - taken);
    if (line.len > 0 && line.data[line.len - 1] == '\r') line.len--;
    return line;
}

static struct slice trim(struct slice line) {
    while (line.len > 0 && strchr(" \t\v\f", line.data[0]) != NULL && line.data[0] != '\0') {
        line = slice_of(line.data + 1, line.len - 1);
    }
    while (line.len > 0 && strchr(" \t\v\f", line.data[line.len - 1]) != NULL &&
           line.data[line.len - 1] != '\0') {
        line.len--;
    }
    return line;
}

static bool is_comment(struct slice line) {
    return line.len == 0 || line.data[0] == '#';
}

static bool read_all(int fd, const char *path, struct buf *out, struct buf *error) {
    for (;;) {
        ssize_t n = read(fd, buf_reserve(out, 16384), 16384);
        if (n == 0) return true;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            buf_printf(error, "%s: %s", path, strerror(errno));
            return false;
        }
        buf_commit(out, (size_t)n);
        if (out->len > CONFIG_FILE_BYTES_MAX) {
            buf_printf(error, "%s: larger than a configuration file may be", path);
            return false;
        }
    }
}

bool config_load_text(const char *path, struct buf *out, struct buf *error) {
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        buf_printf(error, "%s: %s", path, strerror(errno));
        return false;
    }
    bool is_ok = read_all(fd, is_stdin ? "standard input" : path, out, error);
    if (!is_stdin) close(fd);
    return is_ok;
}

/* -- reading --------------------------------------------------------------------------------- */

static bool read_text(
    struct config *config, const char *name, struct slice text, int depth, struct buf *error);

static bool read_included(
    struct config *config, uint32_t n, const struct slice *words, int depth, struct buf *error) {
    if (n != 2) {
        buf_append_text(error, "wrong number of arguments");
        return false;
    }
    if (depth >= CONFIG_INCLUDE_DEPTH_MAX) {
        buf_append_text(error, "files include each other too deeply");
        return false;
    }
    struct buf text = {0}, path = {0};
    buf_append_slice(&path, words[1]);
    buf_append_char(&path, '\0');
    bool is_ok = config_load_text(path.data, &text, error) &&
                 read_text(config, path.data, buf_slice(&text), depth + 1, error);
    buf_free(&text);
    buf_free(&path);
    return is_ok;
}

static bool read_line(
    struct config *config, const char *where, struct slice line, int depth, struct buf *error) {
    struct config_words words;
    bool is_ok = config_words_split(line, &words);
    if (!is_ok) {
        buf_append_text(error, "Unbalanced quotes in configuration line");
    } else if (words.n == 0) {
        is_ok = true; /* nothing but white space */
    } else if (slice_is(words.words[0], "include")) {
        is_ok = read_included(config, words.n, words.words, depth, error);
    } else {
        is_ok = config_apply(config, words.n, words.words, where, error);
    }
    config_words_clear(&words);
    return is_ok;
}

static bool read_text(
    struct config *config, const char *name, struct slice text, int depth, struct buf *error) {
    for (unsigned number = 1; text.len > 0; number++) {
        struct slice line = trim(next_line(&text));
        if (is_comment(line)) continue;
        struct buf where = {0}, reason = {0};
        buf_printf(
            &where, "%s:%u: \"%.*s\"", name, number, (int)SF_MIN(line.len, (size_t)200), line.data);
        buf_append_char(&where, '\0');
        bool is_ok = read_line(config, where.data, line, depth, &reason);
        if (!is_ok) buf_printf(error, "%s: ", where.data);
        buf_append_slice(error, buf_slice(&reason));
        buf_free(&where);
        buf_free(&reason);
        if (!is_ok) return false;
    }
    return true;
}

bool config_read_text(
    struct config *config, const char *name, struct slice text, struct buf *error) {
    return read_text(config, name, text, 0, error);
}

bool config_read_file(struct config *config, const char *path, struct buf *error) {
    struct buf text = {0};
    bool is_stdin = strcmp(path, "-") == 0;
    bool is_ok =
        config_load_text(path, &text, error) &&
        config_read_text(config, is_stdin ? "standard input" : path, buf_slice(&text), error);
    buf_free(&text);
    if (is_ok && !is_stdin) config->file = realpath(path, NULL);
    return is_ok;
}

/* -- rewriting ------------------------------------------------------------------------------- */

static void print_line(
    const struct config *config, const struct config_directive *directive, struct buf *out) {
    const struct config_join *join = &config->values.cluster_join;
    if (directive->type == TYPE_JOIN) {
        for (uint32_t i = 0; i < join->n; i++) {
            buf_printf(out, "%s %s %u %u\n", directive->name, join->addresses[i].host,
                (unsigned)join->addresses[i].port, (unsigned)join->addresses[i].bus_port);
        }
        return;
    }
    struct buf value = {0};
    config_print(&config->values, directive, &value);
    buf_printf(out, "%s ", directive->name);
    if (directive->type == TYPE_BIND || directive->type == TYPE_LIMITS ||
        directive->type == TYPE_PERCENTILES || directive->type == TYPE_SAVE) {
        buf_append_slice(out, buf_slice(&value));
    } else {
        config_word_print(buf_slice(&value), out);
    }
    buf_append_char(out, '\n');
    buf_free(&value);
}

/* Whether a file that ends with this line would set what is set now. */
static bool says_the_same(
    const struct config *config, const struct config_directive *directive, struct slice line) {
    struct config *other = config_new();
    struct buf ignored = {0}, a = {0}, b = {0};
    bool is_same = config_read_text(other, "", line, &ignored);
    config_print(&config->values, directive, &a);
    config_print(&other->values, directive, &b);
    is_same = is_same && slice_equal(buf_slice(&a), buf_slice(&b));
    config_free(other);
    buf_free(&ignored);
    buf_free(&a);
    buf_free(&b);
    return is_same;
}

static const struct config_directive *directive_of(struct slice line) {
    struct config_words words;
    const struct config_directive *directive = NULL;
    if (config_words_split(line, &words) && words.n > 0) {
        directive = config_directive_find(words.words[0]);
    }
    config_words_clear(&words);
    return directive;
}

/* One that is written anew at the end. */
static bool is_changed_inert(const struct config *config, struct slice line) {
    struct config_words words;
    int place = -1;
    if (config_words_split(line, &words) && words.n > 0) place = config_inert_find(words.words[0]);
    config_words_clear(&words);
    return place >= 0 && config->inert_is_changed[place];
}

static void print_inert(const struct config *config, uint32_t place, struct buf *out) {
    const struct config_inert *inert = config_inert_at(place);
    const char *value = config->inert[place] != NULL ? config->inert[place] : inert->value;
    buf_printf(out, "%s ", inert->name);
    config_word_print(slice_text(value), out);
    buf_append_char(out, '\n');
}

static void rewrite_text(const struct config *config, struct slice text, struct buf *out) {
    bool is_written[CONFIG_DIRECTIVES_MAX] = {false};
    while (text.len > 0) {
        struct slice line = next_line(&text);
        const struct config_directive *directive =
            is_comment(trim(line)) ? NULL : directive_of(trim(line));
        if (directive == NULL && is_changed_inert(config, trim(line))) continue;
        bool *written = directive == NULL ? NULL : &is_written[directive - config_directives];
        if (directive == NULL || (!*written && says_the_same(config, directive, trim(line)))) {
            buf_append_slice(out, line);
            buf_append_char(out, '\n');
        } else if (!*written) {
            print_line(config, directive, out);
        }
        if (written != NULL) *written = true;
    }
    bool has_heading = false;
    for (uint32_t i = 0; i < config_directive_count(); i++) {
        if (is_written[i] || !config->is_changed[i]) continue;
        if (!has_heading) buf_append_text(out, "# Added by CONFIG REWRITE\n");
        has_heading = true;
        print_line(config, &config_directives[i], out);
    }
    for (uint32_t i = 0; i < config_inert_count(); i++) {
        if (config->inert_is_changed[i]) print_inert(config, i, out);
    }
}

static bool write_all(int fd, struct slice bytes) {
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.data, bytes.len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        bytes = slice_of(bytes.data + n, bytes.len - (size_t)n);
    }
    return true;
}

static bool sync_directory_of(const char *path) {
    char *copy = sf_strdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    sf_free(copy);
    bool is_ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    return is_ok;
}

/* Written aside, synced, renamed, the directory synced: at no moment is there half a file. */
bool config_replace_file(const char *path, struct slice bytes) {
    struct buf aside = {0};
    buf_printf(&aside, "%s.%d.new", path, (int)getpid());
    buf_append_char(&aside, '\0');
    struct stat old;
    mode_t mode = stat(path, &old) == 0 ? old.st_mode & 07777 : 0600;
    int fd = open(aside.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool is_ok = fd >= 0 && fchmod(fd, mode) == 0 && write_all(fd, bytes) && fsync(fd) == 0;
    int error = errno;
    if (fd >= 0) close(fd);
    if (is_ok) {
        is_ok = rename(aside.data, path) == 0 && sync_directory_of(path);
        error = errno;
    }
    if (!is_ok && fd >= 0) unlink(aside.data);
    buf_free(&aside);
    errno = error;
    return is_ok;
}

bool config_rewrite(struct config *config, struct buf *error) {
    if (config->file == NULL) {
        buf_append_text(error, "The server is running without a config file");
        return false;
    }
    struct buf text = {0}, rewritten = {0};
    bool is_ok = config_load_text(config->file, &text, error);
    if (is_ok) {
        rewrite_text(config, buf_slice(&text), &rewritten);
        is_ok = config_replace_file(config->file, buf_slice(&rewritten));
        if (!is_ok) buf_append_text(error, strerror(errno));
    }
    buf_free(&text);
    buf_free(&rewritten);
    return is_ok;
}
