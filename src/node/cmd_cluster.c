/* CLUSTER: what Redis Cluster would say of one shard that owns all slots; the leader is its master,
 * the followers are its replicas (DESIGN 12). */
#include "node/internal.h"

#include <openssl/evp.h>
#include <stdio.h>

enum { SLOTS = 16384, SILENT_US = 2000000 };

/* 40 hex digits as Redis has them: the id, and 24 more that follow from it. */
void cluster_node_name(raft_id id, char out[41]) {
    uint64_t a = hash_mix(id + 1), b = hash_mix(id + 2);
    snprintf(out, 41, "%016llx%016llx%08x", (unsigned long long)id, (unsigned long long)a,
        (unsigned)(b & 0xffffffff));
}

/* What clients are shown of a cluster id, which itself keys the hash tables. */
void cluster_shard_name(const char *cluster_id, char out[41]) {
    uint8_t digest[32];
    unsigned len = 0;
    struct buf text = {0};
    buf_printf(&text, "shard %s", cluster_id);
    EVP_Digest(buf_slice(&text).data, text.len, digest, &len, EVP_sha256(), NULL);
    buf_free(&text);
    for (int i = 0; i < 20; i++) snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* The members as this node knows them; a node without a cluster is alone. */
static struct raft_configuration members_of(const struct node *node) {
    if (node->raft != NULL && raft_configuration(node->raft)->n > 0) {
        return *raft_configuration(node->raft);
    }
    struct raft_configuration alone = {.n = 1};
    alone.members[0].id = node->identity.id;
    alone.members[0].address = node->settings.announce;
    if (alone.members[0].address.port == 0) alone.members[0].address.port = node->settings.port;
    if (alone.members[0].address.bus_port == 0) {
        alone.members[0].address.bus_port = node->settings.bus_port;
    }
    return alone;
}

/* Who is shown as master while an election is open: the last leader known. */
static raft_id master_of(const struct node *node, const struct raft_configuration *members) {
    raft_id leader = node->raft == NULL ? NOBODY : raft_leader(node->raft);
    if (leader == NOBODY) leader = node->last_leader;
    if (configuration_find(members, leader) == NULL) leader = members->members[0].id;
    return leader;
}

/* ours: the address by which this very client reached us, where we know no better. */
static const char *host_of(const struct session *session, const struct raft_member *member,
    char scratch[RAFT_HOST_MAX + 1]) {
    if (member->address.host[0] != '\0') return member->address.host;
    snprintf(scratch, RAFT_HOST_MAX + 1, "%s", session->local);
    char *colon = strrchr(scratch, ':');
    if (colon != NULL) *colon = '\0';
    return scratch;
}

static bool is_silent(struct node *node, raft_id id) {
    struct peer *peer = peer_of(node, id);
    return peer != NULL && peer->control == 0 &&
           node->now_us - SF_MAX(peer->last_heard_us, node->started_us) > SILENT_US;
}

/* A fresh node, or one that must not serve, claims nothing: nobody is to be sent to it. */
static bool has_slots(const struct node *node) {
    return node->identity.state != IDENTITY_FRESH && !node->fenced;
}

/* -- NODES, SLOTS, SHARDS, LINKS ------------------------------------------------------------- */

static void describe_node(
    struct local_call *call, const struct raft_member *member, raft_id master, struct buf *out) {
    struct node *node = call->node;
    char name[41], scratch[RAFT_HOST_MAX + 1], master_name[41] = "-";
    cluster_node_name(member->id, name);
    bool self = member->id == node->identity.id, leads = member->id == master;
    if (!leads) cluster_node_name(master, master_name);
    struct peer *peer = peer_of(node, member->id);
    long long heard =
        peer == NULL || peer->last_heard_us == 0
            ? 0
            : (long long)(node->wall_ms - (node->now_us - peer->last_heard_us) / 1000);
    buf_printf(out, "%s %s:%u@%u %s%s%s %s 0 %lld %llu %s", name,
        self || member->address.host[0] != '\0' ? host_of(call->session, member, scratch) : "",
        member->address.port, member->address.bus_port, self ? "myself," : "",
        leads ? "master" : "slave", is_silent(node, member->id) ? ",fail?" : "", master_name, heard,
        (unsigned long long)(node->raft == NULL ? 0 : raft_current_term(node->raft)),
        self || (peer != NULL && peer->control != 0) ? "connected" : "disconnected");
    if (leads && has_slots(node)) buf_printf(out, " 0-%d", SLOTS - 1);
    buf_append_char(out, '\n');
}

static void cluster_nodes(struct local_call *call) {
    struct raft_configuration members = members_of(call->node);
    raft_id master = master_of(call->node, &members);
    struct buf out = {0};
    for (uint32_t i = 0; i < members.n; i++) {
        describe_node(call, &members.members[i], master, &out);
    }
    reply_verbatim(call->reply, "txt", buf_slice(&out));
    buf_free(&out);
}

static void slots_node(struct local_call *call, const struct raft_member *member) {
    char name[41], scratch[RAFT_HOST_MAX + 1];
    cluster_node_name(member->id, name);
    reply_array(call->reply, 4);
    reply_bulk_text(call->reply, host_of(call->session, member, scratch));
    reply_integer(call->reply, member->address.port);
    reply_bulk_text(call->reply, name);
    reply_array(call->reply, 0);
}

static void cluster_slots(struct local_call *call) {
    struct raft_configuration members = members_of(call->node);
    raft_id master = master_of(call->node, &members);
    if (!has_slots(call->node)) {
        reply_array(call->reply, 0);
        return;
    }
    reply_array(call->reply, 1);
    reply_array(call->reply, 2 + members.n);
    reply_integer(call->reply, 0);
    reply_integer(call->reply, SLOTS - 1);
    slots_node(call, configuration_find(&members, master));
    for (uint32_t i = 0; i < members.n; i++) {
        if (members.members[i].id != master) slots_node(call, &members.members[i]);
    }
}

static void shards_node(struct local_call *call, const struct raft_member *member, raft_id master) {
    struct node *node = call->node;
    struct reply *reply = call->reply;
    char name[41], scratch[RAFT_HOST_MAX + 1];
    cluster_node_name(member->id, name);
    const char *host = host_of(call->session, member, scratch);
    struct raft_peer_status status = {0};
    bool self = member->id == node->identity.id;
    raft_index offset = self && node->engine != NULL ? engine_applied(node->engine) : 0;
    if (!self && node->raft != NULL && raft_peer(node->raft, member->id, &status)) {
        offset = status.match;
    }
    reply_map(reply, 7);
    reply_bulk_text(reply, "id");
    reply_bulk_text(reply, name);
    reply_bulk_text(reply, "port");
    reply_integer(reply, member->address.port);
    reply_bulk_text(reply, "ip");
    reply_bulk_text(reply, host);
    reply_bulk_text(reply, "endpoint");
    reply_bulk_text(reply, host);
    reply_bulk_text(reply, "role");
    reply_bulk_text(reply, member->id == master ? "master" : "replica");
    reply_bulk_text(reply, "replication-offset");
    reply_integer(reply, (int64_t)offset);
    reply_bulk_text(reply, "health");
    reply_bulk_text(reply, is_silent(node, member->id) ? "fail" : "online");
}

static void cluster_shards(struct local_call *call) {
    struct raft_configuration members = members_of(call->node);
    raft_id master = master_of(call->node, &members);
    reply_array(call->reply, 1);
    reply_map(call->reply, 2);
    reply_bulk_text(call->reply, "slots");
    reply_array(call->reply, has_slots(call->node) ? 2 : 0);
    if (has_slots(call->node)) {
        reply_integer(call->reply, 0);
        reply_integer(call->reply, SLOTS - 1);
    }
    reply_bulk_text(call->reply, "nodes");
    reply_array(call->reply, members.n);
    for (uint32_t i = 0; i < members.n; i++) {
        shards_node(call, &members.members[i], master);
    }
}

static void links_row(struct local_call *call, const struct link *link) {
    struct node *node = call->node;
    char name[41];
    cluster_node_name(link->peer, name);
    size_t backlog = node->ports.link_backlog(node->ports.context, link->number);
    int64_t born = node->wall_ms - (node->now_us - link->since_us) / 1000;
    reply_map(call->reply, 6);
    reply_bulk_text(call->reply, "direction");
    reply_bulk_text(call->reply, link->dialled ? "to" : "from");
    reply_bulk_text(call->reply, "node");
    reply_bulk_text(call->reply, name);
    reply_bulk_text(call->reply, "create-time");
    reply_integer(call->reply, born);
    reply_bulk_text(call->reply, "events");
    reply_bulk_text(call->reply, link->dialled && backlog > 0 ? "rw" : "r");
    reply_bulk_text(call->reply, "send-buffer-allocated");
    reply_integer(call->reply, (int64_t)backlog);
    reply_bulk_text(call->reply, "send-buffer-used");
    reply_integer(call->reply, (int64_t)backlog);
}

static void cluster_links(struct local_call *call) {
    struct reply_open open = reply_begin(call->reply);
    uint64_t n = 0;
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        const struct link *link = &call->node->links[i];
        if (link->number == 0 || link->state != LINK_READY || link->purpose == LINK_GREET) {
            continue;
        }
        links_row(call, link);
        n++;
    }
    reply_end(call->reply, open, REPLY_ARRAY, n);
}

static void cluster_info(struct local_call *call) {
    struct node *node = call->node;
    struct raft_configuration members = members_of(node);
    bool good = node_serves_data(node) && raft_leader(node->raft) != NOBODY;
    unsigned long long term = node->raft == NULL ? 0 : raft_current_term(node->raft);
    int slots = has_slots(node) ? SLOTS : 0;
    struct buf out = {0};
    buf_printf(&out,
        "cluster_state:%s\r\ncluster_slots_assigned:%d\r\ncluster_slots_ok:%d\r\n"
        "cluster_slots_pfail:0\r\ncluster_slots_fail:%d\r\ncluster_known_nodes:%u\r\n"
        "cluster_size:%d\r\ncluster_current_epoch:%llu\r\ncluster_my_epoch:%llu\r\n"
        "cluster_stats_messages_sent:0\r\ncluster_stats_messages_received:0\r\n"
        "total_cluster_links_buffer_limit_exceeded:0\r\n",
        good ? "ok" : "fail", slots, good ? slots : 0, good ? 0 : slots, members.n, slots > 0, term,
        term);
    reply_verbatim(call->reply, "txt", buf_slice(&out));
    buf_free(&out);
}

/* -- slots and keys -------------------------------------------------------------------------- */

static bool slot_argument(struct local_call *call, struct slice text, int64_t *slot) {
    if (!int_parse(text, slot)) {
        reply_error(call->reply, "ERR value is not an integer or out of range");
        return false;
    }
    if (*slot < 0 || *slot >= SLOTS) {
        reply_error(call->reply, "ERR Invalid slot");
        return false;
    }
    return true;
}

struct slot_walk {
    int64_t slot, wanted, n;
    int64_t now_ms;
    struct reply *reply;
};

static bool visit_slot(void *context, struct object *object) {
    struct slot_walk *walk = context;
    struct slice key = object_key(object);
    if (object_end_ms(object) <= walk->now_ms || (int64_t)key_slot(key) != walk->slot) return true;
    if (walk->reply != NULL) reply_bulk(walk->reply, key);
    walk->n++;
    return walk->wanted < 0 || walk->n < walk->wanted;
}

static void cluster_keys(struct local_call *call, bool names) {
    struct node *node = call->node;
    struct slot_walk walk = {.wanted = -1};
    if (!slot_argument(call, call->argv[2], &walk.slot)) return;
    if (names && (!int_parse(call->argv[3], &walk.wanted) || walk.wanted < 0)) {
        reply_error(call->reply, "ERR Invalid slot or number of keys");
        return;
    }
    struct reply_open open = {0};
    if (names) {
        walk.reply = call->reply;
        open = reply_begin(call->reply);
    }
    if (node->engine != NULL && walk.wanted != 0) {
        walk.now_ms = engine_now_ms(node->engine);
        db_walk(keyspace_db(engine_keyspace(node->engine), 0), visit_slot, &walk);
    }
    if (names) {
        reply_end(call->reply, open, REPLY_ARRAY, (uint64_t)walk.n);
    } else {
        reply_integer(call->reply, walk.n);
    }
}

/* -- changing the cluster -------------------------------------------------------------------- */

static void cluster_meet(struct local_call *call) {
    struct slice host = call->argv[2];
    uint64_t port, bus_port;
    if (call->argc > 5) {
        reply_error(call->reply, "ERR wrong number of arguments for 'cluster|meet' command");
        return;
    }
    if (!uint_parse(call->argv[3], &port)) {
        reply_errorf(call->reply, "ERR Invalid base port specified: %.*s",
            shown_bytes(call->argv[3], INT_MAX), call->argv[3].data);
        return;
    }
    bus_port = port + 10000;
    if (call->argc == 5 && !uint_parse(call->argv[4], &bus_port)) {
        reply_errorf(call->reply, "ERR Invalid bus port specified: %.*s",
            shown_bytes(call->argv[4], INT_MAX), call->argv[4].data);
        return;
    }
    bool bad_host = host.len == 0 || host.len > RAFT_HOST_MAX || memchr(host.data, 0, host.len);
    if (bad_host || port == 0 || port > UINT16_MAX || bus_port == 0 || bus_port > UINT16_MAX) {
        reply_errorf(call->reply, "ERR Invalid node address specified: %.*s:%.*s",
            shown_bytes(host, INT_MAX), host.data, shown_bytes(call->argv[3], INT_MAX),
            call->argv[3].data);
        return;
    }
    struct raft_address address = {.port = (uint16_t)port, .bus_port = (uint16_t)bus_port};
    memcpy(address.host, host.data, host.len);
    meet_begin(call->node, &address, local_hold(call));
}

static raft_id find_by_name(const struct raft_configuration *members, struct slice name) {
    for (uint32_t i = 0; i < members->n; i++) {
        char text[41];
        cluster_node_name(members->members[i].id, text);
        if (slice_is(name, text)) return members->members[i].id;
    }
    return NOBODY;
}

static void cluster_forget(struct local_call *call) {
    struct node *node = call->node;
    struct raft_configuration members = members_of(node);
    raft_id id = find_by_name(&members, call->argv[2]);
    if (id == NOBODY) {
        for (uint32_t i = 0; i < node->n_removed; i++) { /* again: it is gone already */
            char text[41];
            cluster_node_name(node->removed[i], text);
            if (!slice_is(call->argv[2], text)) continue;
            reply_status(call->reply, "OK");
            return;
        }
        reply_errorf(call->reply, "ERR Unknown node %.*s", shown_bytes(call->argv[2], INT_MAX),
            call->argv[2].data);
    } else if (id == node->identity.id) {
        reply_error(call->reply, "ERR I tried hard but I can't forget myself...");
    } else {
        errand_begin(node, ERRAND_FORGET, id, local_hold(call), 0);
    }
}

static void cluster_reset(struct local_call *call) {
    struct node *node = call->node;
    if (call->argc > 3 ||
        (call->argc == 3 && !slice_is(call->argv[2], "hard") && !slice_is(call->argv[2], "soft"))) {
        reply_error(call->reply, "ERR syntax error");
        return;
    }
    bool member =
        node->raft != NULL && !node->self_removed && raft_configuration(node->raft)->n > 1;
    struct greeting ours;
    greeting_of(node, &ours);
    if (member) {
        reply_error(call->reply,
            "ERR This node is a member of a cluster of several nodes: let one of "
            "the others CLUSTER FORGET it first, not executed");
    } else if (!ours.empty && !node->self_removed) {
        reply_error(
            call->reply, "ERR CLUSTER RESET can't be called with master nodes containing keys");
    } else if (node->identity_switching || node->identity_held != NULL) {
        reply_error(call->reply, "ERR this node changes its identity just now, not executed");
    } else {
        node->identity_held = local_hold(call);
        node_reset_identity(node);
    }
}

static void cluster_failover(struct local_call *call) {
    struct node *node = call->node;
    if (call->argc == 3 && slice_is(call->argv[2], "takeover")) {
        reply_error(call->reply,
            "ERR TAKEOVER is refused: a leader without a majority's vote could lose writes");
    } else if (call->argc > 3 || (call->argc == 3 && !slice_is(call->argv[2], "force"))) {
        reply_error(call->reply, "ERR syntax error");
    } else if (fence_is_up(node)) {
        reply_error(call->reply, "ERR This node's state differs from the others': it may not lead");
    } else if (raft_leads(node)) {
        reply_error(call->reply, "ERR You should send CLUSTER FAILOVER to a replica");
    } else {
        struct slice words[1] = {SLICE("take-over")};
        bool sent = node->raft != NULL && peer_send(node, raft_leader(node->raft), false, 1, words);
        if (sent) {
            reply_status(call->reply, "OK");
        } else {
            reply_error(call->reply,
                "ERR Master is down or failed: the others elect a leader by themselves");
        }
    }
}

static void cluster_replicas(struct local_call *call) {
    struct raft_configuration members = members_of(call->node);
    raft_id master = master_of(call->node, &members);
    raft_id id = find_by_name(&members, call->argv[2]);
    if (id == NOBODY) {
        reply_errorf(call->reply, "ERR Unknown node %.*s", shown_bytes(call->argv[2], INT_MAX),
            call->argv[2].data);
    } else if (id != master) {
        reply_error(call->reply, "ERR The specified node is not a master");
    } else {
        reply_array(call->reply, members.n - 1);
        for (uint32_t i = 0; i < members.n; i++) {
            if (members.members[i].id == master) continue;
            struct buf line = {0};
            describe_node(call, &members.members[i], master, &line);
            buf_truncate(&line, line.len - 1);
            reply_bulk(call->reply, buf_slice(&line));
            buf_free(&line);
        }
    }
}

static const char *const cluster_help[] = {"COUNTKEYSINSLOT <slot>",
    "    How many keys of database 0 hash to the slot.", "FAILOVER [FORCE]",
    "    Moves the leadership to this node.", "FORGET <node-id>", "    Removes a member.",
    "GETKEYSINSLOT <slot> <count>", "    Keys of the slot.", "INFO", "    The cluster's state.",
    "KEYSLOT <key>", "    The slot of a key.", "LINKS", "    Connections between the nodes.",
    "MEET <ip> <port> [<bus-port>]",
    "    Joins the cluster at that address, or lets that node join.", "MYID",
    "    The id of this node.", "MYSHARDID", "    The id of the shard.", "NODES",
    "    A line for each member.", "REPLICAS <node-id>", "    The replicas of the leader.",
    "RESET [HARD|SOFT]", "    Makes a removed or empty single node a new one.", "SHARDS",
    "    The one shard with its nodes.", "SLOTS", "    The one range of slots with its nodes.",
    "VERIFY", "    Compares the nodes' states by a digest at one place of the log.", NULL};

void local_cluster(struct local_call *call) {
    struct reply *reply = call->reply;
    char name[41];
    if (call->command->id == COMMAND_CLUSTER_NODES) {
        cluster_nodes(call);
    } else if (call->command->id == COMMAND_CLUSTER_SLOTS) {
        cluster_slots(call);
    } else if (call->command->id == COMMAND_CLUSTER_SHARDS) {
        cluster_shards(call);
    } else if (call->command->id == COMMAND_CLUSTER_INFO) {
        cluster_info(call);
    } else if (call->command->id == COMMAND_CLUSTER_LINKS) {
        cluster_links(call);
    } else if (call->command->id == COMMAND_CLUSTER_MYID) {
        cluster_node_name(call->node->identity.id, name);
        reply_bulk_text(reply, name);
    } else if (call->command->id == COMMAND_CLUSTER_MYSHARDID) {
        cluster_shard_name(call->node->identity.cluster_id, name);
        reply_bulk_text(reply, name);
    } else if (call->command->id == COMMAND_CLUSTER_KEYSLOT) {
        reply_integer(reply, key_slot(call->argv[2]));
    } else if (call->command->id == COMMAND_CLUSTER_COUNTKEYSINSLOT) {
        cluster_keys(call, false);
    } else if (call->command->id == COMMAND_CLUSTER_GETKEYSINSLOT) {
        cluster_keys(call, true);
    } else if (call->command->id == COMMAND_CLUSTER_REPLICAS ||
               call->command->id == COMMAND_CLUSTER_SLAVES) {
        cluster_replicas(call);
    } else if (call->command->id == COMMAND_CLUSTER_COUNT_FAILURE_REPORTS) {
        reply_integer(reply, 0);
    } else if (call->command->id == COMMAND_CLUSTER_MEET) {
        cluster_meet(call);
    } else if (call->command->id == COMMAND_CLUSTER_FORGET) {
        cluster_forget(call);
    } else if (call->command->id == COMMAND_CLUSTER_RESET) {
        cluster_reset(call);
    } else if (call->command->id == COMMAND_CLUSTER_FAILOVER) {
        cluster_failover(call);
    } else {
        reply_help(call->reply, "CLUSTER", cluster_help);
    }
}
