#include "sim/judge.h"

static bool half_holds(const struct raft_configuration *configuration, bool old_half,
    bool (*holds)(void *context, raft_id id), void *context) {
    uint32_t voters = 0, held = 0;
    for (uint32_t i = 0; i < configuration->n; i++) {
        const struct raft_member *member = &configuration->members[i];
        if (!(old_half ? member->voter_old : member->voter_new)) continue;
        voters++;
        held += holds(context, member->id);
    }
    return held > voters / 2;
}

bool quorum_holds(const struct raft_configuration *configuration,
    bool (*holds)(void *context, raft_id id), void *context) {
    if (!half_holds(configuration, false, holds, context)) return false;
    return !configuration->joint || half_holds(configuration, true, holds, context);
}
