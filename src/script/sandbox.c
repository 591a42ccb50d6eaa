/* The life of a sandbox: its images, a run from its beginning to its reply, the budget. */
#include "script/internal.h"
#include "util/sha1.h"

#include <stdio.h>
#include <string.h>

/* -- the budget ------------------------------------------------------------------------------ */

void raise_end(lua_State *lua) {
    sandbox_of(lua)->ended = true;
    lua_pushliteral(lua, TEXT_EXHAUSTED);
    lua_error(lua);
    __builtin_unreachable();
}

void raise_if_ended(lua_State *lua) {
    struct sandbox *sandbox = sandbox_of(lua);
    if (sandbox->ended || sandbox->arena->work_left < 0) raise_end(lua);
}

static void maybe_breathe(struct sandbox *sandbox) {
    if (sandbox->arena->work_left > sandbox->breath_at) return;
    sandbox->breath_at = sandbox->arena->work_left - BREATH_UNITS;
    if (sandbox->host != NULL && sandbox->host->breathe != NULL) {
        sandbox->host->breathe(sandbox->host->context);
    }
}

void charge(lua_State *lua, uint64_t units) {
    struct sandbox *sandbox = sandbox_of(lua);
    int64_t left = sandbox->arena->work_left;
    sandbox->arena->work_left = units > (uint64_t)INT64_MAX / 2 ? -1 : left - (int64_t)units;
    maybe_breathe(sandbox);
    if (sandbox->ended || sandbox->arena->work_left < 0) raise_end(lua);
}

static void on_count(lua_State *lua, lua_Debug *debug) {
    (void)debug;
    struct sandbox *sandbox = sandbox_of(lua);
    charge(lua, HOOK_INSTRUCTIONS * (1 + sandbox->widest / WIDTH_A_UNIT));
}

void note_width(lua_State *lua, int n) {
    struct sandbox *sandbox = sandbox_of(lua);
    if (n > 0 && (uint32_t)n > sandbox->widest) sandbox->widest = (uint32_t)n;
    charge(lua, (uint64_t)(n > 0 ? n : 0));
}

static void *on_allocate(void *context, void *block, size_t old_size, size_t size) {
    struct sandbox *sandbox = context;
    return arena_resize(sandbox->arena, block, old_size, size);
}

/* -- the base image -------------------------------------------------------------------------- */

/* Every call into Lua is protected: nothing may come here. */
static int on_panic(lua_State *lua) {
    (void)lua;
    SF_ASSERT(!"an error of Lua outside a protected call");
    return 0;
}

static int build_base(lua_State *lua) {
    open_base(lua);
    /* Lua makes this string where an error can no longer be raised: it must be there by then */
    lua_pushliteral(lua, "error in error handling");
    lua_setfield(lua, LUA_REGISTRYINDEX, "shardforge.errerr");
    lua_gc(lua, LUA_GCCOLLECT, 0);
    lua_sethook(lua, on_count, LUA_MASKCOUNT, HOOK_INSTRUCTIONS);
    return 0;
}

static void sandbox_open(struct sandbox *sandbox) {
    sandbox->arena = arena_new(SCRIPT_MEMORY_BYTES);
    sandbox->arena->work_left = INT64_MAX;
    sandbox->lua = lua_newstate(on_allocate, sandbox);
    SF_ASSERT(sandbox->lua != NULL);
    lua_atpanic(sandbox->lua, on_panic);
    int failed = lua_cpcall(sandbox->lua, build_base, NULL);
    SF_ASSERT(failed == 0);
    arena_save(sandbox->arena, &sandbox->base);
}

struct sandbox *sandbox_new(void) {
    return sf_alloc_zero(1, sizeof(struct sandbox));
}

void sandbox_free(struct sandbox *sandbox) {
    if (sandbox == NULL) return;
    for (uint32_t i = 0; i < IMAGES_KEPT; i++) arena_image_free(&sandbox->kept[i].image);
    arena_image_free(&sandbox->base);
    arena_free(sandbox->arena); /* the Lua state with it */
    buf_free(&sandbox->reply);
    buf_free(&sandbox->words);
    buf_free(&sandbox->scratch);
    sf_free(sandbox);
}

bool sandbox_is_busy(const struct sandbox *sandbox) {
    return sandbox->busy;
}

static void run_begin(struct sandbox *sandbox, struct script_run *run) {
    if (sandbox->arena == NULL) sandbox_open(sandbox);
    SF_ASSERT(!sandbox->busy);
    sandbox->busy = true;
    sandbox->run = run;
    sandbox->host = run == NULL ? NULL : run->host;
    sandbox->ended = false;
    sandbox->proto = 2;
    sandbox->widest = 0;
    sandbox->nesting = 0;
    sandbox->loading = false;
    sandbox->n_registered = 0;
    sandbox->lrand = run == NULL ? 0 : run->seed & 0xffffffffffffu;
}

static void budget_set(struct sandbox *sandbox, uint64_t budget) {
    sandbox->arena->work_left = (int64_t)SF_MIN(budget, (uint64_t)INT64_MAX / 2);
    sandbox->breath_at = sandbox->arena->work_left - BREATH_UNITS;
}

static void run_end(struct sandbox *sandbox) {
    arena_trim(sandbox->arena);
    buf_shrink(&sandbox->reply, 0);
    if (sandbox->reply.cap > (1u << 20)) buf_free(&sandbox->reply);
    if (sandbox->scratch.cap > (1u << 20)) buf_free(&sandbox->scratch);
    if (sandbox->words.cap > (1u << 20)) buf_free(&sandbox->words);
    sandbox->run = NULL;
    sandbox->host = NULL;
    sandbox->busy = false;
}

/* -- compiling ------------------------------------------------------------------------------- */

bool compile_text(lua_State *lua, struct slice text, const char *chunk_name) {
    charge(lua, 500 + 8 * text.len);
    bool is_bytecode = text.len > 0 && text.data[0] == LUA_SIGNATURE[0];
    if (!is_bytecode) return luaL_loadbuffer(lua, text.data, text.len, chunk_name) == 0;
    /* Bytecode can do anything: it is refused as what it would be as a text. */
    luaL_loadbuffer(lua, "\1", 1, chunk_name);
    luaL_gsub(lua, lua_tostring(lua, -1), "char(1)", "char(27)");
    lua_remove(lua, -2);
    return false;
}

/* What a protected step inside the arena is told and tells. */
struct step {
    struct sandbox *sandbox;
    struct slice body;
    bool is_library;
    struct buf *error; /* failed: the text */
    void (*found)(void *context, const struct script_function *function);
    void *context;
};

static void step_failed(struct step *step, const char *before, const char *message) {
    buf_clear(step->error);
    buf_printf(step->error, "ERR %s%s", before, message == NULL ? "unknown error" : message);
}

/* The message of an error value: a table's err, a text. */
static const char *message_of(lua_State *lua, int at) {
    if (lua_istable(lua, at)) {
        lua_pushliteral(lua, "err");
        lua_rawget(lua, at < 0 ? at - 1 : at);
    } else {
        lua_pushvalue(lua, at);
    }
    return lua_tostring(lua, -1);
}

static int compile_script(lua_State *lua) {
    struct step *step = lua_touserdata(lua, 1);
    if (compile_text(lua, step->body, "@user_script")) {
        lua_setfield(lua, LUA_REGISTRYINDEX, "shardforge.script");
        return 0;
    }
    step_failed(step, "Error compiling script (new function): ", lua_tostring(lua, -1));
    return 0;
}

static int load_library(lua_State *lua) {
    struct step *step = lua_touserdata(lua, 1);
    lua_newtable(lua);
    lua_setfield(lua, LUA_REGISTRYINDEX, FUNCTIONS_TABLE);
    lua_newtable(lua);
    lua_setfield(lua, LUA_REGISTRYINDEX, FUNCTION_LIST);
    if (!compile_text(lua, step->body, "@user_function")) {
        step_failed(step, "Error compiling function: ", lua_tostring(lua, -1));
        return 0;
    }
    lua_getfield(lua, LUA_REGISTRYINDEX, LOAD_GLOBALS);
    lua_setfenv(lua, -2);
    step->sandbox->loading = true;
    int failed = lua_pcall(lua, 0, 0, 0);
    step->sandbox->loading = false;
    if (failed) {
        bool is_text = lua_isstring(lua, -1);
        step_failed(step,
            is_text ? "Error registering functions: ERR " : "Error registering functions: ",
            message_of(lua, -1));
        return 0;
    }
    if (step->sandbox->n_registered == 0) {
        step_failed(step, "No functions registered", "");
        return 0;
    }
    /* from now on its functions see what scripts see */
    lua_getfield(lua, LUA_REGISTRYINDEX, LIBRARY_ENV);
    lua_getfield(lua, LUA_REGISTRYINDEX, LIBRARY_GLOBALS);
    lua_setfield(lua, -2, "__index");
    return 0;
}

static struct kept_image *image_find(
    struct sandbox *sandbox, bool is_library, const uint8_t sha[20]) {
    for (uint32_t i = 0; i < IMAGES_KEPT; i++) {
        struct kept_image *kept = &sandbox->kept[i];
        if (kept->used != 0 && kept->is_library == is_library && memcmp(kept->sha, sha, 20) == 0)
            return kept;
    }
    return NULL;
}

static void image_keep(struct sandbox *sandbox, bool is_library, const uint8_t sha[20]) {
    if (sandbox->arena->top > IMAGE_KEPT_BYTES) return;
    struct kept_image *kept = &sandbox->kept[0];
    for (uint32_t i = 1; i < IMAGES_KEPT; i++) {
        if (sandbox->kept[i].used < kept->used) kept = &sandbox->kept[i];
    }
    arena_image_free(&kept->image);
    kept->is_library = is_library;
    kept->used = ++sandbox->uses;
    memcpy(kept->sha, sha, 20);
    arena_save(sandbox->arena, &kept->image);
}

/* Brings the arena to where the text is compiled (or the library loaded) and nothing has run.
 * false: error is set. The work is not drawn from the run's budget: whether it must be done at all
 * differs between nodes. */
static bool image_begin(struct sandbox *sandbox, struct slice body, bool is_library,
    uint64_t budget, struct buf *error) {
    uint8_t sha[20];
    sha1(body, sha);
    struct kept_image *kept = image_find(sandbox, is_library, sha);
    if (kept != NULL) {
        kept->used = ++sandbox->uses;
        arena_restore(sandbox->arena, &kept->image);
        return true;
    }
    struct step step = {sandbox, body, is_library, error, NULL, NULL};
    arena_restore(sandbox->arena, &sandbox->base);
    budget_set(sandbox, budget);
    int failed = lua_cpcall(sandbox->lua, is_library ? load_library : compile_script, &step);
    if (failed != 0) {
        const char *why = sandbox->ended || sandbox->arena->work_left < 0
                              ? TEXT_EXHAUSTED
                              : lua_tostring(sandbox->lua, -1);
        step_failed(&step,
            is_library ? "Error registering functions: "
                       : "Error compiling script (new function): ",
            why);
    }
    if (error->len > 0) return false;
    image_keep(sandbox, is_library, sha);
    return true;
}

/* -- running --------------------------------------------------------------------------------- */

/* Makes every error a table with the place where it was raised, as Redis does. */
static int on_error(lua_State *lua) {
    struct sandbox *sandbox = sandbox_of(lua);
    if (sandbox->ended || sandbox->arena->work_left < 0) return 1;
    lua_Debug debug;
    bool known = lua_getstack(lua, 1, &debug) && lua_getinfo(lua, "nSl", &debug);
    if (known && strcmp(debug.what, "C") == 0)
        known = lua_getstack(lua, 2, &debug) && lua_getinfo(lua, "nSl", &debug);
    if (!lua_istable(lua, 1)) {
        lua_newtable(lua);
        lua_pushliteral(lua, "ERR ");
        if (lua_isstring(lua, 1))
            lua_pushvalue(lua, 1);
        else if (lua_isboolean(lua, 1))
            lua_pushstring(lua, lua_toboolean(lua, 1) ? "true" : "false");
        else
            lua_pushstring(lua, luaL_typename(lua, 1));
        lua_concat(lua, 2);
        lua_setfield(lua, -2, "err");
        lua_replace(lua, 1);
    }
    lua_settop(lua, 1);
    if (!known) return 1;
    lua_pushliteral(lua, "source");
    lua_pushstring(lua, debug.source);
    lua_rawset(lua, 1);
    lua_pushliteral(lua, "line");
    lua_pushinteger(lua, debug.currentline);
    lua_rawset(lua, 1);
    return 1;
}

static void push_words(lua_State *lua, uint32_t n, const struct slice *words) {
    luaL_checkstack(lua, 4, "too many arguments");
    lua_createtable(lua, (int)n, 0);
    for (uint32_t i = 0; i < n; i++) {
        lua_pushlstring(lua, words[i].data == NULL ? "" : words[i].data, words[i].len);
        lua_rawseti(lua, -2, (int)i + 1);
    }
}

/* "CODE text script: name, on @source:line." from the error table on top. */
static void reply_run_error(lua_State *lua, struct script_run *run) {
    struct buf text = {0};
    const char *message = message_of(lua, -1);
    buf_append_text(&text, message == NULL ? "ERR unknown error" : message);
    lua_pop(lua, 1);
    if (lua_istable(lua, -1)) {
        lua_pushliteral(lua, "source");
        lua_rawget(lua, -2);
        lua_pushliteral(lua, "line");
        lua_rawget(lua, -3);
        const char *source = lua_tostring(lua, -2);
        if (source != NULL && lua_isnumber(lua, -1)) {
            buf_printf(&text, " script: %.*s, on %s:%lld.", (int)run->name.len, run->name.data,
                source, (long long)lua_tonumber(lua, -1));
        }
        lua_pop(lua, 2);
    }
    reply_errorf(run->reply, "%.*s", (int)SF_MIN(text.len, 1u << 20), text.data + text.start);
    buf_free(&text);
}

static void run_function(lua_State *lua, struct script_run *run, int n_arguments) {
    struct sandbox *sandbox = sandbox_of(lua);
    int handler = lua_gettop(lua) - n_arguments;
    lua_pushcfunction(lua, on_error);
    lua_insert(lua, handler);
    int failed = lua_pcall(lua, n_arguments, 1, handler);
    if (failed != 0) {
        raise_if_ended(lua);
        if (failed == LUA_ERRMEM || !lua_istable(lua, -1)) lua_error(lua);
        reply_run_error(lua, run);
        return;
    }
    (void)sandbox;
    reply_from_lua(lua, run->reply, 0);
}

static int run_script(lua_State *lua) {
    struct script_run *run = lua_touserdata(lua, 1);
    lua_getfield(lua, LUA_REGISTRYINDEX, GLOBALS_REAL);
    lua_pushliteral(lua, "KEYS");
    push_words(lua, run->n_keys, run->words);
    lua_rawset(lua, -3);
    lua_pushliteral(lua, "ARGV");
    push_words(lua, run->n_args, run->words + run->n_keys);
    lua_rawset(lua, -3);
    lua_getfield(lua, LUA_REGISTRYINDEX, "shardforge.script");
    run_function(lua, run, 0);
    return 0;
}

static int run_library_function(lua_State *lua) {
    struct script_run *run = lua_touserdata(lua, 1);
    lua_getfield(lua, LUA_REGISTRYINDEX, FUNCTIONS_TABLE);
    lua_pushlstring(lua, run->name.data, run->name.len);
    lua_rawget(lua, -2);
    push_words(lua, run->n_keys, run->words);
    push_words(lua, run->n_args, run->words + run->n_keys);
    run_function(lua, run, 2);
    return 0;
}

/* An error that no script's handler saw: the budget, or memory. */
static void reply_outer_error(struct sandbox *sandbox, struct script_run *run) {
    bool exhausted = sandbox->ended || sandbox->arena->work_left < 0;
    const char *why = exhausted ? TEXT_EXHAUSTED : lua_tostring(sandbox->lua, -1);
    reply_errorf(run->reply, "ERR Error running script %.*s: %.100s",
        (int)SF_MIN(run->name.len, SCRIPT_NAME_MAX), run->name.data,
        why == NULL ? "execution failure" : why);
}

static void run_protected(struct sandbox *sandbox, struct script_run *run, lua_CFunction function) {
    struct buf nowhere = {0};
    struct reply *reply = run->reply, own = {&nowhere, reply->proto};
    if (reply->out == NULL) run->reply = &own; /* work is the same, whoever waits */
    size_t before = run->reply->out->len;
    budget_set(sandbox, run->budget);
    int failed = lua_cpcall(sandbox->lua, function, run);
    if (failed != 0 || run->stopped) buf_truncate(run->reply->out, before);
    if (failed != 0 && !run->stopped) reply_outer_error(sandbox, run);
    run->reply = reply;
    buf_free(&nowhere);
}

static void reply_text_error(struct reply *reply, const struct buf *error) {
    reply_errorf(reply, "%.*s", (int)error->len, error->data + error->start);
}

static void run_from_image(struct sandbox *sandbox, struct slice body, bool is_library,
    struct script_run *run, lua_CFunction function) {
    struct buf error = {0};
    run_begin(sandbox, run);
    if (image_begin(sandbox, body, is_library, SCRIPT_BUDGET_DEFAULT, &error)) {
        run_protected(sandbox, run, function);
    } else {
        reply_text_error(run->reply, &error);
    }
    buf_free(&error);
    run_end(sandbox);
}

void sandbox_eval(
    struct sandbox *sandbox, struct slice source, struct slice body, struct script_run *run) {
    (void)source;
    run_from_image(sandbox, body, false, run, run_script);
}

void sandbox_call(struct sandbox *sandbox, struct slice body, struct script_run *run) {
    run_from_image(sandbox, body, true, run, run_library_function);
}

bool sandbox_check(
    struct sandbox *sandbox, struct slice source, struct slice body, struct buf *error) {
    (void)source;
    run_begin(sandbox, NULL);
    bool good = image_begin(sandbox, body, false, SCRIPT_BUDGET_DEFAULT, error);
    run_end(sandbox);
    return good;
}

static int tell_functions(lua_State *lua) {
    struct step *step = lua_touserdata(lua, 1);
    lua_getfield(lua, LUA_REGISTRYINDEX, FUNCTION_LIST);
    for (int i = 1;; i++) {
        struct script_function function = {0};
        lua_rawgeti(lua, -1, i);
        if (lua_isnil(lua, -1)) return 0;
        for (int part = 1; part <= 3; part++) lua_rawgeti(lua, -part, part);
        function.name.data = lua_tolstring(lua, -3, &function.name.len);
        if (lua_isstring(lua, -2))
            function.description.data = lua_tolstring(lua, -2, &function.description.len);
        function.flags = (uint32_t)lua_tonumber(lua, -1);
        step->found(step->context, &function);
        lua_pop(lua, 4);
    }
}

bool sandbox_load(struct sandbox *sandbox, struct slice body, uint64_t budget,
    void (*found)(void *context, const struct script_function *function), void *context,
    struct buf *error) {
    run_begin(sandbox, NULL);
    bool good = image_begin(sandbox, body, true, budget, error);
    if (good) {
        struct step step = {sandbox, body, true, error, found, context};
        budget_set(sandbox, budget);
        int failed = lua_cpcall(sandbox->lua, tell_functions, &step);
        if (failed != 0) step_failed(&step, "Error registering functions: ", "not enough memory");
        good = failed == 0;
    }
    run_end(sandbox);
    return good;
}
