/* The wire form of messages. */
#include "raft/message.h"
#include "util/buf.h"

#include "unit/check.h"

#include <stdio.h>
#include <stdlib.h>

/* Splits a RESP array of bulk strings, as resp/ would. */
static uint32_t split(struct slice text, struct slice *argv, uint32_t max) {
    uint32_t argc = 0;
    size_t at = 0;
    assert_int_equal(text.data[0], '*');
    while (text.data[at++] != '\n') {
    }
    while (at < text.len) {
        assert_int_equal(text.data[at], '$');
        size_t len = (size_t)strtoul(text.data + at + 1, NULL, 10);
        while (text.data[at++] != '\n') {
        }
        assert_true(argc < max);
        argv[argc++] = slice_of(text.data + at, len);
        at += len;
        assert_memory_equal(text.data + at, "\r\n", 2);
        at += 2;
    }
    return argc;
}

static void assert_equal(const struct raft_message *a, const struct raft_message *b) {
    struct raft_message one = *a, other = *b;
    one.entries = other.entries = NULL;
    assert_memory_equal(&one, &other, sizeof one);
    for (uint32_t i = 0; i < a->n_entries; i++) {
        assert_int_equal(a->entries[i].index, b->entries[i].index);
        assert_int_equal(a->entries[i].term, b->entries[i].term);
        assert_int_equal(a->entries[i].kind, b->entries[i].kind);
        assert_true(
            slice_equal(bytes_slice(a->entries[i].payload), bytes_slice(b->entries[i].payload)));
    }
}

static void assert_reads_back(const struct raft_message *message, const char *wire) {
    struct buf out = {0};
    raft_message_encode(message, &out);
    struct slice text = buf_slice(&out), argv[32];
    if (wire != NULL) assert_true(slice_equal(text, slice_text(wire)));
    uint32_t argc = split(text, argv, SF_LENGTH(argv));
    char count[16];
    snprintf(count, sizeof count, "*%u\r\n", argc);
    assert_memory_equal(text.data, count, strlen(count));
    assert_true(raft_message_is_name(argv[0]));
    struct raft_message back;
    assert_int_equal(raft_message_decode(argc, argv, &back), SF_OK);
    assert_equal(message, &back);
    raft_message_clear(&back);
    for (uint32_t cut = 0; cut + message->n_entries < argc; cut++)
        assert_int_equal(raft_message_decode(cut, argv, &back), SF_ERR_CORRUPT);
    buf_free(&out);
}

static void test_every_type_reads_back(void **state) {
    (void)state;
    const struct raft_message messages[] = {
        {.type = RAFT_PRE_VOTE, .from = 1, .to = 2, .term = 3, .log_index = 4, .log_term = 5},
        {.type = RAFT_PRE_VOTE_ANSWER, .from = 1, .to = 2, .term = 3, .granted = true},
        {.type = RAFT_VOTE, .from = UINT64_MAX, .to = 2, .term = 3, .transfer = true},
        {.type = RAFT_VOTE_ANSWER, .from = 1, .to = 2, .term = 3, .retry_after_ms = UINT32_MAX},
        {.type = RAFT_APPEND, .from = 1, .to = 2, .term = 3, .commit = 9, .damage = 77},
        {.type = RAFT_APPEND_ANSWER,
            .from = 1,
            .to = 2,
            .term = 3,
            .granted = true,
            .match = 8,
            .hint_index = 10},
        {.type = RAFT_APPEND_ANSWER,
            .from = 1,
            .to = 2,
            .term = 3,
            .log_index = 7,
            .hint_index = 5,
            .hint_term = 2,
            .damage = 77},
        {.type = RAFT_HEARTBEAT_ANSWER,
            .from = 1,
            .to = 2,
            .term = 3,
            .round = 4,
            .match = 5,
            .hint_index = 6,
            .last_synced = 7,
            .wall_ms = 1700000000000,
            .damage = 77},
        {.type = RAFT_TIMEOUT_NOW, .from = 1, .to = 2, .term = 3, .transfer = true},
    };
    for (size_t i = 0; i < SF_LENGTH(messages); i++) assert_reads_back(&messages[i], NULL);
}

static void test_the_form_is_the_one_in_the_readme(void **state) {
    (void)state;
    const struct raft_message heartbeat = {
        .type = RAFT_HEARTBEAT, .from = 11, .to = 2, .term = 3, .commit = 40, .round = 5};
    assert_reads_back(&heartbeat, "*6\r\n$9\r\nheartbeat\r\n$2\r\n11\r\n$1\r\n2\r\n$1\r\n3\r\n"
                                  "$2\r\n40\r\n$1\r\n5\r\n");
    struct raft_entry entries[2] = {{.index = 8, .term = 300, .kind = ENTRY_NOOP},
        {.index = 9, .term = 300, .kind = ENTRY_BATCH, .payload = bytes_new("a\r\nb", 4)}};
    const struct raft_message append = {.type = RAFT_APPEND,
        .from = 1,
        .to = 2,
        .term = 300,
        .log_index = 7,
        .log_term = 6,
        .commit = 5,
        .entries = entries,
        .n_entries = 2};
    assert_reads_back(&append, "*10\r\n$6\r\nappend\r\n$1\r\n1\r\n$1\r\n2\r\n$3\r\n300\r\n$"
                               "1\r\n7\r\n$1\r\n6\r\n$1\r\n5\r\n"
                               "$1\r\n0\r\n$3\r\n\xac\x02\x01\r\n$7\r\n\xac\x02\x03"
                               "a\r\nb\r\n");
    bytes_unref(entries[1].payload);
}

static void test_bad_texts_are_refused(void **state) {
    (void)state;
    static const char *const bad[][8] = {
        {"heartbeet", "1", "2", "3", "4", "5"},
        {"HEARTBEAT", "1", "2", "3", "4", "5"},
        {"heartbeat", "1", "2", "3", "4"},
        {"heartbeat", "1", "2", "3", "4", "5", "6"},
        {"heartbeat", "01", "2", "3", "4", "5"},
        {"heartbeat", "-1", "2", "3", "4", "5"},
        {"heartbeat", "", "2", "3", "4", "5"},
        {"heartbeat", "18446744073709551616", "2", "3", "4", "5"},
        {"timeout-now", "1", "2", "3", "2"},
        {"vote-answer", "1", "2", "3", "1", "4294967296"},
    };
    for (size_t i = 0; i < SF_LENGTH(bad); i++) {
        struct slice argv[8];
        uint32_t argc = 0;
        while (argc < 8 && bad[i][argc] != NULL) {
            argv[argc] = slice_text(bad[i][argc]);
            argc++;
        }
        struct raft_message message;
        assert_int_equal(raft_message_decode(argc, argv, &message), SF_ERR_CORRUPT);
        assert_null(message.entries);
    }
    assert_false(raft_message_is_name(SLICE("get")));
}

/* The two ways of writing a message give the same bytes, whatever it ends in. */
static void test_a_large_payload_may_be_sent_without_copying_it(void **state) {
    (void)state;
    struct bytes *small = bytes_new("x", 1), *large = bytes_new_empty(RAFT_LARGE_BYTES);
    memset(large->data, 'l', large->len);
    struct bytes *const payloads[] = {NULL, small, large};
    for (int i = 0; i < 27; i++) {
        struct raft_entry entries[2] = {
            {5, 2, ENTRY_BATCH, payloads[i % 3]}, {6, 2, ENTRY_BATCH, payloads[i / 3 % 3]}};
        struct raft_message message = {.type = RAFT_APPEND,
            .from = 1,
            .to = 2,
            .term = 3,
            .entries = entries,
            .n_entries = (uint32_t)(i / 9)};
        struct buf whole = {0}, head = {0};
        struct bytes *body;
        raft_message_encode(&message, &whole);
        raft_message_encode_head(&message, &head, &body);
        struct bytes *last = message.n_entries == 0 ? NULL : entries[message.n_entries - 1].payload;
        assert_ptr_equal(body, last == large ? large : NULL);
        if (body != NULL) {
            buf_append_slice(&head, bytes_slice(body));
            buf_append_text(&head, "\r\n");
        }
        assert_true(slice_equal(buf_slice(&whole), buf_slice(&head)));
        buf_free(&whole), buf_free(&head);
    }
    bytes_unref(small), bytes_unref(large);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_large_payload_may_be_sent_without_copying_it),
        cmocka_unit_test(test_every_type_reads_back),
        cmocka_unit_test(test_the_form_is_the_one_in_the_readme),
        cmocka_unit_test(test_bad_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
