/* The globals: Lua's basic functions as far as Redis offers them, coroutines, what is readonly. */
#include "script/internal.h"

#include <string.h>

/* -- functions of Lua's own behind ours ------------------------------------------------------- */

void keep_original(lua_State *lua, const char *name) {
    struct sandbox *sandbox = sandbox_of(lua);
    SF_ASSERT(sandbox->n_originals < ORIGINALS_MAX && lua_iscfunction(lua, -1));
    sandbox->originals[sandbox->n_originals++] = (struct original){name, lua_tocfunction(lua, -1)};
    lua_pop(lua, 1);
}

lua_CFunction original(lua_State *lua, const char *name) {
    struct sandbox *sandbox = sandbox_of(lua);
    for (uint32_t i = 0; i < sandbox->n_originals; i++) {
        if (strcmp(sandbox->originals[i].name, name) == 0) return sandbox->originals[i].function;
    }
    SF_ASSERT(!"a function without an original");
    return NULL;
}

void set_functions(lua_State *lua, const struct library_row *rows) {
    for (; rows->name != NULL; rows++) {
        lua_pushcfunction(lua, rows->function);
        lua_setfield(lua, -2, rows->name);
    }
}

/* -- readonly tables: an empty one in front, with a metatable that has "shardforge.real" ------- */

static const char real_key[] = "shardforge.real";

static int refuse_change(lua_State *lua) {
    return luaL_error(lua, TEXT_READONLY);
}

void make_readonly(lua_State *lua) {
    lua_newtable(lua);
    lua_createtable(lua, 0, 3);
    lua_pushvalue(lua, -3);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, refuse_change);
    lua_setfield(lua, -2, "__newindex");
    lua_pushvalue(lua, -3);
    lua_setfield(lua, -2, real_key);
    lua_setmetatable(lua, -2);
    lua_replace(lua, -2);
}

static bool push_real(lua_State *lua, int at) {
    if (!lua_istable(lua, at) || !lua_getmetatable(lua, at)) return false;
    lua_pushstring(lua, real_key);
    lua_rawget(lua, -2);
    lua_remove(lua, -2);
    if (lua_istable(lua, -1)) return true;
    lua_pop(lua, 1);
    return false;
}

bool show_through(lua_State *lua, int at) {
    if (!push_real(lua, at)) return false;
    lua_replace(lua, at);
    return true;
}

static void refuse_readonly(lua_State *lua, int at) {
    if (push_real(lua, at)) {
        lua_pushliteral(lua, TEXT_READONLY);
        lua_error(lua);
    }
}

static int missing_global(lua_State *lua) {
    luaL_checkany(lua, 2);
    const char *name = lua_tostring(lua, 2);
    return luaL_error(lua, "Script attempted to access nonexistent global variable '%s'",
        name == NULL ? luaL_typename(lua, 2) : name);
}

/* -- basic functions --------------------------------------------------------------------------- */

static int base_next(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 2);
    show_through(lua, 1);
    if (lua_next(lua, 1)) return 2;
    lua_pushnil(lua);
    return 1;
}

static int base_pairs(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 1);
    show_through(lua, 1);
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_pushvalue(lua, 1);
    lua_pushnil(lua);
    return 3;
}

static int base_rawget(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    luaL_checkany(lua, 2);
    lua_settop(lua, 2);
    show_through(lua, 1);
    lua_rawget(lua, 1);
    return 1;
}

static int base_rawset(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    refuse_readonly(lua, 1);
    return original(lua, "rawset")(lua);
}

static int base_setmetatable(lua_State *lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    refuse_readonly(lua, 1);
    return original(lua, "setmetatable")(lua);
}

/* The readonly tables of libraries have none that shows; _G and strings have readonly ones. */
static int base_getmetatable(lua_State *lua) {
    luaL_checkany(lua, 1);
    if (lua_type(lua, 1) == LUA_TSTRING) {
        lua_getfield(lua, LUA_REGISTRYINDEX, "shardforge.strings");
        return 1;
    }
    if (push_real(lua, 1)) {
        lua_getfield(lua, LUA_REGISTRYINDEX, GLOBALS_REAL);
        bool is_globals = lua_rawequal(lua, -1, -2);
        lua_settop(lua, 1);
        if (is_globals)
            lua_getfield(lua, LUA_REGISTRYINDEX, "shardforge.meta");
        else
            lua_pushnil(lua);
        return 1;
    }
    return original(lua, "getmetatable")(lua);
}

/* Addresses count from the arena's beginning: equal on every node. */
static int base_tostring(lua_State *lua) {
    luaL_checkany(lua, 1);
    int type = lua_type(lua, 1);
    bool has_address =
        type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TTHREAD || type == LUA_TUSERDATA;
    if (!has_address || luaL_callmeta(lua, 1, "__tostring"))
        return has_address ? 1 : original(lua, "tostring")(lua);
    lua_pushfstring(lua, "%s: %p", lua_typename(lua, type),
        (const void *)(uintptr_t)(uint32_t)(uintptr_t)lua_topointer(lua, 1));
    return 1;
}

static int base_unpack(lua_State *lua) {
    show_through(lua, 1);
    int n = original(lua, "unpack")(lua);
    note_width(lua, n);
    return n;
}

/* As Redis's: of an error table only its err is seen. */
static int base_pcall(lua_State *lua) {
    luaL_checkany(lua, 1);
    int failed = lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0);
    if (failed == 0) {
        lua_pushboolean(lua, 1);
        lua_insert(lua, 1);
        return lua_gettop(lua);
    }
    raise_if_ended(lua);
    charge(lua, FAILURE_UNITS);
    if (lua_istable(lua, -1)) {
        lua_getfield(lua, -1, "err");
        if (!lua_isstring(lua, -1)) lua_pop(lua, 1);
    }
    lua_pushboolean(lua, 0);
    lua_insert(lua, -2);
    return 2;
}

/* The script's handler never runs once the script has ended: nothing would count its work then. */
static int guard_handler(lua_State *lua) {
    struct sandbox *sandbox = sandbox_of(lua);
    if (sandbox->ended || sandbox->arena->work_left < 0) return 1;
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, 1, 1);
    return 1;
}

static int base_xpcall(lua_State *lua) {
    luaL_checkany(lua, 2);
    lua_settop(lua, 2);
    lua_pushcclosure(lua, guard_handler, 1);
    lua_insert(lua, 1);
    int failed = lua_pcall(lua, 0, LUA_MULTRET, 1);
    if (failed != 0) {
        raise_if_ended(lua);
        charge(lua, FAILURE_UNITS);
    }
    lua_pushboolean(lua, failed == 0);
    lua_replace(lua, 1);
    return lua_gettop(lua);
}

static int loaded(lua_State *lua, bool good) {
    if (good) return 1;
    lua_pushnil(lua);
    lua_insert(lua, -2);
    return 2;
}

static int base_loadstring(lua_State *lua) {
    size_t len;
    const char *text = luaL_checklstring(lua, 1, &len);
    const char *chunk_name = luaL_optstring(lua, 2, text);
    return loaded(lua, compile_text(lua, slice_of(text, len), chunk_name));
}

/* Gathers all pieces first: they are compiled as one text. */
static int base_load(lua_State *lua) {
    const char *chunk_name = luaL_optstring(lua, 2, "=(load)");
    luaL_checktype(lua, 1, LUA_TFUNCTION);
    lua_settop(lua, 3);
    luaL_Buffer text;
    luaL_buffinit(lua, &text);
    for (;;) {
        luaL_checkstack(lua, 2, "too many nested functions");
        lua_pushvalue(lua, 1);
        lua_call(lua, 0, 1);
        if (lua_isnil(lua, -1)) break;
        if (!lua_isstring(lua, -1)) return luaL_error(lua, "reader function must return a string");
        size_t len;
        lua_tolstring(lua, -1, &len);
        if (len == 0) break;
        luaL_addvalue(&text);
    }
    lua_pop(lua, 1);
    luaL_pushresult(&text);
    size_t len;
    const char *all = lua_tolstring(lua, -1, &len);
    return loaded(lua, compile_text(lua, slice_of(all, len), chunk_name));
}

/* -- coroutines -------------------------------------------------------------------------------- */

/* Each begins its own count of instructions: a full one is charged at once. */
static int coroutine_create(lua_State *lua) {
    charge(lua, HOOK_INSTRUCTIONS);
    return original(lua, "create")(lua);
}

static int coroutine_wrap(lua_State *lua) {
    charge(lua, HOOK_INSTRUCTIONS);
    return original(lua, "wrap")(lua);
}

static int coroutine_resume(lua_State *lua) {
    charge(lua, 10);
    int n = original(lua, "resume")(lua);
    raise_if_ended(lua);
    note_width(lua, n);
    return n;
}

/* -- putting it together ----------------------------------------------------------------------- */

static const char *const taken_over[] = {
    "assert", "error", "ipairs", "rawequal", "select", "tonumber", "type", "_VERSION", NULL};

static const struct library_row own_functions[] = {{"getmetatable", base_getmetatable},
    {"load", base_load}, {"loadstring", base_loadstring}, {"next", base_next},
    {"pcall", base_pcall}, {"rawget", base_rawget}, {"rawset", base_rawset},
    {"setmetatable", base_setmetatable}, {"tostring", base_tostring}, {"unpack", base_unpack},
    {"xpcall", base_xpcall}, {NULL, NULL}};

static const char *const base_originals[] = {
    "rawset", "setmetatable", "getmetatable", "tostring", "unpack", NULL};

static void open_coroutine(lua_State *lua, int from) {
    lua_getfield(lua, from, "coroutine");
    lua_newtable(lua);
    static const char *const names[] = {"create", "wrap", "resume", NULL};
    for (int i = 0; names[i] != NULL; i++) {
        lua_getfield(lua, -2, names[i]);
        keep_original(lua, names[i]);
    }
    static const char *const same[] = {"running", "status", "yield", NULL};
    for (int i = 0; same[i] != NULL; i++) {
        lua_getfield(lua, -2, same[i]);
        lua_setfield(lua, -2, same[i]);
    }
    static const struct library_row rows[] = {{"create", coroutine_create},
        {"resume", coroutine_resume}, {"wrap", coroutine_wrap}, {NULL, NULL}};
    set_functions(lua, rows);
    lua_remove(lua, -2);
}

static void add_library(lua_State *lua, const char *name) {
    make_readonly(lua);
    lua_setfield(lua, -2, name);
}

static void set_missing(lua_State *lua) {
    lua_createtable(lua, 0, 1);
    lua_pushcfunction(lua, missing_global);
    lua_setfield(lua, -2, "__index");
    lua_setmetatable(lua, -2);
}

/* What getmetatable shows of _G and of strings. */
static void open_metatables(lua_State *lua) {
    lua_createtable(lua, 0, 1);
    lua_pushcfunction(lua, missing_global);
    lua_setfield(lua, -2, "__index");
    make_readonly(lua);
    lua_setfield(lua, LUA_REGISTRYINDEX, "shardforge.meta");
    lua_pushliteral(lua, "");
    lua_createtable(lua, 0, 1);
    lua_getfield(lua, -3, "string");
    lua_setfield(lua, -2, "__index");
    lua_pushvalue(lua, -1);
    lua_setmetatable(lua, -3);
    make_readonly(lua);
    lua_setfield(lua, LUA_REGISTRYINDEX, "shardforge.strings");
    lua_pop(lua, 1);
}

/* What functions see: the scripts' globals, with a `redis` that has less. */
static void open_library_globals(lua_State *lua) {
    static const char *const absent[] = {"breakpoint", "debug", "replicate_commands"};
    lua_newtable(lua);
    open_redis(lua);
    for (size_t i = 0; i < SF_LENGTH(absent); i++) {
        lua_pushnil(lua);
        lua_setfield(lua, -2, absent[i]);
    }
    add_library(lua, "redis");
    lua_createtable(lua, 0, 1);
    lua_getfield(lua, LUA_REGISTRYINDEX, GLOBALS_REAL);
    lua_setfield(lua, -2, "__index");
    lua_setmetatable(lua, -2);
    lua_setfield(lua, LUA_REGISTRYINDEX, LIBRARY_GLOBALS);
}

/* The globals of a library while it is loaded, later in front of the scripts' ones. */
static void open_library_env(lua_State *lua) {
    lua_newtable(lua);
    open_redis_load(lua);
    set_missing(lua);
    add_library(lua, "redis");
    set_missing(lua);
    make_readonly(lua);
    lua_getmetatable(lua, -1);
    lua_setfield(lua, LUA_REGISTRYINDEX, LIBRARY_ENV);
    lua_setfield(lua, LUA_REGISTRYINDEX, LOAD_GLOBALS);
}

void open_base(lua_State *lua) {
    lua_pushcfunction(lua, luaopen_base);
    lua_pushliteral(lua, "");
    lua_call(lua, 1, 0);
    int old = lua_gettop(lua) + 1;
    lua_pushvalue(lua, LUA_GLOBALSINDEX);
    for (int i = 0; base_originals[i] != NULL; i++) {
        lua_getfield(lua, old, base_originals[i]);
        keep_original(lua, base_originals[i]);
    }
    lua_newtable(lua);
    for (int i = 0; taken_over[i] != NULL; i++) {
        lua_getfield(lua, old, taken_over[i]);
        lua_setfield(lua, -2, taken_over[i]);
    }
    set_functions(lua, own_functions);
    lua_getfield(lua, -1, "next");
    lua_pushcclosure(lua, base_pairs, 1);
    lua_setfield(lua, -2, "pairs");
    open_coroutine(lua, old);
    add_library(lua, "coroutine");
    static const struct {
        const char *name;
        void (*open)(lua_State *lua);
    } libraries[] = {{"string", open_text}, {"table", open_table}, {"math", open_math},
        {"redis", open_redis}, {"cjson", open_json}, {"cmsgpack", open_msgpack},
        {"struct", open_pack}, {"bit", open_bits}};
    for (size_t i = 0; i < SF_LENGTH(libraries); i++) {
        libraries[i].open(lua);
        add_library(lua, libraries[i].name);
    }
    open_metatables(lua);
    set_missing(lua);
    lua_pushvalue(lua, -1);
    lua_setfield(lua, LUA_REGISTRYINDEX, GLOBALS_REAL);
    make_readonly(lua);
    lua_getfield(lua, LUA_REGISTRYINDEX, GLOBALS_REAL);
    lua_pushvalue(lua, -2);
    lua_setfield(lua, -2, "_G");
    lua_pop(lua, 1);
    lua_replace(lua, LUA_GLOBALSINDEX);
    open_library_globals(lua);
    open_library_env(lua);
}
