#include "sim/exec.h"

#include "resp/value.h"

#include <stdio.h>
#include <stdlib.h>

/* -- words ----------------------------------------------------------------------------------- */

static void add_word(struct exec_words *words, struct slice word) {
    if (words->argc == words->cap) {
        words->cap = SF_MAX(32u, words->cap * 2);
        words->starts = sf_realloc(words->starts, words->cap * sizeof *words->starts);
    }
    words->starts[words->argc++] = words->text.len;
    buf_append_slice(&words->text, word);
}

void exec_begin(struct exec_words *words) {
    *words = (struct exec_words){0};
    add_word(words, SLICE("EXEC"));
}

void exec_add(struct exec_words *words, uint32_t db, uint32_t argc, const struct slice *argv) {
    char head[32];
    snprintf(head, sizeof head, "%u:%u", db, argc);
    add_word(words, slice_text(head));
    for (uint32_t i = 0; i < argc; i++) add_word(words, argv[i]);
}

void exec_add_void(struct exec_words *words) {
    add_word(words, SLICE("void"));
}

void exec_finish(struct exec_words *words) {
    words->argv = sf_alloc_zero(words->argc, sizeof *words->argv);
    for (uint32_t i = 0; i < words->argc; i++) {
        size_t end = i + 1 < words->argc ? words->starts[i + 1] : words->text.len;
        words->argv[i] =
            slice_of(buf_slice(&words->text).data + words->starts[i], end - words->starts[i]);
    }
}

void exec_free(struct exec_words *words) {
    sf_free(words->starts);
    sf_free(words->argv);
    buf_free(&words->text);
}

bool exec_next(struct exec_reader *reader) {
    if (reader->at == 0) reader->at = 1; /* EXEC */
    if (reader->at >= reader->argc) return false;
    char head[32] = "";
    struct slice word = reader->argv[reader->at++];
    memcpy(head, word.data, SF_MIN(word.len, sizeof head - 1));
    reader->db = reader->n = 0;
    reader->words = reader->argv + reader->at;
    if (strcmp(head, "void") == 0) return true;
    bool good = sscanf(head, "%u:%u", &reader->db, &reader->n) == 2;
    SF_ASSERT(good && reader->n > 0 && reader->n <= reader->argc - reader->at);
    reader->at += reader->n;
    return true;
}

bool is_exec(struct slice name) {
    return slice_is(name, "EXEC");
}

/* -- running --------------------------------------------------------------------------------- */

/* The next element of an array whose head was read; empty at its end. */
static struct slice element_next(struct slice *rest) {
    struct resp_value value;
    size_t consumed = 0;
    if (rest->len == 0 || resp_value_parse(*rest, &consumed, &value) != SF_OK || consumed == 0)
        return slice_of(NULL, 0);
    resp_value_free(&value);
    struct slice element = slice_of(rest->data, consumed);
    *rest = slice_of(rest->data + consumed, rest->len - consumed);
    return element;
}

static struct slice array_body(struct slice array) {
    const char *end = memchr(array.data, '\n', array.len);
    if (array.len == 0 || array.data[0] != '*' || end == NULL) return slice_of(NULL, 0);
    size_t head = (size_t)(end + 1 - array.data);
    return slice_of(array.data + head, array.len - head);
}

static uint32_t count_places(const struct model_question *question) {
    struct exec_reader reader = {.argc = question->argc, .argv = question->argv};
    uint32_t n = 0;
    while (exec_next(&reader)) n++;
    return n;
}

bool model_exec(
    struct model *model, const struct model_question *question, bool own, struct buf *reply) {
    struct exec_reader reader = {.argc = question->argc, .argv = question->argv};
    struct slice rest = array_body(question->given);
    bool fits = true;
    buf_printf(reply, "*%u\r\n", count_places(question));
    while (exec_next(&reader)) {
        if (reader.n == 0) {
            struct slice pong = SLICE("+PONG\r\n");
            if (own && !slice_equal(element_next(&rest), pong)) fits = false;
            buf_append_slice(reply, pong);
            continue;
        }
        struct slice given = element_next(&rest);
        struct buf expected = {0};
        int64_t most_ms;
        struct model_question inner = {question->step, reader.db, reader.n, reader.words, given};
        model_run(model, &inner, &expected, &most_ms);
        SF_ASSERT(most_ms < 0); /* no PTTL in here */
        bool alike = model_is_alike(reader.words[0], given, buf_slice(&expected));
        buf_append_slice(reply, alike ? given : buf_slice(&expected));
        fits = fits && alike;
        buf_free(&expected);
    }
    return fits && rest.len == 0;
}

bool exec_alike(uint32_t argc, const struct slice *argv, struct slice one, struct slice other) {
    struct exec_reader reader = {.argc = argc, .argv = argv};
    struct slice rest = array_body(one), other_rest = array_body(other);
    if (slice_equal(one, other)) return true;
    while (exec_next(&reader)) {
        struct slice a = element_next(&rest), b = element_next(&other_rest);
        bool counts = reader.n > 0 && slice_is(reader.words[0], "SHARDFORGE.PUBLISH") &&
                      a.len > 1 && b.len > 1 && a.data[0] == ':' && b.data[0] == ':';
        if (a.len == 0 || (!counts && !slice_equal(a, b))) return false;
    }
    return rest.len == 0 && other_rest.len == 0;
}

uint64_t exec_next_change(
    const struct model *model, uint64_t step, uint32_t argc, const struct slice *argv) {
    struct exec_reader reader = {.argc = argc, .argv = argv};
    uint64_t next = UINT64_MAX;
    while (exec_next(&reader))
        if (reader.n > 0)
            next = SF_MIN(next, model_next_change(model, step, reader.db, reader.n, reader.words));
    return next;
}
