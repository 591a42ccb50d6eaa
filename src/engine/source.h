/* Whom the cluster follows: a live Redis (REPLICAOF), or a dump file that is being imported
 * (import-rdb). Part of the replicated state. What comes from there stands in the log as
 * shardforge.source (layouts in source.c), and each of those says what it follows on: one that does
 * not follow is void. So whoever leads goes on from what is applied, and nothing comes twice. */
#ifndef SF_ENGINE_SOURCE_H
#define SF_ENGINE_SOURCE_H

#include "util/buf.h"
#include "util/codec.h"
#include "util/status.h"

#define SOURCE_HOST_MAX 255
#define SOURCE_REPLID_CHARS 40
#define SOURCE_PIECE_BYTES (512u << 10) /* of a value, or of keys, in one command */

enum source_kind { SOURCE_NONE, SOURCE_REDIS, SOURCE_FILE };
enum source_phase {
    SOURCE_WAITING,   /* nothing has come: a full resynchronisation is needed */
    SOURCE_IMPORTING, /* what is there is half of a dump */
    SOURCE_STREAMING, /* equal to the master at replid and offset */
};

struct source {
    enum source_kind kind;
    enum source_phase phase;
    uint64_t generation; /* of REPLICAOF: what was meant for an earlier one is void */
    char host[SOURCE_HOST_MAX + 1];
    uint16_t port;
    uint64_t import; /* the latest one, by a random number; 0: none */
    uint64_t step;   /* of its pieces, the last one that was taken */
    char replid[SOURCE_REPLID_CHARS + 1];
    uint64_t offset;   /* IMPORTING: where the dump's stream goes on */
    uint32_t db;       /* that the stream has selected */
    bool imported;     /* a file was imported to its end: no other one is */
    uint64_t n_keys;   /* that the latest import brought */
    uint64_t n_errors; /* commands of the stream that failed here: it is no equal any more */
    struct buf part;   /* of a large value: the pieces so far */
};

/* -- what stands in the log ------------------------------------------------------------------ */

/* The words in front of every shardforge.source. */
struct source_head {
    const char *verb; /* import, file, keys, imported, batch */
    uint64_t link;    /* whose: the watcher is told when it was applied; no part of the state */
    uint64_t generation, import; /* that it follows on */
};
#define SOURCE_HEAD_ARGC 5
#define SOURCE_WORDS_MAX 11
struct source_words {
    uint32_t argc;
    struct slice argv[SOURCE_WORDS_MAX];
    char numbers[SOURCE_WORDS_MAX][24];
};
void source_words_begin(struct source_words *words, const struct source_head *head);
void source_words_number(struct source_words *words, uint64_t number);
void source_words_text(struct source_words *words, struct slice text); /* borrowed */

/* What the watcher hears when one of them was applied. */
struct source_ran {
    uint64_t link;
    bool taken; /* false: it did not follow, and was void */
    uint64_t n_errors;
    struct slice error; /* the first error among its replies */
};

/* -- a dump's bytes as pieces ---------------------------------------------------------------- */

struct engine;
struct importer;

/* The engine's thresholds count while it reads; it outlives the importer. */
struct importer *importer_new(struct engine *engine);
void importer_free(struct importer *importer);
void importer_feed(struct importer *importer, struct slice bytes); /* copied */
enum importer_step {
    IMPORTER_MORE,   /* feed the next bytes */
    IMPORTER_PIECE,  /* out holds about SOURCE_PIECE_BYTES: log it, empty it, call again */
    IMPORTER_END,    /* the dump was whole; out may hold a last piece */
    IMPORTER_FAILED, /* importer_why */
};
enum importer_step importer_next(struct importer *importer, struct buf *out);
const char *importer_why(const struct importer *importer);
struct slice importer_rest(const struct importer *importer); /* at the end: what follows the dump */
uint32_t importer_stream_db(const struct importer *importer); /* repl-stream-db, or 0 */
uint64_t importer_n_keys(const struct importer *importer);

#endif
