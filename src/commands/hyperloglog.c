/* HyperLogLogs: strings whose bytes are the counters of data/hyperloglog.h. */
#include "data/hyperloglog.h"

#include "commands/call.h"
#include "commands/functions.h"

#define TEXT_NO_COUNTER "WRONGTYPE Key is not a valid HyperLogLog string value."
#define TEXT_CORRUPT "INVALIDOBJ Corrupted HLL object detected"

/* A key's counter. */
struct counter {
    struct object *object; /* NULL: there is none */
    struct slice bytes;    /* borrowed from the object */
    char scratch[OBJECT_TEXT_MAX];
};

static bool find_counter(struct call *call, struct slice key, struct counter *counter) {
    if (!call_find_string(call, key, &counter->object)) return false;
    counter->bytes = SLICE("");
    if (counter->object == NULL) return true;
    counter->bytes = object_string(counter->object, counter->scratch);
    if (hll_is_one(counter->bytes)) return true;
    reply_error(call->reply, TEXT_NO_COUNTER);
    return false;
}

/* A copy to change, or a new one. Redis goes on with runs of registers that do not exist; here more
 * bytes than all registers can take are corrupt, so that copying is cheap. */
static bool copy_counter(struct call *call, const struct counter *counter, struct buf *out) {
    if (counter->object == NULL) {
        hll_new(out);
    } else if (counter->bytes.len > HLL_SPARSE_BYTES_MAX) {
        reply_error(call->reply, TEXT_CORRUPT);
        return false;
    } else {
        buf_append_slice(out, counter->bytes);
    }
    return true;
}

static void put_counter(
    struct call *call, struct slice key, struct counter *counter, const struct buf *bytes) {
    if (counter->object == NULL) counter->object = db_set_text(call->db, key, SLICE(""), NO_DUE);
    char *at = db_string_writable(call->db, &counter->object, bytes->len);
    memcpy(at, bytes->data + bytes->start, bytes->len);
}

static uint64_t sparse_max(const struct call *call) {
    return (uint64_t)SF_MAX(call->thresholds->hll_sparse_max_bytes, (int64_t)0);
}

/* -- PFADD ----------------------------------------------------------------------------------- */

/* In place: such a counter is 12 KiB. */
static void add_to_dense(struct call *call, struct counter *counter) {
    char *bytes = NULL;
    for (uint32_t i = 2; i < call->argc; i++) {
        struct hll_place place = hll_place_of(call->argv[i]);
        if (hll_dense_holds(counter->bytes, place)) continue;
        if (bytes == NULL) {
            bytes = db_string_writable(call->db, &counter->object, counter->bytes.len);
            counter->bytes.data = bytes; /* it may have moved */
        }
        hll_dense_raise(bytes, place);
    }
    if (bytes != NULL) {
        hll_forget_count(bytes);
        call_event(call, EVENT_STRING, "pfadd", call->argv[1]);
    }
    reply_integer(call->reply, bytes != NULL);
}

/* What was added in front of the element that shows the damage stays added. */
static void add_to_copy(struct call *call, struct counter *counter, struct buf *bytes) {
    bool changed = counter->object == NULL;
    enum hll_change change = HLL_SAME;
    for (uint32_t i = 2; i < call->argc && change != HLL_CORRUPT; i++) {
        change = hll_raise(bytes, hll_place_of(call->argv[i]), sparse_max(call));
        changed = changed || change == HLL_CHANGED;
    }
    if (changed) {
        hll_forget_count(bytes->data + bytes->start);
        put_counter(call, call->argv[1], counter, bytes);
        call_event(call, EVENT_STRING, "pfadd", call->argv[1]);
    }
    if (change == HLL_CORRUPT)
        reply_error(call->reply, TEXT_CORRUPT);
    else
        reply_integer(call->reply, changed);
}

void cmd_pfadd(struct call *call) {
    struct counter counter;
    struct buf bytes = {0};
    if (!find_counter(call, call->argv[1], &counter)) return;
    if (counter.object != NULL && hll_is_dense(counter.bytes))
        add_to_dense(call, &counter);
    else if (copy_counter(call, &counter, &bytes))
        add_to_copy(call, &counter, &bytes);
    buf_free(&bytes);
}

/* -- PFCOUNT, PFMERGE ------------------------------------------------------------------------ */

/* Merges the counters of argv[1] and on; *any_dense may be NULL. */
static bool merge_all(struct call *call, uint8_t registers[HLL_REGISTERS], bool *any_dense) {
    memset(registers, 0, HLL_REGISTERS);
    for (uint32_t i = 1; i < call->argc; i++) {
        struct counter counter;
        bool good = find_counter(call, call->argv[i], &counter);
        call_looked_up(call, call->argv[i], counter.object != NULL);
        if (!good) return false;
        if (counter.object == NULL) continue;
        if (any_dense != NULL) *any_dense |= hll_is_dense(counter.bytes);
        if (hll_merge(counter.bytes, registers)) continue;
        reply_error(call->reply, TEXT_CORRUPT);
        return false;
    }
    return true;
}

/* A master that is followed has noted the count in the counter, where everybody can read it. */
static void repeat_count(struct call *call, struct counter *counter, uint64_t count) {
    if (counter->object == NULL || !hll_count_is_stale(counter->bytes)) return;
    hll_remember_count(db_string_writable(call->db, &counter->object, counter->bytes.len), count);
}

static void count_one(struct call *call) {
    struct counter counter;
    uint64_t count = 0;
    if (!find_counter(call, call->argv[1], &counter)) return;
    uint64_t revision = counter.object == NULL ? 0 : object_revision(counter.object);
    bool is_known = keyspace_recall_count(call->keyspace, revision, &count);
    if (counter.object != NULL && !is_known && !hll_count(counter.bytes, &count)) {
        reply_error(call->reply, TEXT_CORRUPT);
        return;
    }
    if (counter.object != NULL && !is_known)
        keyspace_remember_count(call->keyspace, revision, count);
    reply_integer(call->reply, counter.object == NULL ? 0 : (int64_t)count);
    if (call->is_followed) repeat_count(call, &counter, count);
}

void cmd_pfcount(struct call *call) {
    uint8_t registers[HLL_REGISTERS];
    if (call->argc == 2)
        count_one(call);
    else if (merge_all(call, registers, NULL))
        reply_integer(call->reply, (int64_t)hll_estimate(registers));
}

static bool raise_all(struct call *call, struct buf *bytes, const uint8_t *registers) {
    for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
        struct hll_place place = {i, registers[i]};
        if (place.count > 0 && hll_raise(bytes, place, sparse_max(call)) == HLL_CORRUPT)
            return false;
    }
    return true;
}

void cmd_pfmerge(struct call *call) {
    uint8_t registers[HLL_REGISTERS];
    bool any_dense = false;
    struct counter target;
    struct buf bytes = {0};
    if (!merge_all(call, registers, &any_dense)) return;
    if (!find_counter(call, call->argv[1], &target)) return;
    if (!copy_counter(call, &target, &bytes)) return;
    if ((any_dense && !hll_make_dense(&bytes)) || !raise_all(call, &bytes, registers)) {
        reply_error(call->reply, TEXT_CORRUPT);
    } else {
        hll_forget_count(bytes.data + bytes.start);
        put_counter(call, call->argv[1], &target, &bytes);
        call_event(call, EVENT_STRING, "pfadd", call->argv[1]);
        reply_ok(call->reply);
    }
    buf_free(&bytes);
}

/* -- PFDEBUG --------------------------------------------------------------------------------- */

/* The counter becomes dense; false: it is corrupt. *was_sparse may be NULL. */
static bool debug_to_dense(struct call *call, struct counter *counter, bool *was_sparse) {
    struct buf bytes = {0};
    *was_sparse = !hll_is_dense(counter->bytes);
    bool good = true;
    if (*was_sparse) {
        good = copy_counter(call, counter, &bytes);
        if (good && !hll_make_dense(&bytes)) {
            reply_error(call->reply, TEXT_CORRUPT);
            good = false;
        }
        if (good) put_counter(call, call->argv[2], counter, &bytes);
        counter->bytes = object_string(counter->object, counter->scratch);
    }
    buf_free(&bytes);
    return good;
}

static void debug_registers(struct call *call, struct counter *counter) {
    bool was_sparse;
    uint8_t registers[HLL_REGISTERS] = {0};
    if (!debug_to_dense(call, counter, &was_sparse)) return;
    if (!hll_merge(counter->bytes, registers)) return;
    reply_array(call->reply, HLL_REGISTERS);
    for (size_t i = 0; i < HLL_REGISTERS; i++) reply_integer(call->reply, registers[i]);
}

static void debug_runs(struct call *call, const struct counter *counter) {
    if (hll_is_dense(counter->bytes)) {
        reply_error(call->reply, "ERR HLL encoding is not sparse");
        return;
    }
    if (counter->bytes.len > HLL_SPARSE_BYTES_MAX) {
        reply_error(call->reply, TEXT_CORRUPT);
        return;
    }
    struct buf text = {0};
    struct hll_run run;
    size_t at = HLL_HEADER_BYTES;
    while (hll_next_run(counter->bytes, &at, &run)) {
        if (text.len > 0) buf_append_char(&text, ' ');
        if (run.count > 0)
            buf_printf(&text, "v:%u,%u", (unsigned)run.count, (unsigned)run.len);
        else
            buf_printf(&text, "%c:%u", run.bytes == 2 ? 'Z' : 'z', (unsigned)run.len);
    }
    if (at < counter->bytes.len) { /* of two bytes, and one is there: Redis reads the zero behind */
        if (text.len > 0) buf_append_char(&text, ' ');
        buf_printf(&text, "Z:%u", (((unsigned)counter->bytes.data[at] & 0x3f) << 8) + 1);
    }
    reply_bulk(call->reply, text.len == 0 ? SLICE("") : buf_slice(&text));
    buf_free(&text);
}

void cmd_pfdebug(struct call *call) {
    struct slice word = call->argv[1];
    struct counter counter;
    bool was_sparse;
    if (!call_find_string(call, call->argv[2], &counter.object)) return;
    if (counter.object == NULL) {
        reply_error(call->reply, "ERR The specified key does not exist");
        return;
    }
    if (!find_counter(call, call->argv[2], &counter)) return;
    if (slice_is(word, "getreg")) {
        debug_registers(call, &counter);
    } else if (slice_is(word, "decode")) {
        debug_runs(call, &counter);
    } else if (slice_is(word, "encoding")) {
        reply_status(call->reply, hll_is_dense(counter.bytes) ? "dense" : "sparse");
    } else if (slice_is(word, "todense")) {
        if (debug_to_dense(call, &counter, &was_sparse)) reply_integer(call->reply, was_sparse);
    } else {
        reply_errorf(call->reply, "ERR Unknown PFDEBUG subcommand '%.*s'",
            shown_bytes(word, word.len), word.data);
    }
}

/* -- PFSELFTEST ------------------------------------------------------------------------------ */

/* One counter that may be sparse and one that is dense, given the same elements, agree, and neither
 * is far from the truth: four standard errors, of 1.04 / sqrt(16384) each. */
static bool self_test(void) {
    struct buf counters[2] = {{0}, {0}};
    bool good = true;
    for (size_t i = 0; i < 2; i++) hll_new(&counters[i]);
    good = hll_make_dense(&counters[1]);
    for (uint64_t n = 1, next = 10; n <= 100000 && good; n++) {
        struct hll_place place = hll_place_of(slice_of(&n, sizeof n));
        enum hll_change changes[2];
        for (size_t i = 0; i < 2; i++) changes[i] = hll_raise(&counters[i], place, 3000);
        good = changes[0] == changes[1];
        if (n < next) continue;
        next *= 10;
        uint64_t counts[2] = {0, 0};
        for (size_t i = 0; i < 2; i++) {
            hll_forget_count(counters[i].data + counters[i].start);
            good = good && hll_count(buf_slice(&counters[i]), &counts[i]);
        }
        uint64_t error = counts[0] > n ? counts[0] - n : n - counts[0];
        good = good && counts[0] == counts[1] && error * 128 <= n * 4 + 128;
    }
    for (size_t i = 0; i < 2; i++) buf_free(&counters[i]);
    return good;
}

void cmd_pfselftest(struct call *call) {
    if (self_test())
        reply_ok(call->reply);
    else
        reply_error(call->reply, "ERR a HyperLogLog miscounts");
}
