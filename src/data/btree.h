/* A counted B-tree of void pointers: ordered by a comparator, and every subtree knows its size, so
 * that rank and select are as cheap as find. For the index of due times and for large sorted sets.
 *
 * Every operation touches one node a level, at most BTREE_LEVELS of them. The items belong to the
 * caller. What can be observed depends on the items alone, not on the order of their coming. */
#ifndef SF_DATA_BTREE_H
#define SF_DATA_BTREE_H

#include "util/base.h"

#define BTREE_LEVELS 16 /* an inner node has at least two children, nearly all 21 to 63 */

/* < 0, 0, > 0. Total; constant for an item while it is in the tree. In btree_lower_bound a may be
 * a probe of another type. */
typedef int btree_compare(const void *context, const void *a, const void *b);

/* What the trees of one kind share. Outlives them all. */
struct btree_type {
    btree_compare *compare;
    const void *context;
};

struct btree_node;

struct btree {
    const struct btree_type *type;
    struct btree_node *root; /* NULL: empty */
    uint64_t n;
};

/* At an item. Valid until the tree changes. */
struct btree_cursor {
    const struct btree_node *nodes[BTREE_LEVELS]; /* from the root down */
    uint32_t at[BTREE_LEVELS];                    /* the child taken; in the last, the item */
    uint32_t n_levels;                            /* 0: behind the last or before the first */
};

void btree_init(struct btree *tree, const struct btree_type *type);
size_t btree_bytes(const struct btree *tree); /* an estimate from the number of items */

/* item must not compare equal to one in the tree (asserted). */
void btree_insert(struct btree *tree, void *item);
/* Takes out and returns the item that compares equal to probe; NULL: none. */
void *btree_remove(struct btree *tree, const void *probe);
/* Puts item in the place of the one that compares equal to old (asserted), which is returned;
 * item must compare equal to it too. */
void *btree_replace(struct btree *tree, const void *old, void *item);
void *btree_find(const struct btree *tree, const void *probe); /* NULL: none */

void *btree_first(const struct btree *tree);             /* NULL when empty */
void *btree_at(const struct btree *tree, uint64_t rank); /* rank < n (asserted) */

/* The first item that is not below probe, as compare (NULL: the tree's own) sees it; NULL: none.
 * cursor and rank (the number of items below) may be NULL. compare must agree with the tree's
 * order. */
void *btree_lower_bound(const struct btree *tree, btree_compare *compare, const void *probe,
    struct btree_cursor *cursor, uint64_t *rank);
/* A cursor at the item of that rank; at == n: behind the last. */
void *btree_seek(const struct btree *tree, uint64_t rank, struct btree_cursor *cursor);
/* Moves to the neighbour and returns it; NULL: there is none, and the cursor has ended. */
void *btree_next(struct btree_cursor *cursor);
void *btree_prev(struct btree_cursor *cursor);

/* Takes out items, whole nodes at a time from the end, until at least budget went or the tree is
 * empty; drop (may be NULL) then owns each. Returns how many went. After the first call that did
 * not empty the tree, only this function may be used on it. */
uint64_t btree_drop_some(
    struct btree *tree, uint64_t budget, void (*drop)(void *context, void *item), void *context);

#endif
