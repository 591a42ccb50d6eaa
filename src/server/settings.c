#include "server/settings.h"

#include "engine/engine.h"

#include <stdio.h>

#define RAFT_CACHE_BYTES (32u * 1024 * 1024)
#define ACCEPTED_LINKS_MAX 128

uint16_t settings_bus_port(const struct config_values *values) {
    int64_t port = values->cluster_port != 0 ? values->cluster_port : values->port + 10000;
    return (uint16_t)port;
}

static void raft_settings(const struct config_values *values, struct raft_settings *out) {
    *out = (struct raft_settings){
        .election_timeout_min_ms = (uint32_t)values->election_timeout_min,
        .election_timeout_max_ms = (uint32_t)values->election_timeout_max,
        .heartbeat_interval_ms = (uint32_t)values->heartbeat_interval,
        .pre_vote = values->pre_vote != 0,
        .batch_bytes = (uint64_t)values->replication_batch_bytes,
        .window_messages = (uint32_t)values->replication_window_messages,
        .window_bytes = (uint64_t)values->replication_window_bytes,
        .cache_bytes = RAFT_CACHE_BYTES,
    };
}

static uint64_t limit_or_none(int64_t bytes) {
    return bytes == 0 ? UINT64_MAX : (uint64_t)bytes;
}

static struct output_limit output_limit(const struct config_limit *limit) {
    return (struct output_limit){.hard_bytes = limit_or_none(limit->hard_bytes),
        .soft_bytes = limit_or_none(limit->soft_bytes),
        .soft_us = limit->soft_seconds * 1000000};
}

static bool debug_command(const struct config_values *values, const struct net *net) {
    /* "local": the node asks no connection where it comes from, so all of them must be local. */
    if (values->enable_debug_command == DEBUG_LOCAL) return net_is_loopback_only(net);
    return values->enable_debug_command == DEBUG_YES;
}

void settings_for_node(
    const struct config_values *values, const struct net *net, struct node_settings *out) {
    *out = (struct node_settings){
        .read_mode = (enum read_mode)values->read_mode,
        .bootstrap = (enum bootstrap_mode)values->cluster_bootstrap,
        .request_timeout_ms = values->request_timeout,
        .max_request_bytes = (uint64_t)values->max_request_bytes,
        .proto_max_bulk_len = (uint64_t)values->proto_max_bulk_len,
        .output_limit = output_limit(&values->client_output_buffer_limit[CLASS_NORMAL]),
        .subscriber_output_limit = output_limit(&values->client_output_buffer_limit[CLASS_PUBSUB]),
        .query_buffer_limit = (uint64_t)values->client_query_buffer_limit,
        .snapshot_log_bytes = (uint64_t)values->snapshot_log_bytes,
        .snapshot_log_entries = (uint64_t)values->snapshot_log_entries,
        .digest_interval_ms = values->digest_interval * 1000,
        .digest_fence = values->digest_mismatch_action == 1,
        .snapshot_log_percent = (uint64_t)values->snapshot_log_percent,
        .n_save_points = values->save.n,
        .rdb_compression = values->rdb_compression != 0,
        .snapshot_piece_bytes = 256 << 10,
        .snapshot_slice = 1024,
        .databases = (uint32_t)values->databases,
        .max_clients = (uint32_t)values->maxclients,
        .client_timeout_s = values->timeout,
        .tracking_max_keys = (uint64_t)values->tracking_table_max_keys,
        .protected_mode = values->protected_mode != 0,
        .bound_to_all = net_is_bound_to_all(net),
        .debug_command = debug_command(values, net),
        .observe = {.slowlog_slower_than_us = values->slowlog_log_slower_than,
            .slowlog_max_len = (uint64_t)values->slowlog_max_len,
            .latency_threshold_ms = values->latency_monitor_threshold,
            .latency_tracking = values->latency_tracking != 0,
            .n_percentiles = values->latency_tracking_info_percentiles.n},
        .feature_level = ENGINE_FEATURE_LEVEL,
        .users = values->users,
        .acl_log_max_len = (uint64_t)values->acllog_max_len,
        .port = net_port(net),
        .bus_port = net_bus_port(net),
        .n_join = values->cluster_join.n,
    };
    memcpy(out->save_points, values->save.points, sizeof out->save_points);
    memcpy(out->observe.percentiles, values->latency_tracking_info_percentiles.values,
        sizeof out->observe.percentiles);
    raft_settings(values, &out->raft);
    snprintf(out->requirepass, sizeof(out->requirepass), "%s", values->requirepass);
    snprintf(out->cluster_secret, sizeof(out->cluster_secret), "%s", values->cluster_secret);
    snprintf(out->masteruser, sizeof(out->masteruser), "%s", values->masteruser);
    snprintf(out->masterauth, sizeof(out->masterauth), "%s", values->masterauth);
    snprintf(out->import_rdb, sizeof(out->import_rdb), "%s", values->import_rdb);
    snprintf(out->announce.host, sizeof(out->announce.host), "%s", values->cluster_announce_ip);
    out->announce.port = (uint16_t)values->cluster_announce_port;
    out->announce.bus_port = (uint16_t)values->cluster_announce_bus_port;
    memcpy(out->join, values->cluster_join.addresses, sizeof(out->join));
}

void settings_for_net(const struct config_values *values, struct net_settings *out) {
    static const char *const loopback[] = {"127.0.0.1", "-::1"};
    *out = (struct net_settings){
        .n_bind = values->bind.n,
        .port = (uint16_t)values->port,
        .bus_port = settings_bus_port(values),
        .tcp_backlog = (int)values->tcp_backlog,
        .tcp_keepalive_s = (int)values->tcp_keepalive,
        .accepted_links_max = ACCEPTED_LINKS_MAX,
    };
    for (uint32_t i = 0; i < values->bind.n; i++) out->bind[i] = values->bind.hosts[i];
    bool has_secret = values->cluster_secret[0] != '\0';
    out->n_bus_bind = has_secret ? values->bind.n : SF_LENGTH(loopback);
    for (uint32_t i = 0; i < out->n_bus_bind; i++) {
        out->bus_bind[i] = has_secret ? values->bind.hosts[i] : loopback[i];
    }
}
