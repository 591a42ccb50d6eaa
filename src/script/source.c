/* What is asked of a script's text before anything runs: its hash, its first line. */
#include "script/script.h"
#include "util/buf.h"
#include "util/sha1.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t flag;
} flags_known[] = {{"no-writes", SCRIPT_NO_WRITES}, {"allow-oom", SCRIPT_ALLOW_OOM},
    {"allow-stale", SCRIPT_ALLOW_STALE}, {"no-cluster", SCRIPT_NO_CLUSTER},
    {"allow-cross-slot-keys", SCRIPT_CROSS_SLOT}};

uint32_t script_flag_of(struct slice name) {
    for (size_t i = 0; i < SF_LENGTH(flags_known); i++) {
        if (slice_equal(name, slice_text(flags_known[i].name))) return flags_known[i].flag;
    }
    return 0;
}

const char *script_flag_name(uint32_t flag) {
    for (size_t i = 0; i < SF_LENGTH(flags_known); i++) {
        if (flags_known[i].flag == flag) return flags_known[i].name;
    }
    return NULL;
}

void script_sha(struct slice source, char out[SCRIPT_SHA_BYTES + 1]) {
    static const char digits[] = "0123456789abcdef";
    uint8_t sha[SHA1_BYTES];
    sha1(source, sha);
    for (size_t i = 0; i < SHA1_BYTES; i++) {
        out[2 * i] = digits[sha[i] >> 4];
        out[2 * i + 1] = digits[sha[i] & 15];
    }
    out[SCRIPT_SHA_BYTES] = 0;
}

/* The text up to the first of the separators; moves behind it. */
static struct slice take_until(struct slice *rest, char separator) {
    const char *end = rest->len == 0 ? NULL : memchr(rest->data, separator, rest->len);
    struct slice part = slice_of(rest->data, end == NULL ? rest->len : (size_t)(end - rest->data));
    size_t skip = part.len + (end != NULL);
    *rest = slice_of(rest->data + skip, rest->len - skip);
    return part;
}

static bool read_flags(struct slice list, uint32_t *flags, struct buf *error) {
    while (list.len > 0) {
        struct slice name = take_until(&list, ',');
        uint32_t flag = script_flag_of(name);
        if (name.len > 0 && flag == 0) {
            buf_printf(error, "ERR Unexpected flag in script shebang: %.*s",
                (int)SF_MIN(name.len, 1024), name.data);
            return false;
        }
        *flags |= flag;
    }
    return true;
}

bool script_shebang(struct slice source, uint32_t *flags, struct slice *body, struct buf *error) {
    *flags = SCRIPT_COMPAT;
    *body = source;
    if (source.len < 2 || memcmp(source.data, "#!", 2) != 0) return true;
    *flags = 0;
    const char *end = memchr(source.data, '\n', source.len);
    if (end == NULL) {
        buf_append_text(error, "ERR Invalid script shebang");
        return false;
    }
    struct slice line = slice_of(source.data, (size_t)(end - source.data));
    *body = slice_of(end, source.len - line.len);
    struct slice engine = take_until(&line, ' ');
    if (!slice_equal(engine, SLICE("#!lua"))) {
        buf_printf(error, "ERR Unexpected engine in script shebang: %.*s",
            (int)SF_MIN(engine.len, 1024), engine.data);
        return false;
    }
    while (line.len > 0) {
        struct slice option = take_until(&line, ' ');
        if (option.len == 0) continue;
        if (option.len < 6 || memcmp(option.data, "flags=", 6) != 0) {
            buf_printf(error, "ERR Unknown lua shebang option: %.*s", (int)SF_MIN(option.len, 1024),
                option.data);
            return false;
        }
        if (!read_flags(slice_of(option.data + 6, option.len - 6), flags, error)) return false;
    }
    return true;
}
