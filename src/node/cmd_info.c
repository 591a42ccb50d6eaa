/* INFO. */
#include "node/internal.h"
#include "node/version.h"

#include <stdio.h>

typedef void info_section(struct node *node, struct buf *out);

static const char *path_or_empty(const char *path) {
    return path == NULL ? "" : path;
}

static void info_server(struct node *node, struct buf *out) {
    struct process_figures figures = {0};
    node->ports.figures(node->ports.context, &figures);
    buf_printf(out,
        "# Server\r\nredis_version:%s\r\nshardforge_version:%s\r\nredis_git_sha1:00000000\r\n"
        "redis_git_dirty:0\r\nredis_mode:standalone\r\nos:Linux\r\narch_bits:64\r\n"
        "monotonic_clock:POSIX clock_gettime\r\nmultiplexing_api:epoll\r\n"
        "gcc_version:%d.%d.%d\r\nprocess_id:%u\r\nprocess_supervised:no\r\n"
        "run_id:%016llx%016llx%08x\r\ntcp_port:%u\r\n"
        "server_time_usec:%lld\r\nuptime_in_seconds:%lld\r\nuptime_in_days:%lld\r\nhz:10\r\n",
        REDIS_VERSION, SHARDFORGE_VERSION, __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__,
        figures.process_id, (unsigned long long)node->incarnation.nonce,
        (unsigned long long)node->identity.id, (unsigned)node->incarnation.counter,
        node->settings.port, (long long)node->wall_ms * 1000, (long long)figures.uptime_s,
        (long long)figures.uptime_s / 86400);
    buf_printf(out,
        "configured_hz:10\r\nlru_clock:%lld\r\nexecutable:%s\r\nconfig_file:%s\r\n"
        "io_threads_active:0\r\n",
        (long long)(node->wall_ms / 1000 & 0xffffff), path_or_empty(figures.executable),
        path_or_empty(figures.config_file));
}

struct client_figures {
    size_t input_max, output_max; /* bytes of the largest buffers */
    size_t bytes;                 /* of all of them, as CLIENT LIST's tot-mem */
    uint32_t n_subscribed, n_watching;
};

static struct client_figures client_figures(const struct node *node) {
    struct client_figures out = {0};
    LIST_FOR_EACH(link, (struct list *)(uintptr_t)&node->sessions) {
        const struct session *session = SF_CONTAINER(link, struct session, in_node);
        out.bytes += session_bytes(session);
        out.input_max = SF_MAX(out.input_max, session->input.cap);
        out.output_max = SF_MAX(out.output_max, session->output.cap);
        out.n_subscribed += session_is_subscriber(session);
        out.n_watching += session_watches(session);
    }
    return out;
}

static void info_clients(struct node *node, struct buf *out) {
    struct client_figures clients = client_figures(node);
    struct waiting_figures waiting = {0};
    if (node->engine != NULL) engine_waiting_figures(node->engine, &waiting);
    buf_printf(out,
        "# Clients\r\nconnected_clients:%u\r\ncluster_connections:%u\r\nmaxclients:%u\r\n"
        "client_recent_max_input_buffer:%zu\r\nclient_recent_max_output_buffer:%zu\r\n"
        "blocked_clients:%u\r\ntracking_clients:%u\r\npubsub_clients:%u\r\n"
        "watching_clients:%u\r\nclients_in_timeout_table:0\r\n"
        "total_blocking_keys:%llu\r\ntotal_blocking_keys_on_nokey:%llu\r\n",
        node->n_sessions, node->n_peers * 2, node->settings.max_clients, clients.input_max,
        clients.output_max, node->n_blocked, tracking_figures(node).n_clients, clients.n_subscribed,
        clients.n_watching, (unsigned long long)waiting.n_keys,
        (unsigned long long)waiting.n_keys_on_loss);
}

/* As Redis writes sizes for people: 512B, 1.50K, 3.00G. */
static void put_human(struct buf *out, const char *name, uint64_t bytes) {
    static const char units[] = "KMGTPE";
    double value = (double)bytes;
    size_t unit = 0;
    if (bytes < 1024) {
        buf_printf(out, "%s:%lluB\r\n", name, (unsigned long long)bytes);
        return;
    }
    for (value /= 1024; value >= 1024; value /= 1024) unit++;
    buf_printf(out, "%s:%.2f%c\r\n", name, value, units[unit]);
}

static void put_bytes(struct buf *out, const char *name, uint64_t bytes) {
    char human[64];
    buf_printf(out, "%s:%llu\r\n", name, (unsigned long long)bytes);
    snprintf(human, sizeof human, "%s_human", name);
    put_human(out, human, bytes);
}

static double ratio(uint64_t a, uint64_t b) {
    return b == 0 ? 0 : (double)a / (double)b;
}

static void put_fragmentation(struct buf *out, const struct process_figures *figures) {
    uint64_t used = figures->used_memory, active = figures->allocator_active;
    uint64_t resident = figures->allocator_resident, rss = figures->used_memory_rss;
    buf_printf(out,
        "allocator_allocated:%llu\r\nallocator_active:%llu\r\nallocator_resident:%llu\r\n"
        "allocator_frag_ratio:%.2f\r\nallocator_frag_bytes:%lld\r\nallocator_rss_ratio:%.2f\r\n"
        "allocator_rss_bytes:%lld\r\nrss_overhead_ratio:%.2f\r\nrss_overhead_bytes:%lld\r\n"
        "mem_fragmentation_ratio:%.2f\r\nmem_fragmentation_bytes:%lld\r\n",
        (unsigned long long)used, (unsigned long long)active, (unsigned long long)resident,
        ratio(active, used), (long long)(active - used), ratio(resident, active),
        (long long)(resident - active), ratio(rss, resident), (long long)(rss - resident),
        ratio(rss, used), (long long)(rss - used));
}

/* What waits to be sent to the other nodes. */
static size_t links_bytes(const struct node *node) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < node->n_peers; i++) {
        const uint64_t links[] = {node->peers[i].control, node->peers[i].bulk};
        for (int k = 0; k < 2; k++) {
            if (links[k] != 0) bytes += node->ports.link_backlog(node->ports.context, links[k]);
        }
    }
    return bytes;
}

static void info_memory(struct node *node, struct buf *out) {
    struct process_figures figures = {0};
    struct memory_policy memory = MEMORY_POLICY_DEFAULT;
    uint64_t dataset = 0, limited = 0;
    node->ports.figures(node->ports.context, &figures);
    if (node->engine != NULL) {
        memory = *engine_memory_policy(node->engine);
        dataset = SF_MIN(
            (uint64_t)keyspace_used_bytes(engine_keyspace(node->engine)), figures.used_memory);
        limited = evictions_used_bytes(node);
    }
    uint64_t startup = figures.used_memory_startup;
    uint64_t net = figures.used_memory - SF_MIN(startup, figures.used_memory);
    buf_append_text(out, "# Memory\r\n");
    put_bytes(out, "used_memory", figures.used_memory);
    put_bytes(out, "used_memory_rss", figures.used_memory_rss);
    put_bytes(out, "used_memory_peak", figures.used_memory_peak);
    buf_printf(out,
        "used_memory_peak_perc:%.2f%%\r\nused_memory_overhead:%llu\r\n"
        "used_memory_startup:%llu\r\nused_memory_dataset:%llu\r\n"
        "used_memory_dataset_perc:%.2f%%\r\n",
        ratio(figures.used_memory, figures.used_memory_peak) * 100,
        (unsigned long long)(figures.used_memory - dataset), (unsigned long long)startup,
        (unsigned long long)dataset, SF_MIN(ratio(dataset, net), 1.0) * 100);
    put_bytes(out, "total_system_memory", figures.system_memory);
    put_bytes(out, "maxmemory", (uint64_t)memory.maxmemory);
    buf_printf(out, "maxmemory_policy:%s\r\nmaxmemory_used:%llu\r\n",
        eviction_policy_names[memory.policy], (unsigned long long)limited);
    put_fragmentation(out, &figures);
    struct script_figures scripts = {0};
    if (node->engine != NULL) engine_script_figures(node->engine, &scripts);
    buf_printf(out,
        "number_of_cached_scripts:%llu\r\nused_memory_scripts_eval:%llu\r\n"
        "number_of_functions:%llu\r\nnumber_of_libraries:%llu\r\nused_memory_functions:%llu\r\n",
        (unsigned long long)scripts.n_cached, (unsigned long long)scripts.cached_bytes,
        (unsigned long long)scripts.n_functions, (unsigned long long)scripts.n_libraries,
        (unsigned long long)scripts.library_bytes);
    put_bytes(out, "used_memory_scripts", scripts.cached_bytes + scripts.library_bytes);
    buf_printf(out,
        "mem_not_counted_for_evict:0\r\nmem_replication_backlog:0\r\nmem_clients_slaves:0\r\n"
        "mem_clients_normal:%zu\r\nmem_cluster_links:%zu\r\nmem_aof_buffer:0\r\n"
        "mem_allocator:jemalloc\r\nactive_defrag_running:0\r\nlazyfree_pending_objects:0\r\n",
        client_figures(node).bytes, links_bytes(node));
}

static void info_persistence(struct node *node, struct buf *out) {
    struct process_figures figures = {0};
    node->ports.figures(node->ports.context, &figures);
    buf_printf(out, "# Persistence\r\nloading:%d\r\nasync_loading:%d\r\n",
        node->loading != NULL || loading_replays(node) || follow_refuses(node),
        receiving_has_work(node));
    snapshots_info(node, out);
    buf_append_text(out, "aof_enabled:1\r\n");
    rewrite_info(node, out);
    unsigned long long log_bytes = (unsigned long long)figures.log_disk_bytes;
    buf_printf(out,
        "aof_last_write_status:%s\r\naof_last_cow_size:0\r\nmodule_fork_in_progress:0\r\n"
        "module_fork_last_cow_size:0\r\naof_current_size:%llu\r\naof_pending_rewrite:0\r\n"
        "aof_buffer_length:%zu\r\nraft_log_bytes:%llu\r\n",
        node->storage_state == SF_OK ? "ok" : "err", log_bytes, node->gathered.len, log_bytes);
    loading_info(node, out);
    if (node->engine != NULL && engine_source(node->engine)->kind == SOURCE_FILE) {
        buf_printf(out, "import_rdb_keys:%llu\r\n",
            (unsigned long long)engine_source(node->engine)->n_keys);
    }
}

/* role: what clients should believe (every node takes writes); `# Raft` tells the truth. */
static void info_replication(struct node *node, struct buf *out) {
    if (node->engine != NULL && engine_source(node->engine)->kind == SOURCE_REDIS) {
        buf_append_text(out, "# Replication\r\n");
        follow_info(node, out);
        return;
    }
    buf_printf(out,
        "# "
        "Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_failover_state:no-failover\r\n"
        "master_replid:%s\r\nmaster_replid2:%040d\r\nmaster_repl_offset:%llu\r\n"
        "second_repl_offset:-1\r\nrepl_backlog_active:0\r\n",
        node->identity.cluster_id[0] == '\0' ? "0000000000000000000000000000000000000000"
                                             : node->identity.cluster_id,
        0, (unsigned long long)(node->engine == NULL ? 0 : engine_applied(node->engine)));
}

static void info_cpu(struct node *node, struct buf *out) {
    struct process_figures figures = {0};
    node->ports.figures(node->ports.context, &figures);
    buf_printf(out,
        "# CPU\r\nused_cpu_sys:%f\r\nused_cpu_user:%f\r\nused_cpu_sys_children:0.000000\r\n"
        "used_cpu_user_children:0.000000\r\n",
        figures.cpu_sys_s, figures.cpu_user_s);
}

static void info_cluster(struct node *node, struct buf *out) {
    (void)node;
    buf_append_text(out, "# Cluster\r\ncluster_enabled:1\r\n");
}

static const char *role_name(const struct node *node) {
    const struct raft_configuration *now = raft_configuration(node->raft);
    switch (raft_role(node->raft)) {
    case RAFT_LEADER:
        return "leader";
    case RAFT_PRE_CANDIDATE:
    case RAFT_CANDIDATE:
        return "candidate";
    case RAFT_FOLLOWER:
        break;
    }
    return configuration_is_voter(now, node->identity.id) ? "follower" : "learner";
}

static void info_raft_peers(struct node *node, struct buf *out) {
    const struct raft_configuration *now = raft_configuration(node->raft);
    raft_index last = raft_last_index(node->raft);
    uint32_t shown = 0;
    for (uint32_t i = 0; i < now->n; i++) {
        const struct raft_member *member = &now->members[i];
        if (member->id == node->identity.id) continue;
        struct raft_peer_status status = {0};
        bool known = raft_peer(node->raft, member->id, &status);
        char name[41];
        cluster_node_name(member->id, name);
        buf_printf(out, "raft_peer%u:id=%s,addr=%s:%u,voter=%d", shown++, name,
            member->address.host, member->address.port, member->voter_new);
        if (known) {
            buf_printf(out, ",match_index=%llu,lag=%llu,in_flight=%u",
                (unsigned long long)status.match,
                (unsigned long long)(last > status.match ? last - status.match : 0),
                status.in_flight);
            if (status.receives_snapshot) {
                buf_printf(out, ",snapshot_bytes=%llu,snapshot_sent=%llu",
                    (unsigned long long)status.snapshot_bytes,
                    (unsigned long long)status.snapshot_sent);
            }
        }
        buf_append_text(out, "\r\n");
    }
}

/* Only when there is something to say: the entry at which applying stopped, those that were or will
 * be skipped. */
static void info_raft_skips(struct node *node, struct buf *out) {
    const struct skips *skips = &node->skips;
    if (skips->held_at != 0) {
        buf_printf(out, "raft_held_entry:%llu:%08x,deaths=%llu\r\n",
            (unsigned long long)skips->held_at, skips->held_crc,
            (unsigned long long)skips->note.deaths);
    }
    for (uint32_t i = 0; i < skips->n; i++) {
        struct entry_skip skip = skips->known[i];
        buf_printf(out, "raft_skip%u:%llu:%08x,done=%d\r\n", i, (unsigned long long)skip.index,
            skip.crc, engine_has_skipped(node->engine, skip.index));
    }
}

static void info_raft(struct node *node, struct buf *out) {
    char name[41];
    cluster_node_name(node->identity.id, name);
    buf_printf(out, "# Raft\r\nraft_node_id:%s\r\nraft_join_state:%s\r\n", name,
        membership_join_state(node));
    if (node->join_error[0] != '\0') {
        buf_printf(out, "raft_join_error:%s\r\n", node->join_error);
    }
    if (node->raft == NULL) {
        buf_append_text(out, "raft_role:none\r\nraft_term:0\r\nraft_leader_id:\r\n"
                             "raft_commit_index:0\r\nraft_applied_index:0\r\nraft_last_index:0\r\n"
                             "raft_members:0\r\n");
        return;
    }
    struct raft *raft = node->raft;
    char leader[41] = "";
    if (raft_leader(raft) != NOBODY) cluster_node_name(raft_leader(raft), leader);
    buf_printf(out,
        "raft_role:%s\r\nraft_term:%llu\r\nraft_leader_id:%s\r\nraft_commit_index:%llu\r\n"
        "raft_applied_index:%llu\r\nraft_first_index:%llu\r\nraft_last_index:%llu\r\n"
        "raft_synced_index:%llu\r\nraft_snapshot_index:%llu\r\nraft_snapshots_installed:%llu\r\n"
        "raft_members:%u\r\nraft_voters:%u\r\nraft_serving:%d\r\nraft_feature_level:%llu\r\n",
        role_name(node), (unsigned long long)raft_current_term(raft), leader,
        (unsigned long long)raft_commit_index(raft),
        (unsigned long long)engine_applied(node->engine),
        (unsigned long long)raft_first_index(raft), (unsigned long long)raft_last_index(raft),
        (unsigned long long)raft_synced_index(raft), (unsigned long long)raft_snapshot_index(raft),
        (unsigned long long)node->snapshots.n_installed, raft_configuration(raft)->n,
        configuration_n_voters(raft_configuration(raft)), node_is_leader_serving(node),
        (unsigned long long)engine_feature_level(node->engine));
    digests_info(node, out);
    info_raft_skips(node, out);
    info_raft_peers(node, out);
}

static void info_keyspace(struct node *node, struct buf *out) {
    buf_append_text(out, "# Keyspace\r\n");
    if (node->engine == NULL) return;
    struct keyspace *keyspace = engine_keyspace(node->engine);
    for (uint32_t i = 0; i < keyspace_n_dbs(keyspace); i++) {
        struct db *db = keyspace_db(keyspace, i);
        if (db_size(db) == 0) continue;
        buf_printf(out, "db%u:keys=%llu,expires=%llu,avg_ttl=%lld", i,
            (unsigned long long)db_size(db), (unsigned long long)db_expiring_size(db),
            (long long)db_average_ttl_ms(db, engine_now_ms(node->engine)));
        uint64_t n_hashes = db_field_expiring_size(db);
        if (n_hashes > 0) buf_printf(out, ",subexpiry=%llu", (unsigned long long)n_hashes);
        buf_append_text(out, "\r\n");
    }
}

static void info_modules(struct node *node, struct buf *out) {
    (void)node;
    buf_append_text(out, "# Modules\r\n");
}

/* In Redis's order. by_default: without arguments, and for "default". */
static const struct {
    const char *name;
    info_section *write;
    bool by_default;
} sections[] = {
    {"server", info_server, true},
    {"clients", info_clients, true},
    {"memory", info_memory, true},
    {"persistence", info_persistence, true},
    {"stats", info_stats, true},
    {"replication", info_replication, true},
    {"cpu", info_cpu, true},
    {"modules", info_modules, true},
    {"commandstats", info_commandstats, false},
    {"errorstats", info_errorstats, true},
    {"latencystats", info_latencystats, false},
    {"cluster", info_cluster, true},
    {"raft", info_raft, true},
    {"keyspace", info_keyspace, true},
};

void local_info(struct local_call *call) {
    struct buf out = {0};
    for (size_t i = 0; i < SF_LENGTH(sections); i++) {
        bool wanted = call->argc == 1 && sections[i].by_default;
        for (uint32_t k = 1; k < call->argc; k++) {
            struct slice word = call->argv[k];
            wanted = wanted || slice_is(word, sections[i].name) || slice_is(word, "all") ||
                     slice_is(word, "everything") ||
                     (slice_is(word, "default") && sections[i].by_default);
        }
        if (!wanted) continue;
        if (out.len > 0) buf_append_text(&out, "\r\n");
        sections[i].write(call->node, &out);
    }
    reply_verbatim(call->reply, "txt", buf_slice(&out));
    buf_free(&out);
}
