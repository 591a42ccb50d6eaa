#include "data/sorted_set.h"
#include "util/random.h"

#include "unit/check.h"

#include <stdio.h>

struct fixture {
    struct sorted_set_type type;
    struct sorted_set *set;
};

static void open_set(struct fixture *fixture) {
    struct hash_secret secret = {1, 2};
    sorted_set_type_init(&fixture->type, &secret);
    fixture->set = sorted_set_new(&fixture->type);
}

enum { MEMBERS = 300 };

static struct slice member_name(unsigned number, char *text) {
    int len = sprintf(text, "%.*s%u", number % 40 == 0 ? 300 : 2,
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        number);
    return slice_of(text, (size_t)len);
}

/* Ranks and scores by looking at every member. */
static void assert_same(const struct sorted_set *set, const bool *present, const double *scores) {
    char a[320], b[320];
    uint64_t n = 0;
    for (unsigned i = 0; i < MEMBERS; i++) {
        const struct sorted_element *element = sorted_set_find(set, member_name(i, a));
        assert_int_equal(element != NULL, present[i]);
        if (!present[i]) continue;
        n++;
        uint64_t rank = 0;
        for (unsigned j = 0; j < MEMBERS; j++) {
            if (!present[j]) continue;
            int order = slice_compare(member_name(j, b), member_name(i, a));
            rank += scores[j] < scores[i] || (scores[j] == scores[i] && order < 0);
        }
        assert_true(element->score == scores[i]);
        assert_int_equal(sorted_set_rank(set, element), rank);
        assert_ptr_equal(btree_at(&set->order, rank), element);
    }
    assert_int_equal(sorted_set_size(set), n);
}

static void test_members_are_ranked_by_score_then_by_bytes(void **state) {
    (void)state;
    struct fixture fixture;
    open_set(&fixture);
    struct random random = random_from(3);
    bool present[MEMBERS] = {false};
    double scores[MEMBERS] = {0};
    char text[320];
    for (int step = 0; step < 6000; step++) {
        unsigned i = (unsigned)random_below(&random, MEMBERS);
        struct slice member = member_name(i, text);
        double score = (double)random_below(&random, 12) / 4 - 1;
        const struct sorted_element *element = sorted_set_find(fixture.set, member);
        if (element == NULL) {
            sorted_set_add(fixture.set, member, score);
        } else if (step % 3 == 0) {
            sorted_set_remove(fixture.set, element);
        } else {
            sorted_set_rescore(fixture.set, element, score);
        }
        present[i] = element == NULL || step % 3 != 0;
        scores[i] = score;
        if (step % 500 == 0) assert_same(fixture.set, present, scores);
    }
    assert_same(fixture.set, present, scores);
    struct sorted_set *copy = sorted_set_copy(fixture.set, NULL);
    assert_same(copy, present, scores);
    sorted_set_free(copy);
    sorted_set_free(fixture.set);
}

static void test_an_element_takes_at_most_72_bytes(void **state) {
    (void)state;
    struct fixture fixture;
    open_set(&fixture);
    enum { N = 100000 };
    struct random random = random_from(5);
    for (unsigned i = 0; i < N; i++) {
        char text[32];
        int len = sprintf(text, "member:%012u", i);
        sorted_set_add(fixture.set, slice_of(text, (size_t)len), (double)random_next(&random));
    }
    assert_true(sorted_set_bytes(fixture.set) < (size_t)N * 72);
    uint64_t rounds = 1, budget = 1000;
    for (; !sorted_set_free_some(fixture.set, &budget); budget = 1000) rounds++;
    assert_true(rounds > 50);
}

static void test_zero_keeps_its_sign_and_equals_the_other(void **state) {
    (void)state;
    struct fixture fixture;
    open_set(&fixture);
    sorted_set_add(fixture.set, SLICE("b"), -0.0);
    sorted_set_add(fixture.set, SLICE("a"), 0.0);
    const struct sorted_element *b = sorted_set_find(fixture.set, SLICE("b"));
    assert_true(__builtin_signbit(b->score));
    assert_int_equal(sorted_set_rank(fixture.set, b), 1);
    sorted_set_rescore(fixture.set, b, 0.0);
    assert_false(__builtin_signbit(b->score));
    sorted_set_free(fixture.set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_are_ranked_by_score_then_by_bytes),
        cmocka_unit_test(test_an_element_takes_at_most_72_bytes),
        cmocka_unit_test(test_zero_keeps_its_sign_and_equals_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
