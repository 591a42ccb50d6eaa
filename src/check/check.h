/* shardforge-check: what a data directory holds, without touching it. */
#ifndef SF_CHECK_CHECK_H
#define SF_CHECK_CHECK_H

#include "raft/types.h"
#include "storage/log.h"
#include "util/buf.h"
#include <stdio.h>

/* The exit codes. */
enum verdict {
    VERDICT_FINE = 0,
    VERDICT_DAMAGED = 1,  /* something is lost or bad, yet a node starts from it */
    VERDICT_UNUSABLE = 2, /* no node starts from it, or it cannot be looked at */
};

struct check_options {
    const char *directory;
    const char *scratch; /* where the mirror is made */
    bool verify;
    bool shows_entries;
    raft_index first, last; /* of those to show */
    bool whole_words;       /* no argument of a command is cut short */
};

struct check {
    const struct check_options *options;
    FILE *out;
    enum verdict verdict; /* the worst so far */
    raft_id node_id;      /* 0: unknown */
    uint32_t databases;   /* that the state was made with */
    char *node_path;      /* of its directory, the original; NULL: there is none */
    char *mirror;         /* NULL: not made */
    bool is_running;      /* a process has the directory */
};

/* A line under the heading "problems"; the verdict becomes at least as bad. */
void check_problem(struct check *check, enum verdict verdict, const char *format, ...)
    SF_PRINTF(3, 4);
/* The same of an error line; paths in the mirror are told as the original's. */
void check_error(struct check *check, enum verdict verdict, const struct buf *error);
/* Prints text with the mirror's path replaced. */
void check_print_told(const struct check *check, struct slice text);

/* -- mirror.c -------------------------------------------------------------------------------- */

/* A copy beside, in which a start changes nothing of the original; its snapshots are symbolic links
 * (they are only read). NULL: error says why. mirror_remove frees the path. */
char *mirror_make(const char *scratch, const char *directory, struct buf *error);
void mirror_remove(char *mirror);

/* -- owner.c --------------------------------------------------------------------------------- */

/* The process that holds the lock; 0: nobody, -1: cannot be told. Takes no lock. */
long owner_of(const char *directory);

/* -- state.c, snapshots.c: parts of the report ----------------------------------------------- */

void show_identity(struct check *check); /* and finds node_id and node_path */
void show_hard_state(struct check *check);
void show_snapshots(struct check *check);
void show_configuration(FILE *out, const char *indent, struct slice payload);

/* -- entries.c, words.c ---------------------------------------------------------------------- */

void show_log(struct check *check);     /* generations and ranges */
void show_entries(struct check *check); /* as options say */
void show_entry(const struct check *check, raft_index index, const struct entry_view *entry);
/* As redis-cli quotes; cut after max bytes (0: never). */
void show_word(FILE *out, struct slice word, size_t max);

/* -- verify.c -------------------------------------------------------------------------------- */

void verify_all(struct check *check);

/* -- leveldb_files.c ------------------------------------------------------------------------- */

/* One file of a LevelDB (a write-ahead log, a MANIFEST, a table) read to its end: every checksum.
 * NULL: it holds. Otherwise what is wrong, *offset where, and *is_tail whether it looks like a
 * write that was never finished, at the very end. */
const char *leveldb_file_flaw(const char *path, uint64_t *offset, bool *is_tail);

#endif
