/* Commands over few keys. Each write holds a number of its own (in a value, an increment, a time),
 * so that its place in the log can be found. */
#include "sim/client.h"

#include <stdarg.h>
#include <stdio.h>

struct words {
    uint32_t argc;
    char text[CALL_ARGS_MAX][48];
};

static void word(struct words *words, const char *format, ...) SF_PRINTF(2, 3);

static void word(struct words *words, const char *format, ...) {
    va_list args;
    SF_ASSERT(words->argc < CALL_ARGS_MAX);
    va_start(args, format);
    vsnprintf(words->text[words->argc], sizeof words->text[0], format, args);
    va_end(args);
    words->argc++;
}

static void key(struct world *world, struct words *words) {
    uint64_t draw = world_below(world, 10);
    if (draw < 7)
        word(words, "k%llu", (unsigned long long)world_below(world, 5));
    else
        word(words, "n%llu", (unsigned long long)world_below(world, 2));
}

static void value(struct words *words, uint64_t unique) {
    word(words, "v%llu", (unsigned long long)unique);
}

static void fill_set(struct world *world, uint64_t unique, struct words *words) {
    word(words, "SET");
    key(world, words);
    value(words, unique);
    switch (world_below(world, 8)) {
    case 0:
        word(words, "NX");
        break;
    case 1:
        word(words, "XX");
        break;
    case 2:
        word(words, "PX");
        word(words, "%llu", (unsigned long long)(1 + world_below(world, 1500)));
        break;
    case 3:
        word(words, "GET");
        break;
    case 4:
        word(words, "XX");
        word(words, "KEEPTTL");
        break;
    default:
        break;
    }
}

static void fill_many(struct world *world, uint64_t unique, struct words *words) {
    uint64_t n = 1 + world_below(world, 3);
    for (uint64_t i = 0; i < n; i++) {
        key(world, words);
        word(words, "v%llu.%llu", (unsigned long long)unique, (unsigned long long)i);
    }
}

static void fill_time(struct world *world, uint64_t unique, struct words *words) {
    if (world_chance(world, 20)) {
        word(words, "EXPIRE");
        key(world, words);
        word(words, "%llu", (unsigned long long)(1000 + unique)); /* seconds: never in a run */
    } else {
        word(words, "PEXPIRE");
        key(world, words);
        /* Soon, late, or at once: a number below zero deletes. */
        long long ms = (long long)unique % 3 == 0 ? -(long long)unique : (long long)unique;
        word(words, "%lld", ms);
    }
}

static void fill_write(struct world *world, uint64_t unique, struct words *words) {
    unsigned long long number = (unsigned long long)unique;
    switch (world_below(world, 14)) {
    case 0:
    case 1:
    case 2:
    case 3:
        fill_set(world, unique, words);
        break;
    case 4:
        word(words, "SETNX");
        key(world, words);
        value(words, unique);
        break;
    case 5:
        word(words, "GETSET");
        key(world, words);
        value(words, unique);
        break;
    case 6:
    case 7:
        word(words, "APPEND");
        key(world, words);
        word(words, "+%llu", number);
        break;
    case 8:
    case 9:
        word(words, world_chance(world, 70) ? "INCRBY" : "DECRBY");
        word(words, "n%llu", (unsigned long long)world_below(world, 2));
        word(words, "%llu", number);
        break;
    case 10:
        /* The second name never exists: it only makes the call unlike any other. */
        word(words, world_chance(world, 50) ? "DEL" : "UNLINK");
        key(world, words);
        word(words, "unique:%llu", number);
        break;
    case 11:
        word(words, world_chance(world, 70) ? "MSET" : "MSETNX");
        fill_many(world, unique, words);
        break;
    case 12:
        fill_time(world, unique, words);
        break;
    default:
        /* A counter of its own, so that plain INCR is among them. */
        word(words, "INCR");
        word(words, "unique:%llu", number);
        break;
    }
}

static void fill_read(struct world *world, struct words *words) {
    switch (world_below(world, 10)) {
    case 0:
    case 1:
    case 2:
    case 3:
        word(words, "GET");
        break;
    case 4:
        word(words, "MGET");
        key(world, words);
        key(world, words);
        break;
    case 5:
        word(words, "EXISTS");
        key(world, words);
        break;
    case 6:
        word(words, "STRLEN");
        break;
    case 7:
        word(words, "PTTL");
        break;
    case 8:
        word(words, "PEXPIRETIME");
        break;
    default:
        word(words, "TYPE");
        break;
    }
    key(world, words);
}

void workload_fill(struct world *world, uint64_t unique, struct client_call *call) {
    struct words words = {0};
    call->kind = world_chance(world, 55) ? CALL_WRITE : CALL_READ;
    if (call->kind == CALL_WRITE)
        fill_write(world, unique, &words);
    else
        fill_read(world, &words);
    const char *args[CALL_ARGS_MAX];
    for (uint32_t i = 0; i < words.argc; i++) args[i] = words.text[i];
    call_set_args(call, words.argc, args);
}
