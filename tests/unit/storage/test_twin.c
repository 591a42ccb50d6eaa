#include "storage/twin.h"
#include "unit/storage/snapshot_bytes.h"

#include "unit/check.h"

struct answers {
    uint32_t n, n_fetched;
    uint64_t requests[64];
    enum storage_event_type types[64];
    raft_index last_index;
    enum sf_status status;
};

static void on_event(void *context, const struct storage_event *event) {
    struct answers *answers = context;
    answers->requests[answers->n] = event->request;
    answers->types[answers->n++] = event->type;
    if (event->type == STORAGE_APPENDED) answers->last_index = event->last_index;
    if (event->type == STORAGE_FETCHED) answers->n_fetched = event->n;
    if (event->type == STORAGE_STATE) answers->status = event->status;
}

static struct twin *opened(uint64_t seed) {
    struct twin *twin = twin_new(seed);
    struct storage_found found;
    struct answers answers = {0};
    twin_open(twin, false, &found);
    assert_true(found.is_new);
    twin_found_clear(&found);
    twin_save_identity(twin, 1, 77, SLICE("me"), 0);
    (void)twin_poll(twin, twin_next_due_us(twin), on_event, &answers);
    assert_int_equal(answers.n, 1);
    return twin;
}

static void append(struct twin *twin, uint64_t request, raft_index truncate_from, raft_index first,
    uint32_t n, raft_term term, int64_t now_us) {
    struct raft_entry entries[32];
    for (uint32_t i = 0; i < n; i++)
        entries[i] = (struct raft_entry){first + i, term, ENTRY_BATCH, bytes_new("0123456789", 10)};
    twin_append(twin, request, truncate_from, entries, n, now_us);
    for (uint32_t i = 0; i < n; i++) bytes_unref(entries[i].payload);
}

static void test_an_answer_comes_only_after_its_bytes_are_durable(void **state) {
    (void)state;
    struct twin *twin = opened(1);
    struct answers answers = {0};
    append(twin, 10, 0, 1, 3, 1, 1000);
    assert_int_equal(twin_poll(twin, 1000, on_event, &answers), 0);
    assert_int_equal(twin_last_index(twin), 0);
    int64_t due = twin_next_due_us(twin);
    assert_true(due > 1000 && due < 2000);
    assert_int_equal(twin_poll(twin, due, on_event, &answers), 1);
    assert_int_equal(answers.last_index, 3);
    assert_int_equal(twin_last_index(twin), 3);
    twin_free(twin);
}

static void test_requests_that_wait_are_joined_and_answered_in_order(void **state) {
    (void)state;
    struct twin *twin = opened(2);
    struct answers answers = {0};
    append(twin, 10, 0, 1, 2, 1, 1000);
    append(twin, 11, 0, 3, 2, 1, 1001);
    append(twin, 12, 4, 4, 1, 2, 1002);
    (void)twin_poll(twin, twin_next_due_us(twin), on_event, &answers);
    assert_int_equal(answers.n, 1);
    (void)twin_poll(twin, twin_next_due_us(twin), on_event, &answers);
    assert_int_equal(answers.n, 3);
    assert_int_equal(answers.requests[1], 11);
    assert_int_equal(answers.requests[2], 12);
    assert_int_equal(twin_entry(twin, 4)->term, 2);
    twin_free(twin);
}

static void test_a_crash_keeps_what_was_answered_and_at_most_a_prefix_of_the_rest(void **state) {
    (void)state;
    bool seen[5] = {false};
    for (uint64_t seed = 1; seed < 200; seed++) {
        struct twin *twin = opened(seed);
        struct answers answers = {0};
        struct storage_found found;
        append(twin, 10, 0, 1, 3, 1, 1000);
        (void)twin_poll(twin, twin_next_due_us(twin), on_event, &answers);
        append(twin, 11, 0, 4, 4, 2, 5000);
        append(twin, 12, 0, 8, 4, 2, 5001); /* not begun: nothing of it may stay */
        twin_crash(twin, 5002);
        twin_open(twin, false, &found);
        assert_true(found.last_index >= 3 && found.last_index <= 7);
        assert_int_equal(found.hard_state.term, found.last_index > 3 ? 2 : 1);
        assert_int_equal(found.n_term_runs, found.last_index > 3 ? 2 : 1);
        assert_false(found.damaged);
        assert_int_equal(found.boot_counter, 2);
        seen[found.last_index - 3] = true;
        twin_found_clear(&found);
        twin_free(twin);
    }
    for (size_t i = 0; i < SF_LENGTH(seen); i++) assert_true(seen[i]);
}

static void test_a_hard_state_is_the_old_or_the_new_one_after_a_crash(void **state) {
    (void)state;
    int old = 0, fresh = 0;
    for (uint64_t seed = 1; seed < 50; seed++) {
        struct twin *twin = opened(seed);
        struct answers answers = {0};
        twin_save_hard_state(twin, 2, &(struct raft_hard_state){4, 9}, 10);
        (void)twin_poll(twin, twin_next_due_us(twin), on_event, &answers);
        twin_save_hard_state(twin, 3, &(struct raft_hard_state){5, 8}, 5000);
        twin_crash(twin, 5000);
        struct raft_hard_state kept = twin_hard_state(twin);
        old += kept.term == 4 && kept.vote == 9;
        fresh += kept.term == 5 && kept.vote == 8;
        twin_free(twin);
    }
    assert_int_equal(old + fresh, 49);
    assert_true(old > 0 && fresh > 0);
}

static void test_a_new_id_has_an_empty_log_and_drops_what_was_asked_of_the_old(void **state) {
    (void)state;
    struct twin *twin = opened(3);
    struct answers answers = {0};
    struct storage_found found;
    append(twin, 10, 0, 1, 3, 1, 1000);
    twin_save_identity(twin, 11, 78, SLICE("other"), 1001);
    append(twin, 12, 0, 1, 2, 4, 1002);
    while (twin_next_due_us(twin) != INT64_MAX)
        (void)twin_poll(twin, twin_next_due_us(twin), on_event, &answers);
    assert_int_equal(answers.n, 2);
    assert_int_equal(answers.requests[0], 11);
    assert_int_equal(answers.requests[1], 12);
    twin_close(twin);
    twin_open(twin, false, &found);
    assert_int_equal(found.node_id, 78);
    assert_int_equal(found.last_index, 2);
    assert_int_equal(found.boot_counter, 2);
    assert_true(slice_equal(buf_slice(&found.identity_blob), SLICE("other")));
    twin_found_clear(&found);
    twin_free(twin);
}

static void test_a_crash_before_the_switch_leaves_the_old_id(void **state) {
    (void)state;
    struct twin *twin = opened(4);
    struct storage_found found;
    twin_save_identity(twin, 11, 78, SLICE("other"), 1001);
    twin_crash(twin, 1001);
    twin_open(twin, false, &found);
    assert_int_equal(found.node_id, 77);
    assert_true(slice_equal(buf_slice(&found.identity_blob), SLICE("me")));
    twin_found_clear(&found);
    twin_free(twin);
}

static void test_the_latest_two_configurations_are_found(void **state) {
    (void)state;
    struct twin *twin = opened(5);
    struct answers answers = {0};
    struct storage_found found;
    struct raft_entry entries[5];
    for (uint32_t i = 0; i < 5; i++)
        entries[i] = (struct raft_entry){i + 1, 1,
            i == 0 || i == 1 || i == 3 ? ENTRY_CONFIGURATION : ENTRY_NOOP, bytes_new("x", 1)};
    twin_append(twin, 1, 0, entries, 5, 0);
    for (uint32_t i = 0; i < 5; i++) bytes_unref(entries[i].payload);
    (void)twin_poll(twin, INT64_MAX - 1, on_event, &answers);
    twin_close(twin);
    twin_open(twin, false, &found);
    assert_int_equal(found.configuration_index, 4);
    assert_int_equal(found.previous_configuration_index, 2);
    twin_found_clear(&found);
    twin_free(twin);
}

static void test_a_tail_lost_below_the_mark_is_damage_until_it_is_said_to_be_repaired(
    void **state) {
    (void)state;
    struct twin *twin = opened(6);
    struct answers answers = {0};
    struct storage_found found;
    append(twin, 10, 0, 1, 5, 1, 1000);
    (void)twin_poll(twin, INT64_MAX - 1, on_event, &answers);
    twin_close(twin);
    assert_int_equal(twin_mark_index(twin), 5);
    twin_lose_tail(twin, 3);
    twin_open(twin, false, &found);
    assert_true(found.damaged);
    twin_found_clear(&found);
    append(twin, 11, 0, 4, 5, 2, 2000);
    twin_close(twin);
    twin_open(twin, false, &found);
    assert_true(found.damaged); /* growing again does not bring back what was lost */
    twin_found_clear(&found);
    twin_mark_repaired(twin);
    twin_close(twin);
    twin_lose_tail(twin, 2);
    twin_open(twin, true, &found);
    assert_false(found.damaged);
    twin_found_clear(&found);
    twin_free(twin);
}

static void test_writes_wait_while_the_disk_is_full_and_reads_do_not(void **state) {
    (void)state;
    struct twin *twin = opened(7);
    struct answers answers = {0};
    append(twin, 10, 0, 1, 5, 1, 1000);
    (void)twin_poll(twin, 100000, on_event, &answers);
    append(twin, 11, 0, 6, 1, 1, 100000);
    twin_set_state(twin, SF_ERR_NO_SPACE, 100001);
    twin_fetch(twin, 12, 2, 4, 15, 100002);
    answers = (struct answers){0};
    (void)twin_poll(twin, 900000, on_event, &answers);
    assert_int_equal(answers.n, 2);
    assert_int_equal(answers.status, SF_ERR_NO_SPACE);
    assert_int_equal(answers.n_fetched, 1); /* one entry at least, no second beyond 15 bytes */
    assert_int_equal(twin_last_index(twin), 5);
    twin_set_state(twin, SF_OK, 900001);
    (void)twin_poll(twin, 1900000, on_event, &answers);
    assert_int_equal(answers.status, SF_OK);
    assert_int_equal(twin_last_index(twin), 6);
    twin_free(twin);
}

static void test_a_stall_holds_writes_back_until_it_ends(void **state) {
    (void)state;
    struct twin *twin = opened(8);
    struct answers answers = {0};
    append(twin, 10, 0, 1, 1, 1, 1000);
    twin_stall(twin, 400000);
    assert_int_equal(twin_poll(twin, 399999, on_event, &answers), 0);
    assert_int_equal(twin_poll(twin, 401000, on_event, &answers), 1);
    twin_free(twin);
}

/* -- snapshots */

static struct snapshot_content snapshot_of(raft_index index, raft_term term) {
    return snapshot_content_of(index, term, 5, SLICE("the whole state"));
}

static void receive(struct twin *twin, const struct snapshot_content *snapshot, int64_t *now_us) {
    struct answers answers = {0};
    struct bytes *data = bytes_new(buf_slice(&snapshot->file).data, snapshot->file.len);
    twin_receive_snapshot(twin, 90, &snapshot->place, 0, data, true, *now_us);
    *now_us = twin_next_due_us(twin);
    (void)twin_poll(twin, *now_us, on_event, &answers);
    assert_int_equal(answers.types[0], STORAGE_SNAPSHOT_RECEIVED);
    bytes_unref(data);
}

static void test_a_crash_at_any_step_of_an_installation_leaves_the_old_log_or_the_snapshot(
    void **state) {
    (void)state;
    uint32_t n_old = 0, n_new = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct twin *twin = opened(seed);
        struct answers answers = {0};
        struct storage_found found;
        int64_t now_us = 1000;
        append(twin, 10, 0, 1, 20, 1, now_us); /* in conflict with a snapshot at 12 */
        now_us = twin_next_due_us(twin);
        (void)twin_poll(twin, now_us, on_event, &answers);
        struct snapshot_content snapshot = snapshot_of(seed % 2 == 0 ? 12 : 40, 3);
        receive(twin, &snapshot, &now_us);
        twin_install_snapshot(twin, 91, &snapshot.place, now_us);
        twin_crash(twin, now_us);
        twin_open(twin, false, &found);
        assert_false(found.damaged);
        bool is_new = found.snapshot.place.index != 0;
        n_new += is_new;
        n_old += !is_new;
        assert_int_equal(found.last_index, is_new ? snapshot.place.index : 20);
        assert_int_equal(found.first_index, is_new ? snapshot.place.index + 1 : 1);
        if (is_new) assert_int_equal(found.snapshot.place.bytes, snapshot.file.len);
        twin_found_clear(&found);
        buf_free(&snapshot.file);
        twin_free(twin);
    }
    assert_true(n_old > 5 && n_new > 5);
}

static void test_a_saved_snapshot_lets_a_prefix_go_and_survives(void **state) {
    (void)state;
    struct twin *twin = opened(3);
    struct answers answers = {0};
    struct storage_found found;
    append(twin, 10, 0, 1, 30, 1, 1000);
    (void)twin_poll(twin, 3000, on_event, &answers);
    struct snapshot_content snapshot = snapshot_of(25, 1);
    const struct storage_keep keep = {1, 2, 20};
    struct slice file = buf_slice(&snapshot.file);
    struct bytes *head = bytes_new(file.data, 50), *rest = bytes_new(file.data + 50, file.len - 50);
    twin_save_snapshot(twin, 11, &snapshot.place, 0, head, false, NULL, 3000);
    twin_save_snapshot(twin, 12, &snapshot.place, 50, rest, true, &keep, 3000);
    bytes_unref(head);
    bytes_unref(rest);
    for (int64_t us = 9000; us < 40000; us += 9000) (void)twin_poll(twin, us, on_event, &answers);
    assert_int_equal(answers.types[1], STORAGE_SNAPSHOT_WRITTEN);
    assert_int_equal(answers.types[2], STORAGE_SNAPSHOT_SAVED);
    assert_int_equal(twin_snapshot_index(twin), 25);
    assert_true(twin_first_index(twin) <= 20); /* needed_from */
    assert_non_null(twin_entry(twin, 20));
    twin_crash(twin, 40000);
    twin_open(twin, false, &found);
    assert_int_equal(found.snapshot.place.index, 25);
    assert_int_equal(found.last_index, 30);
    twin_found_clear(&found);
    buf_free(&snapshot.file);
    twin_free(twin);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_comes_only_after_its_bytes_are_durable),
        cmocka_unit_test(test_requests_that_wait_are_joined_and_answered_in_order),
        cmocka_unit_test(test_a_crash_keeps_what_was_answered_and_at_most_a_prefix_of_the_rest),
        cmocka_unit_test(test_a_hard_state_is_the_old_or_the_new_one_after_a_crash),
        cmocka_unit_test(test_a_new_id_has_an_empty_log_and_drops_what_was_asked_of_the_old),
        cmocka_unit_test(test_a_crash_before_the_switch_leaves_the_old_id),
        cmocka_unit_test(test_the_latest_two_configurations_are_found),
        cmocka_unit_test(test_a_tail_lost_below_the_mark_is_damage_until_it_is_said_to_be_repaired),
        cmocka_unit_test(test_writes_wait_while_the_disk_is_full_and_reads_do_not),
        cmocka_unit_test(test_a_stall_holds_writes_back_until_it_ends),
        cmocka_unit_test(
            test_a_crash_at_any_step_of_an_installation_leaves_the_old_log_or_the_snapshot),
        cmocka_unit_test(test_a_saved_snapshot_lets_a_prefix_go_and_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
