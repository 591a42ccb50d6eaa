/* The state machine alone, without network and log.
 *
 *   engine_bench memory               bytes that the allocator gives for each key or element
 *   engine_bench commands FILE [N]    CPU nanoseconds of each command of FILE (commands.txt), N
 * runs
 *
 * Writes are measured as entries of 500 commands are applied, reads as queries. */
#include "engine/engine.h"
#include "raft/configuration.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BATCH = 500, WORDS_MAX = 64, KEYS = 100000, RUNS = 200000, LINE_MAX_BYTES = 4096 };
#define START_MS INT64_C(1700000000000)

extern int mallctl(const char *name, void *old, size_t *old_len, void *new_value, size_t new_len)
    __attribute__((weak));

static size_t allocated_bytes(void) {
    uint64_t epoch = 1;
    size_t len = sizeof epoch, allocated = 0;
    if (mallctl == NULL) return 0;
    mallctl("epoch", &epoch, &len, &epoch, sizeof epoch);
    len = sizeof allocated;
    return mallctl("stats.allocated", &allocated, &len, NULL, 0) == 0 ? allocated : 0;
}

static double cpu_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* -- one engine ------------------------------------------------------------------------------ */

struct bench {
    struct engine *engine;
    uint64_t sequence;
    struct buf commands, payload, reply;
    uint32_t n; /* commands gathered */
    struct random random;
    double used_s; /* while applying and reading */
};

static const struct incarnation ours = {1, 1, 1};

static void apply(struct bench *bench, uint8_t kind) {
    struct reply reply = {&bench->reply, 2};
    struct engine_position at;
    double before = cpu_s();
    if (engine_begin(bench->engine, engine_applied(bench->engine) + 1, kind,
            buf_slice(&bench->payload)) != SF_OK) {
        fprintf(stderr, "an entry is not understood\n");
        exit(1);
    }
    while (engine_peek(bench->engine, &at)) (void)engine_next(bench->engine, &reply);
    engine_end(bench->engine);
    bench->used_s += cpu_s() - before;
    if (bench->reply.len > 0 && buf_slice(&bench->reply).data[0] == '-') {
        fprintf(stderr, "%.*s", (int)SF_MIN(bench->reply.len, (size_t)200),
            buf_slice(&bench->reply).data);
        exit(1);
    }
    buf_clear(&bench->reply);
    buf_clear(&bench->payload);
}

static void put_stamp(struct bench *bench) {
    struct entry_stamp stamp = {START_MS + (int64_t)bench->sequence, bench->sequence, false};
    entry_put_stamp(&bench->payload, &stamp);
}

static void bench_open(struct bench *bench) {
    struct engine_settings settings = {.feature_level = ENGINE_FEATURE_LEVEL,
        .n_dbs = 16,
        .secret = {1, 2},
        .proto_max_bulk_len = ENGINE_BULK_BYTES_DEFAULT};
    *bench = (struct bench){.engine = engine_new(&settings, NULL), .random = random_from(1)};
    struct raft_configuration members = {.n = 1};
    members.members[0] = (struct raft_member){.id = 1, .voter_new = true};
    configuration_encode(&members, &bench->payload);
    apply(bench, ENTRY_CONFIGURATION);
    put_stamp(bench);
    entry_put_incarnation(&bench->payload, &ours);
    apply(bench, ENTRY_INCARNATION);
}

static void bench_close(struct bench *bench) {
    engine_free(bench->engine);
    buf_free(&bench->commands);
    buf_free(&bench->payload);
    buf_free(&bench->reply);
}

static void flush(struct bench *bench) {
    if (bench->n == 0) return;
    put_stamp(bench);
    struct sub_batch_header header = {
        ours, ++bench->sequence, bench->n, buf_slice(&bench->commands)};
    entry_put_sub_batch(&bench->payload, &header);
    buf_clear(&bench->commands);
    bench->n = 0;
    apply(bench, ENTRY_BATCH);
}

static void add(struct bench *bench, uint32_t argc, const struct slice *argv) {
    entry_put_command(&bench->commands, 0, argc, argv);
    if (++bench->n == BATCH) flush(bench);
}

/* -- commands from text ---------------------------------------------------------------------- */

/* {r} and {i} filled in; words are separated by spaces, or stand in double quotes. */
static uint32_t words_make(
    struct bench *bench, const char *text, uint64_t i, char *out, struct slice *argv) {
    uint32_t argc = 0;
    char *at = out;
    while (*text != '\0' && argc < WORDS_MAX) {
        while (*text == ' ') text++;
        if (*text == '\0') break;
        char *begin = at;
        bool quoted = *text == '"';
        if (quoted) text++;
        while (*text != '\0' && *text != (quoted ? '"' : ' ')) {
            bool random = strncmp(text, "{r}", 3) == 0;
            if (random || strncmp(text, "{i}", 3) == 0) {
                uint64_t number = random ? random_next(&bench->random) % KEYS : i;
                at += sprintf(at, "%012llu", (unsigned long long)number);
                text += 3;
            } else {
                *at++ = *text++;
            }
        }
        if (quoted && *text == '"') text++;
        argv[argc++] = slice_of(begin, (size_t)(at - begin));
    }
    return argc;
}

static void run(struct bench *bench, const char *text, uint64_t times) {
    char out[LINE_MAX_BYTES * 2];
    struct slice argv[WORDS_MAX];
    for (uint64_t i = 0; i < times; i++) {
        uint32_t argc = words_make(bench, text, i, out, argv);
        const struct command *command = command_lookup(argc, argv);
        if (command == NULL) {
            fprintf(stderr, "unknown command: %s\n", text);
            exit(1);
        }
        if (command_route(command) == ROUTE_WRITE) {
            add(bench, argc, argv);
            continue;
        }
        struct reply reply = {&bench->reply, 2};
        double before = cpu_s();
        for (int again = 0; again < 8; again++) { /* the clock itself costs a good part of one */
            buf_clear(&bench->reply);
            (void)engine_query(
                bench->engine, command, 0, argc, argv, START_MS, true, i + 1, &reply);
        }
        bench->used_s += (cpu_s() - before) / 8;
        buf_clear(&bench->reply);
    }
    flush(bench);
}

/* "N*command; command ...", each repeated. */
static void set_up(struct bench *bench, char *text) {
    for (char *save = NULL, *step = strtok_r(text, ";", &save); step != NULL;
         step = strtok_r(NULL, ";", &save)) {
        while (*step == ' ') step++;
        if (*step == '\0') continue;
        char *end;
        unsigned long times = strtoul(step, &end, 10);
        bool repeated = end != step && *end == '*';
        run(bench, repeated ? end + 1 : step, repeated ? times : 1);
    }
}

static int commands(const char *path, uint64_t runs) {
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    char line[LINE_MAX_BYTES];
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *name = line, *setup = strchr(line, '|');
        char *command = setup == NULL ? NULL : strchr(setup + 1, '|');
        if (*line == '#' || command == NULL) continue;
        *setup++ = *command++ = '\0';
        struct bench bench;
        bench_open(&bench);
        set_up(&bench, setup);
        bench.used_s = 0;
        run(&bench, command, runs);
        while (name[strlen(name) - 1] == ' ') name[strlen(name) - 1] = '\0';
        printf("%s\t%.0f\n", name, bench.used_s * 1e9 / (double)runs);
        fflush(stdout);
        bench_close(&bench);
    }
    fclose(file);
    return 0;
}

/* -- memory ---------------------------------------------------------------------------------- */

static void weigh(const char *name, const char *command, uint64_t times, double limit) {
    struct bench bench;
    bench_open(&bench);
    run(&bench, "SET warm up", 1);
    size_t before = allocated_bytes();
    run(&bench, command, times);
    double each = (double)(allocated_bytes() - before) / (double)times;
    printf("%-52s %8.1f   at most %.0f%s\n", name, each, limit, each > limit ? "   TOO MUCH" : "");
    bench_close(&bench);
}

static int memory(void) {
    const uint64_t million = 1000000;
    weigh("string: key of 16 bytes, value of 8", "SET key:{i} xxxxxxxx", million, 64);
    weigh("string: key of 16 bytes, value of 32", "SET key:{i} xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        million, 88);
    weigh("string: key of 16 bytes, value of 100",
        "SET key:{i} "
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxx"
        "xxxxxx",
        million, 160);
    weigh("member of a large set, 19 bytes", "SADD s member:{i}", million, 36);
    weigh("field of a large hash, 18 bytes, value of 16", "HSET h field:{i} xxxxxxxxxxxxxxxx",
        million, 66);
    weigh("member of a large sorted set, 19 bytes", "ZADD z {i} member:{i}", million, 72);
    weigh("hash of five 16-byte fields, values of 8",
        "HSET key:{i} field:0000000001 xxxxxxxx field:0000000002 xxxxxxxx field:0000000003 "
        "xxxxxxxx "
        "field:0000000004 xxxxxxxx field:0000000005 xxxxxxxx",
        million / 5, 200);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "memory") == 0) return memory();
    if (argc >= 3 && strcmp(argv[1], "commands") == 0)
        return commands(argv[2], argc > 3 ? strtoull(argv[3], NULL, 10) : RUNS);
    fprintf(stderr, "usage: engine_bench memory | commands FILE [RUNS]\n");
    return 2;
}
