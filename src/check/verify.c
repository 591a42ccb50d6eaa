/* Every file's checksums, then the judgement of a start on a mirror. */
#include "check/check.h"
#include "storage/file.h"
#include "storage/storage.h"
#include <inttypes.h>

enum { TRIES_WHILE_RUNNING = 3 };

/* -- files ----------------------------------------------------------------------------------- */

struct looking {
    struct check *check;
    const char *directory;
    uint32_t n_files;
};

static bool has_checksums(const char *name) {
    size_t len = strlen(name);
    bool is_table =
        len > 4 && (strcmp(name + len - 4, ".ldb") == 0 || strcmp(name + len - 4, ".sst") == 0);
    bool is_log = len > 4 && strcmp(name + len - 4, ".log") == 0;
    return is_table || is_log || strncmp(name, "MANIFEST-", 9) == 0;
}

static void look_at_file(void *context, const char *name) {
    struct looking *looking = context;
    if (!has_checksums(name)) return;
    char *path = path_join(looking->directory, name);
    uint64_t offset;
    bool is_tail;
    const char *flaw = leveldb_file_flaw(path, &offset, &is_tail);
    looking->n_files++;
    if (flaw != NULL && !path_exists(path)) flaw = NULL; /* a running node removed it */
    if (flaw != NULL && is_tail)
        fprintf(looking->check->out, "  %s: offset %" PRIu64 ": %s: an unfinished write%s\n", path,
            offset, flaw, looking->check->is_running ? ", or one under way" : "");
    else if (flaw != NULL)
        check_problem(looking->check, VERDICT_DAMAGED,
            "%s: offset %" PRIu64 ": %s: what it covers, and possibly all behind it, is lost from "
            "this file",
            path, offset, flaw);
    sf_free(path);
}

static void look_at_directory(void *context, const char *name) {
    struct looking *looking = context;
    if (strncmp(name, "log-", 4) != 0) return;
    char *path = path_join(looking->directory, name);
    struct looking inner = {.check = looking->check, .directory = path};
    struct buf error = {0};
    if (directory_visit(path, look_at_file, &inner, &error) != SF_OK && path_exists(path))
        check_error(looking->check, VERDICT_DAMAGED, &error);
    looking->n_files += inner.n_files;
    buf_free(&error);
    sf_free(path);
}

static void verify_files(struct check *check) {
    struct looking looking = {.check = check, .directory = check->node_path};
    struct buf error = {0};
    if (directory_visit(check->node_path, look_at_directory, &looking, &error) != SF_OK)
        check_error(check, VERDICT_UNUSABLE, &error);
    fprintf(
        check->out, "  %" PRIu32 " files of the log read, checksum by checksum\n", looking.n_files);
    buf_free(&error);
}

/* -- a start --------------------------------------------------------------------------------- */

static void report_found(struct check *check, const struct storage_found *found) {
    fprintf(check->out, "  a start finds entries %" PRIu64 " to %" PRIu64, found->first_index,
        found->last_index);
    if (found->snapshot.place.index > 0)
        fprintf(check->out, " and the snapshot at %" PRIu64, found->snapshot.place.index);
    fprintf(check->out, "; %s\n",
        found->damaged ? "it would not count until the others have made it whole"
                       : "all that was synced is there");
    if (found->notice.len == 0) return;
    if (found->lost_nothing) {
        fprintf(check->out, "  ");
        check_print_told(check, buf_slice(&found->notice));
        fputc('\n', check->out);
    } else {
        check_error(check, VERDICT_DAMAGED, &found->notice);
    }
}

/* False: it would be refused. */
static bool try_start(struct check *check, struct storage_found *found, struct buf *error) {
    struct storage *storage;
    const struct storage_settings settings = {
        .directory = check->mirror, .generation_bytes = 64 << 20};
    if (storage_open(&settings, &storage, found, error) != SF_OK) return false;
    storage_close(storage);
    return true;
}

/* Of a running node a file may be gone, or half written, in the moment of the look. */
static bool try_start_again(struct check *check, struct storage_found *found, struct buf *error) {
    for (int tries = 0;; tries++) {
        bool is_ok = try_start(check, found, error);
        if ((is_ok && !found->damaged) || !check->is_running || tries == TRIES_WHILE_RUNNING)
            return is_ok;
        char *fresh = mirror_make(check->options->scratch, check->options->directory, error);
        if (fresh == NULL) return is_ok;
        if (is_ok) storage_found_clear(found);
        mirror_remove(check->mirror);
        check->mirror = fresh;
    }
}

void verify_all(struct check *check) {
    struct storage_found found = {0};
    struct buf error = {0};
    fprintf(check->out, "verification\n");
    if (check->node_path != NULL) verify_files(check);
    if (!try_start_again(check, &found, &error)) {
        check_error(check, VERDICT_UNUSABLE, &error);
    } else if (!found.is_new) {
        report_found(check, &found);
    }
    storage_found_clear(&found);
    buf_free(&error);
}
