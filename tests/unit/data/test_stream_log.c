#include "data/stream_log.h"
#include "util/random.h"

#include "unit/check.h"

#include <stdio.h>

#define MODEL_MAX 3000
#define TEXT_MAX 40

/* The same entries as an array, deleted ones left out. */
struct model_entry {
    struct stream_id id;
    uint32_t n_fields;
    char texts[8][TEXT_MAX];
};

struct world {
    struct stream_log log;
    struct stream_id last;
    struct model_entry *entries;
    uint64_t n;
    struct random random;
    struct stream_node_limits limits;
};

static void world_open(struct world *world, uint64_t seed) {
    *world = (struct world){.random = random_from(seed), .limits = {4096, 100}};
    world->entries = sf_alloc(MODEL_MAX * sizeof *world->entries);
    stream_log_init(&world->log);
}

static void log_free(struct stream_log *log) {
    uint64_t budget = 3;
    while (!stream_log_free_some(log, &budget)) budget = 3;
    assert_int_equal(log->length, 0);
    assert_int_equal(log->node_bytes, 0);
}

static void world_close(struct world *world) {
    log_free(&world->log);
    sf_free(world->entries);
}

static uint64_t below(struct world *world, uint64_t n) {
    return random_below(&world->random, n);
}

/* Numbers, short and longer texts; fields mostly the same ones. */
static void fill(struct world *world, struct model_entry *entry) {
    bool is_usual = below(world, 4) > 0;
    entry->n_fields = is_usual ? 2 : 1 + (uint32_t)below(world, 4);
    for (uint32_t i = 0; i < 2 * entry->n_fields; i++) {
        uint64_t kind = below(world, 5), number = random_next(&world->random);
        memset(entry->texts[i], 0, TEXT_MAX);
        if (is_usual && i % 2 == 0)
            snprintf(entry->texts[i], TEXT_MAX, "field%u", i);
        else if (kind == 0)
            snprintf(entry->texts[i], TEXT_MAX, "%lld", (long long)number >> below(world, 60));
        else
            memset(entry->texts[i], 'a' + (int)kind, below(world, TEXT_MAX - 1));
    }
}

static void append(struct world *world) {
    struct stream_id id = world->last;
    if (below(world, 2) == 0)
        stream_id_increment(&id);
    else
        id = (struct stream_id){id.ms + 1 + below(world, 500), below(world, 3)};
    struct model_entry *entry = &world->entries[world->n++];
    fill(world, entry);
    entry->id = world->last = id;
    struct slice pairs[8];
    for (uint32_t i = 0; i < 2 * entry->n_fields; i++) pairs[i] = slice_text(entry->texts[i]);
    stream_log_append(&world->log, &world->limits, id, entry->n_fields, pairs);
}

static void model_remove(struct world *world, uint64_t at, uint64_t n) {
    world->n -= n;
    memmove(&world->entries[at], &world->entries[at + n], (world->n - at) * sizeof *world->entries);
}

static void remove_some(struct world *world) {
    if (world->n == 0) return;
    uint64_t at = below(world, world->n);
    struct stream_id id = world->entries[at].id;
    assert_true(stream_log_remove(&world->log, id));
    assert_false(stream_log_remove(&world->log, id));
    model_remove(world, at, 1);
}

static void trim(struct world *world) {
    struct stream_trim how = {.by_id = below(world, 2) == 0,
        .whole_nodes = below(world, 2) == 0,
        .limit = below(world, 2) == 0 ? 0 : below(world, 40)};
    uint64_t wish = below(world, 30), most = SF_MIN(world->n, wish), keep = world->n - most;
    if (how.by_id && keep == 0) return;
    how.max_length = keep;
    if (how.by_id) how.min_id = keep == world->n ? STREAM_ID_MIN : world->entries[most].id;
    uint64_t gone = stream_log_trim(&world->log, &how);
    assert_true(gone <= most);
    if (!how.whole_nodes && how.limit == 0) assert_int_equal(gone, most);
    if (how.limit != 0) assert_true(gone <= how.limit || !how.whole_nodes);
    model_remove(world, 0, gone);
}

static void assert_entry(const struct stream_cursor *cursor, const struct model_entry *expected) {
    assert_int_equal(stream_id_compare(cursor->entry.id, expected->id), 0);
    assert_int_equal(cursor->entry.n_fields, expected->n_fields);
    struct stream_fields fields;
    struct slice name, value;
    stream_fields_begin(&fields, &cursor->entry);
    for (uint32_t i = 0; i < expected->n_fields; i++) {
        assert_true(stream_fields_next(&fields, &name, &value));
        assert_true(slice_equal(name, slice_text(expected->texts[2 * i])));
        assert_true(slice_equal(value, slice_text(expected->texts[2 * i + 1])));
    }
    assert_false(stream_fields_next(&fields, &name, &value));
}

static void assert_same(const struct world *world, const struct stream_log *log) {
    struct stream_cursor cursor;
    assert_int_equal(log->length, world->n);
    bool more = stream_log_seek(log, STREAM_ID_MIN, &cursor);
    for (uint64_t i = 0; i < world->n; i++, more = stream_cursor_next(&cursor)) {
        assert_true(more);
        assert_entry(&cursor, &world->entries[i]);
    }
    assert_false(more);
    more = stream_log_seek_back(log, STREAM_ID_MAX, &cursor);
    for (uint64_t i = world->n; i-- > 0; more = stream_cursor_prev(&cursor)) {
        assert_true(more);
        assert_entry(&cursor, &world->entries[i]);
    }
    assert_false(more);
}

static void assert_seeks(struct world *world) {
    struct stream_cursor cursor;
    struct stream_id id = {below(world, world->last.ms + 2), below(world, 3)};
    uint64_t first = 0;
    while (first < world->n && stream_id_compare(world->entries[first].id, id) < 0) first++;
    bool is_there = first < world->n && stream_id_compare(world->entries[first].id, id) == 0;
    assert_int_equal(stream_log_find(&world->log, id, &cursor), is_there);
    assert_int_equal(stream_log_seek(&world->log, id, &cursor), first < world->n);
    if (first < world->n) assert_entry(&cursor, &world->entries[first]);
    uint64_t n_up_to = first + is_there;
    assert_int_equal(stream_log_seek_back(&world->log, id, &cursor), n_up_to > 0);
    if (n_up_to > 0) assert_entry(&cursor, &world->entries[n_up_to - 1]);
}

static void assert_reloads(const struct world *world) {
    struct buf image = {0}, again = {0};
    struct stream_log loaded, copy;
    stream_log_put(&world->log, &image);
    struct reader in = reader_of(buf_slice(&image));
    stream_log_init(&loaded);
    assert_true(stream_log_read(&loaded, &in));
    assert_int_equal(in.rest.len, 0);
    stream_log_put(&loaded, &again);
    assert_true(slice_equal(buf_slice(&image), buf_slice(&again)));
    assert_int_equal(loaded.node_bytes, world->log.node_bytes);
    assert_same(world, &loaded);
    stream_log_copy(&world->log, &copy);
    assert_same(world, &copy);
    assert_int_equal(copy.node_bytes, world->log.node_bytes);
    log_free(&loaded);
    log_free(&copy);
    buf_free(&image);
    buf_free(&again);
}

static void test_a_log_matches_an_array_of_entries(void **state) {
    (void)state;
    static const struct stream_node_limits limits[] = {
        {4096, 100}, {0, 0}, {200, 3}, {0, 1}, {300, 0}};
    for (uint64_t seed = 0; seed < 15; seed++) {
        struct world world;
        world_open(&world, seed);
        world.limits = limits[seed % SF_LENGTH(limits)];
        for (int step = 0; step < 2500; step++) {
            uint64_t chance = below(&world, 100);
            uint64_t appends = step / 500 % 2 == 0 ? 80 : 30;
            if (chance < appends)
                append(&world);
            else if (chance < 98)
                remove_some(&world);
            else
                trim(&world);
            assert_seeks(&world);
            if (step % 250 == 0) assert_same(&world, &world.log);
            if (step % 250 == 0) assert_reloads(&world);
        }
        assert_same(&world, &world.log);
        world_close(&world);
    }
}

static void test_appending_keeps_to_the_limits_of_a_node(void **state) {
    (void)state;
    struct world world;
    world_open(&world, 1);
    world.limits = (struct stream_node_limits){0, 7};
    for (int i = 0; i < 70; i++) append(&world);
    assert_int_equal(world.log.nodes.n, 10);
    /* deleted entries count too */
    remove_some(&world);
    append(&world);
    assert_int_equal(world.log.nodes.n, 11);
    world_close(&world);
}

/* -- the layout ------------------------------------------------------------------------------ */

/* XADD 5-1 name alice age 7; XADD 5-2 name bob age 300; XADD 9-0 other 70000000000; XDEL 5-2: the
 * node as a Redis 7.0 dumps it. */
static const char redis_node[] =
    "\127\000\000\000\031\000\002\001\001\001\002\001\204\156\141\155\145\005\203\141\147\145\004"
    "\000\001\002\001\000\001\000\001\205\141\154\151\143\145\006\007\001\005\001\003\001\000\001"
    "\001\001\203\142\157\142\004\301\054\002\005\001\000\001\004\001\337\377\002\001\001\205\157"
    "\164\150\145\162\006\364\000\074\123\114\020\000\000\000\011\006\001\377";

static void test_a_node_is_laid_out_as_redis_does(void **state) {
    (void)state;
    struct slice texts[] = {SLICE("name"), SLICE("alice"), SLICE("age"), SLICE("7"), SLICE("name"),
        SLICE("bob"), SLICE("age"), SLICE("300"), SLICE("other"), SLICE("70000000000")};
    struct stream_node_limits limits = {4096, 100};
    struct stream_log log;
    stream_log_init(&log);
    stream_log_append(&log, &limits, (struct stream_id){5, 1}, 2, texts);
    stream_log_append(&log, &limits, (struct stream_id){5, 2}, 2, texts + 4);
    stream_log_append(&log, &limits, (struct stream_id){9, 0}, 1, texts + 8);
    assert_true(stream_log_remove(&log, (struct stream_id){5, 2}));
    const struct stream_node *node = btree_first(&log.nodes);
    struct slice expected = slice_of(redis_node, sizeof redis_node - 1);
    assert_true(slice_equal(listpack_image(node->packed), expected));
    struct stream_node *loaded = stream_node_load((struct stream_id){5, 1}, expected);
    assert_non_null(loaded);
    assert_int_equal(stream_node_live(loaded), 2);
    assert_int_equal(stream_node_entries(loaded), 3);
    stream_node_free(loaded);
    log_free(&log);
}

static struct listpack *packed_of(const char *words) {
    struct listpack *packed = listpack_new();
    while (*words != '\0') {
        size_t len = strcspn(words, " ");
        listpack_append(&packed, slice_of(words, len));
        words += len + (words[len] == ' ');
    }
    return packed;
}

static void test_only_whole_nodes_pass_the_check(void **state) {
    (void)state;
    static const struct {
        const char *words;
        bool is_good;
    } cases[] = {
        {"1 0 1 f 0 2 0 0 v 4", true}, {"1 1 1 f 0 2 0 0 v 4 3 0 1 w 4", true},
        {"0 1 1 f 0 3 0 0 v 4", true}, /* trimming may leave it so */
        {"1 0 1 f 0 0 0 0 1 g v 6", true}, {"", false}, {"1", false}, {"1 0 1 f", false},
        {"1 0 1 f 0", false},                     /* no entry */
        {"1 0 1 f 1 2 0 0 v 4", false},           /* no end of the master's part */
        {"x 0 1 f 0 2 0 0 v 4", false},           /* no number */
        {"2 0 1 f 0 2 0 0 v 4", false},           /* too few */
        {"1 1 1 f 0 2 0 0 v 4 2 0 1 w 4", false}, /* none is marked */
        {"1 0 1 f 0 2 0 0 v 5", false},           /* a wrong way back */
        {"1 0 1 f 0 2 0 0 v", false}, {"1 0 1 f 0 4 0 0 v 4", false}, /* flags of somebody else */
        {"1 0 1 f 0 0 0 0 9 g v 6", false}, /* more fields than there are */
        {"1 0 -1 f 0 2 0 0 v 4", false}, {"-1 2 1 f 0 2 0 0 v 4", false},
        {"1 0 9223372036854775807 f 0 2 0 0 v 4", false},
        {"1 0 1 f 0 0 0 0 9223372036854775807 g v 6", false},
        {"2 0 1 f 0 2 0 0 v 4 2 0 0 w 4", false}, /* an id twice */
        {"2 0 1 f 0 2 1 0 v 4 2 0 9 w 4", false}, /* ids descend */
        {"1 0 1 f 0 2 -1 0 v 4", false},          /* below the master's */
    };
    for (size_t i = 0; i < SF_LENGTH(cases); i++) {
        struct listpack *packed = packed_of(cases[i].words);
        if (stream_node_check(packed, (struct stream_id){5, 5}) != cases[i].is_good)
            fail_msg("%s", cases[i].words);
        listpack_free(packed);
    }
}

/* Whatever passes the check can be walked, changed and put. */
static void test_damaged_nodes_are_refused_or_harmless(void **state) {
    (void)state;
    struct world world;
    world_open(&world, 5);
    for (int i = 0; i < 12; i++) append(&world);
    remove_some(&world);
    const struct stream_node *node = btree_first(&world.log.nodes);
    struct slice good = listpack_image(node->packed);
    char *bytes = sf_alloc(good.len);
    for (int round = 0; round < 20000; round++) {
        memcpy(bytes, good.data, good.len);
        for (uint64_t i = 0; i <= below(&world, 3); i++)
            bytes[below(&world, good.len)] = (char)random_next(&world.random);
        struct stream_node *loaded = stream_node_load(node->master, slice_of(bytes, good.len));
        if (loaded == NULL) continue;
        struct stream_log log;
        stream_log_init(&log);
        assert_true(stream_log_append_node(&log, &loaded));
        struct stream_cursor cursor;
        uint64_t n = 0;
        for (bool more = stream_log_seek(&log, STREAM_ID_MIN, &cursor); more;
             more = stream_cursor_next(&cursor))
            n++;
        assert_int_equal(n, log.length);
        struct stream_trim how = {.max_length = n / 2};
        stream_log_trim(&log, &how);
        log_free(&log);
    }
    sf_free(bytes);
    world_close(&world);
}

/* -- the shape of Redis's index -------------------------------------------------------------- */

static unsigned key_byte(struct stream_id id, uint32_t at) {
    uint64_t word = at < 8 ? id.ms : id.seq;
    return (unsigned)(word >> (8 * (7 - at % 8))) & 255;
}

/* A radix tree with compressed nodes over keys that share `depth` bytes, built by hand. */
static uint64_t radix_nodes(const struct stream_id *ids, uint64_t n, uint32_t depth) {
    if (n == 1) return depth == 16 ? 1 : 2;
    uint32_t parts = depth;
    while (key_byte(ids[0], parts) == key_byte(ids[n - 1], parts)) parts++;
    uint64_t count = parts > depth ? 2 : 1;
    for (uint64_t from = 0, to; from < n; from = to) {
        to = from + 1;
        while (to < n && key_byte(ids[to], parts) == key_byte(ids[from], parts)) to++;
        count += radix_nodes(ids + from, to - from, parts + 1);
    }
    return count;
}

static void test_radix_nodes_are_those_of_a_tree_built_by_hand(void **state) {
    (void)state;
    struct slice pair[2] = {SLICE("a"), SLICE("b")};
    struct stream_node_limits limits = {0, 1};
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct stream_log log;
        struct stream_id ids[200], id = {0, 0};
        struct random random = random_from(seed);
        stream_log_init(&log);
        assert_int_equal(stream_log_radix_nodes(&log), 1);
        for (uint64_t n = 0; n < 200; n++) {
            bool jumps = random_below(&random, 4) == 0;
            if (jumps) id.ms += (uint64_t)1 << random_below(&random, seed % 48 + 1);
            id.seq = jumps ? random_next(&random) >> (seed % 64) : id.seq + 1 + seed % 3 * 200;
            if (n > 0 && stream_id_compare(id, ids[n - 1]) <= 0)
                id = (struct stream_id){ids[n - 1].ms + 1, 0};
            ids[n] = id;
            stream_log_append(&log, &limits, id, 1, pair);
            if (n % 10 == 0 || n < 10)
                assert_int_equal(stream_log_radix_nodes(&log), radix_nodes(ids, n + 1, 0));
        }
        log_free(&log);
    }
}

static void test_ids_step_over_the_border_of_their_halves(void **state) {
    (void)state;
    struct stream_id id = {1, UINT64_MAX};
    assert_true(stream_id_increment(&id));
    assert_int_equal(stream_id_compare(id, (struct stream_id){2, 0}), 0);
    assert_true(stream_id_decrement(&id));
    assert_int_equal(stream_id_compare(id, (struct stream_id){1, UINT64_MAX}), 0);
    id = STREAM_ID_MAX;
    assert_false(stream_id_increment(&id));
    assert_int_equal(stream_id_compare(id, STREAM_ID_MAX), 0);
    id = STREAM_ID_MIN;
    assert_false(stream_id_decrement(&id));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_log_matches_an_array_of_entries),
        cmocka_unit_test(test_appending_keeps_to_the_limits_of_a_node),
        cmocka_unit_test(test_a_node_is_laid_out_as_redis_does),
        cmocka_unit_test(test_only_whole_nodes_pass_the_check),
        cmocka_unit_test(test_damaged_nodes_are_refused_or_harmless),
        cmocka_unit_test(test_radix_nodes_are_those_of_a_tree_built_by_hand),
        cmocka_unit_test(test_ids_step_over_the_border_of_their_halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
