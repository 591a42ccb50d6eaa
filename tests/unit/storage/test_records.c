#include "storage/entry_record.h"
#include "storage/hard_state.h"
#include "storage/term_runs.h"
#include "util/random.h"

#include "unit/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct raft_entry sample_entry(struct bytes *payload) {
    return (struct raft_entry){.index = 77, .term = 12, .kind = ENTRY_BATCH, .payload = payload};
}

static void test_an_entry_reads_back(void **state) {
    (void)state;
    struct bytes *payload = bytes_new("payload", 7);
    const struct raft_entry entry = sample_entry(payload);
    struct buf value = {0};
    entry_value_encode(&entry, 11, &value);
    assert_int_equal(value.len, 7 + ENTRY_OVERHEAD_BYTES);
    struct entry_view view;
    assert_int_equal(entry_value_decode(77, buf_slice(&value), &view), SF_OK);
    assert_int_equal(view.term, 12);
    assert_int_equal(view.previous_term, 11);
    assert_int_equal(view.kind, ENTRY_BATCH);
    assert_true(slice_equal(view.payload, SLICE("payload")));
    buf_free(&value);
    bytes_unref(payload);
}

static void test_no_flipped_byte_cut_or_moved_entry_passes(void **state) {
    (void)state;
    struct bytes *payload = bytes_new("payload", 7);
    const struct raft_entry entry = sample_entry(payload);
    struct buf value = {0};
    entry_value_encode(&entry, 11, &value);
    struct entry_view view;
    for (size_t i = 0; i < value.len; i++) {
        value.data[i] = (char)(value.data[i] ^ 1);
        assert_int_equal(entry_value_decode(77, buf_slice(&value), &view), SF_ERR_CORRUPT);
        value.data[i] = (char)(value.data[i] ^ 1);
        assert_int_equal(entry_value_decode(77, slice_of(value.data, i), &view), SF_ERR_CORRUPT);
    }
    assert_int_equal(entry_value_decode(78, buf_slice(&value), &view), SF_ERR_CORRUPT);
    buf_free(&value);
    bytes_unref(payload);
}

static void test_keys_sort_as_their_indexes(void **state) {
    (void)state;
    struct random random = random_from(3);
    for (int i = 0; i < 1000; i++) {
        raft_index a = (random_next(&random) >> random_below(&random, 60)) | 1;
        raft_index b = (random_next(&random) >> random_below(&random, 60)) | 1;
        char key_a[ENTRY_KEY_BYTES], key_b[ENTRY_KEY_BYTES];
        entry_key(a, key_a);
        entry_key(b, key_b);
        int order = memcmp(key_a, key_b, sizeof key_a);
        assert_true(a < b ? order < 0 : a > b ? order > 0 : order == 0);
        raft_index back;
        assert_true(entry_key_decode(slice_of(key_a, sizeof key_a), &back));
        assert_true(back == a);
    }
    raft_index index;
    assert_false(entry_key_decode(SLICE("short"), &index));
    assert_false(entry_key_decode(SLICE("\0\0\0\0\0\0\0\0"), &index));
}

static void test_term_runs_answer_as_a_plain_table_would(void **state) {
    (void)state;
    enum { LAST = 400 };
    raft_term table[LAST + 1] = {0};
    struct term_runs runs = {0};
    struct random random = random_from(11);
    raft_index last = 0;
    raft_term term = 1;
    for (int step = 0; step < 5000; step++) {
        if (last == LAST || random_below(&random, 30) == 0) {
            raft_index from = 1 + random_below(&random, last + 1);
            term_runs_truncate(&runs, from);
            last = from - 1;
            term++;
        } else {
            if (random_below(&random, 9) == 0) term++;
            table[++last] = term;
            term_runs_add(&runs, last, term);
        }
        raft_index at = random_below(&random, last + 1);
        assert_int_equal(term_runs_at(&runs, at), at == 0 ? 0 : table[at]);
        if (last > 0) assert_int_equal(term_runs_at(&runs, last), table[last]);
    }
    term_runs_free(&runs);
}

static void test_the_newest_whole_slot_counts(void **state) {
    (void)state;
    char directory[] = "/tmp/sf-hard-XXXXXX", path[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/hard-state", directory);
    struct buf error = {0};
    struct hard_state_record record = {.term = 1, .boot_counter = 5}, found;
    assert_int_equal(hard_state_create(directory, 9, &record, &error), SF_OK);
    for (raft_term term = 2; term < 9; term++) {
        struct hard_state_file file;
        assert_int_equal(hard_state_open(directory, 9, &file, &found, &error), SF_OK);
        assert_int_equal(found.term, term - 1);
        assert_int_equal(found.vote, term - 1 == 1 ? 0 : term + 100);
        assert_int_equal(found.mark_index, term - 1 == 1 ? 0 : term * 10);
        record = (struct hard_state_record){.term = term,
            .vote = term + 101,
            .boot_counter = 6,
            .mark_index = term * 10 + 10,
            .mark_term = term,
            .damaged = term % 2 == 0};
        assert_int_equal(hard_state_write(&file, &record, &error), SF_OK);
        hard_state_close(&file);
    }
    struct hard_state_file file;
    assert_int_equal(hard_state_open(directory, 8, &file, &found, &error), SF_ERR_CORRUPT);
    buf_free(&error);
    unlink(path);
    rmdir(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_entry_reads_back),
        cmocka_unit_test(test_no_flipped_byte_cut_or_moved_entry_passes),
        cmocka_unit_test(test_keys_sort_as_their_indexes),
        cmocka_unit_test(test_term_runs_answer_as_a_plain_table_would),
        cmocka_unit_test(test_the_newest_whole_slot_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
