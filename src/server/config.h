/* Every directive of the configuration: one table (config_table.c), one struct of values.
 *
 * A value comes from the default, a file, the command line, or CONFIG SET; all four go through the
 * same parser and give the same error texts. */
#ifndef SF_SERVER_CONFIG_H
#define SF_SERVER_CONFIG_H

#include "node/node.h"
#include "server/config_inert.h"

#define CONFIG_BIND_MAX 16
#define CONFIG_HOST_MAX 64
#define CONFIG_PATH_MAX 1024
#define CONFIG_SECRET_MAX 511 /* bytes of a password */
#define CONFIG_WORDS_MAX 64   /* of one line */
#define CONFIG_DIRECTIVES_MAX 96

enum config_client_class { CLASS_NORMAL, CLASS_REPLICA, CLASS_PUBSUB, CLIENT_CLASSES };

struct config_limit { /* of a class of clients' output: 0 is none */
    int64_t hard_bytes, soft_bytes, soft_seconds;
};

/* Plain data: copied by assignment. Numbers are all int64_t, so that the table can address them:
 * bytes, milliseconds or seconds as the README says; yes is 1; words count from 0. */
struct config_values {
    int64_t port, tcp_backlog, tcp_keepalive, timeout, maxclients, databases;
    int64_t protected_mode, loglevel, enable_debug_command;
    int64_t script_budget; /* units of work for one script */
    int64_t proto_max_bulk_len, client_query_buffer_limit, max_request_bytes;
    int64_t cluster_port, cluster_bootstrap, cluster_announce_port, cluster_announce_bus_port;
    int64_t read_mode, request_timeout;
    int64_t election_timeout_min, election_timeout_max, heartbeat_interval, pre_vote;
    int64_t replication_batch_bytes, replication_window_messages, replication_window_bytes;
    int64_t snapshot_log_bytes, snapshot_log_entries, snapshot_log_percent, rdb_compression;
    int64_t digest_interval, digest_mismatch_action;
    int64_t appendonly, appendfsync;
    int64_t hash_max_listpack_entries, hash_max_listpack_value;
    int64_t set_max_intset_entries, set_max_listpack_entries, set_max_listpack_value;
    int64_t list_max_listpack_size, list_compress_depth;
    int64_t zset_max_listpack_entries, zset_max_listpack_value;
    int64_t stream_node_max_bytes, stream_node_max_entries;
    int64_t hll_sparse_max_bytes;
    int64_t slowlog_log_slower_than, slowlog_max_len;
    int64_t latency_monitor_threshold, latency_tracking;
    struct config_percentiles {
        uint32_t n;
        double values[PERCENTILES_MAX];
    } latency_tracking_info_percentiles;
    int64_t notify_keyspace_events; /* bits of enum event_class */
    int64_t tracking_table_max_keys;
    int64_t maxmemory, maxmemory_policy, maxmemory_samples, maxmemory_eviction_tenacity;
    int64_t lfu_log_factor, lfu_decay_time;
    int64_t acl_pubsub_default, acllog_max_len;
    char aclfile[CONFIG_PATH_MAX];
    struct slice users; /* of the directives `user`, or of the aclfile: lines, owned elsewhere */
    struct config_saves {
        uint32_t n;
        struct save_point points[SAVE_POINTS_MAX];
    } save;
    char requirepass[CONFIG_SECRET_MAX + 1], cluster_secret[CONFIG_SECRET_MAX + 1];
    char masterauth[CONFIG_SECRET_MAX + 1], masteruser[CONFIG_SECRET_MAX + 1];
    char import_rdb[CONFIG_PATH_MAX];
    char dir[CONFIG_PATH_MAX], logfile[CONFIG_PATH_MAX], pidfile[CONFIG_PATH_MAX];
    char cluster_announce_ip[CONFIG_HOST_MAX];
    struct config_bind {
        uint32_t n;
        char hosts[CONFIG_BIND_MAX][CONFIG_HOST_MAX];
    } bind;
    struct config_join {
        uint32_t n;
        struct raft_address addresses[JOIN_ADDRESSES_MAX]; /* bus ports */
    } cluster_join;
    struct config_limit client_output_buffer_limit[CLIENT_CLASSES];
};

enum config_debug { DEBUG_NO, DEBUG_YES, DEBUG_LOCAL }; /* enable_debug_command */

enum config_type {
    TYPE_INTEGER,
    TYPE_MEMORY, /* 1k is 1000, 1kb is 1024, and so on with m and g */
    TYPE_BOOL,
    TYPE_WORD,   /* one of a list */
    TYPE_TEXT,   /* min: unused; max: bytes at most */
    TYPE_BIND,   /* all words of the line */
    TYPE_JOIN,   /* repeatable: each line adds an address */
    TYPE_LIMITS, /* Redis' client-output-buffer-limit */
    TYPE_PERCENTILES,
    TYPE_SAVE,
    TYPE_EVENTS, /* Redis' notify-keyspace-events */
};

enum config_flags {
    FLAG_RUNTIME = 1,    /* CONFIG SET may change it */
    FLAG_REPLICATED = 2, /* one value for the whole cluster, changed through the log */
    FLAG_HIDDEN = 4,     /* CONFIG GET does not show it */
};

struct config_directive {
    const char *name;
    enum config_type type;
    uint32_t flags;
    int64_t min, max;
    const char *default_text; /* parsed like a line's value */
    size_t offset;            /* in struct config_values */
    const char *const *words; /* TYPE_WORD: ends with NULL */
};

extern const struct config_directive config_directives[];
uint32_t config_directive_count(void);
const struct config_directive *config_directive_find(struct slice name); /* any case; or NULL */
/* Why a directive that Redis has is not offered here; NULL for others. */
const char *config_refusal(struct slice name);

struct config {
    struct config_values values;
    struct buf users; /* the directives `user`, a line each */
    char *file; /* absolute path of the main file; NULL without one */
    /* Where each directive was set last: 'name.conf:3: "port abc"'. NULL: nowhere. */
    char *where[CONFIG_DIRECTIVES_MAX];
    bool is_changed[CONFIG_DIRECTIVES_MAX]; /* not by the file: CONFIG REWRITE adds it */
    /* Values of parameters that change nothing; NULL: as in config_inert.c. */
    char *inert[CONFIG_INERT_MAX];
    bool inert_is_changed[CONFIG_INERT_MAX];
};

struct config *config_new(void); /* all defaults */
void config_free(struct config *config);

/* Carries out one line, words[0] being the directive's name. where (may be NULL) is remembered. On
 * failure appends the reason alone. */
bool config_apply(struct config *config, uint32_t n, const struct slice *words, const char *where,
    struct buf *error);
/* Judges the values together; the one line of error begins with where the culprit was set. */
bool config_validate(const struct config *config, struct buf *error);

/* The configuration ports of the node (node/ports.h). */
void config_visit(const struct config *config, uint32_t n, const struct slice *patterns,
    void (*visit)(void *visitor, const char *name, const char *value), void *visitor);
enum config_verdict config_judge(
    const struct config *config, struct slice name, struct slice value, struct buf *error);
bool config_change(struct config *config, struct slice name, struct slice value, struct buf *error);

/* The value as CONFIG GET shows it. */
void config_print(
    const struct config_values *values, const struct config_directive *directive, struct buf *out);

#endif
