/* What the files of the sorted sets' commands share. */
#ifndef SF_COMMANDS_SORTED_SET_H
#define SF_COMMANDS_SORTED_SET_H

#include "commands/value.h"
#include "keyspace/zset.h"

/* Whether members with scores are pairs of their own in the reply (RESP3), or all in one row. */
bool nests_scores(const struct call *call);
void reply_members_begin(struct call *call, uint64_t n, bool with_scores);
void reply_member(struct call *call, const struct zset_cursor *cursor, bool with_score);

/* -- adding, as ZADD does -------------------------------------------------------------------- */

struct add_options {
    bool nx, xx, gt, lt, ch, incr;
};
/* n members, at argv[members], + step ..., with their scores, which become what they were set to.
 */
struct scored {
    double *scores;
    uint32_t n, members, step;
};
/* Adds to argv[1] and replies. */
void add_scored(struct call *call, const struct add_options *options, const struct scored *scored);

#endif
