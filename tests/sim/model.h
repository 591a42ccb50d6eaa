/* What the commands of the workload mean, written a second time and apart from src: a plain list of
 * keys, each with every value it ever had. Writes run at the end, reads at any step.
 *
 * A step is what nobody can see half of: a move of state time, or one command. (A transaction
 * is one step too: model_step, then model_run for each of its commands.) */
#ifndef SF_SIM_MODEL_H
#define SF_SIM_MODEL_H

#include "util/buf.h"
#include "util/bytes.h"
#include "util/slice.h"

#define MODEL_NEVER INT64_MAX

struct model_value;

/* -- who waits for keys (model_queue.h) ------------------------------------------------------ */

struct model_waiter {
    size_t id;                     /* the verdict's: which call */
    uint64_t node, counter, nonce; /* where its command stands: incarnation, ... */
    uint64_t sequence;
    uint32_t position;
    int64_t deadline_ms; /* MODEL_NEVER: none */
    uint32_t db, argc;
    const struct slice *argv; /* borrowed */
};

struct model_answer {
    size_t id;
    struct buf reply;
};

struct model_line { /* a key that came to hold what somebody waits for */
    uint32_t db;
    int type;
    struct bytes *key;
};

struct model_queue {
    struct model_waiter *waiters;
    uint32_t n, cap;
    struct model_waiter *loose; /* taken out since their node was not heard: may queue again */
    uint32_t n_loose, loose_cap;
    struct model_line *ready;
    uint32_t n_ready, ready_cap;
    struct model_answer *answers; /* those given since they were last cleared, in their order */
    uint32_t n_answers, answers_cap;
};

/* -- keys ------------------------------------------------------------------------------------- */

struct model_version {
    uint64_t step;                   /* from this step on */
    const struct model_value *value; /* NULL: absent. A reference. */
    int64_t due_ms;                  /* MODEL_NEVER without expiry */
    bool expired;                    /* absent since its time had come */
};

struct model_key {
    uint32_t db;
    struct bytes *name;
    struct model_version *versions;
    size_t n, cap;
};

/* -- users (model_users.c) --------------------------------------------------------------------- */

enum { MODEL_USERS = 2 }; /* u0, u1 */

struct model_rights {
    uint64_t step; /* from this step on */
    bool exists, on, get, set, k, n;
};

struct model_user {
    struct model_rights *rights;
    size_t n, cap;
};

struct model {
    struct model_user users[MODEL_USERS];
    struct model_queue queue;
    bool has_script[3]; /* was run before (model_script.c) */
    bool oom;           /* the entry's stamp says that memory is out */
    bool found_nothing; /* the command that ran last would wait, if it could */
    struct model_key *keys;
    size_t n, cap;
    uint64_t step;
    int64_t *times; /* state time at each step */
    size_t times_cap;
    uint64_t n_expired;
};

struct model *model_new(void);
void model_free(struct model *model);

/* Begins a step in which state time is max(before, now_ms) and what is due goes. */
void model_advance(struct model *model, int64_t now_ms);
/* The leader chose a key that goes; false: there is none. */
bool model_evict(struct model *model, uint32_t db, struct slice key);
/* Begins a step for commands: they change what is there from this step on. */
void model_step(struct model *model);

struct model_question {
    uint64_t step; /* reads: the state at this step; writes: the current one */
    uint32_t db, argc;
    const struct slice *argv;
    /* Where the command leaves a choice (SPOP, SRANDMEMBER): the reply that was given. The model
     * takes it over when it is one that could be given. */
    struct slice given;
};

bool model_knows(struct slice name);
bool model_is_write(struct slice name);
/* Carries a command out; its reply, in RESP2, is appended. PTTL with a positive answer is special:
 * the reader's clock may be later than state time, so *most_ms is set to the highest answer that
 * fits and nothing is appended; else it is -1. */
void model_run(struct model *model, const struct model_question *question, struct buf *reply,
    int64_t *most_ms);
/* Whether two replies are one, but for an order that the command does not promise. */
bool model_is_alike(struct slice name, struct slice given, struct slice expected);
struct model_rights model_rights_at(const struct model *model, uint32_t user, uint64_t step);
/* Whether the user may run GET or SET of that key at that step. */
bool model_may(const struct model *model, uint32_t user, uint64_t step, const struct slice *argv);
/* ... was deleted at a step in (after, until]. */
bool model_was_deleted(const struct model *model, uint32_t user, uint64_t after, uint64_t until);
uint64_t model_next_rights(const struct model *model, uint32_t user, uint64_t step);
/* The last step up to `step` at which a key was not as it had been before (not only touched). */
uint64_t model_last_change(const struct model *model, uint64_t step, uint32_t db, struct slice key);
/* Whether a field of the key died at the time of that step, by then. */
bool model_field_dies(const struct model *model, uint64_t step, uint32_t db, struct slice key);
/* Whether a key is absent at some step in [low, high]. */
bool model_is_absent(
    const struct model *model, uint64_t low, uint64_t high, uint32_t db, struct slice key);
/* The next step after `step` at which one of the command's keys changes; UINT64_MAX: none. */
uint64_t model_next_change(
    const struct model *model, uint64_t step, uint32_t db, uint32_t argc, const struct slice *argv);

#endif
