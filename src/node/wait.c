/* WAIT and WAITAOF: how many other nodes hold a session's writes on their disks.
 *
 * The leader knows what each member has synced. Another node asks it, and is told what is there at
 * once, and then whatever moves for as long as it goes on asking. What is told goes no further than
 * the teller's commit index, so that it speaks of the entries that everybody has or will have at
 * those places: it stays true whatever becomes of the teller.
 *
 *   node -> leader (control)  synced-ask
 *   leader -> node (control)  synced      { id index }* */
#include "node/internal.h"

enum {
    ASK_EVERY_US = 50000,
    TELL_FOR_US = 150000, /* after the last question */
    LOOK_AGAIN_US = 50000,
};

struct wait {
    struct list in_node;
    struct pending *held;
    bool aof; /* WAITAOF: two numbers */
    int64_t n_local, n_replicas;
    raft_index index; /* of the session's last write */
    bool unsettled;   /* one of its writes was answered -UNCERTAIN and is still on its way */
    int64_t deadline_us;
};

/* -- what is known --------------------------------------------------------------------------- */

static void learn(struct node *node, raft_id id, raft_index synced) {
    struct peer *peer = peer_of(node, id);
    if (peer != NULL) peer->synced = SF_MAX(peer->synced, synced);
}

/* A leader's own knowledge; true when something moved. */
static bool learn_from_raft(struct node *node) {
    raft_index commit = raft_commit_index(node->raft), sum = 0;
    for (uint32_t i = 0; i < node->n_peers; i++) {
        struct peer *peer = &node->peers[i];
        struct raft_peer_status status;
        if (raft_peer(node->raft, peer->id, &status))
            learn(node, peer->id, SF_MIN(status.match, commit));
        sum += peer->synced;
    }
    sum += SF_MIN(raft_synced_index(node->raft), commit);
    bool moved = sum != node->synced_sum;
    node->synced_sum = sum;
    return moved;
}

static int64_t count_replicas(struct node *node, const struct wait *wait) {
    int64_t n = 0;
    if (node->raft == NULL || wait->unsettled) return 0;
    const struct raft_configuration *now = raft_configuration(node->raft);
    for (uint32_t i = 0; i < node->n_peers; i++) {
        const struct peer *peer = &node->peers[i];
        n += configuration_find(now, peer->id) != NULL && peer->synced >= wait->index;
    }
    return n;
}

static int64_t count_local(struct node *node, const struct wait *wait) {
    if (node->raft == NULL) return wait->index == 0;
    return !wait->unsettled && raft_synced_index(node->raft) >= wait->index;
}

static void settle(struct node *node, struct wait *wait) {
    const struct session *session = wait->held->session;
    if (!wait->unsettled || session->settle_sequence > node->settled_sequence) return;
    wait->unsettled = false;
    wait->index = SF_MAX(wait->index, engine_applied(node->engine)); /* it is not beyond that */
}

static bool is_satisfied(struct node *node, struct wait *wait) {
    settle(node, wait);
    return count_replicas(node, wait) >= wait->n_replicas &&
           (!wait->aof || count_local(node, wait) >= wait->n_local);
}

static void answer(struct node *node, const struct wait *wait, struct reply *reply) {
    if (wait->aof) {
        reply_array(reply, 2);
        reply_integer(reply, count_local(node, wait));
    }
    reply_integer(reply, count_replicas(node, wait));
}

/* -- the commands ---------------------------------------------------------------------------- */

static bool integer_argument(
    struct local_call *call, uint32_t at, int64_t *out, const char *error) {
    if (int_parse(call->argv[at], out)) return true;
    reply_error(call->reply, error);
    return false;
}

static bool read_arguments(struct local_call *call, struct wait *wait) {
    static const char not_integer[] = "ERR value is not an integer or out of range";
    static const char not_positive[] = "ERR value is out of range, must be positive";
    int64_t timeout_ms;
    wait->aof = call->command->id == COMMAND_WAITAOF;
    if (wait->aof) {
        if (!integer_argument(call, 1, &wait->n_local, not_integer)) return false;
        if (wait->n_local < 0 || wait->n_local > 1) {
            reply_error(call->reply, "ERR value is out of range, value must between 0 and 1");
            return false;
        }
        if (!integer_argument(call, 2, &wait->n_replicas, not_positive)) return false;
        if (wait->n_replicas < 0) {
            reply_error(call->reply, not_positive);
            return false;
        }
    } else if (!integer_argument(call, 1, &wait->n_replicas, not_integer)) {
        return false;
    }
    if (!integer_argument(
            call, call->argc - 1, &timeout_ms, "ERR timeout is not an integer or out of range")) {
        return false;
    }
    if (timeout_ms < 0) {
        reply_error(call->reply, "ERR timeout is negative");
        return false;
    }
    bool for_ever = timeout_ms == 0 || timeout_ms > INT64_MAX / 2000;
    wait->deadline_us = for_ever ? INT64_MAX : call->node->now_us + timeout_ms * 1000;
    return true;
}

/* Runs at its turn: all earlier writes of the session are answered. */
void local_wait(struct local_call *call) {
    struct node *node = call->node;
    const struct session *session = call->session;
    struct wait wait = {.held = call->pending,
        .index = session->last_write_index,
        .unsettled = session->settle_sequence > node->settled_sequence};
    if (!read_arguments(call, &wait)) return;
    if (raft_leads(node)) (void)learn_from_raft(node);
    bool waits = call->pending != NULL; /* in a transaction nothing does */
    if (!waits || is_satisfied(node, &wait)) {
        answer(node, &wait, call->reply);
        return;
    }
    wait.held = local_hold(call);
    struct wait *kept = sf_alloc(sizeof *kept);
    *kept = wait;
    list_init(&kept->in_node);
    list_push_back(&node->waits, &kept->in_node);
    node_wake(node);
}

static void wait_free(struct wait *wait) {
    list_remove(&wait->in_node);
    sf_free(wait);
}

void waits_drop(struct node *node, struct pending *held) {
    LIST_FOR_EACH(link, &node->waits) {
        struct wait *wait = SF_CONTAINER(link, struct wait, in_node);
        if (wait->held == held) wait_free(wait);
    }
}

void waits_free(struct node *node) {
    LIST_FOR_EACH(link, &node->waits) {
        wait_free(SF_CONTAINER(link, struct wait, in_node));
    }
}

/* -- asking and telling ---------------------------------------------------------------------- */

void waits_on_ask(struct node *node, raft_id from) {
    struct peer *peer = peer_of(node, from);
    if (peer == NULL || !raft_leads(node)) return;
    peer->synced_told_until_us = node->now_us + TELL_FOR_US;
    node->synced_sum = 0; /* it is told now */
}

static bool is_asked(const struct node *node) {
    for (uint32_t i = 0; i < node->n_peers; i++) {
        if (node->peers[i].synced_told_until_us > node->now_us) return true;
    }
    return false;
}

static void tell(struct node *node) {
    struct slice words[1 + 2 * (RAFT_MEMBERS_MAX + 1)] = {SLICE("synced")};
    char text[2 * (RAFT_MEMBERS_MAX + 1)][INT_TEXT_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i <= node->n_peers; i++) { /* the last one is this node */
        bool self = i == node->n_peers;
        uint64_t numbers[2] = {self ? node->identity.id : node->peers[i].id,
            self ? SF_MIN(raft_synced_index(node->raft), raft_commit_index(node->raft))
                 : node->peers[i].synced};
        for (int k = 0; k < 2; k++, n++)
            words[n + 1] = slice_of(text[n], uint_print(numbers[k], text[n]));
    }
    for (uint32_t i = 0; i < node->n_peers; i++) {
        if (node->peers[i].synced_told_until_us > node->now_us)
            peer_send(node, node->peers[i].id, false, n + 1, words);
    }
}

void waits_on_synced(struct node *node, uint32_t argc, const struct slice *argv) {
    for (uint32_t i = 1; i + 1 < argc; i += 2) {
        uint64_t id, index;
        if (!uint_parse(argv[i], &id) || !uint_parse(argv[i + 1], &index)) return;
        if (id != node->identity.id) learn(node, id, index);
    }
    node_wake(node);
}

static void ask(struct node *node) {
    struct slice words[1] = {SLICE("synced-ask")};
    raft_id leader = raft_leader(node->raft);
    if (list_empty(&node->waits) || leader == NOBODY) return;
    if (node->now_us < node->synced_ask_us && leader == node->synced_asked) return;
    bool sent = peer_send(node, leader, false, 1, words);
    node->synced_asked = leader;
    node->synced_ask_us = node->now_us + (sent ? ASK_EVERY_US : ASK_EVERY_US / 10);
}

void waits_pump(struct node *node) {
    if (node->raft != NULL && !node->identity_switching) {
        bool asked = is_asked(node);
        if (!raft_leads(node)) {
            ask(node);
        } else if ((asked || !list_empty(&node->waits)) && learn_from_raft(node) && asked) {
            tell(node);
        }
    }
    LIST_FOR_EACH(link, &node->waits) {
        struct wait *wait = SF_CONTAINER(link, struct wait, in_node);
        if (!is_satisfied(node, wait) && node->now_us < wait->deadline_us) continue;
        struct reply reply = held_reply(wait->held);
        answer(node, wait, &reply);
        held_done(wait->held);
        wait_free(wait);
    }
}

int64_t waits_deadline_us(const struct node *node) {
    int64_t deadline = INT64_MAX;
    LIST_FOR_EACH(link, (struct list *)(uintptr_t)&node->waits) {
        deadline = SF_MIN(deadline, SF_CONTAINER(link, struct wait, in_node)->deadline_us);
        deadline = SF_MIN(deadline, node->now_us + LOOK_AGAIN_US);
    }
    return deadline;
}
