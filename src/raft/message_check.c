/* What any peer could send is judged here, once, before the core acts on it: what passes may still
 * be late, doubled or wrong, but its numbers add up. */
#include "raft/internal.h"

static bool numbers_are_bounded(const struct raft_message *m) {
    const uint64_t numbers[] = {m->term, m->log_index, m->log_term, m->commit, m->round, m->match,
        m->hint_index, m->hint_term, m->last_synced, m->damage, m->snapshot_id, m->offset,
        m->snapshot_bytes};
    for (size_t i = 0; i < SF_LENGTH(numbers); i++)
        if (numbers[i] >= RAFT_NUMBER_LIMIT) return false;
    return true;
}

static bool entry_makes_sense(
    const struct raft_entry *entry, raft_index index, raft_term least, raft_term most) {
    if (entry->index != index || entry->term < least || entry->term > most) return false;
    if (entry->term == 0) return false;
    if (entry->kind != ENTRY_CONFIGURATION) return true;
    struct raft_configuration configuration;
    return configuration_decode(bytes_slice(entry->payload), &configuration) == SF_OK;
}

static bool entries_make_sense(const struct raft_message *m) {
    if (m->n_entries == 0) return true;
    if (m->type != RAFT_APPEND || m->entries == NULL) return false;
    raft_term least = m->log_term;
    for (uint32_t i = 0; i < m->n_entries; i++) {
        if (!entry_makes_sense(&m->entries[i], m->log_index + 1 + i, least, m->term)) return false;
        least = m->entries[i].term;
    }
    return true;
}

static bool snapshot_makes_sense(const struct raft_message *m) {
    if (m->log_index == 0 || m->snapshot_id == 0 || m->round == 0) return false;
    if (m->type == RAFT_SNAPSHOT_ANSWER) return true;
    return m->snapshot_bytes > 0 && m->offset <= m->snapshot_bytes &&
           bytes_slice(m->data).len <= m->snapshot_bytes - m->offset;
}

bool message_makes_sense(const struct raft *raft, const struct raft_message *m) {
    if ((unsigned)m->type >= RAFT_MESSAGE_TYPES) return false;
    if (m->to != raft->self || m->from == 0 || m->from == raft->self) return false;
    if (m->term == 0 || !numbers_are_bounded(m)) return false;
    bool names_a_place = m->type == RAFT_PRE_VOTE || m->type == RAFT_VOTE ||
                         m->type == RAFT_APPEND || m->type == RAFT_SNAPSHOT;
    if (names_a_place && (m->log_term > m->term || (m->log_index == 0) != (m->log_term == 0)))
        return false;
    bool of_snapshot = m->type == RAFT_SNAPSHOT || m->type == RAFT_SNAPSHOT_ANSWER;
    if (of_snapshot ? !snapshot_makes_sense(m) : m->data != NULL) return false;
    return entries_make_sense(m);
}
