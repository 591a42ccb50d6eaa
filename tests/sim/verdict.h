/* What the verdict's two halves share: verdict.c carries out the log, places.c then finds a place
 * in it for every call. */
#ifndef SF_SIM_VERDICT_H
#define SF_SIM_VERDICT_H

#include "engine/entry.h"
#include "sim/history.h"
#include "sim/judge.h"
#include "sim/model.h"
#include "sim/replay.h"

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
/* places.c */
void place_calls(struct trial *trial);

#endif
