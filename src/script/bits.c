/* The library `bit`: numbers as 32 bits, with a sign in results. */
#include "script/internal.h"

#include <string.h>

/* Rounds to the nearest integer (even in the middle) and takes its lower 32 bits: adding 1.5 * 2^52
 * leaves them at the end of the mantissa. */
static uint32_t bits_of(lua_State *lua, int at) {
    double number = luaL_checknumber(lua, at) + 6755399441055744.0;
    uint64_t image;
    memcpy(&image, &number, sizeof image);
    return (uint32_t)image;
}

static int push_bits(lua_State *lua, uint32_t bits) {
    lua_pushnumber(lua, (lua_Number)(int32_t)bits);
    return 1;
}

static int bit_tobit(lua_State *lua) {
    return push_bits(lua, bits_of(lua, 1));
}

static int bit_bnot(lua_State *lua) {
    return push_bits(lua, ~bits_of(lua, 1));
}

static int bit_band(lua_State *lua) {
    uint32_t bits = bits_of(lua, 1);
    for (int i = lua_gettop(lua); i > 1; i--) bits &= bits_of(lua, i);
    return push_bits(lua, bits);
}

static int bit_bor(lua_State *lua) {
    uint32_t bits = bits_of(lua, 1);
    for (int i = lua_gettop(lua); i > 1; i--) bits |= bits_of(lua, i);
    return push_bits(lua, bits);
}

static int bit_bxor(lua_State *lua) {
    uint32_t bits = bits_of(lua, 1);
    for (int i = lua_gettop(lua); i > 1; i--) bits ^= bits_of(lua, i);
    return push_bits(lua, bits);
}

static int bit_lshift(lua_State *lua) {
    return push_bits(lua, bits_of(lua, 1) << (bits_of(lua, 2) & 31));
}

static int bit_rshift(lua_State *lua) {
    return push_bits(lua, bits_of(lua, 1) >> (bits_of(lua, 2) & 31));
}

static int bit_arshift(lua_State *lua) {
    uint32_t bits = bits_of(lua, 1), by = bits_of(lua, 2) & 31;
    uint32_t sign = (bits >> 31) != 0 && by > 0 ? ~(UINT32_MAX >> by) : 0;
    return push_bits(lua, bits >> by | sign);
}

static uint32_t rotate(uint32_t bits, uint32_t by) {
    by &= 31;
    return by == 0 ? bits : bits << by | bits >> (32 - by);
}

static int bit_rol(lua_State *lua) {
    return push_bits(lua, rotate(bits_of(lua, 1), bits_of(lua, 2)));
}

static int bit_ror(lua_State *lua) {
    return push_bits(lua, rotate(bits_of(lua, 1), 32 - (bits_of(lua, 2) & 31)));
}

static int bit_bswap(lua_State *lua) {
    return push_bits(lua, __builtin_bswap32(bits_of(lua, 1)));
}

static int bit_tohex(lua_State *lua) {
    uint32_t bits = bits_of(lua, 1);
    int32_t n = lua_isnone(lua, 2) ? 8 : (int32_t)bits_of(lua, 2);
    const char *digits = "0123456789abcdef";
    if (n < 0) {
        n = n == INT32_MIN ? 8 : -n;
        digits = "0123456789ABCDEF";
    }
    if (n > 8) n = 8;
    char text[8];
    for (int32_t i = n; i-- > 0; bits >>= 4) text[i] = digits[bits & 15];
    lua_pushlstring(lua, text, (size_t)n);
    return 1;
}

void open_bits(lua_State *lua) {
    static const struct library_row rows[] = {{"arshift", bit_arshift}, {"band", bit_band},
        {"bnot", bit_bnot}, {"bor", bit_bor}, {"bswap", bit_bswap}, {"bxor", bit_bxor},
        {"lshift", bit_lshift}, {"rol", bit_rol}, {"ror", bit_ror}, {"rshift", bit_rshift},
        {"tobit", bit_tobit}, {"tohex", bit_tohex}, {NULL, NULL}};
    lua_newtable(lua);
    set_functions(lua, rows);
}
