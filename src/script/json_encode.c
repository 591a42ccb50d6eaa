/* cjson.encode */
#include "script/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BYTES_A_UNIT = 8 };

struct encoder {
    lua_State *lua;
    const struct json_config *config;
    struct buf *out;
    size_t charged; /* bytes of out */
};

static void encode_value(struct encoder *e, int depth);

static _Noreturn void refuse(struct encoder *e, int at, const char *why) {
    luaL_error(e->lua, "Cannot serialise %s: %s", luaL_typename(e->lua, at), why);
    __builtin_unreachable();
}

/* What was written since is paid for, before it can become too much. */
static void settle(struct encoder *e) {
    charge(e->lua, 1 + (e->out->len - e->charged) / BYTES_A_UNIT);
    e->charged = e->out->len;
    if (e->out->len > SCRIPT_MEMORY_BYTES) luaL_error(e->lua, "not enough memory");
}

static void encode_text(struct encoder *e, int at) {
    size_t len;
    const char *text = lua_tolstring(e->lua, at, &len);
    charge(e->lua, len / BYTES_A_UNIT);
    buf_append_char(e->out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        const char *special = c == 0 ? NULL : strchr("\"\"\\\\//\bb\tt\nn\ff\rr", c);
        if (special != NULL && c != 'b' && c != 't' && c != 'n' && c != 'f' && c != 'r') {
            char escape[2] = {'\\', c == '"' || c == '\\' || c == '/' ? (char)c : special[1]};
            buf_append(e->out, escape, 2);
        } else if (c < 32 || c == 127) {
            buf_printf(e->out, "\\u%04x", c);
        } else {
            buf_append_char(e->out, (char)c);
        }
    }
    buf_append_char(e->out, '"');
    settle(e);
}

static void encode_number(struct encoder *e, int at) {
    double number = lua_tonumber(e->lua, at);
    if (!isfinite(number)) {
        if (e->config->encode_invalid == JSON_REFUSED) refuse(e, at, "must not be NaN or Inf");
        bool as_null = e->config->encode_invalid == JSON_NULL;
        const char *text = isnan(number) ? "nan" : number > 0 ? "inf" : "-inf";
        buf_append_text(e->out, as_null ? "null" : text);
        return;
    }
    buf_printf(e->out, "%.*g", e->config->digits, number);
}

/* The length of the array that the table on top is; -1: it is an object. */
static int array_length(struct encoder *e) {
    double longest = 0;
    int items = 0;
    lua_pushnil(e->lua);
    while (lua_next(e->lua, -2)) {
        double key = lua_type(e->lua, -2) == LUA_TNUMBER ? lua_tonumber(e->lua, -2) : 0;
        if (key == 0 || floor(key) != key || key < 1) {
            lua_pop(e->lua, 2);
            return -1;
        }
        if (++items % 64 == 0) charge(e->lua, 64);
        if (key > longest) longest = key;
        lua_pop(e->lua, 1);
    }
    const struct json_config *config = e->config;
    bool sparse = config->sparse_ratio > 0 && longest > (double)items * config->sparse_ratio &&
                  longest > config->sparse_safe;
    if (sparse && !config->sparse_convert) refuse(e, -1, "excessively sparse array");
    if (longest > INT32_MAX) refuse(e, -1, "excessively sparse array");
    return sparse ? -1 : (int)longest;
}

static void encode_array(struct encoder *e, int n, int depth) {
    buf_append_char(e->out, '[');
    for (int i = 1; i <= n; i++) {
        if (i > 1) buf_append_char(e->out, ',');
        lua_rawgeti(e->lua, -1, i);
        encode_value(e, depth);
        lua_pop(e->lua, 1);
    }
    buf_append_char(e->out, ']');
}

static void encode_object(struct encoder *e, int depth) {
    bool first = true;
    buf_append_char(e->out, '{');
    lua_pushnil(e->lua);
    while (lua_next(e->lua, -2)) {
        if (!first) buf_append_char(e->out, ',');
        first = false;
        int type = lua_type(e->lua, -2);
        if (type == LUA_TNUMBER) {
            buf_append_char(e->out, '"');
            encode_number(e, -2);
            buf_append_char(e->out, '"');
        } else if (type == LUA_TSTRING) {
            encode_text(e, -2);
        } else {
            refuse(e, -2, "table key must be a number or string");
        }
        buf_append_char(e->out, ':');
        encode_value(e, depth);
        lua_pop(e->lua, 1);
    }
    buf_append_char(e->out, '}');
}

static void encode_table(struct encoder *e, int depth) {
    if (depth > e->config->encode_depth || !lua_checkstack(e->lua, 4))
        luaL_error(e->lua, "Cannot serialise, excessive nesting (%d)", depth);
    int n = array_length(e);
    if (n > 0)
        encode_array(e, n, depth);
    else
        encode_object(e, depth);
}

/* The value on top, which stays. */
static void encode_value(struct encoder *e, int depth) {
    settle(e);
    switch (lua_type(e->lua, -1)) {
    case LUA_TSTRING:
        encode_text(e, -1);
        break;
    case LUA_TNUMBER:
        encode_number(e, -1);
        break;
    case LUA_TBOOLEAN:
        buf_append_text(e->out, lua_toboolean(e->lua, -1) ? "true" : "false");
        break;
    case LUA_TTABLE:
        encode_table(e, depth + 1);
        break;
    case LUA_TNIL:
        buf_append_text(e->out, "null");
        break;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(e->lua, -1) != NULL) refuse(e, -1, "type not supported");
        buf_append_text(e->out, "null");
        break;
    default:
        refuse(e, -1, "type not supported");
    }
}

int json_encode(lua_State *lua) {
    luaL_argcheck(lua, lua_gettop(lua) == 1, 1, "expected 1 argument");
    struct sandbox *sandbox = sandbox_of(lua);
    struct encoder e = {lua, json_config_of(lua), &sandbox->scratch, 0};
    buf_clear(e.out);
    encode_value(&e, 0);
    lua_pushlstring(lua, e.out->data + e.out->start, e.out->len);
    return 1;
}
