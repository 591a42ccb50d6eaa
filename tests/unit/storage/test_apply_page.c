/* What a node was doing when it died: the next one reads it. */
#include "storage/apply_page.h"
#include "unit/check.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *directory_new(char *path) {
    strcpy(path, "/tmp/sf-apply-page-XXXXXX");
    assert_non_null(mkdtemp(path));
    return path;
}

static void directory_drop(const char *path) {
    char file[100];
    snprintf(file, sizeof file, "%s/applying", path);
    unlink(file);
    rmdir(path);
}

static struct apply_page *open_page(const char *path, struct applying_note *found) {
    struct buf error = {0};
    struct apply_page *page = apply_page_open(path, found, &error);
    assert_non_null(page);
    buf_free(&error);
    return page;
}

static void wait_for_index(const char *path, raft_index index) {
    char file[100];
    snprintf(file, sizeof file, "%s/applying", path);
    int fd = open(file, O_RDONLY);
    uint64_t found = 0;
    while (found != index && pread(fd, &found, sizeof found, 16) == sizeof found) sched_yield();
    close(fd);
}

/* In a process of its own, which ends at once. */
static void live_and_die(const char *path, const struct applying_note *note, bool last_words) {
    pid_t child = fork();
    if (child == 0) {
        struct applying_note found;
        struct buf error = {0};
        struct apply_page *page = apply_page_open(path, &found, &error);
        apply_page_note(page, note);
        if (last_words) {
            apply_page_last_words(page);
        } else { /* an entry that takes long is noted without anybody's last word */
            wait_for_index(path, note->index);
        }
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
}

static void test_the_note_of_a_dead_process_is_found(void **state) {
    (void)state;
    for (int last_words = 0; last_words < 2; last_words++) {
        char path[64];
        struct applying_note note = {7, 1234, 1233, 2}, found;
        live_and_die(directory_new(path), &note, last_words != 0);
        struct apply_page *page = open_page(path, &found);
        assert_memory_equal(&found, &note, sizeof note);
        apply_page_close(page);
        directory_drop(path);
    }
}

static void test_a_new_page_and_strange_bytes_say_nothing(void **state) {
    (void)state;
    char path[64], file[100];
    struct applying_note found;
    apply_page_close(open_page(directory_new(path), &found));
    assert_int_equal(found.index + found.died_at + found.node + found.deaths, 0);
    snprintf(file, sizeof file, "%s/applying", path);
    FILE *out = fopen(file, "w");
    fputs("some text that is no page", out);
    fclose(out);
    apply_page_close(open_page(path, &found));
    assert_int_equal(found.index + found.died_at + found.node + found.deaths, 0);
    directory_drop(path);
}

static void test_a_directory_without_room_for_it_is_told(void **state) {
    (void)state;
    struct applying_note found;
    struct buf error = {0};
    assert_null(apply_page_open("/nonexistent", &found, &error));
    assert_true(error.len > 0);
    buf_free(&error);
}

/* A note that is not to be trusted must not keep a node from applying. */
static void test_no_flipped_byte_of_a_note_is_believed(void **state) {
    (void)state;
    char path[64], file[100];
    struct applying_note note = {7, 1234, 1233, 2}, found;
    directory_new(path);
    snprintf(file, sizeof file, "%s/applying", path);
    for (off_t at = 0; at < 48; at++) {
        live_and_die(path, &note, true);
        int fd = open(file, O_RDWR);
        char byte;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        apply_page_close(open_page(path, &found));
        assert_int_equal(found.index + found.died_at + found.node + found.deaths, 0);
    }
    directory_drop(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_note_of_a_dead_process_is_found),
        cmocka_unit_test(test_a_new_page_and_strange_bytes_say_nothing),
        cmocka_unit_test(test_a_directory_without_room_for_it_is_told),
        cmocka_unit_test(test_no_flipped_byte_of_a_note_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
