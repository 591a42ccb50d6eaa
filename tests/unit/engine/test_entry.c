/* The payloads of log entries: they come back as they went in, and no bytes crash a reader. */
#include "commands/command.h"
#include "engine/entry.h"
#include "unit/check.h"
#include "util/random.h"

static struct sub_batch_header header_of(struct buf *commands, uint32_t n) {
    return (struct sub_batch_header){{7, 3, 99}, 5, n, buf_slice(commands)};
}

static void put_words(struct buf *out, uint32_t db, const char *a, const char *b, const char *c) {
    struct slice argv[3] = {slice_text(a)};
    uint32_t argc = 1;
    if (b != NULL) argv[argc++] = slice_text(b);
    if (c != NULL) argv[argc++] = slice_text(c);
    entry_put_command(out, db, argc, argv);
}

static void test_a_stamp_comes_back(void **state) {
    (void)state;
    struct entry_stamp stamps[] = {{0, 0, false}, {1700000000000, UINT64_MAX, true}}, out;
    for (size_t i = 0; i < SF_LENGTH(stamps); i++) {
        struct buf buf = {0};
        entry_put_stamp(&buf, &stamps[i]);
        struct reader in = reader_of(buf_slice(&buf));
        entry_read_stamp(&in, &out);
        assert_false(in.failed);
        assert_int_equal(in.rest.len, 0);
        assert_true(out.now_ms == stamps[i].now_ms && out.seed == stamps[i].seed);
        assert_int_equal(out.oom, stamps[i].oom);
        buf_free(&buf);
    }
}

static void test_a_stamp_from_beyond_time_or_with_unknown_flags_is_refused(void **state) {
    (void)state;
    struct entry_stamp out;
    struct buf buf = {0};
    put_varint(&buf, UINT64_MAX);
    put_u64(&buf, 1);
    put_u8(&buf, 0);
    struct reader in = reader_of(buf_slice(&buf));
    entry_read_stamp(&in, &out);
    assert_true(in.failed);
    buf_clear(&buf);
    put_varint(&buf, 1);
    put_u64(&buf, 1);
    put_u8(&buf, 2);
    in = reader_of(buf_slice(&buf));
    entry_read_stamp(&in, &out);
    assert_true(in.failed);
    buf_free(&buf);
}

static void test_a_sub_batch_comes_back_command_by_command(void **state) {
    (void)state;
    struct buf commands = {0}, out = {0};
    put_words(&commands, 0, "SET", "k", "v");
    entry_put_void_command(&commands);
    put_words(&commands, 15, "DEL", "", NULL);
    struct sub_batch_header header = header_of(&commands, 3), read;
    entry_put_sub_batch(&out, &header);
    struct reader in = reader_of(buf_slice(&out));
    assert_true(entry_read_sub_batch(&in, &read));
    assert_int_equal(in.rest.len, 0);
    assert_true(incarnation_equal(read.origin, header.origin));
    assert_int_equal(read.sequence, 5);
    assert_int_equal(read.n_commands, 3);
    struct command_reader reader = {0};
    command_reader_begin(&reader, &read);
    assert_true(command_reader_next(&reader));
    assert_int_equal(reader.argc, 3);
    assert_true(slice_equal(reader.argv[2], SLICE("v")));
    assert_true(command_reader_next(&reader));
    assert_int_equal(reader.argc, 0);
    assert_true(command_reader_next(&reader));
    assert_int_equal(reader.db, 15);
    assert_int_equal(reader.argv[1].len, 0);
    assert_false(command_reader_next(&reader));
    assert_false(reader.in.failed);
    command_reader_free(&reader);
    buf_free(&commands);
    buf_free(&out);
}

/* Whoever waits keeps the claim in the state: what stood in front of his command must not show. */
static void test_a_command_without_a_claim_has_nothing_of_the_one_before(void **state) {
    (void)state;
    struct buf commands = {0}, out = {0};
    struct acl_claim claim = {7, 9};
    struct slice argv[] = {SLICE("SET"), SLICE("k"), SLICE("v")};
    entry_put_claimed_command(&commands, &claim, 0, 3, argv);
    put_words(&commands, 0, "SET", "k", "v");
    struct sub_batch_header header = header_of(&commands, 2), read;
    entry_put_sub_batch(&out, &header);
    struct reader in = reader_of(buf_slice(&out));
    assert_true(entry_read_sub_batch(&in, &read));
    struct command_reader reader = {0};
    command_reader_begin(&reader, &read);
    assert_true(command_reader_next(&reader));
    assert_int_equal(reader.claim.id, 7);
    assert_int_equal(reader.claim.revision, 9);
    assert_true(command_reader_next(&reader));
    assert_int_equal(reader.claim.id, 0);
    assert_int_equal(reader.claim.revision, 0);
    command_reader_free(&reader);
    buf_free(&commands);
    buf_free(&out);
}

static void check(struct buf *commands, uint32_t n, enum sf_status expected) {
    struct sub_batch_header header = header_of(commands, n);
    assert_int_equal(sub_batch_check(&header, 16), expected);
    buf_clear(commands);
}

static void test_only_writes_that_this_build_can_run_may_be_logged(void **state) {
    (void)state;
    struct buf commands = {0};
    put_words(&commands, 0, "set", "k", "v");
    entry_put_void_command(&commands);
    check(&commands, 2, SF_OK);
    put_words(&commands, 0, "shardforge.setting", "a", "b");
    check(&commands, 1, SF_OK);
    put_words(&commands, 16, "SET", "k", "v"); /* no such database */
    check(&commands, 1, SF_ERR_CORRUPT);
    put_words(&commands, 0, "SET", "k", NULL); /* arity */
    check(&commands, 1, SF_ERR_CORRUPT);
    put_words(&commands, 0, "GET", "k", NULL); /* a read */
    check(&commands, 1, SF_ERR_CORRUPT);
    put_words(&commands, 0, "PING", NULL, NULL); /* local */
    check(&commands, 1, SF_ERR_CORRUPT);
    put_words(&commands, 0, "NOSUCH", "k", NULL);
    check(&commands, 1, SF_ERR_CORRUPT);
    buf_free(&commands);
}

static void test_a_sub_batch_with_a_wrong_count_is_refused(void **state) {
    (void)state;
    struct buf commands = {0};
    put_words(&commands, 0, "DEL", "k", NULL);
    check(&commands, 2, SF_ERR_CORRUPT);
    put_words(&commands, 0, "DEL", "k", NULL);
    put_words(&commands, 0, "DEL", "k", NULL);
    check(&commands, 1, SF_ERR_CORRUPT);
    buf_free(&commands);
}

static void test_a_wild_argument_count_allocates_nothing(void **state) {
    (void)state;
    struct buf commands = {0};
    put_varint(&commands, 0);
    put_varint(&commands, UINT64_MAX);
    check(&commands, 1, SF_ERR_CORRUPT);
    put_varint(&commands, 0);
    put_varint(&commands, 1 << 20);
    check(&commands, 1, SF_ERR_CORRUPT);
    buf_free(&commands);
}

static void test_a_sub_batch_without_sequence_or_commands_is_refused(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct buf out = {0};
        struct sub_batch_header header = {{1, 1, 1}, i == 0 ? 0 : 1, i == 1 ? 0 : 1, SLICE("x")};
        entry_put_sub_batch(&out, &header);
        struct reader in = reader_of(buf_slice(&out));
        assert_false(entry_read_sub_batch(&in, &header));
        buf_free(&out);
    }
}

static void test_every_cut_of_a_sub_batch_is_refused(void **state) {
    (void)state;
    struct buf commands = {0}, out = {0};
    put_words(&commands, 0, "SET", "key", "value");
    struct sub_batch_header header = header_of(&commands, 1), read;
    entry_put_sub_batch(&out, &header);
    for (size_t len = 0; len < out.len; len++) {
        struct reader in = reader_of(slice_of(buf_slice(&out).data, len));
        assert_false(entry_read_sub_batch(&in, &read));
    }
    for (size_t len = 0; len < commands.len; len++) {
        header.commands = slice_of(buf_slice(&commands).data, len);
        assert_int_equal(sub_batch_check(&header, 16), SF_ERR_CORRUPT);
    }
    buf_free(&commands);
    buf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stamp_comes_back),
        cmocka_unit_test(test_a_stamp_from_beyond_time_or_with_unknown_flags_is_refused),
        cmocka_unit_test(test_a_sub_batch_comes_back_command_by_command),
        cmocka_unit_test(test_a_command_without_a_claim_has_nothing_of_the_one_before),
        cmocka_unit_test(test_only_writes_that_this_build_can_run_may_be_logged),
        cmocka_unit_test(test_a_sub_batch_with_a_wrong_count_is_refused),
        cmocka_unit_test(test_a_wild_argument_count_allocates_nothing),
        cmocka_unit_test(test_a_sub_batch_without_sequence_or_commands_is_refused),
        cmocka_unit_test(test_every_cut_of_a_sub_batch_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
