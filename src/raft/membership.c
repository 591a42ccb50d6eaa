/* Configurations in force (chapter 4): adopted when appended, taken back when truncated, changed
 * through joint consensus (section 4.3). */
#include "raft/internal.h"

const struct configuration_record *configuration_in_force(const struct raft *raft) {
    SF_ASSERT(raft->n_configurations > 0);
    return &raft->configurations[raft->n_configurations - 1];
}

void configuration_adopt(
    struct raft *raft, raft_index index, const struct raft_configuration *configuration) {
    SF_ASSERT(index > configuration_in_force(raft)->index);
    if (raft->n_configurations == raft->cap_configurations) {
        raft->cap_configurations *= 2;
        raft->configurations = sf_realloc(
            raft->configurations, raft->cap_configurations * sizeof *raft->configurations);
    }
    struct configuration_record *record = &raft->configurations[raft->n_configurations++];
    *record = (struct configuration_record){index, *configuration};
    raft->changed = true;
    if (raft->role == RAFT_LEADER) peers_follow(raft, record);
}

void configuration_install(
    struct raft *raft, raft_index index, const struct raft_configuration *configuration) {
    SF_ASSERT(raft->role != RAFT_LEADER && index > 0 && index <= raft->log.base_index);
    raft->n_configurations = 1;
    raft->configurations[0] = (struct configuration_record){index, *configuration};
}

bool configuration_can_roll_back(const struct raft *raft, raft_index from) {
    return raft->configurations[0].index < from;
}

void configuration_roll_back(struct raft *raft, raft_index from) {
    SF_ASSERT(configuration_can_roll_back(raft, from) && raft->role != RAFT_LEADER);
    while (configuration_in_force(raft)->index >= from) {
        SF_MARK("raft: a configuration is taken back");
        raft->n_configurations--;
        raft->changed = true;
    }
}

raft_index leader_append(struct raft *raft, uint8_t kind, struct bytes *payload) {
    SF_ASSERT(raft->role == RAFT_LEADER);
    struct raft_entry entry = {
        .index = raft->log.last_index + 1, .term = raft->term, .kind = kind, .payload = payload};
    log_append(&raft->log, &entry);
    return entry.index;
}

static void configuration_append(
    struct raft *raft, const struct raft_configuration *configuration) {
    struct buf encoded = {0};
    configuration_encode(configuration, &encoded);
    struct bytes *payload = bytes_new(buf_slice(&encoded).data, encoded.len);
    raft_index index = leader_append(raft, ENTRY_CONFIGURATION, payload);
    configuration_adopt(raft, index, configuration);
    bytes_unref(payload);
    buf_free(&encoded);
}

/* C-old,new is committed: C-new follows. */
static void leave_joint(struct raft *raft) {
    const struct raft_configuration *joint = raft_configuration(raft);
    struct raft_configuration next = {0};
    for (uint32_t i = 0; i < joint->n; i++) {
        struct raft_member member = joint->members[i];
        if (member.leaves) continue;
        member.voter_old = false;
        next.members[next.n++] = member;
    }
    configuration_append(raft, &next);
}

/* A leader that is no voter of the committed configuration steps down (section 4.2.2), having told
 * what is committed and, if it can, asked a successor to stand at once. */
static void resign(struct raft *raft) {
    SF_MARK("raft: a leader that was removed resigns");
    leader_tell_commit(raft);
    transfer_at_once(raft);
    become_follower(raft, raft->term, 0);
}

void configuration_committed(struct raft *raft) {
    uint32_t old = 0;
    while (old + 1 < raft->n_configurations && raft->configurations[old + 1].index <= raft->commit)
        old++;
    if (old > 0) {
        raft->n_configurations -= old;
        memmove(raft->configurations, raft->configurations + old,
            raft->n_configurations * sizeof *raft->configurations);
    }
    if (!raft_is_serving(raft) || configuration_in_force(raft)->index > raft->commit) return;
    if (raft_configuration(raft)->joint) { /* section 4.3 */
        SF_MARK("raft: a joint configuration is committed");
        if (raft->transfer_to == 0) leave_joint(raft); /* else when the transfer has failed */
    } else if (!configuration_is_voter(raft_configuration(raft), raft->self)) {
        resign(raft);
    }
    if (raft->role == RAFT_LEADER) reads_release(raft); /* a smaller quorum may be enough now */
}

static bool is_valid_target(const struct raft_configuration *target) {
    if (target->n > RAFT_MEMBERS_MAX || configuration_n_voters(target) == 0) return false;
    for (uint32_t i = 0; i < target->n; i++) {
        raft_id before = i == 0 ? 0 : target->members[i - 1].id;
        if (target->members[i].id <= before) return false;
    }
    return true;
}

static bool same_voters(const struct raft_configuration *a, const struct raft_configuration *b) {
    if (configuration_n_voters(a) != configuration_n_voters(b)) return false;
    for (uint32_t i = 0; i < a->n; i++) {
        if (!a->members[i].voter_new) continue;
        const struct raft_member *other = configuration_find(b, a->members[i].id);
        if (other == NULL || !other->voter_new) return false;
    }
    return true;
}

/* C-old,new: everybody of the target, and the old voters who are to leave. */
static enum sf_status make_joint(const struct raft_configuration *current,
    const struct raft_configuration *target, struct raft_configuration *out) {
    *out = (struct raft_configuration){.joint = true};
    for (uint32_t i = 0; i < target->n; i++) {
        struct raft_member member = target->members[i];
        const struct raft_member *before = configuration_find(current, member.id);
        member.voter_old = before != NULL && before->voter_new;
        member.leaves = false;
        out->members[out->n++] = member;
    }
    for (uint32_t i = 0; i < current->n; i++) {
        struct raft_member member = current->members[i];
        if (!member.voter_new || configuration_find(target, member.id) != NULL) continue;
        member.voter_new = false;
        member.voter_old = member.leaves = true;
        enum sf_status status = configuration_put(out, &member);
        if (status != SF_OK) return status;
    }
    return SF_OK;
}

enum sf_status raft_propose_configuration(
    struct raft *raft, const struct raft_configuration *target, int64_t now_us) {
    clock_advance(raft, now_us);
    if (raft->role != RAFT_LEADER || raft->transfer_to != 0) return SF_ERR_NOT_LEADER;
    if (!is_valid_target(target)) return SF_ERR_INVALID;
    const struct configuration_record *record = configuration_in_force(raft);
    if (!raft_is_serving(raft) || record->index > raft->commit || record->configuration.joint)
        return SF_ERR_BUSY; /* R9 */
    struct raft_configuration next = *target;
    if (same_voters(&record->configuration, target)) {
        next.joint = false;
        for (uint32_t i = 0; i < next.n; i++)
            next.members[i].voter_old = next.members[i].leaves = false;
    } else {
        enum sf_status status = make_joint(&record->configuration, target, &next);
        if (status != SF_OK) return status;
    }
    configuration_append(raft, &next);
    return SF_OK;
}
