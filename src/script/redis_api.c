/* The table `redis`: commands, errors, logging, and what of Redis's API has no meaning here. */
#include "script/internal.h"
#include "util/number.h"
#include "util/sha1.h"

#include <stdio.h>
#include <string.h>

#define REDIS_VERSION_TEXT "7.2.4"
#define REDIS_VERSION_NUMBER 0x00070204

enum { CALL_UNITS = 200, BYTES_A_UNIT = 8, ARGUMENTS_MAX = 1 << 20 };

/* -- arguments of commands ------------------------------------------------------------------- */

struct words {
    uint32_t n;
    struct slice *argv; /* into sandbox->words */
};

static void append_word(lua_State *lua, struct buf *out, int at) {
    if (lua_type(lua, at) == LUA_TNUMBER) {
        char text[DOUBLE_TEXT_MAX];
        buf_append(out, text, double_print(lua_tonumber(lua, at), text));
    } else {
        size_t len;
        const char *text = lua_tolstring(lua, at, &len);
        buf_append(out, text, len);
    }
}

/* Copies the arguments: a slice for each in front, their bytes behind. */
static struct words take_words(lua_State *lua) {
    struct sandbox *sandbox = sandbox_of(lua);
    int n = lua_gettop(lua);
    if (n == 0) raise_error(lua, "Please specify at least one argument for this redis lib call");
    for (int i = 1; i <= n; i++) {
        int type = lua_type(lua, i);
        if (type != LUA_TSTRING && type != LUA_TNUMBER)
            raise_error(lua, "Lua redis lib command arguments must be strings or integers");
    }
    struct buf *bytes = &sandbox->words;
    size_t table = (size_t)n * sizeof(struct slice);
    buf_clear(bytes);
    buf_reserve(bytes, table);
    buf_commit(bytes, table);
    for (int i = 1; i <= n; i++) {
        size_t before = bytes->len;
        append_word(lua, bytes, i);
        struct slice word = slice_of((void *)(uintptr_t)before, bytes->len - before);
        memcpy(bytes->data + bytes->start + (size_t)(i - 1) * sizeof word, &word, sizeof word);
    }
    struct words words = {(uint32_t)n, (struct slice *)(void *)(bytes->data + bytes->start)};
    for (int i = 0; i < n; i++) {
        words.argv[i].data = bytes->data + bytes->start + (uintptr_t)words.argv[i].data;
    }
    charge(lua, bytes->len / BYTES_A_UNIT);
    return words;
}

/* -- redis.call, redis.pcall ------------------------------------------------------------------ */

static int call_command(lua_State *lua, bool raises) {
    struct sandbox *sandbox = sandbox_of(lua);
    charge(lua, CALL_UNITS);
    struct words words = take_words(lua);
    if (sandbox->host == NULL) raise_error(lua, "commands cannot be called here");
    if (sandbox->nesting > 0) raise_error(lua, "commands cannot be called from within a command");
    buf_clear(&sandbox->reply);
    struct reply reply = {&sandbox->reply, sandbox->proto};
    uint64_t units = 0;
    sandbox->nesting++;
    enum script_call_result result =
        sandbox->host->call(sandbox->host->context, words.n, words.argv, &reply, &units);
    sandbox->nesting--;
    if (result == SCRIPT_CALL_STOP) {
        sandbox->run->stopped = true;
        raise_end(lua);
    }
    charge(lua, units);
    charge(lua, sandbox->reply.len / BYTES_A_UNIT);
    bool is_error;
    push_reply(lua, buf_slice(&sandbox->reply), &is_error);
    if (is_error && raises) return lua_error(lua);
    return 1;
}

static int redis_call(lua_State *lua) {
    return call_command(lua, true);
}

/* Errors of the call itself come back as values too. */
static int call_caught(lua_State *lua) {
    return call_command(lua, false);
}

static int redis_pcall(lua_State *lua) {
    lua_pushcfunction(lua, call_caught);
    lua_insert(lua, 1);
    int failed = lua_pcall(lua, lua_gettop(lua) - 1, 1, 0);
    if (failed != 0) raise_if_ended(lua);
    if (failed == LUA_ERRMEM) return lua_error(lua);
    return 1;
}

/* -- small functions -------------------------------------------------------------------------- */

static int redis_sha1hex(lua_State *lua) {
    if (lua_gettop(lua) != 1) raise_error(lua, "wrong number of arguments");
    struct slice text;
    text.data = lua_tolstring(lua, 1, &text.len);
    if (text.data == NULL) text = slice_of("", 0);
    charge(lua, 200 + text.len / 2);
    char hex[SCRIPT_SHA_BYTES + 1];
    script_sha(text, hex);
    lua_pushstring(lua, hex);
    return 1;
}

/* {field = text}; wrong arguments give an error table, not an error. */
static bool one_text(lua_State *lua) {
    if (lua_gettop(lua) == 1 && lua_type(lua, 1) == LUA_TSTRING) return true;
    push_error(lua, "wrong number or type of arguments");
    return false;
}

static int redis_error_reply(lua_State *lua) {
    if (!one_text(lua)) return 1;
    const char *text = lua_tostring(lua, 1);
    lua_pushfstring(lua, "-%s", text[0] == '-' ? text + 1 : text);
    push_error(lua, lua_tostring(lua, -1));
    return 1;
}

static int redis_status_reply(lua_State *lua) {
    if (!one_text(lua)) return 1;
    lua_createtable(lua, 0, 1);
    lua_pushvalue(lua, 1);
    lua_setfield(lua, -2, "ok");
    return 1;
}

static int redis_log(lua_State *lua) {
    struct sandbox *sandbox = sandbox_of(lua);
    int n = lua_gettop(lua);
    if (n < 2) raise_error(lua, "redis.log() requires two arguments or more.");
    if (!lua_isnumber(lua, 1)) raise_error(lua, "First argument must be a number (log level).");
    lua_Number level = lua_tonumber(lua, 1);
    if (!(level >= 0 && level <= 3)) raise_error(lua, "Invalid debug level.");
    struct buf *text = &sandbox->scratch;
    buf_clear(text);
    for (int i = 2; i <= n; i++) {
        size_t len;
        const char *part = lua_tolstring(lua, i, &len);
        if (part == NULL) continue;
        if (i > 2) buf_append_char(text, ' ');
        buf_append(text, part, len);
    }
    charge(lua, text->len);
    if (sandbox->host != NULL && sandbox->host->log != NULL)
        sandbox->host->log(sandbox->host->context, (int)level, buf_slice(text));
    return 0;
}

static int redis_setresp(lua_State *lua) {
    if (lua_gettop(lua) != 1) raise_error(lua, "redis.setresp() requires one argument.");
    lua_Number version = lua_tonumber(lua, 1);
    if (!(version == 2 || version == 3)) raise_error(lua, "RESP version must be 2 or 3.");
    sandbox_of(lua)->proto = version == 3 ? 3 : 2;
    return 0;
}

/* Effects are what is replicated, whatever a script says. */
static int redis_set_repl(lua_State *lua) {
    if (lua_gettop(lua) != 1) raise_error(lua, "redis.set_repl() requires two arguments.");
    lua_Number flags = lua_tonumber(lua, 1);
    if (!(flags >= 0 && flags <= 3)) {
        raise_error(
            lua, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
    }
    return 0;
}

static int redis_replicate_commands(lua_State *lua) {
    lua_pushboolean(lua, 1);
    return 1;
}

static int redis_breakpoint(lua_State *lua) {
    lua_pushboolean(lua, 0);
    return 1;
}

static int redis_debug(lua_State *lua) {
    (void)lua;
    return 0;
}

static int redis_acl_check_cmd(lua_State *lua) {
    struct sandbox *sandbox = sandbox_of(lua);
    struct words words = take_words(lua);
    bool exists = false, allowed = false;
    charge(lua, CALL_UNITS);
    if (sandbox->host != NULL)
        allowed =
            sandbox->host->command_allowed(sandbox->host->context, words.n, words.argv, &exists);
    if (!exists) raise_error(lua, "Invalid command passed to redis.acl_check_cmd()");
    lua_pushboolean(lua, allowed);
    return 1;
}

static const struct {
    const char *name;
    int value;
} constants[] = {{"LOG_DEBUG", 0}, {"LOG_VERBOSE", 1}, {"LOG_NOTICE", 2}, {"LOG_WARNING", 3},
    {"REPL_NONE", 0}, {"REPL_AOF", 1}, {"REPL_SLAVE", 2}, {"REPL_REPLICA", 2}, {"REPL_ALL", 3},
    {"REDIS_VERSION_NUM", REDIS_VERSION_NUMBER}};

static void set_constants(lua_State *lua, const char *prefix) {
    for (size_t i = 0; i < SF_LENGTH(constants); i++) {
        if (strncmp(constants[i].name, prefix, strlen(prefix)) != 0) continue;
        lua_pushinteger(lua, constants[i].value);
        lua_setfield(lua, -2, constants[i].name);
    }
}

void open_redis(lua_State *lua) {
    static const struct library_row rows[] = {{"acl_check_cmd", redis_acl_check_cmd},
        {"breakpoint", redis_breakpoint}, {"call", redis_call}, {"debug", redis_debug},
        {"error_reply", redis_error_reply}, {"log", redis_log}, {"pcall", redis_pcall},
        {"replicate_commands", redis_replicate_commands}, {"set_repl", redis_set_repl},
        {"setresp", redis_setresp}, {"sha1hex", redis_sha1hex},
        {"status_reply", redis_status_reply}, {NULL, NULL}};
    lua_newtable(lua);
    set_functions(lua, rows);
    set_constants(lua, "");
    lua_pushliteral(lua, REDIS_VERSION_TEXT);
    lua_setfield(lua, -2, "REDIS_VERSION");
}

/* -- libraries: redis.register_function -------------------------------------------------------- */

static bool name_is_good(const char *name, size_t len) {
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        bool good =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!good) return false;
    }
    return len > 0;
}

/* The flags in the table on top, which is popped. */
static uint32_t take_flags(lua_State *lua) {
    uint32_t flags = 0;
    for (int i = 1;; i++) {
        struct slice name;
        lua_rawgeti(lua, -1, i);
        if (lua_isnil(lua, -1)) break;
        name.data = lua_type(lua, -1) == LUA_TSTRING ? lua_tolstring(lua, -1, &name.len) : NULL;
        uint32_t flag = name.data == NULL ? 0 : script_flag_of(name);
        if (flag == 0) raise_error(lua, "unknown flag given");
        flags |= flag;
        lua_pop(lua, 1);
    }
    lua_pop(lua, 2);
    return flags;
}

/* Stack: name, function, description or false; flags apart. */
static int register_all(lua_State *lua, uint32_t flags) {
    struct sandbox *sandbox = sandbox_of(lua);
    size_t len;
    const char *name = lua_tolstring(lua, 1, &len);
    if (!name_is_good(name, len)) {
        raise_error(lua, "Library names can only contain letters, numbers, or underscores(_) and "
                         "must be at least one character long");
    }
    lua_getfield(lua, LUA_REGISTRYINDEX, FUNCTIONS_TABLE);
    lua_pushvalue(lua, 1);
    lua_rawget(lua, -2);
    if (!lua_isnil(lua, -1)) raise_error(lua, "Function already exists in the library");
    lua_pop(lua, 1);
    lua_pushvalue(lua, 1);
    lua_pushvalue(lua, 2);
    lua_rawset(lua, -3);
    lua_getfield(lua, LUA_REGISTRYINDEX, FUNCTION_LIST);
    lua_createtable(lua, 3, 0);
    lua_pushvalue(lua, 1);
    lua_rawseti(lua, -2, 1);
    lua_pushvalue(lua, 3);
    lua_rawseti(lua, -2, 2);
    lua_pushnumber(lua, flags);
    lua_rawseti(lua, -2, 3);
    lua_rawseti(lua, -2, (int)++sandbox->n_registered);
    return 0;
}

/* The value on top under `key` of the named arguments: moved to its place, 1 to 3. */
static void take_named(lua_State *lua, const char *key, int base, uint32_t *flags) {
    if (strcmp(key, "function_name") == 0) {
        if (!lua_isstring(lua, -1))
            raise_error(lua, "function_name argument given to redis.register_function must be a "
                             "string");
        lua_tostring(lua, -1);
        lua_replace(lua, base + 1);
    } else if (strcmp(key, "callback") == 0) {
        if (!lua_isfunction(lua, -1))
            raise_error(
                lua, "callback argument given to redis.register_function must be a function");
        lua_replace(lua, base + 2);
    } else if (strcmp(key, "description") == 0) {
        if (!lua_isstring(lua, -1))
            raise_error(
                lua, "description argument given to redis.register_function must be a string");
        lua_tostring(lua, -1);
        lua_replace(lua, base + 3);
    } else if (strcmp(key, "flags") == 0) {
        if (!lua_istable(lua, -1))
            raise_error(lua, "flags argument to redis.register_function must be a table "
                             "representing function flags");
        *flags = take_flags(lua);
    } else {
        raise_error(lua, "unknown argument given to redis.register_function");
    }
}

static int register_named(lua_State *lua) {
    uint32_t flags = 0;
    if (!lua_istable(lua, 1)) {
        raise_error(lua, "calling redis.register_function with a single argument is only "
                         "applicable to Lua table (representing named arguments).");
    }
    lua_settop(lua, 1);
    lua_pushnil(lua);        /* 2: name */
    lua_pushnil(lua);        /* 3: function */
    lua_pushboolean(lua, 0); /* 4: description */
    lua_pushnil(lua);
    while (lua_next(lua, 1)) {
        if (lua_type(lua, -2) == LUA_TNUMBER)
            raise_error(lua, "unknown argument given to redis.register_function");
        if (lua_type(lua, -2) != LUA_TSTRING)
            raise_error(lua, "named argument key given to redis.register_function is not a string");
        take_named(lua, lua_tostring(lua, -2), 1, &flags);
    }
    if (lua_isnil(lua, 2))
        raise_error(lua, "redis.register_function must get a function name argument");
    if (lua_isnil(lua, 3)) raise_error(lua, "redis.register_function must get a callback argument");
    lua_remove(lua, 1);
    return register_all(lua, flags);
}

static int redis_register_function(lua_State *lua) {
    int n = lua_gettop(lua);
    if (!sandbox_of(lua)->loading)
        raise_error(lua, "redis.register_function can only be called on FUNCTION LOAD command");
    if (n < 1 || n > 2) raise_error(lua, "wrong number of arguments to redis.register_function");
    if (n == 1) return register_named(lua);
    if (!lua_isstring(lua, 1))
        raise_error(lua, "first argument to redis.register_function must be a string");
    if (!lua_isfunction(lua, 2))
        raise_error(lua, "second argument to redis.register_function must be a function");
    lua_tostring(lua, 1);
    lua_pushboolean(lua, 0);
    return register_all(lua, 0);
}

void open_redis_load(lua_State *lua) {
    static const struct library_row rows[] = {
        {"register_function", redis_register_function}, {"log", redis_log}, {NULL, NULL}};
    lua_newtable(lua);
    set_functions(lua, rows);
    set_constants(lua, "LOG_");
    set_constants(lua, "REDIS_");
    lua_pushliteral(lua, REDIS_VERSION_TEXT);
    lua_setfield(lua, -2, "REDIS_VERSION");
}
