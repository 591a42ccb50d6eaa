#include "server/options.h"

#include "server/config_file.h"
#include "server/config_words.h"
#include "util/number.h"

static const char help[] =
    "Usage: shardforge-server [file | -] [--directive value ...]\n"
    "\n"
    "  file                 a configuration in redis.conf's syntax; - reads standard input\n"
    "  --directive value    as a line of the file, and stronger: --port 7000 --dir /var/lib/sf\n"
    "  --accept-lost-tail   start although entries of the log that were written are missing\n"
    "  --skip-entry index:crc   never run this entry of the log, which kills the node\n"
    "  --version, --help\n"
    "\n"
    "All directives are described in conf/README.md.\n";

static bool is_option(const char *arg) {
    return strncmp(arg, "--", 2) == 0 && arg[2] != '\0';
}

/* 'command line: "--port abc"', as a file's lines are named. */
static void print_where(int n, char **args, struct buf *out) {
    buf_append_text(out, "command line: \"");
    for (int i = 0; i < n; i++) {
        if (i > 0) buf_append_char(out, ' ');
        buf_append_text(out, args[i]);
    }
    buf_append_text(out, "\"");
    buf_append_char(out, '\0');
}

/* args[0] is "--name", the rest its values. */
static bool apply_option(int n, char **args, struct config *config, struct buf *error) {
    struct slice words[CONFIG_WORDS_MAX];
    struct buf where = {0}, reason = {0};
    print_where(n, args, &where);
    bool is_ok = n <= CONFIG_WORDS_MAX;
    if (!is_ok) buf_append_text(&reason, "wrong number of arguments");
    for (int i = 0; is_ok && i < n; i++) words[i] = slice_text(i == 0 ? args[i] + 2 : args[i]);
    /* --bind "10.0.0.1 ::1" may come as one argument, as in a line. */
    struct config_words split = {0};
    if (is_ok && n == 2 &&
        (slice_is(words[0], "bind") || slice_is(words[0], "cluster-join") ||
            slice_is(words[0], "client-output-buffer-limit") ||
            slice_is(words[0], "latency-tracking-info-percentiles") ||
            slice_is(words[0], "save"))) {
        is_ok = config_words_split(words[1], &split) && split.n < CONFIG_WORDS_MAX;
        if (!is_ok) buf_append_text(&reason, "Unbalanced quotes in configuration line");
        for (uint32_t i = 0; is_ok && i < split.n; i++) words[i + 1] = split.words[i];
        n = (int)split.n + 1;
    }
    is_ok = is_ok && config_apply(config, (uint32_t)n, words, where.data, &reason);
    const struct config_directive *directive = is_ok ? config_directive_find(words[0]) : NULL;
    if (directive != NULL) config->is_changed[directive - config_directives] = true;
    if (!is_ok) buf_printf(error, "%s: %.*s", where.data, (int)reason.len, reason.data);
    config_words_clear(&split);
    buf_free(&where);
    buf_free(&reason);
    return is_ok;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* "1234:5f3c0a11", as the node's log names it. */
static bool read_skip(const char *text, struct entry_skip *out) {
    const char *colon = strchr(text, ':');
    uint64_t index;
    if (colon == NULL || strlen(colon + 1) != 8) return false;
    if (!uint_parse(slice_of(text, (size_t)(colon - text)), &index) || index == 0) return false;
    *out = (struct entry_skip){.index = index};
    for (const char *at = colon + 1; *at != '\0'; at++) {
        int digit = hex_digit(*at);
        if (digit < 0) return false;
        out->crc = out->crc << 4 | (uint32_t)digit;
    }
    return true;
}

static bool add_skip(const char *text, struct start_options *options, struct buf *error) {
    struct entry_skip skip;
    if (options->n_skips < SKIPS_MAX && read_skip(text, &skip)) {
        options->skips[options->n_skips++] = skip;
        return true;
    }
    buf_printf(error,
        "command line: \"--skip-entry %s\": expected index:crc as the node's log names the entry "
        "(at "
        "most %d of them)",
        text, SKIPS_MAX);
    return false;
}

static bool apply_options(int argc, char **argv, struct config *config,
    struct start_options *options, struct buf *error) {
    for (int at = 0; at < argc;) {
        int end = at + 1;
        while (end < argc && !is_option(argv[end])) end++;
        if (!is_option(argv[at])) {
            buf_printf(error, "command line: \"%s\": expected --directive", argv[at]);
            return false;
        }
        if (strcmp(argv[at], "--accept-lost-tail") == 0 && end == at + 1) {
            options->accept_lost_tail = true;
        } else if (strcmp(argv[at], "--skip-entry") == 0 && end == at + 2) {
            if (!add_skip(argv[at + 1], options, error)) return false;
        } else if (!apply_option(end - at, argv + at, config, error)) {
            return false;
        }
        at = end;
    }
    return true;
}

enum options_outcome options_read(
    int argc, char **argv, struct config *config, struct start_options *options, struct buf *out) {
    const char *first = argc > 1 ? argv[1] : "";
    *options = (struct start_options){.accept_lost_tail = false};
    if (strcmp(first, "--version") == 0 || strcmp(first, "-v") == 0) {
        buf_append_text(out, "ShardForge server v=" SHARDFORGE_VERSION "\n");
        return OPTIONS_DONE;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        buf_append_text(out, help);
        return OPTIONS_DONE;
    }
    int at = 1;
    if (argc > 1 && !is_option(first)) {
        if (!config_read_file(config, first, out)) return OPTIONS_FAILED;
        at = 2;
    }
    if (!apply_options(argc - at, argv + at, config, options, out)) return OPTIONS_FAILED;
    return config_validate(config, out) ? OPTIONS_RUN : OPTIONS_FAILED;
}
