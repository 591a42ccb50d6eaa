#include "data/pool.h"
#include "util/random.h"

#include "unit/check.h"

#include <string.h>

#define PIECES 3000

struct piece {
    unsigned char *at;
    size_t size;
    unsigned char mark;
};

static void assert_untouched(const struct piece *piece) {
    for (size_t i = 0; i < piece->size; i++) assert_int_equal(piece->at[i], piece->mark);
}

/* Each piece holds a mark that any overlap would spoil; freeing the pool asserts that no page is
 * left behind. */
static void test_pieces_of_all_sizes_keep_apart(void **state) {
    (void)state;
    struct random random = random_from(9);
    struct pool *pool = pool_new();
    struct piece *pieces = sf_alloc_zero(PIECES, sizeof *pieces);
    for (int step = 0; step < 40000; step++) {
        struct piece *piece = &pieces[random_below(&random, PIECES)];
        if (piece->at != NULL) {
            assert_untouched(piece);
            pool_give(pool, piece->at, piece->size);
            piece->at = NULL;
        } else {
            piece->size = 1 + random_below(&random, POOL_PIECE_MAX + 40);
            piece->mark = (unsigned char)random_next(&random);
            piece->at = pool_take(pool, piece->size);
            memset(piece->at, piece->mark, piece->size);
        }
    }
    for (size_t i = 0; i < PIECES; i++) {
        if (pieces[i].at == NULL) continue;
        assert_untouched(&pieces[i]);
        pool_give(pool, pieces[i].at, pieces[i].size);
    }
    sf_free(pieces);
    pool_free(pool);
}

static void test_small_pieces_are_rounded_to_eight(void **state) {
    (void)state;
    assert_int_equal(pool_piece_bytes(1), 8);
    assert_int_equal(pool_piece_bytes(20), 24);
    assert_int_equal(pool_piece_bytes(POOL_PIECE_MAX), POOL_PIECE_MAX);
    assert_int_equal(pool_piece_bytes(POOL_PIECE_MAX + 1), 320);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_of_all_sizes_keep_apart),
        cmocka_unit_test(test_small_pieces_are_rounded_to_eight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
