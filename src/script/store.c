#include "script/store.h"

#include <string.h>

enum { BUCKETS = 4096, LIBRARIES_MAX = 10000, FUNCTIONS_MAX = 100000 };

struct scripts {
    struct sandbox *sandbox;
    uint64_t budget;
    struct scripts_outside outside;

    struct list by_use; /* latest in front */
    uint32_t n_cached;
    uint64_t cached_bytes;
    struct cached_script *buckets[BUCKETS];

    uint32_t n_libraries, libraries_cap; /* in the order of names */
    struct library *libraries;
};

struct scripts *scripts_new(void) {
    struct scripts *scripts = sf_alloc_zero(1, sizeof *scripts);
    list_init(&scripts->by_use);
    scripts->budget = SCRIPT_BUDGET_DEFAULT;
    scripts->sandbox = sandbox_new();
    return scripts;
}

void scripts_free(struct scripts *scripts) {
    if (scripts == NULL) return;
    scripts_flush(scripts);
    libraries_flush(scripts);
    sf_free(scripts->libraries);
    sandbox_free(scripts->sandbox);
    sf_free(scripts);
}

struct sandbox *scripts_sandbox(struct scripts *scripts) {
    return scripts->sandbox;
}
uint64_t scripts_budget(const struct scripts *scripts) {
    return scripts->budget;
}
void scripts_set_budget(struct scripts *scripts, uint64_t units) {
    scripts->budget = units;
}
void scripts_set_outside(struct scripts *scripts, const struct scripts_outside *outside) {
    scripts->outside = *outside;
}
const struct scripts_outside *scripts_outside(const struct scripts *scripts) {
    return &scripts->outside;
}
uint32_t scripts_count(const struct scripts *scripts) {
    return scripts->n_cached;
}
uint64_t scripts_bytes(const struct scripts *scripts) {
    return scripts->cached_bytes;
}

/* -- the cache ------------------------------------------------------------------------------- */

static uint32_t bucket_of(const char *sha) {
    uint32_t bucket = 0;
    for (int i = 0; i < 3; i++) {
        uint32_t digit = (uint32_t)(sha[i] <= '9' ? sha[i] - '0' : sha[i] - 'a' + 10);
        bucket = bucket << 4 | (digit & 15);
    }
    return bucket;
}

const struct cached_script *scripts_find(const struct scripts *scripts, struct slice sha) {
    if (sha.len != SCRIPT_SHA_BYTES) return NULL;
    char lower[SCRIPT_SHA_BYTES + 1];
    for (size_t i = 0; i < SCRIPT_SHA_BYTES; i++) {
        char c = sha.data[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    lower[SCRIPT_SHA_BYTES] = 0;
    const struct cached_script *script = scripts->buckets[bucket_of(lower)];
    while (script != NULL && memcmp(script->sha, lower, SCRIPT_SHA_BYTES) != 0)
        script = script->chain;
    return script;
}

void scripts_touch(struct scripts *scripts, const struct cached_script *script) {
    struct cached_script *own = (struct cached_script *)(uintptr_t)script;
    if (scripts->by_use.next == &own->by_use) return;
    list_remove(&own->by_use);
    list_push_back(scripts->by_use.next, &own->by_use); /* in front of the first */
}

static void remove_script(struct scripts *scripts, struct cached_script *script) {
    struct cached_script **at = &scripts->buckets[bucket_of(script->sha)];
    while (*at != script) at = &(*at)->chain;
    *at = script->chain;
    list_remove(&script->by_use);
    scripts->n_cached--;
    scripts->cached_bytes -= script->source->len;
    bytes_unref(script->source);
    sf_free(script);
}

static struct cached_script *last_used(struct scripts *scripts) {
    return SF_CONTAINER(scripts->by_use.prev, struct cached_script, by_use);
}

const struct cached_script *scripts_add(struct scripts *scripts, struct slice source) {
    char sha[SCRIPT_SHA_BYTES + 1];
    script_sha(source, sha);
    const struct cached_script *there = scripts_find(scripts, slice_of(sha, SCRIPT_SHA_BYTES));
    if (there != NULL) {
        scripts_touch(scripts, there);
        return there;
    }
    struct cached_script *script = sf_alloc_zero(1, sizeof *script);
    struct cached_script **bucket = &scripts->buckets[bucket_of(sha)];
    memcpy(script->sha, sha, sizeof sha);
    script->source = bytes_new(source.data, source.len);
    script->chain = *bucket;
    *bucket = script;
    list_init(&script->by_use);
    list_push_back(scripts->by_use.next, &script->by_use);
    scripts->n_cached++;
    scripts->cached_bytes += source.len;
    while (scripts->n_cached > 1 && (scripts->n_cached > SCRIPTS_CACHED_MAX ||
                                        scripts->cached_bytes > SCRIPTS_CACHED_BYTES)) {
        remove_script(scripts, last_used(scripts));
    }
    return script;
}

void scripts_flush(struct scripts *scripts) {
    while (scripts->n_cached > 0) remove_script(scripts, last_used(scripts));
}

/* -- libraries ------------------------------------------------------------------------------- */

static uint32_t library_place(const struct scripts *scripts, struct slice name) {
    uint32_t low = 0, high = scripts->n_libraries;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (slice_compare(bytes_slice(scripts->libraries[middle].name), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct library *library_at(const struct scripts *scripts, uint32_t index) {
    return index < scripts->n_libraries ? &scripts->libraries[index] : NULL;
}

const struct library *library_find(const struct scripts *scripts, struct slice name) {
    const struct library *library = library_at(scripts, library_place(scripts, name));
    bool found = library != NULL && slice_equal(bytes_slice(library->name), name);
    return found ? library : NULL;
}

static bool names_equal(struct slice a, struct slice b) {
    return a.len == b.len && (a.len == 0 || strncasecmp(a.data, b.data, a.len) == 0);
}

const struct library *function_find(
    const struct scripts *scripts, struct slice name, const struct library_function **function) {
    for (uint32_t i = 0; i < scripts->n_libraries; i++) {
        const struct library *library = &scripts->libraries[i];
        for (uint32_t j = 0; j < library->n_functions; j++) {
            *function = &library->functions[j];
            if (names_equal(bytes_slice((*function)->name), name)) return library;
        }
    }
    *function = NULL;
    return NULL;
}

void library_add(struct scripts *scripts, struct library *library) {
    struct slice name = bytes_slice(library->name);
    SF_ASSERT(library_find(scripts, name) == NULL);
    uint32_t at = library_place(scripts, name);
    if (scripts->n_libraries == scripts->libraries_cap) {
        scripts->libraries_cap = SF_MAX(8, 2 * scripts->libraries_cap);
        scripts->libraries =
            sf_realloc(scripts->libraries, scripts->libraries_cap * sizeof *scripts->libraries);
    }
    struct library *place = &scripts->libraries[at];
    memmove(place + 1, place, (scripts->n_libraries - at) * sizeof *place);
    scripts->n_libraries++;
    *place = *library;
    *library = (struct library){0};
}

void library_clear(struct library *library) {
    for (uint32_t i = 0; i < library->n_functions; i++) {
        bytes_unref(library->functions[i].name);
        bytes_unref(library->functions[i].description);
    }
    sf_free(library->functions);
    bytes_unref(library->name);
    bytes_unref(library->code);
    *library = (struct library){0};
}

bool library_remove(struct scripts *scripts, struct slice name) {
    const struct library *found = library_find(scripts, name);
    if (found == NULL) return false;
    uint32_t at = (uint32_t)(found - scripts->libraries);
    struct library *library = &scripts->libraries[at];
    library_clear(library);
    scripts->n_libraries--;
    memmove(library, library + 1, (scripts->n_libraries - at) * sizeof *library);
    return true;
}

void libraries_flush(struct scripts *scripts) {
    for (uint32_t i = 0; i < scripts->n_libraries; i++) library_clear(&scripts->libraries[i]);
    scripts->n_libraries = 0;
}

void library_add_function(struct library *library, const struct script_function *function) {
    uint32_t n = library->n_functions;
    if ((n & (n - 1)) == 0) { /* full at powers of two */
        library->functions =
            sf_realloc(library->functions, SF_MAX(1u, 2 * n) * sizeof *library->functions);
    }
    struct slice description = function->description;
    library->functions[library->n_functions++] = (struct library_function){
        .name = bytes_new(function->name.data, function->name.len),
        .description =
            description.data == NULL ? NULL : bytes_new(description.data, description.len),
        .flags = function->flags,
    };
}

struct slice library_body(const struct library *library) {
    struct slice code = bytes_slice(library->code);
    const char *end = memchr(code.data, '\n', code.len);
    SF_ASSERT(end != NULL); /* it was loaded */
    return slice_of(end, code.len - (size_t)(end - code.data));
}

/* -- images ---------------------------------------------------------------------------------- */

/* n, then the texts, the one used least recently in front; n, then libraries: name, code, n
 * functions: name, flags, has a description:u8, description. */
void scripts_put(const struct scripts *scripts, struct buf *out) {
    put_varint(out, scripts->n_cached);
    for (const struct list *at = scripts->by_use.prev; at != &scripts->by_use; at = at->prev) {
        const struct cached_script *script =
            SF_CONTAINER((struct list *)(uintptr_t)at, struct cached_script, by_use);
        put_string(out, bytes_slice(script->source));
    }
    put_varint(out, scripts->n_libraries);
    for (uint32_t i = 0; i < scripts->n_libraries; i++) {
        const struct library *library = &scripts->libraries[i];
        put_string(out, bytes_slice(library->name));
        put_string(out, bytes_slice(library->code));
        put_varint(out, library->n_functions);
        for (uint32_t j = 0; j < library->n_functions; j++) {
            const struct library_function *function = &library->functions[j];
            put_string(out, bytes_slice(function->name));
            put_varint(out, function->flags);
            put_u8(out, function->description != NULL);
            put_string(out, bytes_slice(function->description));
        }
    }
}

static void read_library(struct scripts *scripts, struct reader *in) {
    struct library library = {0};
    struct slice name = read_string(in), code = read_string(in);
    uint64_t n = read_varint(in);
    if (in->failed || n > FUNCTIONS_MAX || memchr(code.data, '\n', code.len) == NULL ||
        library_find(scripts, name) != NULL) {
        in->failed = true;
        return;
    }
    library.name = bytes_new(name.data, name.len);
    library.code = bytes_new(code.data, code.len);
    for (uint64_t i = 0; i < n && !in->failed; i++) {
        struct script_function function = {.name = read_string(in)};
        function.flags = (uint32_t)read_varint(in);
        bool described = read_u8(in) != 0;
        struct slice description = read_string(in);
        if (described) function.description = description;
        if (!in->failed) library_add_function(&library, &function);
    }
    if (!in->failed) library_add(scripts, &library);
    library_clear(&library);
}

void scripts_read(struct scripts *scripts, struct reader *in) {
    SF_ASSERT(scripts->n_cached == 0 && scripts->n_libraries == 0);
    uint64_t n = read_varint(in);
    if (n > SCRIPTS_CACHED_MAX) in->failed = true;
    for (uint64_t i = 0; i < n && !in->failed; i++) {
        struct slice source = read_string(in);
        if (!in->failed) scripts_add(scripts, source);
    }
    n = read_varint(in);
    if (n > LIBRARIES_MAX) in->failed = true;
    for (uint64_t i = 0; i < n && !in->failed; i++) read_library(scripts, in);
}
