/* What a command in a script costs beyond its arguments and its reply: the elements that it goes
 * through. Too much may be charged, never much too little, and on every node the same. */
#include "commands/script.h"
#include "keyspace/hash.h"

#include <string.h>

enum { BYTES_A_UNIT = 32, WRITE_UNITS = 500 /* a key, its expiry, its revision */ };

/* Commands that go through whole values of their keys, in the order of names. */
static const char *const whole_values[] = {"bitcount", "bitop", "bitpos", "copy", "dump",
    "geosearch", "geosearchstore", "lcs", "lindex", "linsert", "lpos", "lrem", "lset", "ltrim",
    "migrate", "pfcount", "pfmerge", "restore", "sdiff", "sdiffstore", "setrange", "sinter",
    "sintercard", "sinterstore", "smembers", "sort", "sort_ro", "sunion", "sunionstore", "zdiff",
    "zdiffstore", "zinter", "zintercard", "zinterstore", "zlexcount", "zrangestore",
    "zremrangebylex", "zremrangebyrank", "zremrangebyscore", "zunion", "zunionstore"};

static bool is_whole(const struct command *command) {
    size_t low = 0, high = SF_LENGTH(whole_values);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(command->name, whole_values[middle]);
        if (order == 0) return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

static uint64_t key_cost(struct call *call, struct slice key) {
    struct object *object = db_find_even_dead(call->db, key);
    if (object == NULL) return 1;
    if (object_type(object) == OBJECT_STRING) {
        char scratch[OBJECT_TEXT_MAX];
        return 1 + object_string(object, scratch).len / BYTES_A_UNIT;
    }
    struct collection value = db_collection(call->db, object);
    return 1 + collection_size(&value);
}

static uint64_t keys_cost(
    struct call *call, const struct command *command, uint32_t argc, const struct slice *argv) {
    enum { POSITIONS = 64 };
    uint32_t positions[POSITIONS];
    uint32_t n = command_key_positions(command, argc, argv, positions, POSITIONS);
    uint64_t cost = 0;
    for (uint32_t i = 0; i < SF_MIN(n, POSITIONS); i++) cost += key_cost(call, argv[positions[i]]);
    return n <= POSITIONS ? cost : cost * (n / POSITIONS + 1);
}

/* COUNT's number, but not more than there is. */
static uint64_t count_option(uint32_t argc, const struct slice *argv, uint64_t most) {
    int64_t n = 10;
    for (uint32_t i = 1; i + 1 < argc; i++) {
        if (slice_is(argv[i], "count")) int_parse(argv[i + 1], &n);
    }
    return n < 0 ? 0 : SF_MIN((uint64_t)n, most);
}

/* Dead fields, which are gone through for nothing. */
static uint64_t dead_cost(struct call *call, struct slice key) {
    struct object *object = db_find_even_dead(call->db, key);
    if (object == NULL || object_type(object) != OBJECT_HASH) return 0;
    struct collection hash = db_collection(call->db, object);
    return hash_n_dead(&hash, call->now_ms);
}

uint64_t script_cost(
    struct call *call, const struct command *command, uint32_t argc, const struct slice *argv) {
    uint64_t least = 8 * (uint64_t)argc + ((command->flags & CMD_WRITE) != 0 ? WRITE_UNITS : 0);
    if ((command->flags & CMD_FAST) != 0) return least;
    switch (command->id) {
    case COMMAND_KEYS:
        return 4 * db_size(call->db);
    case COMMAND_SCAN:
        return 4 * count_option(argc, argv, db_size(call->db));
    case COMMAND_HSCAN:
    case COMMAND_SSCAN:
    case COMMAND_ZSCAN:
        return 4 * count_option(argc, argv, keys_cost(call, command, argc, argv));
    case COMMAND_HGETALL:
    case COMMAND_HKEYS:
    case COMMAND_HRANDFIELD:
    case COMMAND_HVALS:
        return least + 4 * dead_cost(call, argv[1]);
    default:
        return is_whole(command) ? least + 4 * keys_cost(call, command, argc, argv) : least;
    }
}
