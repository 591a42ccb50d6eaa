#include "net/link_reader.h"

#include "util/buf.h"

#include <hiredis/read.h>

/* hiredis' own reply objects are not used: each argument would be an allocation, and the length of
 * an array would be allocated before a single element came. Its callbacks collect into one buffer
 * instead, and refuse (by returning NULL) whatever is not a message. */
struct link_reader {
    redisReader *parser;
    struct buf text;    /* the arguments, one behind the other */
    size_t *ends;       /* where each argument ends in text */
    struct slice *argv; /* filled when complete */
    uint32_t n, capacity;
    uint64_t limit_bytes;
    uint64_t fed_bytes; /* since the last complete message */
    bool is_broken;
    bool is_too_large;
};

/* A message's smallest argument is "$0\r\n\r\n". */
#define ARGUMENT_BYTES_MIN 6
#define TEXT_KEPT_BYTES (64 * 1024)

static void *refuse_size(struct link_reader *reader) {
    reader->is_too_large = true;
    return NULL;
}

static bool add(struct link_reader *reader, const char *data, size_t len) {
    if (reader->text.len + len > reader->limit_bytes) return false;
    if (reader->n >= reader->limit_bytes / ARGUMENT_BYTES_MIN + 2) return false;
    if (reader->n == reader->capacity) {
        reader->capacity = reader->capacity == 0 ? 16 : reader->capacity * 2;
        reader->ends = sf_realloc(reader->ends, reader->capacity * sizeof(*reader->ends));
        reader->argv = sf_realloc(reader->argv, reader->capacity * sizeof(*reader->argv));
    }
    buf_append(&reader->text, data, len);
    reader->ends[reader->n++] = reader->text.len;
    return true;
}

static void *on_string(const redisReadTask *task, char *data, size_t len) {
    struct link_reader *reader = task->privdata;
    if (task->parent == NULL) {
        if (task->type != REDIS_REPLY_ERROR) return NULL;
        if (!add(reader, "error", 5)) return refuse_size(reader);
    } else if (task->type != REDIS_REPLY_STRING) {
        return NULL;
    }
    return add(reader, data, len) ? reader : refuse_size(reader);
}

static void *on_array(const redisReadTask *task, int elements) {
    struct link_reader *reader = task->privdata;
    if (task->parent != NULL || elements < 1) return NULL;
    if ((uint64_t)elements > reader->limit_bytes / ARGUMENT_BYTES_MIN) return refuse_size(reader);
    return reader;
}

static void *on_integer(const redisReadTask *task, long long value) {
    (void)task;
    (void)value;
    return NULL;
}

static void *on_nil(const redisReadTask *task) {
    (void)task;
    return NULL;
}

static void on_free(void *object) {
    (void)object;
}

struct link_reader *link_reader_new(void) {
    static redisReplyObjectFunctions functions = {
        .createString = on_string,
        .createArray = on_array,
        .createInteger = on_integer,
        .createNil = on_nil,
        .freeObject = on_free,
    };
    struct link_reader *reader = sf_alloc_zero(1, sizeof(*reader));
    reader->parser = redisReaderCreateWithFunctions(&functions);
    SF_ASSERT(reader->parser != NULL);
    reader->parser->privdata = reader;
    buf_reserve(&reader->text, 64); /* never NULL, even when all arguments are empty */
    return reader;
}

void link_reader_free(struct link_reader *reader) {
    if (reader == NULL) return;
    redisReaderFree(reader->parser);
    buf_free(&reader->text);
    sf_free(reader->ends);
    sf_free(reader->argv);
    sf_free(reader);
}

void link_reader_feed(struct link_reader *reader, struct slice bytes, uint64_t limit_bytes) {
    reader->limit_bytes = limit_bytes;
    reader->fed_bytes += bytes.len;
    if (redisReaderFeed(reader->parser, bytes.data, bytes.len) != REDIS_OK) {
        SF_ASSERT(reader->parser->err != 0);
    }
}

static void forget_message(struct link_reader *reader) {
    buf_clear(&reader->text);
    if (reader->text.cap > TEXT_KEPT_BYTES) {
        buf_free(&reader->text);
        buf_reserve(&reader->text, 64);
    }
    reader->n = 0;
}

enum sf_status link_reader_next(
    struct link_reader *reader, uint32_t *argc, const struct slice **argv) {
    *argc = 0;
    *argv = NULL;
    if (reader->is_broken) return SF_ERR_CORRUPT;
    void *reply = NULL;
    if (reader->parser->ridx == -1) forget_message(reader); /* the last one was complete */
    if (redisReaderGetReply(reader->parser, &reply) != REDIS_OK) {
        reader->is_broken = true;
        return reader->is_too_large ? SF_ERR_TOO_LARGE : SF_ERR_CORRUPT;
    }
    if (reply == NULL) {
        /* Headers and separators count too: a stream of nothing else must end as well. */
        return reader->fed_bytes > 2 * reader->limit_bytes + 1024 ? SF_ERR_TOO_LARGE : SF_OK;
    }
    reader->fed_bytes = reader->parser->len - reader->parser->pos;
    size_t start = 0;
    for (uint32_t i = 0; i < reader->n; i++) {
        reader->argv[i] = slice_of(reader->text.data + start, reader->ends[i] - start);
        start = reader->ends[i];
    }
    *argc = reader->n;
    *argv = reader->argv;
    return SF_OK;
}
