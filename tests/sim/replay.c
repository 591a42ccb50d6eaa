#include "sim/replay.h"

#include "engine/engine.h"
#include "keyspace/keyspace.h"
#include "node/internal.h"
#include "util/hash.h"

#include <stdio.h>

#define QUESTION_BYTES 200 /* of the replies, in a failure's text */

struct replay {
    struct world *world;
    const struct cluster_record *record;
    struct engine *grown, *loaded;
    raft_index index; /* of the entry begun last */
    uint64_t reload_every;
};

static struct engine *engine_for(const struct replay *replay) {
    const struct node_settings *first = &replay->world->processes[0]->settings;
    struct engine_settings settings = {
        .n_dbs = first->databases,
        .proto_max_bulk_len = first->proto_max_bulk_len,
        .feature_level = SIM_LEVEL_MAX,
    };
    secret_of_cluster(replay->record->id, &settings.secret);
    return engine_new(&settings, NULL);
}

struct replay *replay_new(struct world *world, const struct cluster_record *record) {
    struct replay *replay = sf_alloc_zero(1, sizeof *replay);
    replay->world = world;
    replay->record = record;
    replay->grown = engine_for(replay);
    replay->loaded = engine_for(replay);
    replay->reload_every =
        SF_MAX((uint64_t)record->n / (uint64_t)world_between(world, 3, 20), (uint64_t)1);
    return replay;
}

void replay_free(struct replay *replay) {
    engine_free(replay->grown);
    engine_free(replay->loaded);
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
    if (engine_begin(replay->grown, index, committed->kind, payload) == SF_OK &&
        engine_begin(replay->loaded, index, committed->kind, payload) == SF_OK)
        return true;
    world_fail(
        replay->world, "S4: committed entry %llu cannot be decoded", (unsigned long long)index);
    return false;
}

bool replay_next(struct replay *replay, struct buf *reply) {
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
    engine_next(replay->grown, &first);
    engine_next(replay->loaded, &second);
    struct slice mine = slice_of(buf_slice(reply).data + before, reply->len - before);
    bool bad = differs(replay, "a reply", mine, buf_slice(&other));
    buf_free(&other);
    return !bad;
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
    replay->loaded = engine_for(replay);
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
    replay->world->coverage[COVER_RELOADED]++;
    return good;
}

static bool is_digest(struct replay *replay, struct engine *engine, const char *who) {
    uint64_t digest = engine_digest(engine), known = replay->record->log[replay->index - 1].digest;
    if (digest == 0) digest = 1;
    if (known == 0 || known == digest) return true;
    world_fail(
        replay->world, "S1: the state at %llu differs: %s", (unsigned long long)replay->index, who);
    return false;
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
