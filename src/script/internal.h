/* The sandbox's own state, shared by the files of this folder and nobody else. */
#ifndef SF_SCRIPT_INTERNAL_H
#define SF_SCRIPT_INTERNAL_H

#include "script/arena.h"
#include "script/script.h"
#include "util/buf.h"

#include <lua5.1/lauxlib.h>
#include <lua5.1/lua.h>
#include <lua5.1/lualib.h>

#define TEXT_EXHAUSTED "budget of work exhausted (script-budget)"
#define TEXT_READONLY "Attempt to modify a readonly table"

enum {
    HOOK_INSTRUCTIONS = 1000,
    BREATH_UNITS = 10000,
    WIDTH_A_UNIT = 128,
    FAILURE_UNITS = 600, /* of an error that is caught */
    IMAGES_KEPT = 64,    /* of compiled scripts and loaded libraries */
    IMAGE_KEPT_BYTES = 1 << 20,
    ORIGINALS_MAX = 32,
};

/* A compiled text: memory just before it runs. Which are kept shows in nothing. */
struct kept_image {
    bool is_library;
    uint8_t sha[20]; /* of the text that was compiled */
    uint64_t used;   /* when; 0: a free place */
    struct arena_image image;
};

struct sandbox {
    struct arena *arena; /* NULL until the first use */
    lua_State *lua;      /* within the arena */
    struct arena_image base;
    struct kept_image kept[IMAGES_KEPT];
    uint64_t uses;

    /* the run going on */
    bool busy;
    struct script_run *run;
    const struct script_host *host;
    int64_t breath_at; /* call breathe when work_left falls below */
    bool ended;        /* nothing of the script may run any more */
    uint8_t proto;     /* redis.setresp */
    uint32_t widest;   /* the most values that a function has returned: see note_width */
    int nesting;       /* of redis.call */
    uint64_t lrand;    /* math.random */
    bool loading;      /* a library: redis.register_function is allowed */
    uint32_t n_registered;
    struct buf reply;   /* of the command that was just called */
    struct buf words;   /* its arguments */
    struct buf scratch; /* for texts that are made outside the arena */

    /* C functions of Lua's own libraries that stand behind ours (base.c) */
    uint32_t n_originals;
    struct original {
        const char *name;
        lua_CFunction function;
    } originals[ORIGINALS_MAX];
};

static inline struct sandbox *sandbox_of(lua_State *lua) {
    void *context;
    lua_getallocf(lua, &context);
    return context;
}

/* -- sandbox.c ------------------------------------------------------------------------------- */

/* Draws on the budget, raises where it is gone. */
void charge(lua_State *lua, uint64_t units);
/* A function returns n values: from now on one instruction can copy so many ("f(...)"), so that
 * each costs more for the rest of the run. */
void note_width(lua_State *lua, int n);
/* After a protected call that failed: an ended script must not go on. */
void raise_if_ended(lua_State *lua);
_Noreturn void raise_end(lua_State *lua);
/* Compiles text, never bytecode; leaves the function or the message on the stack. */
bool compile_text(lua_State *lua, struct slice text, const char *chunk_name);

/* -- libraries: each leaves its table on the stack ------------------------------------------- */

void open_base(lua_State *lua); /* base.c: everything; sets the globals */
void open_text(lua_State *lua); /* text.c: string */
void open_table(lua_State *lua);
void open_math(lua_State *lua);
void open_redis(lua_State *lua); /* redis_api.c */
void open_redis_load(lua_State *lua);
void open_json(lua_State *lua);
void open_msgpack(lua_State *lua);
void open_pack(lua_State *lua); /* struct */
void open_bits(lua_State *lua);

/* Registers functions in the table on top. */
struct library_row {
    const char *name;
    lua_CFunction function;
};
void set_functions(lua_State *lua, const struct library_row *rows); /* ends with name NULL */
/* Replaces the table on top by one through which it can be read only. */
void make_readonly(lua_State *lua);
/* Keeps the function on top as what stands behind ours of that name; pops it. */
void keep_original(lua_State *lua, const char *name);
lua_CFunction original(lua_State *lua, const char *name);
/* Where arguments of functions are taken: the table that a readonly one shows takes its place. */
bool show_through(lua_State *lua, int at);

/* pattern.c */
int text_find(lua_State *lua);
int text_match(lua_State *lua);
int text_gmatch(lua_State *lua);
int text_gsub(lua_State *lua);

/* base.c: what the run's functions see as globals */
#define GLOBALS_REAL "shardforge.globals"            /* registry: what is behind the readonly _G */
#define LOAD_GLOBALS "shardforge.load"               /* registry: of a library being loaded */
#define LIBRARY_ENV "shardforge.library"             /* registry: its metatable */
#define LIBRARY_GLOBALS "shardforge.library globals" /* registry: what its functions see */
#define FUNCTIONS_TABLE "shardforge.functions"       /* registry: name -> function */
#define FUNCTION_LIST "shardforge.list" /* registry: {name, description or false, flags} ... */

/* convert.c */
/* Pushes the value of a reply; false: malformed (our own bug). */
void push_reply(lua_State *lua, struct slice reply, bool *is_error);
/* Appends the reply for the value on top of the stack and pops it. */
void reply_from_lua(lua_State *lua, struct reply *reply, int depth);
/* Pushes the table {err = ...} for a message as Redis writes them ("-CODE text" or "text"). */
void push_error(lua_State *lua, const char *message);
_Noreturn void raise_error(lua_State *lua, const char *message);

#endif
