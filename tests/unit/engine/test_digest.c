/* Digests of the state as of one index: what they see, and that they see nothing else. */
#include "engine/digest.h"
#include "raft/configuration.h"
#include "unit/check.h"

#include <stdio.h>

static const struct incarnation ours = {1, 1, 4711};
static const struct engine_settings defaults = {1, 4, {1, 2}, 512 << 20};

static enum sf_status apply_raw(struct engine *engine, uint8_t kind, const struct buf *payload) {
    enum sf_status status =
        engine_begin(engine, engine_applied(engine) + 1, kind, buf_slice(payload));
    if (status != SF_OK) return status;
    struct engine_position at;
    struct reply reply = {NULL, 2};
    while (engine_peek(engine, &at)) engine_next(engine, &reply);
    engine_end(engine);
    return SF_OK;
}

static void put_stamp(struct buf *out) {
    struct entry_stamp stamp = {1700000000000, 3, false};
    entry_put_stamp(out, &stamp);
}

static void apply(struct engine *engine, uint64_t *sequence, const char *text) {
    struct buf payload = {0}, commands = {0};
    struct slice argv[8];
    uint32_t argc = 0;
    for (const char *at = text; *at != '\0'; argc++) {
        size_t len = strcspn(at, " ");
        argv[argc] = slice_of(at, len);
        at += len + (at[len] == ' ');
    }
    put_stamp(&payload);
    entry_put_command(&commands, 0, argc, argv);
    struct sub_batch_header header = {ours, ++*sequence, 1, buf_slice(&commands)};
    entry_put_sub_batch(&payload, &header);
    assert_int_equal(apply_raw(engine, ENTRY_BATCH, &payload), SF_OK);
    buf_free(&commands);
    buf_free(&payload);
}

static struct engine *engine_open(void) {
    struct engine *engine = engine_new(&defaults, NULL);
    struct raft_configuration members = {.n = 1};
    members.members[0] = (struct raft_member){.id = 1, .voter_new = true};
    struct buf payload = {0};
    configuration_encode(&members, &payload);
    assert_int_equal(apply_raw(engine, ENTRY_CONFIGURATION, &payload), SF_OK);
    buf_clear(&payload);
    put_stamp(&payload);
    entry_put_incarnation(&payload, &ours);
    assert_int_equal(apply_raw(engine, ENTRY_INCARNATION, &payload), SF_OK);
    buf_free(&payload);
    return engine;
}

static struct state_digest digest_of(struct engine *engine, uint64_t budget) {
    struct state_digest digest;
    struct digest_walk *walk = digest_walk_begin(engine);
    assert_non_null(walk);
    while (!digest_walk_some(walk, budget, &digest)) continue;
    digest_walk_end(walk);
    assert_int_equal(digest.index, engine_applied(engine));
    return digest;
}

/* Some of every type, small and large. */
static uint64_t fill(struct engine *engine) {
    char text[160];
    uint64_t sequence = 0;
    for (int i = 0; i < 700; i++) {
        snprintf(text, sizeof text, "SET key%d value%d", i, i * 7);
        apply(engine, &sequence, text);
        snprintf(text, sizeof text, "SADD %s member%d", i < 20 ? "set:small" : "set:large", i);
        apply(engine, &sequence, text);
        snprintf(
            text, sizeof text, "HSET %s field%d %d", i < 20 ? "hash:small" : "hash:large", i, i);
        apply(engine, &sequence, text);
        snprintf(
            text, sizeof text, "ZADD %s %d.5 m%d", i < 20 ? "zset:small" : "zset:large", i % 9, i);
        apply(engine, &sequence, text);
        snprintf(text, sizeof text, "RPUSH %s an-element-of-some-length-%d",
            i < 20 ? "list:small" : "list:large", i);
        apply(engine, &sequence, text);
        snprintf(text, sizeof text, "XADD stream %d-1 f %d", i + 1, i);
        apply(engine, &sequence, text);
    }
    apply(engine, &sequence, "XGROUP CREATE stream group 5-0");
    apply(engine, &sequence, "XREADGROUP GROUP group consumer STREAMS stream >");
    apply(engine, &sequence, "SETRANGE long 200000 x");
    apply(engine, &sequence, "SET due 1 PX 100000000");
    apply(engine, &sequence, "DEL key3 key4");
    return sequence;
}

static void test_grown_and_reloaded_states_have_one_digest(void **state) {
    (void)state;
    struct engine *grown = engine_open(), *loaded = engine_new(&defaults, NULL);
    struct buf image = {0};
    fill(grown);
    engine_dump(grown, &image);
    assert_int_equal(engine_load(loaded, buf_slice(&image)), SF_OK);
    struct state_digest a = digest_of(grown, 1), b = digest_of(loaded, UINT64_MAX);
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(state_digest_total(&a) == state_digest_total(&b));
    buf_free(&image);
    engine_free(grown);
    engine_free(loaded);
}

static void test_a_digest_is_of_its_index_whatever_comes_behind(void **state) {
    (void)state;
    struct engine *engine = engine_open();
    uint64_t sequence = fill(engine);
    struct state_digest at_once = digest_of(engine, UINT64_MAX), later;
    struct digest_walk *walk = digest_walk_begin(engine);
    raft_index index = engine_applied(engine);
    static const char *const changes[] = {"FLUSHALL", "SET key9 other", "APPEND long y",
        "SWAPDB 0 1", "SADD set:large x", "HDEL hash:large field5", "ZADD zset:large 1 m7",
        "LPOP list:large", "XADD stream * f v", "DEL set:small", "INCR n"};
    for (int i = 0; !digest_walk_some(walk, 3, &later); i++)
        apply(engine, &sequence, changes[(i + 1) % (int)SF_LENGTH(changes)]);
    digest_walk_end(walk);
    assert_int_equal(later.index, index);
    assert_memory_equal(&at_once, &later, sizeof later);
    engine_free(engine);
}

static uint32_t ranges_that_differ(const struct state_digest *a, const struct state_digest *b) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < DIGEST_RANGES; i++) n += a->ranges[i] != b->ranges[i];
    return n;
}

static void test_one_bit_of_one_value_shows_in_one_range(void **state) {
    (void)state;
    struct engine *engine = engine_open();
    fill(engine);
    char scratch[OBJECT_TEXT_MAX];
    struct db *db = keyspace_db(engine_keyspace(engine), 0);
    struct state_digest before = digest_of(engine, UINT64_MAX);
    static const char *const keys[] = {"key5", "long"};
    for (size_t i = 0; i < SF_LENGTH(keys); i++) {
        struct slice text = object_string(db_find_even_dead(db, slice_text(keys[i])), scratch);
        char *at = (char *)(uintptr_t)text.data + text.len - 1;
        for (int bit = 0; bit < 8; bit++) {
            *at = (char)(*at ^ 1 << bit);
            struct state_digest after = digest_of(engine, UINT64_MAX);
            assert_int_equal(ranges_that_differ(&before, &after), 1);
            assert_true(before.rest == after.rest);
            assert_false(state_digest_total(&before) == state_digest_total(&after));
            *at = (char)(*at ^ 1 << bit);
        }
    }
    struct state_digest again = digest_of(engine, UINT64_MAX);
    assert_memory_equal(&before, &again, sizeof again);
    engine_free(engine);
}

/* Equal data is not enough: what decides later behaviour counts too. */
static void test_whatever_later_behaviour_reads_shows(void **state) {
    (void)state;
    static const struct {
        const char *a[3], *b[3];
        bool rest; /* it shows besides the keys */
    } pairs[] = {
        {{"SET k 1", "SET x 1"}, {"SET x 1", "SET k 1"}, false},         /* revisions */
        {{"SET k 1", "DEL k"}, {"GET k", "GET k"}, false},               /* a cell */
        {{"SET k 1 PX 100000"}, {"SET k 1 PX 100001"}, false},           /* the due time */
        {{"SET k 1"}, {"SETRANGE k 0 1"}, false},                        /* the form */
        {{"RPUSH k a", "RPUSH k b"}, {"RPUSH k b", "RPUSH k a"}, false}, /* order */
        {{"SADD k a", "SADD k b"}, {"SADD k b", "SADD k a"}, false},     /* order in a listpack */
        {{"HSET k a b"}, {"HSET k ab x"}, false},
        {{"ZADD k 1 a"}, {"ZADD k 1.5 a"}, false},
        {{"SET k 1", "FLUSHDB"}, {"SET k 1", "DEL k"}, true},          /* the floor */
        {{"SET k 1"}, {"shardforge.setting maxmemory 1000000"}, true}, /* a setting */
        {{"XGROUP CREATE k g 0 MKSTREAM"}, {"XGROUP CREATE k h 0 MKSTREAM"}, false},
    };
    for (size_t i = 0; i < SF_LENGTH(pairs); i++) {
        struct engine *a = engine_open(), *b = engine_open();
        uint64_t at_a = 0, at_b = 0;
        for (int k = 0; k < 3 && pairs[i].a[k] != NULL; k++) {
            apply(a, &at_a, pairs[i].a[k]);
            apply(b, &at_b, pairs[i].b[k]);
        }
        struct state_digest of_a = digest_of(a, 1), of_b = digest_of(b, UINT64_MAX);
        bool keys = ranges_that_differ(&of_a, &of_b) > 0, rest = of_a.rest != of_b.rest;
        if (pairs[i].rest ? !rest : !keys) fail_msg("pair %zu shows nowhere", i);
        assert_false(state_digest_total(&of_a) == state_digest_total(&of_b));
        engine_free(a);
        engine_free(b);
    }
}

/* -- marks ----------------------------------------------------------------------------------- */

static void test_a_mark_changes_nothing_but_time(void **state) {
    (void)state;
    struct engine *a = engine_open(), *b = engine_open();
    struct digest_mark mark = {2, {{1, 2, 3}, {UINT64_MAX, UINT64_MAX, UINT64_MAX}}};
    struct buf payload = {0};
    put_stamp(&payload);
    assert_int_equal(apply_raw(b, ENTRY_TICK, &payload), SF_OK);
    entry_put_digest_mark(&payload, &mark);
    assert_int_equal(apply_raw(a, ENTRY_DIGEST_MARK, &payload), SF_OK);
    assert_true(engine_digest(a) == engine_digest(b));
    buf_free(&payload);
    engine_free(a);
    engine_free(b);
}

static void test_a_mark_is_read_as_it_was_written(void **state) {
    (void)state;
    struct digest_mark mark = {2, {{1, 2, 3}, {UINT64_MAX, 7, UINT64_MAX}}}, read;
    struct buf bytes = {0};
    entry_put_digest_mark(&bytes, &mark);
    struct reader in = reader_of(buf_slice(&bytes));
    assert_true(entry_read_digest_mark(&in, &read));
    assert_int_equal(read.n, 2);
    assert_memory_equal(read.askers, mark.askers, 2 * sizeof mark.askers[0]);
    for (size_t len = 0; len < bytes.len; len++) {
        in = reader_of(slice_of(buf_slice(&bytes).data, len));
        assert_false(entry_read_digest_mark(&in, &read));
    }
    buf_append_char(&bytes, 'x'); /* nothing may stand behind */
    in = reader_of(buf_slice(&bytes));
    assert_false(entry_read_digest_mark(&in, &read));
    buf_free(&bytes);
}

static void test_a_malformed_mark_stops_the_node(void **state) {
    (void)state;
    struct engine *engine = engine_open();
    struct buf payload = {0};
    put_stamp(&payload);
    put_varint(&payload, DIGEST_ASKERS_MAX + 1);
    assert_int_equal(apply_raw(engine, ENTRY_DIGEST_MARK, &payload), SF_ERR_CORRUPT);
    buf_free(&payload);
    engine_free(engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grown_and_reloaded_states_have_one_digest),
        cmocka_unit_test(test_a_digest_is_of_its_index_whatever_comes_behind),
        cmocka_unit_test(test_one_bit_of_one_value_shows_in_one_range),
        cmocka_unit_test(test_whatever_later_behaviour_reads_shows),
        cmocka_unit_test(test_a_mark_changes_nothing_but_time),
        cmocka_unit_test(test_a_mark_is_read_as_it_was_written),
        cmocka_unit_test(test_a_malformed_mark_stops_the_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
