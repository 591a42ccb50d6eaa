/* What redis-tests cannot compare with a 7.0: the clock's ids, idle times, and what 7.2 changed. */
#include "commands/stream_read.h"
#include "util/codec.h"
#include "util/crc64.h"

#include "unit/commands/world.h"

static void test_ids_from_the_clock_never_step_back(void **state) {
    (void)state;
    SCENARIO({"XADD s * a 1", "'1000000-0'"}, {"XADD s * a 1", "'1000000-1'"}, {"@now 1000005", ""},
        {"XADD s * a 1", "'1000005-0'"}, {"@now 999", ""}, {"XADD s * a 1", "'1000005-1'"},
        {"XADD s 2000000-18446744073709551615 a 1", "'2000000-18446744073709551615'"},
        {"XADD s * a 1", "'2000001-0'"}, {"XADD s 2000001-* a 1", "'2000001-1'"},
        {"XADD s 18446744073709551615-18446744073709551614 a 1",
            "'18446744073709551615-18446744073709551614'"},
        {"XADD s * a 1", "'18446744073709551615-18446744073709551615'"},
        {"XADD s * a 1", "-ERR The stream has exhausted the last possible ID, unable to add more "
                         "items"});
}

static void test_idle_times_count_up_to_the_reader_s_clock(void **state) {
    (void)state;
    SCENARIO({"XADD s 1-1 a 1", "'1-1'"}, {"XGROUP CREATE s g 0", "+OK"},
        {"XREADGROUP GROUP g c STREAMS s >", "[['s' [['1-1' ['a' '1']]]]]"}, {"@now 1000040", ""},
        {"XADD s 2-1 a 1", "'2-1'"}, {"XPENDING s g - + 9", "[['1-1' 'c' 40 1]]"},
        {"XINFO CONSUMERS s g", "[['name' 'c' 'pending' 1 'idle' 40 'inactive' 40]]"},
        {"@clock 1000100", ""}, {"XPENDING s g - + 9", "[['1-1' 'c' 100 1]]"},
        {"XPENDING s g IDLE 100 - + 9", "[['1-1' 'c' 100 1]]"},
        {"XPENDING s g IDLE 101 - + 9", "[]"},
        {"XINFO CONSUMERS s g", "[['name' 'c' 'pending' 1 'idle' 100 'inactive' 100]]"},
        {"@clock 0", ""}, {"@now 1000200", ""},
        {"XREADGROUP GROUP g c STREAMS s 0", "[['s' [['1-1' ['a' '1']]]]]"},
        {"XPENDING s g - + 9", "[['1-1' 'c' 0 2]]"},
        {"XINFO CONSUMERS s g", "[['name' 'c' 'pending' 1 'idle' 0 'inactive' 200]]"});
}

static void test_naming_a_consumer_makes_it(void **state) {
    (void)state;
    SCENARIO({"XGROUP CREATE s g 0 MKSTREAM", "+OK"}, {"XREADGROUP GROUP g a STREAMS s >", "nil"},
        {"XCLAIM s g b 0 1-1", "[]"}, {"XAUTOCLAIM s g c 0 0", "['0-0' [] []]"},
        {"@now 1000007", ""},
        {"XINFO CONSUMERS s g", "[['name' 'a' 'pending' 0 'idle' 7 'inactive' -1] "
                                "['name' 'b' 'pending' 0 'idle' 7 'inactive' -1] "
                                "['name' 'c' 'pending' 0 'idle' 7 'inactive' -1]]"});
}

static void test_only_entries_given_make_a_consumer_active(void **state) {
    (void)state;
    SCENARIO({"XADD s 1-1 a 1", "'1-1'"}, {"XADD s 2-1 a 1", "'2-1'"},
        {"XGROUP CREATE s g 0", "+OK"},
        {"XREADGROUP GROUP g c COUNT 1 NOACK STREAMS s >", "[['s' [['1-1' ['a' '1']]]]]"},
        {"XINFO CONSUMERS s g", "[['name' 'c' 'pending' 0 'idle' 0 'inactive' -1]]"},
        {"XREADGROUP GROUP g d STREAMS s >", "[['s' [['2-1' ['a' '1']]]]]"}, {"@now 1000009", ""},
        {"XCLAIM s g c 0 2-1 JUSTID", "['2-1']"}, {"@now 1000010", ""},
        {"XINFO CONSUMERS s g", "[['name' 'c' 'pending' 1 'idle' 1 'inactive' 1] "
                                "['name' 'd' 'pending' 0 'idle' 10 'inactive' 10]]"});
}

static void test_a_claim_s_time_is_never_in_the_future(void **state) {
    (void)state;
    SCENARIO({"XADD s 1-1 a 1", "'1-1'"}, {"XGROUP CREATE s g 0", "+OK"},
        {"XREADGROUP GROUP g c STREAMS s >", "[['s' [['1-1' ['a' '1']]]]]"},
        {"XCLAIM s g c 0 1-1 JUSTID TIME 1000001", "['1-1']"},
        {"XPENDING s g - + 9", "[['1-1' 'c' 0 1]]"},
        {"XCLAIM s g c 0 1-1 JUSTID IDLE 30", "['1-1']"},
        {"XPENDING s g - + 9", "[['1-1' 'c' 30 1]]"},
        {"XCLAIM s g c 0 1-1 JUSTID IDLE 9223372036854775807", "['1-1']"},
        {"XPENDING s g - + 9", "[['1-1' 'c' 0 1]]"}, {"XCLAIM s g c 1 1-1", "[]"});
}

static void test_streams_grow_only_where_memory_allows(void **state) {
    (void)state;
    SCENARIO({"XADD s 1-1 a 1", "'1-1'"}, {"XGROUP CREATE s g 0", "+OK"}, {"@oom 1", ""},
        {"XADD s 2-1 a 1", "-OOM command not allowed when used memory > 'maxmemory'."},
        {"XREADGROUP GROUP g c STREAMS s >", "[['s' [['1-1' ['a' '1']]]]]"}, {"XACK s g 1-1", "1"},
        {"XTRIM s MAXLEN 0", "1"});
}

static void test_a_read_waits_where_the_stream_may_have_expired(void **state) {
    (void)state;
    SCENARIO({"XADD s 1-1 a 1", "'1-1'"}, {"PEXPIRE s 50", "1"}, {"@clock 1000060", ""},
        {"XLEN s", "(must wait)"}, {"XREAD STREAMS s 0", "(must wait)"}, {"@clock 0", ""},
        {"@now 1000060", ""}, {"XREAD STREAMS s 0", "nil"}, {"XADD s 1-1 b 1", "'1-1'"},
        {"TTL s", "-1"}, {"XLEN s", "1"});
}

/* -- who waits repeats the last step ---------------------------------------------------------- */

static struct call call_of(
    struct world *world, uint32_t argc, const struct slice *argv, struct reply *reply) {
    return (struct call){.command = command_lookup(argc, argv),
        .argc = argc,
        .argv = argv,
        .keyspace = world->keyspace,
        .db = keyspace_db(world->keyspace, 0),
        .now_ms = world->now_ms,
        .read_clock_ms = world->now_ms,
        .thresholds = &world->thresholds,
        .reply = reply};
}

static void test_a_read_can_be_tried_again_from_where_it_began(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    struct slice argv[WORLD_ARGS_MAX];
    struct buf out = {0};
    struct reply reply = {&out, 2};
    world_line(&world, "XADD s 5-1 a 1");
    uint32_t argc = words_of("XREAD COUNT 7 BLOCK 900 STREAMS s t $ 3", argv);
    struct call call = call_of(&world, argc, argv, &reply);
    struct stream_read read;
    assert_true(stream_read_parse(&call, &read));
    assert_true(read.blocks && read.block_ms == 900 && read.count == 7 && !read.is_group);
    assert_int_equal(read.n_streams, 2);
    assert_true(stream_read_resolve(&call, &read));
    assert_int_equal(read.after[0].ms, 5);
    assert_int_equal(read.after[1].ms, 3);
    assert_false(stream_read_try(&call, &read));
    world_line(&world, "SET t text");
    assert_false(stream_read_try(&call, &read));
    assert_int_equal(out.len, 0);
    world_line(&world, "XADD s 6-1 a 1");
    assert_true(stream_read_try(&call, &read));
    assert_true(out.len > 0);
    stream_read_free(&read);
    buf_free(&out);
    world_close(&world);
}

static void test_a_group_that_went_meanwhile_gives_nothing(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    struct slice argv[WORLD_ARGS_MAX];
    struct buf out = {0};
    struct reply reply = {&out, 3};
    world_line(&world, "XGROUP CREATE s g 0 MKSTREAM");
    uint32_t argc = words_of("XREADGROUP GROUP g c NOACK BLOCK 0 STREAMS s >", argv);
    struct call call = call_of(&world, argc, argv, &reply);
    struct stream_read read;
    assert_true(stream_read_parse(&call, &read));
    assert_true(read.blocks && read.block_ms == 0 && read.no_ack && read.is_group);
    assert_true(stream_read_resolve(&call, &read));
    assert_false(stream_read_try(&call, &read));
    world_line(&world, "XADD s 1-1 a 1");
    world_line(&world, "XGROUP DESTROY s g");
    assert_false(stream_read_try(&call, &read));
    world_line(&world, "XGROUP CREATE s g 0");
    assert_true(stream_read_try(&call, &read));
    stream_read_free(&read);
    buf_free(&out);
    world_close(&world);
}

/* A stream without entries; its group g has a consumer that was last seen in the farthest past. */
static void test_a_restored_time_may_be_any(void **state) {
    (void)state;
    static const uint8_t head[] = {21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 'g', 0, 0, 0, 0, 1, 1, 'c'};
    struct world world;
    struct buf payload = {0};
    buf_append(&payload, head, sizeof head);
    put_u64(&payload, UINT64_C(1) << 63);
    put_u64(&payload, UINT64_C(1) << 63);
    buf_append(&payload, "\0\x0b\0", 3);
    put_u64(&payload, crc64_more(0, buf_slice(&payload)));
    world_open(&world);
    const struct slice words[] = {SLICE("RESTORE"), SLICE("s"), SLICE("0"), buf_slice(&payload)};
    assert_string_equal(world_run(&world, 4, words), "+OK");
    assert_string_equal(world_line(&world, "XINFO CONSUMERS s g"),
        "[['name' 'c' 'pending' 0 'idle' 0 'inactive' 0]]");
    world_close(&world);
    buf_free(&payload);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_from_the_clock_never_step_back),
        cmocka_unit_test(test_idle_times_count_up_to_the_reader_s_clock),
        cmocka_unit_test(test_naming_a_consumer_makes_it),
        cmocka_unit_test(test_only_entries_given_make_a_consumer_active),
        cmocka_unit_test(test_a_claim_s_time_is_never_in_the_future),
        cmocka_unit_test(test_streams_grow_only_where_memory_allows),
        cmocka_unit_test(test_a_read_waits_where_the_stream_may_have_expired),
        cmocka_unit_test(test_a_read_can_be_tried_again_from_where_it_began),
        cmocka_unit_test(test_a_group_that_went_meanwhile_gives_nothing),
        cmocka_unit_test(test_a_restored_time_may_be_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
