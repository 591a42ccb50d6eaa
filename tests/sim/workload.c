/* Commands over few keys. A write's place in the log is found by its words, so they must be free:
 * most hold a number of their own (in a value, an increment, a time); what has no place for one is
 * written in small and capital letters as no write with an unknown fate was. */
#include "sim/client.h"
#include "sim/drills.h"
#include "sim/scripts.h"
#include "util/buf.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

enum { WORDS_MAX = 260, WORDS_TRIES = 6 };

struct words {
    struct world *world;
    unsigned long long unique;
    uint32_t argc;
    size_t starts[WORDS_MAX];
    struct buf text;
};

static void word(struct words *words, const char *format, ...) SF_PRINTF(2, 3);

static void word(struct words *words, const char *format, ...) {
    char text[256];
    va_list args;
    SF_ASSERT(words->argc < WORDS_MAX);
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    words->starts[words->argc++] = words->text.len;
    buf_append_text(&words->text, text);
}

static bool chance(const struct words *words, uint32_t percent) {
    return world_chance(words->world, percent);
}

static unsigned long long below(const struct words *words, uint64_t bound) {
    return world_below(words->world, bound);
}

/* One of the strings in a list. */
static void one_of(struct words *words, uint32_t n, const char *const *texts) {
    word(words, "%s", texts[below(words, n)]);
}

/* -- keys and values. A key's letter is its type, mostly -------------------------------------- */

static void key(struct words *words, char type) {
    static const char types[] = "kknhlszqy";
    if (chance(words, 2)) type = types[below(words, sizeof types - 1)];
    unsigned n = type == 'k' ? 5 : type == 's' ? 3 : type == 'q' ? 2 : type == 'y' ? 1 : 2;
    word(words, "%c%llu", type, below(words, n));
}

static void any_key(struct words *words) {
    static const char types[] = "kkkkknnhhllsszzqqy";
    key(words, types[below(words, sizeof types - 1)]);
}

static void value(struct words *words) {
    if (words->world->large && chance(words, 20))
        word(words, "v%llu.%070d", words->unique, 0); /* longer than what is packed */
    else
        word(words, "v%llu", words->unique);
}

static void member(struct words *words) {
    if (words->world->large)
        word(words, chance(words, 50) ? "m%llu" : "%llu", below(words, 400));
    else
        word(words, "m%llu", below(words, 12));
}

static uint64_t how_many(const struct words *words) {
    return words->world->large && chance(words, 10) ? 1 + below(words, 120) : 1 + below(words, 3);
}

/* -- strings ---------------------------------------------------------------------------------- */

static void fill_set(struct words *words) {
    word(words, "SET");
    key(words, 'k');
    value(words);
    switch (below(words, 8)) {
    case 0:
        word(words, "NX");
        break;
    case 1:
        word(words, "XX");
        break;
    case 2:
        word(words, "PX");
        word(words, "%llu", 1 + below(words, 1500));
        break;
    case 3:
        word(words, "GET");
        break;
    case 4:
        word(words, "XX");
        word(words, "KEEPTTL");
        break;
    default:
        break;
    }
}

static void fill_many(struct words *words) {
    word(words, chance(words, 70) ? "MSET" : "MSETNX");
    uint64_t n = 1 + below(words, 3);
    for (uint64_t i = 0; i < n; i++) {
        any_key(words);
        word(words, "v%llu.%llu", words->unique, (unsigned long long)i);
    }
}

static void fill_counter(struct words *words) {
    static const char *const by_one[] = {"INCR", "DECR"}, *const by[] = {"INCRBY", "DECRBY"};
    bool one = chance(words, 30);
    one_of(words, 2, one ? by_one : by);
    key(words, 'n');
    if (!one) word(words, "%llu", words->unique);
}

static void fill_string(struct words *words) {
    static const char *const names[] = {"SETNX", "GETSET", "APPEND", "APPEND"};
    if (chance(words, 45)) {
        fill_set(words);
    } else if (chance(words, 10)) {
        word(words, "GETDEL");
        key(words, 'k');
    } else {
        one_of(words, 4, names);
        key(words, 'k');
        value(words);
    }
}

/* -- collections ------------------------------------------------------------------------------ */

/* Fields that die soon, or not after all. */
static void fill_set_fields(struct words *words) {
    bool keeps = chance(words, 15);
    uint64_t n = how_many(words);
    word(words, "HSETEX");
    key(words, 'h');
    if (!keeps && chance(words, 20)) word(words, "FNX");
    word(words, keeps ? "KEEPTTL" : "PX");
    if (!keeps) word(words, "%llu", 1 + below(words, 1500));
    word(words, "FIELDS");
    word(words, "%llu", (unsigned long long)n);
    for (; n > 0; n--) {
        member(words);
        value(words);
    }
}

static void fill_fields(struct words *words) {
    static const char *const names[] = {"HPEXPIRE", "HPEXPIRE", "HPERSIST", "HGETDEL"};
    uint64_t draw = below(words, SF_LENGTH(names)), n = how_many(words);
    word(words, "%s", names[draw]);
    key(words, 'h');
    if (draw < 2) word(words, "%llu", 1 + below(words, 1500));
    if (draw == 0) word(words, chance(words, 50) ? "NX" : "GT");
    word(words, "FIELDS");
    word(words, "%llu", (unsigned long long)n + 1);
    for (; n > 0; n--) member(words);
    word(words, "unique:%llu", words->unique);
}

static void fill_hash(struct words *words) {
    uint64_t draw = below(words, 10);
    if (chance(words, 30)) {
        (chance(words, 40) ? fill_set_fields : fill_fields)(words);
        return;
    }
    word(words, "%s", draw < 6 ? "HSET" : draw < 8 ? "HDEL" : "HINCRBY");
    key(words, 'h');
    if (draw >= 8) {
        word(words, chance(words, 90) ? "c%llu" : "m%llu", below(words, 3));
        word(words, "%llu", words->unique);
        return;
    }
    for (uint64_t n = how_many(words); n > 0; n--) {
        member(words);
        if (draw < 6) value(words);
    }
    if (draw >= 6) word(words, "unique:%llu", words->unique);
}

static void fill_list(struct words *words) {
    static const char *const pushes[] = {"LPUSH", "RPUSH"}, *const pops[] = {"LPOP", "RPOP"},
                             *const ends[] = {"LEFT", "RIGHT"};
    uint64_t draw = below(words, 20);
    if (draw < 8) {
        one_of(words, 2, pushes);
        key(words, 'l');
        for (uint64_t n = how_many(words); n > 0; n--) value(words);
    } else if (draw < 14) {
        one_of(words, 2, pops);
        key(words, 'l');
        if (chance(words, 30)) word(words, "%llu", 1 + below(words, 4));
    } else if (draw < 16) {
        word(words, "LMOVE");
        key(words, 'l');
        key(words, 'l');
        one_of(words, 2, ends);
        one_of(words, 2, ends);
    } else if (draw < 18) {
        word(words, "LTRIM");
        key(words, 'l');
        word(words, "%llu", below(words, 3));
        word(words, "%llu", 10 + below(words, 20));
    } else if (draw < 19) {
        word(words, "LSET");
        key(words, 'l');
        word(words, "%lld", (long long)below(words, 10) - 5);
        value(words);
    } else {
        word(words, "LREM");
        key(words, 'l');
        word(words, "0");
        word(words, "v%llu", below(words, words->unique + 1));
    }
}

static void fill_members(struct words *words) {
    for (uint64_t n = how_many(words); n > 0; n--) member(words);
    word(words, "unique:%llu", words->unique);
}

static void fill_of_set(struct words *words) {
    uint64_t draw = below(words, 10);
    if (draw < 3) { /* the number stays in the set: SREM and SPOP keep it small */
        word(words, "SADD");
        key(words, 's');
        fill_members(words);
    } else if (draw < 6) {
        word(words, "SPOP");
        key(words, 's');
    } else if (draw < 8) {
        word(words, "SREM");
        key(words, 's');
        fill_members(words);
    } else {
        word(words, "SMOVE");
        key(words, 's');
        key(words, 's');
        member(words);
    }
}

static void fill_zset(struct words *words) {
    static const char *const options[] = {"NX", "XX", "GT", "LT", "CH"}, *const pops[] = {
                                                                             "ZPOPMIN", "ZPOPMAX"};
    uint64_t draw = below(words, 10);
    if (draw < 4) {
        word(words, "ZADD");
        key(words, 'z');
        if (chance(words, 40)) one_of(words, 5, options);
        for (uint64_t n = how_many(words); n > 0; n--) {
            word(words, "%llu", words->unique);
            member(words);
        }
    } else if (draw < 6) {
        word(words, "ZINCRBY");
        key(words, 'z');
        word(words, "%llu", words->unique);
        member(words);
    } else if (draw < 8) {
        one_of(words, 2, pops);
        key(words, 'z');
    } else {
        word(words, "ZREM");
        key(words, 'z');
        fill_members(words);
    }
}

/* -- keys as such ----------------------------------------------------------------------------- */

static void fill_time(struct words *words) {
    if (chance(words, 10)) {
        word(words, "PERSIST");
        any_key(words);
    } else if (chance(words, 20)) {
        word(words, "EXPIRE");
        any_key(words);
        word(words, "%llu", 1000 + words->unique); /* seconds: never in a run */
    } else {
        word(words, "PEXPIRE");
        any_key(words);
        /* Soon, late, or at once: a number below zero deletes. */
        long long ms = (long long)words->unique;
        word(words, "%lld", words->unique % 5 == 0 ? -ms : ms % 40000);
    }
}

static void fill_keys(struct words *words) {
    uint64_t draw = below(words, 20);
    if (draw < 8) {
        word(words, chance(words, 50) ? "DEL" : "UNLINK");
        any_key(words);
        /* This one never exists: it only makes the call unlike any other. */
        if (chance(words, 70)) word(words, "unique:%llu", words->unique);
    } else if (draw < 13) {
        static const char types[] = "kknhlszq";
        char type = types[below(words, sizeof types - 1)];
        word(words, "RENAME");
        key(words, type);
        key(words, type);
    } else if (draw < 19 || chance(words, 70)) {
        fill_time(words);
    } else {
        word(words, "FLUSHDB");
    }
}

/* What those wait for who wait. */
static void fill_queue(struct words *words) {
    if (chance(words, 75)) {
        word(words, chance(words, 50) ? "LPUSH" : "RPUSH");
        key(words, 'q');
    } else {
        word(words, "ZADD");
        key(words, 'y');
        word(words, "%llu", words->unique);
    }
    for (uint64_t n = chance(words, 70) ? 1 : 3; n > 0; n--) {
        value(words);
        if (n == 1) return;
        if (slice_is(slice_of(buf_slice(&words->text).data, 4), "ZADD")) return;
    }
}

static void fill_script(struct words *words) {
    bool by_sha = chance(words, 50), moves = chance(words, 50);
    word(words, by_sha ? "EVALSHA" : "EVAL");
    if (moves) {
        uint64_t from = below(words, ACCOUNTS);
        word(words, "%s", by_sha ? SCRIPT_MOVE_SHA : SCRIPT_MOVE);
        word(words, "2");
        word(words, "a%u", (unsigned)from);
        word(words, "a%u", (unsigned)((from + 1 + below(words, ACCOUNTS - 1)) % ACCOUNTS));
        word(words, "%llu", 1 + below(words, 9));
    } else {
        word(words, "%s", by_sha ? SCRIPT_LIMIT_SHA : SCRIPT_LIMIT);
        word(words, "1");
        word(words, "r%llu", below(words, 2)); /* a key of nobody else's */
        word(words, "%llu", 100 + below(words, 2000));
    }
    word(words, "%llu", words->unique);
}

static void fill_write(struct words *words) {
    if (!words->world->evicts && chance(words, 4)) {
        fill_script(words);
        return;
    }
    uint64_t draw = below(words, 100);
    if (draw < 8)
        fill_queue(words);
    else if (draw < 35)
        fill_string(words);
    else if (draw < 45)
        fill_counter(words);
    else if (draw < 50)
        fill_many(words);
    else if (draw < 59)
        fill_hash(words);
    else if (draw < 68)
        fill_list(words);
    else if (draw < 77)
        fill_of_set(words);
    else if (draw < 86)
        fill_zset(words);
    else
        fill_keys(words);
}

/* -- reads ------------------------------------------------------------------------------------ */

static void fill_read_collection(struct words *words) {
    static const struct {
        const char *name;
        char type;
        const char *rest; /* m: a member, f: FIELDS 1 and one, r: all of a range, i: an index, w:
                             with scores */
    } reads[] = {{"HGET", 'h', "m"}, {"HMGET", 'h', "mm"}, {"HEXISTS", 'h', "m"}, {"HLEN", 'h', ""},
        {"HGETALL", 'h', ""}, {"HPEXPIRETIME", 'h', "f"}, {"LLEN", 'l', ""}, {"LINDEX", 'l', "i"},
        {"LRANGE", 'l', "r"}, {"SISMEMBER", 's', "m"}, {"SCARD", 's', ""}, {"SMEMBERS", 's', ""},
        {"SRANDMEMBER", 's', ""}, {"ZSCORE", 'z', "m"}, {"ZCARD", 'z', ""}, {"ZRANK", 'z', "m"},
        {"ZCOUNT", 'z', "ii"}, {"ZRANGE", 'z', "r"}, {"ZRANGE", 'z', "rw"}};
    size_t at = below(words, SF_LENGTH(reads));
    word(words, "%s", reads[at].name);
    key(words, reads[at].type);
    for (const char *rest = reads[at].rest; *rest != 0; rest++) {
        if (*rest == 'f') {
            word(words, "FIELDS");
            word(words, "1");
        }
        if (*rest == 'm' || *rest == 'f') member(words);
        if (*rest == 'i') word(words, "%lld", (long long)below(words, 20) - 5);
        if (*rest == 'w') word(words, "WITHSCORES");
        if (*rest != 'r') continue;
        word(words, "0");
        word(words, "-1");
    }
}

static void fill_read(struct words *words) {
    static const char *const of_strings[] = {"GET", "GET", "GET", "STRLEN"};
    static const char *const of_keys[] = {"PTTL", "PEXPIRETIME", "TYPE", "EXISTS"};
    uint64_t draw = below(words, 10);
    if (chance(words, 4)) {
        word(words, "MGET"); /* all accounts */
        for (unsigned i = 0; i < ACCOUNTS; i++) word(words, "a%u", i);
    } else if (draw < 4) {
        one_of(words, 4, of_strings);
        key(words, chance(words, 70) ? 'k' : 'n');
    } else if (draw < 5) {
        word(words, "MGET");
        any_key(words);
        any_key(words);
    } else if (draw < 7) {
        one_of(words, 4, of_keys);
        any_key(words);
        if (chance(words, 10) && words->text.len > 6 &&
            memcmp(buf_slice(&words->text).data, "EXISTS", 6) == 0)
            any_key(words);
    } else {
        fill_read_collection(words);
    }
}

/* Of one key, whose value tells every write from every other. */
static void fill_hot(struct words *words, bool writes) {
    word(words, writes ? "SET" : "GET");
    word(words, "k0");
    if (writes) value(words);
}

/* -- one call --------------------------------------------------------------------------------- */

static void words_clear(struct words *words) {
    words->argc = 0;
    buf_clear(&words->text);
}

static void words_slices(const struct words *words, struct slice *argv) {
    for (uint32_t i = 0; i < words->argc; i++) {
        size_t end = i + 1 < words->argc ? words->starts[i + 1] : words->text.len;
        argv[i] = slice_of(buf_slice(&words->text).data + words->starts[i], end - words->starts[i]);
    }
}

/* Writes the name anew, each letter small or capital. */
static void mix_letters(struct words *words) {
    char *name = words->text.data + words->text.start;
    size_t end = words->argc > 1 ? words->starts[1] : words->text.len;
    for (size_t i = 0; i < end; i++)
        if (chance(words, 50)) name[i] = (char)tolower(name[i]);
}

void workload_fill(struct world *world, uint64_t unique, struct client_call *call) {
    struct words words = {.world = world, .unique = unique};
    struct slice argv[WORDS_MAX];
    call->kind = world_chance(world, 55) ? CALL_WRITE : CALL_READ;
    if (drill_is_quiet(world)) call->kind = CALL_READ;
    bool hot = drill_is_hot(world) && world_chance(world, 70);
    if (call->kind == CALL_READ) {
        if (hot)
            fill_hot(&words, false);
        else
            fill_read(&words);
        words_slices(&words, argv);
    }
    for (int tries = 0; call->kind == CALL_WRITE; tries++) {
        words_clear(&words);
        if (hot)
            fill_hot(&words, true);
        else if (tries < WORDS_TRIES)
            fill_write(&words);
        else
            fill_set(&words);
        if (tries > 0) mix_letters(&words);
        words_slices(&words, argv);
        if (history_is_free(world->history, call->db, words.argc, argv)) break;
    }
    call_set_words(call, words.argc, argv);
    buf_free(&words.text);
}

/* PTTL is left out: its answer follows the reader's clock. */
void workload_fill_inner(struct world *world, uint64_t unique, struct client_call *call) {
    struct words words = {.world = world, .unique = unique};
    struct slice argv[WORDS_MAX];
    do {
        words_clear(&words);
        if (call->kind == CALL_WRITE)
            fill_write(&words);
        else
            fill_read(&words);
        words_slices(&words, argv);
    } while (slice_is(argv[0], "PTTL"));
    call_set_words(call, words.argc, argv);
    buf_free(&words.text);
}

void workload_fill_watch(struct world *world, struct client_call *call) {
    struct words words = {.world = world};
    struct slice argv[WORDS_MAX];
    word(&words, "WATCH");
    for (uint64_t n = 1 + below(&words, 3); n > 0; n--) any_key(&words);
    words_slices(&words, argv);
    call->kind = CALL_READ;
    call_set_words(call, words.argc, argv);
    buf_free(&words.text);
}

/* Seconds with the call's number in the digits behind the microseconds. */
static void seconds(struct words *words) {
    unsigned long long ms = chance(words, 60) ? 1 + below(words, 300) : 1 + below(words, 4000);
    word(words, "%llu.%03llu%06llu", ms / 1000, ms % 1000, words->unique % 1000000);
}

void workload_fill_blocking(struct world *world, uint64_t unique, struct client_call *call) {
    static const char *const ends[] = {"LEFT", "RIGHT"};
    struct words words = {.world = world, .unique = unique};
    struct slice argv[WORDS_MAX];
    uint64_t draw = below(&words, 10);
    if (draw < 6) {
        word(&words, chance(&words, 60) ? "BLPOP" : "BRPOP");
        for (uint64_t n = chance(&words, 60) ? 1 : 2; n > 0; n--)
            key(&words, chance(&words, 90) ? 'q' : 'l');
        bool for_ever = chance(&words, 20);
        if (for_ever) word(&words, "unique:%llu", words.unique);
        if (for_ever)
            word(&words, "0");
        else
            seconds(&words);
    } else if (draw < 8) {
        word(&words, "BLMOVE");
        key(&words, 'q');
        key(&words, chance(&words, 50) ? 'q' : 'l');
        one_of(&words, 2, ends);
        one_of(&words, 2, ends);
        seconds(&words);
    } else {
        word(&words, "BZPOPMIN");
        key(&words, 'y');
        if (chance(&words, 30)) key(&words, 'z');
        seconds(&words);
    }
    words_slices(&words, argv);
    call->kind = CALL_WRITE;
    call->blocks = true;
    call_set_words(call, words.argc, argv);
    buf_free(&words.text);
}
