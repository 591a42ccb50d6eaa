#include "rdb/reader.h"

#include "util/codec.h"
#include "util/crc64.h"

#define PENDING_KEPT ((size_t)1 << 20)

enum stage { STAGE_HEADER, STAGE_ITEM, STAGE_VALUE, STAGE_CHECKSUM, STAGE_ENDED };

/* For values whose form is known: packed ones, and the others. */
static const struct thresholds all_packed = {.hash_max_listpack_entries = INT64_MAX,
    .hash_max_listpack_value = INT64_MAX,
    .set_max_intset_entries = INT64_MAX,
    .set_max_listpack_entries = INT64_MAX,
    .set_max_listpack_value = INT64_MAX,
    .zset_max_listpack_entries = INT64_MAX,
    .zset_max_listpack_value = INT64_MAX,
    .list_max_listpack_size = INT64_MAX};
static const struct thresholds none_packed = {0};

struct rdb_reader {
    struct rdb_target target, packed_target, other_target;
    struct buf pending; /* fed, summed from its front on; events borrow from it */
    struct slice left;  /* of it, what was not used */
    enum stage stage;
    uint32_t version;
    uint64_t checksum; /* of what was in front of pending */
    uint64_t db;
    int64_t due_ms; /* of the next key */
    struct buf key;
    struct rdb_value_reader value;
    struct rdb_room name, text;
    uint64_t n_empty_keys;
    bool is_summed;
    uint8_t forms[RDB_FORMS_MAX]; /* of the keys to come */
    uint32_t n_forms, next_form;
    enum sf_status status;
    const char *why;
};

/* What one step came to. */
enum outcome { OUTCOME_EVENT, OUTCOME_GO_ON, OUTCOME_SHORT };

struct rdb_reader *rdb_reader_new(const struct rdb_target *target) {
    struct rdb_reader *reader = sf_alloc_zero(1, sizeof *reader);
    reader->target = *target;
    reader->packed_target = reader->other_target = *target;
    reader->packed_target.thresholds = &all_packed;
    reader->other_target.thresholds = &none_packed;
    reader->value.target = &reader->target;
    reader->due_ms = NO_DUE;
    return reader;
}

void rdb_reader_free(struct rdb_reader *reader) {
    rdb_value_reader_free(&reader->value);
    rdb_room_free(&reader->name);
    rdb_room_free(&reader->text);
    buf_free(&reader->key);
    buf_free(&reader->pending);
    sf_free(reader);
}

/* Drops what was used from the front; summed at once, for pieces cost more one by one. */
static void drop_used(struct rdb_reader *reader) {
    struct slice all = buf_slice(&reader->pending);
    size_t used = all.len - reader->left.len;
    reader->checksum = crc64_more(reader->checksum, slice_of(all.data, used));
    buf_consume(&reader->pending, used);
}

void rdb_reader_feed(struct rdb_reader *reader, struct slice bytes) {
    drop_used(reader);
    buf_shrink(&reader->pending, PENDING_KEPT);
    buf_append_slice(&reader->pending, bytes);
    reader->left = buf_slice(&reader->pending);
}

void rdb_reader_expect(struct rdb_reader *reader, const uint8_t *encodings, uint32_t n) {
    SF_ASSERT(n <= RDB_FORMS_MAX && rdb_reader_expected(reader) == 0);
    memcpy(reader->forms, encodings, n);
    reader->n_forms = n;
    reader->next_form = 0;
}

uint32_t rdb_reader_expected(const struct rdb_reader *reader) {
    return reader->n_forms - reader->next_form;
}

const char *rdb_reader_why(const struct rdb_reader *reader) {
    return reader->why == NULL ? "" : reader->why;
}

uint32_t rdb_reader_version(const struct rdb_reader *reader) {
    return reader->version;
}

uint64_t rdb_reader_empty_keys(const struct rdb_reader *reader) {
    return reader->n_empty_keys;
}

bool rdb_reader_is_summed(const struct rdb_reader *reader) {
    return reader->is_summed;
}

struct slice rdb_reader_rest(const struct rdb_reader *reader) {
    return reader->left;
}

/* -- header and end -------------------------------------------------------------------------- */

static enum outcome read_header(struct rdb_reader *reader, struct rdb_input *in) {
    char header[RDB_HEADER_BYTES];
    for (size_t i = 0; i < sizeof header; i++) header[i] = (char)rdb_get_u8(in);
    if (in->is_short) return OUTCOME_SHORT;
    uint32_t version = 0;
    bool is_good = memcmp(header, "REDIS", 5) == 0;
    for (size_t i = 5; i < sizeof header; i++) {
        is_good &= header[i] >= '0' && header[i] <= '9';
        version = version * 10 + (uint32_t)(uint8_t)(header[i] - '0');
    }
    if (!is_good || version == 0)
        rdb_input_fail(in, SF_ERR_CORRUPT, "not a dump of Redis");
    else if (version > RDB_VERSION_READ_MAX)
        rdb_input_fail(in, SF_ERR_REFUSED, "a dump of a later version");
    else
        reader->version = version;
    reader->stage = STAGE_ITEM;
    return OUTCOME_GO_ON;
}

static enum outcome read_checksum(
    struct rdb_reader *reader, struct rdb_input *in, struct rdb_event *event) {
    if (reader->version >= RDB_CHECKSUM_SINCE) {
        drop_used(reader);
        uint64_t checksum = rdb_get_u64(in);
        if (in->is_short) return OUTCOME_SHORT;
        if (checksum != 0 && checksum != reader->checksum) /* 0: it was written without */
            rdb_input_fail(in, SF_ERR_CORRUPT, "the checksum is wrong");
        reader->is_summed = checksum == reader->checksum;
    }
    reader->stage = STAGE_ENDED;
    event->kind = RDB_EVENT_END;
    return OUTCOME_EVENT;
}

/* -- keys ------------------------------------------------------------------------------------ */

static const char other_form[] = "a value that cannot have the form that is said of it";

static bool is_packed(enum object_encoding encoding) {
    return encoding == ENCODING_LISTPACK || encoding == ENCODING_INTSET;
}

/* The form of the value to come, where it is known. */
static void take_form(struct rdb_reader *reader, struct rdb_input *in) {
    struct rdb_value_reader *value = &reader->value;
    value->is_exact = false;
    value->target = &reader->target;
    if (reader->next_form == reader->n_forms) return;
    enum object_encoding form = (enum object_encoding)reader->forms[reader->next_form++];
    if (value->value.type == OBJECT_STRING) return; /* whoever enters it sees to that */
    if (collection_form(value->value.type, form) == NULL)
        rdb_input_fail(in, SF_ERR_CORRUPT, other_form);
    value->is_exact = true;
    value->wanted = form;
    value->target = is_packed(form) ? &reader->packed_target : &reader->other_target;
}

static void begin_key(struct rdb_reader *reader, struct rdb_input *in, uint8_t type) {
    struct slice key = rdb_get_string(in, &reader->name);
    if (!rdb_input_good(in)) return;
    const char *why = NULL;
    enum sf_status status = rdb_value_reader_begin(&reader->value, type, &why);
    if (status != SF_OK) rdb_input_fail(in, status, why);
    take_form(reader, in);
    buf_clear(&reader->key);
    buf_append_slice(&reader->key, key);
    reader->stage = STAGE_VALUE;
}

static enum outcome read_value(
    struct rdb_reader *reader, struct rdb_input *in, struct rdb_event *event) {
    enum rdb_progress progress = rdb_value_read(&reader->value, in);
    if (progress == RDB_SHORT) return OUTCOME_SHORT;
    if (progress == RDB_FAILED) return OUTCOME_GO_ON;
    const struct rdb_value_reader *value = &reader->value;
    if (value->is_exact && value->value.collection.encoding != value->wanted)
        rdb_input_fail(in, SF_ERR_CORRUPT, other_form);
    event->kind = RDB_EVENT_KEY;
    event->db = reader->db;
    event->key = buf_slice(&reader->key);
    event->due_ms = reader->due_ms;
    event->value = &reader->value.value;
    reader->due_ms = NO_DUE;
    reader->stage = STAGE_ITEM;
    if (progress == RDB_DONE) return OUTCOME_EVENT;
    reader->n_empty_keys++;
    return OUTCOME_GO_ON;
}

/* -- what stands between keys ---------------------------------------------------------------- */

/* NO_DUE itself is "never" here and "in 292 million years" there. */
static void set_due(struct rdb_reader *reader, const struct rdb_input *in, int64_t due_ms) {
    if (rdb_input_good(in)) reader->due_ms = due_ms == NO_DUE ? NO_DUE - 1 : due_ms;
}

static enum outcome read_db(
    struct rdb_reader *reader, struct rdb_input *in, struct rdb_event *event) {
    uint64_t number = rdb_get_length(in);
    if (number > UINT32_MAX) rdb_input_fail(in, SF_ERR_CORRUPT, "no number of a database");
    if (rdb_input_good(in)) reader->db = number;
    event->kind = RDB_EVENT_DB;
    event->db = number;
    return OUTCOME_EVENT;
}

static enum outcome read_texts(struct rdb_reader *reader, struct rdb_input *in,
    struct rdb_event *event, enum rdb_event_kind kind) {
    event->kind = kind;
    if (kind == RDB_EVENT_AUX) event->name = rdb_get_string(in, &reader->name);
    event->text = rdb_get_string(in, &reader->text);
    return OUTCOME_EVENT;
}

static enum outcome read_sizes(struct rdb_input *in, struct rdb_event *event) {
    event->kind = RDB_EVENT_SIZES;
    event->n_keys = rdb_get_length(in);
    event->n_expiring = rdb_get_length(in);
    return OUTCOME_EVENT;
}

static enum outcome read_item(
    struct rdb_reader *reader, struct rdb_input *in, struct rdb_event *event) {
    uint8_t opcode = rdb_get_u8(in);
    if (in->is_short) return OUTCOME_SHORT;
    switch (opcode) {
    case RDB_OPCODE_AUX:
        return read_texts(reader, in, event, RDB_EVENT_AUX);
    case RDB_OPCODE_FUNCTION_2:
        return read_texts(reader, in, event, RDB_EVENT_FUNCTION);
    case RDB_OPCODE_SELECT_DB:
        return read_db(reader, in, event);
    case RDB_OPCODE_RESIZE_DB:
        return read_sizes(in, event);
    case RDB_OPCODE_EXPIRE_TIME_MS:
        set_due(reader, in, (int64_t)rdb_get_u64(in));
        break;
    case RDB_OPCODE_EXPIRE_TIME:
        set_due(reader, in, (int64_t)(int32_t)rdb_get_u32(in) * 1000);
        break;
    case RDB_OPCODE_IDLE: /* no access times are kept */
        rdb_get_length(in);
        break;
    case RDB_OPCODE_FREQ:
        rdb_get_u8(in);
        break;
    case RDB_OPCODE_SLOT_INFO: /* a hint of cluster mode: slot, keys, expiring keys */
        for (int i = 0; i < 3; i++) rdb_get_length(in);
        break;
    case RDB_OPCODE_MODULE_AUX:
        rdb_input_fail(in, SF_ERR_REFUSED, "data of a module");
        break;
    case RDB_OPCODE_FUNCTION_PRE_RELEASE:
        rdb_input_fail(in, SF_ERR_REFUSED, "functions of a Redis 7.0 before its release");
        break;
    case RDB_OPCODE_END:
        reader->stage = STAGE_CHECKSUM;
        break;
    default:
        if (rdb_type_is_value(opcode))
            begin_key(reader, in, opcode);
        else
            rdb_input_fail(in, SF_ERR_CORRUPT, "an unknown opcode");
    }
    return OUTCOME_GO_ON;
}

/* -- events ---------------------------------------------------------------------------------- */

static enum outcome step(struct rdb_reader *reader, struct rdb_input *in, struct rdb_event *event) {
    switch (reader->stage) {
    case STAGE_HEADER:
        return read_header(reader, in);
    case STAGE_ITEM:
        return read_item(reader, in, event);
    case STAGE_VALUE:
        return read_value(reader, in, event);
    case STAGE_CHECKSUM:
        return read_checksum(reader, in, event);
    case STAGE_ENDED:
        break;
    }
    SF_ASSERT(false);
    return OUTCOME_GO_ON;
}

enum sf_status rdb_reader_next(struct rdb_reader *reader, struct rdb_event *event) {
    SF_ASSERT(reader->stage != STAGE_ENDED && reader->status == SF_OK);
    if (reader->stage == STAGE_ITEM) rdb_value_reader_clear(&reader->value);
    for (;;) {
        struct rdb_input in = {
            .rest = reader->left, .string_bytes_max = reader->target.string_bytes_max};
        *event = (struct rdb_event){.due_ms = NO_DUE};
        enum outcome outcome = step(reader, &in, event);
        reader->status = in.status;
        reader->why = in.why;
        if (in.status != SF_OK) return in.status;
        bool is_short = in.is_short || outcome == OUTCOME_SHORT;
        /* a value's pieces are used one by one, anything else as a whole or not at all */
        if (!is_short || reader->stage == STAGE_VALUE) reader->left = in.rest;
        if (is_short) {
            event->kind = RDB_EVENT_MORE;
            return SF_OK;
        }
        if (outcome == OUTCOME_EVENT) return SF_OK;
    }
}
