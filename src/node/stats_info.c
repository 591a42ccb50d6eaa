/* INFO's sections about commands, errors and traffic. Fields and their order are Redis 7.2's; what
 * would have no meaning here is left out. */
#include "node/internal.h"

static double rate_of(const struct node *node, enum rate_kind kind) {
    double sum = 0;
    for (int i = 0; i < RATE_SAMPLES; i++) sum += node->observe->rates[kind].samples[i];
    return sum / RATE_SAMPLES;
}

static void put_traffic(struct node *node, struct buf *out) {
    struct process_figures figures = {0};
    node->ports.figures(node->ports.context, &figures);
    buf_printf(out,
        "# Stats\r\ntotal_connections_received:%llu\r\ntotal_commands_processed:%llu\r\n"
        "instantaneous_ops_per_sec:%lld\r\ntotal_net_input_bytes:%llu\r\n"
        "total_net_output_bytes:%llu\r\ninstantaneous_input_kbps:%.2f\r\n"
        "instantaneous_output_kbps:%.2f\r\nrejected_connections:%llu\r\n",
        (unsigned long long)figures.connections_received,
        (unsigned long long)node->observe->n_calls, (long long)rate_of(node, RATE_COMMANDS),
        (unsigned long long)figures.net_input_bytes, (unsigned long long)figures.net_output_bytes,
        rate_of(node, RATE_INPUT) / 1024, rate_of(node, RATE_OUTPUT) / 1024,
        (unsigned long long)figures.connections_rejected);
}

void info_stats(struct node *node, struct buf *out) {
    const struct observe *observe = node->observe;
    put_traffic(node, out);
    int64_t exceeded_us, exceeding_us;
    evictions_exceeded_us(node, &exceeded_us, &exceeding_us);
    buf_printf(out,
        "expired_subkeys:%llu\r\nexpired_keys:%llu\r\nevicted_keys:%llu\r\nevicted_clients:0\r\n"
        "total_eviction_exceeded_time:%lld\r\ncurrent_eviction_exceeded_time:%lld\r\n"
        "keyspace_hits:%llu\r\nkeyspace_misses:%llu\r\n",
        (unsigned long long)(node->engine == NULL ? 0 : engine_expired_fields_count(node->engine)),
        (unsigned long long)(node->engine == NULL ? 0 : engine_expired_count(node->engine)),
        (unsigned long long)(node->engine == NULL ? 0 : engine_evicted_count(node->engine)),
        (long long)(exceeded_us / 1000), (long long)(exceeding_us / 1000),
        (unsigned long long)node->lookups.hits, (unsigned long long)node->lookups.misses);
    uint32_t topics[TOPIC_KINDS];
    pubsub_figures(node, topics);
    buf_printf(out, "pubsub_channels:%u\r\npubsub_patterns:%u\r\npubsubshard_channels:%u\r\n",
        topics[TOPIC_CHANNEL], topics[TOPIC_PATTERN], topics[TOPIC_SHARD]);
    struct tracking_figures tracking = tracking_figures(node);
    buf_printf(out,
        "tracking_total_keys:%llu\r\ntracking_total_items:%llu\r\ntracking_total_prefixes:%u\r\n",
        (unsigned long long)tracking.n_keys, (unsigned long long)tracking.n_items,
        tracking.n_prefixes);
    uint64_t denied[ACL_DENIED_CHANNEL + 1];
    acl_log_figures(node, denied);
    buf_printf(out,
        "acl_access_denied_auth:%llu\r\nacl_access_denied_cmd:%llu\r\n"
        "acl_access_denied_key:%llu\r\nacl_access_denied_channel:%llu\r\n",
        (unsigned long long)denied[ACL_DENIED_AUTH], (unsigned long long)denied[ACL_DENIED_COMMAND],
        (unsigned long long)denied[ACL_DENIED_KEY], (unsigned long long)denied[ACL_DENIED_CHANNEL]);
    struct process_figures figures = {0};
    node->ports.figures(node->ports.context, &figures);
    buf_printf(out,
        "latest_fork_usec:0\r\ntotal_forks:0\r\nunexpected_error_replies:0\r\n"
        "total_error_replies:%llu\r\ntotal_reads_processed:%llu\r\n"
        "total_writes_processed:%llu\r\nio_threaded_reads_processed:0\r\n"
        "io_threaded_writes_processed:0\r\nread_commands_processed:%llu\r\n"
        "write_commands_processed:%llu\r\neventloop_cycles:%llu\r\n"
        "instantaneous_eventloop_cycles_per_sec:%lld\r\nerrors_uncertain:%llu\r\n"
        "errors_unavailable:%llu\r\n",
        (unsigned long long)observe->n_errors, (unsigned long long)figures.net_reads,
        (unsigned long long)figures.net_writes, (unsigned long long)node->n_reads,
        (unsigned long long)node->n_writes, (unsigned long long)observe->n_turns,
        (long long)rate_of(node, RATE_TURNS), (unsigned long long)node->n_errors_uncertain,
        (unsigned long long)node->n_errors_unavailable);
}

void info_commandstats(struct node *node, struct buf *out) {
    buf_append_text(out, "# Commandstats\r\n");
    for (uint32_t i = 0; i < COMMANDS_TOTAL; i++) {
        const struct command_stats *stats = &node->observe->commands[i];
        if (stats->calls == 0 && stats->rejected == 0 && stats->failed == 0) continue;
        double usec = (double)stats->ns / 1000;
        buf_printf(out,
            "cmdstat_%s:calls=%llu,usec=%llu,usec_per_call=%.2f,rejected_calls=%llu,"
            "failed_calls=%llu\r\n",
            command_by_id(i)->name, (unsigned long long)stats->calls,
            (unsigned long long)stats->ns / 1000,
            stats->calls == 0 ? 0 : usec / (double)stats->calls,
            (unsigned long long)stats->rejected, (unsigned long long)stats->failed);
    }
}

void info_errorstats(struct node *node, struct buf *out) {
    buf_append_text(out, "# Errorstats\r\n");
    for (uint32_t i = 0; i < node->observe->n_error_codes; i++) {
        const struct error_stats *error = &node->observe->errors[i];
        char shown[ERROR_CODE_BYTES + 1] = {0}; /* scripts may say what would break the lines */
        for (int k = 0; error->code[k] != '\0'; k++)
            shown[k] = strchr("#:\r\n", error->code[k]) != NULL ? '_' : error->code[k];
        buf_printf(out, "errorstat_%s:count=%llu\r\n", shown, (unsigned long long)error->n);
    }
}

void info_latencystats(struct node *node, struct buf *out) {
    const struct observe_settings *settings = &node->settings.observe;
    buf_append_text(out, "# Latencystats\r\n");
    for (uint32_t i = 0; settings->latency_tracking && i < COMMANDS_TOTAL; i++) {
        const struct histogram *histogram = node->observe->commands[i].histogram;
        if (histogram == NULL) continue;
        buf_printf(out, "latency_percentiles_usec_%s:", command_by_id(i)->name);
        for (uint32_t k = 0; k < settings->n_percentiles; k++) {
            char text[DOUBLE_TEXT_MAX];
            size_t len = double_print(settings->percentiles[k], text);
            buf_printf(out, "%sp%.*s=%.3f", k == 0 ? "" : ",", (int)len, text,
                (double)histogram_percentile(histogram, settings->percentiles[k]) / 1000);
        }
        buf_append_text(out, "\r\n");
    }
}
