/* What the state knows of scripts: the cache of EVAL's texts and the libraries of functions. Part
 * of the replicated state, in images and digests; the order of the cache, by last use, too. */
#ifndef SF_SCRIPT_STORE_H
#define SF_SCRIPT_STORE_H

#include "script/script.h"
#include "util/bytes.h"
#include "util/codec.h"
#include "util/list.h"

#define SCRIPTS_CACHED_MAX 10000
#define SCRIPTS_CACHED_BYTES (64u << 20) /* of texts; the latest used one stays in any case */

struct cached_script {
    struct list by_use;          /* latest in front */
    struct cached_script *chain; /* of its bucket */
    char sha[SCRIPT_SHA_BYTES + 1];
    struct bytes *source;
};

struct library_function {
    struct bytes *name, *description; /* description NULL: none */
    uint32_t flags;
};

struct library {
    struct bytes *name, *code; /* code: all of it, its first line too */
    uint32_t n_functions;
    struct library_function *functions; /* in the order in which they were registered */
};

struct scripts; /* with a sandbox of its own, which is no state */

struct scripts *scripts_new(void);
void scripts_free(struct scripts *scripts);
struct sandbox *scripts_sandbox(struct scripts *scripts);

/* What scripts reach outside the state; all may be NULL. No influence on the state. */
struct scripts_outside {
    void *context;
    void (*breathe)(void *context);
    void (*log)(void *context, int level, struct slice text);
};
void scripts_set_outside(struct scripts *scripts, const struct scripts_outside *outside);
const struct scripts_outside *scripts_outside(const struct scripts *scripts);

/* The default until a replicated setting says otherwise. */
uint64_t scripts_budget(const struct scripts *scripts);
void scripts_set_budget(struct scripts *scripts, uint64_t units);

/* -- the cache ------------------------------------------------------------------------------- */

/* By 40 hexadecimal digits in either case; NULL: none. Changes nothing. */
const struct cached_script *scripts_find(const struct scripts *scripts, struct slice sha);
/* The latest used one from now on. */
void scripts_touch(struct scripts *scripts, const struct cached_script *script);
/* Adds a text, or touches it where it is there; the least used ones may go. */
const struct cached_script *scripts_add(struct scripts *scripts, struct slice source);
void scripts_flush(struct scripts *scripts);
uint32_t scripts_count(const struct scripts *scripts);
uint64_t scripts_bytes(const struct scripts *scripts);

/* -- libraries ------------------------------------------------------------------------------- */

const struct library *library_find(const struct scripts *scripts, struct slice name);
/* In the order of names; NULL behind the last. */
const struct library *library_at(const struct scripts *scripts, uint32_t index);
/* In any case, unlike libraries: as in Redis. */
const struct library *function_find(
    const struct scripts *scripts, struct slice name, const struct library_function **function);
/* Takes a library over (moved: leaves it empty); there is none of that name (asserted). */
void library_add(struct scripts *scripts, struct library *library);
bool library_remove(struct scripts *scripts, struct slice name);
void libraries_flush(struct scripts *scripts);
void library_add_function(struct library *library, const struct script_function *function);
void library_clear(struct library *library);
/* The code without its first line, line's end included: what the sandbox loads. */
struct slice library_body(const struct library *library);

/* -- images ---------------------------------------------------------------------------------- */

void scripts_put(const struct scripts *scripts, struct buf *out);
/* Into an empty one; in->failed when malformed. */
void scripts_read(struct scripts *scripts, struct reader *in);

#endif
