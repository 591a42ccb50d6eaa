/* The library `string`: Lua's own functions where their work is bounded by the memory that they
 * make, ours where it is not. */
#include "script/internal.h"

#include <string.h>

enum { BYTES_A_UNIT = 16 };

/* Each walks over its argument once. */
static void charge_text(lua_State *lua, int at) {
    size_t len;
    luaL_checklstring(lua, at, &len);
    charge(lua, 1 + len / BYTES_A_UNIT);
}

static int text_lower(lua_State *lua) {
    charge_text(lua, 1);
    return original(lua, "lower")(lua);
}

static int text_upper(lua_State *lua) {
    charge_text(lua, 1);
    return original(lua, "upper")(lua);
}

static int text_reverse(lua_State *lua) {
    charge_text(lua, 1);
    return original(lua, "reverse")(lua);
}

static int text_byte(lua_State *lua) {
    int n = original(lua, "byte")(lua);
    note_width(lua, n);
    return n;
}

static int text_format(lua_State *lua) {
    for (int i = lua_gettop(lua); i > 0; i--) {
        if (lua_type(lua, i) == LUA_TSTRING) charge_text(lua, i);
    }
    return original(lua, "format")(lua);
}

static int text_rep(lua_State *lua) {
    struct sandbox *sandbox = sandbox_of(lua);
    size_t len;
    const char *text = luaL_checklstring(lua, 1, &len);
    lua_Number wanted = luaL_checknumber(lua, 2);
    if (!(wanted >= 1) || len == 0) {
        lua_pushliteral(lua, "");
        return 1;
    }
    if (wanted > SCRIPT_MEMORY_BYTES || len > SCRIPT_MEMORY_BYTES / (size_t)wanted)
        return luaL_error(lua, "resulting string too large");
    size_t n = (size_t)wanted;
    charge(lua, len * n / BYTES_A_UNIT);
    struct buf *out = &sandbox->scratch;
    buf_clear(out);
    char *at = buf_reserve(out, len * n);
    memcpy(at, text, len);
    for (size_t done = len; done < len * n;) { /* doubled each time */
        size_t more = SF_MIN(done, len * n - done);
        memcpy(at + done, at, more);
        done += more;
    }
    buf_commit(out, len * n);
    lua_pushlstring(lua, at, len * n);
    if (out->cap > (1u << 20)) buf_free(out);
    return 1;
}

void open_text(lua_State *lua) {
    static const char *const taken_over[] = {"char", "dump", "len", "sub", NULL};
    static const char *const behind[] = {"byte", "format", "lower", "reverse", "upper", NULL};
    static const struct library_row rows[] = {{"byte", text_byte}, {"find", text_find},
        {"format", text_format}, {"gfind", text_gmatch}, {"gmatch", text_gmatch},
        {"gsub", text_gsub}, {"lower", text_lower}, {"match", text_match}, {"rep", text_rep},
        {"reverse", text_reverse}, {"upper", text_upper}, {NULL, NULL}};
    lua_pushcfunction(lua, luaopen_string);
    lua_call(lua, 0, 1);
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
    set_functions(lua, rows);
    lua_remove(lua, own);
}
