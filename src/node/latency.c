/* LATENCY: what took longer than latency-monitor-threshold, by kind and second, and how long each
 * command takes. */
#include "node/internal.h"

#include <stdio.h>

enum { GRAPH_COLUMNS = 80, GRAPH_ROWS = 4, LABEL_BYTES = 24 };

static const struct {
    const char *name, *advice;
} events[LATENCY_EVENTS] = {
    [LATENCY_COMMAND] = {"command",
        "Commands whose work grows with the data took long: SLOWLOG GET names them. Prefer SCAN "
        "and "
        "its kin, ranges and UNLINK to commands over whole large values."},
    [LATENCY_FAST_COMMAND] = {"fast-command",
        "Even commands of constant cost took long: the process did not get the processor. Look for "
        "other load on this machine, swapping, a virtual machine that is starved."},
    [LATENCY_SYNC] = {"sync",
        "The disk of the log took long to sync, and every write waits for a majority of such "
        "syncs. "
        "Look for other users of that disk; a faster or a separate one helps."},
    [LATENCY_APPLY] = {"apply",
        "One turn's committed entries took long to apply: single slow commands (SLOWLOG GET at the "
        "nodes of their clients) or very large batches."},
    [LATENCY_ELECTION] = {"election",
        "The cluster was without a leader. The logs of the nodes tell why it was lost: a node that "
        "stopped, a network that stood still, election-timeout-min below what the machines keep."},
};

/* -- samples --------------------------------------------------------------------------------- */

static struct latency_sample *sample_at(struct latency_series *series, uint32_t i) {
    return &series->samples[(series->first + i) % LATENCY_SAMPLES];
}

void latency_add(struct node *node, enum latency_event event, int64_t ms) {
    int64_t threshold_ms = node->settings.observe.latency_threshold_ms;
    if (!latency_is_watched(threshold_ms) || ms < threshold_ms) return;
    struct latency_series *series = &node->observe->events[event];
    int64_t now_s = node->wall_ms / 1000;
    series->max_ms = SF_MAX(series->max_ms, ms);
    if (series->n > 0 && sample_at(series, series->n - 1)->at_s == now_s) {
        struct latency_sample *latest = sample_at(series, series->n - 1);
        latest->ms = SF_MAX(latest->ms, ms);
        return;
    }
    if (series->n == LATENCY_SAMPLES) {
        series->first = (series->first + 1) % LATENCY_SAMPLES;
        series->n--;
    }
    *sample_at(series, series->n++) = (struct latency_sample){now_s, ms};
}

void latency_append_begins(struct node *node, uint64_t request) {
    struct observe *observe = node->observe;
    if (!latency_is_watched(node->settings.observe.latency_threshold_ms)) return;
    observe->syncs[observe->next_sync].request = request;
    observe->syncs[observe->next_sync].since_us = node->now_us;
    observe->next_sync = (observe->next_sync + 1) % SYNCS_MAX; /* beyond: the oldest is forgotten */
}

void latency_append_ends(struct node *node, uint64_t request) {
    if (!latency_is_watched(node->settings.observe.latency_threshold_ms)) return;
    for (uint32_t i = 0; i < SYNCS_MAX; i++) {
        if (node->observe->syncs[i].request != request || request == 0) continue;
        latency_add(node, LATENCY_SYNC, (node->now_us - node->observe->syncs[i].since_us) / 1000);
        node->observe->syncs[i].request = 0;
        return;
    }
}

void latency_follow_leader(struct node *node, bool known) {
    struct observe *observe = node->observe;
    if (known && observe->leaderless_us > 0)
        latency_add(node, LATENCY_ELECTION, (node->now_us - observe->leaderless_us) / 1000);
    if (known) {
        observe->leaderless_us = 0;
    } else if (observe->leaderless_us == 0) {
        observe->leaderless_us = node->now_us;
    }
}

/* -- LATEST, HISTORY, RESET ------------------------------------------------------------------- */

static struct latency_series *series_find(
    struct local_call *call, struct slice name, const char **event) {
    for (uint32_t i = 0; i < LATENCY_EVENTS; i++) {
        struct latency_series *series = &call->node->observe->events[i];
        *event = events[i].name;
        if (series->n > 0 && slice_equal(name, slice_text(events[i].name))) return series;
    }
    return NULL;
}

static void latency_latest(struct local_call *call) {
    uint64_t n = 0;
    struct reply_open open = reply_begin(call->reply);
    for (uint32_t i = 0; i < LATENCY_EVENTS; i++) {
        struct latency_series *series = &call->node->observe->events[i];
        if (series->n == 0) continue;
        const struct latency_sample *latest = sample_at(series, series->n - 1);
        reply_array(call->reply, 4);
        reply_bulk_text(call->reply, events[i].name);
        reply_integer(call->reply, latest->at_s);
        reply_integer(call->reply, latest->ms);
        reply_integer(call->reply, series->max_ms);
        n++;
    }
    reply_end(call->reply, open, REPLY_ARRAY, n);
}

static void latency_history(struct local_call *call) {
    const char *event;
    struct latency_series *series = series_find(call, call->argv[2], &event);
    reply_array(call->reply, series == NULL ? 0 : series->n);
    for (uint32_t i = 0; series != NULL && i < series->n; i++) {
        reply_array(call->reply, 2);
        reply_integer(call->reply, sample_at(series, i)->at_s);
        reply_integer(call->reply, sample_at(series, i)->ms);
    }
}

static void latency_reset(struct local_call *call) {
    int64_t n = 0;
    for (uint32_t i = 0; i < LATENCY_EVENTS; i++) {
        struct latency_series *series = &call->node->observe->events[i];
        bool wanted = call->argc == 2;
        for (uint32_t k = 2; k < call->argc; k++)
            wanted = wanted || slice_equal(call->argv[k], slice_text(events[i].name));
        if (!wanted || series->n == 0) continue;
        *series = (struct latency_series){.n = 0};
        n++;
    }
    reply_integer(call->reply, n);
}

/* -- GRAPH ------------------------------------------------------------------------------------ */

static void put_label(int64_t elapsed_s, char out[LABEL_BYTES]) {
    if (elapsed_s < 60) {
        snprintf(out, LABEL_BYTES, "%llds", (long long)elapsed_s);
    } else if (elapsed_s < 3600) {
        snprintf(out, LABEL_BYTES, "%lldm", (long long)elapsed_s / 60);
    } else if (elapsed_s < 86400) {
        snprintf(out, LABEL_BYTES, "%lldh", (long long)elapsed_s / 3600);
    } else {
        snprintf(out, LABEL_BYTES, "%lldd", (long long)elapsed_s / 86400);
    }
}

/* A column's character: three heights within a row, bars below the top. */
static char bar(int64_t level, int row) {
    static const char tops[] = "_o#";
    int64_t within = level - (int64_t)(GRAPH_ROWS - 1 - row) * 3;
    return within < 0 ? ' ' : within > 2 ? '|' : tops[within];
}

static void put_columns(struct latency_series *series, uint32_t from, uint32_t to, int64_t low_ms,
    int64_t high_ms, int64_t now_s, struct buf *out) {
    for (int row = 0; row < GRAPH_ROWS; row++) {
        for (uint32_t i = from; i < to; i++) {
            int64_t above = sample_at(series, i)->ms - low_ms, range = SF_MAX(high_ms - low_ms, 1);
            buf_append_char(out, bar(above * (GRAPH_ROWS * 3 - 1) / range, row));
        }
        buf_append_char(out, '\n');
    }
    for (size_t line = 0, any = 1; any != 0; line++) { /* how long ago, read downwards */
        any = 0;
        buf_append_char(out, '\n');
        for (uint32_t i = from; i < to; i++) {
            char label[LABEL_BYTES];
            put_label(now_s - sample_at(series, i)->at_s, label);
            size_t len = strlen(label);
            buf_append_char(out, line < len ? label[line] : ' ');
            any += line + 1 < len;
        }
    }
    buf_append_char(out, '\n');
}

static void latency_graph(struct local_call *call) {
    const char *event;
    struct latency_series *series = series_find(call, call->argv[2], &event);
    if (series == NULL) {
        reply_errorf(call->reply, "ERR No samples available for event '%.*s'",
            shown_bytes(call->argv[2], INT_MAX), call->argv[2].data);
        return;
    }
    int64_t low_ms = INT64_MAX, high_ms = 0;
    for (uint32_t i = 0; i < series->n; i++) {
        low_ms = SF_MIN(low_ms, sample_at(series, i)->ms);
        high_ms = SF_MAX(high_ms, sample_at(series, i)->ms);
    }
    struct buf out = {0};
    buf_printf(&out, "%s - high %lld ms, low %lld ms (all time high %lld ms)\n", event,
        (long long)high_ms, (long long)low_ms, (long long)series->max_ms);
    for (int i = 0; i < GRAPH_COLUMNS; i++) buf_append_char(&out, '-');
    buf_append_char(&out, '\n');
    for (uint32_t from = 0; from < series->n; from += GRAPH_COLUMNS) {
        put_columns(series, from, SF_MIN(from + GRAPH_COLUMNS, series->n), low_ms, high_ms,
            call->node->wall_ms / 1000, &out);
    }
    reply_verbatim(call->reply, "txt", buf_slice(&out));
    buf_free(&out);
}

/* -- DOCTOR ----------------------------------------------------------------------------------- */

static void put_summary(struct latency_series *series, const char *name, struct buf *out) {
    int64_t sum_ms = 0, deviation_ms = 0;
    for (uint32_t i = 0; i < series->n; i++) sum_ms += sample_at(series, i)->ms;
    int64_t mean_ms = sum_ms / series->n;
    for (uint32_t i = 0; i < series->n; i++) {
        int64_t off_ms = sample_at(series, i)->ms - mean_ms;
        deviation_ms += off_ms < 0 ? -off_ms : off_ms;
    }
    int64_t span_s = sample_at(series, series->n - 1)->at_s - sample_at(series, 0)->at_s;
    buf_printf(out,
        "%s: %u seconds with a spike (mean %lld ms, mean deviation %lld ms, one in %.2f s). The "
        "worst took %lld ms.\n",
        name, series->n, (long long)mean_ms, (long long)(deviation_ms / series->n),
        (double)span_s / series->n, (long long)series->max_ms);
}

static void latency_doctor(struct local_call *call) {
    struct node *node = call->node;
    int64_t threshold_ms = node->settings.observe.latency_threshold_ms;
    struct buf out = {0};
    for (uint32_t i = 0; i < LATENCY_EVENTS; i++) {
        struct latency_series *series = &node->observe->events[i];
        if (series->n == 0) continue;
        put_summary(series, events[i].name, &out);
        buf_printf(&out, "  %s\n", events[i].advice);
    }
    if (out.len == 0 && !latency_is_watched(threshold_ms)) {
        buf_append_text(&out, "Nothing is watched at this node. CONFIG SET "
                              "latency-monitor-threshold <milliseconds> begins to.\n");
    } else if (out.len == 0) {
        buf_printf(
            &out, "Nothing took %lld ms or longer at this node so far.\n", (long long)threshold_ms);
    }
    reply_verbatim(call->reply, "txt", buf_slice(&out));
    buf_free(&out);
}

/* -- HISTOGRAM --------------------------------------------------------------------------------- */

static bool put_histogram(struct local_call *call, const struct command *command) {
    const struct command_stats *stats = &call->node->observe->commands[command->id];
    if (stats->histogram == NULL) return false;
    struct histogram_step steps[HISTOGRAM_STEPS];
    histogram_steps(stats->histogram, steps);
    reply_bulk_text(call->reply, command->name);
    reply_map(call->reply, 2);
    reply_bulk_text(call->reply, "calls");
    reply_integer(call->reply, (int64_t)stats->histogram->n);
    reply_bulk_text(call->reply, "histogram_usec");
    struct reply_open open = reply_begin(call->reply);
    uint64_t n = 0, before = 0;
    for (int i = 0; i < HISTOGRAM_STEPS; i++) {
        if (steps[i].n == before) continue;
        before = steps[i].n;
        reply_integer(call->reply, steps[i].bound_ns / 1000);
        reply_integer(call->reply, (int64_t)steps[i].n);
        n++;
    }
    reply_end(call->reply, open, REPLY_MAP, n);
    return true;
}

static void latency_histogram(struct local_call *call) {
    struct reply_open open = reply_begin(call->reply);
    uint64_t n = 0;
    for (uint32_t i = 0; call->argc == 2 && i < COMMANDS_TOTAL; i++)
        n += put_histogram(call, command_by_id(i));
    for (uint32_t k = 2; k < call->argc; k++) {
        const struct command *command = command_by_full_name(call->argv[k]);
        if (command == NULL) continue;
        n += put_histogram(call, command);
        for (uint32_t i = 0; i < command->n_subcommands; i++)
            n += put_histogram(call, &command->subcommands[i]);
    }
    reply_end(call->reply, open, REPLY_MAP, n);
}

static const char *const help[] = {"DOCTOR", "    What was slow, in words, with advice.",
    "GRAPH <event>", "    The samples of an event as a picture.", "HISTOGRAM [<command> ...]",
    "    How many calls of each command took at most 1, 2, 4 ... microseconds.", "HISTORY <event>",
    "    The samples of an event: Unix time, milliseconds.", "LATEST",
    "    For each event its latest sample and the worst one.", "RESET [<event> ...]",
    "    Drops the samples of some events, or of all.", NULL};

void local_latency(struct local_call *call) {
    switch (call->command->id) {
    case COMMAND_LATENCY_DOCTOR:
        latency_doctor(call);
        return;
    case COMMAND_LATENCY_GRAPH:
        latency_graph(call);
        return;
    case COMMAND_LATENCY_HISTOGRAM:
        latency_histogram(call);
        return;
    case COMMAND_LATENCY_HISTORY:
        latency_history(call);
        return;
    case COMMAND_LATENCY_LATEST:
        latency_latest(call);
        return;
    case COMMAND_LATENCY_RESET:
        latency_reset(call);
        return;
    default:
        reply_help(call->reply, "LATENCY", help);
    }
}
