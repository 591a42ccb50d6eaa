/* BGSAVE, BGREWRITEAOF, SAVE, LASTSAVE, and SHUTDOWN's part of them. A snapshot is always written
 * in the background here; who says SAVE waits for it, and everybody else goes on. */
#include "node/internal.h"

static const char other_in_progress[] =
    "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in "
    "order to schedule a BGSAVE whenever possible.";
static const char in_progress[] = "ERR Background save already in progress";

void saves_free(struct node *node) {
    LIST_FOR_EACH(link, &node->snapshots.waiting) {
        struct save_wait *wait = SF_CONTAINER(link, struct save_wait, in_node);
        list_remove(&wait->in_node);
        sf_free(wait);
    }
}

static void wait_ends(struct node *node, struct save_wait *wait, enum sf_status status) {
    struct reply reply = held_reply(wait->held);
    bool is_good = status == SF_OK || wait->by_force;
    if (!is_good)
        reply_error(&reply,
            wait->stops ? "ERR Errors trying to SHUTDOWN. Check logs." : "ERR the snapshot failed");
    else if (!wait->stops)
        reply_status(&reply, "OK");
    held_done(wait->held);
    if (wait->stops && is_good) node_shutdown(node, node->now_us);
}

void saves_end(struct node *node, enum sf_status status) {
    LIST_FOR_EACH(link, &node->snapshots.waiting) {
        struct save_wait *wait = SF_CONTAINER(link, struct save_wait, in_node);
        list_remove(&wait->in_node);
        wait_ends(node, wait, status);
        sf_free(wait);
    }
}

/* Nothing to save: no cluster yet, or this node is on its way into another one. */
static bool has_state(const struct node *node) {
    return node->raft != NULL && !node->identity_switching && node->engine != NULL &&
           !engine_is_dissolved(node->engine);
}

static void wait_for_save(struct local_call *call, bool stops, bool by_force) {
    struct node *node = call->node;
    struct save_wait *wait = sf_alloc_zero(1, sizeof *wait);
    *wait = (struct save_wait){.held = local_hold(call), .stops = stops, .by_force = by_force};
    list_push_back(&node->snapshots.waiting, &wait->in_node);
    if (!node->snapshots.saving) node->snapshots.wanted = true;
    node_wake(node);
}

static void bgsave(struct local_call *call) {
    struct node *node = call->node;
    bool schedules = call->argc == 2 && slice_is(call->argv[1], "schedule");
    if (call->argc > 1 && !schedules) {
        reply_error(call->reply, "ERR syntax error");
    } else if (node->snapshots.rewriting && (schedules || node->running != NULL)) {
        node->snapshots.wanted = true; /* when that one has ended */
        reply_status(call->reply, "Background saving scheduled");
    } else if (node->snapshots.rewriting) {
        reply_error(call->reply, other_in_progress);
    } else if (node->snapshots.saving || node->snapshots.wanted) {
        reply_error(call->reply, in_progress);
    } else {
        bool is_held_up = has_state(node) && raft_is_installing(node->raft);
        bool in_exec = node->running != NULL;
        if (has_state(node)) node->snapshots.wanted = true;
        node_wake(node);
        reply_status(call->reply, in_exec || (schedules && is_held_up)
                                      ? "Background saving scheduled"
                                      : "Background saving started");
    }
}

/* The log is the append-only file: what makes it short is a snapshot. */
static void bgrewriteaof(struct local_call *call) {
    struct node *node = call->node;
    struct snapshots *snapshots = &node->snapshots;
    static const char scheduled[] = "Background append only file rewriting scheduled";
    if (snapshots->rewriting) {
        reply_error(call->reply, "ERR Background append only file rewriting already in progress");
    } else if (snapshots->saving || snapshots->wanted) {
        snapshots->rewrite_scheduled = true;
        reply_status(call->reply, scheduled);
    } else {
        snapshots->wanted = snapshots->rewriting = has_state(node);
        node_wake(node);
        reply_status(call->reply,
            node->running != NULL ? scheduled : "Background append only file rewriting started");
    }
}

void rewrite_ends(struct node *node, bool failed) {
    struct snapshots *snapshots = &node->snapshots;
    if (snapshots->rewriting) {
        snapshots->rewriting = false;
        snapshots->rewrite_failed = failed;
        snapshots->rewrite_took_us = SF_MAX(snapshots->took_us, (int64_t)0);
        snapshots->n_rewrites++;
        snapshots->n_rewrites_failed = failed ? snapshots->n_rewrites_failed + 1 : 0;
    }
    if (!snapshots->rewrite_scheduled || !has_state(node)) return;
    snapshots->rewrite_scheduled = false;
    snapshots->wanted = snapshots->rewriting = true;
}

void local_save(struct local_call *call) {
    struct node *node = call->node;
    if (call->command->id == COMMAND_LASTSAVE) {
        reply_integer(call->reply, node->snapshots.saved_ms / 1000);
    } else if (fence_is_up(node)) {
        char text[REFUSAL_BYTES];
        fence_error(node, text, sizeof text);
        reply_error(call->reply, text);
    } else if (call->command->id == COMMAND_BGSAVE) {
        bgsave(call);
    } else if (call->command->id == COMMAND_BGREWRITEAOF) {
        bgrewriteaof(call);
    } else if (node->snapshots.saving) {
        reply_error(call->reply, in_progress);
    } else if (!has_state(node)) {
        reply_status(call->reply, "OK");
    } else {
        wait_for_save(call, false, false);
    }
}

void local_shutdown(struct local_call *call) {
    bool asks = false, refuses = false, by_force = false;
    if (call->argc == 2 && slice_is(call->argv[1], "abort")) {
        reply_error(call->reply, "ERR No shutdown in progress.");
        return;
    }
    for (uint32_t i = 1; i < call->argc; i++) {
        struct slice word = call->argv[i];
        if (slice_is(word, "save")) {
            asks = true;
        } else if (slice_is(word, "nosave")) {
            refuses = true;
        } else if (slice_is(word, "force")) {
            by_force = true;
        } else if (!slice_is(word, "now")) {
            asks = refuses = true;
        }
    }
    if (asks && refuses) {
        reply_error(call->reply, "ERR syntax error");
        return;
    }
    bool saves = asks || (!refuses && call->node->settings.n_save_points > 0);
    if (saves && has_state(call->node) && !fence_is_up(call->node))
        wait_for_save(call, true, by_force);
    else
        node_shutdown(call->node, call->node->now_us);
}

/* -- INFO ------------------------------------------------------------------------------------ */

static int64_t seconds_or_none(int64_t us) {
    return us < 0 ? -1 : us / 1000000;
}

/* Where Redis counts pages that its child made it copy, here: what the state keeps for the walk. */
void snapshots_info(const struct node *node, struct buf *out) {
    const struct snapshots *snapshots = &node->snapshots;
    struct snapshot_writing writing = {.bytes = 0};
    if (snapshots->writer != NULL) snapshot_writer_figures(snapshots->writer, &writing);
    double percent =
        writing.keys_total == 0 ? 0 : (double)writing.keys_done * 100 / (double)writing.keys_total;
    buf_printf(out,
        "current_cow_peak:%zu\r\ncurrent_cow_size:%zu\r\ncurrent_cow_size_age:0\r\n"
        "current_fork_perc:%.2f\r\ncurrent_save_keys_processed:%llu\r\n"
        "current_save_keys_total:%llu\r\n",
        snapshots->saving ? snapshots->kept_bytes_max : 0, snapshots->kept_bytes, percent,
        (unsigned long long)writing.keys_done, (unsigned long long)writing.keys_total);
    buf_printf(out,
        "rdb_changes_since_last_save:%llu\r\nrdb_bgsave_in_progress:%d\r\n"
        "rdb_last_save_time:%lld\r\nrdb_last_bgsave_status:%s\r\n"
        "rdb_last_bgsave_time_sec:%lld\r\nrdb_current_bgsave_time_sec:%lld\r\n"
        "rdb_saves:%llu\r\nrdb_last_cow_size:%zu\r\nrdb_last_load_keys_expired:0\r\n"
        "rdb_last_load_keys_loaded:%llu\r\n",
        (unsigned long long)(node->applied_commands - snapshots->covered_commands),
        snapshots->saving && !snapshots->rewriting, (long long)snapshots->saved_ms / 1000,
        snapshots->failed ? "err" : "ok", (long long)seconds_or_none(snapshots->took_us),
        (long long)(snapshots->saving ? (node->now_us - snapshots->begun_us) / 1000000 : -1),
        (unsigned long long)snapshots->n_saved, snapshots->kept_bytes_max,
        (unsigned long long)snapshots->keys_loaded);
}

void rewrite_info(const struct node *node, struct buf *out) {
    const struct snapshots *snapshots = &node->snapshots;
    bool is_written = snapshots->rewriting && snapshots->saving;
    buf_printf(out,
        "aof_rewrite_in_progress:%d\r\naof_rewrite_scheduled:%d\r\n"
        "aof_last_rewrite_time_sec:%lld\r\naof_current_rewrite_time_sec:%lld\r\n"
        "aof_last_bgrewrite_status:%s\r\naof_rewrites:%llu\r\n"
        "aof_rewrites_consecutive_failures:%llu\r\n",
        snapshots->rewriting, snapshots->rewrite_scheduled,
        (long long)seconds_or_none(snapshots->rewrite_took_us),
        (long long)(is_written ? (node->now_us - snapshots->begun_us) / 1000000 : -1),
        snapshots->rewrite_failed ? "err" : "ok", (unsigned long long)snapshots->n_rewrites,
        (unsigned long long)snapshots->n_rewrites_failed);
}
