/* What came of comparing digests, for people: CLUSTER VERIFY, INFO, the log. */
#include "node/internal.h"

#include <stdio.h>

enum {
    ASK_AGAIN_SOON_US = 100000,
    STANDSTILL_US = 5000000,
    RANGES_NAMED = 8, /* runs of ranges that are listed; the others are counted */
};

/* -- differences ----------------------------------------------------------------------------- */

static void put_runs(
    const struct state_digest *a, const struct state_digest *b, uint32_t n, struct buf *out) {
    uint32_t runs = 0;
    buf_printf(out, "%u of %u ranges: ", n, (unsigned)DIGEST_RANGES);
    for (uint32_t i = 0; i < DIGEST_RANGES; i++) {
        uint32_t last = i;
        if (a->ranges[i] == b->ranges[i]) continue;
        while (last + 1 < DIGEST_RANGES && a->ranges[last + 1] != b->ranges[last + 1]) last++;
        if (runs++ == RANGES_NAMED) {
            buf_append_text(out, ", ...");
            return;
        }
        buf_printf(out, last > i ? "%s%u-%u" : "%s%u", runs > 1 ? ", " : "", i, last);
        i = last;
    }
}

void digest_describe(const struct state_digest *a, const struct state_digest *b, struct buf *out) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < DIGEST_RANGES; i++) n += a->ranges[i] != b->ranges[i];
    if (n > 0) put_runs(a, b, n, out);
    if (a->rest != b->rest)
        buf_append_text(out, n > 0 ? "; and besides the keys" : "besides the keys");
}

static const struct digest_word *word_with(const struct digest_round *round, uint64_t total) {
    for (uint32_t i = 0; i <= round->n; i++) {
        const struct digest_word *word = i < round->n ? &round->words[i] : &round->own;
        if (word->say == DIGEST_DONE && word->total == total && word->full != NULL) return word;
    }
    return NULL;
}

bool digest_difference(
    const struct digest_round *round, const struct digest_word *word, struct buf *out) {
    uint64_t right = round->has_majority ? round->majority : round->own.total;
    if (word->say != DIGEST_DONE || word->total == right) return false;
    const struct digest_word *like = word_with(round, right), *same = word_with(round, word->total);
    if (like == NULL || same == NULL) {
        buf_append_text(out, "not looked at more closely");
    } else {
        digest_describe(like->full, same->full, out);
    }
    return true;
}

/* -- INFO, the log --------------------------------------------------------------------------- */

static const char *verdict_text(enum digest_verdict verdict) {
    switch (verdict) {
    case DIGEST_OPEN:
        return "comparing";
    case DIGEST_EQUAL:
        return "equal";
    case DIGEST_PARTLY:
        return "equal-to-majority";
    case DIGEST_OTHERS:
        return "other-differs";
    case DIGEST_DIFFERS:
        return "differs";
    case DIGEST_SPLIT:
        return "no-majority";
    case DIGEST_UNKNOWN:
        return "unknown";
    }
    return "";
}

static void info_difference(
    const struct digest_round *round, const struct digest_word *word, struct buf *out) {
    struct buf text = {0};
    if (digest_difference(round, word, &text)) {
        char name[41];
        cluster_node_name(word->id, name);
        buf_printf(out, "digest_mismatch:id=%s,index=%llu,%.*s\r\n", name,
            (unsigned long long)round->index, (int)text.len, buf_slice(&text).data);
    }
    buf_free(&text);
}

void digests_info(const struct node *node, struct buf *out) {
    const struct digests *digests = node->digests;
    const struct digest_round *round = digest_round_latest(node);
    buf_printf(out, "digest_state:%s\r\ndigest_index:%llu\r\ndigest_equal_index:%llu\r\n",
        round == NULL ? "none" : verdict_text(round->verdict),
        round == NULL ? 0 : (unsigned long long)round->index,
        (unsigned long long)digests->equal_index);
    buf_printf(out, "digest_fenced:%d\r\n", fence_is_up(node));
    if (fence_is_up(node))
        buf_printf(out, "digest_fenced_at:%llu\r\n", (unsigned long long)digests->fence_index);
    if (digests->walk != NULL) {
        uint64_t done, n_keys;
        digest_walk_progress(digests->walk, &done, &n_keys);
        buf_printf(out, "digest_walk_keys:%llu\r\ndigest_walk_done:%llu\r\n",
            (unsigned long long)n_keys, (unsigned long long)done);
    }
    if (round == NULL || round->verdict == DIGEST_OPEN) return;
    for (uint32_t i = 0; i < round->n; i++) info_difference(round, &round->words[i], out);
    info_difference(round, &round->own, out);
}

void digest_tell_round(struct node *node, struct digest_round *round) {
    if (round->verdict != DIGEST_OTHERS && round->verdict != DIGEST_SPLIT) return;
    round->told = true;
    for (uint32_t i = 0; i < round->n; i++) {
        struct buf text = {0};
        if (digest_difference(round, &round->words[i], &text)) {
            node_log(node, LOG_WARNING,
                "DIGEST MISMATCH at %llu: the state of node %016llx differs from %s: %.*s",
                (unsigned long long)round->index, (unsigned long long)round->words[i].id,
                round->has_majority ? "the majority's" : "this node's", (int)text.len,
                buf_slice(&text).data);
        }
        buf_free(&text);
    }
    if (round->verdict == DIGEST_SPLIT)
        node_log(node, LOG_WARNING,
            "DIGEST MISMATCH at %llu: no majority of the members has equal states, so nobody can "
            "tell which one is right: nothing is fenced or rebuilt",
            (unsigned long long)round->index);
}

/* -- CLUSTER VERIFY -------------------------------------------------------------------------- */

struct verify {
    struct list in_digests;
    struct pending *held;
    uint64_t number;
    raft_index index; /* of its mark; 0: not applied yet */
    int64_t ask_us, moved_us;
    uint64_t seen_moves;
};

void local_verify(struct local_call *call) {
    struct node *node = call->node;
    if (node->raft == NULL || node->identity.state != IDENTITY_MEMBER || node->self_removed) {
        reply_error(call->reply, "CLUSTERDOWN This node belongs to no cluster, not executed");
        return;
    }
    struct verify *verify = sf_alloc_zero(1, sizeof *verify);
    verify->held = local_hold(call);
    verify->number = ++node->digests->verify_number;
    verify->moved_us = node->now_us;
    list_push_back(&node->digests->verifies, &verify->in_digests);
    node_wake(node);
}

static void verify_free(struct verify *verify) {
    list_remove(&verify->in_digests);
    sf_free(verify);
}

void verifies_drop(struct node *node, struct pending *held) {
    LIST_FOR_EACH(link, &node->digests->verifies) {
        struct verify *verify = SF_CONTAINER(link, struct verify, in_digests);
        if (verify->held == held) verify_free(verify);
    }
}

void verifies_free(struct node *node) {
    LIST_FOR_EACH(link, &node->digests->verifies) {
        verify_free(SF_CONTAINER(link, struct verify, in_digests));
    }
}

void verifies_marked(struct node *node, raft_index index, const struct digest_mark *mark) {
    for (uint32_t i = 0; i < mark->n; i++) {
        const struct digest_asker *asker = &mark->askers[i];
        if (asker->node != node->incarnation.node || asker->nonce != node->incarnation.nonce)
            continue;
        LIST_FOR_EACH(link, &node->digests->verifies) {
            struct verify *verify = SF_CONTAINER(link, struct verify, in_digests);
            if (verify->index == 0 && verify->number <= asker->number) verify->index = index;
        }
    }
}

static void ask_for_mark(struct node *node, struct verify *verify) {
    char text[2][INT_TEXT_MAX];
    if (verify->index != 0 || node->now_us < verify->ask_us) return;
    verify->ask_us = node->now_us + ASK_AGAIN_SOON_US;
    if (raft_leads(node)) {
        digest_ask(node, node->identity.id, node->incarnation.nonce, verify->number);
        return;
    }
    struct slice words[3] = {SLICE("verify"),
        slice_of(text[0], uint_print(node->incarnation.nonce, text[0])),
        slice_of(text[1], uint_print(verify->number, text[1]))};
    peer_send(node, raft_leader(node->raft), false, 3, words);
}

static void reply_word(const struct digest_round *round, raft_id id, struct reply *reply) {
    const struct digest_word *word = digest_word_of(round, id);
    struct buf text = {0};
    if (word == NULL || word->say == DIGEST_UNHEARD) {
        buf_append_text(&text, "no answer");
    } else if (word->say == DIGEST_NEVER) {
        buf_append_text(&text, "no digest: it was busy, far behind or restarted");
    } else if (word->say != DIGEST_DONE) {
        buf_append_text(&text, "not done in time");
    } else {
        struct buf how = {0};
        if (digest_difference(round, word, &how)) {
            buf_printf(&text, "differs in %.*s", (int)how.len, buf_slice(&how).data);
        } else {
            buf_append_text(&text, "equal");
        }
        buf_free(&how);
    }
    reply_bulk(reply, buf_slice(&text));
    buf_free(&text);
}

/* What the cluster is told to be, whoever is asked. */
static const char *verdict_for_all(const struct digest_round *round) {
    switch (round->verdict) {
    case DIGEST_EQUAL:
        return "equal";
    case DIGEST_OTHERS:
    case DIGEST_DIFFERS:
        return "differs";
    case DIGEST_SPLIT:
        return "differs, and no majority agrees";
    case DIGEST_OPEN:
    case DIGEST_PARTLY:
    case DIGEST_UNKNOWN:
        break;
    }
    return "incomplete";
}

static void answer(struct verify *verify, const struct digest_round *round) {
    const struct raft_configuration *members = &round->members;
    struct reply reply = held_reply(verify->held);
    char text[32];
    reply_map(&reply, 4);
    reply_bulk_text(&reply, "index");
    reply_integer(&reply, (int64_t)round->index);
    reply_bulk_text(&reply, "verdict");
    reply_bulk_text(&reply, verdict_for_all(round));
    reply_bulk_text(&reply, "digest");
    snprintf(text, sizeof text, "%016llx",
        (unsigned long long)(round->has_majority ? round->majority : 0));
    reply_bulk_text(&reply, round->has_majority ? text : "");
    reply_bulk_text(&reply, "nodes");
    reply_map(&reply, members->n);
    for (uint32_t i = 0; i < members->n; i++) {
        char name[41];
        cluster_node_name(members->members[i].id, name);
        reply_bulk_text(&reply, name);
        reply_word(round, members->members[i].id, &reply);
    }
}

static void end(struct verify *verify, const char *error) {
    struct reply reply = {&verify->held->reply, verify->held->proto};
    if (error != NULL) reply_error(&reply, error);
    held_done(verify->held);
    verify_free(verify);
}

static void pump_one(struct node *node, struct verify *verify) {
    struct digest_round *round = digest_round_at(node, verify->index);
    if (verify->seen_moves != node->digests->moves) verify->moved_us = node->now_us;
    verify->seen_moves = node->digests->moves;
    bool stands = node->now_us - verify->moved_us > STANDSTILL_US + ASK_AGAIN_SOON_US;
    if (verify->index == 0) {
        ask_for_mark(node, verify);
        if (stands) end(verify, "CLUSTERDOWN The cluster has no leader, not executed");
    } else if (round == NULL) {
        end(verify, "ERR later digests have taken the place of this one: ask again");
    } else if (round->settled || stands) {
        answer(verify, round);
        end(verify, NULL);
    }
}

void verifies_pump(struct node *node) {
    LIST_FOR_EACH(link, &node->digests->verifies) {
        pump_one(node, SF_CONTAINER(link, struct verify, in_digests));
    }
}
