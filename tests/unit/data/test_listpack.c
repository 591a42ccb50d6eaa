#include "data/listpack.h"
#include "util/hash.h"
#include "util/random.h"

#include "unit/check.h"

#define MODEL_MAX 400

/* -- the format ------------------------------------------------------------------------------ */

/* What a Redis 7.0 puts into a dump for these entries. */
static void test_the_bytes_are_redis_own(void **state) {
    (void)state;
    static const char *const entries[] = {"hello", "1", "-1", "128", "4096", "32768", "8388608",
        "2147483648", "007", "", "127", "-4096", "-32769"};
    static const uint8_t expected[] = {0x40, 0x00, 0x00, 0x00, 0x0d, 0x00, 0x85, 0x68, 0x65, 0x6c,
        0x6c, 0x6f, 0x06, 0x01, 0x01, 0xdf, 0xff, 0x02, 0xc0, 0x80, 0x02, 0xf1, 0x00, 0x10, 0x03,
        0xf2, 0x00, 0x80, 0x00, 0x04, 0xf3, 0x00, 0x00, 0x80, 0x00, 0x05, 0xf4, 0x00, 0x00, 0x00,
        0x80, 0x00, 0x00, 0x00, 0x00, 0x09, 0x83, 0x30, 0x30, 0x37, 0x04, 0x80, 0x01, 0x7f, 0x01,
        0xd0, 0x00, 0x02, 0xf2, 0xff, 0x7f, 0xff, 0x04, 0xff};
    struct listpack *listpack = listpack_new();
    for (size_t i = 0; i < SF_LENGTH(entries); i++)
        listpack_append(&listpack, slice_text(entries[i]));
    struct slice image = listpack_image(listpack);
    assert_int_equal(image.len, sizeof expected);
    assert_memory_equal(image.data, expected, sizeof expected);
    listpack_free(listpack);
}

static struct slice filled(char *room, char byte, size_t len) {
    memset(room, byte, len);
    return slice_of(room, len);
}

/* The same for entries whose lengths take one to three bytes, by the checksum of the dump. */
static void test_long_entries_are_redis_own(void **state) {
    (void)state;
    static char room[70000];
    static const struct {
        char byte;
        size_t len;
    } values[] = {{'x', 126}, {'x', 4095}, {'y', 16379}, {'z', 16381}, {'w', 70000}};
    struct listpack *listpack = listpack_new();
    for (size_t i = 0; i < SF_LENGTH(values); i++) {
        char name = (char)('a' + i);
        listpack_append(&listpack, slice_of(&name, 1));
        listpack_append(&listpack, filled(room, values[i].byte, values[i].len));
    }
    assert_int_equal(listpack_bytes(listpack), 107035);
    assert_int_equal(crc32c(listpack_image(listpack)), 0x32dcbd28);
    listpack_free(listpack);
}

/* -- against a model ------------------------------------------------------------------------- */

struct model {
    uint32_t n;
    char *texts[MODEL_MAX];
    size_t lens[MODEL_MAX];
};

static void model_insert(struct model *model, uint32_t at, struct slice text) {
    memmove(model->texts + at + 1, model->texts + at, (model->n - at) * sizeof(char *));
    memmove(model->lens + at + 1, model->lens + at, (model->n - at) * sizeof(size_t));
    model->texts[at] = memcpy(sf_alloc(text.len + 1), text.data, text.len);
    model->lens[at] = text.len;
    model->n++;
}

static void model_delete(struct model *model, uint32_t at) {
    sf_free(model->texts[at]);
    model->n--;
    memmove(model->texts + at, model->texts + at + 1, (model->n - at) * sizeof(char *));
    memmove(model->lens + at, model->lens + at + 1, (model->n - at) * sizeof(size_t));
}

static struct slice random_text(struct random *random, char room[9000]) {
    static const size_t lens[] = {0, 1, 5, 62, 63, 64, 65, 126, 127, 128, 200, 4095, 4096, 8190};
    uint64_t sort = random_below(random, 10);
    if (sort < 5) { /* of every width, and around the borders */
        uint64_t number = random_next(random) >> random_below(random, 64);
        return slice_of(room, int_print((int64_t)(sort < 2 ? ~number : number), room));
    }
    size_t len = lens[random_below(random, sort < 9 ? 7 : SF_LENGTH(lens))];
    return filled(room, (char)('a' + random_below(random, 3)), len);
}

static void assert_same(const struct listpack *listpack, const struct model *model) {
    char scratch[INT_TEXT_MAX];
    assert_int_equal(listpack_count(listpack), model->n);
    size_t at = listpack_first(listpack), before = 0;
    for (uint32_t i = 0; i < model->n; i++) {
        struct slice expected = slice_of(model->texts[i], model->lens[i]);
        assert_true(slice_equal(listpack_text(listpack, at, scratch), expected));
        assert_true(listpack_equals(listpack, at, expected));
        assert_int_equal(listpack_prev(listpack, at), before);
        assert_int_equal(listpack_seek(listpack, i), at);
        assert_int_equal(listpack_seek(listpack, (int64_t)i - model->n), at);
        before = at;
        at = listpack_next(listpack, at);
    }
    assert_int_equal(at, 0);
    assert_int_equal(listpack_last(listpack), before);
    assert_int_equal(listpack_seek(listpack, model->n), 0);
    assert_int_equal(listpack_seek(listpack, -(int64_t)model->n - 1), 0);
}

/* The bytes are a function of the content: equal to those of one filled by appending. */
static void assert_history_does_not_show(
    const struct listpack *listpack, const struct model *model) {
    struct listpack *fresh = listpack_new();
    for (uint32_t i = 0; i < model->n; i++)
        listpack_append(&fresh, slice_of(model->texts[i], model->lens[i]));
    assert_true(slice_equal(listpack_image(fresh), listpack_image(listpack)));
    struct listpack *loaded = listpack_load(listpack_image(listpack));
    assert_non_null(loaded);
    assert_true(slice_equal(listpack_image(loaded), listpack_image(listpack)));
    listpack_free(loaded);
    listpack_free(fresh);
}

static void test_random_changes_match_a_model(void **state) {
    (void)state;
    struct random random = random_from(11);
    struct model model = {0};
    struct listpack *listpack = listpack_new();
    char room[9000];
    for (int step = 0; step < 4000; step++) {
        struct slice text = random_text(&random, room);
        uint32_t at = model.n == 0 ? 0 : (uint32_t)random_below(&random, model.n);
        size_t place = listpack_seek(listpack, at);
        uint64_t choice = random_below(&random, 10);
        if (model.n == 0 || (choice < 5 && model.n < 60)) {
            bool at_end = model.n == 0 || choice == 0;
            size_t made = listpack_insert(&listpack, at_end ? 0 : place, text);
            model_insert(&model, at_end ? model.n : at, text);
            assert_true(listpack_equals(listpack, made, text));
        } else if (choice < 8) {
            listpack_replace(&listpack, place, text);
            model_delete(&model, at);
            model_insert(&model, at, text);
        } else {
            uint64_t n = 1 + random_below(&random, 3);
            size_t next = listpack_delete(&listpack, place, n);
            for (uint64_t i = 0; i < n && at < model.n; i++) model_delete(&model, at);
            assert_int_equal(next, listpack_seek(listpack, at));
        }
        if (step % 16 == 0) assert_same(listpack, &model);
        if (step % 64 == 0) assert_history_does_not_show(listpack, &model);
    }
    while (model.n > 0) model_delete(&model, 0);
    listpack_free(listpack);
}

static void test_find_compares_every_entry_or_every_field(void **state) {
    (void)state;
    static const char *const entries[] = {"a", "b", "b", "7", "7", "a", "c"};
    struct listpack *listpack = listpack_new();
    for (size_t i = 0; i < SF_LENGTH(entries); i++)
        listpack_append(&listpack, slice_text(entries[i]));
    size_t first = listpack_first(listpack);
    static const struct {
        const char *text;
        uint32_t skip;
        int64_t index; /* -1: not found */
    } cases[] = {{"a", 0, 0}, {"b", 0, 1}, {"7", 0, 3}, {"07", 0, -1}, {"c", 0, 6}, {"", 0, -1},
        {"b", 1, 2}, {"7", 1, 4}, {"c", 1, 6}, {"7", 2, 3}, {"b", 2, -1}};
    for (size_t i = 0; i < SF_LENGTH(cases); i++) {
        size_t expected = cases[i].index < 0 ? 0 : listpack_seek(listpack, cases[i].index);
        size_t found = listpack_find(listpack, first, slice_text(cases[i].text), cases[i].skip);
        if (found != expected) fail_msg("%s, skip %u", cases[i].text, cases[i].skip);
    }
    assert_int_equal(listpack_find(listpack, 0, SLICE("a"), 0), 0);
    listpack_free(listpack);
}

static void test_counts_beyond_what_the_header_holds(void **state) {
    (void)state;
    struct listpack *listpack = listpack_new();
    for (int i = 0; i < 65600; i++) listpack_append(&listpack, SLICE("1"));
    assert_int_equal(listpack_count(listpack), 65600);
    struct listpack *loaded = listpack_load(listpack_image(listpack));
    assert_int_equal(listpack_count(loaded), 65600);
    listpack_delete(&loaded, listpack_first(loaded), 66);
    assert_int_equal(listpack_count(loaded), 65534);
    struct slice image = listpack_image(loaded);
    assert_int_equal((uint8_t)image.data[4], 0xfe); /* the header knows it again */
    listpack_free(loaded);
    listpack_free(listpack);
}

/* -- damage ---------------------------------------------------------------------------------- */

static void walk(const struct listpack *listpack) {
    char scratch[INT_TEXT_MAX];
    uint64_t n = 0;
    for (size_t at = listpack_first(listpack); at != 0; at = listpack_next(listpack, at), n++)
        listpack_text(listpack, at, scratch);
    assert_int_equal(n, listpack_count(listpack));
    for (size_t at = listpack_last(listpack); at != 0; at = listpack_prev(listpack, at)) n--;
    assert_int_equal(n, 0);
}

static void test_damaged_bytes_are_refused_or_harmless(void **state) {
    (void)state;
    struct random random = random_from(5);
    struct listpack *listpack = listpack_new();
    char room[9000];
    for (int i = 0; i < 12; i++) listpack_append(&listpack, random_text(&random, room));
    struct slice image = listpack_image(listpack);
    for (size_t len = 0; len < image.len; len++) {
        char *cut = memcpy(sf_alloc(len + 1), image.data, len);
        assert_null(listpack_load(slice_of(cut, len)));
        sf_free(cut);
    }
    size_t n_loaded = 0;
    for (int i = 0; i < 30000; i++) {
        char *damaged = memcpy(sf_alloc(image.len), image.data, image.len);
        for (uint64_t k = random_below(&random, 3) + 1; k > 0; k--)
            damaged[random_below(&random, image.len)] = (char)random_next(&random);
        struct listpack *loaded = listpack_load(slice_of(damaged, image.len));
        if (loaded != NULL) walk(loaded);
        n_loaded += loaded != NULL;
        listpack_free(loaded);
        sf_free(damaged);
    }
    assert_true(n_loaded > 0 && n_loaded < 30000);
    listpack_free(listpack);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bytes_are_redis_own),
        cmocka_unit_test(test_long_entries_are_redis_own),
        cmocka_unit_test(test_random_changes_match_a_model),
        cmocka_unit_test(test_find_compares_every_entry_or_every_field),
        cmocka_unit_test(test_counts_beyond_what_the_header_holds),
        cmocka_unit_test(test_damaged_bytes_are_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
