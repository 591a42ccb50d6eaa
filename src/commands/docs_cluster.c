/* COMMAND DOCS and key specifications of the commands about the cluster. */
#include "commands/command_docs.h"

const struct command_docs docs_cluster = {
    .summary = "Commands about the cluster and its nodes.",
    .since = "3.0.0",
    .group = "cluster",
    .complexity = "as its subcommands",
};

const struct command_docs docs_cluster_count_failure_reports = {
    .summary = "Counts the nodes that report another one as failing.",
    .since = "3.0.0",
    .group = "cluster",
    .complexity = "O(N), N reports",
    .tips = TIPS("nondeterministic_output"),
    .arguments = ARGUMENTS(STRING("node-id")),
};

const struct command_docs docs_cluster_countkeysinslot = {
    .summary = "Counts the keys of a hash slot.",
    .since = "3.0.0",
    .group = "cluster",
    .complexity = "O(N), N keys",
    .arguments = ARGUMENTS(INTEGER("slot")),
};

const struct command_docs docs_cluster_failover = {
    .summary = "Makes this node the leader.",
    .since = "3.0.0",
    .group = "cluster",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(ONEOF("options", .flags = ARG_OPTIONAL,
        .arguments = ARGUMENTS(TOKEN("force", "FORCE"), TOKEN("takeover", "TAKEOVER")))),
};

const struct command_docs docs_cluster_forget = {
    .summary = "Removes a node from the cluster.",
    .since = "3.0.0",
    .group = "cluster",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(STRING("node-id")),
};

const struct command_docs docs_cluster_getkeysinslot = {
    .summary = "Returns some keys of a hash slot.",
    .since = "3.0.0",
    .group = "cluster",
    .complexity = "O(N), N keys",
    .tips = TIPS("nondeterministic_output"),
    .arguments = ARGUMENTS(INTEGER("slot"), INTEGER("count")),
};

const struct command_docs docs_cluster_help = {
    .summary = "Lists these subcommands.",
    .since = "5.0.0",
    .group = "cluster",
    .complexity = "O(1)",
};

const struct command_docs docs_cluster_info = {
    .summary = "Sums up the cluster's state.",
    .since = "3.0.0",
    .group = "cluster",
    .complexity = "O(1)",
    .tips = TIPS("nondeterministic_output"),
};

const struct command_docs docs_cluster_keyslot = {
    .summary = "Tells the hash slot of a key.",
    .since = "3.0.0",
    .group = "cluster",
    .complexity = "O(N), N bytes of the key",
    .arguments = ARGUMENTS(STRING("key")),
};

const struct command_docs docs_cluster_links = {
    .summary = "Lists the connections between nodes as this one sees them.",
    .since = "7.0.0",
    .group = "cluster",
    .complexity = "O(N), N nodes",
    .tips = TIPS("nondeterministic_output"),
};

const struct command_docs docs_cluster_meet = {
    .summary = "Joins a node and this one into one cluster.",
    .since = "3.0.0",
    .group = "cluster",
    .complexity = "O(1)",
    .arguments = ARGUMENTS(STRING("ip"), INTEGER("port"),
        INTEGER("cluster_bus_port", .since = "4.0.0", .flags = ARG_OPTIONAL)),
};

const struct command_docs docs_cluster_myid = {
    .summary = "Tells this node's id.",
    .since = "3.0.0",
    .group = "cluster",
    .complexity = "O(1)",
};

const struct command_docs docs_cluster_myshardid = {
    .summary = "Tells the id of this node's shard.",
    .since = "7.2.0",
    .group = "cluster",
    .complexity = "O(1)",
};

const struct command_docs docs_cluster_nodes = {
    .summary = "Lists the nodes, one a line, with roles and slots.",
    .since = "3.0.0",
    .group = "cluster",
    .complexity = "O(N), N nodes",
    .tips = TIPS("nondeterministic_output"),
};

const struct command_docs docs_cluster_replicas = {
    .summary = "Lists the replicas of a master.",
    .since = "5.0.0",
    .group = "cluster",
    .complexity = "O(N), N replicas",
    .tips = TIPS("nondeterministic_output"),
    .arguments = ARGUMENTS(STRING("node-id")),
};

const struct command_docs docs_cluster_reset = {
    .summary = "Takes a node that left a cluster back to its first state.",
    .since = "3.0.0",
    .group = "cluster",
    .complexity = "O(N), N nodes; may empty the data",
    .arguments = ARGUMENTS(ONEOF("hard_soft", .flags = ARG_OPTIONAL,
        .arguments = ARGUMENTS(TOKEN("hard", "HARD"), TOKEN("soft", "SOFT")))),
};

const struct command_docs docs_cluster_shards = {
    .summary = "Maps hash slots to shards and their nodes.",
    .since = "7.0.0",
    .group = "cluster",
    .complexity = "O(N), N nodes",
    .tips = TIPS("nondeterministic_output"),
};

const struct command_docs docs_cluster_slaves = {
    .summary = "Lists the replicas of a master, by its old name.",
    .since = "3.0.0",
    .group = "cluster",
    .complexity = "O(N), N replicas",
    .flags = DOC_DEPRECATED,
    .deprecated_since = "5.0.0",
    .replaced_by = "`CLUSTER REPLICAS`",
    .tips = TIPS("nondeterministic_output"),
    .arguments = ARGUMENTS(STRING("node-id")),
};

const struct command_docs docs_cluster_slots = {
    .summary = "Maps ranges of hash slots to nodes.",
    .since = "3.0.0",
    .group = "cluster",
    .complexity = "O(N), N nodes",
    .flags = DOC_DEPRECATED,
    .deprecated_since = "7.0.0",
    .replaced_by = "`CLUSTER SHARDS`",
    .tips = TIPS("nondeterministic_output"),
};

const struct command_docs docs_cluster_verify = {
    .summary = "Compares the nodes' states by a digest of each.",
    .since = "7.2.0",
    .group = "cluster",
    .complexity = "O(N), N elements of all keys, on every node in the background",
    .tips = TIPS("nondeterministic_output"),
};

const struct command_docs docs_readonly = {
    .summary = "Allows stale reads from this node on this connection.",
    .since = "3.0.0",
    .group = "cluster",
    .complexity = "O(1)",
};

const struct command_docs docs_readwrite = {
    .summary = "Takes READONLY back.",
    .since = "3.0.0",
    .group = "cluster",
    .complexity = "O(1)",
};
