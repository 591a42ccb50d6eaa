#include "unit/commands/world.h"

enum { PLACES = 400 };

static void add_places(struct world *world, struct random *random) {
    char line[96];
    for (int i = 0; i < PLACES; i++) {
        double longitude = (double)random_below(random, 360) - 180;
        double latitude = (double)random_below(random, 170) - 85;
        snprintf(line, sizeof line, "GEOADD g %.3f %.3f p%d", longitude, latitude, i);
        world_line(world, line);
    }
}

/* Many places share a distance here, since they lie on a grid. */
static void test_a_count_takes_the_front_of_the_whole_order(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    struct random random = random_from(9);
    add_places(&world, &random);
    for (int round = 0; round < 200; round++) {
        char line[128];
        const char *order = round % 2 == 0 ? "ASC" : "DESC";
        int longitude = (int)random_below(&random, 360) - 180;
        int latitude = (int)random_below(&random, 160) - 80;
        int n = 1 + (int)random_below(&random, 30);
        snprintf(line, sizeof line, "GEORADIUS_RO g %d %d 12000 km %s", longitude, latitude, order);
        char *whole = strdup(world_line(&world, line));
        snprintf(line, sizeof line, "GEORADIUS_RO g %d %d 12000 km %s COUNT %d", longitude,
            latitude, order, n);
        const char *front = world_line(&world, line);
        assert_int_equal(strncmp(front, whole, strlen(front) - 1), 0);
        int found = 0;
        for (const char *at = front; (at = strchr(at, 'p')) != NULL; at++) found++;
        assert_int_equal(found, n);
        free(whole);
    }
    world_close(&world);
}

static void test_packed_and_large_sets_of_places_answer_alike(void **state) {
    (void)state;
    struct world packed, large;
    world_open(&packed);
    world_open(&large);
    packed.thresholds.zset_max_listpack_entries = 100000;
    large.thresholds.zset_max_listpack_entries = 0;
    struct random random = random_from(4), same = random;
    add_places(&packed, &random);
    add_places(&large, &same);
    for (int round = 0; round < 200; round++) {
        char line[160];
        snprintf(line, sizeof line,
            "GEOSEARCH g FROMMEMBER p%d BYBOX %d %d km WITHDIST WITHHASH WITHCOORD",
            (int)random_below(&random, PLACES), (int)random_below(&random, 9000),
            (int)random_below(&random, 9000));
        char *expected = strdup(world_line(&packed, line));
        assert_string_equal(world_line(&large, line), expected);
        free(expected);
    }
    world_close(&packed);
    world_close(&large);
}

/* Where a set was not made by GEOADD. */
static void test_any_score_is_some_place(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    static const char *const scores[] = {"-1", "-inf", "inf", "1e300", "-1e300", "1.5",
        "18446744073709551616", "9223372036854775808", "-9223372036854775809", "4503599627370496"};
    char line[160];
    for (size_t i = 0; i < SF_LENGTH(scores); i++) {
        snprintf(line, sizeof line, "ZADD g %s m%zu", scores[i], i);
        assert_string_equal(world_line(&world, line), "1");
        snprintf(line, sizeof line, "GEOSEARCH g FROMMEMBER m%zu BYRADIUS inf km WITHDIST", i);
        assert_int_equal(world_line(&world, line)[0], '[');
        snprintf(line, sizeof line, "GEOHASH g m%zu", i);
        assert_int_equal(strlen(world_line(&world, line)), 15);
    }
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_count_takes_the_front_of_the_whole_order),
        cmocka_unit_test(test_packed_and_large_sets_of_places_answer_alike),
        cmocka_unit_test(test_any_score_is_some_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
