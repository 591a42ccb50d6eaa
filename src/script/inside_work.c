/* What Lua calls in place of its own functions and libc's, since their loops can be made long by a
 * script: each draws on the budget (the Makefile puts them there). */
#include "script/inside.h"

#include <stdlib.h>
#include <string.h>

enum {
    STRING_UNITS = 4,
    VALUES_A_UNIT = 16,
    LETTERS_A_UNIT = 4,
    LONG_LETTERS = 4096,
    UPVALUE_UNITS = 20,
    LOCALS_A_UNIT = 4,
    JUMPS_A_UNIT = 4,
};

enum token { /* of Lua's lexer */
    TOKEN_AND = 257,
    TOKEN_BREAK = 258,
    TOKEN_ELSEIF = 261,
    TOKEN_NOT = 270,
    TOKEN_OR = 271,
    TOKEN_NAME = 285,
};

/* -- interned strings -------------------------------------------------------------------------- */

struct inside_string *luaS_newlstr(lua_State *lua, const char *text, size_t len);

/* Lua 5.1's: at most 32 characters of a long text count, so that many can be made to collide. */
static uint32_t hash_of(const char *text, size_t len) {
    uint32_t hash = (uint32_t)len;
    size_t step = (len >> 5) + 1;
    for (size_t i = len; i >= step; i -= step)
        hash ^= (hash << 5) + (hash >> 2) + (uint8_t)text[i - 1];
    return hash;
}

static struct inside_string *string_add(
    lua_State *lua, const char *text, size_t len, uint32_t hash) {
    struct inside_strings *strings = &((struct inside_state *)(void *)lua)->global->strings;
    if (len > SIZE_MAX / 2) luaM_toobig(lua);
    struct inside_string *string = luaM_realloc_(lua, NULL, 0, sizeof *string + len + 1);
    string->len = len;
    string->hash = hash;
    string->marks = ((struct inside_state *)(void *)lua)->global->current_white & INSIDE_WHITE;
    string->type = LUA_TSTRING;
    string->reserved = 0;
    char *bytes = (char *)(string + 1);
    arena_memcpy(bytes, text, len);
    bytes[len] = 0;
    struct inside_object **chain = &strings->chains[hash & (uint32_t)(strings->n_chains - 1)];
    string->next = *chain;
    *chain = (struct inside_object *)(void *)string;
    strings->used++;
    if (strings->used > (uint32_t)strings->n_chains && strings->n_chains <= INT32_MAX / 2)
        luaS_resize(lua, strings->n_chains * 2);
    return string;
}

struct inside_string *luaS_newlstr(lua_State *lua, const char *text, size_t len) {
    struct inside_global *global = ((struct inside_state *)(void *)lua)->global;
    uint32_t hash = hash_of(text, len);
    int64_t steps = STRING_UNITS;
    struct inside_string *at =
        (void *)global->strings.chains[hash & (uint32_t)(global->strings.n_chains - 1)];
    for (; at != NULL; at = (void *)at->next, steps++) {
        bool same = at->hash == hash && at->len == len &&
                    arena_memcmp(text, (const char *)(at + 1), len) == 0;
        if (same) break;
    }
    arena_draw(arena_of(lua), steps);
    if (at == NULL) return string_add(lua, text, len, hash);
    /* dead, but not yet swept: it lives again */
    bool is_dead = (at->marks & (global->current_white ^ INSIDE_WHITE) & INSIDE_WHITE) != 0;
    if (is_dead) at->marks ^= INSIDE_WHITE;
    return at;
}

/* -- calls ------------------------------------------------------------------------------------- */

int luaD_precall(lua_State *lua, struct inside_value *function, int n_results);
int arena_precall(lua_State *lua, struct inside_value *function, int n_results);
int luaD_poscall(lua_State *lua, struct inside_value *first);
int arena_poscall(lua_State *lua, struct inside_value *first);
void *luaF_findupval(lua_State *lua, struct inside_value *level);
void *arena_findupval(lua_State *lua, struct inside_value *level);

/* The values from `first` to the stack's top are copied: by "f(...)", "return ...". */
static void count_values(lua_State *lua, const struct inside_value *first) {
    int64_t n = ((struct inside_state *)(void *)lua)->top - first;
    if (n < VALUES_A_UNIT) return;
    arena_draw(arena_of(lua), n / VALUES_A_UNIT);
    inside_check(lua);
}

int arena_precall(lua_State *lua, struct inside_value *function, int n_results) {
    count_values(lua, function);
    return luaD_precall(lua, function, n_results);
}

int arena_poscall(lua_State *lua, struct inside_value *first) {
    count_values(lua, first);
    return luaD_poscall(lua, first);
}

/* Searches the open ones, up to 200 of a function. */
void *arena_findupval(lua_State *lua, struct inside_value *level) {
    arena_of(lua)->work_left -= UPVALUE_UNITS;
    return luaF_findupval(lua, level);
}

/* -- compiling --------------------------------------------------------------------------------- */

void luaX_next(struct inside_lexer *lexer);
void arena_next_token(struct inside_lexer *lexer);

/* A name is looked for among the locals of all functions around it; each jump is appended to a list
 * by walking to its end. */
void arena_next_token(struct inside_lexer *lexer) {
    luaX_next(lexer);
    struct arena *arena = arena_of(lexer->lua);
    int64_t units = 0;
    switch (lexer->current.token) {
    case TOKEN_NAME:
        for (struct inside_function_state *at = lexer->function; at != NULL; at = at->enclosing)
            units += 4 + at->n_active / LOCALS_A_UNIT;
        break;
    case TOKEN_AND:
    case TOKEN_OR:
    case TOKEN_NOT:
    case TOKEN_ELSEIF:
    case TOKEN_BREAK:
        units = ++arena->jumps / JUMPS_A_UNIT;
        break;
    default:
        break;
    }
    arena_draw(arena, units);
    inside_check(lexer->lua);
}

/* -- numbers from texts ------------------------------------------------------------------------ */

double arena_strtod(const char *text, char **end);
unsigned long arena_strtoul(const char *text, char **end, int base);

/* false: the budget is spent; then no text is a number. */
static bool may_read(const char *text, char **end) {
    struct arena *arena = arena_of(text);
    if (arena->work_left >= 0) {
        size_t len = strlen(text);
        arena->work_left -= 10 + (int64_t)(len / LETTERS_A_UNIT);
        if (len >= LONG_LETTERS) arena_breathe(arena);
    }
    if (arena->work_left >= 0) return true;
    *end = (char *)(uintptr_t)text;
    return false;
}

double arena_strtod(const char *text, char **end) {
    return may_read(text, end) ? strtod(text, end) : 0;
}

unsigned long arena_strtoul(const char *text, char **end, int base) {
    return may_read(text, end) ? strtoul(text, end, base) : 0;
}
