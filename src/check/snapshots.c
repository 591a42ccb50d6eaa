/* The snapshots of a node: what they say of themselves, and, when all is verified, whether they can
 * be loaded, and what is in them then. */
#include "check/check.h"
#include "engine/snapshot.h"
#include "keyspace/keyspace.h"
#include "storage/file.h"
#include "storage/snapshot_file.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

enum { SNAPSHOTS_SHOWN = 64, PIECE_BYTES = 1 << 20, SETTING_BYTES_SHOWN = 200 };

struct listing {
    char names[SNAPSHOTS_SHOWN][SNAPSHOT_NAME_BYTES + 16];
    uint32_t n;
};

static void list_one(void *context, const char *name) {
    struct listing *listing = context;
    size_t len = strlen(name);
    bool is_one = strncmp(name, "snapshot", 8) == 0 || strncmp(name, "damaged-snapshot", 16) == 0;
    if (!is_one || listing->n == SNAPSHOTS_SHOWN || len >= sizeof listing->names[0]) return;
    uint32_t at = listing->n++;
    for (; at > 0 && strcmp(listing->names[at - 1], name) < 0; at--)
        memcpy(listing->names[at], listing->names[at - 1], sizeof listing->names[0]);
    memcpy(listing->names[at], name, len + 1);
}

/* -- what is in it --------------------------------------------------------------------------- */

struct loading {
    struct engine *engine;
    struct snapshot_loader *loader;
    struct buf settings; /* lines */
};

static void on_setting(void *context, struct slice name, struct slice value) {
    struct loading *loading = context;
    buf_printf(&loading->settings, "    setting        %.*s %.*s\n", (int)name.len, name.data,
        (int)SF_MIN(value.len, (size_t)SETTING_BYTES_SHOWN), value.data == NULL ? "" : value.data);
}

static void loading_begin(struct loading *loading, uint32_t databases, uint64_t file_bytes) {
    *loading = (struct loading){.engine = NULL};
    const struct engine_settings settings = {.feature_level = ENGINE_FEATURE_LEVEL,
        .n_dbs = databases,
        .secret = {1, 2}, /* of no effect on what is counted here */
        .proto_max_bulk_len = ENGINE_BULK_BYTES_DEFAULT};
    const struct engine_watcher watcher = {.context = loading, .setting_changed = on_setting};
    loading->engine = engine_new(&settings, &watcher);
    loading->loader = snapshot_loader_new(loading->engine, file_bytes);
}

static void loading_end(struct loading *loading) {
    snapshot_loader_free(loading->loader);
    engine_free(loading->engine);
    buf_free(&loading->settings);
}

/* NULL: loaded; else why not. */
static const char *load_file(struct loading *loading, int fd) {
    char *piece = sf_alloc(PIECE_BYTES);
    enum snapshot_loading state = SNAPSHOT_GOES_ON;
    const char *why = NULL;
    while (state == SNAPSHOT_GOES_ON && why == NULL) {
        ssize_t got = read(fd, piece, PIECE_BYTES);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            why = got == 0 ? "it ends too early" : "it cannot be read";
        else
            state = snapshot_load(loading->loader, slice_of(piece, (size_t)got));
    }
    sf_free(piece);
    return state == SNAPSHOT_FAILED ? snapshot_load_why(loading->loader) : why;
}

static void show_content(FILE *out, const struct loading *loading) {
    struct keyspace *keyspace = engine_keyspace(loading->engine);
    uint64_t total = 0;
    for (uint32_t i = 0; i < keyspace_n_dbs(keyspace); i++) {
        uint64_t keys = db_size(keyspace_db(keyspace, i));
        total += keys;
        if (keys > 0) fprintf(out, "    keys in db %-3" PRIu32 " %" PRIu64 "\n", i, keys);
    }
    fprintf(out, "    keys in all    %" PRIu64 ", feature level %" PRIu64 "\n", total,
        engine_feature_level(loading->engine));
    fwrite(buf_slice(&loading->settings).data, 1, loading->settings.len, out);
}

static void load(struct check *check, const char *path, uint64_t file_bytes, bool is_newest) {
    struct loading loading;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return; /* gone meanwhile */
    loading_begin(&loading, check->databases, file_bytes);
    const char *why = load_file(&loading, fd);
    if (why == NULL)
        show_content(check->out, &loading);
    else
        check_problem(check, is_newest ? VERDICT_UNUSABLE : VERDICT_DAMAGED,
            "%s: whole, but cannot be loaded by this version: %s: start the version that wrote it, "
            "or " WAY_OUT,
            path, why);
    close(fd);
    loading_end(&loading);
}

/* -- what it says ---------------------------------------------------------------------------- */

/* False: it is damaged. */
static bool show_snapshot(struct check *check, const char *name, bool is_newest) {
    struct storage_snapshot snapshot;
    struct buf error = {0};
    char *path = path_join(check->node_path, name);
    enum sf_status status = snapshot_file_check(check->node_path, name, &snapshot, &error);
    if (status != SF_OK && path_exists(path)) {
        check_error(check, status == SF_ERR_INVALID ? VERDICT_UNUSABLE : VERDICT_DAMAGED, &error);
    } else if (status == SF_OK) {
        fprintf(check->out, "  %s\n", name);
        fprintf(check->out,
            "    the state at   entry %" PRIu64 ", term %" PRIu64 "; id %016" PRIx64 ", %" PRIu64
            " bytes\n",
            snapshot.place.index, snapshot.place.term, snapshot.place.id, snapshot.place.bytes);
        fprintf(
            check->out, "    members        of entry %" PRIu64 "\n", snapshot.configuration_index);
        show_configuration(check->out, "      ", bytes_slice(snapshot.configuration));
        if (check->options->verify) load(check, path, snapshot.place.bytes, is_newest);
        storage_snapshot_clear(&snapshot);
    }
    buf_free(&error);
    sf_free(path);
    return status == SF_OK;
}

void show_snapshots(struct check *check) {
    struct listing listing = {.n = 0};
    struct buf error = {0};
    fprintf(check->out, "snapshots\n");
    if (directory_visit(check->node_path, list_one, &listing, &error) != SF_OK)
        check_error(check, VERDICT_UNUSABLE, &error);
    bool is_newest = true;
    for (uint32_t i = 0; i < listing.n; i++) {
        const char *name = listing.names[i];
        if (strncmp(name, "damaged-", 8) == 0)
            fprintf(check->out, "  %s: found damaged at a start; goes with the next one\n", name);
        else if (strncmp(name, "snapshot-", 9) != 0)
            fprintf(check->out, "  %s: unfinished\n", name);
        else if (show_snapshot(check, name, is_newest))
            is_newest = false;
    }
    if (listing.n == 0) fprintf(check->out, "  none\n");
    buf_free(&error);
}
