/* Linearizable reads (dissertation, section 6.4; DESIGN 6).
 *
 * All reads that arrive in one loop turn are one round. A leader asks its core for a read index; a
 * follower asks the leader, and runs the reads itself once it has applied that far. An answer to a
 * round answers every earlier one too. Rounds are answered in order, so the greatest round that may
 * run tells all.
 *
 *   node -> leader (control)  read-ask     nonce round lease|index
 *   leader -> node (control)  read-answer  nonce round index clock */
#include "node/internal.h"

static struct read_round *round_at(struct node *node, uint32_t i) {
    return &node->rounds[(node->rounds_first + i) % ROUNDS_MAX];
}

/* Rounds are resolved from the front, so the last one tells. */
static bool all_resolved(const struct node *node) {
    if (node->rounds_n == 0) return true;
    return node->rounds[(node->rounds_first + node->rounds_n - 1) % ROUNDS_MAX].resolved;
}

void reads_add(struct node *node, struct pending *pending) {
    pending->round = node->next_round;
    node->round_wanted = true;
}

bool reads_may_run(struct node *node, struct session *session, struct pending *pending) {
    if (node->engine == NULL || !node_serves_data(node)) return false;
    if (pending->stale) return !fence_catches_up(node);
    if (session->settle_sequence > node->settled_sequence)
        SF_MARK("reads: a read waits for its session's uncertain command");
    if (session->settle_sequence > node->settled_sequence) return false;
    if (pending->settle_clock_ms > 0) return engine_now_ms(node->engine) > pending->tried_ms;
    return pending->round <= node->runnable_round;
}

/* -- resolving rounds ------------------------------------------------------------------------ */

/* Moves the runnable round up to what is resolved and applied. */
void reads_advance(struct node *node) {
    bool moved = false;
    while (node->rounds_n > 0) {
        struct read_round *round = round_at(node, 0);
        if (!round->resolved || round->index > engine_applied(node->engine)) break;
        SF_ASSERT(round->id > node->runnable_round);
        node->runnable_round = round->id;
        node->runnable_clock_ms = SF_MAX(node->runnable_clock_ms, round->clock_ms);
        node->rounds_first = (node->rounds_first + 1) % ROUNDS_MAX;
        node->rounds_n--;
        moved = true;
    }
    if (!moved) return;
    LIST_FOR_EACH(link, &node->waiters) {
        session_drain(SF_CONTAINER(link, struct session, in_waiters));
    }
}

static void resolve(struct node *node, uint64_t id, raft_index index, int64_t clock_ms) {
    for (uint32_t i = 0; i < node->rounds_n; i++) {
        struct read_round *round = round_at(node, i);
        if (round->id > id) break;
        if (round->resolved) continue;
        round->resolved = true;
        round->index = index;
        round->clock_ms = clock_ms;
    }
    reads_advance(node);
}

static void open_round(struct node *node) {
    if (!node->round_wanted || node->rounds_n == ROUNDS_MAX) return;
    node->round_wanted = false;
    node->rounds_n++;
    *round_at(node, node->rounds_n - 1) = (struct read_round){.id = node->next_round++};
}

/* -- asking ---------------------------------------------------------------------------------- */

static bool ticket_take(struct node *node, struct read_ticket ticket) {
    uint32_t capacity = SF_LENGTH(node->tickets);
    if (node->tickets_n == capacity) return false;
    ticket.ticket = node->next_ticket;
    enum sf_status status = ticket.lease_will_do
                                ? raft_read_lease(node->raft, ticket.ticket, node->now_us)
                                : raft_read_index(node->raft, ticket.ticket, node->now_us);
    if (status != SF_OK) return false;
    node->next_ticket++;
    node->tickets[(node->tickets_first + node->tickets_n++) % capacity] = ticket;
    return true;
}

static void ask_leader(struct node *node, raft_id leader, uint64_t round) {
    char text[2][INT_TEXT_MAX];
    bool lease = node->settings.read_mode != READ_INDEX;
    struct slice argv[4] = {SLICE("read-ask"),
        slice_of(text[0], uint_print(node->incarnation.nonce, text[0])),
        slice_of(text[1], uint_print(round, text[1])), lease ? SLICE("lease") : SLICE("index")};
    bool sent = peer_send(node, leader, false, 4, argv);
    node->round_ask_us = node->now_us + (sent ? ASK_AGAIN_US : ASK_AGAIN_US / 10);
}

static void ask_for_own(struct node *node) {
    if (all_resolved(node)) return;
    uint64_t newest = round_at(node, node->rounds_n - 1)->id;
    raft_id leader = raft_leader(node->raft);
    bool fresh = leader != node->round_asked_leader || newest > node->round_asked;
    if (leader == NOBODY || (!fresh && node->now_us < node->round_ask_us)) return;
    if (leader == node->identity.id) {
        struct read_ticket ticket = {.node = leader,
            .nonce = node->incarnation.nonce,
            .round = newest,
            .lease_will_do = node->settings.read_mode != READ_INDEX};
        if (!node_is_leader_serving(node) || !ticket_take(node, ticket)) return;
        node->round_ask_us = node->now_us + 10 * ASK_AGAIN_US;
    } else {
        ask_leader(node, leader, newest);
    }
    node->round_asked_leader = leader;
    node->round_asked = newest;
}

void reads_pump(struct node *node) {
    if (node->raft == NULL || node->identity_switching) return;
    open_round(node);
    if (node_is_leader_serving(node)) {
        uint32_t n = node->early_asks_n;
        node->early_asks_n = 0;
        for (uint32_t i = 0; i < n; i++) (void)ticket_take(node, node->early_asks[i]);
    }
    ask_for_own(node);
    raft_judge_lease(node->raft, node->now_us);
}

/* A new leader is asked before it serves. A later question of a member answers its earlier ones. */
static void keep_for_later(struct node *node, const struct read_ticket *ask) {
    uint32_t at = 0;
    while (at < node->early_asks_n && node->early_asks[at].node != ask->node) at++;
    if (at == SF_LENGTH(node->early_asks)) return; /* it asks again */
    SF_MARK("reads: a question before the leader serves");
    node->early_asks[at] = *ask;
    node->early_asks_n = SF_MAX(node->early_asks_n, at + 1);
}

/* A member's question. Where this node cannot answer now, the member asks again. */
void reads_on_ask(struct node *node, raft_id from, uint32_t argc, const struct slice *argv) {
    struct read_ticket ask = {.node = from};
    if (argc != 4 || !uint_parse(argv[1], &ask.nonce) || !uint_parse(argv[2], &ask.round)) return;
    ask.lease_will_do = slice_equal(argv[3], SLICE("lease"));
    if (!raft_leads(node)) return;
    if (!node_is_leader_serving(node)) {
        keep_for_later(node, &ask);
    } else if (!ticket_take(node, ask)) {
        node_log(node, LOG_DEBUG, "a read index is refused for now");
    }
}

void reads_on_answer(struct node *node, uint32_t argc, const struct slice *argv) {
    uint64_t nonce, round, index, clock_ms;
    if (argc != 5 || !uint_parse(argv[1], &nonce) || !uint_parse(argv[2], &round) ||
        !uint_parse(argv[3], &index) || !uint_parse(argv[4], &clock_ms)) {
        return;
    }
    if (nonce != node->incarnation.nonce) SF_MARK("reads: an answer to an earlier incarnation");
    if (nonce != node->incarnation.nonce || round >= node->next_round) return;
    if (node->engine == NULL || clock_ms > INT64_MAX / 2) return;
    resolve(node, round, index, (int64_t)clock_ms);
}

/* -- the leader's answers -------------------------------------------------------------------- */

static void answer_member(struct node *node, const struct read_ticket *ticket, raft_index index) {
    char text[4][INT_TEXT_MAX];
    uint64_t numbers[4] = {ticket->nonce, ticket->round, index, (uint64_t)clock_now_ms(node)};
    struct slice argv[5] = {SLICE("read-answer")};
    for (int i = 0; i < 4; i++) {
        argv[i + 1] = slice_of(text[i], uint_print(numbers[i], text[i]));
    }
    peer_send(node, ticket->node, false, 5, argv);
}

void reads_on_raft(struct node *node, const struct raft_read *reads, uint32_t n) {
    uint32_t capacity = SF_LENGTH(node->tickets);
    for (uint32_t i = 0; i < n; i++) {
        while (node->tickets_n > 0) {
            struct read_ticket ticket = node->tickets[node->tickets_first];
            if (ticket.ticket > reads[i].ticket) break; /* forgotten with an earlier leadership */
            node->tickets_first = (node->tickets_first + 1) % capacity;
            node->tickets_n--;
            if (ticket.ticket < reads[i].ticket) continue;
            if (reads[i].failed || !node->clock_running) {
                SF_MARK("reads: a round fails and is asked anew (rare)");
                node->round_asked_leader = NOBODY;
            } else if (ticket.node == node->identity.id) {
                resolve(node, ticket.round, reads[i].index, clock_now_ms(node));
            } else {
                answer_member(node, &ticket, reads[i].index);
            }
            break;
        }
    }
}

int64_t reads_deadline_us(const struct node *node) {
    return !all_resolved(node) && raft_leader(node->raft) != NOBODY
               ? SF_MAX(node->round_ask_us, node->now_us + 1000)
               : INT64_MAX;
}
