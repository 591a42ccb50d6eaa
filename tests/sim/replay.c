#include "sim/replay.h"

#include "engine/engine.h"
#include "keyspace/keyspace.h"
#include "node/internal.h"
#include "sim/listening.h"
#include "util/hash.h"

#include <stdio.h>

#define QUESTION_BYTES 200 /* of the replies, in a failure's text */

struct held {
    struct waiter_place place;
    size_t id;
};

/* What one engine's watcher has heard. */
struct heard {
    struct replay *replay; /* of the one that has grown: whose events count */
    struct replay_answer *answers;
    uint32_t n, cap;
};

struct replay {
    struct replay_evicted *evicted;
    uint32_t n_evicted, evicted_cap;
    struct heard of_grown, of_loaded;
    uint32_t n_given;  /* answers that replay_answers gave last */
    struct held *held; /* whoever may still wait */
    uint32_t n_held, held_cap;
    struct world *world;
    const struct cluster_record *record;
    struct engine *grown, *loaded;
    raft_index index; /* of the entry begun last */
    uint64_t reload_every;
};

/* -- the answers of those who waited --------------------------------------------------------- */

/* Ids begin with 0, holders with 1. */
static struct reply on_answer_begins(void *context, void *holder) {
    struct heard *heard = context;
    if (heard->n == heard->cap) {
        heard->cap = SF_MAX(8u, heard->cap * 2);
        heard->answers = sf_realloc(heard->answers, heard->cap * sizeof *heard->answers);
    }
    struct replay_answer *answer = &heard->answers[heard->n++];
    *answer = (struct replay_answer){.id = (size_t)(uintptr_t)holder - 1};
    return (struct reply){&answer->reply, 2};
}

/* One that began only waits on. */
static void on_answer_ends(void *context, void *holder) {
    const struct heard *heard = context;
    (void)holder;
    heard->answers[heard->n - 1].ended = true;
}

static void on_event(
    void *context, enum event_class class, const char *name, uint32_t db, struct slice key) {
    const struct heard *heard = context;
    (void)class;
    if (heard->replay != NULL)
        events_expect(heard->replay->world, heard->replay->index, name, db, key);
}

static void evicted_clear(struct replay *replay) {
    for (uint32_t i = 0; i < replay->n_evicted; i++) buf_free(&replay->evicted[i].key);
    replay->n_evicted = 0;
}

static void on_evicted(void *context, uint32_t db, struct slice key) {
    const struct heard *heard = context;
    struct replay *replay = heard->replay;
    if (replay == NULL) return;
    if (replay->n_evicted == replay->evicted_cap) {
        replay->evicted_cap = SF_MAX(16u, replay->evicted_cap * 2);
        replay->evicted =
            sf_realloc(replay->evicted, replay->evicted_cap * sizeof *replay->evicted);
    }
    struct replay_evicted *evicted = &replay->evicted[replay->n_evicted++];
    *evicted = (struct replay_evicted){.db = db};
    buf_append_slice(&evicted->key, key);
}

const struct replay_evicted *replay_evicted(const struct replay *replay, uint32_t *n) {
    *n = replay->n_evicted;
    return replay->evicted;
}

static void heard_clear(struct heard *heard) {
    for (uint32_t i = 0; i < heard->n; i++) buf_free(&heard->answers[i].reply);
    heard->n = 0;
}

/* The first n. */
static void heard_drop(struct heard *heard, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) buf_free(&heard->answers[i].reply);
    heard->n -= n;
    memmove(heard->answers, heard->answers + n, heard->n * sizeof *heard->answers);
}

static void heard_drop_begun(struct heard *heard) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < heard->n; i++) {
        if (heard->answers[i].ended)
            heard->answers[kept++] = heard->answers[i];
        else
            buf_free(&heard->answers[i].reply);
    }
    heard->n = kept;
}

void replay_hold(struct replay *replay, const struct waiter_place *place, size_t id) {
    if (replay->n_held == replay->held_cap) {
        replay->held_cap = SF_MAX(16u, replay->held_cap * 2);
        replay->held = sf_realloc(replay->held, replay->held_cap * sizeof *replay->held);
    }
    replay->held[replay->n_held++] = (struct held){*place, id};
    void *holder = (void *)(uintptr_t)(id + 1);
    if (!engine_hold(replay->grown, place, holder) || !engine_hold(replay->loaded, place, holder))
        world_fail(replay->world, "S1: who waits since %llu is not in the queue",
            (unsigned long long)replay->index);
}

/* An engine that was loaded anew has the queue, and knows nobody to tell. */
static void hold_again(struct replay *replay) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < replay->n_held; i++) {
        void *holder = (void *)(uintptr_t)(replay->held[i].id + 1);
        bool grown = engine_hold(replay->grown, &replay->held[i].place, holder);
        if (engine_hold(replay->loaded, &replay->held[i].place, holder) != grown)
            world_fail(replay->world, "S1: a waiter is lost or gained by loading the image of %llu",
                (unsigned long long)replay->index);
        if (grown) replay->held[kept++] = replay->held[i];
    }
    replay->n_held = kept;
}

static struct engine *engine_for(const struct replay *replay, struct heard *heard) {
    const struct node_settings *first = &replay->world->processes[0]->settings;
    struct engine_settings settings = {
        .n_dbs = first->databases,
        .proto_max_bulk_len = first->proto_max_bulk_len,
        .feature_level = SIM_LEVEL_MAX,
    };
    struct engine_watcher watcher = {.context = heard,
        .answer_begins = on_answer_begins,
        .answer_ends = on_answer_ends,
        .event = on_event,
        .evicted = on_evicted};
    secret_of_cluster(replay->record->id, &settings.secret);
    return engine_new(&settings, &watcher);
}

struct replay *replay_new(struct world *world, const struct cluster_record *record) {
    struct replay *replay = sf_alloc_zero(1, sizeof *replay);
    replay->world = world;
    replay->record = record;
    replay->of_grown.replay = replay;
    replay->grown = engine_for(replay, &replay->of_grown);
    replay->loaded = engine_for(replay, &replay->of_loaded);
    replay->reload_every =
        SF_MAX((uint64_t)record->n / (uint64_t)world_between(world, 3, 20), (uint64_t)1);
    return replay;
}

void replay_free(struct replay *replay) {
    engine_free(replay->grown);
    engine_free(replay->loaded);
    struct heard *all[] = {&replay->of_grown, &replay->of_loaded};
    for (int i = 0; i < 2; i++) {
        heard_clear(all[i]);
        sf_free(all[i]->answers);
    }
    evicted_clear(replay);
    sf_free(replay->evicted);
    sf_free(replay->held);
    sf_free(replay);
}

static bool differs(
    struct replay *replay, const char *what, struct slice grown, struct slice loaded) {
    if (slice_equal(grown, loaded)) return false;
    world_fail(replay->world, "S1: %s at %llu differs: grown %.*s, loaded %.*s", what,
        (unsigned long long)replay->index, (int)SF_MIN(grown.len, (size_t)QUESTION_BYTES),
        grown.data, (int)SF_MIN(loaded.len, (size_t)QUESTION_BYTES), loaded.data);
    return true;
}

bool replay_begin(struct replay *replay, raft_index index) {
    const struct committed *committed = &replay->record->log[index - 1];
    struct slice payload = bytes_slice(committed->payload);
    replay->index = index;
    evicted_clear(replay);
    if (engine_begin(replay->grown, index, committed->kind, payload) == SF_OK &&
        engine_begin(replay->loaded, index, committed->kind, payload) == SF_OK)
        return true;
    world_fail(
        replay->world, "S4: committed entry %llu cannot be decoded", (unsigned long long)index);
    return false;
}

bool replay_next(struct replay *replay, struct buf *reply, bool *waits) {
    struct engine_position grown, loaded;
    struct buf other = {0};
    struct reply first = {reply, 2}, second = {&other, 2};
    if (!engine_peek(replay->grown, &grown) || !engine_peek(replay->loaded, &loaded) ||
        grown.sequence != loaded.sequence || grown.position != loaded.position ||
        grown.stale != loaded.stale) {
        world_fail(replay->world, "S1: the engines are not at one place of entry %llu",
            (unsigned long long)replay->index);
        return false;
    }
    size_t before = reply->len;
    *waits = !engine_next(replay->grown, &first);
    bool waits_too = !engine_next(replay->loaded, &second);
    struct slice mine = slice_of(buf_slice(reply).data + before, reply->len - before);
    bool bad = differs(replay, "a reply", mine, buf_slice(&other));
    if (!bad && *waits != waits_too) {
        bad = true;
        world_fail(replay->world, "S1: a command of %llu waits in one engine only",
            (unsigned long long)replay->index);
    }
    buf_free(&other);
    return !bad;
}

const struct replay_answer *replay_answers(struct replay *replay, uint32_t *n) {
    static const struct replay_answer none;
    struct heard *grown = &replay->of_grown, *loaded = &replay->of_loaded;
    if (replay->n_given > 0) { /* those of the last time */
        heard_drop(grown, replay->n_given);
        heard_drop(loaded, replay->n_given);
    }
    heard_drop_begun(grown);
    heard_drop_begun(loaded);
    *n = replay->n_given = grown->n;
    if (grown->n != loaded->n) {
        world_fail(replay->world, "S1: %u waiters are answered in %llu, and %u", grown->n,
            (unsigned long long)replay->index, loaded->n);
        return NULL;
    }
    for (uint32_t i = 0; i < grown->n; i++) {
        if (grown->answers[i].id != loaded->answers[i].id) {
            world_fail(replay->world, "S1: waiters are answered in another order in %llu",
                (unsigned long long)replay->index);
            return NULL;
        }
        if (differs(replay, "a waiter's answer", buf_slice(&grown->answers[i].reply),
                buf_slice(&loaded->answers[i].reply)))
            return NULL;
    }
    return *n == 0 ? &none : grown->answers;
}

/* -- questions ------------------------------------------------------------------------------- */

/* %s: a key. What shows a state's form: order, encoding, chance, sizes. */
static const char *const questions[][5] = {
    {"SCAN", "0", "COUNT", "7"},
    {"KEYS", "*"},
    {"RANDOMKEY"},
    {"DBSIZE"},
    {"OBJECT", "ENCODING", "%s"},
    {"TYPE", "%s"},
    {"PEXPIRETIME", "%s"},
    {"SMEMBERS", "%s"},
    {"SRANDMEMBER", "%s", "-5"},
    {"SSCAN", "%s", "0", "COUNT", "9"},
    {"HGETALL", "%s"},
    {"HPTTL", "%s", "FIELDS", "1", "m1"},
    {"HRANDFIELD", "%s", "-3"},
    {"HSCAN", "%s", "0", "COUNT", "9"},
    {"ZRANGE", "%s", "0", "-1", "WITHSCORES"},
    {"ZRANDMEMBER", "%s", "-3"},
    {"LRANGE", "%s", "0", "-1"},
    {"GET", "%s"},
};

static void ask(struct replay *replay, struct engine *engine, uint32_t db, size_t number,
    const char *key, struct buf *out) {
    struct slice argv[5];
    uint32_t argc = 0;
    for (; argc < 5 && questions[number][argc] != NULL; argc++) {
        const char *word = questions[number][argc];
        argv[argc] = slice_text(strcmp(word, "%s") == 0 ? key : word);
    }
    const struct command *command = command_lookup(argc, argv);
    SF_ASSERT(command != NULL);
    struct reply reply = {out, 2};
    uint64_t seed = hash_mix(replay->index + number);
    (void)engine_query(engine, command, db, argc, argv, 0, true, seed, &reply);
}

static bool ask_both(struct replay *replay) {
    static const char *const keys[] = {
        "k0", "n0", "h0", "h1", "l0", "l1", "s0", "s1", "s2", "z0", "z1"};
    struct buf grown = {0}, loaded = {0};
    bool good = true;
    for (size_t i = 0; i < SF_LENGTH(questions) && good; i++) {
        for (size_t k = 0; k < SF_LENGTH(keys) && good; k++) {
            for (uint32_t db = 0; db < replay->world->processes[0]->settings.databases; db++) {
                ask(replay, replay->grown, db, i, keys[k], &grown);
                ask(replay, replay->loaded, db, i, keys[k], &loaded);
            }
            good = !differs(replay, questions[i][0], buf_slice(&grown), buf_slice(&loaded));
            buf_clear(&grown);
            buf_clear(&loaded);
        }
    }
    replay->world->coverage[COVER_QUESTIONED]++;
    buf_free(&grown);
    buf_free(&loaded);
    return good;
}

/* -- reloading ------------------------------------------------------------------------------- */

static bool reload(struct replay *replay) {
    struct buf image = {0}, again = {0};
    engine_free(replay->loaded);
    replay->loaded = engine_for(replay, &replay->of_loaded);
    engine_dump(replay->grown, &image);
    bool good = engine_load(replay->loaded, buf_slice(&image)) == SF_OK;
    if (!good)
        world_fail(replay->world, "an engine's image at %llu cannot be loaded",
            (unsigned long long)replay->index);
    if (good) engine_dump(replay->loaded, &again);
    if (good && !slice_equal(buf_slice(&image), buf_slice(&again))) {
        good = false;
        world_fail(replay->world, "S1: the image at %llu is another one once it was loaded",
            (unsigned long long)replay->index);
    }
    buf_free(&image);
    buf_free(&again);
    if (good) hold_again(replay);
    replay->world->coverage[COVER_RELOADED]++;
    return good && !replay->world->failed;
}

static bool is_digest(struct replay *replay, struct engine *engine, const char *who) {
    uint64_t digest = engine_digest(engine), known = replay->record->log[replay->index - 1].digest;
    if (digest == 0) digest = 1;
    if (replay->world->options.messages)
        world_note(replay->world, -1, "the state at %llu is %016llx: %s",
            (unsigned long long)replay->index, (unsigned long long)digest, who);
    if (known == 0 || known == digest) return true;
    world_fail(
        replay->world, "S1: the state at %llu differs: %s", (unsigned long long)replay->index, who);
    return false;
}

bool replay_skip(struct replay *replay, raft_index index) {
    const struct committed *committed = &replay->record->log[index - 1];
    replay->index = index;
    engine_skip(replay->grown, index, committed->kind, bytes_slice(committed->payload));
    engine_skip(replay->loaded, index, committed->kind, bytes_slice(committed->payload));
    return committed->digest == 0 ||
           (is_digest(replay, replay->grown, "grown from the log, an entry skipped") &&
               is_digest(replay, replay->loaded, "loaded from an image, an entry skipped"));
}

bool replay_end(struct replay *replay) {
    struct engine_position more;
    if (engine_peek(replay->grown, &more)) {
        world_fail(replay->world, "entry %llu has more commands than were counted",
            (unsigned long long)replay->index);
        return false;
    }
    engine_end(replay->grown);
    engine_end(replay->loaded);
    if (replay->record->log[replay->index - 1].digest != 0 &&
        (!is_digest(replay, replay->grown, "grown from the log") ||
            !is_digest(replay, replay->loaded, "loaded from an image, then grown")))
        return false;
    bool is_last = replay->index == replay->record->n;
    if (is_last || replay->index % replay->reload_every == 0)
        return ask_both(replay) && reload(replay);
    return true;
}
