/* Every command that the table has, our own that no client may send among them, with words drawn at
 * random, in and out of transactions: no request stops a node, and all stay alike.
 * ANY_SEEDS=n runs more seeds, ANY_FIRST=n begins at that one. */
#include "engine/internal.h"
#include "harness.h"

enum { STEPS = 2000 };

static const char *const words[] = {"x", "1", "0", "-1", "k", "l", "s", "*", "$", ">", "", "2",
    "inf", "nan", "0.01", "9223372036854775807", "-9223372036854775808", "(1", "[a", "ID", "COUNT",
    "BLOCK", "STREAMS", "GROUP", "g", "GET", "SET", "BY", "STORE", "WITHSCORES", "LEFT", "RIGHT",
    "i64", "INCRBY", "default", "TYPE", "normal", "ALL", "YES", "NO", "force", "takeover", "help",
    "channel", "gone", "10.0.0.2", "7001", "DIGEST", "SLEEP"};

/* What is meant to end a node or its membership, and what would only make the others wait. */
static bool is_left_out(const struct command *command) {
    switch (command->id) {
    case COMMAND_SHUTDOWN:
    case COMMAND_DEBUG:
    case COMMAND_CLUSTER_RESET:
    case COMMAND_CLUSTER_FORGET:
    case COMMAND_CLUSTER_MEET:
    case COMMAND_CLIENT_PAUSE:
        return true;
    default:
        return false;
    }
}

static void put_word(struct buf *out, const char *word, size_t len) {
    buf_printf(out, "$%zu\r\n%.*s\r\n", len, (int)len, word);
}

static void put_request(struct random *random, struct buf *out) {
    const struct command *command = command_by_id((uint32_t)random_below(random, command_count()));
    if (is_left_out(command)) return;
    const char *bar = strchr(command->name, '|');
    uint32_t n = (uint32_t)abs(command->arity), first = bar == NULL ? 1 : 2;
    if (command->arity < 0) n += (uint32_t)random_below(random, 5);
    n = SF_MAX(n, first);
    buf_printf(out, "*%u\r\n", n);
    put_word(out, command->name, strcspn(command->name, "|"));
    if (bar != NULL) put_word(out, bar + 1, strlen(bar + 1));
    for (uint32_t i = first; i < n; i++) {
        const char *word = words[random_below(random, SF_LENGTH(words))];
        put_word(out, word, strlen(word));
    }
}

static void put_packet(struct random *random, struct buf *out) {
    bool multi = random_below(random, 3) == 0;
    if (multi) buf_append_text(out, "MULTI\r\n");
    for (uint64_t n = 1 + random_below(random, 3); n > 0; n--) put_request(random, out);
    if (multi && random_below(random, 8) > 0) buf_append_text(out, "EXEC\r\n");
    buf_append_char(out, '\0');
}

static struct client *another_client(
    struct world *world, struct random *random, struct client *old) {
    if (old != NULL) {
        if (!old->closed) client_close(old);
        client_forget(old);
    }
    return client_open(world, (int)random_below(random, 3));
}

static void check_image(struct node *node) {
    struct buf image = {0};
    struct engine *loaded = node_engine_new(node);
    loaded->watcher = (struct engine_watcher){0};
    engine_dump(node->engine, &image);
    assert_int_equal(engine_load(loaded, buf_slice(&image)), SF_OK);
    assert_true(engine_digest(loaded) == engine_digest(node->engine));
    engine_free(loaded);
    buf_free(&image);
}

static void run(uint64_t seed) {
    struct random random = random_from(seed);
    struct world *world = world_ready(3);
    struct client *client = NULL;
    struct buf packet = {0};
    for (int step = 0; step < STEPS; step++) {
        bool over = client == NULL || session_wants_close(client->session) ||
                    session_must_close_now(client->session);
        if (over || random_below(&random, 40) == 0) client = another_client(world, &random, client);
        buf_clear(&packet);
        put_packet(&random, &packet);
        client_send(client, buf_slice(&packet).data);
        world_turn(world);
        if (random_below(&random, 3) == 0) world_run(world, (int64_t)random_below(&random, 20));
        (void)client_take(client);
        for (int i = 0; i < 3; i++) assert_false(world->seats[i]->stopped);
    }
    buf_free(&packet);
    world_run(world, 2000);
    world_check_equal(world);
    for (int i = 0; i < 3; i++) check_image(world->seats[i]->node);
    world_free(world);
}

static uint64_t number_of(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void test_no_request_stops_a_node(void **state) {
    (void)state;
    uint64_t first = number_of("ANY_FIRST", 1), n = number_of("ANY_SEEDS", 2);
    for (uint64_t seed = first; seed < first + n; seed++) {
        if (n > 2) fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
        run(seed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_request_stops_a_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
