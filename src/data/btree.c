/* A B-tree (Bayer and McCreight 1972) with items in inner nodes too: no copied separators, so an
 * item's pointer stands in exactly one place and can be exchanged.
 *
 * A leaf is 512 bytes (62 items and room for one too many, which then splits it), an inner node
 * 1536: the same, 64 children and their sizes. A node that overflows at the right edge of the tree
 * keeps what it has and begins a new one, so that ascending insertion (due times mostly are)
 * fills nodes; everywhere else it splits in the middle. A node below a third lends from a
 * neighbour or joins it. Nodes of the right edge may hold fewer, but at least one. */
#include "data/btree.h"

#include "data/size_class.h"
#include <string.h>

enum { MAX_ITEMS = 62, MIN_ITEMS = 20 };

struct btree_node {
    uint32_t n;
    bool is_leaf;
    void *items[MAX_ITEMS + 1];
};

struct inner {
    struct btree_node base;
    struct btree_node *children[MAX_ITEMS + 2];
    uint64_t sizes[MAX_ITEMS + 2]; /* items below each child */
};

/* A way down, for changes. */
struct path {
    struct btree_node *nodes[BTREE_LEVELS];
    uint32_t at[BTREE_LEVELS];
    uint32_t n_levels;
};

static inline struct inner *inner_of(struct btree_node *node) {
    SF_ASSERT(!node->is_leaf);
    return (struct inner *)(void *)node;
}

static inline const struct inner *const_inner(const struct btree_node *node) {
    return (const struct inner *)(const void *)node;
}

static struct btree_node *node_new(bool is_leaf) {
    struct btree_node *node = sf_alloc(is_leaf ? sizeof(struct btree_node) : sizeof(struct inner));
    node->n = 0;
    node->is_leaf = is_leaf;
    return node;
}

static uint64_t node_size(struct btree_node *node) {
    uint64_t size = node->n;
    if (node->is_leaf) return size;
    struct inner *inner = inner_of(node);
    for (uint32_t i = 0; i <= node->n; i++) size += inner->sizes[i];
    return size;
}

static void move_items(struct btree_node *to, uint32_t to_at, const struct btree_node *from,
    uint32_t from_at, uint32_t n) {
    memmove(to->items + to_at, from->items + from_at, (size_t)n * sizeof to->items[0]);
}

static void move_children(
    struct inner *to, uint32_t to_at, const struct inner *from, uint32_t from_at, uint32_t n) {
    memmove(to->children + to_at, from->children + from_at, (size_t)n * sizeof to->children[0]);
    memmove(to->sizes + to_at, from->sizes + from_at, (size_t)n * sizeof to->sizes[0]);
}

/* The first item that is not below probe; *equal when it is the probe's equal. */
static uint32_t node_search(const struct btree_node *node, btree_compare *compare,
    const void *context, const void *probe, bool *equal) {
    uint32_t low = 0, high = node->n;
    *equal = false;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = compare(context, probe, node->items[middle]);
        if (order == 0) *equal = true;
        if (order > 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The way to the item equal to probe (true), or to the place in a leaf where it belongs. */
static bool path_find(const struct btree *tree, const void *probe, struct path *path) {
    path->n_levels = 0;
    for (struct btree_node *node = tree->root; node != NULL;) {
        SF_ASSERT(path->n_levels < BTREE_LEVELS);
        bool equal;
        uint32_t at = node_search(node, tree->type->compare, tree->type->context, probe, &equal);
        path->nodes[path->n_levels] = node;
        path->at[path->n_levels++] = at;
        if (equal) return true;
        node = node->is_leaf ? NULL : inner_of(node)->children[at];
    }
    return false;
}

void btree_init(struct btree *tree, const struct btree_type *type) {
    *tree = (struct btree){.type = type};
}

size_t btree_bytes(const struct btree *tree) {
    uint64_t leaves = (tree->n + 47) / 48;
    return leaves * sizeof(struct btree_node) + leaves / 40 * sizeof(struct inner);
}

/* -- inserting ------------------------------------------------------------------------------- */

/* Puts the item behind child `at`, and right behind the item. */
static void inner_insert(struct inner *inner, uint32_t at, void *item, struct btree_node *right) {
    struct btree_node *base = &inner->base;
    move_items(base, at + 1, base, at, base->n - at);
    move_children(inner, at + 2, inner, at + 1, base->n - at);
    base->items[at] = item;
    base->n++;
    inner->children[at + 1] = right;
    inner->sizes[at + 1] = node_size(right);
    inner->sizes[at] = node_size(inner->children[at]);
}

/* Cuts the node's items from `cut` on off into a new node; *middle is the one between. */
static struct btree_node *node_cut(struct btree_node *node, uint32_t cut, void **middle) {
    struct btree_node *right = node_new(node->is_leaf);
    right->n = node->n - cut - 1;
    *middle = node->items[cut];
    move_items(right, 0, node, cut + 1, right->n);
    if (!node->is_leaf) move_children(inner_of(right), 0, inner_of(node), cut + 1, right->n + 1);
    node->n = cut;
    return right;
}

static bool is_at_right_edge(const struct path *path, uint32_t level) {
    for (uint32_t i = 0; i < level; i++) {
        if (path->at[i] != path->nodes[i]->n) return false;
    }
    return true;
}

static void path_split(struct btree *tree, struct path *path, uint32_t level) {
    for (;; level--) {
        struct btree_node *node = path->nodes[level];
        if (node->n <= MAX_ITEMS) return;
        /* at is the new item's place in a leaf, the split child's in an inner node */
        bool ascending = path->at[level] == node->n - 1 && is_at_right_edge(path, level);
        void *middle;
        struct btree_node *right = node_cut(node, ascending ? node->n - 2 : node->n / 2, &middle);
        if (level == 0) {
            struct inner *root = inner_of(node_new(false));
            root->children[0] = node;
            inner_insert(root, 0, middle, right);
            tree->root = &root->base;
            return;
        }
        inner_insert(inner_of(path->nodes[level - 1]), path->at[level - 1], middle, right);
    }
}

void btree_insert(struct btree *tree, void *item) {
    if (tree->root == NULL) tree->root = node_new(true);
    struct path path;
    bool found = path_find(tree, item, &path);
    SF_ASSERT(!found);
    uint32_t last = path.n_levels - 1;
    for (uint32_t i = 0; i < last; i++) inner_of(path.nodes[i])->sizes[path.at[i]]++;
    struct btree_node *leaf = path.nodes[last];
    move_items(leaf, path.at[last] + 1, leaf, path.at[last], leaf->n - path.at[last]);
    leaf->items[path.at[last]] = item;
    leaf->n++;
    tree->n++;
    path_split(tree, &path, last);
}

/* -- removing -------------------------------------------------------------------------------- */

/* The last item of child at-1 goes up, the parent's comes down to the front of child at. */
static void lend_from_left(struct inner *parent, uint32_t at) {
    struct btree_node *left = parent->children[at - 1], *node = parent->children[at];
    uint64_t moved = 1;
    move_items(node, 1, node, 0, node->n);
    node->items[0] = parent->base.items[at - 1];
    parent->base.items[at - 1] = left->items[left->n - 1];
    if (!node->is_leaf) {
        move_children(inner_of(node), 1, inner_of(node), 0, node->n + 1);
        move_children(inner_of(node), 0, inner_of(left), left->n, 1);
        moved += inner_of(node)->sizes[0];
    }
    left->n--;
    node->n++;
    parent->sizes[at - 1] -= moved;
    parent->sizes[at] += moved;
}

static void lend_from_right(struct inner *parent, uint32_t at) {
    struct btree_node *node = parent->children[at], *right = parent->children[at + 1];
    uint64_t moved = 1;
    node->items[node->n] = parent->base.items[at];
    parent->base.items[at] = right->items[0];
    move_items(right, 0, right, 1, right->n - 1);
    if (!node->is_leaf) {
        move_children(inner_of(node), node->n + 1, inner_of(right), 0, 1);
        move_children(inner_of(right), 0, inner_of(right), 1, right->n);
        moved += inner_of(node)->sizes[node->n + 1];
    }
    right->n--;
    node->n++;
    parent->sizes[at] += moved;
    parent->sizes[at + 1] -= moved;
}

/* Children at and at+1 become one, with the item between them. */
static void join(struct inner *parent, uint32_t at) {
    struct btree_node *left = parent->children[at], *right = parent->children[at + 1];
    SF_ASSERT(left->n + 1 + right->n <= MAX_ITEMS);
    left->items[left->n] = parent->base.items[at];
    move_items(left, left->n + 1, right, 0, right->n);
    if (!left->is_leaf)
        move_children(inner_of(left), left->n + 1, inner_of(right), 0, right->n + 1);
    left->n += 1 + right->n;
    parent->sizes[at] += 1 + parent->sizes[at + 1];
    move_items(&parent->base, at, &parent->base, at + 1, parent->base.n - at - 1);
    move_children(parent, at + 1, parent, at + 2, parent->base.n - at - 1);
    parent->base.n--;
    sf_free(right);
}

static void path_refill(struct btree *tree, struct path *path) {
    for (uint32_t level = path->n_levels - 1; level > 0; level--) {
        if (path->nodes[level]->n >= MIN_ITEMS) return;
        struct inner *parent = inner_of(path->nodes[level - 1]);
        uint32_t at = path->at[level - 1];
        if (at > 0 && parent->children[at - 1]->n > MIN_ITEMS) {
            lend_from_left(parent, at);
        } else if (at < parent->base.n && parent->children[at + 1]->n > MIN_ITEMS) {
            lend_from_right(parent, at);
        } else {
            join(parent, at > 0 ? at - 1 : at);
        }
    }
    struct btree_node *root = tree->root;
    if (root->n > 0) return;
    tree->root = root->is_leaf ? NULL : inner_of(root)->children[0];
    sf_free(root);
}

void *btree_remove(struct btree *tree, const void *probe) {
    struct path path;
    if (!path_find(tree, probe, &path)) return NULL;
    uint32_t level = path.n_levels - 1;
    struct btree_node *holder = path.nodes[level];
    uint32_t holder_at = path.at[level];
    void *item = holder->items[holder_at];
    while (!path.nodes[level]->is_leaf) { /* its predecessor, in a leaf, takes its place */
        struct btree_node *child = inner_of(path.nodes[level])->children[path.at[level]];
        SF_ASSERT(level + 1 < BTREE_LEVELS);
        path.nodes[++level] = child;
        path.at[level] = child->is_leaf ? child->n - 1 : child->n;
    }
    path.n_levels = level + 1;
    struct btree_node *leaf = path.nodes[level];
    if (leaf != holder) holder->items[holder_at] = leaf->items[path.at[level]];
    move_items(leaf, path.at[level], leaf, path.at[level] + 1, leaf->n - path.at[level] - 1);
    leaf->n--;
    for (uint32_t i = 0; i < level; i++) inner_of(path.nodes[i])->sizes[path.at[i]]--;
    tree->n--;
    path_refill(tree, &path);
    return item;
}

/* -- looking --------------------------------------------------------------------------------- */

void *btree_replace(struct btree *tree, const void *old, void *item) {
    struct path path;
    bool found = path_find(tree, old, &path);
    SF_ASSERT(found);
    void **place = &path.nodes[path.n_levels - 1]->items[path.at[path.n_levels - 1]];
    void *was = *place;
    *place = item;
    return was;
}

void *btree_find(const struct btree *tree, const void *probe) {
    struct path path;
    if (!path_find(tree, probe, &path)) return NULL;
    return path.nodes[path.n_levels - 1]->items[path.at[path.n_levels - 1]];
}

void *btree_first(const struct btree *tree) {
    struct btree_node *node = tree->root;
    if (node == NULL) return NULL;
    while (!node->is_leaf) node = inner_of(node)->children[0];
    return node->items[0];
}

void *btree_at(const struct btree *tree, uint64_t rank) {
    SF_ASSERT(rank < tree->n);
    struct btree_cursor cursor;
    return btree_seek(tree, rank, &cursor);
}

static void cursor_push(struct btree_cursor *cursor, const struct btree_node *node, uint32_t at) {
    SF_ASSERT(cursor->n_levels < BTREE_LEVELS);
    cursor->nodes[cursor->n_levels] = node;
    cursor->at[cursor->n_levels++] = at;
}

static void *cursor_item(const struct btree_cursor *cursor) {
    if (cursor->n_levels == 0) return NULL;
    return cursor->nodes[cursor->n_levels - 1]->items[cursor->at[cursor->n_levels - 1]];
}

/* From behind the last item of a node: up to where there is one to the right. */
static void *cursor_settle(struct btree_cursor *cursor) {
    while (cursor->n_levels > 0 &&
           cursor->at[cursor->n_levels - 1] >= cursor->nodes[cursor->n_levels - 1]->n)
        cursor->n_levels--;
    return cursor_item(cursor);
}

void *btree_lower_bound(const struct btree *tree, btree_compare *compare, const void *probe,
    struct btree_cursor *cursor, uint64_t *rank) {
    struct btree_cursor own;
    if (cursor == NULL) cursor = &own;
    if (compare == NULL) compare = tree->type->compare;
    cursor->n_levels = 0;
    uint64_t below = 0;
    for (const struct btree_node *node = tree->root; node != NULL;) {
        bool equal;
        uint32_t at = node_search(node, compare, tree->type->context, probe, &equal);
        cursor_push(cursor, node, at);
        below += at;
        if (node->is_leaf) break;
        for (uint32_t i = 0; i < at; i++) below += const_inner(node)->sizes[i];
        node = const_inner(node)->children[at];
    }
    if (rank != NULL) *rank = below;
    return cursor_settle(cursor);
}

void *btree_seek(const struct btree *tree, uint64_t rank, struct btree_cursor *cursor) {
    cursor->n_levels = 0;
    if (rank >= tree->n) return NULL;
    const struct btree_node *node = tree->root;
    while (!node->is_leaf) {
        const struct inner *inner = const_inner(node);
        uint32_t at = 0;
        while (at < node->n && rank > inner->sizes[at]) rank -= inner->sizes[at++] + 1;
        cursor_push(cursor, node, at);
        if (rank == inner->sizes[at]) return cursor_item(cursor);
        node = inner->children[at];
    }
    cursor_push(cursor, node, (uint32_t)rank);
    return cursor_item(cursor);
}

void *btree_next(struct btree_cursor *cursor) {
    if (cursor->n_levels == 0) return NULL;
    uint32_t level = cursor->n_levels - 1;
    const struct btree_node *node = cursor->nodes[level];
    cursor->at[level]++;
    while (!node->is_leaf) { /* the first of the child to the right */
        node = const_inner(node)->children[cursor->at[cursor->n_levels - 1]];
        cursor_push(cursor, node, 0);
    }
    return cursor_settle(cursor);
}

void *btree_prev(struct btree_cursor *cursor) {
    if (cursor->n_levels == 0) return NULL;
    uint32_t level = cursor->n_levels - 1;
    const struct btree_node *node = cursor->nodes[level];
    while (!node->is_leaf) { /* behind the last of the child to the left */
        node = const_inner(node)->children[cursor->at[cursor->n_levels - 1]];
        cursor_push(cursor, node, node->n);
    }
    while (cursor->n_levels > 0 && cursor->at[cursor->n_levels - 1] == 0) cursor->n_levels--;
    if (cursor->n_levels > 0) cursor->at[cursor->n_levels - 1]--;
    return cursor_item(cursor);
}

/* -- the end --------------------------------------------------------------------------------- */

/* Frees the last leaf below *node, and every inner node that has no child left. Depth is at most
 * BTREE_LEVELS. */
static uint64_t drop_last(
    struct btree_node **node, void (*drop)(void *context, void *item), void *context) {
    struct btree_node *here = *node;
    uint64_t dropped = 0;
    if (here->is_leaf) {
        for (uint32_t i = 0; drop != NULL && i < here->n; i++) drop(context, here->items[i]);
        dropped = here->n;
        sf_free(here);
        *node = NULL;
        return dropped;
    }
    struct btree_node **child = &inner_of(here)->children[here->n];
    dropped = drop_last(child, drop, context);
    if (*child != NULL) return dropped;
    if (here->n == 0) {
        sf_free(here);
        *node = NULL;
        return dropped;
    }
    here->n--;
    if (drop != NULL) drop(context, here->items[here->n]);
    return dropped + 1;
}

uint64_t btree_drop_some(
    struct btree *tree, uint64_t budget, void (*drop)(void *context, void *item), void *context) {
    uint64_t dropped = 0;
    while (tree->root != NULL && dropped < budget) dropped += drop_last(&tree->root, drop, context);
    tree->n -= dropped;
    return dropped;
}
