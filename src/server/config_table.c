#include "keyspace/eviction.h"
#include "server/config.h"

#define KB ((int64_t)1024)
#define MB (1024 * KB)
#define GB (1024 * MB)

static const char *const log_levels[] = {"debug", "verbose", "notice", "warning", NULL};
static const char *const debug_words[] = {"no", "yes", "local", NULL};
static const char *const bootstrap_words[] = {"auto", "yes", "no", NULL};
static const char *const read_modes[] = {"lease", "index", "stale", NULL};
static const char *const channel_words[] = {"allchannels", "resetchannels", NULL};
static const char *const mismatch_words[] = {"alarm", "fence", NULL};
static const char *const only_yes[] = {"yes", NULL};
static const char *const only_always[] = {"always", NULL};

#define AT(member) offsetof(struct config_values, member)
#define INTEGER(name, member, flags, min, max, value)                                              \
    { name, TYPE_INTEGER, flags, min, max, value, AT(member), NULL }
#define MEMORY(name, member, flags, min, max, value)                                               \
    { name, TYPE_MEMORY, flags, min, max, value, AT(member), NULL }
#define BOOLEAN(name, member, flags, value)                                                        \
    { name, TYPE_BOOL, flags, 0, 1, value, AT(member), NULL }
#define WORD(name, member, flags, words, value)                                                    \
    { name, TYPE_WORD, flags, 0, 0, value, AT(member), words }
#define TEXT(name, member, flags, value)                                                           \
    {                                                                                              \
        name, TYPE_TEXT, flags, 0, sizeof(((struct config_values *)0)->member) - 1, value,         \
            AT(member), NULL                                                                       \
    }
#define OTHER(name, member, flags, type, value)                                                    \
    { name, type, flags, 0, 0, value, AT(member), NULL }

#define START 0 /* set at start only */
#define RUN FLAG_RUNTIME
#define ALL (FLAG_RUNTIME | FLAG_REPLICATED)

const struct config_directive config_directives[] = {
    /* connections */
    OTHER("bind", bind, START, TYPE_BIND, "* -::*"),
    INTEGER("port", port, START, 1, 65535, "6379"),
    INTEGER("tcp-backlog", tcp_backlog, START, 1, 65535, "511"),
    INTEGER("tcp-keepalive", tcp_keepalive, RUN, 0, INT32_MAX, "300"),
    INTEGER("timeout", timeout, RUN, 0, INT32_MAX, "0"),
    INTEGER("maxclients", maxclients, RUN, 1, 1000000, "10000"),
    BOOLEAN("protected-mode", protected_mode, RUN, "yes"),
    TEXT("requirepass", requirepass, ALL, ""),
    TEXT("aclfile", aclfile, START, ""),
    WORD("acl-pubsub-default", acl_pubsub_default, ALL, channel_words, "resetchannels"),
    INTEGER("acllog-max-len", acllog_max_len, RUN, 0, INT64_MAX, "128"),
    MEMORY("proto-max-bulk-len", proto_max_bulk_len, ALL, MB, INT64_MAX, "512mb"),
    MEMORY("client-query-buffer-limit", client_query_buffer_limit, RUN, MB, INT64_MAX, "1gb"),
    OTHER("client-output-buffer-limit", client_output_buffer_limit, RUN, TYPE_LIMITS,
        "normal 1gb 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60"),
    MEMORY("max-request-bytes", max_request_bytes, RUN, MB, 128 * MB, "64mb"),

    /* forms of values; each old name is another row of the same value */
    INTEGER("hash-max-listpack-entries", hash_max_listpack_entries, ALL, 0, INT64_MAX, "512"),
    INTEGER("hash-max-ziplist-entries", hash_max_listpack_entries, ALL, 0, INT64_MAX, "512"),
    MEMORY("hash-max-listpack-value", hash_max_listpack_value, ALL, 0, INT64_MAX, "64"),
    MEMORY("hash-max-ziplist-value", hash_max_listpack_value, ALL, 0, INT64_MAX, "64"),
    INTEGER("set-max-intset-entries", set_max_intset_entries, ALL, 0, INT64_MAX, "512"),
    INTEGER("set-max-listpack-entries", set_max_listpack_entries, ALL, 0, INT64_MAX, "128"),
    INTEGER("set-max-listpack-value", set_max_listpack_value, ALL, 0, INT64_MAX, "64"),
    INTEGER("list-max-listpack-size", list_max_listpack_size, ALL, INT32_MIN, INT32_MAX, "-2"),
    INTEGER("list-max-ziplist-size", list_max_listpack_size, ALL, INT32_MIN, INT32_MAX, "-2"),
    INTEGER("list-compress-depth", list_compress_depth, ALL, 0, INT32_MAX, "0"),
    INTEGER("zset-max-listpack-entries", zset_max_listpack_entries, ALL, 0, INT64_MAX, "128"),
    INTEGER("zset-max-ziplist-entries", zset_max_listpack_entries, ALL, 0, INT64_MAX, "128"),
    MEMORY("zset-max-listpack-value", zset_max_listpack_value, ALL, 0, INT64_MAX, "64"),
    MEMORY("stream-node-max-bytes", stream_node_max_bytes, ALL, 0, INT64_MAX, "4kb"),
    INTEGER("stream-node-max-entries", stream_node_max_entries, ALL, 0, INT64_MAX, "100"),
    MEMORY("zset-max-ziplist-value", zset_max_listpack_value, ALL, 0, INT64_MAX, "64"),
    MEMORY("hll-sparse-max-bytes", hll_sparse_max_bytes, ALL, 0, INT64_MAX, "3000"),
    INTEGER("script-budget", script_budget, ALL, 100000, 100000000000, "100000000"),

    /* memory */
    MEMORY("maxmemory", maxmemory, ALL, 0, INT64_MAX, "0"),
    WORD("maxmemory-policy", maxmemory_policy, ALL, eviction_policy_names, "noeviction"),
    INTEGER("maxmemory-samples", maxmemory_samples, ALL, 1, INT32_MAX, "5"),
    INTEGER("maxmemory-eviction-tenacity", maxmemory_eviction_tenacity, ALL, 0, 100, "10"),
    INTEGER("lfu-log-factor", lfu_log_factor, ALL, 0, INT32_MAX, "10"),
    INTEGER("lfu-decay-time", lfu_decay_time, ALL, 0, INT32_MAX, "1"),

    /* who hears of keys */
    OTHER("notify-keyspace-events", notify_keyspace_events, ALL, TYPE_EVENTS, ""),
    INTEGER("tracking-table-max-keys", tracking_table_max_keys, RUN, 0, INT64_MAX, "1000000"),

    /* the process */
    TEXT("dir", dir, START, "."),
    TEXT("logfile", logfile, START, ""),
    WORD("loglevel", loglevel, RUN, log_levels, "notice"),
    TEXT("pidfile", pidfile, START, ""),
    WORD("enable-debug-command", enable_debug_command, START, debug_words, "no"),
    {"databases", TYPE_INTEGER, FLAG_REPLICATED, 1, 65536, "16", AT(databases), NULL},

    /* what operators see */
    INTEGER("slowlog-log-slower-than", slowlog_log_slower_than, RUN, -1, INT64_MAX, "10000"),
    INTEGER("slowlog-max-len", slowlog_max_len, RUN, 0, INT64_MAX, "128"),
    INTEGER("latency-monitor-threshold", latency_monitor_threshold, RUN, 0, INT64_MAX, "0"),
    BOOLEAN("latency-tracking", latency_tracking, RUN, "yes"),
    OTHER("latency-tracking-info-percentiles", latency_tracking_info_percentiles, RUN,
        TYPE_PERCENTILES, "50 99 99.9"),

    /* data from elsewhere */
    TEXT("masterauth", masterauth, RUN, ""),
    TEXT("masteruser", masteruser, RUN, ""),
    TEXT("import-rdb", import_rdb, START, ""),

    /* the cluster */
    INTEGER("cluster-port", cluster_port, START, 0, 65535, "0"),
    TEXT("cluster-secret", cluster_secret, FLAG_HIDDEN, ""),
    OTHER("cluster-join", cluster_join, START, TYPE_JOIN, ""),
    WORD("cluster-bootstrap", cluster_bootstrap, START, bootstrap_words, "auto"),
    TEXT("cluster-announce-ip", cluster_announce_ip, RUN, ""),
    INTEGER("cluster-announce-port", cluster_announce_port, RUN, 0, 65535, "0"),
    INTEGER("cluster-announce-bus-port", cluster_announce_bus_port, RUN, 0, 65535, "0"),
    WORD("read-mode", read_mode, RUN, read_modes, "lease"),
    INTEGER("request-timeout", request_timeout, RUN, 10, 3600000, "1500"),

    /* consensus */
    INTEGER("election-timeout-min", election_timeout_min, ALL, 10, 60000, "150"),
    INTEGER("election-timeout-max", election_timeout_max, ALL, 20, 120000, "300"),
    INTEGER("heartbeat-interval", heartbeat_interval, ALL, 1, 20000, "50"),
    BOOLEAN("pre-vote", pre_vote, RUN, "yes"),
    MEMORY("replication-batch-bytes", replication_batch_bytes, RUN, 4 * KB, 16 * MB, "1mb"),
    INTEGER("replication-window-messages", replication_window_messages, RUN, 1, 65536, "64"),
    MEMORY("replication-window-bytes", replication_window_bytes, RUN, 64 * KB, 64 * MB, "16mb"),

    /* the disk */
    MEMORY("snapshot-log-bytes", snapshot_log_bytes, RUN, MB, INT64_MAX, "256mb"),
    INTEGER("snapshot-log-entries", snapshot_log_entries, RUN, 1000, INT64_MAX, "1000000"),
    INTEGER("digest-interval", digest_interval, RUN, 0, 100000000, "3600"),
    WORD("digest-mismatch-action", digest_mismatch_action, RUN, mismatch_words, "fence"),
    WORD("appendonly", appendonly, RUN, only_yes, "yes"),
    WORD("appendfsync", appendfsync, RUN, only_always, "always"),
    INTEGER("snapshot-log-percent", snapshot_log_percent, RUN, 0, 1000000, "100"),
    BOOLEAN("rdbcompression", rdb_compression, RUN, "no"),
    OTHER("save", save, RUN, TYPE_SAVE, ""),
};

uint32_t config_directive_count(void) {
    _Static_assert(SF_LENGTH(config_directives) <= CONFIG_DIRECTIVES_MAX, "room for all");
    return SF_LENGTH(config_directives);
}

const struct config_directive *config_directive_find(struct slice name) {
    for (uint32_t i = 0; i < SF_LENGTH(config_directives); i++) {
        if (slice_is(name, config_directives[i].name)) return &config_directives[i];
    }
    return NULL;
}

const char *config_refusal(struct slice name) {
    static const struct {
        const char *name, *reason;
    } refused[] = {
        {"daemonize", "not offered: let a service manager (or the shell's &) run it"},
        {"supervised", "not offered: the process stays in the foreground and needs no notices"},
        {"unixsocket", "not offered: clients connect by TCP"},
        {"replicaof",
            "the command REPLICAOF lets the cluster follow a Redis; nodes join with cluster-join"},
        {"slaveof",
            "the command REPLICAOF lets the cluster follow a Redis; nodes join with cluster-join"},
        {"cluster-enabled", "not needed: every node can take part in a cluster"},
        {"tls-port", "not offered yet"},
        {"rename-command", "not offered"},
        {"loadmodule", "not offered"},
    };
    for (uint32_t i = 0; i < SF_LENGTH(refused); i++) {
        if (slice_is(name, refused[i].name)) return refused[i].reason;
    }
    return NULL;
}
