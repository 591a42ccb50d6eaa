/* Which function carries out which session or server command, and when. */
#include "node/internal.h"

enum {
    AT_TURN = 0,
    AT_ONCE =
        1, /* about the session itself: runs while parsing, in step with how requests are read */
    HOLDS = 2, /* may be answered later; what the session sends behind it waits */
};

static const struct local_row {
    local_run *run;
    uint8_t when;
} rows[COMMANDS_TOTAL] = {
    [COMMAND_ACL_DELUSER] = {local_acl, HOLDS},
    [COMMAND_ACL_DRYRUN] = {local_acl, AT_TURN},
    [COMMAND_ACL_GENPASS] = {local_acl, AT_TURN},
    [COMMAND_ACL_GETUSER] = {local_acl, AT_TURN},
    [COMMAND_ACL_HELP] = {local_acl, AT_TURN},
    [COMMAND_ACL_LIST] = {local_acl, AT_TURN},
    [COMMAND_ACL_LOAD] = {local_acl, HOLDS},
    [COMMAND_ACL_LOG] = {local_acl, AT_TURN},
    [COMMAND_ACL_SAVE] = {local_acl, AT_TURN},
    [COMMAND_ACL_SETUSER] = {local_acl, HOLDS},
    [COMMAND_ACL_USERS] = {local_acl, AT_TURN},
    [COMMAND_ACL_WHOAMI] = {local_acl, AT_TURN},
    [COMMAND_AUTH] = {local_auth, AT_ONCE},
    [COMMAND_BGREWRITEAOF] = {local_save, AT_TURN},
    [COMMAND_BGSAVE] = {local_save, AT_TURN},
    [COMMAND_CLIENT_CACHING] = {local_tracking, AT_ONCE},
    [COMMAND_CLIENT_GETREDIR] = {local_tracking, AT_ONCE},
    [COMMAND_CLIENT_GETNAME] = {local_client, AT_ONCE},
    [COMMAND_CLIENT_HELP] = {local_client, AT_TURN},
    [COMMAND_CLIENT_ID] = {local_client, AT_ONCE},
    [COMMAND_CLIENT_INFO] = {local_client, AT_ONCE},
    [COMMAND_CLIENT_KILL] = {local_client, AT_TURN},
    [COMMAND_CLIENT_LIST] = {local_client, AT_TURN},
    [COMMAND_CLIENT_NO_EVICT] = {local_client, AT_ONCE},
    [COMMAND_CLIENT_NO_TOUCH] = {local_client, AT_ONCE},
    [COMMAND_CLIENT_PAUSE] = {local_pause, HOLDS},
    [COMMAND_CLIENT_REPLY] = {local_client, AT_ONCE},
    [COMMAND_CLIENT_SETINFO] = {local_client, AT_ONCE},
    [COMMAND_CLIENT_SETNAME] = {local_client, AT_ONCE},
    [COMMAND_CLIENT_TRACKING] = {local_tracking, AT_ONCE},
    [COMMAND_CLIENT_TRACKINGINFO] = {local_tracking, AT_ONCE},
    [COMMAND_CLIENT_UNBLOCK] = {local_unblock, HOLDS},
    [COMMAND_CLIENT_UNPAUSE] = {local_unpause, AT_TURN},
    [COMMAND_CLUSTER_COUNT_FAILURE_REPORTS] = {local_cluster, AT_TURN},
    [COMMAND_CLUSTER_COUNTKEYSINSLOT] = {local_cluster, AT_TURN},
    [COMMAND_CLUSTER_FAILOVER] = {local_cluster, AT_TURN},
    [COMMAND_CLUSTER_FORGET] = {local_cluster, HOLDS},
    [COMMAND_CLUSTER_GETKEYSINSLOT] = {local_cluster, AT_TURN},
    [COMMAND_CLUSTER_HELP] = {local_cluster, AT_TURN},
    [COMMAND_CLUSTER_INFO] = {local_cluster, AT_TURN},
    [COMMAND_CLUSTER_KEYSLOT] = {local_cluster, AT_TURN},
    [COMMAND_CLUSTER_LINKS] = {local_cluster, AT_TURN},
    [COMMAND_CLUSTER_MEET] = {local_cluster, HOLDS},
    [COMMAND_CLUSTER_MYID] = {local_cluster, AT_TURN},
    [COMMAND_CLUSTER_MYSHARDID] = {local_cluster, AT_TURN},
    [COMMAND_CLUSTER_NODES] = {local_cluster, AT_TURN},
    [COMMAND_CLUSTER_REPLICAS] = {local_cluster, AT_TURN},
    [COMMAND_CLUSTER_RESET] = {local_cluster, HOLDS},
    [COMMAND_CLUSTER_SHARDS] = {local_cluster, AT_TURN},
    [COMMAND_CLUSTER_SLAVES] = {local_cluster, AT_TURN},
    [COMMAND_CLUSTER_SLOTS] = {local_cluster, AT_TURN},
    [COMMAND_CLUSTER_VERIFY] = {local_verify, HOLDS},
    [COMMAND_CONFIG_GET] = {local_config, AT_TURN},
    [COMMAND_CONFIG_HELP] = {local_config, AT_TURN},
    [COMMAND_CONFIG_RESETSTAT] = {local_config, AT_TURN},
    [COMMAND_CONFIG_REWRITE] = {local_config, AT_TURN},
    [COMMAND_CONFIG_SET] = {local_config, HOLDS},
    [COMMAND_DEBUG] = {local_debug, HOLDS},
    [COMMAND_ECHO] = {local_echo, AT_TURN},
    [COMMAND_EXEC] = {local_exec, AT_TURN},
    [COMMAND_HELLO] = {local_hello, AT_ONCE},
    [COMMAND_INFO] = {local_info, AT_TURN},
    [COMMAND_LASTSAVE] = {local_save, AT_TURN},
    [COMMAND_LATENCY_DOCTOR] = {local_latency, AT_TURN},
    [COMMAND_LATENCY_GRAPH] = {local_latency, AT_TURN},
    [COMMAND_LATENCY_HELP] = {local_latency, AT_TURN},
    [COMMAND_LATENCY_HISTOGRAM] = {local_latency, AT_TURN},
    [COMMAND_LATENCY_HISTORY] = {local_latency, AT_TURN},
    [COMMAND_LATENCY_LATEST] = {local_latency, AT_TURN},
    [COMMAND_LATENCY_RESET] = {local_latency, AT_TURN},
    [COMMAND_LOLWUT] = {local_lolwut, AT_TURN},
    [COMMAND_MEMORY_DOCTOR] = {local_memory, AT_TURN},
    [COMMAND_MEMORY_HELP] = {local_memory, AT_TURN},
    [COMMAND_MEMORY_MALLOC_STATS] = {local_memory, AT_TURN},
    [COMMAND_MEMORY_PURGE] = {local_memory, AT_TURN},
    [COMMAND_MEMORY_STATS] = {local_memory, AT_TURN},
    [COMMAND_MIGRATE] = {local_migrate, HOLDS},
    [COMMAND_PSYNC] = {local_sync, HOLDS},
    [COMMAND_REPLCONF] = {local_replconf, AT_ONCE},
    [COMMAND_SYNC] = {local_sync, HOLDS},
    [COMMAND_MONITOR] = {local_monitor, AT_TURN},
    [COMMAND_PING] = {local_ping, AT_TURN},
    [COMMAND_PSUBSCRIBE] = {local_subscribe, HOLDS},
    [COMMAND_PUBLISH] = {local_publish, HOLDS},
    [COMMAND_PUBSUB_CHANNELS] = {local_pubsub, HOLDS},
    [COMMAND_PUBSUB_HELP] = {local_pubsub, AT_TURN},
    [COMMAND_PUBSUB_NUMPAT] = {local_pubsub, HOLDS},
    [COMMAND_PUBSUB_NUMSUB] = {local_pubsub, HOLDS},
    [COMMAND_PUBSUB_SHARDCHANNELS] = {local_pubsub, HOLDS},
    [COMMAND_PUBSUB_SHARDNUMSUB] = {local_pubsub, HOLDS},
    [COMMAND_PUNSUBSCRIBE] = {local_unsubscribe, HOLDS},
    [COMMAND_QUIT] = {local_quit, AT_ONCE},
    [COMMAND_READONLY] = {local_readonly, AT_ONCE},
    [COMMAND_READWRITE] = {local_readwrite, AT_ONCE},
    [COMMAND_RESET] = {local_reset, AT_ONCE},
    [COMMAND_ROLE] = {local_role, AT_TURN},
    [COMMAND_SAVE] = {local_save, HOLDS},
    [COMMAND_SELECT] = {local_select, AT_ONCE},
    [COMMAND_SHUTDOWN] = {local_shutdown, HOLDS},
    [COMMAND_SLOWLOG_GET] = {local_slowlog, AT_TURN},
    [COMMAND_SLOWLOG_HELP] = {local_slowlog, AT_TURN},
    [COMMAND_SLOWLOG_LEN] = {local_slowlog, AT_TURN},
    [COMMAND_SLOWLOG_RESET] = {local_slowlog, AT_TURN},
    [COMMAND_SPUBLISH] = {local_publish, HOLDS},
    [COMMAND_SSUBSCRIBE] = {local_subscribe, HOLDS},
    [COMMAND_SUBSCRIBE] = {local_subscribe, HOLDS},
    [COMMAND_SUNSUBSCRIBE] = {local_unsubscribe, HOLDS},
    [COMMAND_TIME] = {local_time, AT_TURN},
    [COMMAND_UNSUBSCRIBE] = {local_unsubscribe, HOLDS},
    [COMMAND_UNWATCH] = {local_unwatch, AT_ONCE},
    [COMMAND_WAIT] = {local_wait, HOLDS},
    [COMMAND_WAITAOF] = {local_wait, HOLDS},
};

/* Local commands that are functions of the command table alone (COMMAND, OBJECT HELP). */
static void local_of_table(struct local_call *call) {
    struct call inner = {
        .command = call->command,
        .argc = call->argc,
        .argv = call->argv,
        .reply = call->reply,
    };
    call_run(&inner);
}

local_run *local_find(const struct command *command, bool *at_once, bool *holds) {
    const struct local_row *row = &rows[command->id];
    *at_once = row->when == AT_ONCE;
    *holds = row->when == HOLDS;
    return command->run != NULL ? local_of_table : row->run;
}

/* Turns the request into one that is answered by held_done. */
struct pending *local_hold(struct local_call *call) {
    SF_ASSERT(call->pending != NULL && call->pending->kind == PENDING_LOCAL);
    call->pending->kind = PENDING_HELD;
    return call->pending;
}
