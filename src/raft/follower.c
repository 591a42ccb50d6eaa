/* What a follower does with its leader's word: append (figure 3.1), heartbeat, TimeoutNow. */
#include "raft/internal.h"

/* Whether this message's sender leads the message's term, as far as can be told; the node follows
 * it then. Anything else is a late message or a broken peer. */
bool follower_accepts(struct raft *raft, const struct raft_message *m) {
    SF_ASSERT(m->term >= raft->term);
    if (m->term == raft->term) {
        if (raft->role == RAFT_LEADER) return false;                    /* R1 */
        if (raft->leader != 0 && raft->leader != m->from) return false; /* R1 */
    }
    if (m->term > raft->term || raft->role != RAFT_FOLLOWER)
        become_follower(raft, m->term, m->from);
    election_hear_leader(raft, m->from);
    return true;
}

static void append_refuse(struct raft *raft, const struct raft_message *m) {
    SF_MARK("raft: an append is refused");
    raft_index hint = log_find_by_term(&raft->log, m->log_index - 1, m->log_term);
    hint = SF_MAX(hint, raft->commit);
    struct raft_message answer = {.type = RAFT_APPEND_ANSWER,
        .to = m->from,
        .term = raft->term,
        .log_index = m->log_index,
        .hint_index = hint,
        .hint_term = log_term(&raft->log, hint),
        .damage = raft->damage};
    send_in_term(raft, &answer);
}

/* What lies below our first entry is committed, so the same in every log (R3, R4). */
static bool agrees_at(const struct raft *raft, raft_index index, raft_term term) {
    raft_term own = log_term(&raft->log, index);
    return own > 0 ? own == term : index <= raft->log.base_index;
}

/* The first of the message's entries that is not in the log; n_entries when all are. */
static uint32_t first_new(const struct raft *raft, const struct raft_message *m) {
    uint32_t i = 0;
    while (i < m->n_entries && agrees_at(raft, m->entries[i].index, m->entries[i].term)) i++;
    return i;
}

/* Makes room for an entry that conflicts. False: it would take what this leader has proven before,
 * what is committed, or a configuration that cannot be taken back: no sane leader asks for that. */
static bool remove_conflict(struct raft *raft, raft_index from) {
    if (from > raft->log.last_index) return true;
    if (from <= raft->commit || from <= raft->proven) return false;
    SF_MARK("raft: a conflicting suffix is cut");
    if (!configuration_can_roll_back(raft, from)) return false;
    SF_ASSERT(raft->role == RAFT_FOLLOWER && from > raft->applied); /* R2 */
    configuration_roll_back(raft, from);
    fetches_drop_from(raft, from);
    log_truncate(&raft->log, from);
    return true;
}

static bool take_entries(struct raft *raft, const struct raft_message *m) {
    uint32_t i = first_new(raft, m);
    if (i == m->n_entries) return true;
    if (!remove_conflict(raft, m->entries[i].index)) return false;
    for (; i < m->n_entries; i++) {
        const struct raft_entry *entry = &m->entries[i];
        log_append(&raft->log, entry);
        if (entry->kind != ENTRY_CONFIGURATION) continue;
        struct raft_configuration configuration;
        enum sf_status status = configuration_decode(bytes_slice(entry->payload), &configuration);
        SF_ASSERT(status == SF_OK); /* message_makes_sense */
        configuration_adopt(raft, entry->index, &configuration);
    }
    return true;
}

static bool can_acknowledge(const struct raft *raft) {
    return raft->role == RAFT_FOLLOWER && raft->leader != 0 && term_is_durable(raft);
}

static void acknowledge(struct raft *raft) {
    SF_ASSERT(can_acknowledge(raft)); /* R8 */
    raft_index match = SF_MIN(raft->proven, raft->log.synced_index);
    raft->acknowledged = SF_MAX(raft->acknowledged, match);
    if (match == raft->proven) raft->acknowledgement_owed = false;
    struct raft_message answer = {.type = RAFT_APPEND_ANSWER,
        .to = raft->leader,
        .term = raft->term,
        .granted = true,
        .match = match,
        .hint_index = raft->proven,
        .damage = raft->damage};
    send_in_term(raft, &answer);
}

/* What has become durable of several appends is told in one answer. */
void follower_acknowledge(struct raft *raft) {
    if (!can_acknowledge(raft)) return;
    raft_index match = SF_MIN(raft->proven, raft->log.synced_index);
    bool settles = raft->acknowledgement_owed && match == raft->proven;
    if (match > raft->acknowledged || settles) acknowledge(raft);
}

void follower_proved_committed(struct raft *raft, raft_index index) {
    raft->proven = SF_MAX(raft->proven, index);
    commit_advance(raft, index);
    raft->acknowledgement_owed = true;
    if (can_acknowledge(raft)) acknowledge(raft);
    follower_check_damage(raft);
}

void follower_on_append(struct raft *raft, const struct raft_message *m) {
    if (!follower_accepts(raft, m)) return;
    raft->heard_commit = SF_MAX(raft->heard_commit, m->commit);
    if (is_installing(raft)) return; /* it would be about a log that is to be replaced */
    if (!agrees_at(raft, m->log_index, m->log_term)) {
        append_refuse(raft, m);
        return;
    }
    if (!take_entries(raft, m)) return;
    raft_index proven = m->log_index + m->n_entries;
    SF_ASSERT(proven <= raft->log.last_index);
    raft->proven = SF_MAX(raft->proven, proven);
    bool names_target = raft->damage != 0 && m->damage == raft->damage;
    if (names_target) SF_MARK("raft: a damaged log is told how far it must come");
    if (names_target && raft->damage_target == 0) raft->damage_target = m->commit;
    commit_advance(raft, SF_MIN(m->commit, proven)); /* R7 */
    raft->acknowledgement_owed = true;
    /* A probe is answered at once; entries when they are durable. */
    bool is_answerable = m->n_entries == 0 || raft->proven <= raft->log.synced_index;
    if (is_answerable && can_acknowledge(raft)) acknowledge(raft);
    follower_check_damage(raft);
}

void follower_on_heartbeat(struct raft *raft, const struct raft_message *m) {
    if (!follower_accepts(raft, m)) return;
    /* The leader knows our match, but perhaps from before a restart; what was proven to this
     * process in this term is certain (R7). */
    commit_advance(raft, SF_MIN(m->commit, raft->proven));
    if (m->round == 0) return;
    struct raft_message answer = {.type = RAFT_HEARTBEAT_ANSWER,
        .to = m->from,
        .term = raft->term,
        .round = m->round,
        .match = SF_MIN(raft->proven, raft->log.synced_index),
        .hint_index = raft->proven,
        .last_synced = raft->log.synced_index,
        .damage = raft->damage,
        .promise_ms = election_promise_ms(raft)};
    send_in_term(raft, &answer);
}

/* Section 3.10: the leader itself asks for this election, so nothing speaks against it. */
void follower_on_timeout_now(struct raft *raft, const struct raft_message *m) {
    if (m->term != raft->term || raft->role != RAFT_FOLLOWER || raft->leader != m->from) return;
    if (!may_campaign(raft)) return;
    SF_MARK("raft: TimeoutNow is obeyed");
    become_candidate(raft, true);
}

/* DESIGN 9. The target was named by a leader that knew of the damage, so that it no longer counted
 * what this node had acknowledged before, and that had committed in its own term, so that its
 * commit index covers all that was ever committed. */
void follower_check_damage(struct raft *raft) {
    if (raft->damage == 0 || raft->damage_target == 0) return;
    if (SF_MIN(raft->proven, raft->log.synced_index) < raft->damage_target) return;
    SF_MARK("raft: a damaged log is whole again");
    raft->damage = 0;
    raft->damage_mended = true;
    raft->changed = true;
}
