#include "raft/configuration.h"

#include "util/codec.h"

#define CONFIGURATION_FORMAT 1

enum member_flag { /* on disk and on the wire */
    MEMBER_VOTER_NEW = 1,
    MEMBER_VOTER_OLD = 2,
    MEMBER_LEAVES = 4,
};

void configuration_encode(const struct raft_configuration *configuration, struct buf *out) {
    put_u8(out, CONFIGURATION_FORMAT);
    put_u8(out, configuration->joint ? 1 : 0);
    put_varint(out, configuration->n);
    for (uint32_t i = 0; i < configuration->n; i++) {
        const struct raft_member *member = &configuration->members[i];
        put_u64(out, member->id);
        put_u8(out, (uint8_t)((member->voter_new ? MEMBER_VOTER_NEW : 0) |
                              (member->voter_old ? MEMBER_VOTER_OLD : 0) |
                              (member->leaves ? MEMBER_LEAVES : 0)));
        put_string(out, slice_text(member->address.host));
        put_varint(out, member->address.port);
        put_varint(out, member->address.bus_port);
    }
}

static bool member_decode(struct reader *in, struct raft_member *out) {
    *out = (struct raft_member){.id = read_u64(in)};
    uint8_t flags = read_u8(in);
    out->voter_new = flags & MEMBER_VOTER_NEW;
    out->voter_old = flags & MEMBER_VOTER_OLD;
    out->leaves = flags & MEMBER_LEAVES;
    struct slice host = read_string(in);
    uint64_t port = read_varint(in), bus_port = read_varint(in);
    if (in->failed || flags > 7 || out->id == 0) return false;
    if (host.len > RAFT_HOST_MAX || port > UINT16_MAX || bus_port > UINT16_MAX) return false;
    if (host.len > 0) {
        if (memchr(host.data, 0, host.len) != NULL) return false;
        memcpy(out->address.host, host.data, host.len);
    }
    out->address.port = (uint16_t)port;
    out->address.bus_port = (uint16_t)bus_port;
    return true;
}

static uint32_t count_voters(const struct raft_configuration *configuration, bool old_half) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < configuration->n; i++) {
        const struct raft_member *member = &configuration->members[i];
        n += old_half ? member->voter_old : member->voter_new;
    }
    return n;
}

/* What encode's input must be and decode's output is. */
static bool is_consistent(const struct raft_configuration *configuration) {
    for (uint32_t i = 0; i < configuration->n; i++) {
        const struct raft_member *member = &configuration->members[i];
        if (i > 0 && member->id <= configuration->members[i - 1].id) return false;
        if (!configuration->joint && (member->voter_old || member->leaves)) return false;
        if (member->leaves && member->voter_new) return false;
    }
    if (count_voters(configuration, false) == 0) return false;
    return !configuration->joint || count_voters(configuration, true) > 0;
}

enum sf_status configuration_decode(struct slice payload, struct raft_configuration *out) {
    struct reader in = reader_of(payload);
    *out = (struct raft_configuration){0};
    uint8_t format = read_u8(&in), joint = read_u8(&in);
    uint64_t n = read_varint(&in);
    if (in.failed || format != CONFIGURATION_FORMAT || joint > 1) return SF_ERR_CORRUPT;
    if (n > RAFT_MEMBERS_MAX) return SF_ERR_CORRUPT;
    out->joint = joint == 1;
    out->n = (uint32_t)n;
    for (uint32_t i = 0; i < out->n; i++)
        if (!member_decode(&in, &out->members[i])) return SF_ERR_CORRUPT;
    if (in.rest.len > 0 || !is_consistent(out)) return SF_ERR_CORRUPT;
    return SF_OK;
}

const struct raft_member *configuration_find(
    const struct raft_configuration *configuration, raft_id id) {
    for (uint32_t i = 0; i < configuration->n; i++)
        if (configuration->members[i].id == id) return &configuration->members[i];
    return NULL;
}

bool configuration_is_voter(const struct raft_configuration *configuration, raft_id id) {
    const struct raft_member *member = configuration_find(configuration, id);
    return member != NULL && (member->voter_new || member->voter_old);
}

enum sf_status configuration_put(
    struct raft_configuration *configuration, const struct raft_member *member) {
    SF_ASSERT(member->id != 0);
    uint32_t at = 0;
    while (at < configuration->n && configuration->members[at].id < member->id) at++;
    if (at == configuration->n || configuration->members[at].id != member->id) {
        if (configuration->n == RAFT_MEMBERS_MAX) return SF_ERR_TOO_LARGE;
        memmove(&configuration->members[at + 1], &configuration->members[at],
            (configuration->n - at) * sizeof *member);
        configuration->n++;
    }
    configuration->members[at] = *member;
    return SF_OK;
}

void configuration_remove(struct raft_configuration *configuration, raft_id id) {
    for (uint32_t at = 0; at < configuration->n; at++) {
        if (configuration->members[at].id != id) continue;
        configuration->n--;
        memmove(&configuration->members[at], &configuration->members[at + 1],
            (configuration->n - at) * sizeof configuration->members[0]);
        return;
    }
}

uint32_t configuration_n_voters(const struct raft_configuration *configuration) {
    return count_voters(configuration, false);
}

/* A majority of n is n / 2 + 1, so the value is the (n / 2 + 1)th highest. */
static uint64_t majority_value(const struct raft_configuration *configuration, bool old_half,
    uint64_t (*value)(void *context, raft_id id), void *context) {
    uint64_t descending[RAFT_MEMBERS_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < configuration->n; i++) {
        const struct raft_member *member = &configuration->members[i];
        if (!(old_half ? member->voter_old : member->voter_new)) continue;
        uint64_t reached = value(context, member->id);
        uint32_t at = n++;
        for (; at > 0 && descending[at - 1] < reached; at--) descending[at] = descending[at - 1];
        descending[at] = reached;
    }
    return n == 0 ? 0 : descending[n / 2];
}

uint64_t configuration_quorum_value(const struct raft_configuration *configuration,
    uint64_t (*value)(void *context, raft_id id), void *context) {
    SF_ASSERT(configuration->n <= RAFT_MEMBERS_MAX);
    uint64_t reached = majority_value(configuration, false, value, context);
    if (!configuration->joint) return reached;
    return SF_MIN(reached, majority_value(configuration, true, value, context));
}
