/* FUNCTION DUMP and RESTORE, in Redis's format:
 *   for each library: 0xf5, its text as a string; then the version (2 bytes, little-endian) and the
 *   CRC-64 (Jones) of all before.
 * A string is a length and bytes, or 0xc3, the compressed and the full length, and LZF. */
#include "commands/functions.h"
#include "commands/script.h"
#include "util/codec.h"

#include <string.h>

enum { OPCODE_FUNCTION = 0xf5, VERSION_WRITTEN = 10, VERSION_MAX = 11, FOOTER_BYTES = 10 };

static uint64_t crc64_jones(struct slice bytes) {
    uint64_t crc = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (unsigned char)bytes.data[i];
        for (int bit = 0; bit < 8; bit++) /* the polynomial 0xad93d23594c935a9, reflected */
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x95ac9329ac4bc9b5u : 0);
    }
    return crc;
}

/* -- writing
 * --------------------------------------------------------------------------------------- */

static void put_length(struct buf *out, uint64_t len) {
    if (len < 64) {
        put_u8(out, (uint8_t)len);
    } else if (len < 16384) {
        put_u8(out, (uint8_t)(0x40 | len >> 8));
        put_u8(out, (uint8_t)len);
    } else {
        put_u8(out, 0x80);
        for (int shift = 24; shift >= 0; shift -= 8) put_u8(out, (uint8_t)(len >> shift));
    }
}

void cmd_function_dump(struct call *call) {
    struct buf out = {0};
    const struct library *library;
    for (uint32_t i = 0; (library = library_at(call->scripts, i)) != NULL; i++) {
        struct slice code = bytes_slice(library->code);
        put_u8(&out, OPCODE_FUNCTION);
        put_length(&out, code.len);
        buf_append_slice(&out, code);
    }
    put_u8(&out, VERSION_WRITTEN);
    put_u8(&out, 0);
    put_u64(&out, crc64_jones(buf_slice(&out)));
    reply_bulk(call->reply, buf_slice(&out));
    buf_free(&out);
}

/* -- reading
 * --------------------------------------------------------------------------------------- */

static uint64_t read_big_endian(struct reader *in, int n) {
    uint64_t value = 0;
    for (int i = 0; i < n; i++) value = value << 8 | read_u8(in);
    return value;
}

/* *encoding: -1, or the special encoding that stands instead of a length. */
static uint64_t read_length(struct reader *in, int *encoding) {
    uint8_t head = read_u8(in);
    *encoding = -1;
    switch (head >> 6) {
    case 0:
        return head & 63;
    case 1:
        return (uint64_t)(head & 63) << 8 | read_u8(in);
    case 2:
        if (head == 0x80) return read_big_endian(in, 4);
        if (head == 0x81) return read_big_endian(in, 8);
        break;
    default:
        *encoding = head & 63;
        return 0;
    }
    in->failed = true;
    return 0;
}

/* LZF: a byte below 32 is a run of so many literal bytes and one; otherwise three bits of length
 * (7: another byte follows) and 13 of distance, from what was written. */
static bool lzf_expand(struct slice in, char *out, size_t len) {
    size_t at = 0, written = 0;
    while (at < in.len) {
        size_t control = (unsigned char)in.data[at++];
        if (control < 32) {
            size_t run = control + 1;
            if (run > in.len - at || run > len - written) return false;
            memcpy(out + written, in.data + at, run);
            at += run;
            written += run;
            continue;
        }
        size_t run = control >> 5;
        if (run == 7 && at < in.len) run += (unsigned char)in.data[at++];
        if (at >= in.len) return false;
        size_t distance = ((control & 31) << 8 | (unsigned char)in.data[at++]) + 1;
        run += 2;
        if (distance > written || run > len - written) return false;
        for (size_t i = 0; i < run; i++, written++) out[written] = out[written - distance];
    }
    return written == len;
}

/* Appends the string to out; false: malformed. */
static bool read_text(struct call *call, struct reader *in, struct buf *out) {
    enum { ENCODING_LZF = 3 };
    int encoding;
    uint64_t len = read_length(in, &encoding);
    if (encoding == -1) {
        if (in->failed || len > in->rest.len) return false;
        buf_append_slice(out, read_bytes(in, (size_t)len));
        return !in->failed;
    }
    int ignored;
    uint64_t packed = read_length(in, &ignored), full = read_length(in, &ignored);
    bool good = encoding == ENCODING_LZF && !in->failed && packed <= in->rest.len &&
                full <= call->proto_max_bulk_len && full / 300 <= packed;
    if (!good) return false;
    struct slice bytes = read_bytes(in, (size_t)packed);
    char *room = buf_reserve(out, (size_t)full);
    if (!lzf_expand(bytes, room, (size_t)full)) return false;
    buf_commit(out, (size_t)full);
    return true;
}

enum policy { POLICY_APPEND, POLICY_FLUSH, POLICY_REPLACE };

/* Libraries read, not yet part of the state. */
struct restored {
    uint32_t n, cap;
    struct library *libraries;
};

static bool read_libraries(struct call *call, struct slice payload, struct restored *restored) {
    struct reader in = reader_of(payload);
    while (in.rest.len > 0) {
        struct buf code = {0};
        struct library library = {0};
        uint8_t opcode = read_u8(&in);
        bool readable = opcode == OPCODE_FUNCTION && read_text(call, &in, &code);
        if (!readable)
            reply_error(call->reply, opcode != OPCODE_FUNCTION ? "ERR given type is not a function"
                                                               : "ERR Failed loading library data");
        bool good = readable && library_load(call, buf_slice(&code), &library);
        buf_free(&code);
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
    return load_u64(footer + 2) == crc64_jones(slice_of(payload.data, payload.len - 8));
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
