/* The Lua sandbox: text in, a reply out. It knows no keys and no databases; commands are run
 * through script_host. Deterministic in (source, arguments, what the host answers).
 *
 * Every run begins from the same image of memory (README.md): nothing that a script leaves behind,
 * and nothing about earlier runs, can show. */
#ifndef SF_SCRIPT_SCRIPT_H
#define SF_SCRIPT_SCRIPT_H

#include "resp/reply.h"
#include "util/base.h"
#include "util/slice.h"

#define SCRIPT_SHA_BYTES 40 /* of hexadecimal text */
#define SCRIPT_NAME_MAX 64  /* a function's or a library's name, cut in error texts */
#define SCRIPT_BUDGET_DEFAULT 100000000
#define SCRIPT_MEMORY_BYTES (256u << 20)

enum script_call_result {
    SCRIPT_CALL_DONE,
    SCRIPT_CALL_STOP, /* the whole script must end: it will be run again, or not at all */
};

/* What a running script may ask for. No function may come back into the same sandbox. */
struct script_host {
    void *context;
    /* Runs a command and appends its reply, an error included, to reply->out. *units: what it cost
     * beyond what its arguments and its reply show, 1 for each element touched. */
    enum script_call_result (*call)(void *context, uint32_t argc, const struct slice *argv,
        struct reply *reply, uint64_t *units);
    /* Whether the script's user may run it; false in *exists: no such command, or not with so many
     * arguments. */
    bool (*command_allowed)(
        void *context, uint32_t argc, const struct slice *argv, bool *exists);
    void (*log)(void *context, int level, struct slice text); /* may be NULL */
    /* Called about every 10,000 units of work, in the midst of the run: may send and answer
     * heartbeats, nothing else. May be NULL. */
    void (*breathe)(void *context);
};

enum script_flags { /* of a shebang line or a registered function */
    SCRIPT_NO_WRITES = 1 << 0,
    SCRIPT_ALLOW_OOM = 1 << 1,
    SCRIPT_ALLOW_STALE = 1 << 2,
    SCRIPT_NO_CLUSTER = 1 << 3,
    SCRIPT_CROSS_SLOT = 1 << 4,
    SCRIPT_COMPAT = 1 << 5, /* no shebang: as scripts before Redis 7 */
};
/* The flag's number, 0 when there is none of that name. */
uint32_t script_flag_of(struct slice name);
const char *script_flag_name(uint32_t flag);

/* Reads "#!lua flags=...". *body is what follows, the line's end included, so that lines keep their
 * numbers. false: *error is the reply's text, to be freed by the caller with buf_free. */
bool script_shebang(struct slice source, uint32_t *flags, struct slice *body, struct buf *error);
void script_sha(struct slice source, char out[SCRIPT_SHA_BYTES + 1]);

struct sandbox; /* about 100 KiB once used, and what a run takes, which is given back after it */
/* Whether the system lets a process reserve what a sandbox needs: 256 MiB of address space, and
 * 4.25 GiB for the moment in which its place is chosen. */
bool sandbox_is_possible(void);
struct sandbox *sandbox_new(void);
void sandbox_free(struct sandbox *sandbox); /* NULL is allowed */
/* True while a run is going on: the host's functions must not begin another. */
bool sandbox_is_busy(const struct sandbox *sandbox);

/* What a run is given. */
struct script_run {
    const struct script_host *host;
    struct slice name; /* shown in errors: the sha, or the function's name */
    uint64_t seed;     /* of math.random */
    uint64_t budget;   /* units of work, about one an instruction */
    uint32_t n_keys, n_args;
    const struct slice *words; /* n_keys keys, then n_args arguments */
    struct reply *reply;       /* exactly one reply is appended, unless stopped */
    bool stopped;              /* set: the host said SCRIPT_CALL_STOP; nothing was appended */
};

/* Whether the text compiles; false: *error is the reply's text. */
bool sandbox_check(
    struct sandbox *sandbox, struct slice source, struct slice body, struct buf *error);
/* source: what the sha is made of; body: what is compiled, a part of it. A script that does not
 * compile answers with the error. */
void sandbox_eval(
    struct sandbox *sandbox, struct slice source, struct slice body, struct script_run *run);

/* A function that a library registered. All borrowed from the sandbox until its next use. */
struct script_function {
    struct slice name, description; /* description.data NULL: none */
    uint32_t flags;
};
/* Loads a library's text (without its shebang) and tells what it registers, in the order in which
 * it does. false: *error is the reply's text. */
bool sandbox_load(struct sandbox *sandbox, struct slice body, uint64_t budget,
    void (*found)(void *context, const struct script_function *function), void *context,
    struct buf *error);
/* Runs a function of a library that loaded. */
void sandbox_call(struct sandbox *sandbox, struct slice body, struct script_run *run);

#endif
