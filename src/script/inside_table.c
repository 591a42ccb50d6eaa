/* Lua's tables, in place of its own file: the same layout and the same order, but each step along a
 * chain of colliding keys, over empty slots and in a rehash is drawn from the budget.
 *
 * A table is an array for the keys 1..n and 2^k nodes, which are a chained scatter table with
 * Brent's variation: a node is in its main position unless that is taken by one that is in its own.
 * The collector walks over both, marks dead keys, and knows nothing of chains. */
#include "script/inside.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#define LOG2_MAX 26
#define SLOTS_A_UNIT 4
#define NODES_A_BREATH 8192

/* What an empty table points to: equal for all, never written. */
static const struct inside_node no_node;
static struct inside_node *no_nodes(void) {
    return (struct inside_node *)(uintptr_t)&no_node;
}

struct inside_table *luaH_new(lua_State *lua, int n_array, int n_nodes);
void luaH_free(lua_State *lua, struct inside_table *table);
const struct inside_value *luaH_getnum(struct inside_table *table, int key);
const struct inside_value *luaH_getstr(struct inside_table *table, struct inside_string *key);
const struct inside_value *luaH_get(struct inside_table *table, const struct inside_value *key);
struct inside_value *luaH_set(
    lua_State *lua, struct inside_table *table, const struct inside_value *key);
struct inside_value *luaH_setnum(lua_State *lua, struct inside_table *table, int key);
struct inside_value *luaH_setstr(
    lua_State *lua, struct inside_table *table, struct inside_string *key);
void luaH_resizearray(lua_State *lua, struct inside_table *table, int n_array);
int luaH_next(lua_State *lua, struct inside_table *table, struct inside_value *key);
int luaH_getn(struct inside_table *table);

static bool is_nil(const struct inside_value *value) {
    return value->type == LUA_TNIL;
}

static uint32_t n_nodes_of(const struct inside_table *table) {
    return UINT32_C(1) << table->log2_nodes;
}

/* -- look-ups ---------------------------------------------------------------------------------- */

static struct inside_node *by_remainder(const struct inside_table *table, uint32_t hash) {
    return &table->nodes[hash % ((n_nodes_of(table) - 1) | 1)];
}

static struct inside_node *by_number(const struct inside_table *table, lua_Number number) {
    uint32_t halves[2];
    if (number == 0) return &table->nodes[0]; /* 0 and -0 */
    memcpy(halves, &number, sizeof halves);
    return by_remainder(table, halves[0] + halves[1]);
}

static struct inside_node *by_string(
    const struct inside_table *table, const struct inside_string *string) {
    return &table->nodes[string->hash & (n_nodes_of(table) - 1)];
}

static struct inside_node *main_position(
    const struct inside_table *table, const struct inside_value *key) {
    switch (key->type) {
    case LUA_TNUMBER:
        return by_number(table, key->value.number);
    case LUA_TSTRING:
        return by_string(table, (const struct inside_string *)key->value.pointer);
    case LUA_TBOOLEAN:
        return &table->nodes[(uint32_t)key->value.boolean & (n_nodes_of(table) - 1)];
    default: /* an address in the arena: its lower half, which is equal on every node */
        return by_remainder(table, (uint32_t)(uintptr_t)key->value.pointer);
    }
}

static void count(const void *inside, int64_t steps) {
    if (steps > 0) arena_draw(arena_of(inside), steps);
}

const struct inside_value *luaH_getnum(struct inside_table *table, int key) {
    if ((uint32_t)key - 1 < (uint32_t)table->n_array) return &table->array[key - 1];
    lua_Number number = key;
    int64_t steps = 0;
    const struct inside_value *found = &luaO_nilobject_;
    for (struct inside_node *at = by_number(table, number); at != NULL; at = at->next, steps++) {
        if (at->key.type != LUA_TNUMBER || !(at->key.value.number == number)) continue;
        found = &at->value;
        break;
    }
    count(table, steps - 1);
    return found;
}

const struct inside_value *luaH_getstr(struct inside_table *table, struct inside_string *key) {
    int64_t steps = 0;
    const struct inside_value *found = &luaO_nilobject_;
    for (struct inside_node *at = by_string(table, key); at != NULL; at = at->next, steps++) {
        if (at->key.type != LUA_TSTRING || at->key.value.pointer != key) continue;
        found = &at->value;
        break;
    }
    count(table, steps - 1);
    return found;
}

static bool as_integer(lua_Number number, int *integer) {
    if (!(number >= INT_MIN && number <= INT_MAX)) return false;
    *integer = (int)number;
    return (lua_Number)*integer == number;
}

static const struct inside_value *get_any(
    struct inside_table *table, const struct inside_value *key) {
    int64_t steps = 0;
    const struct inside_value *found = &luaO_nilobject_;
    for (struct inside_node *at = main_position(table, key); at != NULL; at = at->next, steps++) {
        if (!luaO_rawequalObj(&at->key, key)) continue;
        found = &at->value;
        break;
    }
    count(table, steps - 1);
    return found;
}

const struct inside_value *luaH_get(struct inside_table *table, const struct inside_value *key) {
    int integer;
    switch (key->type) {
    case LUA_TNIL:
        return &luaO_nilobject_;
    case LUA_TSTRING:
        return luaH_getstr(table, (struct inside_string *)key->value.pointer);
    case LUA_TNUMBER:
        if (as_integer(key->value.number, &integer)) return luaH_getnum(table, integer);
        return get_any(table, key);
    default:
        return get_any(table, key);
    }
}

/* -- walking ----------------------------------------------------------------------------------- */

/* The place of a key in the order of a walk, counted from 1; 0: before the first. */
static uint32_t place_of(
    lua_State *lua, struct inside_table *table, const struct inside_value *key) {
    int integer;
    if (is_nil(key)) return 0;
    bool in_array = key->type == LUA_TNUMBER && as_integer(key->value.number, &integer) &&
                    integer >= 1 && integer <= table->n_array;
    if (in_array) return (uint32_t)integer;
    int64_t steps = 0;
    struct inside_node *at = main_position(table, key);
    for (; at != NULL; at = at->next, steps++) {
        if (luaO_rawequalObj(&at->key, key)) break;
        bool is_dead = at->key.type == INSIDE_DEAD_KEY && key->type >= LUA_TSTRING &&
                       at->key.value.object == key->value.object;
        if (is_dead) break;
    }
    count(table, steps);
    if (at == NULL) luaG_runerror(lua, "invalid key to 'next'");
    return (uint32_t)(at - table->nodes) + 1 + (uint32_t)table->n_array;
}

int luaH_next(lua_State *lua, struct inside_table *table, struct inside_value *key) {
    uint32_t first = place_of(lua, table, key), n_array = (uint32_t)table->n_array;
    uint32_t end = n_array + n_nodes_of(table), at = first;
    while (at < n_array && is_nil(&table->array[at])) at++;
    if (at >= n_array) {
        while (at < end && is_nil(&table->nodes[at - n_array].value)) at++;
    }
    count(table, (at - first) / SLOTS_A_UNIT);
    if (at == end) return 0;
    if (at < n_array) {
        key[0].value.number = at + 1;
        key[0].type = LUA_TNUMBER;
        key[1] = table->array[at];
    } else {
        key[0] = table->nodes[at - n_array].key;
        key[1] = table->nodes[at - n_array].value;
    }
    return 1;
}

/* A place where a value is followed by none, in the nodes: found by doubling, then halving. */
static int border_beyond(struct inside_table *table, uint32_t low) {
    uint32_t high = low + 1;
    while (!is_nil(luaH_getnum(table, (int)high))) {
        low = high;
        if (high <= INT_MAX / 2) {
            high *= 2;
            continue;
        }
        uint32_t at = 1; /* made on purpose: it has 2^30 elements or nothing better to do */
        while (at < INT_MAX && !is_nil(luaH_getnum(table, (int)at))) at++;
        count(table, at);
        return (int)at - 1;
    }
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (is_nil(luaH_getnum(table, (int)middle)))
            high = middle;
        else
            low = middle;
    }
    return (int)low;
}

int luaH_getn(struct inside_table *table) {
    uint32_t n = (uint32_t)table->n_array;
    if (n == 0 || !is_nil(&table->array[n - 1])) {
        return table->nodes == no_nodes() ? (int)n : border_beyond(table, n);
    }
    uint32_t low = 0;
    while (n - low > 1) {
        uint32_t middle = low + (n - low) / 2;
        if (is_nil(&table->array[middle - 1]))
            n = middle;
        else
            low = middle;
    }
    return (int)low;
}

/* -- growing ----------------------------------------------------------------------------------- */

static uint32_t log2_above(uint32_t n) {
    return n <= 1 ? 0 : 32 - (uint32_t)__builtin_clz(n - 1);
}

static void set_array(lua_State *lua, struct inside_table *table, uint32_t n) {
    size_t old_size = (size_t)table->n_array * sizeof *table->array;
    table->array = luaM_realloc_(lua, table->array, old_size, n * sizeof *table->array);
    for (uint32_t i = (uint32_t)table->n_array; i < n; i++) table->array[i].type = LUA_TNIL;
    table->n_array = (int)n;
}

static void set_nodes(lua_State *lua, struct inside_table *table, uint32_t n) {
    uint32_t log2_nodes = log2_above(n);
    if (n == 0) {
        table->nodes = no_nodes();
        table->last_free = no_nodes();
        table->log2_nodes = 0;
        return;
    }
    if (log2_nodes > LOG2_MAX) luaG_runerror(lua, "table overflow");
    n = UINT32_C(1) << log2_nodes;
    table->nodes = luaM_realloc_(lua, NULL, 0, n * sizeof *table->nodes);
    for (uint32_t i = 0; i < n; i++) {
        table->nodes[i] = no_node;
    }
    table->log2_nodes = (uint8_t)log2_nodes;
    table->last_free = table->nodes + n;
}

struct inside_table *luaH_new(lua_State *lua, int n_array, int n_nodes) {
    struct inside_table *table = luaM_realloc_(lua, NULL, 0, sizeof *table);
    luaC_link(lua, table, LUA_TTABLE);
    table->no_metamethods = UINT8_MAX;
    table->log2_nodes = 0;
    table->metatable = NULL;
    table->array = NULL;
    table->nodes = table->last_free = no_nodes();
    table->gray = NULL;
    table->n_array = 0;
    if (n_array > 0) {
        if ((size_t)n_array > SIZE_MAX / sizeof *table->array) luaM_toobig(lua);
        set_array(lua, table, (uint32_t)n_array);
    }
    set_nodes(lua, table, n_nodes > 0 ? (uint32_t)n_nodes : 0);
    return table;
}

static void free_nodes(
    lua_State *lua, struct inside_table *table, struct inside_node *nodes, uint32_t log2_nodes) {
    (void)table;
    if (nodes == no_nodes()) return;
    luaM_realloc_(lua, nodes, sizeof *nodes << log2_nodes, 0);
}

void luaH_free(lua_State *lua, struct inside_table *table) {
    free_nodes(lua, table, table->nodes, table->log2_nodes);
    luaM_realloc_(lua, table->array, (size_t)table->n_array * sizeof *table->array, 0);
    luaM_realloc_(lua, table, sizeof *table, 0);
}

/* Each key is put in again: where all of them collide in the new size this would take its square,
 * so the budget is looked at after each. */
static void resize(lua_State *lua, struct inside_table *table, uint32_t n_array, uint32_t n_nodes) {
    uint32_t old_array = (uint32_t)table->n_array, old_log2 = table->log2_nodes;
    struct inside_node *old_nodes = table->nodes;
    if (n_array > old_array) set_array(lua, table, n_array);
    set_nodes(lua, table, n_nodes);
    if (n_array < old_array) {
        table->n_array = (int)n_array;
        for (uint32_t i = n_array; i < old_array; i++) {
            if (is_nil(&table->array[i])) continue;
            *luaH_setnum(lua, table, (int)i + 1) = table->array[i];
        }
        table->array = luaM_realloc_(
            lua, table->array, old_array * sizeof *table->array, n_array * sizeof *table->array);
    }
    for (uint32_t i = UINT32_C(1) << old_log2; i-- > 0;) {
        if (is_nil(&old_nodes[i].value)) continue;
        *luaH_set(lua, table, &old_nodes[i].key) = old_nodes[i].value;
        inside_check(lua);
        if (i % NODES_A_BREATH == 0) arena_breathe(arena_of(lua));
    }
    free_nodes(lua, table, old_nodes, old_log2);
}

void luaH_resizearray(lua_State *lua, struct inside_table *table, int n_array) {
    uint32_t n_nodes = table->nodes == no_nodes() ? 0 : n_nodes_of(table);
    resize(lua, table, (uint32_t)n_array, n_nodes);
}

/* How many keys could go into the array, by powers of two: [i] counts those in (2^(i-1), 2^i]. */
struct census {
    uint32_t keys, integers;
    uint32_t within[LOG2_MAX + 1];
};

static void census_key(struct census *census, const struct inside_value *key) {
    int integer;
    census->keys++;
    bool fits = key->type == LUA_TNUMBER && as_integer(key->value.number, &integer) &&
                integer >= 1 && integer <= 1 << LOG2_MAX;
    if (!fits) return;
    census->integers++;
    census->within[log2_above((uint32_t)integer)]++;
}

static void take_census(struct inside_table *table, struct census *census) {
    uint32_t n = (uint32_t)table->n_array;
    for (uint32_t i = 0; i < n; i++) {
        if (is_nil(&table->array[i])) continue;
        census->keys++;
        census->integers++;
        census->within[log2_above(i + 1)]++;
    }
    for (uint32_t i = n_nodes_of(table); i-- > 0;) {
        if (!is_nil(&table->nodes[i].value)) census_key(census, &table->nodes[i].key);
    }
}

/* The largest power of two of which more than half would be used; *moved: keys that go there. */
static uint32_t best_array(const struct census *census, uint32_t *moved) {
    uint32_t below = 0, best = 0;
    *moved = 0;
    for (uint32_t i = 0; i <= LOG2_MAX && (UINT32_C(1) << i) / 2 < census->integers; i++) {
        below += census->within[i];
        if (census->within[i] == 0 || below <= (UINT32_C(1) << i) / 2) continue;
        best = UINT32_C(1) << i;
        *moved = below;
    }
    return best;
}

static void rehash(lua_State *lua, struct inside_table *table, const struct inside_value *key) {
    count(table, ((int64_t)table->n_array + n_nodes_of(table)) / SLOTS_A_UNIT);
    inside_check(lua);
    struct census census = {0};
    take_census(table, &census);
    census_key(&census, key);
    uint32_t moved, n_array = best_array(&census, &moved);
    resize(lua, table, n_array, census.keys - moved);
}

static struct inside_node *free_node(struct inside_table *table) {
    if (table->nodes == no_nodes()) return NULL;
    while (table->last_free > table->nodes) {
        if (is_nil(&(--table->last_free)->key)) return table->last_free;
    }
    return NULL;
}

static struct inside_value *new_key(
    lua_State *lua, struct inside_table *table, const struct inside_value *key) {
    struct inside_node *at = main_position(table, key);
    if (!is_nil(&at->value) || at == no_nodes()) {
        struct inside_node *place = free_node(table);
        if (place == NULL) {
            rehash(lua, table, key);
            return luaH_set(lua, table, key);
        }
        struct inside_node *other = main_position(table, &at->key);
        if (other != at) { /* it is not where it belongs: it gives way */
            int64_t steps = 0;
            for (; other->next != at; other = other->next) steps++;
            count(table, steps);
            other->next = place;
            *place = *at;
            at->next = NULL;
            at->value.type = LUA_TNIL;
        } else {
            place->next = at->next;
            at->next = place;
            at = place;
        }
    }
    at->key = *key;
    bool is_young = key->type >= LUA_TSTRING && (key->value.object->marks & INSIDE_WHITE) != 0;
    if (is_young && (table->marks & INSIDE_BLACK) != 0) luaC_barrierback(lua, table);
    return &at->value;
}

struct inside_value *luaH_set(
    lua_State *lua, struct inside_table *table, const struct inside_value *key) {
    const struct inside_value *found = luaH_get(table, key);
    table->no_metamethods = 0;
    if (found != &luaO_nilobject_) return (struct inside_value *)(uintptr_t)found;
    if (is_nil(key)) luaG_runerror(lua, "table index is nil");
    if (key->type == LUA_TNUMBER && isnan(key->value.number))
        luaG_runerror(lua, "table index is NaN");
    return new_key(lua, table, key);
}

struct inside_value *luaH_setnum(lua_State *lua, struct inside_table *table, int key) {
    const struct inside_value *found = luaH_getnum(table, key);
    if (found != &luaO_nilobject_) return (struct inside_value *)(uintptr_t)found;
    struct inside_value number = {.value.number = key, .type = LUA_TNUMBER};
    return new_key(lua, table, &number);
}

struct inside_value *luaH_setstr(
    lua_State *lua, struct inside_table *table, struct inside_string *key) {
    const struct inside_value *found = luaH_getstr(table, key);
    if (found != &luaO_nilobject_) return (struct inside_value *)(uintptr_t)found;
    struct inside_value string = {.value.pointer = key, .type = LUA_TSTRING};
    return new_key(lua, table, &string);
}
