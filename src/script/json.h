/* What encoding and decoding JSON share: one table's settings, kept as a userdata upvalue. */
#ifndef SF_SCRIPT_JSON_H
#define SF_SCRIPT_JSON_H

#include "script/internal.h"

#define JSON_NUMBER_DIGITS 14

enum json_invalid { JSON_REFUSED, JSON_TAKEN, JSON_NULL };

struct json_config {
    bool sparse_convert;
    int sparse_ratio, sparse_safe;
    int encode_depth, decode_depth;
    int digits;
    enum json_invalid encode_invalid;
    bool decode_invalid;
    bool keep_buffer; /* remembered, without a meaning */
};

int json_encode(lua_State *lua);
int json_decode(lua_State *lua);

static inline struct json_config *json_config_of(lua_State *lua) {
    return lua_touserdata(lua, lua_upvalueindex(1));
}

#endif
