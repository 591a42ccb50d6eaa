/* What a crash, a lying disk or a careless hand leaves, and what a start makes of it. */
#include "unit/storage/storage_check.h"

/* 100 entries of term 1, closed cleanly: the mark is at 100. */
static void write_hundred(struct fixture *f) {
    open_storage(f);
    for (raft_index first = 1; first <= 91; first += 10) append(f, 0, first, 10, 1, 200);
    close_storage(f);
    assert_int_equal(read_hard_state(f).mark_index, 100);
}

/* Takes bytes off the end of the newest write-ahead log. */
static void tear_tail(struct fixture *f, off_t bytes) {
    char *path = file_of_generation(f, 1, ".log");
    assert_int_equal(truncate(path, file_size(path) - bytes), 0);
    free(path);
}

static void test_a_torn_tail_beyond_the_mark_is_cut(void **state) {
    struct fixture *f = *state;
    write_hundred(f);
    tear_tail(f, 100);
    set_mark(f, 90, 1);
    open_storage(f);
    assert_false(f->found.damaged);
    assert_int_equal(f->found.last_index, 90);
    expect_entries(f, 1, 90, 1, 200);
    append(f, 0, 91, 5, 2, 30);
    open_storage(f);
    assert_int_equal(f->found.last_index, 95);
    expect_entries(f, 91, 95, 2, 30);
}

static void test_a_loss_at_the_mark_is_damage_until_it_is_repaired(void **state) {
    struct fixture *f = *state;
    write_hundred(f);
    tear_tail(f, 100);
    for (int restart = 0; restart < 3; restart++) {
        open_storage(f);
        assert_true(f->found.damaged);
        assert_true(f->found.notice.len > 0);
        assert_int_equal(f->found.last_index, 90);
    }
    /* New entries alone do not make it whole. */
    append(f, 85, 85, 30, 2, 30);
    become_copy_after_crash(f);
    open_storage(f);
    assert_true(f->found.damaged);
    assert_int_equal(f->found.last_index, 114);
    storage_mark_repaired(f->storage);
    for (int restart = 0; restart < 2; restart++) {
        open_storage(f);
        assert_false(f->found.damaged);
        assert_int_equal(f->found.notice.len, 0);
        expect_entries(f, 1, 84, 1, 200);
        expect_entries(f, 85, 114, 2, 30);
    }
}

static void test_a_lost_tail_can_be_accepted(void **state) {
    struct fixture *f = *state;
    write_hundred(f);
    tear_tail(f, 100);
    f->accept_lost_tail = true;
    open_storage(f);
    assert_false(f->found.damaged);
    assert_true(f->found.notice.len > 0);
    f->accept_lost_tail = false;
    open_storage(f);
    assert_false(f->found.damaged);
    assert_int_equal(f->found.last_index, 90);
}

static void test_older_entries_in_the_place_of_synced_ones_are_damage(void **state) {
    struct fixture *f = *state;
    write_hundred(f);
    set_mark(f, 100, 7);
    open_storage(f);
    assert_true(f->found.damaged);
}

static void test_a_tear_at_any_byte_leaves_a_prefix(void **state) {
    struct fixture *f = *state;
    write_hundred(f);
    char saved[300];
    snprintf(saved, sizeof saved, "%s.saved", f->directory);
    run("cp -r", f->directory, saved);
    for (off_t bytes = 1; bytes < 22000; bytes = bytes * 2 + 1) {
        tear_tail(f, bytes);
        open_storage(f);
        assert_true(f->found.damaged);
        assert_true(f->found.last_index < 100 && f->found.last_index % 10 == 0);
        if (f->found.last_index > 0) expect_entries(f, 1, f->found.last_index, 1, 200);
        close_storage(f);
        run("rm -rf", f->directory, NULL);
        run("cp -r", saved, f->directory);
    }
    run("rm -rf", saved, NULL);
}

static void test_a_hole_below_the_mark_refuses_the_start(void **state) {
    struct fixture *f = *state;
    f->generation_bytes = 2000;
    write_hundred(f);
    char *log = file_of_generation(f, 5, ".log"); /* one of ten */
    flip_byte(log, file_size(log) / 2);
    assert_int_equal(try_open(f), SF_ERR_CORRUPT);
    assert_true(error_mentions(f, "log-5"));
    assert_true(error_mentions(f, "join again"));
    f->accept_lost_tail = true; /* it is no tail */
    assert_int_equal(try_open(f), SF_ERR_CORRUPT);
    free(log);
}

/* Entry 4 was only written when 3 was synced, so 3 may have been acknowledged. */
static void test_a_hole_beyond_the_mark_is_cut_and_is_damage(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    for (raft_index i = 1; i <= 5; i++) append(f, 0, i, 1, 1, 40000); /* more than a block each */
    close_storage(f);
    char *log = file_of_generation(f, 1, ".log");
    flip_byte(log, 80000 + 20000); /* in entry 3 */
    set_mark(f, 2, 1);
    open_storage(f);
    assert_int_equal(f->found.last_index, 2);
    assert_true(f->found.damaged);
    assert_true(notice_mentions(f, "log-1") && notice_mentions(f, "entry 3"));
    append(f, 0, 3, 1, 2, 10);
    for (int restart = 0; restart < 2; restart++) {
        open_storage(f);
        assert_true(f->found.damaged);
        assert_int_equal(f->found.last_index, 3); /* 4 and 5 do not come back */
        expect_entries(f, 3, 3, 2, 10);
    }
    free(log);
}

/* Indexes without a gap and terms that rise, yet entries 6 to 8 are not those that were synced. */
static void test_old_entries_in_the_place_of_a_lost_write_are_not_believed(void **state) {
    struct fixture *f = *state;
    for (int at_mark = 0; at_mark < 2; at_mark++) {
        open_storage(f);
        for (raft_index i = 1; i <= 10; i++) append(f, 0, i, 1, 1, 10000);
        append(f, 6, 6, 3, 2, 20000); /* the lost write: 6, 7 and 8 anew */
        append(f, 0, 9, 2, 2, 40000);
        close_storage(f);
        char *log = file_of_generation(f, 1, ".log");
        flip_byte(log, 100000 + 30000);
        if (at_mark == 0) set_mark(f, 5, 1);
        if (at_mark == 0) {
            open_storage(f);
            assert_true(f->found.damaged);
            assert_true(f->found.last_index <= 8);
            expect_entries(f, 1, f->found.last_index, 1, 10000);
        } else {
            assert_int_equal(try_open(f), SF_ERR_CORRUPT);
            assert_true(error_mentions(f, "log-1") && error_mentions(f, "join again"));
        }
        close_storage(f);
        run("rm -rf", f->directory, NULL);
        free(log);
    }
}

static void test_an_older_generation_without_its_end_is_noticed(void **state) {
    struct fixture *f = *state;
    f->generation_bytes = 2000;
    write_hundred(f);
    set_mark(f, 1, 1); /* the list of generations alone says that they were synced */
    char *log = file_of_generation(f, 9, ".log");
    assert_int_equal(truncate(log, 0), 0);
    assert_int_equal(try_open(f), SF_ERR_CORRUPT);
    free(log);
}

static void test_a_newest_generation_that_lost_everything_is_damage(void **state) {
    struct fixture *f = *state;
    f->generation_bytes = 2000;
    write_hundred(f);
    char *last = file_of_generation(f, 10, ".log");
    assert_int_equal(truncate(last, 0), 0);
    open_storage(f);
    assert_true(f->found.damaged);
    assert_int_equal(f->found.last_index, 90);
    expect_entries(f, 1, 90, 1, 200);
    free(last);
}

/* LevelDB, left to itself, takes a write-ahead log that it cannot open for an empty one, and
 * deletes it. */
static void test_a_log_that_cannot_be_opened_now_is_still_there_later(void **state) {
    struct fixture *f = *state;
    write_hundred(f);
    char *log = file_of_generation(f, 1, ".log"), aside[300];
    snprintf(aside, sizeof aside, "%s.aside", f->directory);
    run("mv", log, aside);
    assert_int_equal(symlink(log, log), 0); /* opening it: too many levels of links */
    assert_int_equal(try_open(f), SF_ERR_STORAGE);
    assert_true(error_mentions(f, "log-1"));
    assert_int_equal(unlink(log), 0);
    run("mv", aside, log);
    open_storage(f);
    assert_false(f->found.damaged);
    expect_entries(f, 1, 100, 1, 200);
    free(log);
}

static void test_missing_files_refuse_the_start_and_are_named(void **state) {
    struct fixture *f = *state;
    static const char *const names[] = {"hard-state", "generations", "log-1/CURRENT", "log-1"};
    for (size_t i = 0; i < SF_LENGTH(names); i++) {
        write_hundred(f);
        char *path = node_path(f, names[i]);
        run("rm -rf", path, NULL);
        free(path);
        assert_int_equal(try_open(f), SF_ERR_CORRUPT);
        assert_true(error_mentions(f, i < 2 ? names[i] : "log-1"));
        assert_true(error_mentions(f, "join again"));
        run("rm -rf", f->directory, NULL);
    }
}

static void test_a_node_without_its_identity_is_not_a_new_one(void **state) {
    struct fixture *f = *state;
    write_hundred(f);
    char *path = fixture_path(f, "identity");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(try_open(f), SF_ERR_CORRUPT);
    assert_true(error_mentions(f, "identity"));
    free(path);
}

static void test_any_flipped_byte_of_a_small_file_refuses_the_start(void **state) {
    struct fixture *f = *state;
    write_hundred(f);
    char *paths[] = {fixture_path(f, "identity"), node_path(f, "generations")};
    for (size_t i = 0; i < SF_LENGTH(paths); i++) {
        off_t size = file_size(paths[i]);
        for (off_t at = 0; at < size; at++) {
            flip_byte(paths[i], at);
            assert_int_equal(try_open(f), SF_ERR_CORRUPT);
            assert_true(error_mentions(f, i == 0 ? "identity" : "generations"));
            flip_byte(paths[i], at);
        }
        assert_int_equal(truncate(paths[i], size / 2), 0);
        assert_int_equal(try_open(f), SF_ERR_CORRUPT);
        free(paths[i]);
        run("rm -rf", f->directory, NULL);
        write_hundred(f);
    }
}

/* Whatever byte of the log's files is turned: no start ever shows wrong entries, or silently fewer.
 */
static void flip_each(struct fixture *f, const char *ending, off_t step) {
    char saved[300];
    snprintf(saved, sizeof saved, "%s.saved", f->directory);
    run("cp -r", f->directory, saved);
    char *path = file_of_generation(f, 1, ending);
    off_t size = file_size(path);
    for (off_t at = 0; at < size; at += at < size - 200 ? step : step / 40 + 1) {
        flip_byte(path, at);
        enum sf_status status = try_open(f);
        if (status == SF_OK) {
            assert_true(f->found.damaged || f->found.last_index == 100);
            if (f->found.last_index > 0) expect_entries(f, 1, f->found.last_index, 1, 200);
        } else {
            assert_int_equal(status, SF_ERR_CORRUPT);
            assert_true(error_mentions(f, "log-1"));
        }
        close_storage(f);
        run("rm -rf", f->directory, NULL);
        run("cp -r", saved, f->directory);
    }
    run("rm -rf", saved, NULL);
    free(path);
}

static void test_flipped_bytes_of_the_write_ahead_log_are_never_believed(void **state) {
    struct fixture *f = *state;
    write_hundred(f);
    flip_each(f, ".log", 557);
}

static void test_flipped_bytes_of_a_table_are_never_believed(void **state) {
    struct fixture *f = *state;
    write_hundred(f);
    open_storage(f); /* LevelDB turns its log into a table */
    close_storage(f);
    flip_each(f, ".ldb", 557);
}

static void test_a_flipped_byte_is_found_by_a_fetch(void **state) {
    struct fixture *f = *state;
    f->generation_bytes = 2000;
    write_hundred(f);
    open_storage(f);
    char *table = file_of_generation(f, 3, ".ldb");
    flip_byte(table, file_size(table) / 3);
    storage_fetch(f->storage, ++f->next_request, 20, 40, 1 << 20);
    const struct storage_event *event = wait_for(f, 0);
    assert_int_equal(event->status, SF_ERR_STORAGE);
    assert_non_null(strstr(event->text, "log-3"));
    free(table);
}

/* Not even the older of two votes: whichever byte is bad. */
static void test_no_flipped_byte_brings_an_older_vote_back(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    save_hard_state(f, 5, NODE_B);
    save_hard_state(f, 6, NODE_A);
    become_copy_after_crash(f);
    char *path = node_path(f, "hard-state");
    for (off_t at = 0; at < 8192; at += at % 2048 < 80 ? 1 : 250) {
        flip_byte(path, at);
        struct hard_state_record found = read_hard_state(f);
        assert_int_equal(found.term, 6);
        assert_int_equal(found.vote, NODE_A);
        flip_byte(path, at);
    }
    free(path);
}

static void test_a_slot_without_a_whole_record_is_damage(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    save_hard_state(f, 6, NODE_A);
    close_storage(f);
    char *path = node_path(f, "hard-state");
    flip_byte(path, 4096 + 20);
    flip_byte(path, 4096 + 2048 + 20);
    open_storage(f);
    assert_true(f->found.damaged);
    assert_true(notice_mentions(f, "hard-state"));
    storage_mark_repaired(f->storage);
    open_storage(f);
    assert_false(f->found.damaged);
    free(path);
}

static void test_a_torn_slot_leaves_the_other_one(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    save_hard_state(f, 5, NODE_B);
    save_hard_state(f, 6, NODE_A);
    close_storage(f);
    char *path = node_path(f, "hard-state");
    for (int round = 0; round < 2; round++) {
        /* After a clean stop both slots hold the term and the vote: either will do. */
        flip_byte(path, round * 4096 + 30);
        open_storage(f);
        assert_int_equal(f->found.hard_state.term, 6);
        assert_true(f->found.hard_state.vote == NODE_A);
        save_hard_state(f, 6, NODE_A);
        save_hard_state(f, 6, NODE_A);
        close_storage(f);
    }
    for (off_t at = 20; at < 8192; at += 2048) flip_byte(path, at);
    assert_int_equal(try_open(f), SF_ERR_CORRUPT);
    assert_true(error_mentions(f, "hard-state"));
    free(path);
}

static void test_a_copied_hard_state_of_another_node_is_refused(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    close_storage(f);
    char *path = node_path(f, "hard-state"), keep[300];
    snprintf(keep, sizeof keep, "%s.keep", f->directory);
    run("cp", path, keep);
    run("rm -rf", f->directory, NULL);
    assert_int_equal(try_open(f), SF_OK);
    save_identity(f, NODE_B, "other");
    close_storage(f);
    char *other = node_directory(f->directory, NODE_B);
    char target[700];
    snprintf(target, sizeof target, "%s/hard-state", other);
    run("mv", keep, target);
    assert_int_equal(try_open(f), SF_ERR_CORRUPT);
    assert_true(error_mentions(f, "belongs to node 000000000000000a"));
    sf_free(other);
    free(path);
}

static void test_the_mark_is_below_a_truncation_whatever_a_crash_leaves(void **state) {
    struct fixture *f = *state;
    for (int small = 0; small < 2; small++) {
        f->generation_bytes = small ? 2000 : 64 << 20;
        write_hundred(f);
        open_storage(f);
        append(f, 41, 41, 0, 0, 0);
        become_copy_after_crash(f);
        assert_true(read_hard_state(f).mark_index <= 40);
        open_storage(f);
        assert_false(f->found.damaged);
        assert_int_equal(f->found.last_index, 40);
        append(f, 31, 31, 5, 2, 10);
        become_copy_after_crash(f);
        open_storage(f);
        assert_false(f->found.damaged);
        assert_int_equal(f->found.last_index, 35);
        close_storage(f);
        run("rm -rf", f->directory, NULL);
    }
}

static void test_the_mark_follows_the_log_by_itself(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    append(f, 0, 1, 25, 3, 10);
    while (read_hard_state(f).mark_index != 25) poll(NULL, 0, 20); /* no request asks for it */
    assert_int_equal(read_hard_state(f).mark_term, 3);
}

static void test_truncations_and_crashes_alternate(void **state) {
    struct fixture *f = *state;
    write_hundred(f);
    for (int round = 0; round < 6; round++) {
        open_storage(f);
        raft_index last = f->found.last_index;
        append(f, last - 4, last - 4, 2, (raft_term)(2 + round), 10);
        become_copy_after_crash(f);
    }
    open_storage(f);
    assert_int_equal(f->found.last_index, 100 - 6 * 3);
    assert_int_equal(f->found.hard_state.term, 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORAGE_TEST(test_a_torn_tail_beyond_the_mark_is_cut),
        STORAGE_TEST(test_a_loss_at_the_mark_is_damage_until_it_is_repaired),
        STORAGE_TEST(test_a_lost_tail_can_be_accepted),
        STORAGE_TEST(test_older_entries_in_the_place_of_synced_ones_are_damage),
        STORAGE_TEST(test_a_tear_at_any_byte_leaves_a_prefix),
        STORAGE_TEST(test_a_hole_below_the_mark_refuses_the_start),
        STORAGE_TEST(test_a_hole_beyond_the_mark_is_cut_and_is_damage),
        STORAGE_TEST(test_old_entries_in_the_place_of_a_lost_write_are_not_believed),
        STORAGE_TEST(test_no_flipped_byte_brings_an_older_vote_back),
        STORAGE_TEST(test_a_slot_without_a_whole_record_is_damage),
        STORAGE_TEST(test_an_older_generation_without_its_end_is_noticed),
        STORAGE_TEST(test_a_newest_generation_that_lost_everything_is_damage),
        STORAGE_TEST(test_a_log_that_cannot_be_opened_now_is_still_there_later),
        STORAGE_TEST(test_missing_files_refuse_the_start_and_are_named),
        STORAGE_TEST(test_a_node_without_its_identity_is_not_a_new_one),
        STORAGE_TEST(test_any_flipped_byte_of_a_small_file_refuses_the_start),
        STORAGE_TEST(test_flipped_bytes_of_the_write_ahead_log_are_never_believed),
        STORAGE_TEST(test_flipped_bytes_of_a_table_are_never_believed),
        STORAGE_TEST(test_a_flipped_byte_is_found_by_a_fetch),
        STORAGE_TEST(test_a_torn_slot_leaves_the_other_one),
        STORAGE_TEST(test_a_copied_hard_state_of_another_node_is_refused),
        STORAGE_TEST(test_the_mark_is_below_a_truncation_whatever_a_crash_leaves),
        STORAGE_TEST(test_the_mark_follows_the_log_by_itself),
        STORAGE_TEST(test_truncations_and_crashes_alternate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
