/* Every call that a client made: what, when, and how it ended. */
#ifndef SF_SIM_HISTORY_H
#define SF_SIM_HISTORY_H

#include "sim/world.h"
#include "util/bytes.h"
#include "util/slice.h"

enum outcome {
    OUTCOME_PENDING,
    OUTCOME_ANSWERED,  /* a reply of the command itself, errors included */
    OUTCOME_REFUSED,   /* the reply says: not executed */
    OUTCOME_UNCERTAIN, /* the reply says: unknown */
    OUTCOME_UNKNOWN,   /* the connection ended first */
};

/* CALL_SESSION: of the connection itself (SELECT, READONLY, MULTI): always +OK, or +QUEUED. WATCH
 * is a read whose answer says nothing. */
enum call_kind { CALL_READ, CALL_WRITE, CALL_SESSION, CALL_ADMIN, CALL_PUBLISH };

struct client_call {
    uint32_t client, node;
    uint64_t connection;
    uint32_t db;
    enum call_kind kind;
    bool stale;      /* a read that may show a state of the past */
    bool blocks;     /* it may wait for a key */
    bool is_queued;  /* CALL_SESSION: it only goes into a transaction */
    size_t after;    /* a read behind the message of that PUBLISH, plus 1; 0: of none */
    uint32_t n_sent; /* EXEC: only its first word is sent, what it runs follows (exec.h); 0: all */
    uint32_t argc;
    struct slice *argv;               /* owned: one allocation with the words behind */
    int64_t invoked_us, completed_us; /* completed INT64_MAX: never */
    enum outcome outcome;
    struct bytes *reply; /* as it came */
    uint32_t user;       /* users.c: whose connection it is, plus 1; 0: of who may do everything */
    uint64_t let_in_before, let_in_applied; /* ... where the node was when it let him in */
    uint64_t told_before;                   /* ... and one turn before it answered this */
    size_t next_same;   /* writes: the next call with these words, plus 1; 0: none */
    size_t latest_same; /* ... the latest one, plus 1; kept at the first */
    size_t open_same;   /* ... the first that may still be found in the log, plus 1; likewise */
    /* found by the verdict */
    uint64_t step;       /* place in the order of everything that ran; 0: none */
    uint64_t asked_step; /* ... of a write as it came; it may have had to wait from there to step */
    bool waits;          /* for a key, as far as the log goes */
    bool is_void; /* an EXEC that did nothing, since what was watched had changed; a script unknown
                   */
    uint32_t n_watched; /* an EXEC in the log: how many keys it named */
};

struct history {
    struct client_call *calls;
    size_t n, cap;
    uint32_t *table; /* open addressing by (db, argv): index of the first such write + 1 */
    size_t table_size;
};

struct history *history_new(void);
void history_free(struct history *history);
/* Copies the words into the call. */
void call_set_words(struct client_call *call, uint32_t argc, const struct slice *argv);
/* Returns its number; takes the words over. A write's words must be free (asserted): that is how
 * its place in the log is found. */
size_t history_add(struct history *history, const struct client_call *call);
/* Whether a write may be made with these words: it is known of every earlier one whether it ran. */
bool history_is_free(struct history *history, uint32_t db, uint32_t argc, const struct slice *argv);
/* The write with these words that comes next in the log; NULL: nobody made it. One that was found
 * before (step is set) when there are no others. */
struct client_call *history_find(
    struct history *history, uint32_t db, uint32_t argc, const struct slice *argv);
void call_describe(const struct client_call *call, char *out, size_t size);
const char *outcome_text(enum outcome outcome);

#endif
