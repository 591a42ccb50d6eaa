/* Replies of commands as Lua values, and Lua values as replies: the two tables of conversions that
 * Redis documents, for both versions of the protocol. */
#include "script/internal.h"
#include "util/number.h"

#include <string.h>

enum { NESTING_MAX = 1000, VALUE_UNITS = 10, BYTES_A_UNIT = 8 };

/* -- errors ---------------------------------------------------------------------------------- */

void push_error(lua_State *lua, const char *message) {
    size_t len = strlen(message);
    while (len > 0 && (message[len - 1] == '\r' || message[len - 1] == '\n')) len--;
    lua_newtable(lua);
    const char *space = memchr(message, ' ', len);
    if (message[0] == '-' && space != NULL) {
        lua_pushlstring(lua, message + 1, len - 1);
    } else {
        size_t skip = message[0] == '-';
        lua_pushliteral(lua, "ERR ");
        lua_pushlstring(lua, message + skip, len - skip);
        lua_concat(lua, 2);
    }
    lua_setfield(lua, -2, "err");
    lua_pushboolean(lua, 1);
    lua_setfield(lua, -2, "ignore_error_stats_update");
}

void raise_error(lua_State *lua, const char *message) {
    push_error(lua, message);
    lua_error(lua);
    __builtin_unreachable();
}

/* -- replies to values ----------------------------------------------------------------------- */

/* One of our own commands wrote it: malformed means that we are wrong. */
static struct slice take_line(struct slice *in) {
    const char *end = memchr(in->data, '\r', in->len);
    SF_ASSERT(end != NULL && (size_t)(end - in->data) + 2 <= in->len);
    struct slice line = slice_of(in->data, (size_t)(end - in->data));
    *in = slice_of(end + 2, in->len - line.len - 2);
    return line;
}

static int64_t take_length(struct slice line) {
    int64_t n = 0;
    bool good = int_parse(line, &n);
    SF_ASSERT(good && n >= -1);
    return n;
}

static struct slice take_bytes(struct slice *in, int64_t n) {
    SF_ASSERT(n >= 0 && (uint64_t)n + 2 <= in->len);
    struct slice bytes = slice_of(in->data, (size_t)n);
    *in = slice_of(in->data + n + 2, in->len - (size_t)n - 2);
    return bytes;
}

static void push_null(lua_State *lua) {
    if (sandbox_of(lua)->proto == 3)
        lua_pushnil(lua);
    else
        lua_pushboolean(lua, 0);
}

static void push_value(lua_State *lua, struct slice *in, bool *is_error);

static void push_array(lua_State *lua, struct slice *in, int64_t n) {
    lua_createtable(lua, (int)SF_MIN(n, 1 << 20), 0);
    for (int64_t i = 1; i <= n; i++) {
        bool ignored = false;
        push_value(lua, in, &ignored);
        lua_rawseti(lua, -2, (int)i);
    }
}

/* {map = {...}} or {set = {element = true ...}} */
static void push_pairs(lua_State *lua, struct slice *in, int64_t n, const char *name, bool is_set) {
    lua_newtable(lua);
    lua_newtable(lua);
    for (int64_t i = 0; i < n; i++) {
        bool ignored = false;
        push_value(lua, in, &ignored);
        if (is_set)
            lua_pushboolean(lua, 1);
        else
            push_value(lua, in, &ignored);
        if (lua_isnil(lua, -2))
            lua_pop(lua, 2);
        else
            lua_rawset(lua, -3);
    }
    lua_setfield(lua, -2, name);
}

static void push_field(lua_State *lua, const char *name, struct slice text) {
    lua_createtable(lua, 0, 1);
    lua_pushlstring(lua, text.data, text.len);
    lua_setfield(lua, -2, name);
}

static void push_number_field(lua_State *lua, struct slice text) {
    double value = 0;
    if (!double_parse_loose(text, &value)) value = 0.0 / 0.0;
    lua_createtable(lua, 0, 1);
    lua_pushnumber(lua, value);
    lua_setfield(lua, -2, "double");
}

static void push_verbatim(lua_State *lua, struct slice text) {
    SF_ASSERT(text.len >= 4);
    lua_createtable(lua, 0, 1);
    lua_createtable(lua, 0, 2);
    lua_pushlstring(lua, text.data + 4, text.len - 4);
    lua_setfield(lua, -2, "string");
    lua_pushlstring(lua, text.data, 3);
    lua_setfield(lua, -2, "format");
    lua_setfield(lua, -2, "verbatim_string");
}

static void push_value(lua_State *lua, struct slice *in, bool *is_error) {
    luaL_checkstack(lua, 6, "reply nested too deep");
    charge(lua, VALUE_UNITS);
    SF_ASSERT(in->len > 0);
    char type = in->data[0];
    *in = slice_of(in->data + 1, in->len - 1);
    struct slice line = take_line(in);
    int64_t n = 0;
    switch (type) {
    case ':':
        n = 0;
        int_parse(line, &n);
        lua_pushnumber(lua, (lua_Number)n);
        return;
    case '+':
        push_field(lua, "ok", line);
        return;
    case '-':
        *is_error = true;
        push_field(lua, "err", line);
        lua_pushboolean(lua, 1);
        lua_setfield(lua, -2, "ignore_error_stats_update");
        return;
    case '#':
        lua_pushboolean(lua, line.len == 1 && line.data[0] == 't');
        return;
    case '_':
        push_null(lua);
        return;
    case ',':
        push_number_field(lua, line);
        return;
    case '(':
        push_field(lua, "big_number", line);
        return;
    default:
        break;
    }
    n = take_length(line);
    if (n < 0) {
        push_null(lua);
    } else if (type == '$') {
        struct slice bytes = take_bytes(in, n);
        lua_pushlstring(lua, bytes.data, bytes.len);
    } else if (type == '=') {
        push_verbatim(lua, take_bytes(in, n));
    } else if (type == '%') {
        push_pairs(lua, in, n, "map", false);
    } else if (type == '~') {
        push_pairs(lua, in, n, "set", true);
    } else {
        SF_ASSERT(type == '*' || type == '>');
        push_array(lua, in, n);
    }
}

void push_reply(lua_State *lua, struct slice reply, bool *is_error) {
    *is_error = false;
    push_value(lua, &reply, is_error);
    SF_ASSERT(reply.len == 0);
}

/* -- values to replies ----------------------------------------------------------------------- */

/* The field of the table on top if it is of that very type (pushed then). */
static bool field_is(lua_State *lua, const char *name, int type) {
    lua_pushstring(lua, name);
    lua_rawget(lua, -2);
    if (lua_type(lua, -1) == type) return true;
    lua_pop(lua, 1);
    return false;
}

static void reply_boolean(lua_State *lua, struct reply *reply, bool value) {
    if (sandbox_of(lua)->proto == 3)
        reply_bool(reply, value);
    else if (value)
        reply_integer(reply, 1);
    else
        reply_null(reply);
}

static void reply_big(lua_State *lua, struct reply *reply) {
    size_t len;
    const char *digits = lua_tolstring(lua, -1, &len);
    struct buf *scratch = &sandbox_of(lua)->scratch;
    buf_clear(scratch);
    buf_append(scratch, digits, len);
    for (size_t i = 0; i < len; i++) {
        char *c = &scratch->data[scratch->start + i];
        if (*c == '\r' || *c == '\n') *c = ' ';
    }
    reply_big_number(reply, buf_slice(scratch));
}

/* false: not both fields are there. */
static bool reply_verbatim_table(lua_State *lua, struct reply *reply) {
    if (!field_is(lua, "string", LUA_TSTRING)) return false;
    struct slice text;
    text.data = lua_tolstring(lua, -1, &text.len);
    lua_pop(lua, 1);
    if (!field_is(lua, "format", LUA_TSTRING)) return false;
    char format[4] = "   ";
    size_t len;
    const char *given = lua_tolstring(lua, -1, &len);
    memcpy(format, given, SF_MIN(len, 3));
    lua_pop(lua, 1);
    reply_verbatim(reply, format, text);
    return true;
}

/* Counted before they are written: nested headers would have to move all that is behind them. */
static uint64_t count_pairs(lua_State *lua) {
    uint64_t n = 0;
    lua_pushnil(lua);
    for (; lua_next(lua, -2); n++) {
        lua_pop(lua, 1);
        if (n % 64 == 0) charge(lua, 64);
    }
    return n;
}

static void reply_pairs(lua_State *lua, struct reply *reply, int depth, bool is_set) {
    uint64_t n = count_pairs(lua);
    if (is_set)
        reply_set(reply, n);
    else
        reply_map(reply, n);
    lua_pushnil(lua);
    while (lua_next(lua, -2)) {
        lua_pushvalue(lua, -2);
        reply_from_lua(lua, reply, depth + 1);
        if (is_set)
            lua_pop(lua, 1);
        else
            reply_from_lua(lua, reply, depth + 1);
    }
}

static void reply_list(lua_State *lua, struct reply *reply, int depth) {
    int n = 0;
    for (bool more = true; more; n += more) {
        if (n % 64 == 0) charge(lua, 64);
        lua_rawgeti(lua, -1, n + 1);
        more = !lua_isnil(lua, -1);
        lua_pop(lua, 1);
    }
    reply_array(reply, (uint64_t)n);
    for (int i = 1; i <= n; i++) {
        lua_rawgeti(lua, -1, i);
        reply_from_lua(lua, reply, depth + 1);
    }
}

/* What a table with one of the special fields says; false: it is a list. */
static bool reply_special(lua_State *lua, struct reply *reply, int depth) {
    size_t len;
    if (field_is(lua, "err", LUA_TSTRING)) {
        const char *text = lua_tolstring(lua, -1, &len);
        reply_errorf(reply, "%.*s", (int)SF_MIN(len, 1u << 20), text);
    } else if (field_is(lua, "ok", LUA_TSTRING)) {
        reply_status(reply, lua_tostring(lua, -1));
    } else if (field_is(lua, "double", LUA_TNUMBER)) {
        reply_double(reply, lua_tonumber(lua, -1));
    } else if (field_is(lua, "map", LUA_TTABLE)) {
        reply_pairs(lua, reply, depth, false);
    } else if (field_is(lua, "set", LUA_TTABLE)) {
        reply_pairs(lua, reply, depth, true);
    } else if (field_is(lua, "big_number", LUA_TSTRING)) {
        reply_big(lua, reply);
    } else if (field_is(lua, "verbatim_string", LUA_TTABLE)) {
        if (!reply_verbatim_table(lua, reply)) {
            lua_pop(lua, 1);
            return false;
        }
    } else {
        return false;
    }
    lua_pop(lua, 1);
    return true;
}

/* A number as a 64-bit integer, cut towards zero; what has none becomes the smallest, as x86
 * converts it. */
static int64_t integer_of(lua_Number number) {
    bool fits = number >= -9223372036854775808.0 && number < 9223372036854775808.0;
    return fits ? (int64_t)number : INT64_MIN;
}

void reply_from_lua(lua_State *lua, struct reply *reply, int depth) {
    charge(lua, VALUE_UNITS);
    if (depth > NESTING_MAX || !lua_checkstack(lua, 8)) {
        reply_error(reply, "ERR reached lua stack limit");
        lua_pop(lua, 1);
        return;
    }
    switch (lua_type(lua, -1)) {
    case LUA_TSTRING: {
        struct slice text;
        text.data = lua_tolstring(lua, -1, &text.len);
        charge(lua, text.len / BYTES_A_UNIT);
        reply_bulk(reply, text);
        break;
    }
    case LUA_TBOOLEAN:
        reply_boolean(lua, reply, lua_toboolean(lua, -1));
        break;
    case LUA_TNUMBER:
        reply_integer(reply, integer_of(lua_tonumber(lua, -1)));
        break;
    case LUA_TTABLE:
        if (!reply_special(lua, reply, depth)) reply_list(lua, reply, depth);
        break;
    default:
        reply_null(reply);
        break;
    }
    lua_pop(lua, 1);
}
