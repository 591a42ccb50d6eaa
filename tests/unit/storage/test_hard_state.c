/* The hard-state file on a disk that does not always answer. */
#include "storage/hard_state.h"

#include "unit/check.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    off_t at;
    int error, times;
} failing;

/* In the place of the C library's. */
ssize_t pread(int fd, void *out, size_t len, off_t at) {
    if (at == failing.at && failing.times > 0) {
        failing.times--;
        errno = failing.error;
        return -1;
    }
    return syscall(SYS_pread64, fd, out, len, at);
}

struct place {
    char directory[64], path[96];
};

static struct place place_new(void) {
    struct place place = {.directory = "/tmp/sf-hard-XXXXXX"};
    assert_non_null(mkdtemp(place.directory));
    snprintf(place.path, sizeof place.path, "%s/hard-state", place.directory);
    return place;
}

static void place_remove(const struct place *place) {
    unlink(place->path);
    rmdir(place->directory);
}

/* Voted in term 1, then for somebody else in term 2: in the first slot, behind the two of its
 * birth. */
static void vote_twice(const struct place *place) {
    struct buf error = {0};
    struct hard_state_record record = {.term = 1, .vote = 7};
    assert_int_equal(hard_state_create(place->directory, 9, &record, &error), SF_OK);
    struct hard_state_file file;
    assert_int_equal(hard_state_open(place->directory, 9, &file, &record, &error), SF_OK);
    record = (struct hard_state_record){.term = 2, .vote = 8};
    assert_int_equal(hard_state_write(&file, &record, &error), SF_OK);
    assert_int_equal(file.slot, 0);
    hard_state_close(&file);
    buf_free(&error);
}

static enum sf_status open_while_failing(
    const struct place *place, int error_number, int times, struct hard_state_record *found) {
    struct buf error = {0};
    struct hard_state_file file;
    failing.at = 0;
    failing.error = error_number;
    failing.times = times;
    enum sf_status status = hard_state_open(place->directory, 9, &file, found, &error);
    failing.times = 0;
    if (status == SF_OK) hard_state_close(&file);
    buf_free(&error);
    return status;
}

static void test_a_vote_that_cannot_be_read_is_not_forgotten(void **state) {
    (void)state;
    struct place place = place_new();
    vote_twice(&place);
    struct hard_state_record found;
    assert_int_equal(open_while_failing(&place, EIO, 1, &found), SF_ERR_STORAGE);
    assert_int_equal(open_while_failing(&place, EIO, 0, &found), SF_OK);
    assert_int_equal(found.term, 2);
    assert_int_equal(found.vote, 8);
    place_remove(&place);
}

static void test_an_interrupted_read_is_done_again(void **state) {
    (void)state;
    struct place place = place_new();
    vote_twice(&place);
    struct hard_state_record found;
    assert_int_equal(open_while_failing(&place, EINTR, 3, &found), SF_OK);
    assert_int_equal(found.term, 2);
    assert_int_equal(found.vote, 8);
    place_remove(&place);
}

static void test_a_file_that_ends_in_its_second_slot_still_has_the_first(void **state) {
    (void)state;
    struct place place = place_new();
    vote_twice(&place);
    assert_int_equal(truncate(place.path, 4096 + 20), 0);
    struct hard_state_record found;
    assert_int_equal(open_while_failing(&place, EIO, 0, &found), SF_OK);
    assert_int_equal(found.term, 2);
    place_remove(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_vote_that_cannot_be_read_is_not_forgotten),
        cmocka_unit_test(test_an_interrupted_read_is_done_again),
        cmocka_unit_test(test_a_file_that_ends_in_its_second_slot_still_has_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
