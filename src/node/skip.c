/* The entry that kills the node (DESIGN 7): noticed, named, stopped at, and skipped by an
 * operator's word.
 *
 * A skip is the cluster's: a node passes an entry by only when a majority of the voters has
 * promised, durably (in the identity file), never to run it; members tell each other in greetings
 * and by `skips`. So the majority's states are equal whatever single nodes did before: one that ran
 * the entry belongs to the minority, and is rebuilt; a skip that comes after a majority ran the
 * entry is dropped. */
#include "node/internal.h"

#include <stdio.h>

enum {
    DEATHS_LIMIT = 3,
    TELL_AGAIN_US = 1000000, /* a word may be lost with its link */
};

/* -- what is known --------------------------------------------------------------------------- */

static bool skip_equal(struct entry_skip a, struct entry_skip b) {
    return a.index == b.index && a.crc == b.crc;
}

static bool has_run(const struct node *node, struct entry_skip skip) {
    return node->engine != NULL && engine_applied(node->engine) >= skip.index &&
           !engine_has_skipped(node->engine, skip.index);
}

static bool is_promised(const struct node *node, struct entry_skip skip) {
    for (uint32_t i = 0; i < node->identity.n_skips; i++) {
        if (skip_equal(node->identity.skips[i], skip)) return true;
    }
    return false;
}

static bool is_known(const struct node *node, struct entry_skip skip) {
    for (uint32_t i = 0; i < node->skips.n; i++) {
        if (skip_equal(node->skips.known[i], skip)) return true;
    }
    return false;
}

/* Keeps the latest ones. */
static void known_add(struct skips *skips, struct entry_skip skip) {
    if (skips->n == SKIPS_MAX) {
        if (skip.index < skips->known[0].index) return;
        skips->n--;
        memmove(skips->known, skips->known + 1, skips->n * sizeof skips->known[0]);
    }
    uint32_t at = skips->n++;
    for (; at > 0 && skips->known[at - 1].index > skip.index; at--) {
        skips->known[at] = skips->known[at - 1];
    }
    skips->known[at] = skip;
}

static void known_remove(struct skips *skips, uint32_t at) {
    skips->n--;
    memmove(&skips->known[at], &skips->known[at + 1], (skips->n - at) * sizeof skips->known[0]);
}

/* -- the majority ---------------------------------------------------------------------------- */

struct question {
    struct node *node;
    struct skip_word word;
};

static uint64_t says(void *context, raft_id id) {
    const struct question *question = context;
    struct node *node = question->node;
    struct entry_skip skip = question->word.skip;
    if (id == node->identity.id) {
        return question->word.ran ? has_run(node, skip)
                                  : is_promised(node, skip) && !has_run(node, skip);
    }
    const struct peer *peer = peer_of(node, id);
    for (uint32_t i = 0; peer != NULL && i < peer->skips.n; i++) {
        const struct skip_word *word = &peer->skips.words[i];
        if (skip_equal(word->skip, skip)) return word->ran == question->word.ran;
    }
    return 0;
}

static bool majority_says(const struct node *node, struct entry_skip skip, bool ran) {
    if (node->raft == NULL) return false;
    struct question question = {(struct node *)(uintptr_t)node, {skip, ran}};
    return configuration_quorum_value(raft_configuration(node->raft), says, &question) == 1;
}

/* -- telling --------------------------------------------------------------------------------- */

void skips_words(const struct node *node, struct skip_words *out) {
    *out = (struct skip_words){.n = 0};
    for (uint32_t i = 0; i < node->skips.n; i++) {
        struct skip_word word = {node->skips.known[i], has_run(node, node->skips.known[i])};
        if (word.ran || is_promised(node, word.skip)) out->words[out->n++] = word;
    }
}

void skips_put(const struct skip_words *words, struct buf *out) {
    put_varint(out, words->n);
    for (uint32_t i = 0; i < words->n; i++) {
        put_varint(out, words->words[i].skip.index);
        put_u32(out, words->words[i].skip.crc);
        put_u8(out, words->words[i].ran);
    }
}

void skips_read(struct reader *in, struct skip_words *out) {
    *out = (struct skip_words){.n = 0};
    uint64_t n = read_varint(in);
    if (n > SKIPS_MAX) in->failed = true;
    for (uint64_t i = 0; !in->failed && i < n; i++) {
        struct skip_word *word = &out->words[i];
        word->skip.index = read_varint(in);
        word->skip.crc = read_u32(in);
        word->ran = read_u8(in) != 0;
        if (word->skip.index == 0) in->failed = true;
    }
    if (!in->failed) out->n = (uint32_t)n;
}

void skips_tell(struct node *node, raft_id to) {
    struct buf bytes = {0};
    struct skip_words words;
    skips_words(node, &words);
    if (words.n == 0 && node->skips.said.n == 0) return;
    skips_put(&words, &bytes);
    struct slice argv[2] = {SLICE("skips"), buf_slice(&bytes)};
    peer_send(node, to, false, 2, argv);
    buf_free(&bytes);
}

static void tell_all(struct node *node) {
    struct skip_words words;
    skips_words(node, &words);
    struct skip_words *said = &node->skips.said;
    bool same = words.n == said->n;
    for (uint32_t i = 0; same && i < words.n; i++) {
        same = skip_equal(words.words[i].skip, said->words[i].skip) &&
               words.words[i].ran == said->words[i].ran;
    }
    if (same && node->now_us < node->skips.tell_again_us) return;
    node->skips.tell_again_us = node->now_us + TELL_AGAIN_US;
    for (uint32_t i = 0; i < node->n_peers; i++) skips_tell(node, node->peers[i].id);
    *said = words;
}

/* -- hearing --------------------------------------------------------------------------------- */

void skips_heard(struct node *node, raft_id from, const struct skip_words *words) {
    struct peer *peer = peer_of(node, from);
    if (peer == NULL) return;
    peer->skips = *words;
    for (uint32_t i = 0; i < words->n; i++) {
        struct entry_skip skip = words->words[i].skip;
        if (words->words[i].ran || is_known(node, skip)) continue;
        /* who has run it has to say so, whatever is known already: see drop_refused */
        if (!has_run(node, skip) && majority_says(node, skip, true)) continue;
        known_add(&node->skips, skip);
        node_log(node, LOG_WARNING, "node %016llx was told to skip entry %llu (%08x): %s",
            (unsigned long long)from, (unsigned long long)skip.index, skip.crc,
            has_run(node, skip) ? "this node has run it" : "so will this node");
    }
    node_wake(node);
}

void skips_on_message(struct node *node, raft_id from, uint32_t argc, const struct slice *argv) {
    if (argc != 2) return;
    struct reader in = reader_of(argv[1]);
    struct skip_words words;
    skips_read(&in, &words);
    if (!in.failed && in.rest.len == 0) skips_heard(node, from, &words);
}

/* -- the pump -------------------------------------------------------------------------------- */

static void drop_refused(struct node *node) {
    for (uint32_t i = node->skips.n; i-- > 0;) {
        struct entry_skip skip = node->skips.known[i];
        if (has_run(node, skip) || !majority_says(node, skip, true)) continue;
        if (engine_has_skipped(node->engine, skip.index)) continue; /* a restart changed its mind */
        node_log(node, LOG_WARNING,
            "entry %llu is not skipped: a majority of the members has run it. If it kills this "
            "node "
            "only, empty its directory and let it join anew",
            (unsigned long long)skip.index);
        known_remove(&node->skips, i);
    }
}

/* The identity file says what this node will never run. */
static void promise(struct node *node) {
    if (node->raft == NULL || node->identity_saved != node->identity_request) return;
    struct node_identity next = node->identity;
    next.n_skips = 0;
    for (uint32_t i = 0; i < node->skips.n; i++) {
        struct entry_skip skip = node->skips.known[i];
        if (!has_run(node, skip)) next.skips[next.n_skips++] = skip;
    }
    bool same = next.n_skips == node->identity.n_skips;
    for (uint32_t i = 0; same && i < next.n_skips; i++) {
        same = skip_equal(next.skips[i], node->identity.skips[i]);
    }
    if (!same) identity_save(node, &next);
}

/* This node's state is one that the majority's will never be: it begins anew with an empty log and
 * a new id, as a wiped node would, and takes the place of its old id when it has caught up. */
static void rebuild(struct node *node, struct entry_skip skip) {
    if (!node_begin_anew(node)) return; /* next turn */
    node_log(node, LOG_WARNING,
        "this node ran entry %llu, which a majority of the members skips: it is rebuilt from "
        "theirs",
        (unsigned long long)skip.index);
}

static void rebuild_if_other(struct node *node) {
    if (node->identity_saved != node->identity_request) return;
    if (node->identity.state != IDENTITY_MEMBER || node->self_removed) return;
    for (uint32_t i = 0; i < node->skips.n; i++) {
        struct entry_skip skip = node->skips.known[i];
        if (!has_run(node, skip) || !majority_says(node, skip, false)) continue;
        rebuild(node, skip);
        return;
    }
}

void skips_pump(struct node *node) {
    struct skips *skips = &node->skips;
    if (node->identity_switching) return;
    if (skips->held_at != 0 && node->engine != NULL &&
        engine_applied(node->engine) >= skips->held_at) {
        skips->held_at = 0; /* by a snapshot */
    }
    if (skips->n == 0 && node->identity.n_skips == 0) return;
    drop_refused(node);
    promise(node);
    tell_all(node);
    rebuild_if_other(node);
}

/* -- applying -------------------------------------------------------------------------------- */

static bool killed_us(const struct node *node, raft_index index) {
    const struct applying_note *note = &node->skips.note;
    return note->died_at == index && note->deaths >= DEATHS_LIMIT;
}

static enum skip_verdict judge(const struct node *node, struct entry_skip entry) {
    if (is_known(node, entry)) {
        bool may_pass = is_promised(node, entry) && majority_says(node, entry, false);
        return may_pass ? SKIP_PASS : SKIP_HOLD;
    }
    return killed_us(node, entry.index) ? SKIP_HOLD : SKIP_RUN;
}

static bool is_named(const struct node *node, raft_index index) {
    for (uint32_t i = 0; i < node->skips.n; i++) {
        if (node->skips.known[i].index == index) return true;
    }
    return killed_us(node, index);
}

static void hold(struct node *node, const struct raft_entry *entry, struct entry_skip skip) {
    struct skips *skips = &node->skips;
    skips->held_for_others = is_known(node, skip);
    if (skips->held_at == skip.index) return;
    skips->held_at = skip.index;
    skips->held_crc = skip.crc;
    char text[320];
    skips_error(node, text, sizeof text);
    node_log(node, LOG_WARNING,
        "nothing is applied from entry %llu on (kind %u, term %llu, %zu bytes): %s",
        (unsigned long long)skip.index, entry->kind, (unsigned long long)entry->term,
        bytes_slice(entry->payload).len, text);
}

/* An entry is final here: a skip of another one at this index is an error of whoever wrote it. */
static void drop_others_at(struct node *node, struct entry_skip entry) {
    for (uint32_t i = node->skips.n; i-- > 0;) {
        struct entry_skip skip = node->skips.known[i];
        if (skip.index != entry.index || skip.crc == entry.crc) continue;
        node_log(node, LOG_WARNING, "entry %llu is not skipped: its checksum is %08x, not %08x",
            (unsigned long long)skip.index, entry.crc, skip.crc);
        known_remove(&node->skips, i);
    }
}

enum skip_verdict skips_judge(struct node *node, raft_index index, const struct raft_entry *entry) {
    if (!is_named(node, index)) return SKIP_RUN;
    struct entry_skip skip = {index, raft_entry_crc(entry)};
    drop_others_at(node, skip);
    enum skip_verdict verdict = judge(node, skip);
    if (verdict == SKIP_HOLD) hold(node, entry, skip);
    return verdict;
}

bool skips_hold(struct node *node, raft_index index) {
    struct skips *skips = &node->skips;
    if (skips->held_at == 0 || skips->held_at != index) return false;
    struct entry_skip skip = {index, skips->held_crc};
    if (judge(node, skip) == SKIP_HOLD) {
        skips->held_for_others = is_known(node, skip);
        return true;
    }
    skips->held_at = 0;
    return false;
}

void skips_note(struct node *node, raft_index index) {
    struct applying_note *note = &node->skips.note;
    if (note->index == index) return;
    if (note->died_at != 0 && note->index == note->died_at) { /* it lives: behind it */
        note->died_at = 0;
        note->deaths = 0;
    }
    note->index = index;
    node->ports.note_applying(node->ports.context, note);
}

void skips_passed(struct node *node, raft_index index) {
    node->skips.held_at = 0;
    node_log(node, LOG_WARNING, "entry %llu was skipped: its commands have not run",
        (unsigned long long)index);
    node_wake(node);
}

void skips_error(const struct node *node, char *out, size_t size) {
    const struct skips *skips = &node->skips;
    unsigned long long index = skips->held_at;
    if (skips->held_for_others) {
        snprintf(out, size,
            "CLUSTERDOWN Entry %llu:%08x of the log is to be skipped: this node applies nothing "
            "until "
            "a majority of the members knows of it, not executed",
            index, skips->held_crc);
    } else {
        snprintf(out, size,
            "CLUSTERDOWN Entry %llu:%08x of the log has killed this node %llu times: it applies "
            "nothing until it is started with --skip-entry %llu:%08x, not executed",
            index, skips->held_crc, (unsigned long long)skips->note.deaths, index, skips->held_crc);
    }
}

/* -- life ------------------------------------------------------------------------------------ */

void skips_begin(struct node *node, const struct node_start *start) {
    struct skips *skips = &node->skips;
    struct applying_note note = start->applying;
    if (note.node != node->identity.id) note = (struct applying_note){.index = 0};
    if (note.index != 0) {
        note.deaths = note.index == note.died_at ? note.deaths + 1 : 1;
        note.died_at = note.index;
        node_log(node, LOG_WARNING, "the process before died while it applied entry %llu%s",
            (unsigned long long)note.index, note.deaths > 1 ? ", again" : "");
    }
    note.index = 0;
    note.node = node->identity.id;
    skips->note = note;
    node->ports.note_applying(node->ports.context, &skips->note);
    for (uint32_t i = 0; i < node->identity.n_skips; i++) {
        known_add(skips, node->identity.skips[i]);
    }
    for (uint32_t i = 0; i < start->n_skips; i++) {
        if (!is_known(node, start->skips[i])) known_add(skips, start->skips[i]);
    }
}

void skips_other_log(struct node *node) {
    struct skips *skips = &node->skips;
    *skips = (struct skips){.note = {.node = node->identity.id}, .n = node->identity.n_skips};
    memcpy(skips->known, node->identity.skips, sizeof skips->known);
    node->ports.note_applying(node->ports.context, &skips->note);
}
