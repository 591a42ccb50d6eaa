/* Directories on a disk that does not always answer. */
#include "storage/file.h"
#include "storage/identity.h"
#include "storage/snapshot_file.h"

#include "unit/check.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool readdir_fails;

/* In the place of the C library's. */
struct dirent *readdir(DIR *directory) {
    if (readdir_fails) {
        errno = EIO;
        return NULL;
    }
    static struct dirent *(*real)(DIR *);
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "readdir");
    return real(directory);
}

static void test_what_could_not_be_listed_is_not_taken_for_empty(void **state) {
    (void)state;
    char directory[] = "/tmp/sf-file-XXXXXX";
    assert_non_null(mkdtemp(directory));
    char *node = node_directory(directory, 77);
    assert_int_equal(mkdir(node, 0700), 0);
    struct buf error = {0}, notice = {0};
    struct storage_snapshot snapshot;
    readdir_fails = true;
    assert_int_equal(node_directories_clean(directory, 0, &error), SF_ERR_STORAGE);
    assert_int_equal(snapshots_find(directory, 1, &snapshot, &notice, &error), SF_ERR_STORAGE);
    readdir_fails = false;
    assert_int_equal(node_directories_clean(directory, 0, &error), SF_ERR_CORRUPT);
    assert_int_equal(snapshots_find(directory, 1, &snapshot, &notice, &error), SF_OK);
    buf_free(&error);
    buf_free(&notice);
    rmdir(node);
    rmdir(directory);
    sf_free(node);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_could_not_be_listed_is_not_taken_for_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
