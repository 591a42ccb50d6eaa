/* FUNCTION and FCALL: libraries of functions. */
#include "commands/functions.h"
#include "commands/script.h"
#include "resp/inline.h"
#include "util/glob.h"

#include <string.h>

#define TEXT_BAD_NAME                                                                              \
    "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least " \
    "one character long"

static bool name_is_good(struct slice name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool good =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!good) return false;
    }
    return name.len > 0;
}

/* -- loading ----------------------------------------------------------------------------------- */

/* What the first line says, and what follows it. */
struct metadata {
    char *scratch; /* words that were quoted */
    struct slice engine, name, body;
};

static void metadata_free(struct metadata *metadata) {
    sf_free(metadata->scratch);
}

/* false: replied. */
static bool take_option(struct call *call, struct metadata *metadata, struct slice word) {
    if (word.len < 5 || memcmp(word.data, "name=", 5) != 0) {
        reply_errorf(call->reply, "ERR Invalid metadata value given: %.*s",
            (int)SF_MIN(word.len, 1024), word.data);
        return false;
    }
    if (metadata->name.data != NULL) {
        reply_error(
            call->reply, "ERR Invalid metadata value, name argument was given multiple times");
        return false;
    }
    metadata->name = slice_of(word.data + 5, word.len - 5);
    return true;
}

/* Reads "#!engine name=..."; false: replied. */
static bool read_line(struct call *call, struct slice line, struct metadata *metadata) {
    struct slice word, rest = slice_of(line.data + 2, line.len - 2);
    char *room = metadata->scratch = sf_alloc(line.len + 1);
    size_t engine_len = 0;
    while (engine_len < rest.len && rest.data[engine_len] != ' ') engine_len++;
    metadata->engine = slice_of(rest.data, engine_len);
    rest = slice_of(rest.data + engine_len, rest.len - engine_len);
    enum inline_split split;
    while ((split = inline_next(&rest, &room, &word)) == INLINE_WORD) {
        if (!take_option(call, metadata, word)) return false;
    }
    if (split == INLINE_UNBALANCED)
        reply_error(call->reply, "ERR Invalid library metadata");
    else if (metadata->name.data == NULL)
        reply_error(call->reply, "ERR Library name was not given");
    else if (!name_is_good(metadata->name))
        reply_error(call->reply, TEXT_BAD_NAME);
    else
        return true;
    return false;
}

/* false: replied. metadata is to be freed in any case. */
static bool open_library(struct call *call, struct slice code, struct metadata *metadata) {
    *metadata = (struct metadata){0};
    if (code.len < 2 || memcmp(code.data, "#!", 2) != 0) {
        reply_error(call->reply, "ERR Missing library metadata");
        return false;
    }
    const char *end = memchr(code.data, '\n', code.len);
    if (end == NULL) {
        reply_error(call->reply, "ERR Invalid library metadata");
        return false;
    }
    size_t len = (size_t)(end - code.data);
    metadata->body = slice_of(end, code.len - len);
    if (!read_line(call, slice_of(code.data, len), metadata)) return false;
    if (slice_is(metadata->engine, "lua")) return true;
    reply_errorf(call->reply, "ERR Engine '%.*s' not found",
        (int)SF_MIN(metadata->engine.len, 1024), metadata->engine.data);
    return false;
}

static void on_function(void *context, const struct script_function *function) {
    library_add_function(context, function);
}

bool library_load(struct call *call, struct slice code, struct library *library) {
    struct metadata metadata;
    struct buf error = {0};
    if (!open_library(call, code, &metadata)) {
        metadata_free(&metadata);
        return false;
    }
    bool good = sandbox_load(scripts_sandbox(call->scripts), metadata.body,
        scripts_budget(call->scripts), on_function, library, &error);
    if (good) {
        library->name = bytes_new(metadata.name.data, metadata.name.len);
        library->code = bytes_new(code.data, code.len);
    } else {
        reply_errorf(call->reply, "%.*s", (int)error.len, error.data + error.start);
    }
    buf_free(&error);
    metadata_free(&metadata);
    return good;
}

/* false: one of its functions is in another library; replied. */
static bool functions_are_free(
    struct call *call, const struct library *library, struct slice except) {
    for (uint32_t i = 0; i < library->n_functions; i++) {
        struct slice name = bytes_slice(library->functions[i].name);
        const struct library_function *function;
        const struct library *other = function_find(call->scripts, name, &function);
        if (other == NULL || slice_equal(bytes_slice(other->name), except)) continue;
        reply_errorf(call->reply, "ERR Function %.*s already exists", (int)SF_MIN(name.len, 1024),
            name.data);
        return false;
    }
    return true;
}

static void load_named(struct call *call, struct slice code, struct slice name, bool replace) {
    struct library library = {0};
    bool there = library_find(call->scripts, name) != NULL;
    if (there && !replace) {
        reply_errorf(call->reply, "ERR Library '%.*s' already exists", (int)SF_MIN(name.len, 1024),
            name.data);
        return;
    }
    if (library_load(call, code, &library) && functions_are_free(call, &library, name)) {
        if (there) library_remove(call->scripts, name);
        library_add(call->scripts, &library);
        reply_bulk(call->reply, name);
    }
    library_clear(&library);
}

void cmd_function_load(struct call *call) {
    bool replace = false;
    uint32_t at = 2;
    for (; at + 1 < call->argc; at++) {
        if (!slice_is(call->argv[at], "replace")) {
            reply_errorf(call->reply, "ERR Unknown option given: %.*s",
                shown_bytes(call->argv[at], INT_MAX), call->argv[at].data);
            return;
        }
        replace = true;
    }
    struct slice code = call->argv[call->argc - 1];
    struct metadata metadata;
    if (open_library(call, code, &metadata)) load_named(call, code, metadata.name, replace);
    metadata_free(&metadata);
}

/* -- listing and removing ------------------------------------------------------------------------
 */

static void reply_function(struct reply *reply, const struct library_function *function) {
    reply_map(reply, 3);
    reply_bulk_text(reply, "name");
    reply_bulk(reply, bytes_slice(function->name));
    reply_bulk_text(reply, "description");
    if (function->description == NULL)
        reply_null(reply);
    else
        reply_bulk(reply, bytes_slice(function->description));
    reply_bulk_text(reply, "flags");
    reply_set(reply, (uint64_t)__builtin_popcount(function->flags));
    for (uint32_t flag = 1; flag < SCRIPT_COMPAT; flag <<= 1) {
        if ((function->flags & flag) != 0) reply_status(reply, script_flag_name(flag));
    }
}

static void reply_library(struct reply *reply, const struct library *library, bool with_code) {
    reply_map(reply, 3 + with_code);
    reply_bulk_text(reply, "library_name");
    reply_bulk(reply, bytes_slice(library->name));
    reply_bulk_text(reply, "engine");
    reply_bulk_text(reply, "LUA");
    reply_bulk_text(reply, "functions");
    reply_array(reply, library->n_functions);
    for (uint32_t i = 0; i < library->n_functions; i++)
        reply_function(reply, &library->functions[i]);
    if (!with_code) return;
    reply_bulk_text(reply, "library_code");
    reply_bulk(reply, bytes_slice(library->code));
}

void cmd_function_list(struct call *call) {
    bool with_code = false;
    struct slice pattern = {0};
    for (uint32_t i = 2; i < call->argc; i++) {
        if (!with_code && slice_is(call->argv[i], "withcode")) {
            with_code = true;
        } else if (pattern.data == NULL && slice_is(call->argv[i], "libraryname")) {
            if (i + 1 >= call->argc) {
                reply_error(call->reply, "ERR library name argument was not given");
                return;
            }
            pattern = call->argv[++i];
            if (pattern.data == NULL) pattern.data = "";
        } else {
            reply_errorf(call->reply, "ERR Unknown argument %.*s",
                shown_bytes(call->argv[i], INT_MAX), call->argv[i].data);
            return;
        }
    }
    struct reply_open open = reply_begin(call->reply);
    uint64_t n = 0;
    const struct library *library;
    for (uint32_t i = 0; (library = library_at(call->scripts, i)) != NULL; i++) {
        if (pattern.data != NULL && !glob_match(pattern, bytes_slice(library->name), true))
            continue;
        reply_library(call->reply, library, with_code);
        n++;
    }
    reply_end(call->reply, open, REPLY_ARRAY, n);
}

void cmd_function_delete(struct call *call) {
    if (library_remove(call->scripts, call->argv[2]))
        reply_ok(call->reply);
    else
        reply_error(call->reply, "ERR Library not found");
}

void cmd_function_flush(struct call *call) {
    bool good =
        call->argc == 2 ||
        (call->argc == 3 && (slice_is(call->argv[2], "sync") || slice_is(call->argv[2], "async")));
    if (!good) {
        reply_error(call->reply, "ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
        return;
    }
    libraries_flush(call->scripts);
    reply_ok(call->reply);
}

/* None ever runs while this is answered. */
void cmd_function_stats(struct call *call) {
    int64_t libraries = 0, functions = 0;
    const struct library *library;
    for (; (library = library_at(call->scripts, (uint32_t)libraries)) != NULL; libraries++)
        functions += library->n_functions;
    reply_map(call->reply, 2);
    reply_bulk_text(call->reply, "running_script");
    reply_null(call->reply);
    reply_bulk_text(call->reply, "engines");
    reply_map(call->reply, 1);
    reply_bulk_text(call->reply, "LUA");
    reply_map(call->reply, 2);
    reply_bulk_text(call->reply, "libraries_count");
    reply_integer(call->reply, libraries);
    reply_bulk_text(call->reply, "functions_count");
    reply_integer(call->reply, functions);
}

void cmd_function_help(struct call *call) {
    static const char *const lines[] = {"LOAD [REPLACE] <FUNCTION CODE>",
        "    Add a library; REPLACE takes the place of one of that name.", "DELETE <LIBRARY NAME>",
        "    Remove a library with its functions.", "LIST [LIBRARYNAME PATTERN] [WITHCODE]",
        "    Describe the libraries, their functions, and with WITHCODE their texts.", "STATS",
        "    Count libraries and functions.", "KILL",
        "    Never needed: a function ends when its budget of work (script-budget) is spent.",
        "FLUSH [ASYNC|SYNC]", "    Remove all libraries.", "DUMP",
        "    All libraries as one payload for FUNCTION RESTORE.",
        "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
        "    Add the libraries of a payload: instead of all others, beside them (the default), or",
        "    in place of those of the same names.", NULL};
    reply_help(call->reply, "FUNCTION", lines);
}

/* -- calling -------------------------------------------------------------------------------------
 */

void cmd_fcall(struct call *call) {
    const struct library_function *function;
    const struct library *library = function_find(call->scripts, call->argv[1], &function);
    if (library == NULL) {
        reply_error(call->reply, "ERR Function not found");
        return;
    }
    struct script_job job = {.name = bytes_slice(function->name),
        .body = library_body(library),
        .flags = function->flags,
        .is_function = true,
        .read_only = (call->command->flags & CMD_READ) != 0};
    if (!script_keys(call, "ERR Bad number of keys provided", &job.n_keys)) return;
    script_start(call, &job);
}
