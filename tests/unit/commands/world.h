/* A small world in which commands run, and scenarios to run in it: lines of a command and the reply
 * that it must give, as text.
 *
 *   "+OK"  "-ERR syntax error"  "7"  "'bytes'"  "nil"  "['a' 2]"  "{key value}"  "~[set]"
 *
 * A line that begins with @ changes the world: @now ms, @clock ms (of reads), @oom 0|1, @db n,
 * @limit bytes, @proto 2|3. A read that meets a key whose time has come but not for the state
 * replies "(must wait)". */
#ifndef SF_TESTS_UNIT_COMMANDS_WORLD_H
#define SF_TESTS_UNIT_COMMANDS_WORLD_H

#include "commands/command.h"
#include "resp/value.h"

#include "unit/check.h"
#include "unit/keyspace/rebuild.h"

#include <stdio.h>
#include <stdlib.h>

#define WORLD_ARGS_MAX 32
#define WORLD_START_MS 1000000

struct world {
    struct keyspace *keyspace;
    int64_t now_ms;
    int64_t clock_ms; /* reads; 0: now_ms */
    bool oom;
    uint8_t proto;
    uint32_t db;
    uint64_t limit;
    struct thresholds thresholds;
    struct engine_port *port;
    struct breath breath;
    struct walk *walk; /* over what was there some commands ago */
    struct rebuild rebuild;
    struct buf image;
    uint64_t n_runs;
    struct buf out;  /* the raw reply */
    struct buf text; /* the same as text, zero-terminated */
};

struct step {
    const char *command;
    const char *reply;
};

static inline void world_open(struct world *world) {
    struct hash_secret secret = {1, 2};
    static uint64_t n_worlds; /* in every second one small values are kept as large ones are */
    *world = (struct world){.keyspace = keyspace_new(16, &secret),
        .now_ms = WORLD_START_MS,
        .proto = 2,
        .limit = 512u << 20,
        .thresholds = THRESHOLDS_DEFAULT};
    if (n_worlds++ % 2 == 0)
        world->keyspace->walks.large_bytes = world->keyspace->walks.large_elements = 0;
}

/* Beside all commands there are walks, which must see nothing of them. */
static inline void world_walk(struct world *world, bool to_the_end) {
    if (world->walk == NULL) {
        keyspace_dump(world->keyspace, &world->image);
        world->walk = keyspace_walk_begin(world->keyspace);
        rebuild_begin(&world->rebuild, world->keyspace);
        rebuild_groups(&world->rebuild);
        return;
    }
    uint64_t budget = to_the_end ? UINT64_MAX : world->n_runs % 7 == 0;
    if (!walk_some(world->walk, &world->rebuild.sink, budget)) return;
    rebuild_check(&world->rebuild, world->walk, &world->image);
    walk_end(world->walk);
    world->walk = NULL;
    buf_free(&world->image);
}

static inline void world_close(struct world *world) {
    if (world->walk != NULL) world_walk(world, true);
    keyspace_free(world->keyspace);
    buf_free(&world->out);
    buf_free(&world->text);
}

static inline void world_render(struct buf *text, const struct resp_value *value) {
    if (value->is_null) {
        buf_append_text(text, "nil");
    } else if (strchr("*~>%", value->type) != NULL) {
        if (value->type != '*' && value->type != '%') buf_append_char(text, value->type);
        buf_append_char(text, value->type == '%' ? '{' : '[');
        for (uint32_t i = 0; i < value->n; i++) {
            if (i > 0) buf_append_char(text, ' ');
            world_render(text, &value->elements[i]);
        }
        buf_append_char(text, value->type == '%' ? '}' : ']');
    } else if (value->type == '$') {
        buf_append_char(text, '\'');
        buf_append_slice(text, value->text);
        buf_append_char(text, '\'');
    } else {
        if (value->type != ':') buf_append_char(text, value->type);
        buf_append_slice(text, value->text);
    }
}

static inline const char *world_text(struct world *world) {
    buf_clear(&world->text);
    struct resp_value value;
    size_t consumed = 0;
    assert_int_equal(resp_value_parse(buf_slice(&world->out), &consumed, &value), SF_OK);
    assert_int_equal(consumed, world->out.len); /* one whole reply and nothing behind it */
    world_render(&world->text, &value);
    resp_value_free(&value);
    buf_append_char(&world->text, '\0');
    return buf_slice(&world->text).data;
}

/* Runs one request as the node would; returns the reply as text, valid until the next. */
static inline const char *world_run(struct world *world, uint32_t argc, const struct slice *argv) {
    buf_clear(&world->out);
    if (world->n_runs++ % 3 == 0) world_walk(world, world->n_runs % 50 == 0);
    struct reply reply = {&world->out, world->proto};
    const struct command *command = command_check(argc, argv, &reply);
    if (command == NULL) return world_text(world);
    if (command->run == NULL) return "(node)";
    bool reads = command_route(command) == ROUTE_READ && world->clock_ms != 0;
    struct call call = {.command = command,
        .argc = argc,
        .argv = argv,
        .keyspace = world->keyspace,
        .db = keyspace_db(world->keyspace, world->db),
        .db_number = world->db,
        .now_ms = world->now_ms,
        .read_clock_ms = reads ? world->clock_ms : world->now_ms,
        .oom = world->oom,
        .random = random_from(7),
        .proto_max_bulk_len = world->limit,
        .thresholds = &world->thresholds,
        .reply = &reply,
        .engine = world->port,
        .breath = &world->breath};
    call_run(&call);
    return call.must_wait ? "(must wait)" : world_text(world);
}

static inline bool world_change(struct world *world, uint32_t argc, const struct slice *argv) {
    if (argc != 2 || argv[0].data[0] != '@') return false;
    int64_t number = strtoll(argv[1].data, NULL, 10);
    if (slice_is(argv[0], "@now"))
        world->now_ms = number;
    else if (slice_is(argv[0], "@clock"))
        world->clock_ms = number;
    else if (slice_is(argv[0], "@oom"))
        world->oom = number != 0;
    else if (slice_is(argv[0], "@db"))
        world->db = (uint32_t)number;
    else if (slice_is(argv[0], "@limit"))
        world->limit = (uint64_t)number;
    else if (slice_is(argv[0], "@proto"))
        world->proto = (uint8_t)number;
    else
        fail_msg("no such change: %.*s", (int)argv[0].len, argv[0].data);
    return true;
}

/* Words are separated by one space; '' is an empty word and 'a b' one with a space. */
static inline uint32_t words_of(const char *line, struct slice *out) {
    uint32_t n = 0;
    while (*line != '\0') {
        assert_true(n < WORLD_ARGS_MAX);
        char end = ' ';
        if (*line == '\'') {
            end = '\'';
            line++;
        }
        size_t len = strcspn(line, (char[]){end, '\0'});
        out[n++] = slice_of(line, len);
        line += len;
        if (end == '\'') line++;
        if (*line == ' ') line++;
    }
    return n;
}

static inline const char *world_line(struct world *world, const char *line) {
    struct slice argv[WORLD_ARGS_MAX];
    uint32_t argc = words_of(line, argv);
    return world_change(world, argc, argv) ? "" : world_run(world, argc, argv);
}

static inline void run_steps(const struct step *steps, size_t n) {
    struct world world;
    world_open(&world);
    for (size_t i = 0; i < n; i++) {
        const char *reply = world_line(&world, steps[i].command);
        const char *expected = steps[i].reply == NULL ? "" : steps[i].reply;
        if (strcmp(reply, expected) != 0)
            fail_msg("step %zu: %s\n  expected %s\n  got      %s", i + 1, steps[i].command,
                expected, reply);
    }
    world_close(&world);
}

#define SCENARIO(...)                                                                              \
    do {                                                                                           \
        static const struct step steps[] = {__VA_ARGS__};                                          \
        run_steps(steps, SF_LENGTH(steps));                                                        \
    } while (0)

#endif
