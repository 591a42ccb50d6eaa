#include "unit/storage/storage_check.h"

#include <sys/resource.h>

static void test_a_new_directory_has_no_node_until_an_identity_is_saved(void **state) {
    struct fixture *f = *state;
    assert_int_equal(try_open(f), SF_OK);
    assert_true(f->found.is_new);
    assert_int_equal(f->found.node_id, 0);
    assert_int_equal(f->found.boot_counter, 1);
    assert_true(f->found.last_index < f->found.first_index);
    assert_int_equal(try_open(f), SF_OK);
    assert_true(f->found.is_new);
    save_identity(f, NODE_A, "first");
    assert_int_equal(try_open(f), SF_OK);
    assert_false(f->found.is_new);
    assert_true(f->found.node_id == NODE_A);
    assert_int_equal(f->found.boot_counter, 2);
    assert_true(slice_equal(buf_slice(&f->found.identity_blob), SLICE("first")));
}

static void test_entries_and_hard_state_read_back_after_a_restart(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    append(f, 0, 1, 10, 1, 50);
    append(f, 0, 11, 5, 3, 7);
    append(f, 0, 16, 1, 4, 0);
    save_hard_state(f, 7, NODE_B);
    expect_entries(f, 1, 10, 1, 50);
    open_storage(f);
    assert_int_equal(f->found.first_index, 1);
    assert_int_equal(f->found.last_index, 16);
    assert_int_equal(f->found.hard_state.term, 7);
    assert_true(f->found.hard_state.vote == NODE_B);
    assert_false(f->found.damaged);
    assert_int_equal(f->found.notice.len, 0);
    assert_int_equal(f->found.n_term_runs, 3);
    assert_int_equal(f->found.term_runs[1].first, 11);
    assert_int_equal(f->found.term_runs[1].term, 3);
    expect_entries(f, 1, 10, 1, 50);
    expect_entries(f, 11, 15, 3, 7);
    expect_entries(f, 16, 16, 4, 0);
}

static void test_the_boot_counter_rises_at_each_start(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    uint64_t before = f->found.boot_counter;
    for (int i = 0; i < 3; i++) {
        open_storage(f);
        assert_true(f->found.boot_counter > before);
        before = f->found.boot_counter;
    }
}

static void test_the_term_is_at_least_the_last_entrys(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    save_hard_state(f, 2, NODE_B);
    append(f, 0, 1, 3, 5, 10);
    open_storage(f);
    assert_int_equal(f->found.hard_state.term, 5);
    assert_int_equal(f->found.hard_state.vote, 0);
    become_copy_after_crash(f); /* saved before it was told */
    assert_int_equal(read_hard_state(f).term, 5);
}

static void test_the_latest_two_configurations_are_found(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    struct raft_entry entries[6];
    static const uint8_t kinds[] = {2, 1, 2, 3, 2, 3};
    for (size_t i = 0; i < SF_LENGTH(entries); i++)
        entries[i] = (struct raft_entry){
            .index = i + 1, .term = 1, .kind = kinds[i], .payload = payload_of(i + 1, 1, 20)};
    storage_append(f->storage, 99, 0, entries, SF_LENGTH(entries));
    for (size_t i = 0; i < SF_LENGTH(entries); i++) bytes_unref(entries[i].payload);
    wait_for(f, 99);
    open_storage(f);
    assert_int_equal(f->found.configuration_index, 5);
    assert_int_equal(f->found.previous_configuration_index, 3);
    struct bytes *expected = payload_of(5, 1, 20);
    assert_true(slice_equal(bytes_slice(f->found.configuration), bytes_slice(expected)));
    bytes_unref(expected);
    expected = payload_of(3, 1, 20);
    assert_true(slice_equal(bytes_slice(f->found.previous_configuration), bytes_slice(expected)));
    bytes_unref(expected);
}

static void test_joined_requests_are_each_answered_in_order(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    raft_index next = 1;
    uint64_t first_request = f->next_request + 1;
    for (int i = 0; i < 200; i++, next += 3) ask_append(f, 0, next, 3, 1 + (raft_term)i / 50, 40);
    forget_events(f);
    wait_for(f, f->next_request);
    assert_int_equal(f->n_events, 200);
    for (uint32_t i = 0; i < 200; i++) {
        assert_int_equal(f->events[i].type, STORAGE_APPENDED);
        assert_int_equal(f->events[i].request, first_request + i);
        assert_int_equal(f->events[i].last_index, (i + 1) * 3);
        assert_int_equal(f->events[i].last_term, 1 + i / 50);
    }
}

static void test_a_truncation_between_joined_requests_keeps_its_place(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    ask_append(f, 0, 1, 10, 1, 30);
    ask_append(f, 0, 11, 10, 1, 30);
    ask_append(f, 5, 5, 3, 2, 30);
    ask_append(f, 0, 8, 2, 2, 30);
    uint64_t only_cut = ask_append(f, 9, 9, 0, 0, 0);
    ask_append(f, 0, 9, 4, 3, 30);
    wait_for(f, f->next_request);
    const struct storage_event *cut = wait_for(f, only_cut);
    assert_int_equal(cut->last_index, 8);
    assert_int_equal(cut->last_term, 2);
    for (int restart = 0; restart < 2; restart++) {
        expect_entries(f, 1, 4, 1, 30);
        expect_entries(f, 5, 8, 2, 30);
        expect_entries(f, 9, 12, 3, 30);
        assert_int_equal(fetch(f, 13, 20, 1000)->n, 0);
        open_storage(f);
        assert_int_equal(f->found.last_index, 12);
    }
}

static void test_truncating_everything_leaves_an_empty_log(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    append(f, 0, 1, 10, 1, 30);
    append(f, 1, 1, 0, 0, 0);
    assert_int_equal(f->events[f->n_events - 1].last_term, 0);
    open_storage(f);
    assert_true(f->found.last_index < f->found.first_index);
    assert_false(f->found.damaged);
    append(f, 0, 1, 2, 9, 30);
    expect_entries(f, 1, 2, 9, 30);
}

/* Each request fills more than a generation: one generation a request. */
static void fill_generations(struct fixture *f) {
    f->generation_bytes = 2000;
    open_storage(f);
    for (raft_index first = 1; first <= 91; first += 10) append(f, 0, first, 10, 1, 200);
}

static void test_the_log_goes_over_from_generation_to_generation(void **state) {
    struct fixture *f = *state;
    fill_generations(f);
    char *last = node_path(f, "log-10");
    assert_int_equal(access(last, F_OK), 0);
    free(last);
    assert_true(storage_disk_bytes(f->storage) > 100 * 200);
    for (int restart = 0; restart < 2; restart++) {
        expect_entries(f, 1, 100, 1, 200);
        expect_entries(f, 35, 77, 1, 200);
        open_storage(f);
        assert_int_equal(f->found.last_index, 100);
    }
}

static void test_a_truncation_may_reach_below_the_newest_generation(void **state) {
    struct fixture *f = *state;
    fill_generations(f);
    append(f, 55, 55, 3, 2, 200);
    for (int restart = 0; restart < 2; restart++) {
        expect_entries(f, 1, 54, 1, 200);
        expect_entries(f, 55, 57, 2, 200);
        assert_int_equal(fetch(f, 58, 58, 1000)->n, 0);
        open_storage(f);
        assert_int_equal(f->found.last_index, 57);
        assert_false(f->found.damaged);
    }
    append(f, 21, 21, 40, 3, 200);
    append(f, 1, 1, 5, 4, 200);
    expect_entries(f, 1, 5, 4, 200);
    open_storage(f);
    assert_int_equal(f->found.last_index, 5);
}

static void test_unlisted_generations_are_trash(void **state) {
    struct fixture *f = *state;
    fill_generations(f);
    close_storage(f);
    char *real = node_path(f, "log-3"), *trash = node_path(f, "log-77");
    run("cp -r", real, trash);
    open_storage(f);
    assert_int_not_equal(access(trash, F_OK), 0);
    expect_entries(f, 1, 100, 1, 200);
    append(f, 0, 101, 10, 1, 200);
    append(f, 0, 111, 10, 1, 200);
    expect_entries(f, 90, 120, 1, 200);
    free(real);
    free(trash);
}

static void test_a_fetch_keeps_its_bounds(void **state) {
    struct fixture *f = *state;
    fill_generations(f);
    assert_int_equal(fetch(f, 5, 95, 1000)->n, 5);
    assert_int_equal(fetch(f, 5, 95, 999)->n, 4);
    assert_int_equal(fetch(f, 5, 95, 1)->n, 1);
    assert_int_equal(fetch(f, 5, 95, 0)->n, 1);
    assert_int_equal(fetch(f, 5, 6, 1 << 20)->n, 2);
    const struct storage_event *across = fetch(f, 9, 32, 1 << 20);
    assert_int_equal(across->n, 24);
    assert_int_equal(across->entries[23].index, 32);
    assert_int_equal(fetch(f, 95, 500, 1 << 20)->n, 6);
    assert_int_equal(fetch(f, 101, 500, 1 << 20)->n, 0);
}

static void test_fetches_agree_with_appends_and_truncations_under_way(void **state) {
    struct fixture *f = *state;
    f->generation_bytes = 3000;
    open_storage(f);
    append(f, 0, 1, 30, 1, 50);
    raft_term term = 2;
    for (int round = 0; round < 60; round++) {
        storage_fetch(f->storage, ++f->next_request, 1, 60, UINT64_MAX);
        ask_append(f, (raft_index)(10 + round % 20), (raft_index)(10 + round % 20), 25, term++, 50);
    }
    storage_fetch(f->storage, ++f->next_request, 1, 60, UINT64_MAX);
    wait_for(f, f->next_request);
    for (uint32_t i = 0; i < f->n_events; i++) {
        const struct storage_event *event = &f->events[i];
        assert_int_not_equal(event->type, STORAGE_STATE);
        if (event->type != STORAGE_FETCHED) continue;
        for (uint32_t k = 0; k < event->n; k++) {
            assert_int_equal(event->entries[k].index, k + 1);
            struct bytes *expected = payload_of(k + 1, event->entries[k].term, 50);
            assert_true(slice_equal(bytes_slice(event->entries[k].payload), bytes_slice(expected)));
            bytes_unref(expected);
        }
    }
}

static void test_one_directory_serves_one_process(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    struct storage *second;
    struct storage_found found;
    struct buf error = {0};
    const struct storage_settings settings = {.directory = f->directory, .generation_bytes = 1000};
    assert_int_equal(storage_open(&settings, &second, &found, &error), SF_ERR_BUSY);
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(memmem(error.data, error.len, pid, strlen(pid)));
    assert_non_null(memmem(error.data, error.len, f->directory, strlen(f->directory)));
    buf_free(&error);
    open_storage(f); /* and is free again after a close */
}

static void test_a_new_identity_begins_an_empty_log(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    append(f, 0, 1, 20, 3, 100);
    save_hard_state(f, 9, NODE_A);
    uint64_t boot_counter = f->found.boot_counter;
    save_identity(f, NODE_B, "second");
    append(f, 0, 1, 2, 1, 10);
    save_hard_state(f, 1, NODE_B);
    expect_entries(f, 1, 2, 1, 10);
    for (int restart = 0; restart < 2; restart++) {
        open_storage(f);
        assert_true(f->found.node_id == NODE_B);
        assert_true(f->found.boot_counter > boot_counter);
        assert_true(slice_equal(buf_slice(&f->found.identity_blob), SLICE("second")));
        assert_int_equal(f->found.hard_state.term, 1);
        assert_int_equal(f->found.last_index, 2);
        expect_entries(f, 1, 2, 1, 10);
    }
    char *old = node_directory(f->directory, NODE_A);
    assert_int_not_equal(access(old, F_OK), 0);
    sf_free(old);
}

static void test_requests_on_the_old_log_are_never_answered(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    append(f, 0, 1, 5, 1, 100);
    forget_events(f);
    uint64_t old_from = f->next_request + 1;
    for (raft_index i = 6; i < 40; i++) ask_append(f, 0, i, 1, 1, 100);
    storage_fetch(f->storage, ++f->next_request, 1, 5, 1000);
    storage_save_hard_state(f->storage, ++f->next_request, &(struct raft_hard_state){.term = 1});
    uint64_t old_to = f->next_request;
    storage_save_identity(f->storage, ++f->next_request, NODE_B, SLICE("b"));
    ask_append(f, 0, 1, 3, 8, 10); /* on the new one, without waiting */
    storage_save_hard_state(f->storage, ++f->next_request, &(struct raft_hard_state){.term = 8});
    uint64_t saved = f->next_request;
    wait_for(f, saved);
    wait_for(f, saved - 1);
    for (uint32_t i = 0; i < f->n_events; i++)
        assert_true(f->events[i].request < old_from || f->events[i].request > old_to);
    open_storage(f);
    assert_int_equal(f->found.last_index, 3);
    assert_int_equal(f->found.hard_state.term, 8);
}

static void test_the_same_identity_keeps_the_log(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    append(f, 0, 1, 5, 1, 100);
    save_identity(f, NODE_A, "changed");
    append(f, 0, 6, 5, 1, 100);
    open_storage(f);
    assert_true(slice_equal(buf_slice(&f->found.identity_blob), SLICE("changed")));
    assert_int_equal(f->found.last_index, 10);
}

static void test_a_start_between_the_steps_of_a_switch_goes_on_or_back(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    append(f, 0, 1, 5, 1, 100);
    close_storage(f);
    char *settled = node_directory(f->directory, NODE_A);
    char *unsettled = node_directory_new(f->directory, NODE_A);
    run("mv", settled, unsettled); /* the identity names it, the rename is missing */
    open_storage(f);
    assert_int_equal(f->found.last_index, 5);
    close_storage(f);
    char *other = node_directory_new(f->directory, NODE_B);
    run("cp -r", settled, other); /* made, but the identity was not switched */
    open_storage(f);
    assert_true(f->found.node_id == NODE_A);
    assert_int_equal(f->found.last_index, 5);
    assert_int_not_equal(access(other, F_OK), 0);
    sf_free(settled);
    sf_free(unsettled);
    sf_free(other);
}

static void test_closing_finishes_what_was_asked(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    for (raft_index i = 1; i <= 50; i++) ask_append(f, 0, i, 1, 1, 100);
    storage_save_hard_state(f->storage, ++f->next_request, &(struct raft_hard_state){.term = 6});
    open_storage(f);
    assert_int_equal(f->found.last_index, 50);
    assert_int_equal(f->found.hard_state.term, 6);
}

static void test_an_entry_larger_than_a_generation_is_kept(void **state) {
    struct fixture *f = *state;
    f->generation_bytes = 1000;
    open_storage(f);
    append(f, 0, 1, 1, 1, 5 << 20);
    append(f, 0, 2, 1, 1, 100);
    append(f, 0, 3, 1, 1, 5 << 20);
    expect_entries(f, 1, 1, 1, 5 << 20);
    open_storage(f);
    expect_entries(f, 3, 3, 1, 5 << 20);
}

static void test_running_out_of_descriptors_loses_nothing(void **state) {
    struct fixture *f = *state;
    for (rlim_t spare = 0; spare < 12; spare++) {
        fill_generations(f); /* none of the older ones is open, nor was it ever reopened */
        struct rlimit limit, before;
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        int lowest = dup(0);
        close(lowest);
        limit = before;
        limit.rlim_cur = (rlim_t)lowest + spare;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        fetch(f, 1, 100, UINT64_MAX);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        expect_entries(f, 1, 100, 1, 200);
        open_storage(f);
        expect_entries(f, 1, 100, 1, 200);
        close_storage(f);
        run("rm -rf", f->directory, NULL);
    }
}

static void test_what_is_asked_behind_a_new_identity_is_answered(void **state) {
    struct fixture *f = *state;
    const struct raft_snapshot none = {.index = 5, .term = 1, .id = 1, .bytes = 100};
    assert_int_equal(try_open(f), SF_OK);
    for (raft_id node = 1; node < 30; node++) {
        storage_save_identity(f->storage, ++f->next_request, node, SLICE("blob"));
        storage_read_snapshot(f->storage, ++f->next_request, &none, 0, 10);
        assert_int_equal(wait_for(f, f->next_request)->type, STORAGE_SNAPSHOT_READ);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORAGE_TEST(test_what_is_asked_behind_a_new_identity_is_answered),
        STORAGE_TEST(test_a_new_directory_has_no_node_until_an_identity_is_saved),
        STORAGE_TEST(test_entries_and_hard_state_read_back_after_a_restart),
        STORAGE_TEST(test_the_boot_counter_rises_at_each_start),
        STORAGE_TEST(test_the_term_is_at_least_the_last_entrys),
        STORAGE_TEST(test_the_latest_two_configurations_are_found),
        STORAGE_TEST(test_joined_requests_are_each_answered_in_order),
        STORAGE_TEST(test_a_truncation_between_joined_requests_keeps_its_place),
        STORAGE_TEST(test_truncating_everything_leaves_an_empty_log),
        STORAGE_TEST(test_the_log_goes_over_from_generation_to_generation),
        STORAGE_TEST(test_a_truncation_may_reach_below_the_newest_generation),
        STORAGE_TEST(test_unlisted_generations_are_trash),
        STORAGE_TEST(test_a_fetch_keeps_its_bounds),
        STORAGE_TEST(test_fetches_agree_with_appends_and_truncations_under_way),
        STORAGE_TEST(test_one_directory_serves_one_process),
        STORAGE_TEST(test_a_new_identity_begins_an_empty_log),
        STORAGE_TEST(test_requests_on_the_old_log_are_never_answered),
        STORAGE_TEST(test_the_same_identity_keeps_the_log),
        STORAGE_TEST(test_a_start_between_the_steps_of_a_switch_goes_on_or_back),
        STORAGE_TEST(test_closing_finishes_what_was_asked),
        STORAGE_TEST(test_running_out_of_descriptors_loses_nothing),
        STORAGE_TEST(test_an_entry_larger_than_a_generation_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
