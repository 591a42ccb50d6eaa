/* The library `cjson`: its table and its settings. Settings last until the script ends. */
#include "script/json.h"

#include <limits.h>
#include <string.h>

static const struct json_config config_default = {
    false, 2, 10, 1000, 1000, JSON_NUMBER_DIGITS, JSON_REFUSED, true, true};

/* Sets an integer if argument `at` is given; pushes what holds then. */
static void integer_option(lua_State *lua, int at, int *value, int min, int max) {
    if (!lua_isnoneornil(lua, at)) {
        lua_Number given = luaL_checknumber(lua, at);
        char text[64];
        const char *format = "expected integer between %d and %d";
        lua_pushfstring(lua, format, min, max);
        strncpy(text, lua_tostring(lua, -1), sizeof text - 1);
        text[sizeof text - 1] = 0;
        lua_pop(lua, 1);
        luaL_argcheck(lua, given >= min && given <= max, at, text);
        *value = (int)given;
    }
    lua_pushinteger(lua, *value);
}

/* Settings take at most so many arguments. */
static struct json_config *option(lua_State *lua, int most) {
    luaL_argcheck(lua, lua_gettop(lua) <= most, most + 1, "found too many arguments");
    while (lua_gettop(lua) < most) lua_pushnil(lua);
    return json_config_of(lua);
}

static int json_sparse_array(lua_State *lua) {
    struct json_config *config = option(lua, 3);
    if (!lua_isnil(lua, 1)) {
        luaL_checktype(lua, 1, LUA_TBOOLEAN);
        config->sparse_convert = lua_toboolean(lua, 1);
    }
    lua_pushboolean(lua, config->sparse_convert);
    integer_option(lua, 2, &config->sparse_ratio, 0, INT_MAX);
    integer_option(lua, 3, &config->sparse_safe, 0, INT_MAX);
    return 3;
}

static int json_encode_max_depth(lua_State *lua) {
    integer_option(lua, 1, &option(lua, 1)->encode_depth, 1, INT_MAX);
    return 1;
}

static int json_decode_max_depth(lua_State *lua) {
    integer_option(lua, 1, &option(lua, 1)->decode_depth, 1, INT_MAX);
    return 1;
}

static int json_number_precision(lua_State *lua) {
    integer_option(lua, 1, &option(lua, 1)->digits, 1, JSON_NUMBER_DIGITS);
    return 1;
}

static int json_keep_buffer(lua_State *lua) {
    struct json_config *config = option(lua, 1);
    if (!lua_isnil(lua, 1)) {
        luaL_checktype(lua, 1, LUA_TBOOLEAN);
        config->keep_buffer = lua_toboolean(lua, 1);
    }
    lua_pushboolean(lua, config->keep_buffer);
    return 1;
}

static int json_encode_invalid(lua_State *lua) {
    static const char *const names[] = {"off", "on", "null", NULL};
    struct json_config *config = option(lua, 1);
    if (lua_isboolean(lua, 1))
        config->encode_invalid = lua_toboolean(lua, 1) ? JSON_TAKEN : JSON_REFUSED;
    else if (!lua_isnil(lua, 1))
        config->encode_invalid = (enum json_invalid)luaL_checkoption(lua, 1, NULL, names);
    if (config->encode_invalid == JSON_NULL)
        lua_pushliteral(lua, "null");
    else
        lua_pushboolean(lua, config->encode_invalid == JSON_TAKEN);
    return 1;
}

static int json_decode_invalid(lua_State *lua) {
    static const char *const names[] = {"off", "on", NULL};
    struct json_config *config = option(lua, 1);
    if (lua_isboolean(lua, 1))
        config->decode_invalid = lua_toboolean(lua, 1);
    else if (!lua_isnil(lua, 1))
        config->decode_invalid = luaL_checkoption(lua, 1, NULL, names) == 1;
    lua_pushboolean(lua, config->decode_invalid);
    return 1;
}

static int json_new(lua_State *lua) {
    open_json(lua);
    return 1;
}

void open_json(lua_State *lua) {
    static const struct library_row rows[] = {{"decode", json_decode},
        {"decode_invalid_numbers", json_decode_invalid},
        {"decode_max_depth", json_decode_max_depth}, {"encode", json_encode},
        {"encode_invalid_numbers", json_encode_invalid}, {"encode_keep_buffer", json_keep_buffer},
        {"encode_max_depth", json_encode_max_depth},
        {"encode_number_precision", json_number_precision},
        {"encode_sparse_array", json_sparse_array}, {"new", json_new}};
    lua_newtable(lua);
    struct json_config *config = lua_newuserdata(lua, sizeof *config);
    *config = config_default;
    for (size_t i = 0; i < SF_LENGTH(rows); i++) {
        lua_pushvalue(lua, -1);
        lua_pushcclosure(lua, rows[i].function, 1);
        lua_setfield(lua, -3, rows[i].name);
    }
    lua_pop(lua, 1);
    lua_pushlightuserdata(lua, NULL);
    lua_setfield(lua, -2, "null");
    lua_pushliteral(lua, "cjson");
    lua_setfield(lua, -2, "_NAME");
    lua_pushliteral(lua, "2.1.0");
    lua_setfield(lua, -2, "_VERSION");
}
