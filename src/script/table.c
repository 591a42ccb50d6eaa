/* The libraries `table` and `math`. Lua's own functions where they are quick; in front of those
 * that walk over elements, the budget; sorting is ours, since its worst case must be counted. */
#include "script/internal.h"

#include <string.h>

#define RAND_MAX_31 2147483647 /* 2^31 - 1 */

/* -- functions in front of Lua's ----------------------------------------------------------------
 */

/* Refuses a readonly table; charges for each element. */
static void begin(lua_State *lua, size_t a_unit) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    show_through(lua, 1);
    charge(lua, 1 + lua_objlen(lua, 1) / a_unit);
}

static int table_insert(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    show_through(lua, 1);
    size_t n = lua_objlen(lua, 1);
    if (lua_gettop(lua) >= 3) {
        lua_Number at = lua_tonumber(lua, 2);
        if (at >= 1 && at <= (lua_Number)n) charge(lua, n - (size_t)at + 1);
    }
    return original(lua, "insert")(lua);
}

static int table_remove(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    show_through(lua, 1);
    size_t n = lua_objlen(lua, 1);
    if (lua_gettop(lua) >= 2) {
        lua_Number at = lua_tonumber(lua, 2);
        if (at >= 1 && at <= (lua_Number)n) charge(lua, n - (size_t)at + 1);
    }
    return original(lua, "remove")(lua);
}

static int table_concat(lua_State *lua) {
    begin(lua, 1);
    lua_Number first = luaL_optnumber(lua, 3, 1);
    lua_Number last = luaL_optnumber(lua, 4, (lua_Number)lua_objlen(lua, 1));
    if (last - first > 0 && last - first < 1e15) charge(lua, (uint64_t)(last - first));
    return original(lua, "concat")(lua);
}

static int table_maxn(lua_State *lua) {
    begin(lua, 1);
    lua_Number most = 0;
    lua_pushnil(lua);
    for (uint32_t n = 1; lua_next(lua, 1); n++) {
        if (n % 64 == 0) charge(lua, 128);
        lua_pop(lua, 1);
        if (lua_type(lua, -1) == LUA_TNUMBER && lua_tonumber(lua, -1) > most)
            most = lua_tonumber(lua, -1);
    }
    lua_pushnumber(lua, most);
    return 1;
}

static int table_foreach(lua_State *lua) {
    begin(lua, 1);
    return original(lua, "foreach")(lua);
}

static int table_foreachi(lua_State *lua) {
    begin(lua, 1);
    return original(lua, "foreachi")(lua);
}

/* -- sort -------------------------------------------------------------------------------------- */

/* The order of two values on the stack. */
static bool is_less(lua_State *lua, int a, int b) {
    charge(lua, 2);
    if (lua_isnil(lua, 2)) return lua_lessthan(lua, a, b);
    lua_pushvalue(lua, 2);
    lua_pushvalue(lua, a - 1);
    lua_pushvalue(lua, b - 2);
    lua_call(lua, 2, 1);
    bool less = lua_toboolean(lua, -1);
    lua_pop(lua, 1);
    return less;
}

/* Pushes t[a] and t[b]. */
static void push_two(lua_State *lua, int a, int b) {
    lua_rawgeti(lua, 1, a);
    lua_rawgeti(lua, 1, b);
}

/* The two values on top become t[a] (the upper one) and t[b]. */
static void set_two(lua_State *lua, int a, int b) {
    lua_rawseti(lua, 1, a);
    lua_rawseti(lua, 1, b);
}

/* Orders t[a] and t[b]. */
static void order_two(lua_State *lua, int a, int b) {
    push_two(lua, a, b);
    if (is_less(lua, -1, -2))
        set_two(lua, a, b);
    else
        lua_pop(lua, 2);
}

/* The pivot lies in t[high - 1] and on top of the stack; returns where it ends up. Lua's own
 * choice of pivots and order of exchanges, so that equal elements end up as they do there. */
static int partition(lua_State *lua, int low, int high) {
    int i = low, j = high - 1;
    for (;;) {
        while (lua_rawgeti(lua, 1, ++i), is_less(lua, -1, -2)) {
            if (i > high) luaL_error(lua, "invalid order function for sorting");
            lua_pop(lua, 1);
        }
        while (lua_rawgeti(lua, 1, --j), is_less(lua, -3, -1)) {
            if (j < low) luaL_error(lua, "invalid order function for sorting");
            lua_pop(lua, 1);
        }
        if (j < i) {
            lua_pop(lua, 3);
            return i;
        }
        set_two(lua, i, j);
    }
}

static void sort_range(lua_State *lua, int low, int high) {
    while (low < high) {
        order_two(lua, low, high);
        if (high - low == 1) return;
        int middle = low + (high - low) / 2;
        push_two(lua, middle, low);
        if (is_less(lua, -2, -1)) {
            set_two(lua, middle, low);
        } else {
            lua_pop(lua, 1);
            lua_rawgeti(lua, 1, high);
            if (is_less(lua, -1, -2))
                set_two(lua, middle, high);
            else
                lua_pop(lua, 2);
        }
        if (high - low == 2) return;
        lua_rawgeti(lua, 1, middle);
        lua_pushvalue(lua, -1);
        lua_rawgeti(lua, 1, high - 1);
        set_two(lua, middle, high - 1);
        int place = partition(lua, low, high);
        push_two(lua, high - 1, place);
        set_two(lua, high - 1, place);
        bool left_smaller = place - low < high - place;
        sort_range(lua, left_smaller ? low : place + 1, left_smaller ? place - 1 : high);
        if (left_smaller)
            low = place + 1;
        else
            high = place - 1;
    }
}

static int table_sort(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    show_through(lua, 1);
    size_t n = lua_objlen(lua, 1);
    luaL_checkstack(lua, 60, "");
    if (!lua_isnoneornil(lua, 2)) luaL_checktype(lua, 2, LUA_TFUNCTION);
    lua_settop(lua, 2);
    sort_range(lua, 1, (int)SF_MIN(n, (size_t)INT32_MAX));
    return 0;
}

/* Leaves a table with the functions of the library on top: its own, those named taken from it,
 * those named put behind ours. Replaces the library. */
static void choose(lua_State *lua, const char *const *taken_over, const char *const *behind) {
    int own = lua_gettop(lua);
    lua_newtable(lua);
    for (int i = 0; taken_over[i] != NULL; i++) {
        lua_getfield(lua, own, taken_over[i]);
        lua_setfield(lua, -2, taken_over[i]);
    }
    for (int i = 0; behind[i] != NULL; i++) {
        lua_getfield(lua, own, behind[i]);
        keep_original(lua, behind[i]);
    }
    lua_remove(lua, own);
}

void open_table(lua_State *lua) {
    static const char *const taken_over[] = {"getn", "setn", NULL};
    static const char *const behind[] = {"concat", "foreach", "foreachi", "insert", "remove", NULL};
    static const struct library_row rows[] = {{"concat", table_concat}, {"foreach", table_foreach},
        {"foreachi", table_foreachi}, {"insert", table_insert}, {"maxn", table_maxn},
        {"remove", table_remove}, {"sort", table_sort}, {NULL, NULL}};
    lua_pushcfunction(lua, luaopen_table);
    lua_call(lua, 0, 1);
    choose(lua, taken_over, behind);
    set_functions(lua, rows);
}

/* -- math -------------------------------------------------------------------------------------- */

/* The 48-bit linear congruence of drand48, of which Redis's scripts take the upper 31 bits. */
static int32_t next_random(struct sandbox *sandbox) {
    sandbox->lrand = (sandbox->lrand * 0x5deece66du + 0xb) & 0xffffffffffffu;
    return (int32_t)(sandbox->lrand >> 17);
}

static int math_random(lua_State *lua) {
    lua_Number r = (lua_Number)(next_random(sandbox_of(lua)) % RAND_MAX_31) / RAND_MAX_31;
    switch (lua_gettop(lua)) {
    case 0:
        lua_pushnumber(lua, r);
        return 1;
    case 1: {
        int high = (int)luaL_checkinteger(lua, 1);
        luaL_argcheck(lua, 1 <= high, 1, "interval is empty");
        int64_t whole = (int64_t)(r * high);
        lua_pushnumber(lua, (lua_Number)(whole + 1));
        return 1;
    }
    case 2: {
        int low = (int)luaL_checkinteger(lua, 1), high = (int)luaL_checkinteger(lua, 2);
        luaL_argcheck(lua, low <= high, 2, "interval is empty");
        int64_t whole = (int64_t)(r * ((lua_Number)high - low + 1));
        lua_pushnumber(lua, (lua_Number)(whole + low));
        return 1;
    }
    default:
        return luaL_error(lua, "wrong number of arguments");
    }
}

static int math_randomseed(lua_State *lua) {
    uint32_t seed = (uint32_t)luaL_checkinteger(lua, 1);
    sandbox_of(lua)->lrand = (uint64_t)seed << 16 | 0x330e;
    return 0;
}

void open_math(lua_State *lua) {
    static const char *const taken_over[] = {"abs", "acos", "asin", "atan", "atan2", "ceil", "cos",
        "cosh", "deg", "exp", "floor", "fmod", "frexp", "huge", "ldexp", "log", "log10", "max",
        "min", "mod", "modf", "pi", "pow", "rad", "sin", "sinh", "sqrt", "tan", "tanh", NULL};
    static const char *const behind[] = {NULL};
    static const struct library_row rows[] = {
        {"random", math_random}, {"randomseed", math_randomseed}, {NULL, NULL}};
    lua_pushcfunction(lua, luaopen_math);
    lua_call(lua, 0, 1);
    choose(lua, taken_over, behind);
    set_functions(lua, rows);
}
