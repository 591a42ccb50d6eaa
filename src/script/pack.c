/* The library `struct`: numbers and strings as bytes, by a format:
 *   > big-endian   < little-endian   !n alignment (8)   space   x a zero byte
 *   b B 1 byte   h H 2   l L 8   T 8   in In n bytes (4)   (capitals: unsigned)
 *   f d float, double   s a string and a zero byte   cn n bytes (c0: as many as there are) */
#include "script/internal.h"

#include <limits.h>
#include <string.h>

enum { SIZE_MAX_BYTES = 32, ALIGNMENT_MAX = 8, BYTES_A_UNIT = 16 };

struct format {
    const char *at;
    bool little;
    size_t align;
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static int read_number(lua_State *lua, struct format *f, int otherwise) {
    if (!is_digit(*f->at)) return otherwise;
    int value = 0;
    for (; is_digit(*f->at); f->at++) {
        int digit = *f->at - '0';
        if (value > INT_MAX / 10 || value * 10 > INT_MAX - digit)
            luaL_error(lua, "integral size overflow");
        value = value * 10 + digit;
    }
    return value;
}

static size_t option_size(lua_State *lua, char option, struct format *f) {
    switch (option) {
    case 'B':
    case 'b':
    case 'x':
        return 1;
    case 'H':
    case 'h':
        return 2;
    case 'L':
    case 'l':
    case 'T':
    case 'd':
        return 8;
    case 'f':
        return 4;
    case 'c':
        return (size_t)read_number(lua, f, 1);
    case 'i':
    case 'I': {
        int size = read_number(lua, f, 4);
        if (size > SIZE_MAX_BYTES)
            luaL_error(lua, "integral size %d is larger than limit of %d", size, SIZE_MAX_BYTES);
        return (size_t)size;
    }
    default:
        return 0;
    }
}

/* Zero bytes in front of an element of that size, len bytes behind the beginning. */
static size_t padding(const struct format *f, size_t len, char option, size_t size) {
    if (size == 0 || option == 'c') return 0;
    if (size > f->align) size = f->align;
    return size > 1 ? (size - (len & (size - 1))) & (size - 1) : 0;
}

static void control(lua_State *lua, char option, struct format *f) {
    switch (option) {
    case ' ':
        return;
    case '>':
        f->little = false;
        return;
    case '<':
        f->little = true;
        return;
    case '!': {
        int align = read_number(lua, f, ALIGNMENT_MAX);
        if (align <= 0 || (align & (align - 1)) != 0)
            luaL_error(lua, "alignment %d is not a power of 2", align);
        f->align = (size_t)align;
        return;
    }
    default: {
        const char *message = lua_pushfstring(lua, "invalid format option '%c'", option);
        luaL_argerror(lua, 1, message);
    }
    }
}

/* -- pack -------------------------------------------------------------------------------------- */

static void put_bytes(luaL_Buffer *out, const struct format *f, uint64_t value, size_t size) {
    char bytes[SIZE_MAX_BYTES];
    for (size_t i = 0; i < size; i++) {
        bytes[f->little ? i : size - 1 - i] = (char)(value & 0xff);
        value >>= 8;
    }
    luaL_addlstring(out, bytes, size);
}

static uint64_t integer_argument(lua_State *lua, int at) {
    lua_Number number = luaL_checknumber(lua, at);
    if (!(number > -9223372036854775809.0 && number < 18446744073709551616.0)) return 1ull << 63;
    return number < 0 ? (uint64_t)(int64_t)number : (uint64_t)number;
}

static void put_float(luaL_Buffer *out, const struct format *f, lua_Number number, size_t size) {
    uint64_t image = 0;
    if (size == 4) {
        float narrow = (float)number;
        uint32_t half;
        memcpy(&half, &narrow, 4);
        image = half;
    } else {
        memcpy(&image, &number, 8);
    }
    put_bytes(out, f, image, size);
}

/* Returns the bytes written. */
static size_t put_text(lua_State *lua, luaL_Buffer *out, char option, size_t size, int *at) {
    size_t len;
    const char *text = luaL_checklstring(lua, *at, &len);
    ++*at;
    if (size == 0) size = len;
    luaL_argcheck(lua, len >= size, *at, "string too short");
    charge(lua, size / BYTES_A_UNIT);
    luaL_addlstring(out, text, size);
    if (option == 's') luaL_addchar(out, 0);
    return size + (option == 's');
}

static int struct_pack(lua_State *lua) {
    struct format f = {luaL_checkstring(lua, 1), true, 1};
    int at = 2;
    size_t total = 0;
    luaL_Buffer out;
    lua_pushnil(lua); /* a wall between arguments and the buffer's pieces */
    luaL_buffinit(lua, &out);
    while (*f.at != 0) {
        charge(lua, 2);
        char option = *f.at++;
        size_t size = option_size(lua, option, &f), pad = padding(&f, total, option, size);
        total += pad;
        while (pad-- > 0) luaL_addchar(&out, 0);
        if (strchr("bBhHlLTiI", option) != NULL) {
            put_bytes(&out, &f, integer_argument(lua, at++), size);
        } else if (option == 'x') {
            luaL_addchar(&out, 0);
        } else if (option == 'f' || option == 'd') {
            put_float(&out, &f, luaL_checknumber(lua, at++), size);
        } else if (option == 'c' || option == 's') {
            size = put_text(lua, &out, option, size, &at);
        } else {
            control(lua, option, &f);
        }
        total += size;
    }
    luaL_pushresult(&out);
    return 1;
}

/* -- unpack ------------------------------------------------------------------------------------ */

static uint64_t get_bytes(const struct format *f, const char *at, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | (unsigned char)at[f->little ? size - 1 - i : i];
    return value;
}

static void push_integer(
    lua_State *lua, const struct format *f, const char *at, size_t size, bool is_signed) {
    uint64_t value = get_bytes(f, at, size);
    if (!is_signed) {
        lua_pushnumber(lua, (lua_Number)value);
        return;
    }
    if (size > 0 && size < 8 && (value >> (size * 8 - 1)) != 0) value |= UINT64_MAX << (size * 8);
    lua_pushnumber(lua, (lua_Number)(int64_t)value);
}

static void push_float(lua_State *lua, const struct format *f, const char *at, size_t size) {
    uint64_t image = get_bytes(f, at, size);
    double number;
    if (size == 4) {
        uint32_t half = (uint32_t)image;
        float narrow;
        memcpy(&narrow, &half, 4);
        number = (double)narrow;
    } else {
        memcpy(&number, &image, 8);
    }
    lua_pushnumber(lua, number);
}

/* c0 takes as many bytes as the number unpacked just before says, which it takes away. */
static size_t size_from_stack(lua_State *lua, int *n) {
    if (*n == 0 || !lua_isnumber(lua, -1)) luaL_error(lua, "format 'c0' needs a previous size");
    lua_Number size = lua_tonumber(lua, -1);
    lua_pop(lua, 1);
    --*n;
    return size >= 0 && size < 9e15 ? (size_t)size : SIZE_MAX / 2;
}

static int struct_unpack(lua_State *lua) {
    struct format f = {luaL_checkstring(lua, 1), true, 1};
    size_t len;
    const char *data = luaL_checklstring(lua, 2, &len);
    ptrdiff_t from = luaL_optinteger(lua, 3, 1);
    luaL_argcheck(lua, from != 0, 3, "offset must be 1 or greater");
    size_t at = (size_t)from - 1;
    int n = 0;
    lua_settop(lua, 2);
    while (*f.at != 0) {
        charge(lua, 2);
        char option = *f.at++;
        size_t size = option_size(lua, option, &f);
        at += padding(&f, at, option, size);
        luaL_argcheck(lua, size <= len && at <= len - size, 2, "data string too short");
        luaL_checkstack(lua, 2, "too many results");
        if (strchr("bBhHlLTiI", option) != NULL) {
            push_integer(lua, &f, data + at, size, option >= 'a');
            n++;
        } else if (option == 'f' || option == 'd') {
            push_float(lua, &f, data + at, size);
            n++;
        } else if (option == 'c') {
            if (size == 0) size = size_from_stack(lua, &n);
            luaL_argcheck(lua, size <= len && at <= len - size, 2, "data string too short");
            lua_pushlstring(lua, data + at, size);
            n++;
        } else if (option == 's') {
            const char *end = memchr(data + at, 0, len - at);
            if (end == NULL) luaL_error(lua, "unfinished string in data");
            size = (size_t)(end - (data + at)) + 1;
            lua_pushlstring(lua, data + at, size - 1);
            n++;
        } else if (option != 'x') {
            control(lua, option, &f);
        }
        at += size;
    }
    note_width(lua, n);
    lua_pushinteger(lua, (lua_Integer)at + 1);
    return n + 1;
}

static int struct_size(lua_State *lua) {
    struct format f = {luaL_checkstring(lua, 1), true, 1};
    size_t total = 0;
    while (*f.at != 0) {
        charge(lua, 1);
        char option = *f.at++;
        size_t size = option_size(lua, option, &f);
        total += padding(&f, total, option, size);
        if (option == 's') luaL_argerror(lua, 1, "option 's' has no fixed size");
        if (option == 'c' && size == 0) luaL_argerror(lua, 1, "option 'c0' has no fixed size");
        if (strchr("bBhHlLTiIfdcx", option) == NULL) control(lua, option, &f);
        total += size;
    }
    lua_pushnumber(lua, (lua_Number)total);
    return 1;
}

void open_pack(lua_State *lua) {
    static const struct library_row rows[] = {
        {"pack", struct_pack}, {"size", struct_size}, {"unpack", struct_unpack}, {NULL, NULL}};
    lua_newtable(lua);
    set_functions(lua, rows);
}
