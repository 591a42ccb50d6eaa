/* Digests of the state at marked places of the log (DESIGN 8): when marks are written, how each
 * node makes its digest, how they are exchanged and compared.
 *
 *   any -> any (control)     digest             id version index say progress total want
 *   any -> any (control)     digest-ranges-ask  index
 *   any -> any (bulk)        digest-ranges      index rest ranges(1024 times u64)
 *   node -> leader (control) verify             nonce number
 *
 * A node that has finished asks those whose word it has not (want 1), and says its own with it.
 * Only where totals differ are the ranges asked for. */
#include "node/internal.h"

enum {
    SLICE_UNITS = 1000,    /* of a walk: about 100 us ... */
    SLICE_EVERY_US = 1000, /* ... so a tenth of a processor */
    ASK_EVERY_US = 200000,
    STANDSTILL_US = 5000000, /* nothing moves anywhere: who has not answered does not */
    FAR_BEHIND = 4096,       /* entries: the digest would come too late for anybody */
    WALKS_SHARE = 50,        /* between two walks at least so many times as long as one takes */
    MARK_GAP_US = 100000,
    RANGES_BYTES = DIGEST_RANGES * 8,
};

/* -- rounds ---------------------------------------------------------------------------------- */

struct digest_round *digest_round_at(const struct node *node, raft_index index) {
    struct digest_round *rounds = node->digests->rounds;
    for (uint32_t i = 0; index > 0 && i < DIGEST_ROUNDS; i++) {
        if (rounds[i].index == index) return &rounds[i];
    }
    return NULL;
}

struct digest_round *digest_round_latest(const struct node *node) {
    struct digest_round *rounds = node->digests->rounds, *latest = &rounds[0];
    for (uint32_t i = 1; i < DIGEST_ROUNDS; i++) {
        if (rounds[i].index > latest->index) latest = &rounds[i];
    }
    return latest->index == 0 ? NULL : latest;
}

static void round_clear(struct digest_round *round) {
    for (uint32_t i = 0; i < round->n; i++) sf_free(round->words[i].full);
    sf_free(round->own.full);
    *round = (struct digest_round){.index = 0};
}

static struct digest_round *round_new(struct node *node, raft_index index) {
    struct digest_round *rounds = node->digests->rounds, *oldest = &rounds[0];
    for (uint32_t i = 1; i < DIGEST_ROUNDS; i++) {
        if (rounds[i].index < oldest->index) oldest = &rounds[i];
    }
    round_clear(oldest);
    oldest->index = index;
    oldest->own.id = node->identity.id;
    oldest->members = *raft_configuration(node->raft);
    oldest->moved_us = node->now_us;
    return oldest;
}

const struct digest_word *digest_word_of(const struct digest_round *round, raft_id id) {
    if (round->own.id == id) return &round->own;
    for (uint32_t i = 0; i < round->n; i++) {
        if (round->words[i].id == id) return &round->words[i];
    }
    return NULL;
}

static struct digest_word *word_place(struct digest_round *round, raft_id id) {
    for (uint32_t i = 0; i < round->n; i++) {
        if (round->words[i].id == id) return &round->words[i];
    }
    if (round->n == RAFT_MEMBERS_MAX) return NULL;
    round->words[round->n] = (struct digest_word){.id = id};
    return &round->words[round->n++];
}

static void round_moved(struct node *node, struct digest_round *round) {
    round->moved_us = node->now_us;
    round->fresh = true;
    node->digests->moves++;
}

/* -- comparing ------------------------------------------------------------------------------- */

struct question {
    const struct digest_round *round;
    uint64_t total;
};

static uint64_t has_total(void *context, raft_id id) {
    const struct question *question = context;
    const struct digest_word *word = digest_word_of(question->round, id);
    return word != NULL && word->say == DIGEST_DONE && word->total == question->total;
}

static bool is_majority(const struct digest_round *round, uint64_t total) {
    struct question question = {round, total};
    return configuration_quorum_value(&round->members, has_total, &question) == 1;
}

static bool is_final(const struct digest_word *word) {
    return word != NULL && (word->say == DIGEST_DONE || word->say == DIGEST_NEVER);
}

static void find_majority(struct digest_round *round) {
    for (uint32_t i = 0; i <= round->n; i++) {
        const struct digest_word *word = i < round->n ? &round->words[i] : &round->own;
        if (word->say != DIGEST_DONE || !is_majority(round, word->total)) continue;
        round->has_majority = true;
        round->majority = word->total;
        return;
    }
    round->has_majority = false;
}

static enum digest_verdict verdict_of(const struct digest_round *round) {
    const struct raft_configuration *members = &round->members;
    const struct digest_word *first = NULL;
    uint32_t n_silent = 0;
    bool differ = false;
    if (round->has_majority && round->own.say == DIGEST_DONE &&
        round->own.total != round->majority) {
        return DIGEST_DIFFERS;
    }
    for (uint32_t i = 0; i < members->n; i++) {
        const struct digest_word *word = digest_word_of(round, members->members[i].id);
        if (word == NULL || word->say != DIGEST_DONE) {
            n_silent++;
        } else if (first == NULL) {
            first = word;
        } else {
            differ = differ || word->total != first->total;
        }
    }
    if (differ) return round->has_majority ? DIGEST_OTHERS : DIGEST_SPLIT;
    if (!round->has_majority) return DIGEST_UNKNOWN;
    return n_silent == 0 ? DIGEST_EQUAL : DIGEST_PARTLY;
}

static bool all_have_spoken(const struct digest_round *round) {
    const struct raft_configuration *members = &round->members;
    for (uint32_t i = 0; i < members->n; i++) {
        if (!is_final(digest_word_of(round, members->members[i].id))) return false;
    }
    return true;
}

/* Whether the ranges of all that differ are there. */
static bool is_looked_at(const struct digest_round *round) {
    for (uint32_t i = 0; i < round->n; i++) {
        const struct digest_word *word = &round->words[i];
        if (word->say == DIGEST_DONE && round->own.say == DIGEST_DONE &&
            word->total != round->own.total && word->full == NULL)
            return false;
    }
    return true;
}

static void judge(struct node *node, struct digest_round *round) {
    if (round->closed || (round->settled && !round->fresh)) return;
    bool spoken = all_have_spoken(round);
    bool stands = node->now_us - round->moved_us >= STANDSTILL_US && is_final(&round->own);
    round->fresh = false;
    find_majority(round);
    enum digest_verdict verdict = verdict_of(round);
    if (verdict == DIGEST_DIFFERS || spoken || stands) round->verdict = verdict;
    round->settled = stands || (spoken && is_looked_at(round));
    if (round->has_majority && round->own.say == DIGEST_DONE) fence_judged(node, round);
    if (round->settled && !round->told) digest_tell_round(node, round);
}

/* -- telling each other ---------------------------------------------------------------------- */

static void send_word(
    struct node *node, raft_id to, raft_index index, const struct digest_word *word, bool want) {
    char text[7][INT_TEXT_MAX];
    uint64_t numbers[7] = {node->identity.id, STATE_DIGEST_VERSION, index, (uint64_t)word->say,
        word->progress, word->total, want};
    struct slice words[8] = {SLICE("digest")};
    for (int i = 0; i < 7; i++) words[i + 1] = slice_of(text[i], uint_print(numbers[i], text[i]));
    peer_send(node, to, false, 8, words);
}

static void answer_word(struct node *node, raft_id to, raft_index index) {
    struct digest_round *round = digest_round_at(node, index);
    struct digest_word unknown = {.say = DIGEST_NEVER};
    if (round == NULL && engine_applied(node->engine) < index) {
        unknown.say = DIGEST_COMING;
        unknown.progress = engine_applied(node->engine);
    }
    send_word(node, to, index, round != NULL ? &round->own : &unknown, false);
}

/* A word of an earlier id, late, says nothing of who lives there now. */
static void take_word(
    struct node *node, raft_id from, struct digest_round *round, const struct digest_word *said) {
    struct digest_word *word = word_place(round, from);
    if (word == NULL || word->say == DIGEST_DONE) return;
    bool moved = said->say != word->say || said->progress != word->progress;
    word->say = said->say;
    word->progress = said->progress;
    word->total = said->total;
    if (!moved) return;
    round_moved(node, round);
    node_wake(node);
}

bool digest_on_word(struct node *node, raft_id from, uint32_t argc, const struct slice *argv) {
    uint64_t id, version, index, say, want;
    struct digest_word said = {.id = from};
    if (argc != 8 || !uint_parse(argv[1], &id) || !uint_parse(argv[2], &version) ||
        !uint_parse(argv[3], &index) || !uint_parse(argv[4], &say) ||
        !uint_parse(argv[5], &said.progress) || !uint_parse(argv[6], &said.total) ||
        !uint_parse(argv[7], &want) || say > DIGEST_NEVER)
        return false;
    if (id != from) return true;
    struct digest_round *round = digest_round_at(node, index);
    said.say = version == STATE_DIGEST_VERSION ? (enum digest_say)say : DIGEST_NEVER;
    if (round != NULL) take_word(node, from, round, &said);
    if (want != 0) answer_word(node, from, index);
    return true;
}

static void ask_ranges(struct node *node, raft_id to, raft_index index) {
    char text[INT_TEXT_MAX];
    struct slice words[2] = {SLICE("digest-ranges-ask"), slice_of(text, uint_print(index, text))};
    peer_send(node, to, false, 2, words);
}

bool digest_on_ranges_ask(
    struct node *node, raft_id from, uint32_t argc, const struct slice *argv) {
    uint64_t index;
    if (argc != 2 || !uint_parse(argv[1], &index)) return false;
    const struct digest_round *round = digest_round_at(node, index);
    if (round == NULL || round->own.full == NULL) return true;
    struct buf ranges = {0};
    for (uint32_t i = 0; i < DIGEST_RANGES; i++) put_u64(&ranges, round->own.full->ranges[i]);
    char text[2][INT_TEXT_MAX];
    struct slice words[4] = {SLICE("digest-ranges"), slice_of(text[0], uint_print(index, text[0])),
        slice_of(text[1], uint_print(round->own.full->rest, text[1])), buf_slice(&ranges)};
    peer_send(node, from, true, 4, words);
    buf_free(&ranges);
    return true;
}

bool digest_on_ranges(struct node *node, raft_id from, uint32_t argc, const struct slice *argv) {
    uint64_t index, rest;
    if (argc != 4 || !uint_parse(argv[1], &index) || !uint_parse(argv[2], &rest)) return false;
    if (argv[3].len != RANGES_BYTES) return false;
    struct digest_round *round = digest_round_at(node, index);
    struct digest_word *word = round == NULL ? NULL : word_place(round, from);
    if (word == NULL || word->say != DIGEST_DONE || word->full != NULL) return true;
    struct state_digest *full = sf_alloc_zero(1, sizeof *full);
    full->index = index;
    full->rest = rest;
    for (uint32_t i = 0; i < DIGEST_RANGES; i++) full->ranges[i] = load_u64(argv[3].data + 8 * i);
    if (state_digest_total(full) != word->total) { /* not what it said before */
        sf_free(full);
        return true;
    }
    word->full = full;
    round_moved(node, round);
    node_wake(node);
    return true;
}

static void ask_others(struct node *node, struct digest_round *round) {
    const struct raft_configuration *members = &round->members;
    if (round->settled || !is_final(&round->own) || node->now_us < round->ask_us) return;
    round->ask_us = node->now_us + ASK_EVERY_US;
    for (uint32_t i = 0; i < members->n; i++) {
        raft_id id = members->members[i].id;
        const struct digest_word *word = digest_word_of(round, id);
        if (id == node->identity.id) continue;
        if (!is_final(word)) {
            send_word(node, id, round->index, &round->own, true);
        } else if (word->say == DIGEST_DONE && word->full == NULL &&
                   round->own.say == DIGEST_DONE && word->total != round->own.total) {
            ask_ranges(node, id, round->index);
        }
    }
}

/* -- the walk -------------------------------------------------------------------------------- */

void digests_state_replaced(struct node *node) {
    digests_drop_walk(node);
    for (uint32_t i = 0; i < DIGEST_ROUNDS; i++) { /* they say nothing of the state that it has */
        struct digest_round *round = &node->digests->rounds[i];
        if (round->index != 0 && round->own.say != DIGEST_DONE) round->own.say = DIGEST_NEVER;
        round->closed = round->settled = true;
    }
}

void digests_drop_walk(struct node *node) {
    struct digests *digests = node->digests;
    if (digests->walk == NULL) return;
    struct digest_round *round = digest_round_at(node, digest_walk_index(digests->walk));
    if (round != NULL) round->own.say = DIGEST_NEVER;
    digest_walk_end(digests->walk);
    digests->walk = NULL;
}

static void walk_begin(struct node *node, struct digest_round *round) {
    struct digests *digests = node->digests;
    bool late = raft_commit_index(node->raft) - round->index > FAR_BEHIND;
    round->own.say = DIGEST_NEVER;
    if (digests->walk != NULL || late) return;
    digests->walk = digest_walk_begin(node->engine);
    if (digests->walk == NULL) return;
    round->own.say = DIGEST_RUNNING;
    digests->walk_begun_us = digests->slice_us = node->now_us;
}

static void walk_go_on(struct node *node) {
    struct digests *digests = node->digests;
    uint64_t units = node->settings.digest_slice_units, done, n_keys;
    if (digests->walk == NULL || node->now_us < digests->slice_us) return;
    struct digest_round *round = digest_round_at(node, digest_walk_index(digests->walk));
    if (round == NULL) { /* its place was taken by a later one */
        digests_drop_walk(node);
        return;
    }
    struct state_digest *full = sf_alloc_zero(1, sizeof *full);
    digests->slice_us = node->now_us + SLICE_EVERY_US;
    bool ends = digest_walk_some(digests->walk, units > 0 ? units : SLICE_UNITS, full);
    digest_walk_progress(digests->walk, &done, &n_keys);
    round->own.progress++;
    round_moved(node, round);
    if (!ends) {
        sf_free(full);
        return;
    }
    round->own.say = DIGEST_DONE;
    round->own.full = full;
    round->own.total = state_digest_total(full);
    round->ask_us = 0;
    digests->walk_took_us = node->now_us - digests->walk_begun_us;
    digest_walk_end(digests->walk);
    digests->walk = NULL;
    node_log(node, LOG_VERBOSE, "digest of the state at %llu: %016llx, of %llu keys",
        (unsigned long long)round->index, (unsigned long long)round->own.total,
        (unsigned long long)n_keys);
}

void digests_marked(struct node *node, raft_index index, struct slice payload) {
    struct reader in = reader_of(payload);
    struct entry_stamp stamp;
    struct digest_mark mark;
    entry_read_stamp(&in, &stamp);
    bool good = entry_read_digest_mark(&in, &mark);
    SF_ASSERT(good); /* the engine has read it */
    node->digests->marked_us = node->now_us;
    node->digests->moves++;
    walk_begin(node, round_new(node, index));
    verifies_marked(node, index, &mark);
    node_wake(node);
}

/* -- marks: the leader ----------------------------------------------------------------------- */

static struct digest_asker *asker_of(struct digest_mark *mark, raft_id who) {
    for (uint32_t i = 0; i < mark->n; i++) {
        if (mark->askers[i].node == who) return &mark->askers[i];
    }
    return NULL;
}

static void asker_put(struct digest_mark *mark, struct digest_asker asker) {
    struct digest_asker *place = asker_of(mark, asker.node);
    if (place == NULL && mark->n == DIGEST_ASKERS_MAX) return; /* it asks again */
    if (place == NULL) place = &mark->askers[mark->n++];
    *place = asker;
}

static void follow_term(struct node *node) {
    struct digests *digests = node->digests;
    raft_term term = raft_current_term(node->raft);
    if (digests->term == term) return;
    digests->term = term; /* marks of an earlier one may be lost */
    digests->proposed = 0;
    digests->wanted = false;
    digests->asked.n = digests->answered.n = 0;
}

void digest_ask(struct node *node, raft_id who, uint64_t nonce, uint64_t number) {
    if (!node_is_leader_serving(node)) return;
    follow_term(node);
    struct digests *digests = node->digests;
    const struct digest_asker *answered = asker_of(&digests->answered, who);
    if (answered != NULL && answered->nonce == nonce && answered->number >= number) return;
    asker_put(&digests->asked, (struct digest_asker){who, nonce, number});
    digests->wanted = true;
    node_wake(node);
}

bool digest_on_verify(struct node *node, raft_id from, uint32_t argc, const struct slice *argv) {
    uint64_t nonce, number;
    if (argc != 3 || !uint_parse(argv[1], &nonce) || !uint_parse(argv[2], &number)) return false;
    digest_ask(node, from, nonce, number);
    return true;
}

bool digest_is_settled(const struct node *node) {
    const struct digests *digests = node->digests;
    const struct digest_round *round = digest_round_latest(node);
    if (digests->walk != NULL || digests->proposed > engine_applied(node->engine)) return false;
    return round == NULL || round->settled;
}

/* INT64_MAX: none is due by itself. */
static int64_t due_us(const struct node *node) {
    const struct digests *digests = node->digests;
    if (node->settings.digest_interval_ms == 0) return INT64_MAX;
    int64_t wait_us = SF_MIN(node->settings.digest_interval_ms, INT64_MAX / 4000) * 1000;
    return digests->marked_us + SF_MAX(wait_us, digests->walk_took_us * WALKS_SHARE);
}

static void propose_mark(struct node *node) {
    struct digests *digests = node->digests;
    struct buf out = {0};
    struct entry_stamp stamp = {clock_now_ms(node), random_next(&node->random), false};
    entry_put_stamp(&out, &stamp);
    entry_put_digest_mark(&out, &digests->asked);
    struct bytes *payload = bytes_new(buf_slice(&out).data, out.len);
    buf_free(&out);
    raft_index index = 0;
    enum sf_status status =
        raft_propose(node->raft, ENTRY_DIGEST_MARK, payload, node->now_us, &index);
    bytes_unref(payload);
    if (status != SF_OK) return; /* handing over: the next leader does it */
    SF_MARK("digest: a mark is written");
    for (uint32_t i = 0; i < digests->asked.n; i++)
        asker_put(&digests->answered, digests->asked.askers[i]);
    digests->asked.n = 0;
    digests->wanted = false;
    digests->proposed = index;
    node_wake(node);
}

static void lead(struct node *node) {
    if (!node_is_leader_serving(node) || raft_transferring(node->raft)) return;
    if (raft_configuration_index(node->raft) == 0) return;
    follow_term(node);
    bool due = node->now_us >= due_us(node);
    if ((!due && !node->digests->wanted) || !digest_is_settled(node)) return;
    if (node->now_us - node->digests->marked_us < MARK_GAP_US) return;
    propose_mark(node);
}

/* -- life ------------------------------------------------------------------------------------ */

void digests_open(struct node *node) {
    node->digests = sf_alloc_zero(1, sizeof *node->digests);
    list_init(&node->digests->verifies);
    node->digests->marked_us = node->now_us;
    node->digests->fence_index = node->identity.fence_index;
    node->digests->fence_leaves = node->identity.fence_leaves;
}

void digests_reset(struct node *node) {
    struct digests *digests = node->digests;
    digests_drop_walk(node);
    for (uint32_t i = 0; i < DIGEST_ROUNDS; i++) round_clear(&digests->rounds[i]);
    digests->equal_index = digests->differs_index = 0;
    digests->term = 0;
    digests->fence_index = 0;
    digests->fence_leaves = false;
    digests->rebuild_until_us = 0;
    memset(digests->requests, 0, sizeof digests->requests);
}

void digests_close(struct node *node) {
    verifies_free(node);
    sf_free(node->digests);
    node->digests = NULL;
}

void digests_pump(struct node *node) {
    if (node->raft == NULL || node->identity_switching || node->stopped) return;
    walk_go_on(node);
    for (uint32_t i = 0; i < DIGEST_ROUNDS; i++) {
        struct digest_round *round = &node->digests->rounds[i];
        if (round->index == 0) continue;
        judge(node, round);
        ask_others(node, round);
    }
    fence_lead(node);
    lead(node);
    verifies_pump(node);
    fence_pump(node);
}

int64_t digests_deadline_us(const struct node *node) {
    const struct digests *digests = node->digests;
    int64_t deadline = SF_MIN(INT64_MAX, fence_deadline_us(node));
    if (digests->walk != NULL) deadline = SF_MIN(deadline, digests->slice_us);
    for (uint32_t i = 0; i < DIGEST_ROUNDS; i++) {
        const struct digest_round *round = &digests->rounds[i];
        if (round->index == 0 || round->settled || !is_final(&round->own)) continue;
        deadline = SF_MIN(deadline, round->ask_us);
    }
    if (!list_empty(&digests->verifies)) deadline = SF_MIN(deadline, node->now_us + ASK_EVERY_US);
    if (!node_is_leader_serving(node) || !digest_is_settled(node)) return deadline;
    int64_t gap_us = digests->marked_us + MARK_GAP_US;
    return SF_MIN(deadline, digests->wanted ? gap_us : SF_MAX(due_us(node), gap_us));
}
