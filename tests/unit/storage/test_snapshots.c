/* Snapshots on disk: kept, received, installed, dropped prefixes; and what a crash at each step
 * leaves.
 */
#include "storage/log.h"
#include "storage/snapshot_file.h"
#include "unit/storage/snapshot_bytes.h"
#include "unit/storage/storage_check.h"

static const struct storage_keep keep_little = {
    .bytes = 1, .entries = 1, .needed_from = UINT64_MAX};

static struct snapshot_content snapshot_of(raft_index index, raft_term term, uint64_t id) {
    struct bytes *state = payload_of(index, term, (size_t)(3 << 20) + (size_t)index);
    struct snapshot_content content = snapshot_content_of(index, term, id, bytes_slice(state));
    bytes_unref(state);
    return content;
}

static void expect_snapshot(struct fixture *f, raft_index index, raft_term term) {
    struct snapshot_content expected = snapshot_of(index, term, index + 1000);
    struct buf file = {0};
    assert_int_equal(f->found.snapshot.place.index, index);
    assert_int_equal(f->found.snapshot.place.term, term);
    assert_int_equal(f->found.snapshot.place.bytes, expected.place.bytes);
    assert_true(slice_equal(bytes_slice(f->found.snapshot.configuration), SLICE("members")));
    while (file.len < expected.file.len) {
        storage_read_snapshot(
            f->storage, ++f->next_request, &f->found.snapshot.place, file.len, 1 << 20);
        const struct storage_event *event = wait_for(f, f->next_request);
        assert_non_null(event->data);
        buf_append_slice(&file, bytes_slice(event->data));
    }
    assert_true(slice_equal(buf_slice(&file), buf_slice(&expected.file)));
    buf_free(&file);
    buf_free(&expected.file);
}

/* In pieces, of which those from `missing` on are left out; the latest answer. */
static const struct storage_event *save_pieces(struct fixture *f, struct snapshot_content *snapshot,
    const struct storage_keep *keep, size_t missing) {
    const size_t piece = (size_t)700 << 10;
    for (size_t at = 0; at < snapshot->file.len && at < missing * piece; at += piece) {
        size_t len = SF_MIN(piece, snapshot->file.len - at);
        bool is_last = at + len == snapshot->file.len;
        struct bytes *data = bytes_new(buf_slice(&snapshot->file).data + at, len);
        storage_save_snapshot(f->storage, ++f->next_request, &snapshot->place, at, data, is_last,
            is_last ? keep : NULL);
        bytes_unref(data);
    }
    return wait_for(f, f->next_request);
}

static raft_index save(
    struct fixture *f, raft_index index, raft_term term, const struct storage_keep *keep) {
    struct snapshot_content snapshot = snapshot_of(index, term, index + 1000);
    const struct storage_event *event = save_pieces(f, &snapshot, keep, SIZE_MAX >> 30);
    buf_free(&snapshot.file);
    assert_int_equal(event->type, STORAGE_SNAPSHOT_SAVED);
    assert_int_equal(event->status, SF_OK);
    assert_int_equal(event->place.index, index);
    return event->first_index;
}

/* All chunks but the last `missing`; the status of the latest. */
static enum sf_status receive(struct fixture *f, const struct snapshot_content *snapshot,
    size_t chunk, size_t missing, size_t flip_at) {
    struct buf file = {0};
    buf_append_slice(&file, buf_slice(&snapshot->file));
    if (flip_at > 0) file.data[file.start + flip_at] ^= 1;
    enum sf_status status = SF_OK;
    for (size_t at = 0; at + missing * chunk < file.len; at += chunk) {
        size_t len = SF_MIN(chunk, file.len - at);
        struct bytes *data = bytes_new(buf_slice(&file).data + at, len);
        storage_receive_snapshot(
            f->storage, ++f->next_request, &snapshot->place, at, data, at + len == file.len);
        bytes_unref(data);
        status = wait_for(f, f->next_request)->status;
    }
    buf_free(&file);
    return status;
}

static void install(struct fixture *f, raft_index index, raft_term term) {
    struct snapshot_content snapshot = snapshot_of(index, term, index + 1000);
    assert_int_equal(receive(f, &snapshot, 1 << 18, 0, 0), SF_OK);
    storage_install_snapshot(f->storage, ++f->next_request, &snapshot.place);
    assert_int_equal(wait_for(f, f->next_request)->type, STORAGE_SNAPSHOT_INSTALLED);
    buf_free(&snapshot.file);
}

static uint32_t count_files(const struct fixture *f, const char *start) {
    char *directory = node_path(f, "");
    uint32_t n = 0;
    DIR *listing = opendir(directory);
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;)
        n += strncmp(entry->d_name, start, strlen(start)) == 0;
    closedir(listing);
    free(directory);
    return n;
}

static void test_a_start_finds_the_snapshot_and_what_follows_it(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    append(f, 0, 1, 50, 2, 100);
    save(f, 40, 2, &keep_little);
    append(f, 0, 51, 10, 3, 100);
    open_storage(f);
    expect_snapshot(f, 40, 2);
    assert_int_equal(f->found.last_index, 60);
    assert_int_equal(f->found.configuration_index, 1);
    expect_entries(f, 51, 60, 3, 100);
}

static void test_a_prefix_goes_in_whole_generations_as_far_as_nobody_needs_it(void **state) {
    struct fixture *f = *state;
    f->generation_bytes = 2000;
    open_storage(f);
    for (raft_index i = 1; i <= 100; i += 5) append(f, 0, i, 5, 1, 200);
    struct storage_keep keep = {.bytes = 8000, .entries = UINT64_MAX, .needed_from = UINT64_MAX};
    raft_index first = save(f, 80, 1, &keep);
    assert_true(first > 30 && first < 80);
    assert_int_equal(fetch(f, 1, 10, UINT64_MAX)->n, 0);
    expect_entries(f, first, 100, 1, 200);
    keep = (struct storage_keep){.bytes = 1, .entries = 1, .needed_from = 70};
    first = save(f, 90, 1, &keep);
    assert_true(first <= 70);
    first = save(f, 95, 1, &keep_little);
    assert_true(first > 80 && first <= 96);
    open_storage(f);
    assert_int_equal(f->found.first_index, first);
    assert_int_equal(f->found.last_index, 100);
    assert_int_equal(f->found.term_runs[0].term, 1);
    expect_entries(f, first, 100, 1, 200);
    append(f, 98, 98, 5, 2, 50); /* a truncation behind it works as before */
    open_storage(f);
    assert_int_equal(f->found.last_index, 102);
    assert_false(f->found.damaged);
}

static void test_the_last_two_are_kept(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    for (raft_index i = 1; i <= 5; i++) {
        append(f, 0, i, 1, 1, 10);
        save(f, i, 1, &keep_little);
    }
    close_storage(f);
    assert_int_equal(count_files(f, "snapshot-"), 2);
    assert_int_equal(try_open(f), SF_OK);
    expect_snapshot(f, 5, 1);
}

/* One is sent for long while the leader goes on taking them: each is as large as the state. */
static void test_while_one_is_sent_those_between_it_and_the_newest_go(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    const struct storage_keep keep = {.bytes = 1, .entries = 1, .needed_from = 3};
    for (raft_index i = 1; i <= 8; i++) {
        append(f, 0, i, 1, 1, 10);
        save(f, i, 1, &keep);
    }
    close_storage(f);
    assert_int_equal(count_files(f, "snapshot-"), 3);
    assert_int_equal(count_files(f, "snapshot-00000000000000000002"), 1);
    assert_int_equal(try_open(f), SF_OK);
    expect_snapshot(f, 8, 1);
}

static void test_however_many_there_are_the_newest_counts(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    append(f, 0, 1, 200, 1, 10);
    const struct storage_keep all = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    save(f, 200, 1, &all);
    close_storage(f);
    for (raft_index i = 1; i < 200; i++) {
        char name[SNAPSHOT_NAME_BYTES];
        snapshot_file_name(i, name);
        char *path = node_path(f, name);
        int fd = open(path, O_WRONLY | O_CREAT, 0600);
        assert_true(fd >= 0);
        close(fd);
        free(path);
    }
    assert_int_equal(try_open(f), SF_OK);
    expect_snapshot(f, 200, 1);
}

static void test_a_damaged_one_is_passed_over_where_the_log_reaches_back(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    append(f, 0, 1, 30, 1, 100);
    const struct storage_keep all = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    save(f, 10, 1, &all);
    save(f, 20, 1, &all);
    close_storage(f);
    char name[SNAPSHOT_NAME_BYTES];
    snapshot_file_name(20, name);
    char *path = node_path(f, name);
    flip_byte(path, 100000);
    assert_int_equal(try_open(f), SF_OK);
    expect_snapshot(f, 10, 1);
    assert_int_equal(f->found.last_index, 30);
    expect_entries(f, 1, 30, 1, 100);
    free(path);
}

static void test_a_damaged_one_is_not_missed_where_the_log_begins_at_the_beginning(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    append(f, 0, 1, 30, 1, 100);
    const struct storage_keep all = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    save(f, 20, 1, &all);
    close_storage(f);
    char name[SNAPSHOT_NAME_BYTES];
    snapshot_file_name(20, name);
    char *path = node_path(f, name);
    flip_byte(path, 100000);
    assert_int_equal(try_open(f), SF_OK);
    assert_int_equal(f->found.snapshot.place.index, 0);
    assert_non_null(
        memmem(buf_slice(&f->found.notice).data, f->found.notice.len, name, strlen(name)));
    expect_entries(f, 1, 30, 1, 100);
    free(path);
}

static void damage(struct fixture *f, raft_index index) {
    char name[SNAPSHOT_NAME_BYTES];
    snapshot_file_name(index, name);
    char *path = node_path(f, name);
    flip_byte(path, 100000);
    free(path);
}

/* Else the two that are kept would soon be a damaged one and the newest. */
static void test_a_damaged_one_makes_no_room_for_a_whole_one(void **state) {
    struct fixture *f = *state;
    const struct storage_keep all = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    open_storage(f);
    append(f, 0, 1, 30, 1, 100);
    save(f, 10, 1, &all);
    save(f, 20, 1, &all);
    close_storage(f);
    damage(f, 20);
    open_storage(f);
    assert_int_equal(count_files(f, "snapshot-"), 1);
    assert_int_equal(count_files(f, "damaged-snapshot-"), 1);
    save(f, 30, 1, &all);
    close_storage(f);
    assert_int_equal(count_files(f, "snapshot-"), 2);
    assert_int_equal(count_files(f, "snapshot-00000000000000000010"), 1);
    assert_int_equal(count_files(f, "damaged-"), 0);
}

static void test_all_that_are_being_sent_stay(void **state) {
    struct fixture *f = *state;
    const struct storage_keep keep = {.bytes = 1, .entries = 1, .needed_from = UINT64_MAX};
    open_storage(f);
    for (raft_index i = 1; i <= 8; i++) {
        append(f, 0, i, 1, 1, 10);
        save(f, i, 1, &keep);
        if (i != 2 && i != 4) continue;
        struct snapshot_content content = snapshot_of(i, 1, i + 1000);
        storage_read_snapshot(f->storage, ++f->next_request, &content.place, 0, 100);
        assert_non_null(wait_for(f, f->next_request)->data);
        buf_free(&content.file);
    }
    close_storage(f);
    assert_int_equal(count_files(f, "snapshot-"), 4);
    assert_int_equal(count_files(f, "snapshot-00000000000000000002"), 1);
    assert_int_equal(count_files(f, "snapshot-00000000000000000004"), 1);
}

static void test_a_damaged_one_that_nothing_replaces_refuses_the_start(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    append(f, 0, 1, 5, 1, 100);
    install(f, 40, 2);
    close_storage(f);
    char name[SNAPSHOT_NAME_BYTES];
    snapshot_file_name(40, name);
    char *path = node_path(f, name);
    flip_byte(path, file_size(path) - 1);
    assert_int_equal(try_open(f), SF_ERR_CORRUPT);
    assert_true(error_mentions(f, name));
    assert_true(error_mentions(f, "join again"));
    unlink(path);
    assert_int_equal(try_open(f), SF_ERR_CORRUPT);
    free(path);
}

static void test_an_installed_snapshot_replaces_the_log(void **state) {
    struct fixture *f = *state;
    f->generation_bytes = 2000;
    open_storage(f);
    for (raft_index i = 1; i <= 60; i += 5) append(f, 0, i, 5, 1, 200); /* conflicts at 40 */
    install(f, 40, 2);
    assert_int_equal(fetch(f, 1, 60, UINT64_MAX)->n, 0);
    append(f, 0, 41, 5, 3, 100);
    open_storage(f);
    assert_false(f->found.damaged);
    expect_snapshot(f, 40, 2);
    assert_int_equal(f->found.first_index, 41);
    assert_int_equal(f->found.last_index, 45);
    expect_entries(f, 41, 45, 3, 100);
    append(f, 41, 41, 2, 4, 10);
    open_storage(f);
    assert_int_equal(f->found.last_index, 42);
}

static void test_a_crash_before_the_installation_leaves_the_old_log(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    append(f, 0, 1, 20, 1, 100);
    struct snapshot_content snapshot = snapshot_of(40, 2, 1040);
    for (size_t missing = 0; missing < 3; missing++) {
        assert_int_equal(receive(f, &snapshot, 1 << 20, missing, 0), SF_OK);
        become_copy_after_crash(f);
        open_storage(f);
        assert_int_equal(f->found.snapshot.place.index, 0);
        assert_int_equal(f->found.last_index, 20);
        assert_int_equal(count_files(f, "snapshot"), 0);
    }
    buf_free(&snapshot.file);
}

/* The file has its name, the list of generations is still the old one. */
static void test_a_crash_between_the_two_steps_of_an_installation_is_finished(void **state) {
    struct fixture *f = *state;
    for (raft_index last = 20; last <= 60; last += 40) { /* shorter than it; in conflict with it */
        open_storage(f);
        append(f, 0, last == 20 ? 1 : 41, 20, last == 20 ? 1 : 5, 100);
        raft_index index = last == 20 ? 40 : 50;
        raft_term term = last == 20 ? 2 : 6;
        struct snapshot_content snapshot = snapshot_of(index, term, index + 1000);
        struct buf file = snapshot.file;
        close_storage(f);
        if (last == 60) set_mark(f, index - 1, 5); /* lowered before the file gets its name */
        char name[SNAPSHOT_NAME_BYTES];
        snapshot_file_name(index, name);
        char *path = node_path(f, name);
        int fd = open(path, O_WRONLY | O_CREAT, 0600);
        assert_int_equal(write(fd, buf_slice(&file).data, file.len), (ssize_t)file.len);
        close(fd);
        free(path);
        assert_int_equal(try_open(f), SF_OK);
        assert_false(f->found.damaged);
        expect_snapshot(f, index, term);
        assert_int_equal(f->found.first_index, index + 1);
        assert_int_equal(f->found.last_index, index);
        buf_free(&file);
    }
}

/* Its own snapshot says that the log was longer: what is gone behind it may have been acknowledged.
 */
static void test_a_lost_log_below_the_mark_is_damage_although_a_snapshot_covers_it(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    append(f, 0, 1, 30, 1, 100);
    const struct storage_keep all = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    save(f, 25, 1, &all);
    close_storage(f); /* the mark is at 30 */
    char *log = file_of_generation(f, 1, ".log");
    assert_int_equal(truncate(log, file_size(log) / 2), 0);
    free(log);
    assert_int_equal(try_open(f), SF_OK);
    assert_true(f->found.damaged);
    assert_int_equal(f->found.last_index, 25);
    expect_snapshot(f, 25, 1);
}

static void test_a_received_file_with_a_flipped_bit_is_refused(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    append(f, 0, 1, 5, 1, 10);
    struct snapshot_content snapshot = snapshot_of(40, 2, 1040);
    assert_int_equal(receive(f, &snapshot, 1 << 20, 0, 5000), SF_ERR_CORRUPT);
    assert_int_equal(count_files(f, "snapshot"), 0);
    struct bytes *data = bytes_new("x", 1);
    storage_receive_snapshot(f->storage, ++f->next_request, &snapshot.place, 77, data, false);
    assert_int_equal(wait_for(f, f->next_request)->status, SF_ERR_SNAPSHOT); /* a wrong place */
    bytes_unref(data);
    assert_int_equal(receive(f, &snapshot, 1 << 20, 0, 0), SF_OK); /* from the beginning: good */
    buf_free(&snapshot.file);
}

static void test_what_is_read_in_pieces_is_the_file(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    append(f, 0, 1, 5, 1, 10);
    save(f, 5, 1, &keep_little);
    struct snapshot_content snapshot = snapshot_of(5, 1, 1005);
    struct storage_snapshot back;
    struct buf file = {0};
    while (file.len < snapshot.place.bytes) {
        storage_read_snapshot(f->storage, ++f->next_request, &snapshot.place, file.len, 300000);
        const struct storage_event *event = wait_for(f, f->next_request);
        assert_non_null(event->data);
        buf_append_slice(&file, bytes_slice(event->data));
    }
    assert_int_equal(file.len, snapshot.place.bytes);
    assert_int_equal(snapshot_decode(buf_slice(&file), &back), SF_OK);
    assert_true(slice_equal(buf_slice(&file), buf_slice(&snapshot.file)));
    snapshot.place.id = 9; /* another one at the same place */
    storage_read_snapshot(f->storage, ++f->next_request, &snapshot.place, 0, 10);
    assert_null(wait_for(f, f->next_request)->data);
    storage_snapshot_clear(&back);
    buf_free(&snapshot.file);
    buf_free(&file);
}

static void test_a_file_of_any_bytes_is_judged_not_believed(void **state) {
    (void)state;
    struct storage_snapshot back;
    struct buf file = snapshot_content_of(9, 2, 7, SLICE("a state")).file;
    assert_int_equal(snapshot_decode(buf_slice(&file), &back), SF_OK);
    assert_int_equal(back.place.index, 9);
    assert_int_equal(back.place.bytes, file.len);
    storage_snapshot_clear(&back);
    for (size_t i = 0; i < file.len; i++) {
        file.data[file.start + i] ^= 4;
        assert_int_not_equal(snapshot_decode(buf_slice(&file), &back), SF_OK);
        file.data[file.start + i] ^= 4;
        assert_int_not_equal(snapshot_decode(slice_of(buf_slice(&file).data, i), &back), SF_OK);
    }
    buf_free(&file);
}

static void test_one_that_is_dropped_leaves_nothing_and_the_next_counts(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    append(f, 0, 1, 30, 1, 10);
    struct snapshot_content first = snapshot_of(10, 1, 1010), second = snapshot_of(20, 1, 1020);
    assert_int_equal(save_pieces(f, &first, &keep_little, 2)->status, SF_OK);
    assert_int_equal(count_files(f, "snapshot"), 1);
    storage_drop_snapshot(f->storage, &first.place);
    const struct storage_event *event = save_pieces(f, &second, &keep_little, 10);
    assert_int_equal(event->type, STORAGE_SNAPSHOT_SAVED);
    assert_int_equal(event->status, SF_OK);
    storage_drop_snapshot(f->storage, &first.place); /* of another one by now */
    open_storage(f);
    expect_snapshot(f, 20, 1);
    assert_int_equal(count_files(f, "snapshot"), 1);
    buf_free(&first.file);
    buf_free(&second.file);
}

static void test_pieces_behind_a_gap_and_bytes_with_another_checksum_are_refused(void **state) {
    struct fixture *f = *state;
    open_storage(f);
    append(f, 0, 1, 30, 1, 10);
    struct snapshot_content snapshot = snapshot_of(10, 1, 1010);
    struct bytes *data = bytes_new("x", 1);
    storage_save_snapshot(f->storage, ++f->next_request, &snapshot.place, 5, data, false, NULL);
    assert_int_equal(wait_for(f, f->next_request)->status, SF_ERR_SNAPSHOT);
    bytes_unref(data);
    snapshot.file.data[snapshot.file.start + 1000000] ^= 1;
    const struct storage_event *event = save_pieces(f, &snapshot, &keep_little, 10);
    assert_int_equal(event->type, STORAGE_SNAPSHOT_SAVED);
    assert_int_equal(event->status, SF_ERR_CORRUPT);
    assert_int_equal(count_files(f, "snapshot"), 0);
    buf_free(&snapshot.file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORAGE_TEST(test_a_start_finds_the_snapshot_and_what_follows_it),
        STORAGE_TEST(test_a_prefix_goes_in_whole_generations_as_far_as_nobody_needs_it),
        STORAGE_TEST(test_the_last_two_are_kept),
        STORAGE_TEST(test_while_one_is_sent_those_between_it_and_the_newest_go),
        STORAGE_TEST(test_however_many_there_are_the_newest_counts),
        STORAGE_TEST(test_a_damaged_one_is_passed_over_where_the_log_reaches_back),
        STORAGE_TEST(test_a_damaged_one_is_not_missed_where_the_log_begins_at_the_beginning),
        STORAGE_TEST(test_a_damaged_one_that_nothing_replaces_refuses_the_start),
        STORAGE_TEST(test_a_damaged_one_makes_no_room_for_a_whole_one),
        STORAGE_TEST(test_all_that_are_being_sent_stay),
        STORAGE_TEST(test_an_installed_snapshot_replaces_the_log),
        STORAGE_TEST(test_a_crash_before_the_installation_leaves_the_old_log),
        STORAGE_TEST(test_a_crash_between_the_two_steps_of_an_installation_is_finished),
        STORAGE_TEST(test_a_lost_log_below_the_mark_is_damage_although_a_snapshot_covers_it),
        STORAGE_TEST(test_a_received_file_with_a_flipped_bit_is_refused),
        STORAGE_TEST(test_what_is_read_in_pieces_is_the_file),
        STORAGE_TEST(test_one_that_is_dropped_leaves_nothing_and_the_next_counts),
        STORAGE_TEST(test_pieces_behind_a_gap_and_bytes_with_another_checksum_are_refused),
        cmocka_unit_test(test_a_file_of_any_bytes_is_judged_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
