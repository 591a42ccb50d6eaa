/* MEMORY: figures of the process and of the keys. */
#include "node/internal.h"

#include "keyspace/eviction.h"
#include <stdio.h>

struct memory_figures {
    struct process_figures process;
    uint64_t dataset, overhead, keys;
};

static void figures_of(struct node *node, struct memory_figures *out) {
    *out = (struct memory_figures){.keys = 0};
    node->ports.figures(node->ports.context, &out->process);
    if (node->engine == NULL) return;
    struct keyspace *keyspace = engine_keyspace(node->engine);
    for (uint32_t i = 0; i < keyspace_n_dbs(keyspace); i++)
        out->keys += db_size(keyspace_db(keyspace, i));
    out->dataset = SF_MIN((uint64_t)keyspace_used_bytes(keyspace), out->process.used_memory);
    out->overhead = out->process.used_memory - out->dataset;
}

static double ratio(uint64_t a, uint64_t b) {
    return b == 0 ? 0 : (double)a / (double)b;
}

static int64_t more_than(uint64_t a, uint64_t b) {
    return (int64_t)a - (int64_t)b;
}

/* -- STATS ----------------------------------------------------------------------------------- */

struct stats {
    struct reply *reply;
    uint64_t n;
};

static void put_integer(struct stats *stats, const char *name, int64_t value) {
    reply_bulk_text(stats->reply, name);
    reply_integer(stats->reply, value);
    stats->n++;
}

static void put_double(struct stats *stats, const char *name, double value) {
    reply_bulk_text(stats->reply, name);
    reply_double(stats->reply, value);
    stats->n++;
}

static void put_databases(struct stats *stats, struct node *node) {
    struct keyspace *keyspace = engine_keyspace(node->engine);
    for (uint32_t i = 0; i < keyspace_n_dbs(keyspace); i++) {
        const struct db *db = keyspace_db(keyspace, i);
        char name[32];
        if (db_size(db) == 0) continue;
        snprintf(name, sizeof name, "db.%u", i);
        reply_bulk_text(stats->reply, name);
        reply_map(stats->reply, 3);
        struct stats inner = {stats->reply, 0};
        put_integer(&inner, "overhead.hashtable.main", (int64_t)db_table_bytes(db));
        put_integer(&inner, "overhead.hashtable.expires", (int64_t)db_due_index_bytes(db));
        put_integer(&inner, "overhead.hashtable.slot-to-keys", 0);
        stats->n++;
    }
}

static void put_buffers(struct stats *stats, struct node *node) {
    size_t clients = 0;
    LIST_FOR_EACH(link, &node->sessions) {
        const struct session *session = SF_CONTAINER(link, struct session, in_node);
        clients += sizeof *session + session->input.cap + session->output.cap;
        clients += session->pending_bytes;
    }
    put_integer(stats, "replication.backlog", 0);
    put_integer(stats, "clients.slaves", 0);
    put_integer(stats, "clients.normal", (int64_t)clients);
    put_integer(stats, "cluster.links", 0);
    put_integer(stats, "aof.buffer", (int64_t)(node->outbox_bytes + node->gathered.cap));
    put_integer(stats, "lua.caches", 0);
    put_integer(stats, "functions.caches", 0);
}

static void put_allocator(struct stats *stats, const struct process_figures *process) {
    uint64_t used = process->used_memory, active = process->allocator_active;
    uint64_t resident = process->allocator_resident, rss = process->used_memory_rss;
    put_integer(stats, "allocator.allocated", (int64_t)used);
    put_integer(stats, "allocator.active", (int64_t)active);
    put_integer(stats, "allocator.resident", (int64_t)resident);
    put_double(stats, "allocator-fragmentation.ratio", ratio(active, used));
    put_integer(stats, "allocator-fragmentation.bytes", more_than(active, used));
    put_double(stats, "allocator-rss.ratio", ratio(resident, active));
    put_integer(stats, "allocator-rss.bytes", more_than(resident, active));
    put_double(stats, "rss-overhead.ratio", ratio(rss, resident));
    put_integer(stats, "rss-overhead.bytes", more_than(rss, resident));
    put_double(stats, "fragmentation", ratio(rss, used));
    put_integer(stats, "fragmentation.bytes", more_than(rss, used));
}

static void memory_stats(struct local_call *call) {
    struct memory_figures now;
    figures_of(call->node, &now);
    uint64_t used = now.process.used_memory;
    uint64_t net = used - SF_MIN(used, now.process.used_memory_startup);
    struct reply_open open = reply_begin(call->reply);
    struct stats stats = {call->reply, 0};
    put_integer(&stats, "peak.allocated", (int64_t)now.process.used_memory_peak);
    put_integer(&stats, "total.allocated", (int64_t)used);
    put_integer(&stats, "startup.allocated", (int64_t)now.process.used_memory_startup);
    put_buffers(&stats, call->node);
    if (call->node->engine != NULL) put_databases(&stats, call->node);
    put_integer(&stats, "overhead.total", (int64_t)now.overhead);
    put_integer(&stats, "keys.count", (int64_t)now.keys);
    put_integer(&stats, "keys.bytes-per-key", (int64_t)(now.keys == 0 ? 0 : net / now.keys));
    put_integer(&stats, "dataset.bytes", (int64_t)now.dataset);
    put_double(&stats, "dataset.percentage", SF_MIN(ratio(now.dataset, net), 1.0) * 100);
    put_double(&stats, "peak.percentage", ratio(used, now.process.used_memory_peak) * 100);
    put_allocator(&stats, &now.process);
    reply_end(call->reply, open, REPLY_MAP, stats.n);
}

/* -- DOCTOR ---------------------------------------------------------------------------------- */

enum {
    SMALL_BYTES = 5 << 20, /* nothing can be said below */
    RATIO_BYTES = 10 << 20 /* a ratio of less waste is no trouble */
};

static void memory_doctor(struct local_call *call) {
    struct memory_figures now;
    figures_of(call->node, &now);
    const struct process_figures *process = &now.process;
    struct buf out = {0};
    if (process->used_memory < SMALL_BYTES) {
        buf_append_text(&out, "This node holds too little for a judgement.\n");
    } else {
        if (ratio(process->used_memory_peak, process->used_memory) > 1.5)
            buf_append_text(&out, " * Peak: more than half again of today's memory was in use "
                                  "once; the allocator may keep what it took then.\n");
        bool is_fragmented =
            ratio(process->allocator_active, process->used_memory) > 1.1 &&
            more_than(process->allocator_active, process->used_memory) > RATIO_BYTES;
        if (is_fragmented)
            buf_append_text(&out, " * Fragmentation: more than a tenth of the allocator's pages "
                                  "is unused; MEMORY PURGE gives whole ones back.\n");
        bool is_idle =
            ratio(process->allocator_resident, process->allocator_active) > 1.1 &&
            more_than(process->allocator_resident, process->allocator_active) > RATIO_BYTES;
        if (is_idle)
            buf_append_text(
                &out, " * Allocator: it holds free pages; MEMORY PURGE gives them back.\n");
        if (out.len == 0) buf_append_text(&out, "No trouble with memory was found.\n");
    }
    reply_verbatim(call->reply, "txt", buf_slice(&out));
    buf_free(&out);
}

/* -------------------------------------------------------------------------------------------- */

static void memory_report(struct local_call *call) {
    struct buf out = {0};
    if (call->node->ports.memory_report != NULL)
        call->node->ports.memory_report(call->node->ports.context, &out);
    if (out.len == 0) buf_append_text(&out, "The allocator in use has no report.");
    reply_verbatim(call->reply, "txt", buf_slice(&out));
    buf_free(&out);
}

void local_memory(struct local_call *call) {
    static const char *const help[] = {"DOCTOR", "    Judge how memory is used.", "MALLOC-STATS",
        "    Show the allocator's own report.", "PURGE",
        "    Give what the allocator holds unused back to the system.", "STATS",
        "    Show figures of this node's memory.", "USAGE <key> [SAMPLES <count>]",
        "    Tell how many bytes the key and its value take; nothing is sampled.", NULL};
    if (call->command->id == COMMAND_MEMORY_STATS) {
        memory_stats(call);
    } else if (call->command->id == COMMAND_MEMORY_DOCTOR) {
        memory_doctor(call);
    } else if (call->command->id == COMMAND_MEMORY_MALLOC_STATS) {
        memory_report(call);
    } else if (call->command->id == COMMAND_MEMORY_PURGE) {
        if (call->node->ports.memory_purge != NULL)
            call->node->ports.memory_purge(call->node->ports.context);
        reply_status(call->reply, "OK");
    } else {
        reply_help(call->reply, "MEMORY", help);
    }
}
