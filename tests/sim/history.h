/* Every call that a client made: what, when, and how it ended. */
#ifndef SF_SIM_HISTORY_H
#define SF_SIM_HISTORY_H

#include "sim/world.h"
#include "util/bytes.h"

enum outcome {
    OUTCOME_PENDING,
    OUTCOME_ANSWERED,  /* a reply of the command itself, errors included */
    OUTCOME_REFUSED,   /* the reply says: not executed */
    OUTCOME_UNCERTAIN, /* the reply says: unknown */
    OUTCOME_UNKNOWN,   /* the connection ended first */
};

enum call_kind { CALL_READ, CALL_WRITE, CALL_ADMIN };

enum { CALL_ARGS_MAX = 8 };

struct client_call {
    uint32_t client, node;
    uint64_t connection;
    uint32_t db;
    enum call_kind kind;
    uint32_t argc;
    char *args[CALL_ARGS_MAX]; /* owned texts */
    struct slice argv[CALL_ARGS_MAX];
    int64_t invoked_us, completed_us; /* completed INT64_MAX: never */
    enum outcome outcome;
    struct bytes *reply; /* as it came */
    /* found by the verdict */
    uint64_t step; /* place in the order of everything that ran; 0: none */
};

struct history {
    struct client_call *calls;
    size_t n, cap;
    uint32_t *table; /* open addressing by (db, argv): index + 1 */
    size_t table_size;
};

struct history *history_new(void);
void history_free(struct history *history);
/* Returns its number. Writes must be unlike any other call (asserted): that is how their place in
 * the log is found. */
size_t history_add(struct history *history, const struct client_call *call);
/* The write with these words; NULL: nobody made it. */
struct client_call *history_find(
    struct history *history, uint32_t db, uint32_t argc, const struct slice *argv);
void call_describe(const struct client_call *call, char *out, size_t size);
const char *outcome_text(enum outcome outcome);

#endif
