/* cjson.decode */
#include "script/json.h"

#include <stdlib.h>
#include <string.h>

enum { BYTES_A_UNIT = 8 };

enum token {
    T_OBJ_BEGIN,
    T_OBJ_END,
    T_ARR_BEGIN,
    T_ARR_END,
    T_STRING,
    T_NUMBER,
    T_BOOLEAN,
    T_NULL,
    T_COLON,
    T_COMMA,
    T_END,
    T_ERROR,
};
static const char *const token_names[] = {"T_OBJ_BEGIN", "T_OBJ_END", "T_ARR_BEGIN", "T_ARR_END",
    "T_STRING", "T_NUMBER", "T_BOOLEAN", "T_NULL", "T_COLON", "T_COMMA", "T_END", "T_ERROR"};

struct decoder {
    lua_State *lua;
    const struct json_config *config;
    const char *text, *at, *end; /* *end is zero */
    struct buf *string;          /* of T_STRING */
    int depth;

    enum token token;
    size_t token_at;
    double number;
    bool boolean;
    const char *error; /* of T_ERROR */
};

static void decode_value(struct decoder *d);

static _Noreturn void refuse(struct decoder *d, const char *expected) {
    luaL_error(d->lua, "Expected %s but found %s at character %d", expected,
        d->token == T_ERROR ? d->error : token_names[d->token], (int)d->token_at + 1);
    __builtin_unreachable();
}

static void fail(struct decoder *d, const char *error) {
    d->token = T_ERROR;
    d->error = error;
    d->token_at = (size_t)(d->at - d->text);
}

/* -- tokens ------------------------------------------------------------------------------------ */

/* Four hexadecimal digits; -1: they are none. */
static int hex4(const char *at) {
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

static void append_utf8(struct buf *out, uint32_t c) {
    char bytes[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1;) {
        bytes[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    bytes[0] = (char)(lead[n] | c);
    buf_append(out, bytes, n);
}

/* At the backslash of \uXXXX, or of a pair of them. */
static bool read_unicode(struct decoder *d) {
    int c = hex4(d->at + 2);
    if (c < 0) return false;
    uint32_t code = (uint32_t)c;
    size_t len = 6;
    if ((code & 0xf800) == 0xd800) {
        if ((code & 0x400) != 0 || d->at[6] != '\\' || d->at[7] != 'u') return false;
        int low = hex4(d->at + 8);
        if (low < 0 || (low & 0xfc00) != 0xdc00) return false;
        code = 0x10000 + ((code & 0x3ff) << 10 | ((uint32_t)low & 0x3ff));
        len = 12;
    }
    append_utf8(d->string, code);
    d->at += len;
    return true;
}

static void read_string(struct decoder *d) {
    buf_clear(d->string);
    d->at++;
    const char *begin = d->at;
    while (*d->at != '"') {
        const char *run = d->at;
        while (*d->at != '"' && *d->at != '\\' && *d->at != 0) d->at++;
        buf_append(d->string, run, (size_t)(d->at - run));
        if (*d->at == 0) {
            fail(d, "unexpected end of string");
            return;
        }
        if (*d->at != '\\') break;
        if (d->at[1] == 'u') {
            if (!read_unicode(d)) {
                fail(d, "invalid unicode escape code");
                return;
            }
            continue;
        }
        static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
        const char *name = d->at[1] == 0 ? NULL : strchr(names, d->at[1]);
        if (name == NULL) {
            fail(d, "invalid escape code");
            return;
        }
        buf_append_char(d->string, values[name - names]);
        d->at += 2;
    }
    charge(d->lua, (uint64_t)(d->at - begin) / BYTES_A_UNIT);
    d->at++;
    d->token = T_STRING;
}

/* What strtod takes, but JSON does not: hexadecimal, leading zeros, infinity, nan. */
static bool is_invalid_number(const char *p) {
    if (*p == '-') p++;
    if (*p == '0') return (p[1] | 0x20) == 'x' || (p[1] >= '0' && p[1] <= '9');
    return *p < '1' || *p > '9';
}

static void read_number(struct decoder *d) {
    char *end;
    if (!d->config->decode_invalid && is_invalid_number(d->at)) {
        fail(d, "invalid number");
        return;
    }
    d->number = strtod(d->at, &end);
    if (end == d->at) {
        fail(d, "invalid number");
        return;
    }
    charge(d->lua, (uint64_t)(end - d->at) / BYTES_A_UNIT);
    d->at = end;
    d->token = T_NUMBER;
}

static bool read_word(struct decoder *d, const char *word, enum token token, bool value) {
    if (strncmp(d->at, word, strlen(word)) != 0) return false;
    d->at += strlen(word);
    d->token = token;
    d->boolean = value;
    return true;
}

static bool begins_like_odd_number(const char *p) {
    return *p == '+' || strncasecmp(p, "inf", 3) == 0 || strncasecmp(p, "nan", 3) == 0;
}

static void next_token(struct decoder *d) {
    static const char singles[] = "{}[]:,";
    static const enum token of_singles[] = {
        T_OBJ_BEGIN, T_OBJ_END, T_ARR_BEGIN, T_ARR_END, T_COLON, T_COMMA};
    const char *before = d->at;
    while (*d->at == ' ' || *d->at == '\t' || *d->at == '\n' || *d->at == '\r') d->at++;
    charge(d->lua, 1 + (uint64_t)(d->at - before) / BYTES_A_UNIT);
    char c = *d->at;
    d->token_at = (size_t)(d->at - d->text);
    const char *single = c == 0 ? NULL : strchr(singles, c);
    if (single != NULL) {
        d->at++;
        d->token = of_singles[single - singles];
    } else if (c == '"') {
        read_string(d);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        read_number(d);
    } else if (c == 0 && d->at == d->end) {
        d->token = T_END;
    } else if (read_word(d, "true", T_BOOLEAN, true) || read_word(d, "false", T_BOOLEAN, false) ||
               read_word(d, "null", T_NULL, false)) {
        return;
    } else if (d->config->decode_invalid && begins_like_odd_number(d->at)) {
        read_number(d);
    } else {
        fail(d, "invalid token");
    }
}

/* -- values ------------------------------------------------------------------------------------ */

static void descend(struct decoder *d) {
    d->depth++;
    if (d->depth <= d->config->decode_depth && lua_checkstack(d->lua, 4)) return;
    luaL_error(d->lua, "Found too many nested data structures (%d) at character %d", d->depth,
        (int)(d->at - d->text));
}

static void decode_object(struct decoder *d) {
    descend(d);
    lua_newtable(d->lua);
    next_token(d);
    bool more = d->token != T_OBJ_END;
    while (more) {
        if (d->token != T_STRING) refuse(d, "object key string");
        lua_pushlstring(d->lua, d->string->data == NULL ? "" : d->string->data + d->string->start,
            d->string->len);
        next_token(d);
        if (d->token != T_COLON) refuse(d, "colon");
        next_token(d);
        decode_value(d);
        lua_rawset(d->lua, -3);
        next_token(d);
        if (d->token != T_OBJ_END && d->token != T_COMMA) refuse(d, "comma or object end");
        more = d->token == T_COMMA;
        if (more) next_token(d);
    }
    d->depth--;
}

static void decode_array(struct decoder *d) {
    descend(d);
    lua_newtable(d->lua);
    next_token(d);
    bool more = d->token != T_ARR_END;
    for (int i = 1; more; i++) {
        decode_value(d);
        lua_rawseti(d->lua, -2, i);
        next_token(d);
        if (d->token != T_ARR_END && d->token != T_COMMA) refuse(d, "comma or array end");
        more = d->token == T_COMMA;
        if (more) next_token(d);
    }
    d->depth--;
}

/* The value that begins with the token at hand. */
static void decode_value(struct decoder *d) {
    switch (d->token) {
    case T_STRING:
        lua_pushlstring(d->lua, d->string->data == NULL ? "" : d->string->data + d->string->start,
            d->string->len);
        break;
    case T_NUMBER:
        lua_pushnumber(d->lua, d->number);
        break;
    case T_BOOLEAN:
        lua_pushboolean(d->lua, d->boolean);
        break;
    case T_OBJ_BEGIN:
        decode_object(d);
        break;
    case T_ARR_BEGIN:
        decode_array(d);
        break;
    case T_NULL:
        lua_pushlightuserdata(d->lua, NULL);
        break;
    default:
        refuse(d, "value");
    }
}

int json_decode(lua_State *lua) {
    luaL_argcheck(lua, lua_gettop(lua) == 1, 1, "expected 1 argument");
    size_t len;
    const char *text = luaL_checklstring(lua, 1, &len);
    if (len >= 2 && (text[0] == 0 || text[1] == 0))
        return luaL_error(lua, "JSON parser does not support UTF-16 or UTF-32");
    struct decoder d = {.lua = lua,
        .config = json_config_of(lua),
        .text = text,
        .at = text,
        .end = text + len,
        .string = &sandbox_of(lua)->scratch};
    next_token(&d);
    decode_value(&d);
    next_token(&d);
    if (d.token != T_END) refuse(&d, "the end");
    return 1;
}
