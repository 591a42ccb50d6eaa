/* A process that uses a storage and tells on standard output what it asked for and what was
 * answered, so that storage_faults.py can judge what a crash or a failing disk left.
 *
 *   storage_driver run DIRECTORY SEED STEPS BYTES   random work, BYTES a generation
 *   storage_driver verify DIRECTORY                 what is there
 *   storage_driver bench DIRECTORY SECONDS          synced appends a second, one at a time and
 * batched storage_driver open DIRECTORY ENTRIES           milliseconds to open a log of so many
 * small entries
 *
 * Exit codes: 0 done, 3 the storage said that the process must end, 4 it could not be opened. */
#include "storage/storage.h"
#include "unit/storage/snapshot_bytes.h"
#include "util/codec.h"
#include "util/random.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LAST_MAX = 100000, WINDOW = 4, PAYLOAD_MIN = 16, PAYLOAD_MAX = 400, SNAPSHOT_PIECE = 900 };

struct driver {
    struct storage *storage;
    struct storage_found found;
    struct random random;
    raft_id node_id;
    uint64_t request;
    uint32_t outstanding;
    raft_index last;
    raft_term entry_term, term;
    uint64_t blob;
    bool ended; /* the storage said so */
    bool quiet;
    uint64_t bad_entries;
    raft_index snapshot;
    raft_term terms[LAST_MAX]; /* of entries asked for; 0: found at the start */
    bool saving, received;     /* received: the last chunk was good */
};

static struct bytes *make_payload(raft_index index, raft_term term, size_t size) {
    if (size < PAYLOAD_MIN) return NULL;
    struct bytes *payload = bytes_new_empty(size);
    store_u64(payload->data, index);
    store_u64(payload->data + 8, term);
    for (size_t i = PAYLOAD_MIN; i < size; i++) payload->data[i] = (char)(index * 7 + term + i);
    return payload;
}

static bool payload_is_right(const struct raft_entry *entry) {
    struct slice payload = bytes_slice(entry->payload);
    if (payload.len == 0) return true;
    struct bytes *expected = make_payload(entry->index, entry->term, payload.len);
    bool right = expected != NULL && slice_equal(payload, bytes_slice(expected));
    bytes_unref(expected);
    return right;
}

static void open_or_exit(struct driver *driver, const char *directory, uint64_t generation_bytes) {
    const struct storage_settings settings = {
        .directory = directory, .generation_bytes = generation_bytes};
    struct buf error = {0};
    enum sf_status status = storage_open(&settings, &driver->storage, &driver->found, &error);
    if (status == SF_OK) return;
    printf("refused %s: %.*s\n", sf_status_text(status), (int)error.len, buf_slice(&error).data);
    exit(4);
}

static void on_event(void *context, const struct storage_event *event) {
    struct driver *driver = context;
    bool is_answer = event->type != STORAGE_STATE && event->type != STORAGE_NOTE;
    if (is_answer) driver->outstanding--;
    switch (event->type) {
    case STORAGE_APPENDED:
        if (!driver->quiet)
            printf("appended %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", event->request,
                event->last_index, event->last_term);
        break;
    case STORAGE_HARD_STATE_SAVED:
        printf("saved %" PRIu64 "\n", event->request);
        break;
    case STORAGE_IDENTITY_SAVED:
        printf("identified %" PRIu64 "\n", event->request);
        break;
    case STORAGE_FETCHED:
        for (uint32_t i = 0; i < event->n; i++) {
            const struct raft_entry *entry = &event->entries[i];
            if (payload_is_right(entry)) continue;
            printf("wrong %" PRIu64 "\n", entry->index);
            driver->bad_entries++;
        }
        if (!driver->quiet || event->n == 0) break;
        for (uint32_t i = 0; i < event->n; i++)
            printf(
                "entry %" PRIu64 " %" PRIu64 "\n", event->entries[i].index, event->entries[i].term);
        driver->last = event->entries[event->n - 1].index;
        break;
    case STORAGE_NOTE:
    case STORAGE_SNAPSHOT_WRITTEN:
        break;
    case STORAGE_SNAPSHOT_SAVED:
        driver->saving = false;
        if (event->status == SF_OK)
            printf("snapshotted %" PRIu64 " %" PRIu64 "\n", event->request, event->place.index);
        break;
    case STORAGE_SNAPSHOT_READ:
        if (event->data == NULL) printf("unread %" PRIu64 "\n", event->request);
        break;
    case STORAGE_SNAPSHOT_RECEIVED:
        if (event->snapshot != NULL) driver->received = true;
        break;
    case STORAGE_SNAPSHOT_INSTALLED:
        printf("installed %" PRIu64 " %" PRIu64 "\n", event->request, event->place.index);
        break;
    case STORAGE_STATE:
        printf("state %s %s\n", event->status == SF_OK ? "ok" : sf_status_text(event->status),
            event->text);
        if (event->status == SF_ERR_STORAGE) driver->ended = true;
        break;
    }
    fflush(stdout);
}

static void wait_until(struct driver *driver, uint32_t outstanding) {
    while (driver->outstanding > outstanding && !driver->ended) {
        struct pollfd wake = {.fd = storage_wakeup_fd(driver->storage), .events = POLLIN};
        poll(&wake, 1, -1);
        storage_poll(driver->storage, on_event, driver);
    }
}

/* -- run ---------------------------------------------------------------------------------- */

static void ask_identity(struct driver *driver, raft_id node_id) {
    char blob[32];
    snprintf(blob, sizeof blob, "blob-%" PRIu64, ++driver->blob);
    driver->request++;
    printf("identify %" PRIu64 " %016" PRIx64 " %s\n", driver->request, node_id, blob);
    fflush(stdout);
    if (node_id != driver->node_id) { /* what waits on the old log is never answered */
        wait_until(driver, 0);
        driver->last = driver->snapshot = 0;
        memset(driver->terms, 0, sizeof driver->terms);
        driver->entry_term = driver->term = 1;
    }
    driver->node_id = node_id;
    driver->outstanding++;
    storage_save_identity(driver->storage, driver->request, node_id, slice_text(blob));
}

static void ask_append(struct driver *driver, raft_index truncate_from, uint32_t n) {
    struct raft_entry entries[16];
    raft_index first = truncate_from != 0 ? truncate_from : driver->last + 1;
    for (uint32_t i = 0; i < n; i++) {
        entries[i] = (struct raft_entry){
            .index = first + i, .term = driver->entry_term, .kind = ENTRY_BATCH};
        SF_ASSERT(entries[i].index < LAST_MAX);
        driver->terms[entries[i].index] = driver->entry_term;
        entries[i].payload = make_payload(entries[i].index, driver->entry_term,
            (size_t)random_below(&driver->random, PAYLOAD_MAX));
    }
    driver->request++;
    printf("append %" PRIu64 " %" PRIu64 " %" PRIu64 " %u %" PRIu64 "\n", driver->request,
        truncate_from, first, n, driver->entry_term);
    fflush(stdout);
    driver->outstanding++;
    driver->last = first + n - 1;
    storage_append(driver->storage, driver->request, truncate_from, entries, n);
    for (uint32_t i = 0; i < n; i++) bytes_unref(entries[i].payload);
}

static void ask_truncation(struct driver *driver) {
    if (driver->last <= driver->snapshot) return;
    uint64_t back = random_below(&driver->random, SF_MIN(driver->last - driver->snapshot, 60));
    driver->entry_term++;
    ask_append(driver, driver->last - back, (uint32_t)random_below(&driver->random, 5));
}

static void ask_hard_state(struct driver *driver) {
    struct raft_hard_state state = {
        .term = driver->term = SF_MAX(driver->term, driver->entry_term) + 1,
        .vote = random_next(&driver->random) | 1};
    driver->request++;
    printf("save %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", driver->request, state.term, state.vote);
    fflush(stdout);
    driver->outstanding++;
    storage_save_hard_state(driver->storage, driver->request, &state);
}

/* -- snapshots */

static struct snapshot_content make_snapshot(raft_index index, raft_term term, uint64_t id) {
    size_t len = (size_t)(100 + index * 37 % 3000);
    char *state = sf_alloc(len);
    for (size_t i = 0; i < len; i++) state[i] = (char)(index * 13 + i);
    struct snapshot_content content = snapshot_content_of(index, term, id, slice_of(state, len));
    sf_free(state);
    return content;
}

/* Its length and its place; the storage has looked at its checksum. */
static bool snapshot_is_right(const struct storage_snapshot *found) {
    if (found->place.index == 0) return true;
    struct snapshot_content expected =
        make_snapshot(found->place.index, found->place.term, found->place.id);
    bool right = found->place.bytes == expected.file.len && found->configuration_index == 1 &&
                 slice_equal(bytes_slice(found->configuration), SLICE("members"));
    buf_free(&expected.file);
    return right;
}

static void ask_snapshot(struct driver *driver) {
    raft_term term = driver->terms[driver->last];
    if (driver->saving || driver->last <= driver->snapshot || term == 0) return;
    struct snapshot_content snapshot = make_snapshot(driver->last, term, driver->request + 1);
    struct storage_keep keep = {.bytes = 3000, .entries = 15, .needed_from = UINT64_MAX};
    uint64_t pieces = (snapshot.file.len + SNAPSHOT_PIECE - 1) / SNAPSHOT_PIECE;
    printf("snapshot %" PRIu64 " %" PRIu64 "\n", driver->request + pieces, driver->last);
    fflush(stdout);
    driver->saving = true;
    driver->snapshot = driver->last;
    for (size_t at = 0; at < snapshot.file.len; at += SNAPSHOT_PIECE) {
        size_t len = SF_MIN(snapshot.file.len - at, (size_t)SNAPSHOT_PIECE);
        bool is_last = at + len == snapshot.file.len;
        struct bytes *data = bytes_new(buf_slice(&snapshot.file).data + at, len);
        driver->outstanding++;
        storage_save_snapshot(driver->storage, ++driver->request, &snapshot.place, at, data,
            is_last, is_last ? &keep : NULL);
        bytes_unref(data);
    }
    buf_free(&snapshot.file);
}

/* As from a leader that is far ahead. */
static void ask_install(struct driver *driver) {
    wait_until(driver, 0); /* no chunk before the last installation is answered */
    raft_index index = driver->last + 5 + random_below(&driver->random, 40);
    driver->entry_term++;
    struct snapshot_content snapshot =
        make_snapshot(index, driver->entry_term, driver->request + 1000);
    struct buf file = snapshot.file;
    driver->received = false;
    for (size_t at = 0; at < file.len && !driver->ended; at += 700) {
        size_t len = SF_MIN(file.len - at, (size_t)700);
        struct bytes *data = bytes_new(buf_slice(&file).data + at, len);
        driver->outstanding++;
        storage_receive_snapshot(
            driver->storage, ++driver->request, &snapshot.place, at, data, at + len == file.len);
        bytes_unref(data);
    }
    buf_free(&file);
    wait_until(driver, 0);
    if (driver->received && !driver->ended) {
        printf("install %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", ++driver->request, index,
            driver->entry_term);
        fflush(stdout);
        driver->outstanding++;
        driver->last = driver->snapshot = index;
        driver->terms[index] = driver->entry_term;
        storage_install_snapshot(driver->storage, driver->request, &snapshot.place);
    }
}

static void ask_fetch(struct driver *driver) {
    if (driver->last == 0) return;
    raft_index first = 1 + random_below(&driver->random, driver->last);
    driver->outstanding++;
    storage_fetch(driver->storage, ++driver->request, first, driver->last, 20000);
}

static void step(struct driver *driver) {
    uint64_t dice = random_below(&driver->random, 100);
    if (dice < 60)
        ask_append(driver, 0, 1 + (uint32_t)random_below(&driver->random, 8));
    else if (dice < 65)
        ask_snapshot(driver);
    else if (dice < 67)
        ask_install(driver);
    else if (dice < 77)
        ask_truncation(driver);
    else if (dice < 89)
        ask_hard_state(driver);
    else if (dice < 96)
        ask_fetch(driver);
    else
        ask_identity(driver, driver->node_id);
}

static int finish(struct driver *driver) {
    storage_close(driver->storage);
    storage_found_clear(&driver->found);
    if (driver->ended) return 3;
    printf("end\n");
    return driver->bad_entries == 0 ? 0 : 1;
}

static int run(const char *directory, uint64_t seed, long steps, uint64_t generation_bytes) {
    static struct driver driver;
    driver.random = random_from(seed);
    open_or_exit(&driver, directory, generation_bytes);
    printf("boot %" PRIu64 "\n", driver.found.boot_counter);
    driver.request = seed * 1000000;
    driver.blob = driver.request;
    driver.node_id = driver.found.node_id;
    driver.last = driver.found.last_index;
    driver.snapshot = driver.found.snapshot.place.index;
    driver.term = driver.found.hard_state.term;
    driver.entry_term = SF_MAX(driver.term, 1);
    if (driver.found.is_new) ask_identity(&driver, random_next(&driver.random) | 1);
    for (long i = 0; i < steps && !driver.ended; i++) {
        wait_until(&driver, WINDOW - 1);
        if (i == steps * 3 / 4) ask_identity(&driver, random_next(&driver.random) | 1);
        step(&driver);
    }
    wait_until(&driver, 0);
    return finish(&driver);
}

/* -- verify ------------------------------------------------------------------------------- */

static int verify(const char *directory) {
    static struct driver driver;
    driver.quiet = true;
    open_or_exit(&driver, directory, 64 << 20);
    const struct storage_found *found = &driver.found;
    printf("found %016" PRIx64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %d %" PRIu64 " %" PRIu64
           " %" PRIu64 " %.*s\n",
        found->node_id, found->boot_counter, found->hard_state.term, found->hard_state.vote,
        found->damaged, found->last_index, found->first_index, found->snapshot.place.index,
        (int)found->identity_blob.len,
        found->identity_blob.len > 0 ? buf_slice(&found->identity_blob).data : "");
    if (!snapshot_is_right(&found->snapshot)) driver.bad_entries++;
    driver.last = found->first_index - 1;
    for (raft_index before = driver.last; driver.last < found->last_index && !driver.ended;) {
        driver.outstanding = 1;
        storage_fetch(driver.storage, 1, driver.last + 1, found->last_index, 1 << 20);
        wait_until(&driver, 0);
        if (driver.last == before) break;
        before = driver.last;
    }
    return finish(&driver);
}

/* -- figures ------------------------------------------------------------------------------ */

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void prepare(struct driver *driver, const char *directory) {
    open_or_exit(driver, directory, 64 << 20);
    driver->quiet = true;
    driver->node_id = 1;
    driver->entry_term = 1;
    driver->last = driver->found.last_index;
    if (!driver->found.is_new) return;
    driver->outstanding = 1;
    storage_save_identity(driver->storage, 1, 1, SLICE("figures"));
    wait_until(driver, 0);
}

/* Appends requests of `batch` entries of 100 bytes, `window` of them in flight. */
static uint64_t append_batches(
    struct driver *driver, uint32_t batch, uint32_t window, double until, uint64_t most) {
    struct raft_entry *entries = calloc(batch, sizeof *entries);
    uint64_t done = 0;
    for (; done < most && seconds_now() < until; done += batch) {
        for (uint32_t i = 0; i < batch; i++) {
            entries[i] =
                (struct raft_entry){.index = ++driver->last, .term = 1, .kind = ENTRY_BATCH};
            entries[i].payload = make_payload(driver->last, 1, 100);
        }
        driver->outstanding++;
        storage_append(driver->storage, ++driver->request, 0, entries, batch);
        for (uint32_t i = 0; i < batch; i++) bytes_unref(entries[i].payload);
        wait_until(driver, window - 1);
    }
    wait_until(driver, 0);
    free(entries);
    return done;
}

static int bench(const char *directory, double seconds) {
    struct driver driver = {0};
    prepare(&driver, directory);
    static const uint32_t shapes[][2] = {{1, 1}, {1, 64}, {1024, 1}, {1024, 4}};
    for (size_t i = 0; i < SF_LENGTH(shapes); i++) {
        double start = seconds_now();
        uint64_t n =
            append_batches(&driver, shapes[i][0], shapes[i][1], start + seconds, UINT64_MAX);
        printf("%u entries a request, %u requests in flight: %.0f entries/s\n", shapes[i][0],
            shapes[i][1], (double)n / (seconds_now() - start));
    }
    return finish(&driver);
}

static int time_open(const char *directory, uint64_t entries) {
    struct driver driver = {0};
    prepare(&driver, directory);
    append_batches(&driver, 1024, 4, 1e18, entries);
    finish(&driver);
    for (int i = 0; i < 3; i++) {
        driver = (struct driver){0};
        double start = seconds_now();
        open_or_exit(&driver, directory, 64 << 20);
        printf("opened %" PRIu64 " entries in %.0f ms\n", driver.found.last_index,
            (seconds_now() - start) * 1e3);
        finish(&driver);
    }
    return 0;
}

int main(int argc, char **argv) {
    const char *mode = argc > 2 ? argv[1] : "";
    if (strcmp(mode, "run") == 0 && argc == 6)
        return run(
            argv[2], strtoull(argv[3], NULL, 10), atol(argv[4]), strtoull(argv[5], NULL, 10));
    if (strcmp(mode, "verify") == 0) return verify(argv[2]);
    if (strcmp(mode, "bench") == 0 && argc == 4) return bench(argv[2], atof(argv[3]));
    if (strcmp(mode, "open") == 0 && argc == 4)
        return time_open(argv[2], strtoull(argv[3], NULL, 10));
    fprintf(stderr, "usage: see the head of this program's source\n");
    return 2;
}
