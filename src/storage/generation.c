/* One LevelDB directory. */
#include "storage/file.h"
#include "storage/log.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

struct generation *generation_new(struct log *log, uint64_t number, raft_index first) {
    char name[32];
    snprintf(name, sizeof name, "log-%" PRIu64, number);
    struct generation *generation = sf_alloc_zero(1, sizeof *generation);
    generation->number = number;
    generation->first = first;
    generation->path = path_join(log->directory, name);
    return generation;
}

void generation_free(struct generation *generation) {
    if (generation->db != NULL) leveldb_close(generation->db);
    sf_free(generation->path);
    sf_free(generation);
}

static bool says_no_room(const char *text) {
    static const int numbers[] = {ENOSPC, EDQUOT, EMFILE, ENFILE};
    for (size_t i = 0; i < SF_LENGTH(numbers); i++) {
        char reason[128];
        if (strstr(text, strerror_r(numbers[i], reason, sizeof reason)) != NULL) return true;
    }
    return false;
}

enum sf_status leveldb_report(const char *path, char *text, struct buf *error) {
    enum sf_status status = SF_ERR_STORAGE;
    /* A bad CURRENT can name what cannot be opened: an error of the system, but of bad bytes too.
     */
    const char *way_out = ": see to the disk; if that is sound, " WAY_OUT;
    if (says_no_room(text)) {
        status = SF_ERR_NO_SPACE;
        way_out = "";
    } else if (strncmp(text, "IO error", 8) != 0) { /* Corruption, NotFound, Invalid argument */
        status = SF_ERR_CORRUPT;
        way_out = ": " WAY_OUT;
    }
    for (char *c = text; *c != 0; c++) /* it quotes what it found in bad files */
        if (*c < ' ' || *c > '~') *c = '?';
    error_set(error, "%s: %s%s", path, text, way_out);
    leveldb_free(text);
    return status;
}

static enum sf_status open_leveldb(const struct log *log, const struct generation *generation,
    bool create, bool paranoid, leveldb_t **db, struct buf *error) {
    leveldb_options_t *options = leveldb_options_create();
    leveldb_options_set_create_if_missing(options, create);
    leveldb_options_set_error_if_exists(options, create);
    /* The memory table also holds LevelDB's overhead for each entry, and the last batch that began
     * below generation_bytes: with this room it is never written out a second time. */
    leveldb_options_set_write_buffer_size(
        options, (size_t)(log->generation_bytes + log->generation_bytes / 4 + (1 << 20)));
    leveldb_options_set_compression(options, leveldb_no_compression);
    leveldb_options_set_paranoid_checks(options, paranoid);
    leveldb_options_set_cache(options, log->cache);
    leveldb_options_set_max_open_files(options, 64);
    char *text = NULL;
    *db = leveldb_open(options, generation->path, &text);
    leveldb_options_destroy(options);
    return *db != NULL ? SF_OK : leveldb_report(generation->path, text, error);
}

enum sf_status generation_open(struct log *log, const struct generation *generation, bool create,
    leveldb_t **db, struct buf *error) {
    /* Without paranoid checks LevelDB ignores that its write-ahead log cannot be opened or read
     * (a passing disk error, no descriptor left), and then deletes it: so it is asked with them
     * first. With them it also refuses an ordinary torn tail: bytes that were read and are bad are
     * for our checksums, contiguity and the mark to judge. */
    enum sf_status status = open_leveldb(log, generation, create, true, db, error);
    if (status == SF_ERR_CORRUPT && !create)
        status = open_leveldb(log, generation, create, false, db, error);
    if (status != SF_OK) return status;
    /* LevelDB renames CURRENT and creates its next files without syncing the directory. */
    status = directory_sync(generation->path, error);
    if (status == SF_OK) return SF_OK;
    leveldb_close(*db);
    *db = NULL;
    return status;
}

leveldb_iterator_t *generation_iterate(leveldb_t *db, raft_index from) {
    leveldb_readoptions_t *options = leveldb_readoptions_create();
    leveldb_readoptions_set_fill_cache(options, 0);
    /* Bad bytes are not even to be parsed: what they say could lead an iterator astray. */
    leveldb_readoptions_set_verify_checksums(options, 1);
    leveldb_iterator_t *iterator = leveldb_create_iterator(db, options);
    leveldb_readoptions_destroy(options);
    char key[ENTRY_KEY_BYTES];
    entry_key(from, key);
    leveldb_iter_seek(iterator, key, sizeof key);
    return iterator;
}

bool iterator_key(const leveldb_iterator_t *iterator, raft_index *index) {
    size_t len;
    const char *key = leveldb_iter_key(iterator, &len);
    return entry_key_decode(slice_of(key, len), index);
}

struct slice iterator_value(const leveldb_iterator_t *iterator) {
    size_t len;
    const char *value = leveldb_iter_value(iterator, &len);
    return slice_of(value, len);
}
