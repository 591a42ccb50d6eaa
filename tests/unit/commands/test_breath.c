/* A node whose command runs for long must be able to say so: every loop that a request can make
 * long breathes. */
#include "unit/commands/world.h"

enum { N_ELEMENTS = 20000, STRING_BYTES = 1 << 23, LCS_BYTES = 8000 };

static void count(void *context) {
    ++*(uint64_t *)context;
}

/* How often a request of so many elements breathes. */
static uint64_t breaths_of(struct world *world, const char *line) {
    uint64_t n = 0;
    world->breath = (struct breath){count, &n, 0};
    keyspace_set_breath(world->keyspace, &world->breath);
    const char *reply = world_line(world, line);
    if (reply[0] == '-' || reply[0] == '(') print_error("%s: %s\n", line, reply);
    assert_true(reply[0] != '-' && reply[0] != '(');
    keyspace_set_breath(world->keyspace, NULL);
    world->breath = (struct breath){NULL, NULL, 0};
    return n;
}

static void fill(struct world *world) {
    char line[160];
    for (int i = 0; i < N_ELEMENTS; i++) {
        snprintf(line, sizeof line, "SADD set member:%d", i);
        world_line(world, line);
        snprintf(line, sizeof line, "SADD other member:%d", i * 2);
        world_line(world, line);
        snprintf(line, sizeof line, "HSET hash field:%d value", i);
        world_line(world, line);
        snprintf(line, sizeof line, "RPUSH list %d", i);
        world_line(world, line);
        snprintf(line, sizeof line, "GEOADD zset %d.5 %d.25 member:%d", i % 90, i % 80, i);
        world_line(world, line);
        snprintf(line, sizeof line, "XADD stream %d-1 f v", i + 1);
        world_line(world, line);
        snprintf(line, sizeof line, "SET key:%d %d", i, i);
        world_line(world, line);
    }
    snprintf(line, sizeof line, "SETRANGE bytes %d x", STRING_BYTES);
    world_line(world, line);
    snprintf(line, sizeof line, "SETRANGE a %d x", LCS_BYTES);
    world_line(world, line);
    world_line(world, "COPY a b");
}

static void test_each_long_command_breathes(void **state) {
    (void)state;
    static const char *const lines[] = {"KEYS *", "SCAN 0 COUNT 30000", "SMEMBERS set",
        "SINTER set other", "SINTERSTORE to set other", "SINTERCARD 2 set other",
        "SUNION set other", "SUNIONSTORE to set other", "SDIFF set other",
        "SDIFFSTORE to other set", "HGETALL hash", "HKEYS hash", "LRANGE list 0 -1",
        "LPOS list 19999", "LINSERT list BEFORE 19999 5", "ZRANGE zset 0 -1",
        "ZRANGE zset -inf +inf BYSCORE", "ZRANGESTORE to zset 0 -1", "ZUNION 2 zset set",
        "ZUNIONSTORE to 2 zset set", "ZINTER 2 zset set", "ZDIFF 2 zset other",
        "ZINTERCARD 2 zset set", "XRANGE stream - +", "SORT set ALPHA", "SORT list",
        "SORT list BY key:* GET key:* STORE to", "SORT list BY nosort", "COPY set to REPLACE",
        "COPY hash to REPLACE", "COPY zset to REPLACE",
        "GEOSEARCH zset FROMLONLAT 40 40 BYRADIUS 20000 KM ASC",
        "GEOSEARCHSTORE to zset FROMLONLAT 40 40 BYRADIUS 20000 KM", "BITOP AND to bytes bytes",
        "BITOP NOT to bytes", "LCS a b LEN"};
    struct world world;
    world_open(&world);
    fill(&world);
    for (size_t i = 0; i < SF_LENGTH(lines); i++) {
        uint64_t n = breaths_of(&world, lines[i]);
        if (n < 2) print_error("%s: %llu breaths\n", lines[i], (unsigned long long)n);
        assert_true(n >= 2);
    }
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_long_command_breathes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
