/* The library `cmsgpack`: MessagePack, as Redis's. */
#include "script/internal.h"

#include <limits.h>
#include <math.h>
#include <string.h>

enum { NESTING_MAX = 16, BYTES_A_UNIT = 8 };

/* -- packing: into the sandbox's scratch ---------------------------------------------------------
 */

struct packer {
    lua_State *lua;
    struct buf *out;
    size_t charged;
};

static void pack_value(struct packer *p, int depth);

static void settle(struct packer *p) {
    charge(p->lua, 1 + (p->out->len - p->charged) / BYTES_A_UNIT);
    p->charged = p->out->len;
    if (p->out->len > SCRIPT_MEMORY_BYTES) luaL_error(p->lua, "not enough memory");
}

/* A byte, then the lower `size` bytes of value, big-endian. */
static void put_sized(struct packer *p, uint8_t head, uint64_t value, int size) {
    char bytes[9] = {(char)head};
    for (int i = 0; i < size; i++) bytes[size - i] = (char)(value >> (8 * i));
    buf_append(p->out, bytes, (size_t)size + 1);
}

static void pack_integer(struct packer *p, int64_t value) {
    uint64_t bits = (uint64_t)value;
    if (value >= 0) {
        if (value <= 0x7f)
            put_sized(p, (uint8_t)value, 0, 0);
        else if (value <= 0xff)
            put_sized(p, 0xcc, bits, 1);
        else if (value <= 0xffff)
            put_sized(p, 0xcd, bits, 2);
        else if (value <= 0xffffffff)
            put_sized(p, 0xce, bits, 4);
        else
            put_sized(p, 0xcf, bits, 8);
    } else if (value >= -32) {
        put_sized(p, (uint8_t)value, 0, 0);
    } else if (value >= -128) {
        put_sized(p, 0xd0, bits, 1);
    } else if (value >= -32768) {
        put_sized(p, 0xd1, bits, 2);
    } else if (value >= INT32_MIN) {
        put_sized(p, 0xd2, bits, 4);
    } else {
        put_sized(p, 0xd3, bits, 8);
    }
}

static void pack_number(struct packer *p, double number) {
    bool in_range = number >= -9223372036854775808.0 && number < 9223372036854775808.0;
    if (in_range && (double)(int64_t)number == number) {
        pack_integer(p, (int64_t)number);
        return;
    }
    float narrow = isnan(number) || fabs(number) <= 3.4028234663852886e38 || isinf(number)
                       ? (float)number
                       : 0.0f;
    if ((double)narrow == number) {
        uint32_t image;
        memcpy(&image, &narrow, 4);
        put_sized(p, 0xca, image, 4);
    } else {
        uint64_t image;
        memcpy(&image, &number, 8);
        put_sized(p, 0xcb, image, 8);
    }
}

static void pack_text(struct packer *p) {
    size_t len;
    const char *text = lua_tolstring(p->lua, -1, &len);
    if (len < 32)
        put_sized(p, (uint8_t)(0xa0 | len), 0, 0);
    else if (len <= 0xff)
        put_sized(p, 0xd9, len, 1);
    else if (len <= 0xffff)
        put_sized(p, 0xda, len, 2);
    else
        put_sized(p, 0xdb, len, 4);
    buf_append(p->out, text, len);
    settle(p);
}

/* fix: the head of up to 15 elements; wide: that of 16-bit counts, the next one of 32-bit ones. */
static void put_count(struct packer *p, size_t n, uint8_t fix, uint8_t wide) {
    if (n <= 15)
        put_sized(p, (uint8_t)(fix | n), 0, 0);
    else if (n <= 0xffff)
        put_sized(p, wide, n, 2);
    else
        put_sized(p, (uint8_t)(wide + 1), n, 4);
}

/* Counts the pairs of the table on top; *is_array: its keys are 1 ... n. */
static size_t count_pairs(struct packer *p, bool *is_array) {
    size_t n = 0;
    double longest = 0;
    *is_array = true;
    lua_pushnil(p->lua);
    while (lua_next(p->lua, -2)) {
        lua_pop(p->lua, 1);
        double key = lua_type(p->lua, -1) == LUA_TNUMBER ? lua_tonumber(p->lua, -1) : 0;
        if (key <= 0 || floor(key) != key) *is_array = false;
        if (key > longest) longest = key;
        if (++n % 64 == 0) charge(p->lua, 64);
    }
    *is_array = *is_array && longest == (double)n;
    return n;
}

static void pack_table(struct packer *p, int depth) {
    bool is_array;
    luaL_checkstack(p->lua, 4, "in function mp_encode_lua_table");
    size_t n = count_pairs(p, &is_array);
    if (is_array) {
        put_count(p, n, 0x90, 0xdc);
        for (size_t i = 1; i <= n; i++) {
            lua_rawgeti(p->lua, -1, (int)i);
            pack_value(p, depth + 1);
        }
        return;
    }
    put_count(p, n, 0x80, 0xde);
    lua_pushnil(p->lua);
    while (lua_next(p->lua, -2)) {
        lua_pushvalue(p->lua, -2);
        pack_value(p, depth + 1);
        pack_value(p, depth + 1);
    }
}

/* The value on top, which is popped. */
static void pack_value(struct packer *p, int depth) {
    int type = lua_type(p->lua, -1);
    if (type == LUA_TTABLE && depth == NESTING_MAX) type = LUA_TNIL;
    settle(p);
    switch (type) {
    case LUA_TSTRING:
        pack_text(p);
        break;
    case LUA_TBOOLEAN:
        put_sized(p, lua_toboolean(p->lua, -1) ? 0xc3 : 0xc2, 0, 0);
        break;
    case LUA_TNUMBER:
        pack_number(p, lua_tonumber(p->lua, -1));
        break;
    case LUA_TTABLE:
        pack_table(p, depth);
        break;
    default:
        put_sized(p, 0xc0, 0, 0);
        break;
    }
    lua_pop(p->lua, 1);
}

static int msgpack_pack(lua_State *lua) {
    int n = lua_gettop(lua);
    if (n == 0) return luaL_argerror(lua, 0, "MessagePack pack needs input.");
    struct packer p = {lua, &sandbox_of(lua)->scratch, 0};
    buf_clear(p.out);
    luaL_checkstack(lua, 4, "too many arguments");
    for (int i = 1; i <= n; i++) {
        lua_pushvalue(lua, i);
        pack_value(&p, 0);
    }
    lua_pushlstring(lua, p.out->data + p.out->start, p.out->len);
    return 1;
}

/* -- unpacking -----------------------------------------------------------------------------------
 */

struct unpacker {
    lua_State *lua;
    const unsigned char *at;
    size_t left;
};

static void unpack_value(struct unpacker *u);

static uint64_t take(struct unpacker *u, size_t size) {
    if (size > u->left) luaL_error(u->lua, "Missing bytes in input.");
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value = value << 8 | u->at[i];
    u->at += size;
    u->left -= size;
    return value;
}

static void push_signed(struct unpacker *u, size_t size) {
    uint64_t value = take(u, size);
    if (size < 8 && (value >> (size * 8 - 1)) != 0) value |= UINT64_MAX << (size * 8);
    lua_pushnumber(u->lua, (lua_Number)(int64_t)value);
}

static void push_floating(struct unpacker *u, size_t size) {
    uint64_t image = take(u, size);
    double number;
    if (size == 4) {
        uint32_t half = (uint32_t)image;
        float narrow;
        memcpy(&narrow, &half, 4);
        number = (double)narrow;
    } else {
        memcpy(&number, &image, 8);
    }
    lua_pushnumber(u->lua, number);
}

static void push_text(struct unpacker *u, uint64_t len) {
    if (len > u->left) luaL_error(u->lua, "Missing bytes in input.");
    lua_pushlstring(u->lua, (const char *)u->at, (size_t)len);
    u->at += len;
    u->left -= (size_t)len;
}

static void push_array(struct unpacker *u, uint64_t n) {
    luaL_checkstack(u->lua, 3, "in function mp_decode_to_lua_array");
    lua_newtable(u->lua);
    for (uint64_t i = 1; i <= n; i++) {
        unpack_value(u);
        lua_rawseti(u->lua, -2, (int)i);
    }
}

static void push_map(struct unpacker *u, uint64_t n) {
    luaL_checkstack(u->lua, 4, "in function mp_decode_to_lua_hash");
    lua_newtable(u->lua);
    for (uint64_t i = 0; i < n; i++) {
        unpack_value(u);
        unpack_value(u);
        lua_settable(u->lua, -3); /* nil and nan as keys are errors */
    }
}

static void unpack_value(struct unpacker *u) {
    charge(u->lua, 2);
    uint8_t head = (uint8_t)take(u, 1);
    if (head <= 0x7f || head >= 0xe0) {
        lua_pushnumber(u->lua, (lua_Number)(int8_t)head);
    } else if (head <= 0x8f) {
        push_map(u, head & 15);
    } else if (head <= 0x9f) {
        push_array(u, head & 15);
    } else if (head <= 0xbf) {
        push_text(u, head & 31);
    } else {
        switch (head) {
        case 0xc0:
            lua_pushnil(u->lua);
            break;
        case 0xc2:
        case 0xc3:
            lua_pushboolean(u->lua, head == 0xc3);
            break;
        case 0xc4:
        case 0xc5:
        case 0xc6:
            push_text(u, take(u, (size_t)1 << (head - 0xc4)));
            break;
        case 0xca:
        case 0xcb:
            push_floating(u, head == 0xca ? 4 : 8);
            break;
        case 0xcc:
        case 0xcd:
        case 0xce:
        case 0xcf:
            lua_pushnumber(u->lua, (lua_Number)take(u, (size_t)1 << (head - 0xcc)));
            break;
        case 0xd0:
        case 0xd1:
        case 0xd2:
        case 0xd3:
            push_signed(u, (size_t)1 << (head - 0xd0));
            break;
        case 0xd9:
        case 0xda:
        case 0xdb:
            push_text(u, take(u, (size_t)1 << (head - 0xd9)));
            break;
        case 0xdc:
        case 0xdd:
            push_array(u, take(u, head == 0xdc ? 2 : 4));
            break;
        case 0xde:
        case 0xdf:
            push_map(u, take(u, head == 0xde ? 2 : 4));
            break;
        default:
            luaL_error(u->lua, "Bad data format in input.");
        }
    }
}

/* limit 0: all of them, and no offset in front of the values. */
static int unpack_some(lua_State *lua, double limit, double offset, bool with_offset) {
    size_t len;
    const char *data = luaL_checklstring(lua, 1, &len);
    if (offset < 0 || limit < 0)
        return luaL_error(lua, "Invalid request to unpack with offset of %d and limit of %d.",
            (int)offset, (int)SF_MIN(len, INT_MAX));
    if (offset > (double)len)
        return luaL_error(lua, "Start offset %d greater than input length %d.", (int)offset,
            (int)SF_MIN(len, INT_MAX));
    struct unpacker u = {lua, (const unsigned char *)data + (size_t)offset, len - (size_t)offset};
    if (limit == 0) limit = INT_MAX;
    int n = 0;
    lua_settop(lua, 1);
    if (with_offset) lua_pushnil(lua); /* its place */
    for (; u.left > 0 && n < limit; n++) {
        luaL_checkstack(
            lua, 4, "too many return values at once; use unpack_one or unpack_limit instead.");
        unpack_value(&u);
    }
    note_width(lua, n);
    if (!with_offset) return n;
    lua_pushinteger(lua, u.left == 0 ? -1 : (lua_Integer)(len - u.left));
    lua_replace(lua, 2);
    return n + 1;
}

static int msgpack_unpack(lua_State *lua) {
    return unpack_some(lua, 0, 0, false);
}

static double whole(double number) {
    return number > -2147483649.0 && number < 2147483648.0 ? trunc(number) : -1;
}

static int msgpack_unpack_one(lua_State *lua) {
    double offset = whole(luaL_optnumber(lua, 2, 0));
    return unpack_some(lua, 1, offset, true);
}

static int msgpack_unpack_limit(lua_State *lua) {
    double limit = whole(luaL_checknumber(lua, 2)), offset = whole(luaL_optnumber(lua, 3, 0));
    return unpack_some(lua, limit, offset, !(limit == 0 && offset == 0));
}

void open_msgpack(lua_State *lua) {
    static const struct library_row rows[] = {{"pack", msgpack_pack}, {"unpack", msgpack_unpack},
        {"unpack_limit", msgpack_unpack_limit}, {"unpack_one", msgpack_unpack_one}, {NULL, NULL}};
    static const char *const texts[][2] = {{"_NAME", "cmsgpack"},
        {"_VERSION", "lua-cmsgpack 0.4.0"},
        {"_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo"},
        {"_DESCRIPTION", "MessagePack C implementation for Lua"}};
    lua_newtable(lua);
    set_functions(lua, rows);
    for (size_t i = 0; i < SF_LENGTH(texts); i++) {
        lua_pushstring(lua, texts[i][1]);
        lua_setfield(lua, -2, texts[i][0]);
    }
}
