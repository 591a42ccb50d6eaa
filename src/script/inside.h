/* The objects of Lua 5.1 as its compiled library lays them out, and what of it the files inside_*.c
 * call. Those files stand in for parts of Lua whose loops a script can make long: they count each
 * step. PUC's 5.1 will not change any more; script/README.md says what was taken over. */
#ifndef SF_SCRIPT_INSIDE_H
#define SF_SCRIPT_INSIDE_H

#include "script/arena.h"

#include <lua5.1/lua.h>

enum { /* types and marks that the public header does not have */
    INSIDE_DEAD_KEY = 11,
    INSIDE_WHITE = 3, /* two bits */
    INSIDE_BLACK = 4,
};

struct inside_object { /* the head of everything collected */
    struct inside_object *next;
    uint8_t type, marks;
};

struct inside_value {
    union {
        struct inside_object *object;
        void *pointer;
        lua_Number number;
        int boolean;
    } value;
    int type;
};

struct inside_string { /* its bytes follow, and a zero */
    struct inside_object *next;
    uint8_t type, marks, reserved;
    uint32_t hash;
    size_t len;
};

struct inside_node {
    struct inside_value value, key;
    struct inside_node *next;
};

struct inside_table {
    struct inside_object *next;
    uint8_t type, marks, no_metamethods, log2_nodes;
    struct inside_table *metatable;
    struct inside_value *array;
    struct inside_node *nodes, *last_free;
    struct inside_object *gray;
    int n_array;
};

struct inside_strings {
    struct inside_object **chains;
    uint32_t used;
    int n_chains;
};

struct inside_global {
    struct inside_strings strings;
    lua_Alloc allocate;
    void *context;
    uint8_t current_white;
};

struct inside_state {
    struct inside_object *next;
    uint8_t type, marks, status;
    struct inside_value *top, *base;
    struct inside_global *global;
};

struct inside_function_state { /* of a function being compiled */
    void *proto, *constants;
    struct inside_function_state *enclosing;
    void *lexer;
    lua_State *lua;
    void *block;
    int numbers[6];
    short n_locals;
    uint8_t n_active;
};

struct inside_lexer {
    int character, line, last_line;
    struct {
        int token;
        double value;
    } current, ahead;
    struct inside_function_state *function;
    lua_State *lua;
};

_Static_assert(sizeof(struct inside_value) == 16 && sizeof(struct inside_node) == 40, "layout");
_Static_assert(sizeof(struct inside_string) == 24, "layout");
_Static_assert(offsetof(struct inside_table, n_array) == 0x38, "layout");
_Static_assert(offsetof(struct inside_state, global) == 0x20, "layout");
_Static_assert(offsetof(struct inside_global, current_white) == 0x20, "layout");
_Static_assert(offsetof(struct inside_function_state, n_active) == 74, "layout");
_Static_assert(offsetof(struct inside_lexer, lua) == 0x38, "layout");

static inline struct arena *arena_of(const void *inside) {
    return (struct arena *)((uintptr_t)inside >> 32 << 32);
}

extern const struct inside_value luaO_nilobject_;
void *luaM_realloc_(lua_State *lua, void *block, size_t old_size, size_t size);
void *luaM_toobig(lua_State *lua);
void luaC_link(lua_State *lua, void *object, uint8_t type);
void luaC_barrierback(lua_State *lua, struct inside_table *table);
_Noreturn void luaD_throw(lua_State *lua, int code);
_Noreturn void luaG_runerror(lua_State *lua, const char *format, ...);
int luaO_rawequalObj(const struct inside_value *a, const struct inside_value *b);
void luaS_resize(lua_State *lua, int n_chains);

/* Ends what goes on as if memory had run out: the budget is spent. */
static inline void inside_check(lua_State *lua) {
    if (arena_of(lua)->work_left < 0) luaD_throw(lua, LUA_ERRMEM);
}

#endif
