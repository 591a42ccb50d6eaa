/* Identity and hard state. */
#include "check/check.h"
#include "node/ports.h"
#include "raft/configuration.h"
#include "storage/file.h"
#include "storage/hard_state.h"
#include "storage/identity.h"
#include <inttypes.h>

static const char *state_name(enum identity_state state) {
    switch (state) {
    case IDENTITY_FRESH:
        return "fresh, of no cluster";
    case IDENTITY_MEMBER:
        return "member";
    case IDENTITY_JOINING:
        return "joining";
    }
    return "unknown";
}

static void show_address(FILE *out, const struct raft_address *address) {
    bool has_colon = strchr(address->host, ':') != NULL;
    fprintf(out, "%s%s%s:%u@%u", has_colon ? "[" : "", address->host[0] != 0 ? address->host : "?",
        has_colon ? "]" : "", address->port, address->bus_port);
}

static void show_blob(struct check *check, struct slice blob) {
    struct node_identity identity;
    if (identity_decode(blob, &identity) != SF_OK) {
        check_problem(check, VERDICT_UNUSABLE,
            "%s/identity: whole, but what is in it makes no sense to this build: start the version "
            "that wrote it, or " WAY_OUT,
            check->options->directory);
        return;
    }
    fprintf(check->out, "  state          %s%s\n", state_name(identity.state),
        identity.was_reset ? ", was reset" : "");
    if (identity.cluster_id[0] != 0)
        fprintf(check->out, "  cluster        %s\n", identity.cluster_id);
    if (identity.databases != 0)
        fprintf(check->out, "  databases      %" PRIu32 "\n", identity.databases);
    if (identity.databases != 0) check->databases = identity.databases;
    for (uint32_t i = 0; i < identity.n_join; i++) {
        fprintf(check->out, "  joins at       ");
        show_address(check->out, &identity.join[i]);
        fputc('\n', check->out);
    }
    for (uint32_t i = 0; i < identity.n_skips; i++)
        fprintf(check->out, "  skips          %" PRIu64 ":%08" PRIx32 "\n", identity.skips[i].index,
            identity.skips[i].crc);
    if (identity.fence_index != 0)
        fprintf(check->out, "  fenced         its state differed at %" PRIu64 "%s\n",
            identity.fence_index, identity.fence_leaves ? "; to begin anew" : "");
}

void show_identity(struct check *check) {
    const char *directory = check->options->directory;
    struct buf blob = {0}, error = {0};
    fprintf(check->out, "identity\n");
    enum sf_status status = identity_load(directory, &check->node_id, &blob, &error);
    if (status == SF_ERR_NOT_FOUND) {
        fprintf(check->out, "  none: no node was made here\n");
        buf_clear(&error);
        if (node_directories_clean(check->mirror, 0, &error) != SF_OK)
            check_error(check, VERDICT_UNUSABLE, &error);
    } else if (status != SF_OK) {
        check_error(check, VERDICT_UNUSABLE, &error);
    } else {
        fprintf(check->out, "  node           %016" PRIx64 "\n", check->node_id);
        show_blob(check, buf_slice(&blob));
        check->node_path = node_directory(directory, check->node_id);
        if (!path_exists(check->node_path)) {
            char *unsettled = node_directory_new(directory, check->node_id);
            if (path_exists(unsettled)) {
                sf_free(check->node_path);
                check->node_path = unsettled;
            } else {
                check_problem(check, VERDICT_UNUSABLE, "%s is missing: " WAY_OUT, check->node_path);
                sf_free(unsettled);
            }
        }
    }
    buf_free(&blob);
    buf_free(&error);
}

/* -- hard state ------------------------------------------------------------------------------ */

static void show_record(FILE *out, const struct hard_state_record *record) {
    fprintf(out, "term %" PRIu64 ", vote ", record->term);
    if (record->vote == 0)
        fprintf(out, "none");
    else
        fprintf(out, "%016" PRIx64, record->vote);
    fprintf(out, ", start %" PRIu64 ", mark at entry %" PRIu64 " (term %" PRIu64 ")%s\n",
        record->boot_counter, record->mark_index, record->mark_term,
        record->damaged ? ", DAMAGED: not whole again yet" : "");
}

void show_hard_state(struct check *check) {
    struct hard_state_view view;
    struct buf error = {0};
    fprintf(check->out, "hard state\n");
    enum sf_status status = hard_state_look(check->node_path, check->node_id, &view, &error);
    if (status != SF_OK) {
        check_error(check, VERDICT_UNUSABLE, &error);
        buf_free(&error);
        return;
    }
    uint32_t whole = 0;
    for (uint32_t i = 0; i < HARD_STATE_COPIES; i++) {
        bool second = i % 2 != 0;
        fprintf(check->out, "  slot %u copy %u  ", i / 2, i % 2);
        if (!view.copies[i].is_whole) {
            fprintf(check->out, "bad\n");
            /* Two bad copies of a slot: one that was newer may be lost. */
            bool slot_is_bad = second && !view.copies[i - 1].is_whole;
            check_problem(check, VERDICT_DAMAGED, "%s/hard-state: offset %u: a record is bad: %s",
                check->node_path, i * HARD_STATE_COPY_DISTANCE,
                slot_is_bad ? "with both of its slot the node may not know its latest vote, and "
                              "does not count until the others have made it whole"
                            : "its twin holds the same");
            continue;
        }
        whole++;
        fprintf(check->out, "%s", &view.copies[i] == &view.copies[view.newest] ? "* " : "  ");
        show_record(check->out, &view.copies[i].record);
    }
    if (whole == 0)
        check_problem(check, VERDICT_UNUSABLE,
            "%s/hard-state: no record is whole, so this node may have voted in a term that it no "
            "longer knows: " WAY_OUT,
            check->node_path);
    else if (view.copies[view.newest].record.damaged)
        check_problem(check, VERDICT_DAMAGED,
            "%s: synced entries were lost earlier: the node does not count until the others have "
            "made it whole",
            check->node_path);
    buf_free(&error);
}

/* -- members --------------------------------------------------------------------------------- */

void show_configuration(FILE *out, const char *indent, struct slice payload) {
    struct raft_configuration configuration;
    if (configuration_decode(payload, &configuration) != SF_OK) {
        fprintf(out, "%s(cannot be decoded)\n", indent);
        return;
    }
    for (uint32_t i = 0; i < configuration.n; i++) {
        const struct raft_member *member = &configuration.members[i];
        fprintf(out, "%s%016" PRIx64 " ", indent, member->id);
        show_address(out, &member->address);
        if (configuration.joint)
            fprintf(out, " %s -> %s%s\n", member->voter_old ? "voter" : "learner",
                member->voter_new ? "voter" : "learner", member->leaves ? ", leaves" : "");
        else
            fprintf(out, " %s\n", member->voter_new ? "voter" : "learner");
    }
}
