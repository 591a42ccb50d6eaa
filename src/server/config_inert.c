#include "server/config_inert.h"

#include "util/number.h"

/* clang-format off */
static const struct config_inert inert[] = {
    {"activerehashing", INERT_FREE, SHAPE_BOOL, "yes"},
    {"aof-disable-auto-gc", INERT_FREE, SHAPE_BOOL, "no"},
    {"aof-load-truncated", INERT_FREE, SHAPE_BOOL, "yes"},
    {"aof-rewrite-incremental-fsync", INERT_FREE, SHAPE_BOOL, "yes"},
    {"aof-timestamp-enabled", INERT_FREE, SHAPE_BOOL, "no"},
    {"aof-use-rdb-preamble", INERT_FREE, SHAPE_BOOL, "yes"},
    {"cluster-allow-replica-migration", INERT_FREE, SHAPE_BOOL, "yes"},
    {"cluster-require-full-coverage", INERT_FREE, SHAPE_BOOL, "yes"},
    {"crash-log-enabled", INERT_FREE, SHAPE_BOOL, "yes"},
    {"crash-memcheck-enabled", INERT_FREE, SHAPE_BOOL, "yes"},
    {"dynamic-hz", INERT_FREE, SHAPE_BOOL, "yes"},
    {"jemalloc-bg-thread", INERT_FREE, SHAPE_BOOL, "yes"},
    {"latency-tracking", INERT_FREE, SHAPE_BOOL, "yes"},
    {"lazyfree-lazy-eviction", INERT_FREE, SHAPE_BOOL, "no"},
    {"lazyfree-lazy-expire", INERT_FREE, SHAPE_BOOL, "no"},
    {"lazyfree-lazy-server-del", INERT_FREE, SHAPE_BOOL, "no"},
    {"lazyfree-lazy-user-del", INERT_FREE, SHAPE_BOOL, "no"},
    {"lazyfree-lazy-user-flush", INERT_FREE, SHAPE_BOOL, "no"},
    {"no-appendfsync-on-rewrite", INERT_FREE, SHAPE_BOOL, "no"},
    {"rdb-del-sync-files", INERT_FREE, SHAPE_BOOL, "no"},
    {"rdb-save-incremental-fsync", INERT_FREE, SHAPE_BOOL, "yes"},
    {"repl-disable-tcp-nodelay", INERT_FREE, SHAPE_BOOL, "no"},
    {"repl-diskless-sync", INERT_FREE, SHAPE_BOOL, "yes"},
    {"replica-announced", INERT_FREE, SHAPE_BOOL, "yes"},
    {"replica-ignore-disk-write-errors", INERT_FREE, SHAPE_BOOL, "no"},
    {"replica-ignore-maxmemory", INERT_FREE, SHAPE_BOOL, "yes"},
    {"replica-lazy-flush", INERT_FREE, SHAPE_BOOL, "no"},
    {"slave-ignore-maxmemory", INERT_FREE, SHAPE_BOOL, "yes"},
    {"slave-lazy-flush", INERT_FREE, SHAPE_BOOL, "no"},
    {"stop-writes-on-bgsave-error", INERT_FREE, SHAPE_BOOL, "yes"},

    {"active-defrag-cycle-max", INERT_FREE, SHAPE_NUMBER, "25"},
    {"active-defrag-cycle-min", INERT_FREE, SHAPE_NUMBER, "1"},
    {"active-defrag-max-scan-fields", INERT_FREE, SHAPE_NUMBER, "1000"},
    {"active-defrag-threshold-lower", INERT_FREE, SHAPE_NUMBER, "10"},
    {"active-defrag-threshold-upper", INERT_FREE, SHAPE_NUMBER, "100"},
    {"active-expire-effort", INERT_FREE, SHAPE_NUMBER, "1"},
    {"auto-aof-rewrite-percentage", INERT_FREE, SHAPE_NUMBER, "100"},
    {"busy-reply-threshold", INERT_FREE, SHAPE_NUMBER, "5000"},
    {"cluster-migration-barrier", INERT_FREE, SHAPE_NUMBER, "1"},
    {"cluster-node-timeout", INERT_FREE, SHAPE_NUMBER, "15000"},
    {"cluster-replica-validity-factor", INERT_FREE, SHAPE_NUMBER, "10"},
    {"cluster-slave-validity-factor", INERT_FREE, SHAPE_NUMBER, "10"},
    {"hz", INERT_FREE, SHAPE_NUMBER, "10"},
    {"latency-monitor-threshold", INERT_FREE, SHAPE_NUMBER, "0"},
    {"lua-time-limit", INERT_FREE, SHAPE_NUMBER, "5000"},
    {"min-replicas-max-lag", INERT_FREE, SHAPE_NUMBER, "10"},
    {"min-slaves-max-lag", INERT_FREE, SHAPE_NUMBER, "10"},
    {"repl-backlog-ttl", INERT_FREE, SHAPE_NUMBER, "3600"},
    {"repl-diskless-sync-delay", INERT_FREE, SHAPE_NUMBER, "5"},
    {"repl-diskless-sync-max-replicas", INERT_FREE, SHAPE_NUMBER, "0"},
    {"repl-ping-replica-period", INERT_FREE, SHAPE_NUMBER, "10"},
    {"repl-ping-slave-period", INERT_FREE, SHAPE_NUMBER, "10"},
    {"repl-timeout", INERT_FREE, SHAPE_NUMBER, "60"},
    {"replica-priority", INERT_FREE, SHAPE_NUMBER, "100"},
    {"shutdown-timeout", INERT_FREE, SHAPE_NUMBER, "10"},
    {"slave-priority", INERT_FREE, SHAPE_NUMBER, "100"},
    {"slowlog-log-slower-than", INERT_FREE, SHAPE_NUMBER, "10000"},
    {"slowlog-max-len", INERT_FREE, SHAPE_NUMBER, "128"},
    {"tls-session-cache-size", INERT_FREE, SHAPE_NUMBER, "20480"},
    {"tls-session-cache-timeout", INERT_FREE, SHAPE_NUMBER, "300"},
    {"tracking-table-max-keys", INERT_FREE, SHAPE_NUMBER, "1000000"},

    {"active-defrag-ignore-bytes", INERT_FREE, SHAPE_MEMORY, "104857600"},
    {"auto-aof-rewrite-min-size", INERT_FREE, SHAPE_MEMORY, "67108864"},
    {"cluster-link-sendbuf-limit", INERT_FREE, SHAPE_MEMORY, "0"},
    {"repl-backlog-size", INERT_FREE, SHAPE_MEMORY, "1048576"},

    {"dbfilename", INERT_FREE, SHAPE_TEXT, "dump.rdb"},
    {"latency-tracking-info-percentiles", INERT_FREE, SHAPE_TEXT, "50 99 99.9"},
    {"locale-collate", INERT_FREE, SHAPE_TEXT, ""},
    {"oom-score-adj-values", INERT_FREE, SHAPE_TEXT, "0 200 800"},
    {"proc-title-template", INERT_FREE, SHAPE_TEXT, "{title} {listen-addr} {server-mode}"},
    {"repl-diskless-load", INERT_FREE, SHAPE_TEXT, "disabled"},
    {"sanitize-dump-payload", INERT_FREE, SHAPE_TEXT, "no"},

    {"activedefrag", INERT_FIXED, SHAPE_BOOL, "no"},
    {"cluster-allow-pubsubshard-when-down", INERT_FIXED, SHAPE_BOOL, "yes"},
    {"cluster-allow-reads-when-down", INERT_FIXED, SHAPE_BOOL, "no"},
    {"cluster-announce-hostname", INERT_FIXED, SHAPE_TEXT, ""},
    {"cluster-announce-human-nodename", INERT_FIXED, SHAPE_TEXT, ""},
    {"cluster-announce-tls-port", INERT_FIXED, SHAPE_NUMBER, "0"},
    {"cluster-preferred-endpoint-type", INERT_FIXED, SHAPE_TEXT, "ip"},
    {"cluster-replica-no-failover", INERT_FIXED, SHAPE_BOOL, "no"},
    {"cluster-slave-no-failover", INERT_FIXED, SHAPE_BOOL, "no"},
    {"maxmemory-clients", INERT_FIXED, SHAPE_MEMORY, "0"},
    {"min-replicas-to-write", INERT_FIXED, SHAPE_NUMBER, "0"},
    {"min-slaves-to-write", INERT_FIXED, SHAPE_NUMBER, "0"},
    {"notify-keyspace-events", INERT_FIXED, SHAPE_TEXT, ""},
    {"oom-score-adj", INERT_FIXED, SHAPE_TEXT, "no"},
    {"propagation-error-behavior", INERT_FIXED, SHAPE_TEXT, "ignore"},
    {"replica-announce-ip", INERT_FIXED, SHAPE_TEXT, ""},
    {"replica-announce-port", INERT_FIXED, SHAPE_NUMBER, "0"},
    {"replica-read-only", INERT_FIXED, SHAPE_BOOL, "yes"},
    {"replica-serve-stale-data", INERT_FIXED, SHAPE_BOOL, "yes"},
    {"shutdown-on-sigint", INERT_FIXED, SHAPE_TEXT, "default"},
    {"shutdown-on-sigterm", INERT_FIXED, SHAPE_TEXT, "default"},
    {"slave-announce-ip", INERT_FIXED, SHAPE_TEXT, ""},
    {"slave-announce-port", INERT_FIXED, SHAPE_NUMBER, "0"},
    {"slave-read-only", INERT_FIXED, SHAPE_BOOL, "yes"},
    {"slave-serve-stale-data", INERT_FIXED, SHAPE_BOOL, "yes"},
    {"tls-auth-clients", INERT_FIXED, SHAPE_TEXT, "yes"},
    {"tls-ca-cert-dir", INERT_FIXED, SHAPE_TEXT, ""},
    {"tls-ca-cert-file", INERT_FIXED, SHAPE_TEXT, ""},
    {"tls-cert-file", INERT_FIXED, SHAPE_TEXT, ""},
    {"tls-ciphers", INERT_FIXED, SHAPE_TEXT, ""},
    {"tls-ciphersuites", INERT_FIXED, SHAPE_TEXT, ""},
    {"tls-client-cert-file", INERT_FIXED, SHAPE_TEXT, ""},
    {"tls-client-key-file", INERT_FIXED, SHAPE_TEXT, ""},
    {"tls-client-key-file-pass", INERT_FIXED, SHAPE_TEXT, ""},
    {"tls-cluster", INERT_FIXED, SHAPE_BOOL, "no"},
    {"tls-dh-params-file", INERT_FIXED, SHAPE_TEXT, ""},
    {"tls-key-file", INERT_FIXED, SHAPE_TEXT, ""},
    {"tls-key-file-pass", INERT_FIXED, SHAPE_TEXT, ""},
    {"tls-port", INERT_FIXED, SHAPE_NUMBER, "0"},
    {"tls-prefer-server-ciphers", INERT_FIXED, SHAPE_BOOL, "no"},
    {"tls-protocols", INERT_FIXED, SHAPE_TEXT, ""},
    {"tls-replication", INERT_FIXED, SHAPE_BOOL, "no"},
    {"tls-session-caching", INERT_FIXED, SHAPE_BOOL, "yes"},

    /* done at start, if at all: locks, sockets, threads, files of other names */
    {"always-show-logo", INERT_START, SHAPE_BOOL, "no"},
    {"aof_rewrite_cpulist", INERT_START, SHAPE_TEXT, ""},
    {"appenddirname", INERT_START, SHAPE_TEXT, "appendonlydir"},
    {"appendfilename", INERT_START, SHAPE_TEXT, "appendonly.aof"},
    {"bgsave_cpulist", INERT_START, SHAPE_TEXT, ""},
    {"bind-source-addr", INERT_START, SHAPE_TEXT, ""},
    {"bio_cpulist", INERT_START, SHAPE_TEXT, ""},
    {"cluster-config-file", INERT_START, SHAPE_TEXT, "nodes.conf"},
    {"cluster-enabled", INERT_START, SHAPE_BOOL, "yes"},
    {"daemonize", INERT_START, SHAPE_BOOL, "no"},
    {"disable-thp", INERT_START, SHAPE_BOOL, "yes"},
    {"enable-module-command", INERT_START, SHAPE_TEXT, "no"},
    {"enable-protected-configs", INERT_START, SHAPE_TEXT, "no"},
    {"ignore-warnings", INERT_START, SHAPE_TEXT, ""},
    {"io-threads", INERT_START, SHAPE_NUMBER, "1"},
    {"io-threads-do-reads", INERT_START, SHAPE_BOOL, "no"},
    {"rdbchecksum", INERT_START, SHAPE_BOOL, "yes"},
    {"replicaof", INERT_START, SHAPE_TEXT, ""},
    {"server_cpulist", INERT_START, SHAPE_TEXT, ""},
    {"set-proc-title", INERT_START, SHAPE_BOOL, "yes"},
    {"slaveof", INERT_START, SHAPE_TEXT, ""},
    {"socket-mark-id", INERT_START, SHAPE_NUMBER, "0"},
    {"supervised", INERT_START, SHAPE_TEXT, "no"},
    {"syslog-enabled", INERT_START, SHAPE_BOOL, "no"},
    {"syslog-facility", INERT_START, SHAPE_TEXT, "local0"},
    {"syslog-ident", INERT_START, SHAPE_TEXT, "redis"},
    {"unixsocket", INERT_START, SHAPE_TEXT, ""},
    {"unixsocketperm", INERT_START, SHAPE_NUMBER, "0"},
};
/* clang-format on */

uint32_t config_inert_count(void) {
    _Static_assert(SF_LENGTH(inert) <= CONFIG_INERT_MAX, "room for all");
    return SF_LENGTH(inert);
}

const struct config_inert *config_inert_at(uint32_t place) {
    SF_ASSERT(place < SF_LENGTH(inert));
    return &inert[place];
}

int config_inert_find(struct slice name) {
    for (int i = 0; i < (int)SF_LENGTH(inert); i++) {
        if (slice_is(name, inert[i].name)) return i;
    }
    return -1;
}

static bool has_shape(const struct config_inert *row, struct slice value, struct buf *error) {
    int64_t number;
    const char *reason = NULL;
    switch (row->shape) {
    case SHAPE_BOOL:
        if (!slice_is(value, "yes") && !slice_is(value, "no"))
            reason = "argument must be 'yes' or 'no'";
        break;
    case SHAPE_NUMBER:
        if (!int_parse(value, &number)) reason = "argument couldn't be parsed into an integer";
        break;
    case SHAPE_MEMORY:
        if (!memory_parse(value, &number)) reason = "argument must be a memory value";
        break;
    case SHAPE_TEXT:
        if (value.len > 0 && memchr(value.data, '\0', value.len) != NULL)
            reason = "argument must not contain a zero byte";
        break;
    }
    if (reason != NULL) buf_append_text(error, reason);
    return reason == NULL;
}

bool config_inert_accepts(const struct config_inert *row, struct slice value, struct buf *error) {
    if (!has_shape(row, value, error)) return false;
    if (row->kind == INERT_FREE || slice_is(value, row->value)) return true;
    buf_printf(error, "not offered here: only \"%s\" is accepted", row->value);
    return false;
}
