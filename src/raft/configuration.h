/* A cluster's members, as an entry's payload says them (dissertation, chapter 4). Value type. */
#ifndef SF_RAFT_CONFIGURATION_H
#define SF_RAFT_CONFIGURATION_H

#include "raft/types.h"
#include "util/buf.h"

#define RAFT_HOST_MAX 63 /* bytes of an address' host without the zero byte */

struct raft_address {
    char host[RAFT_HOST_MAX + 1]; /* "" while unknown (a new single node) */
    uint16_t port;                /* clients */
    uint16_t bus_port;
};

struct raft_member {
    raft_id id;
    struct raft_address address;
    bool voter_new; /* votes in the (new) configuration; false on both: a learner */
    bool voter_old; /* votes in the old configuration; only in a joint configuration */
    bool leaves;    /* only in a joint configuration: no member any more once that is left */
};

struct raft_configuration {
    uint32_t n;
    bool joint; /* two majorities are needed: of voter_old and of voter_new */
    struct raft_member members[RAFT_MEMBERS_MAX]; /* ascending by id */
};

void configuration_encode(const struct raft_configuration *configuration, struct buf *out);
/* SF_ERR_CORRUPT: malformed, too many members, ids not ascending, or no voter (of either half when
 * joint). */
SF_MUST_CHECK enum sf_status configuration_decode(
    struct slice payload, struct raft_configuration *out);

const struct raft_member *configuration_find(
    const struct raft_configuration *configuration, raft_id id); /* NULL when absent */
bool configuration_is_voter(
    const struct raft_configuration *configuration, raft_id id); /* in either half */
/* Adds or updates; SF_ERR_TOO_LARGE when full. */
SF_MUST_CHECK enum sf_status configuration_put(
    struct raft_configuration *configuration, const struct raft_member *member);
void configuration_remove(struct raft_configuration *configuration, raft_id id);
uint32_t configuration_n_voters(
    const struct raft_configuration *configuration); /* of the new half */

/* The highest value that a majority has reached, of both halves when joint: value(context, id).
 * 0 without voters. */
uint64_t configuration_quorum_value(const struct raft_configuration *configuration,
    uint64_t (*value)(void *context, raft_id id), void *context);

#endif
