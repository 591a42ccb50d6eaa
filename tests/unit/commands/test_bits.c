#include "unit/commands/world.h"

static struct slice raw(struct world *world) {
    return buf_slice(&world->out);
}

/* The place of each bit as a text of zeros and ones, for a slow and plain model. */
static void set_text(struct world *world, const char *key, const uint8_t *bytes, size_t len) {
    struct slice words[3] = {SLICE("SET"), slice_text(key), slice_of(bytes, len)};
    assert_string_equal(world_run(world, 3, words), "+OK");
}

static void test_counts_and_places_equal_a_plain_walk(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    struct random random = random_from(5);
    for (int round = 0; round < 400; round++) {
        uint8_t bytes[90];
        size_t len = 1 + (size_t)random_below(&random, sizeof bytes);
        memset(bytes, round % 2 == 0 ? 0 : 0xff, len);
        for (uint64_t i = random_below(&random, 4); i > 0; i--)
            bytes[random_below(&random, len)] = (uint8_t)random_next(&random);
        set_text(&world, "k", bytes, len);
        uint64_t first = random_below(&random, 8 * len);
        uint64_t last = first + random_below(&random, 8 * len - first);
        int64_t n = 0, place[2] = {-1, -1};
        for (uint64_t i = first; i <= last; i++) {
            unsigned bit = bytes[i / 8] >> (7 - i % 8) & 1;
            n += bit;
            if (place[bit] < 0) place[bit] = (int64_t)i;
        }
        char line[96], wanted[24];
        snprintf(line, sizeof line, "BITCOUNT k %d %d BIT", (int)first, (int)last);
        snprintf(wanted, sizeof wanted, "%d", (int)n);
        assert_string_equal(world_line(&world, line), wanted);
        for (int bit = 0; bit < 2; bit++) {
            snprintf(line, sizeof line, "BITPOS k %d %d %d BIT", bit, (int)first, (int)last);
            snprintf(wanted, sizeof wanted, "%d", (int)place[bit]);
            assert_string_equal(world_line(&world, line), wanted);
        }
    }
    world_close(&world);
}

/* Only the bits of a field change, and it reads as it was written. */
static void test_fields_of_every_width_and_place_keep_to_themselves(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    struct random random = random_from(6);
    for (int round = 0; round < 2000; round++) {
        uint8_t before[24];
        for (size_t i = 0; i < sizeof before; i++) before[i] = (uint8_t)random_next(&random);
        set_text(&world, "k", before, sizeof before);
        unsigned width = 1 + (unsigned)random_below(&random, 63);
        unsigned offset = (unsigned)random_below(&random, 8 * sizeof before - width + 1);
        uint64_t value = random_next(&random) >> (64 - width);
        char line[96], wanted[64];
        snprintf(line, sizeof line, "BITFIELD k SET u%u %u %lld", width, offset, (long long)value);
        world_line(&world, line);
        snprintf(line, sizeof line, "BITFIELD_RO k GET u%u %u", width, offset);
        snprintf(wanted, sizeof wanted, "[%lld]", (long long)value);
        assert_string_equal(world_line(&world, line), wanted);
        world_line(&world, "GET k");
        const uint8_t *after = (const uint8_t *)raw(&world).data + strlen("$24\r\n");
        for (unsigned i = 0; i < 8 * sizeof before; i++) {
            unsigned old = before[i / 8] >> (7 - i % 8) & 1, new = after[i / 8] >> (7 - i % 8) & 1;
            bool inside = i >= offset && i < offset + width;
            assert_int_equal(new, inside ? value >> (offset + width - 1 - i) & 1 : old);
        }
    }
    world_close(&world);
}

static void test_limits_follow_proto_max_bulk_len(void **state) {
    (void)state;
    SCENARIO({"@limit 10", NULL}, {"SETBIT k 79 1", "0"},
        {"SETBIT k 80 1", "-ERR bit offset is not an integer or out of range"},
        {"BITFIELD k SET u8 #9 1", "[1]"},
        {"BITFIELD k SET u8 #10 1", "-ERR bit offset is not an integer or out of range"},
        {"@limit 1000", NULL}, {"SET a 12345678901234", "+OK"}, {"SET b 1234567890123456", "+OK"},
        {"LCS a b",
            "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"},
        {"SET b 123456789012345", "+OK"}, {"LCS a b LEN", "14"});
}

static void test_writes_that_change_nothing_leave_a_watched_key_alone(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    struct db *db = keyspace_db(world.keyspace, 0);
    world_line(&world, "SETBIT k 3 1");
    uint64_t revision = db_revision(db, SLICE("k"), world.now_ms);
    world_line(&world, "SETBIT k 3 1");
    assert_int_equal(db_revision(db, SLICE("k"), world.now_ms), revision);
    world_line(&world, "PFADD h a b");
    revision = db_revision(db, SLICE("h"), world.now_ms);
    world_line(&world, "PFADD h b a");
    world_line(&world, "PFCOUNT h");
    assert_int_equal(db_revision(db, SLICE("h"), world.now_ms), revision);
    world_close(&world);
}

/* Against the table of lengths as the definition has it. */
static void test_common_subsequences_equal_the_plain_table(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    struct random random = random_from(8);
    for (int round = 0; round < 300; round++) {
        enum { MOST = 150 };
        static uint32_t table[MOST + 1][MOST + 1];
        uint8_t a[MOST], b[MOST];
        char common[MOST];
        size_t n = 1 + (size_t)random_below(&random, MOST),
               m = 1 + (size_t)random_below(&random, MOST);
        for (size_t i = 0; i < n; i++) a[i] = (uint8_t)('a' + random_below(&random, 3));
        for (size_t j = 0; j < m; j++) b[j] = (uint8_t)('a' + random_below(&random, 3));
        for (size_t i = 1; i <= n; i++) {
            for (size_t j = 1; j <= m; j++)
                table[i][j] = a[i - 1] == b[j - 1] ? table[i - 1][j - 1] + 1
                                                   : SF_MAX(table[i - 1][j], table[i][j - 1]);
        }
        size_t at = table[n][m];
        for (size_t i = n, j = m; i > 0 && j > 0;) {
            if (a[i - 1] == b[j - 1]) {
                common[--at] = (char)a[i - 1];
                i--;
                j--;
            } else if (table[i - 1][j] > table[i][j - 1]) {
                i--;
            } else {
                j--;
            }
        }
        set_text(&world, "a", a, n);
        set_text(&world, "b", b, m);
        char wanted[MOST + 3];
        snprintf(wanted, sizeof wanted, "'%.*s'", (int)table[n][m], common);
        assert_string_equal(world_line(&world, "LCS a b"), wanted);
    }
    world_close(&world);
}

static void test_a_remembered_count_is_of_the_value_as_it_is(void **state) {
    (void)state;
    SCENARIO({"PFADD h a b c", "1"}, {"PFCOUNT h", "3"}, {"PFCOUNT h", "3"}, {"PFADD h d", "1"},
        {"PFCOUNT h", "4"}, {"COPY h g", "1"}, {"PFCOUNT g", "4"}, {"PFADD g e", "1"},
        {"PFCOUNT h", "4"}, {"PFCOUNT g", "5"}, {"PFMERGE h g", "+OK"}, {"PFCOUNT h", "5"},
        {"DEL h", "1"}, {"PFCOUNT h", "0"}, {"RENAME g h", "+OK"}, {"PFCOUNT h", "5"},
        {"FLUSHALL", "+OK"}, {"PFADD h a", "1"}, {"PFCOUNT h", "1"}, {"SET h x", "+OK"},
        {"PFCOUNT h", "-WRONGTYPE Key is not a valid HyperLogLog string value."});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_remembered_count_is_of_the_value_as_it_is),
        cmocka_unit_test(test_counts_and_places_equal_a_plain_walk),
        cmocka_unit_test(test_fields_of_every_width_and_place_keep_to_themselves),
        cmocka_unit_test(test_limits_follow_proto_max_bulk_len),
        cmocka_unit_test(test_writes_that_change_nothing_leave_a_watched_key_alone),
        cmocka_unit_test(test_common_subsequences_equal_the_plain_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
