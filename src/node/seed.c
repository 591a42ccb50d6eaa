/* What this node's file says of the cluster's settings counts once, when the cluster begins
 * (DESIGN 7): the node that leads alone proposes what differs from the default and was never set.
 */
#include "node/internal.h"

static void visit_setting(void *visitor, const char *name, const char *value) {
    struct node *node = visitor;
    struct thresholds defaults = THRESHOLDS_DEFAULT, ours = THRESHOLDS_DEFAULT;
    const struct memory_policy memory_default = MEMORY_POLICY_DEFAULT;
    struct memory_policy memory = memory_default;
    struct slice held,
        words[3] = {SLICE("shardforge.setting"), slice_text(name), slice_text(value)};
    uint64_t bytes = 0;
    if (strcmp(name, "notify-keyspace-events") == 0) {
        if (*value == '\0') return;
    } else if (strcmp(name, "requirepass") == 0) {
        if (*value == '\0' || acl_text_names_default(node->settings.users)) return;
    } else if (strcmp(name, "acl-pubsub-default") == 0) {
        if (strcmp(value, "resetchannels") == 0) return;
    } else if (strcmp(name, "proto-max-bulk-len") == 0) {
        if (!uint_parse(words[2], &bytes) || bytes == ENGINE_BULK_BYTES_DEFAULT) return;
    } else if (memory_policy_set(&memory, words[1], words[2])) {
        if (memcmp(&memory, &memory_default, sizeof memory) == 0) return;
    } else if (strcmp(name, "script-budget") == 0) {
        if (!uint_parse(words[2], &bytes) || bytes == 100000000) return;
    } else {
        if (!thresholds_set(&ours, words[1], words[2])) return;
        if (memcmp(&ours, &defaults, sizeof ours) == 0) return;
    }
    if (engine_setting(node->engine, words[1], &held)) return;
    stream_add(node, NULL, 0, 3, words);
}

void seed_settings(struct node *node) {
    static const struct slice patterns[] = {{"hash-max-listpack-*", 19}, {"set-max-*", 9},
        {"list-*", 6}, {"zset-max-listpack-*", 19}, {"stream-node-max-*", 17},
        {"hll-sparse-max-bytes", 20}, {"proto-max-bulk-len", 18}, {"script-budget", 13},
        {"notify-keyspace-events", 22}, {"maxmemory*", 10}, {"lfu-*", 5}, {"requirepass", 11},
        {"acl-pubsub-default", 18}};
    if (node->settings_seeded || !node_is_leader_serving(node)) return;
    node->settings_seeded = true;
    if (raft_configuration(node->raft)->n > 1) return;
    if (acl_revision(engine_acl(node->engine)) == 0) acl_seed(node); /* before requirepass */
    node->ports.config_get(node->ports.context, SF_LENGTH(patterns), patterns, visit_setting, node);
}
