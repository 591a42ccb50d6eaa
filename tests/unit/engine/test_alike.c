/* Random commands of every type, values from damaged dumps among them, on replicas with different
 * lives: one whose replies are heard, one whose nobody hears, one loaded from an image again and
 * again. After each entry their states are the same (S1, S2), and nothing that a client can send
 * stops them. ALIKE_SEEDS=n runs more seeds, ALIKE_FIRST=n begins at that one. */
#include "commands/command.h"
#include "engine/digest.h"
#include "engine/engine.h"
#include "raft/configuration.h"
#include "unit/check.h"
#include "util/codec.h"
#include "util/crc64.h"
#include "util/random.h"

#include <stdio.h>
#include <stdlib.h>

enum { HEARD, UNHEARD, LOADED, REPLICAS, STEPS = 4000, WORDS_MAX = 64 };
#define START_MS INT64_C(1700000000000)

static const struct engine_settings defaults = {1, 3, {1, 2}, 1 << 20};

struct alike {
    struct engine *engines[REPLICAS];
    struct random random;
    uint64_t sequence;
    int64_t now_ms;
    struct buf reply;
    struct buf dumps[8]; /* payloads that were seen, to be damaged */
    struct buf texts[WORDS_MAX];
    struct slice words[WORDS_MAX];
    uint32_t n_words;
    bool of_streams;
    char told[64];                       /* the beginning of the last reply */
    struct digest_walk *walks[REPLICAS]; /* begun at one index; NULL: none, or done */
    struct state_digest digests[REPLICAS];
};

/* key: K  value: V  integer: N  float: F  id: I  group: G  consumer: C  bit or count: B  dump: D */
static const char *const forms[] = {"SET K V", "SET K N", "SET K V PX B", "APPEND K V",
    "SETRANGE K B V", "GETDEL K", "GETSET K V", "INCRBY K N", "INCRBYFLOAT K F", "SETBIT K B 1",
    "BITOP AND K K K", "BITOP OR K K", "BITOP XOR K K K", "BITOP NOT K K", "BITCOUNT K N N BIT",
    "BITPOS K 1 N N BIT", "BITPOS K 0", "BITFIELD K SET u63 B N INCRBY i64 #B N GET u1 B",
    "BITFIELD K OVERFLOW SAT INCRBY i5 B N", "BITFIELD K OVERFLOW FAIL INCRBY u8 B N",
    "GETRANGE K N N", "LCS K K IDX", "PFADD K V V V", "PFADD K", "PFMERGE K K K", "PFCOUNT K K",
    "PFDEBUG TODENSE K", "PFDEBUG GETREG K", "PFDEBUG DECODE K", "SETRANGE K 0 HYLL",
    "RPUSH K V V N", "LPUSH K V", "LPOP K B", "RPOP K", "LINSERT K BEFORE V V", "LSET K N V",
    "LREM K N V", "LTRIM K N N", "LMOVE K K LEFT RIGHT", "LMPOP 2 K K LEFT COUNT B",
    "LPOS K V RANK N", "LRANGE K N N", "SADD K V N", "SADD K N N N", "SREM K V", "SPOP K",
    "SPOP K B", "SMOVE K K V", "SRANDMEMBER K N", "SUNIONSTORE K K K", "SINTERSTORE K K K",
    "SDIFFSTORE K K K", "SINTERCARD 2 K K", "HSET K V V V N", "HDEL K V", "HINCRBY K V N",
    "HINCRBYFLOAT K V F", "HRANDFIELD K N WITHVALUES", "HGETALL K", "HSCAN K 0 COUNT B",
    "ZADD K F V F V", "ZADD K XX GT CH N V", "ZADD K INCR F V", "ZINCRBY K F V", "ZREM K V",
    "ZPOPMIN K B", "ZPOPMAX K", "ZMPOP 2 K K MAX COUNT B", "ZREMRANGEBYRANK K N N",
    "ZREMRANGEBYSCORE K F F", "ZREMRANGEBYLEX K - [V", "ZRANGESTORE K K N N",
    "ZRANGESTORE K K F F BYSCORE LIMIT N N", "ZUNIONSTORE K 2 K K WEIGHTS F F AGGREGATE MAX",
    "ZINTERSTORE K 2 K K", "ZDIFFSTORE K 2 K K", "ZRANDMEMBER K N WITHSCORES", "ZSCAN K 0",
    "ZRANGE K F F BYSCORE REV", "GEOADD K F F V", "GEOADD K B B V",
    "GEOSEARCHSTORE K K FROMLONLAT F F BYRADIUS F km ASC COUNT B",
    "GEOSEARCHSTORE K K FROMMEMBER V BYBOX F F m STOREDIST", "GEODIST K V V", "GEOHASH K V V",
    "GEORADIUS K F F F km STORE K",
    "GEOSEARCH K FROMLONLAT B B BYRADIUS 9999 km WITHCOORD WITHDIST", "SORT K ALPHA STORE K",
    "SORT K BY nosort GET # STORE K", "SORT K LIMIT N N DESC STORE K",
    "SORT K BY K GET K ALPHA STORE K", "DEL K", "UNLINK K K", "RENAME K K", "RENAMENX K K",
    "COPY K K REPLACE", "COPY K K DB B", "MOVE K 1", "SWAPDB 0 1", "SWAPDB 1 2", "FLUSHDB",
    "EXPIRE K B", "PEXPIRE K B", "PEXPIREAT K N", "EXPIREAT K N", "PERSIST K", "PEXPIRE K N",
    "GETEX K PX B", "RANDOMKEY", "SCAN 0 COUNT B", "KEYS *", "DBSIZE", "OBJECT ENCODING K",
    "TYPE K", "XADD K * V V", "XADD K I V V", "XADD K B-* V V", "XADD K MAXLEN B * V V",
    "XADD K MAXLEN ~ B LIMIT B * V V", "XADD K NOMKSTREAM MINID I * V V", "XTRIM K MAXLEN B",
    "XTRIM K MINID ~ I", "XDEL K I I", "XSETID K I", "XSETID K I ENTRIESADDED N MAXDELETEDID I",
    "XGROUP CREATE K G I MKSTREAM", "XGROUP CREATE K G $ MKSTREAM ENTRIESREAD N",
    "XGROUP SETID K G I", "XGROUP SETID K G I ENTRIESREAD N", "XGROUP DESTROY K G",
    "XGROUP CREATECONSUMER K G C", "XGROUP DELCONSUMER K G C", "XREADGROUP GROUP G C STREAMS K >",
    "XREADGROUP GROUP G C STREAMS K I", "XREADGROUP GROUP G C COUNT B NOACK STREAMS K >",
    "XREADGROUP GROUP G C COUNT B STREAMS K K > >", "XREADGROUP GROUP G C BLOCK B STREAMS K >",
    "XREADGROUP GROUP G C BLOCK 0 STREAMS K K > >", "XACK K G I I", "XCLAIM K G C B I I",
    "XCLAIM K G C B I FORCE JUSTID IDLE N RETRYCOUNT N", "XCLAIM K G C 0 I TIME N LASTID I",
    "XAUTOCLAIM K G C B I COUNT B", "XAUTOCLAIM K G C N - JUSTID", "XPENDING K G",
    "XPENDING K G - + N", "XPENDING K G IDLE N I I B C", "XINFO STREAM K",
    "XINFO STREAM K FULL COUNT N", "XINFO GROUPS K", "XINFO CONSUMERS K G", "XRANGE K I I COUNT N",
    "XREVRANGE K + -", "XREAD COUNT B STREAMS K I", "XREAD BLOCK B STREAMS K K $ $", "XLEN K",
    "BLPOP K K K B", "BRPOP K 0", "BLMOVE K K LEFT LEFT B", "BLMPOP B 2 K K LEFT COUNT B",
    "BZPOPMIN K K B", "BZMPOP 0 2 K K MAX", "BRPOPLPUSH K K 0", "DUMP K", "DUMP K", "DUMP K",
    "RESTORE K 0 D REPLACE", "RESTORE K 0 D REPLACE", "RESTORE K 0 D REPLACE", "RESTORE K B D",
    "RESTORE K N D REPLACE ABSTTL", "RESTORE K 0 D REPLACE IDLETIME N",
    "shardforge.setting list-max-listpack-size B", "shardforge.setting list-max-listpack-size -2",
    "shardforge.setting stream-node-max-entries B",
    "shardforge.setting hash-max-listpack-entries B", "shardforge.setting set-max-intset-entries B",
    "shardforge.setting zset-max-listpack-value B", "shardforge.setting hll-sparse-max-bytes B",
    "shardforge.setting stream-node-max-bytes B", "shardforge.again B BLPOP K 0",
    "shardforge.again N BLMOVE K K LEFT RIGHT F",
    "shardforge.again N XREAD BLOCK N STREAMS K K $ I", "shardforge.again N GET K",
    "shardforge.again N XREADGROUP GROUP G C BLOCK 0 STREAMS K >",
    "shardforge.unblock 1 1 1 B 0 timeout", "shardforge.unblock 1 1 1 N 0 error",
    "shardforge.unblock 1 1 1 B N gone", "shardforge.publish channel V V", "BLPOP K K F",
    "BZPOPMAX K K F", "BZMPOP F 1 K MIN", "XREAD BLOCK N STREAMS K $"};

static uint64_t pick(struct alike *alike, uint64_t n) {
    return random_next(&alike->random) % n;
}

/* -- words ----------------------------------------------------------------------------------- */

static void put_integer(struct alike *alike, struct buf *out) {
    static const char *const odd[] = {"9223372036854775807", "-9223372036854775808", "0", "-1",
        "1700000000100", "4294967296", "2147483648", "-2147483649", "18446744073709551615", "1e3"};
    if (pick(alike, 4) == 0)
        buf_append_text(out, odd[pick(alike, SF_LENGTH(odd))]);
    else
        buf_printf(out, "%d", (int)pick(alike, 40) - 20);
}

static void put_float(struct alike *alike, struct buf *out) {
    static const char *const odd[] = {"inf", "-inf", "1e308", "-1e308", "1e-320", "nan", "-0",
        "0.1", "180", "85.05112878", "3.0000000000000004", "1e17", "(5"};
    if (pick(alike, 3) == 0)
        buf_append_text(out, odd[pick(alike, SF_LENGTH(odd))]);
    else
        buf_printf(out, "%d.%d", (int)pick(alike, 60) - 30, (int)pick(alike, 100));
}

static void put_value(struct alike *alike, struct buf *out) {
    uint64_t how = pick(alike, 12);
    if (how == 0) {
        for (uint64_t n = pick(alike, 300); n > 0; n--)
            buf_append_char(out, (char)pick(alike, 256));
    } else if (how == 1) {
        for (int i = 0; i < 70; i++) buf_append_char(out, 'x');
        buf_printf(out, "%d", (int)pick(alike, 5));
    } else if (how == 2) {
        put_integer(alike, out);
    } else {
        buf_printf(out, "v%d", (int)pick(alike, 15));
    }
}

static void put_id(struct alike *alike, struct buf *out) {
    static const char *const odd[] = {"18446744073709551615-18446744073709551615", "0-0", "-", "+",
        "18446744073709551615-0", "0", "9223372036854775807-1", "(1-1"};
    uint64_t how = pick(alike, 6);
    if (how == 0)
        buf_append_text(out, odd[pick(alike, SF_LENGTH(odd))]);
    else if (how < 3)
        buf_printf(out, "%lld-%d", (long long)(alike->now_ms - (int64_t)pick(alike, 50)),
            (int)pick(alike, 2));
    else
        buf_printf(out, "%d-%d", (int)pick(alike, 8), (int)pick(alike, 4));
}

/* The commands of streams have keys of their own mostly, so that groups live long enough. */
static void put_key(struct alike *alike, struct buf *out) {
    bool streams = alike->of_streams ? pick(alike, 6) > 0 : pick(alike, 20) == 0;
    buf_printf(out, streams ? "x%d" : "k%d", (int)pick(alike, streams ? 2 : 9));
}

/* A dump that was seen, with some bytes changed and a good checksum. */
static void put_dump(struct alike *alike, struct buf *out) {
    const struct buf *from = &alike->dumps[pick(alike, SF_LENGTH(alike->dumps))];
    if (from->len < 10) return;
    buf_append_slice(out, buf_slice(from));
    char *bytes = out->data + out->start;
    size_t body = out->len - 10;
    for (uint64_t n = pick(alike, 4); n > 0 && body > 0; n--) {
        size_t at = pick(alike, body);
        static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe, 0xf0, 0xe0, 0x3f, 0x40};
        int changed =
            pick(alike, 2) ? odd[pick(alike, SF_LENGTH(odd))] : bytes[at] ^ (1 << pick(alike, 8));
        bytes[at] = (char)changed;
    }
    uint64_t sum = crc64_more(0, slice_of(bytes, out->len - 8));
    memcpy(bytes + out->len - 8, &sum, sizeof sum);
}

static void put_word(struct alike *alike, char kind, const char *text, size_t len) {
    struct buf *out = &alike->texts[alike->n_words];
    buf_clear(out);
    bool is_kind =
        len == 1 || (len > 1 && strchr("[#", text[0]) != NULL) || (len == 3 && text[1] == '-');
    if (len > 1 && is_kind && strchr("[#", text[0]) != NULL) buf_append_char(out, *text++);
    kind = *text;
    if (!is_kind) kind = '\0';
    switch (kind) {
    case 'K':
        put_key(alike, out);
        break;
    case 'V':
        put_value(alike, out);
        break;
    case 'N':
        put_integer(alike, out);
        break;
    case 'F':
        put_float(alike, out);
        break;
    case 'I':
        put_id(alike, out);
        break;
    case 'G':
        buf_printf(out, "g%d", (int)pick(alike, 8) / 7);
        break;
    case 'C':
        buf_printf(out, "c%d", (int)pick(alike, 3));
        break;
    case 'B':
        buf_printf(out, "%d", (int)pick(alike, 30));
        break;
    case 'D':
        put_dump(alike, out);
        break;
    default:
        buf_append(out, text, len);
        break;
    }
    if (is_kind && len == 3 && text[1] == '-') buf_append_text(out, "-*");
    alike->n_words++;
}

static void make_command(struct alike *alike) {
    const char *at = forms[pick(alike, SF_LENGTH(forms))];
    if ((at[0] == 'F' || strncmp(at, "SWAP", 4) == 0) && pick(alike, 16) > 0) at = "XADD K * V V";
    alike->of_streams = at[0] == 'X';
    if (strncmp(at, "DUMP", 4) == 0 || strncmp(at, "RESTORE", 7) == 0)
        alike->of_streams = pick(alike, 2);
    alike->n_words = 0;
    while (*at != '\0') {
        size_t len = strcspn(at, " ");
        put_word(alike, *at, at, len);
        at += len + (at[len] == ' ');
    }
    for (uint32_t i = 0; i < alike->n_words; i++) alike->words[i] = buf_slice(&alike->texts[i]);
}

/* -- applying -------------------------------------------------------------------------------- */

static void apply(struct alike *alike, uint8_t kind, struct slice payload) {
    for (int i = 0; i < REPLICAS; i++) {
        struct engine *engine = alike->engines[i];
        struct engine_position at;
        buf_clear(&alike->reply);
        assert_int_equal(engine_begin(engine, engine_applied(engine) + 1, kind, payload), SF_OK);
        while (engine_peek(engine, &at)) {
            struct reply reply = {i == HEARD ? &alike->reply : NULL, i == HEARD ? 3 : 2};
            (void)engine_next(engine, &reply);
        }
        assert_false(engine_is_broken(engine));
        engine_end(engine);
        if (i == HEARD)
            snprintf(alike->told, sizeof alike->told, "%.*s", (int)alike->reply.len,
                alike->reply.len > 0 ? buf_slice(&alike->reply).data : "");
        if (i != HEARD || alike->reply.len < 20 || alike->n_words == 0) continue;
        bool is_dump = slice_is(alike->words[0], "dump");
        struct slice told = buf_slice(&alike->reply);
        const char *end = is_dump ? memchr(told.data, '\n', told.len) : NULL;
        if (end == NULL || told.data[0] != '$') continue;
        struct buf *kept = &alike->dumps[pick(alike, SF_LENGTH(alike->dumps))];
        buf_clear(kept);
        buf_append(kept, end + 1, told.len - (size_t)(end + 1 - told.data) - 2);
    }
}

static void put_stamp(struct alike *alike, struct buf *out) {
    struct entry_stamp stamp = {alike->now_ms, random_next(&alike->random), pick(alike, 50) == 0};
    entry_put_stamp(out, &stamp);
}

static void apply_command(struct alike *alike) {
    make_command(alike);
    const struct command *command = command_lookup(alike->n_words, alike->words);
    if (command == NULL) command = command_internal(alike->words[0]);
    assert_non_null(command);
    if (!command_arity_fits(command, alike->n_words)) return;
    struct buf payload = {0}, commands = {0};
    put_stamp(alike, &payload);
    entry_put_command(&commands, (uint32_t)pick(alike, 8) / 6, alike->n_words, alike->words);
    struct sub_batch_header header = {{1, 1, 1}, ++alike->sequence, 1, buf_slice(&commands)};
    entry_put_sub_batch(&payload, &header);
    apply(alike, ENTRY_BATCH, buf_slice(&payload));
    buf_free(&payload);
    buf_free(&commands);
}

static void begin(struct alike *alike) {
    struct raft_configuration configuration = {.n = 1};
    configuration.members[0] = (struct raft_member){.id = 1, .voter_new = true};
    struct buf payload = {0};
    configuration_encode(&configuration, &payload);
    apply(alike, ENTRY_CONFIGURATION, buf_slice(&payload));
    buf_clear(&payload);
    put_stamp(alike, &payload);
    struct incarnation incarnation = {1, 1, 1};
    entry_put_incarnation(&payload, &incarnation);
    apply(alike, ENTRY_INCARNATION, buf_slice(&payload));
    buf_free(&payload);
}

/* Digests of one index, made at different paces while the states move on; the loaded one's at once,
 * since it will be gone. */
static void digest_begin(struct alike *alike) {
    for (int i = 0; i < REPLICAS; i++) {
        if (alike->walks[i] != NULL) return;
    }
    for (int i = 0; i < REPLICAS; i++) {
        alike->walks[i] = digest_walk_begin(alike->engines[i]);
        assert_non_null(alike->walks[i]);
    }
}

static void digest_go_on(struct alike *alike, uint64_t seed, int step) {
    static const uint64_t paces[REPLICAS] = {[HEARD] = 7, [UNHEARD] = 40, [LOADED] = UINT64_MAX};
    bool any = false, all = true;
    for (int i = 0; i < REPLICAS; i++) {
        if (alike->walks[i] == NULL) continue;
        any = true;
        if (digest_walk_some(alike->walks[i], paces[i], &alike->digests[i])) {
            digest_walk_end(alike->walks[i]);
            alike->walks[i] = NULL;
        } else {
            all = false;
        }
    }
    if (!any || !all) return;
    for (int i = 1; i < REPLICAS; i++) {
        if (memcmp(&alike->digests[i], &alike->digests[0], sizeof alike->digests[0]) == 0) continue;
        fail_msg(
            "seed %llu, step %d, replica %d has another digest", (unsigned long long)seed, step, i);
    }
}

static void load_anew(struct alike *alike) {
    struct buf image = {0};
    engine_dump(alike->engines[LOADED], &image);
    engine_free(alike->engines[LOADED]);
    alike->engines[LOADED] = engine_new(&defaults, NULL);
    assert_int_equal(engine_load(alike->engines[LOADED], buf_slice(&image)), SF_OK);
    buf_free(&image);
}

static void check(struct alike *alike, uint64_t seed, int step) {
    if (getenv("ALIKE_TALK") != NULL) {
        fprintf(stderr, "%d:", step);
        for (uint32_t k = 0; k < alike->n_words; k++)
            fprintf(stderr, " %.*s", (int)alike->words[k].len, alike->words[k].data);
        fprintf(stderr, " -> %.60s\n", alike->told);
    }
    uint64_t digest = engine_digest(alike->engines[HEARD]);
    for (int i = 1; i < REPLICAS; i++) {
        if (engine_digest(alike->engines[i]) == digest) continue;
        fprintf(stderr, "seed %llu, step %d, replica %d:", (unsigned long long)seed, step, i);
        for (uint32_t k = 0; k < alike->n_words; k++)
            fprintf(stderr, " %.*s", (int)alike->words[k].len, alike->words[k].data);
        fail_msg("they differ");
    }
}

static void run(uint64_t seed) {
    struct alike *alike = sf_alloc_zero(1, sizeof *alike);
    alike->random = random_from(seed * 104729 + 3);
    alike->now_ms = START_MS;
    for (int i = 0; i < REPLICAS; i++) alike->engines[i] = engine_new(&defaults, NULL);
    begin(alike);
    for (int step = 0; step < STEPS; step++) {
        alike->now_ms += (int64_t)pick(alike, 4);
        apply_command(alike);
        if (pick(alike, 16) == 0) load_anew(alike);
        check(alike, seed, step);
        if (pick(alike, 20) == 0) digest_begin(alike);
        digest_go_on(alike, seed, step);
    }
    for (int i = 0; i < REPLICAS; i++) digest_walk_end(alike->walks[i]);
    for (int i = 0; i < REPLICAS; i++) engine_free(alike->engines[i]);
    for (size_t i = 0; i < SF_LENGTH(alike->dumps); i++) buf_free(&alike->dumps[i]);
    for (size_t i = 0; i < WORDS_MAX; i++) buf_free(&alike->texts[i]);
    buf_free(&alike->reply);
    sf_free(alike);
}

static uint64_t number_of(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void test_replicas_with_different_lives_are_alike_after_each_entry(void **state) {
    (void)state;
    uint64_t first = number_of("ALIKE_FIRST", 1), n = number_of("ALIKE_SEEDS", 3);
    for (uint64_t seed = first; seed < first + n; seed++) {
        if (n > 3) fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
        run(seed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replicas_with_different_lives_are_alike_after_each_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
