/* What the verdict's two halves share: verdict.c carries out the log, places.c then finds a place
 * in it for every call. */
#ifndef SF_SIM_VERDICT_H
#define SF_SIM_VERDICT_H

#include "engine/entry.h"
#include "sim/history.h"
#include "sim/judge.h"
#include "sim/model.h"
#include "sim/replay.h"

#include <stdio.h>

struct member_row {
    raft_id id;
    struct incarnation origin; /* node 0: none yet */
    uint64_t last_sequence;
};

struct trial {
    struct world *world;
    const struct cluster_record *record;
    struct model *model;
    struct replay *replay;
    uint64_t *last_step; /* last_step[i]: of entry i; [0] is the empty state */
    struct member_row rows[RAFT_MEMBERS_MAX];
    uint32_t n_rows;
};

void call_fail(struct trial *trial, const struct client_call *call, const char *why,
    struct slice expected, uint64_t at);
/* It took effect in this entry, in the model's present step, and the engine answered `given`. */
void call_answered(struct trial *trial, raft_index index, struct client_call *call,
    struct slice given, struct slice expected);

/* -- waiting.c --------------------------------------------------------------------------------- */

struct log_place { /* of a command */
    raft_index index;
    const struct sub_batch_header *header;
    uint32_t position;
    struct slice given; /* what the engines answered */
    bool waits;         /* ... nothing yet */
};

/* The call found nothing and waits, if it has not been answered. */
void wait_begin(
    struct trial *trial, const struct log_place *at, struct client_call *call, int64_t deadline_ms);
void wait_again(struct trial *trial, const struct log_place *at, uint32_t db, uint32_t argc,
    const struct slice *argv);
void wait_unblock(struct trial *trial, const struct log_place *at, const struct slice *argv);
/* All of a node are taken out. */
void wait_remove(struct trial *trial, uint64_t node);
/* The engines must have served whom the model has served. */
void wait_match(struct trial *trial, raft_index index);
void wait_at_the_end(struct trial *trial);

/* places.c */
/* Whether a user's call may have been denied, or not, at that step. */
bool user_fits(
    const struct trial *trial, const struct client_call *call, uint64_t step, bool denied);
void place_calls(struct trial *trial);

#endif
