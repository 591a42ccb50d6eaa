/* The wire form (README.md) and the text form of messages. */
#include "raft/message.h"

#include "util/codec.h"

#include <inttypes.h>

enum field {
    FIELD_END,
    FIELD_TERM,
    FIELD_LOG_INDEX,
    FIELD_LOG_TERM,
    FIELD_COMMIT,
    FIELD_ROUND,
    FIELD_TRANSFER,
    FIELD_GRANTED,
    FIELD_MATCH,
    FIELD_HINT_INDEX,
    FIELD_HINT_TERM,
    FIELD_RETRY_AFTER_MS,
    FIELD_WALL_MS,
    FIELD_LAST_SYNCED,
    FIELD_DAMAGE,
    FIELD_PROMISE_MS,
    FIELD_SNAPSHOT_ID,
    FIELD_OFFSET,
    FIELD_SNAPSHOT_BYTES,
    FIELD_CRC,
};

#define FIELDS_MAX 8

/* After the name come from and to, then these, in this order; an append's entries and a snapshot's
 * data last. */
struct message_form {
    const char *name;
    enum field fields[FIELDS_MAX];
};

static const struct message_form forms[RAFT_MESSAGE_TYPES] = {
    [RAFT_PRE_VOTE] = {"pre-vote", {FIELD_TERM, FIELD_LOG_INDEX, FIELD_LOG_TERM}},
    [RAFT_PRE_VOTE_ANSWER] = {"pre-vote-answer", {FIELD_TERM, FIELD_GRANTED, FIELD_RETRY_AFTER_MS}},
    [RAFT_VOTE] = {"vote", {FIELD_TERM, FIELD_LOG_INDEX, FIELD_LOG_TERM, FIELD_TRANSFER}},
    [RAFT_VOTE_ANSWER] = {"vote-answer", {FIELD_TERM, FIELD_GRANTED, FIELD_RETRY_AFTER_MS}},
    [RAFT_APPEND] = {"append",
        {FIELD_TERM, FIELD_LOG_INDEX, FIELD_LOG_TERM, FIELD_COMMIT, FIELD_DAMAGE}},
    [RAFT_APPEND_ANSWER] = {"append-answer",
        {FIELD_TERM, FIELD_GRANTED, FIELD_LOG_INDEX, FIELD_MATCH, FIELD_HINT_INDEX, FIELD_HINT_TERM,
            FIELD_DAMAGE}},
    [RAFT_HEARTBEAT] = {"heartbeat", {FIELD_TERM, FIELD_COMMIT, FIELD_ROUND}},
    [RAFT_HEARTBEAT_ANSWER] = {"heartbeat-answer",
        {FIELD_TERM, FIELD_ROUND, FIELD_MATCH, FIELD_HINT_INDEX, FIELD_LAST_SYNCED, FIELD_WALL_MS,
            FIELD_DAMAGE, FIELD_PROMISE_MS}},
    [RAFT_TIMEOUT_NOW] = {"timeout-now", {FIELD_TERM, FIELD_TRANSFER}},
    [RAFT_SNAPSHOT] = {"snapshot",
        {FIELD_TERM, FIELD_LOG_INDEX, FIELD_LOG_TERM, FIELD_ROUND, FIELD_SNAPSHOT_ID, FIELD_OFFSET,
            FIELD_SNAPSHOT_BYTES, FIELD_CRC}},
    [RAFT_SNAPSHOT_ANSWER] = {"snapshot-answer",
        {FIELD_TERM, FIELD_GRANTED, FIELD_LOG_INDEX, FIELD_ROUND, FIELD_SNAPSHOT_ID, FIELD_OFFSET,
            FIELD_DAMAGE}},
};

static uint64_t field_get(const struct raft_message *m, enum field field) {
    switch (field) {
    case FIELD_TERM:
        return m->term;
    case FIELD_LOG_INDEX:
        return m->log_index;
    case FIELD_LOG_TERM:
        return m->log_term;
    case FIELD_COMMIT:
        return m->commit;
    case FIELD_ROUND:
        return m->round;
    case FIELD_TRANSFER:
        return m->transfer;
    case FIELD_GRANTED:
        return m->granted;
    case FIELD_MATCH:
        return m->match;
    case FIELD_HINT_INDEX:
        return m->hint_index;
    case FIELD_HINT_TERM:
        return m->hint_term;
    case FIELD_RETRY_AFTER_MS:
        return m->retry_after_ms;
    case FIELD_WALL_MS:
        return m->wall_ms < 0 ? 0 : (uint64_t)m->wall_ms;
    case FIELD_LAST_SYNCED:
        return m->last_synced;
    case FIELD_DAMAGE:
        return m->damage;
    case FIELD_PROMISE_MS:
        return m->promise_ms;
    case FIELD_SNAPSHOT_ID:
        return m->snapshot_id;
    case FIELD_OFFSET:
        return m->offset;
    case FIELD_SNAPSHOT_BYTES:
        return m->snapshot_bytes;
    case FIELD_CRC:
        return m->crc;
    case FIELD_END:
        break;
    }
    return 0;
}

static bool flag_set(bool *flag, uint64_t value) {
    *flag = value == 1;
    return value <= 1;
}

static bool number_set(uint64_t *number, uint64_t value) {
    *number = value;
    return true;
}

static bool field_set(struct raft_message *m, enum field field, uint64_t value) {
    switch (field) {
    case FIELD_TERM:
        return number_set(&m->term, value);
    case FIELD_LOG_INDEX:
        return number_set(&m->log_index, value);
    case FIELD_LOG_TERM:
        return number_set(&m->log_term, value);
    case FIELD_COMMIT:
        return number_set(&m->commit, value);
    case FIELD_ROUND:
        return number_set(&m->round, value);
    case FIELD_TRANSFER:
        return flag_set(&m->transfer, value);
    case FIELD_GRANTED:
        return flag_set(&m->granted, value);
    case FIELD_MATCH:
        return number_set(&m->match, value);
    case FIELD_HINT_INDEX:
        return number_set(&m->hint_index, value);
    case FIELD_HINT_TERM:
        return number_set(&m->hint_term, value);
    case FIELD_RETRY_AFTER_MS:
        m->retry_after_ms = (uint32_t)value;
        return value <= UINT32_MAX;
    case FIELD_WALL_MS:
        m->wall_ms = (int64_t)value;
        return value <= INT64_MAX;
    case FIELD_LAST_SYNCED:
        return number_set(&m->last_synced, value);
    case FIELD_DAMAGE:
        return number_set(&m->damage, value);
    case FIELD_PROMISE_MS:
        m->promise_ms = (uint32_t)value;
        return value <= UINT32_MAX;
    case FIELD_SNAPSHOT_ID:
        return number_set(&m->snapshot_id, value);
    case FIELD_OFFSET:
        return number_set(&m->offset, value);
    case FIELD_SNAPSHOT_BYTES:
        return number_set(&m->snapshot_bytes, value);
    case FIELD_CRC:
        m->crc = (uint32_t)value;
        return value <= UINT32_MAX;
    case FIELD_END:
        break;
    }
    return false;
}

static uint32_t form_n_fields(const struct message_form *form) {
    uint32_t n = 0;
    while (n < FIELDS_MAX && form->fields[n] != FIELD_END) n++;
    return n;
}

const char *raft_message_name(enum raft_message_type type) {
    SF_ASSERT((unsigned)type < RAFT_MESSAGE_TYPES);
    return forms[type].name;
}

static bool type_of_name(struct slice name, enum raft_message_type *out) {
    for (int type = 0; type < RAFT_MESSAGE_TYPES; type++) {
        if (!slice_equal(name, slice_text(forms[type].name))) continue;
        *out = (enum raft_message_type)type;
        return true;
    }
    return false;
}

bool raft_message_is_name(struct slice name) {
    enum raft_message_type type;
    return type_of_name(name, &type);
}

void raft_message_clear(struct raft_message *message) {
    for (uint32_t i = 0; i < message->n_entries; i++) bytes_unref(message->entries[i].payload);
    sf_free(message->entries);
    message->entries = NULL;
    message->n_entries = 0;
    bytes_unref(message->data);
    message->data = NULL;
}

/* -- writing --------------------------------------------------------------------------------- */

#define NUMBER_TEXT_MAX 20

static size_t number_print(uint64_t value, char out[NUMBER_TEXT_MAX]) {
    char reversed[NUMBER_TEXT_MAX];
    size_t len = 0;
    do {
        reversed[len++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < len; i++) out[i] = reversed[len - 1 - i];
    return len;
}

/* "*3\r\n", "$5\r\n" */
static void header_put(struct buf *out, char sign, uint64_t count) {
    char *at = buf_reserve(out, NUMBER_TEXT_MAX + 3);
    at[0] = sign;
    size_t len = 1 + number_print(count, at + 1);
    at[len++] = '\r';
    at[len++] = '\n';
    buf_commit(out, len);
}

static void bulk_put(struct buf *out, struct slice bytes) {
    header_put(out, '$', bytes.len);
    buf_append_slice(out, bytes);
    buf_append_text(out, "\r\n");
}

static void number_put(struct buf *out, uint64_t value) {
    char text[NUMBER_TEXT_MAX];
    bulk_put(out, slice_of(text, number_print(value, text)));
}

static void entry_put_head(struct buf *out, const struct raft_entry *entry) {
    char term[16];
    struct buf scratch = {.data = term, .cap = sizeof term}; /* 10 bytes at most: never grows */
    put_varint(&scratch, entry->term);
    struct slice payload = bytes_slice(entry->payload);
    header_put(out, '$', scratch.len + 1 + payload.len);
    buf_append(out, term, scratch.len);
    put_u8(out, entry->kind);
}

static void payload_put(struct buf *out, const struct bytes *payload) {
    buf_append_slice(out, bytes_slice(payload));
    buf_append_text(out, "\r\n");
}

void raft_message_encode_head(
    const struct raft_message *message, struct buf *out, struct bytes **body) {
    SF_ASSERT((unsigned)message->type < RAFT_MESSAGE_TYPES);
    SF_ASSERT(message->n_entries == 0 || message->type == RAFT_APPEND);
    const struct message_form *form = &forms[message->type];
    uint32_t n_fields = form_n_fields(form);
    bool has_data = message->type == RAFT_SNAPSHOT;
    SF_ASSERT(has_data || message->data == NULL);
    header_put(out, '*', 3 + (uint64_t)n_fields + message->n_entries + has_data);
    bulk_put(out, slice_text(form->name));
    number_put(out, message->from);
    number_put(out, message->to);
    for (uint32_t i = 0; i < n_fields; i++) number_put(out, field_get(message, form->fields[i]));
    struct bytes *last = message->data;
    for (uint32_t i = 0; i < message->n_entries; i++) {
        if (i > 0) payload_put(out, last);
        entry_put_head(out, &message->entries[i]);
        last = message->entries[i].payload;
    }
    if (has_data) header_put(out, '$', bytes_slice(last).len);
    bool is_large = bytes_slice(last).len >= RAFT_LARGE_BYTES;
    *body = is_large ? last : NULL;
    if (!is_large && (has_data || message->n_entries > 0)) payload_put(out, last);
}

void raft_message_encode(const struct raft_message *message, struct buf *out) {
    struct bytes *body;
    raft_message_encode_head(message, out, &body);
    if (body != NULL) payload_put(out, body);
}

/* -- reading --------------------------------------------------------------------------------- */

/* Decimal digits without a leading zero: one number has one text. */
static bool number_read(struct slice text, uint64_t *out) {
    if (text.len == 0 || text.len > NUMBER_TEXT_MAX) return false;
    if (text.len > 1 && text.data[0] == '0') return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        if (__builtin_mul_overflow(value, 10, &value)) return false;
        if (__builtin_add_overflow(value, (uint64_t)(text.data[i] - '0'), &value)) return false;
    }
    *out = value;
    return true;
}

static bool entry_read(struct slice bytes, raft_index index, struct raft_entry *out) {
    struct reader in = reader_of(bytes);
    *out = (struct raft_entry){.index = index, .term = read_varint(&in), .kind = read_u8(&in)};
    if (in.failed) return false;
    if (in.rest.len > 0) out->payload = bytes_new(in.rest.data, in.rest.len);
    return true;
}

static bool entries_read(uint32_t n, const struct slice *argv, struct raft_message *out) {
    if (n == 0) return true;
    if (out->type != RAFT_APPEND) return false;
    out->entries = sf_alloc(n * sizeof *out->entries);
    for (uint32_t i = 0; i < n; i++) {
        if (!entry_read(argv[i], out->log_index + 1 + i, &out->entries[i])) return false;
        out->n_entries++;
    }
    return true;
}

/* What follows the fields. */
static bool rest_read(uint32_t n, const struct slice *argv, struct raft_message *out) {
    if (out->type != RAFT_SNAPSHOT) return entries_read(n, argv, out);
    if (n != 1) return false;
    if (argv[0].len > 0) out->data = bytes_new(argv[0].data, argv[0].len);
    return true;
}

enum sf_status raft_message_decode(
    uint32_t argc, const struct slice *argv, struct raft_message *out) {
    *out = (struct raft_message){0};
    if (argc < 3 || !type_of_name(argv[0], &out->type)) return SF_ERR_CORRUPT;
    const struct message_form *form = &forms[out->type];
    uint32_t n_fields = form_n_fields(form);
    if (argc < 3 + n_fields) return SF_ERR_CORRUPT;
    if (!number_read(argv[1], &out->from) || !number_read(argv[2], &out->to)) return SF_ERR_CORRUPT;
    for (uint32_t i = 0; i < n_fields; i++) {
        uint64_t value;
        if (!number_read(argv[3 + i], &value) || !field_set(out, form->fields[i], value))
            return SF_ERR_CORRUPT;
    }
    if (!rest_read(argc - 3 - n_fields, argv + 3 + n_fields, out)) {
        raft_message_clear(out);
        return SF_ERR_CORRUPT;
    }
    return SF_OK;
}

/* -- describing ------------------------------------------------------------------------------ */

static void describe_append(const struct raft_message *m, struct buf *out) {
    buf_printf(out, " after=%" PRIu64 "/%" PRIu64, m->log_index, m->log_term);
    if (m->n_entries > 0)
        buf_printf(
            out, " entries=%" PRIu64 "..%" PRIu64, m->log_index + 1, m->log_index + m->n_entries);
    buf_printf(out, " commit=%" PRIu64, m->commit);
}

static void describe_append_answer(const struct raft_message *m, struct buf *out) {
    if (m->granted) {
        buf_printf(out, " yes match=%" PRIu64, m->match);
        if (m->hint_index > m->match) buf_printf(out, " holds=%" PRIu64, m->hint_index);
    } else {
        buf_printf(out, " no after=%" PRIu64 " hint=%" PRIu64 "/%" PRIu64, m->log_index,
            m->hint_index, m->hint_term);
    }
}

void raft_message_describe(const struct raft_message *m, struct buf *out) {
    buf_printf(out, "%" PRIu64 ">%" PRIu64 " %s term=%" PRIu64, m->from, m->to,
        raft_message_name(m->type), m->term);
    switch (m->type) {
    case RAFT_PRE_VOTE:
    case RAFT_VOTE:
        buf_printf(out, " last=%" PRIu64 "/%" PRIu64, m->log_index, m->log_term);
        break;
    case RAFT_PRE_VOTE_ANSWER:
    case RAFT_VOTE_ANSWER:
        buf_append_text(out, m->granted ? " yes" : " no");
        if (m->retry_after_ms > 0) buf_printf(out, " retry=%" PRIu32 "ms", m->retry_after_ms);
        break;
    case RAFT_APPEND:
        describe_append(m, out);
        break;
    case RAFT_APPEND_ANSWER:
        describe_append_answer(m, out);
        break;
    case RAFT_HEARTBEAT:
        buf_printf(out, " commit=%" PRIu64 " round=%" PRIu64, m->commit, m->round);
        break;
    case RAFT_HEARTBEAT_ANSWER:
        buf_printf(out, " round=%" PRIu64 " match=%" PRIu64 " synced=%" PRIu64, m->round, m->match,
            m->last_synced);
        break;
    case RAFT_SNAPSHOT:
        buf_printf(out, " of=%" PRIu64 "/%" PRIu64, m->log_index, m->log_term);
        if (m->data == NULL) buf_append_text(out, " from where on?");
        if (m->data != NULL)
            buf_printf(out, " bytes=%" PRIu64 "+%zu of %" PRIu64, m->offset, m->data->len,
                m->snapshot_bytes);
        break;
    case RAFT_SNAPSHOT_ANSWER:
        buf_printf(out, " of=%" PRIu64 " %s bytes=%" PRIu64, m->log_index,
            m->granted ? "yes" : "no", m->offset);
        break;
    case RAFT_TIMEOUT_NOW:
    case RAFT_MESSAGE_TYPES:
        break;
    }
    if (m->transfer) buf_append_text(out, " transfer");
    if (m->damage != 0) buf_append_text(out, " damaged");
}
