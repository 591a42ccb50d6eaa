/* The log's window, terms and numbered storage answers. */
#include "raft/log.h"

#include "unit/check.h"

static struct raft_log empty_log(void) {
    struct raft_log log;
    const struct raft_start start = {.first_index = 1};
    log_init(&log, &start);
    return log;
}

static void append(struct raft_log *log, raft_term term, uint32_t n, size_t payload) {
    for (uint32_t i = 0; i < n; i++) {
        struct raft_entry entry = {.index = log->last_index + 1,
            .term = term,
            .kind = ENTRY_BATCH,
            .payload = bytes_new_empty(payload)};
        log_append(log, &entry);
        bytes_unref(entry.payload);
    }
}

static void sync_all(struct raft_log *log) {
    struct raft_append_request request;
    while (log_hand_out(log, &request))
        log_appended(log, request.request, log->last_index, log_last_term(log));
}

static void test_terms_are_known_of_entries_that_memory_has_dropped(void **state) {
    (void)state;
    struct raft_log log = empty_log();
    append(&log, 2, 10, 0);
    append(&log, 5, 10, 0);
    append(&log, 6, 1, 0);
    sync_all(&log);
    log_evict(&log, 21, 0);
    assert_null(log_entry(&log, 21));
    assert_int_equal(log_term(&log, 1), 2);
    assert_int_equal(log_term(&log, 10), 2);
    assert_int_equal(log_term(&log, 11), 5);
    assert_int_equal(log_term(&log, 21), 6);
    assert_int_equal(log_term(&log, 22), 0);
    assert_int_equal(log_term(&log, 0), 0);
    assert_int_equal(log_find_by_term(&log, 21, 5), 20);
    assert_int_equal(log_find_by_term(&log, 15, 9), 15);
    assert_int_equal(log_find_by_term(&log, 15, 4), 10);
    assert_int_equal(log_find_by_term(&log, 15, 1), 0);
    assert_int_equal(log_find_by_term(&log, 99, 6), 21);
    log_free(&log);
}

static void test_what_is_not_synced_stays_in_memory(void **state) {
    (void)state;
    struct raft_log log = empty_log();
    append(&log, 1, 10, 100);
    sync_all(&log);
    append(&log, 1, 10, 100);
    log_evict(&log, 20, 0); /* a quorum of others can commit what is not durable here */
    assert_null(log_entry(&log, 10));
    assert_non_null(log_entry(&log, 11));
    assert_int_equal(log.window_bytes, 10 * (100 + LOG_ENTRY_OVERHEAD_BYTES));
    log_free(&log);
}

static void test_what_is_not_applied_stays_up_to_a_limit(void **state) {
    (void)state;
    struct raft_log log = empty_log();
    append(&log, 1, 40, 1 << 20);
    sync_all(&log);
    log_evict(&log, 0, 1 << 20);
    assert_true(log.window_bytes <= LOG_UNAPPLIED_BYTES + (1 << 20));
    assert_true(log.window_bytes > LOG_UNAPPLIED_BYTES - (1 << 20));
    log_evict(&log, 40, 1 << 20);
    assert_true(log.window_bytes <= 1 << 20);
    log_free(&log);
}

static void test_batches_stop_before_the_limit_but_give_one(void **state) {
    (void)state;
    struct raft_log log = empty_log();
    append(&log, 1, 10, 1000 - LOG_ENTRY_OVERHEAD_BYTES);
    uint32_t n;
    uint64_t bytes;
    assert_int_equal(log_entries(&log, 3, 2500, &n, &bytes)->index, 3);
    assert_int_equal(n, 2);
    assert_int_equal(bytes, 2000);
    log_entries(&log, 3, 1, &n, &bytes);
    assert_int_equal(n, 1);
    log_entries(&log, 3, UINT64_MAX, &n, &bytes);
    assert_int_equal(n, 8);
    log_free(&log);
}

static void test_truncations_of_one_turn_become_one_request(void **state) {
    (void)state;
    struct raft_log log = empty_log();
    append(&log, 1, 10, 0);
    sync_all(&log);
    append(&log, 1, 5, 0); /* never handed out */
    log_truncate(&log, 13);
    append(&log, 2, 3, 0);
    log_truncate(&log, 8);
    append(&log, 3, 4, 0);
    log_truncate(&log, 9);
    append(&log, 4, 1, 0);
    struct raft_append_request request;
    assert_true(log_hand_out(&log, &request));
    assert_int_equal(request.truncate_from, 8);
    assert_int_equal(request.n_entries, 2);
    assert_int_equal(request.entries[0].index, 8);
    assert_int_equal(request.entries[0].term, 3);
    assert_int_equal(request.entries[1].term, 4);
    assert_int_equal(log.synced_index, 7);
    struct raft_append_request none;
    assert_false(log_hand_out(&log, &none));
    assert_true(log_appended(&log, request.request, 9, 4));
    assert_int_equal(log.synced_index, 9);
    log_free(&log);
}

static void test_answers_count_only_from_the_truncation_on(void **state) {
    (void)state;
    struct raft_log log = empty_log();
    struct raft_append_request first, second, third;
    append(&log, 1, 10, 0);
    assert_true(log_hand_out(&log, &first));
    append(&log, 1, 10, 0);
    assert_true(log_hand_out(&log, &second));
    log_truncate(&log, 15);
    assert_false(log_appended(&log, first.request, 10, 1));
    assert_false(log_appended(&log, second.request, 20, 1));
    assert_int_equal(log.synced_index, 0);
    assert_true(log_hand_out(&log, &third));
    assert_int_equal(third.n_entries, 0);
    assert_false(log_appended(&log, second.request, 20, 1));
    assert_true(log_appended(&log, third.request, 14, 1));
    assert_int_equal(log.synced_index, 14);
    log_free(&log);
}

static void test_a_truncation_below_the_window_begins_a_new_one(void **state) {
    (void)state;
    struct raft_log log = empty_log();
    append(&log, 1, 10, 0);
    sync_all(&log);
    log_evict(&log, 10, 0);
    log_truncate(&log, 5);
    append(&log, 2, 2, 0);
    assert_int_equal(log_entry(&log, 5)->term, 2);
    assert_null(log_entry(&log, 4));
    assert_int_equal(log_term(&log, 4), 1);
    assert_int_equal(log.last_index, 6);
    log_free(&log);
}

static void test_a_log_behind_a_snapshot_knows_what_precedes_it(void **state) {
    (void)state;
    const struct raft_term_run runs[] = {{101, 4}, {150, 6}};
    const struct raft_start start = {.first_index = 101,
        .last_index = 200,
        .snapshot = {.index = 100, .term = 3, .id = 1, .bytes = 10},
        .term_runs = runs,
        .n_term_runs = 2};
    struct raft_log log;
    log_init(&log, &start);
    assert_int_equal(log_term(&log, 100), 3);
    assert_int_equal(log_term(&log, 99), 0);
    assert_int_equal(log_term(&log, 149), 4);
    assert_true(log_reaches(&log, 101));
    assert_false(log_reaches(&log, 100));
    assert_int_equal(log_find_by_term(&log, 120, 3), 100);
    log_free(&log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terms_are_known_of_entries_that_memory_has_dropped),
        cmocka_unit_test(test_what_is_not_synced_stays_in_memory),
        cmocka_unit_test(test_what_is_not_applied_stays_up_to_a_limit),
        cmocka_unit_test(test_batches_stop_before_the_limit_but_give_one),
        cmocka_unit_test(test_truncations_of_one_turn_become_one_request),
        cmocka_unit_test(test_answers_count_only_from_the_truncation_on),
        cmocka_unit_test(test_a_truncation_below_the_window_begins_a_new_one),
        cmocka_unit_test(test_a_log_behind_a_snapshot_knows_what_precedes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
