/* FUNCTION DUMP and RESTORE, in Redis's format:
 *   for each library: 0xf5, its text as a string; then the version (2 bytes, little-endian) and the
 *   checksum of all before. */
#include "commands/functions.h"
#include "commands/script.h"
#include "rdb/input.h"
#include "rdb/output.h"
#include "util/codec.h"
#include "util/crc64.h"

#include <string.h>

enum { OPCODE_FUNCTION = 0xf5, VERSION_WRITTEN = 10, VERSION_MAX = 11, FOOTER_BYTES = 10 };

void cmd_function_dump(struct call *call) {
    struct buf out = {0};
    const struct library *library;
    for (uint32_t i = 0; (library = library_at(call->scripts, i)) != NULL; i++) {
        struct slice code = bytes_slice(library->code);
        put_u8(&out, OPCODE_FUNCTION);
        rdb_put_string(&out, code);
    }
    put_u8(&out, VERSION_WRITTEN);
    put_u8(&out, 0);
    put_u64(&out, crc64_more(0, buf_slice(&out)));
    reply_bulk(call->reply, buf_slice(&out));
    buf_free(&out);
}

enum policy { POLICY_APPEND, POLICY_FLUSH, POLICY_REPLACE };

/* Libraries read, not yet part of the state. */
struct restored {
    uint32_t n, cap;
    struct library *libraries;
};

static bool read_libraries(struct call *call, struct slice payload, struct restored *restored) {
    struct rdb_input in = {.rest = payload,
        .string_bytes_max = (size_t)SF_MIN(call->proto_max_bulk_len, (uint64_t)UINT32_MAX)};
    while (in.rest.len > 0) {
        struct rdb_room room = {0};
        struct library library = {0};
        uint8_t opcode = rdb_get_u8(&in);
        struct slice code = rdb_get_string(&in, &room);
        bool readable = opcode == OPCODE_FUNCTION && rdb_input_good(&in);
        if (!readable)
            reply_error(call->reply, opcode != OPCODE_FUNCTION ? "ERR given type is not a function"
                                                               : "ERR Failed loading library data");
        bool good = readable && library_load(call, code, &library);
        rdb_room_free(&room);
        if (!good) {
            library_clear(&library);
            return false;
        }
        if (restored->n == restored->cap) {
            restored->cap = SF_MAX(8, 2 * restored->cap);
            restored->libraries =
                sf_realloc(restored->libraries, restored->cap * sizeof *restored->libraries);
        }
        restored->libraries[restored->n++] = library;
    }
    return true;
}

static bool shares_function(const struct library *a, const struct library *b, struct slice *name) {
    for (uint32_t i = 0; i < a->n_functions; i++) {
        for (uint32_t j = 0; j < b->n_functions; j++) {
            *name = bytes_slice(a->functions[i].name);
            if (slice_equal(*name, bytes_slice(b->functions[j].name))) return true;
        }
    }
    return false;
}

static bool names_library(const struct restored *restored, struct slice name) {
    for (uint32_t i = 0; i < restored->n; i++) {
        if (slice_equal(bytes_slice(restored->libraries[i].name), name)) return true;
    }
    return false;
}

static bool refuse(struct call *call, const char *kind, struct slice name) {
    reply_errorf(
        call->reply, "ERR %s %.*s already exists", kind, (int)SF_MIN(name.len, 1024), name.data);
    return false;
}

/* Whether all can be added; false: replied. */
static bool fits_together(struct call *call, const struct restored *restored, enum policy policy) {
    struct slice name;
    for (uint32_t i = 0; i < restored->n; i++) {
        const struct library *library = &restored->libraries[i];
        for (uint32_t j = 0; j < i; j++) {
            const struct library *other = &restored->libraries[j];
            if (slice_equal(bytes_slice(library->name), bytes_slice(other->name)))
                return refuse(call, "Library", bytes_slice(library->name));
            if (shares_function(library, other, &name)) return refuse(call, "Function", name);
        }
        if (policy == POLICY_FLUSH) continue;
        if (policy == POLICY_APPEND &&
            library_find(call->scripts, bytes_slice(library->name)) != NULL)
            return refuse(call, "Library", bytes_slice(library->name));
        const struct library *other;
        for (uint32_t j = 0; (other = library_at(call->scripts, j)) != NULL; j++) {
            if (names_library(restored, bytes_slice(other->name))) continue;
            if (shares_function(library, other, &name)) return refuse(call, "Function", name);
        }
    }
    return true;
}

static bool payload_is_good(struct slice payload) {
    if (payload.len < FOOTER_BYTES) return false;
    const unsigned char *footer = (const unsigned char *)payload.data + payload.len - FOOTER_BYTES;
    if ((footer[0] | footer[1] << 8) > VERSION_MAX) return false;
    return load_u64(footer + 2) == crc64_more(0, slice_of(payload.data, payload.len - 8));
}

void cmd_function_restore(struct call *call) {
    enum policy policy = POLICY_APPEND;
    if (call->argc > 4) {
        reply_error(call->reply, "ERR Unknown subcommand or wrong number of arguments for "
                                 "'restore'. Try FUNCTION HELP.");
        return;
    }
    if (call->argc == 4) {
        struct slice word = call->argv[3];
        if (slice_is(word, "flush")) {
            policy = POLICY_FLUSH;
        } else if (slice_is(word, "replace")) {
            policy = POLICY_REPLACE;
        } else if (!slice_is(word, "append")) {
            reply_error(call->reply, "ERR Wrong restore policy given, value should be either "
                                     "FLUSH, APPEND or REPLACE.");
            return;
        }
    }
    struct slice payload = call->argv[2];
    if (!payload_is_good(payload)) {
        reply_error(call->reply, "ERR DUMP payload version or checksum are wrong");
        return;
    }
    struct restored restored = {0};
    payload.len -= FOOTER_BYTES;
    if (read_libraries(call, payload, &restored) && fits_together(call, &restored, policy)) {
        if (policy == POLICY_FLUSH) libraries_flush(call->scripts);
        for (uint32_t i = 0; i < restored.n; i++) {
            library_remove(call->scripts, bytes_slice(restored.libraries[i].name));
            library_add(call->scripts, &restored.libraries[i]);
        }
        reply_ok(call->reply);
    }
    for (uint32_t i = 0; i < restored.n; i++) library_clear(&restored.libraries[i]);
    sf_free(restored.libraries);
}
