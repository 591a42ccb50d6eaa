/* Random pipelines of everything that waits, watches, publishes and queues, thrown at three nodes
 * while they are killed, cut off, stalled and led by others, all from one seed.
 *
 * What must hold: no assertion; replies well-formed, one for each request, in order; an element
 * that was pushed is given to one client at most, and is never lost but with the client or the
 * answer that had it; in the end all nodes, an engine that was loaded from an image in the middle
 * of the storm, and one that is loaded at the end hold the same state.
 *
 * STORM_SEEDS=n runs more seeds, STORM_FIRST=n begins at that one. */
#include "engine/internal.h"
#include "harness.h"

enum { STEPS = 150, CLIENTS = 10, ELEMENTS_MAX = 20000, EXPECTED_MAX = 512 };

enum expected { ONE_REPLY, PUSHED, POPPED }; /* POPPED: may carry elements away */

struct asked {
    enum expected kind;
    uint32_t element; /* PUSHED: which */
    uint32_t n_pops;
    char text[96];
};

enum temper { PLAIN, SUBSCRIBER, MODERN, MUTE, TEMPERS };

struct actor {
    struct client *client; /* NULL: not connected */
    enum temper temper;
    bool quit, in_multi;
    uint32_t queued_pops;
    struct asked asked[EXPECTED_MAX];
    uint32_t n_asked;
    struct buf got;
    int64_t last_mark;
};

struct storm {
    struct world *world;
    struct random random;
    struct actor actors[CLIENTS];
    uint32_t n_elements, n_marks, n_fields;
    uint32_t unknown_pops; /* whose answers nobody saw */
    bool acked[ELEMENTS_MAX], taken[ELEMENTS_MAX], read[ELEMENTS_MAX];
    struct engine *shadow; /* loaded from an image in the middle of it */
    int down;              /* the node that is killed; -1: none */
    bool careless;
    uint32_t n_replies, n_errors, n_snapshots;
};

static uint64_t pick(struct storm *storm, uint64_t n) {
    return random_next(&storm->random) % n;
}

/* -- replies --------------------------------------------------------------------------------- */

struct parsed {
    char kind;          /* of the whole */
    struct slice first; /* its first string */
    bool is_integer;
};

static bool line_end(struct slice in, size_t at, size_t *end) {
    for (*end = at; *end + 1 < in.len; (*end)++) {
        if (in.data[*end] == '\r') {
            assert_int_equal(in.data[*end + 1], '\n');
            return true;
        }
    }
    return false;
}

static void see_string(struct storm *storm, struct actor *actor, struct slice text) {
    char copy[32] = {0};
    if (text.len < 2 || text.len > 12) return;
    memcpy(copy, text.data, text.len);
    uint32_t n = (uint32_t)atoi(copy + 1);
    if (copy[0] == 'e' && copy[1] >= '0' && copy[1] <= '9') {
        assert_true(n < storm->n_elements);
        if (storm->taken[n]) fail_msg("element e%u was given twice", n);
        storm->taken[n] = true;
    } else if (copy[0] == 'x' && copy[1] == '_') {
        n = (uint32_t)atoi(copy + 2);
        if (storm->read[n]) fail_msg("entry x_%u was given to two consumers", n);
        storm->read[n] = true;
    } else if (copy[0] == 'k' && copy[1] == '_') {
        int64_t mark = atoi(copy + 2);
        if (mark <= actor->last_mark)
            fail_msg("k_%d came after k_%d", (int)mark, (int)actor->last_mark);
        actor->last_mark = mark;
    }
}

/* One value from *at on; false: it is not whole yet. dry: only whether it is. */
static bool parse_value(struct storm *storm, struct actor *actor, struct slice in, size_t *at,
    bool dry, struct parsed *out) {
    size_t end;
    if (!line_end(in, *at, &end)) return false;
    char kind = in.data[*at];
    char number[32] = {0};
    memcpy(number, in.data + *at + 1, SF_MIN(end - *at - 1, sizeof number - 1));
    long long n = atoll(number);
    *at = end + 2;
    if (out != NULL) out->kind = kind;
    switch (kind) {
    case '+':
    case '-':
    case ':':
    case '_':
    case '#':
    case ',':
    case '(':
        if (out != NULL && out->first.data == NULL) out->is_integer = kind == ':';
        return true;
    case '$':
    case '=': {
        if (n < 0) return true;
        if (*at + (size_t)n + 2 > in.len) return false;
        struct slice text = slice_of(in.data + *at, (size_t)n);
        assert_memory_equal(text.data + n, "\r\n", 2);
        if (out != NULL && out->first.data == NULL) out->first = text;
        if (!dry) see_string(storm, actor, text);
        *at += (size_t)n + 2;
        return true;
    }
    case '*':
    case '~':
    case '>':
    case '%': {
        long long items = n < 0 ? 0 : kind == '%' ? 2 * n : n;
        for (long long i = 0; i < items; i++) {
            struct parsed inner = {0};
            if (!parse_value(storm, actor, in, at, dry, &inner)) return false;
            if (i == 0 && out != NULL) out->first = inner.first;
        }
        return true;
    }
    default:
        fail_msg("a reply begins with '%c' (%d)", kind, kind);
        return false;
    }
}

static bool is_message(const struct parsed *parsed) {
    return (parsed->kind == '*' || parsed->kind == '>') && parsed->first.data != NULL &&
           (slice_equal(parsed->first, SLICE("message")) ||
               slice_equal(parsed->first, SLICE("pmessage")) ||
               slice_equal(parsed->first, SLICE("smessage")));
}

static void answered(
    struct storm *storm, struct actor *actor, const struct parsed *parsed, struct slice text) {
    if (actor->n_asked == 0) fail_msg("a reply to nothing: %.*s", (int)text.len, text.data);
    struct asked *asked = &actor->asked[0];
    storm->n_replies++;
    if (getenv("STORM_TRACE") != NULL)
        fprintf(stderr, "  %p %s -> %.*s\n", (void *)actor, asked->text, (int)text.len, text.data);
    if (parsed->kind == '-') {
        storm->n_errors++;
        storm->unknown_pops += asked->n_pops;
    }
    if (asked->kind == PUSHED && parsed->kind == ':') storm->acked[asked->element] = true;
    actor->n_asked--;
    memmove(asked, asked + 1, actor->n_asked * sizeof *asked);
}

static void hear(struct storm *storm, struct actor *actor) {
    if (actor->client == NULL || actor->client->closed) return;
    struct buf *output = session_output(actor->client->session);
    buf_append_slice(&actor->got, buf_slice(output));
    buf_clear(output);
    for (;;) {
        struct slice in = buf_slice(&actor->got);
        struct parsed parsed = {0};
        size_t at = 0;
        if (in.len == 0 || !parse_value(storm, actor, in, &at, true, NULL)) return;
        at = 0;
        parse_value(storm, actor, in, &at, false, &parsed);
        if (!is_message(&parsed)) answered(storm, actor, &parsed, slice_of(in.data, at));
        buf_consume(&actor->got, at);
    }
}

/* -- clients --------------------------------------------------------------------------------- */

static void forget_client(struct world *world, struct client *client) {
    for (uint32_t i = 0; i < world->n_clients; i++) {
        if (world->clients[i] != client) continue;
        world->clients[i] = world->clients[--world->n_clients];
        buf_free(&client->taken);
        sf_free(client);
        return;
    }
}

/* What it asked and did not hear may have carried elements away. */
static void actor_gone(struct storm *storm, struct actor *actor) {
    if (actor->client == NULL) return;
    hear(storm, actor);
    for (uint32_t i = 0; i < actor->n_asked; i++) storm->unknown_pops += actor->asked[i].n_pops;
    if (!actor->client->closed) client_close(actor->client);
    forget_client(storm->world, actor->client);
    actor->client = NULL;
    buf_free(&actor->got);
    actor->n_asked = 0;
}

static void actor_connect(struct storm *storm, struct actor *actor) {
    struct world *world = storm->world;
    int seat = (int)pick(storm, (uint64_t)world->n);
    if (world->seats[seat]->node == NULL) return;
    *actor = (struct actor){.client = client_open(world, seat),
        .temper = (enum temper)pick(storm, TEMPERS),
        .last_mark = -1};
}

static void actor_look(struct storm *storm, struct actor *actor) {
    if (actor->client == NULL) return;
    hear(storm, actor);
    const struct session *session = actor->client->session;
    if (!actor->client->closed && (session_must_close_now(session) ||
                                      (session_wants_close(session) && session->output.len == 0))) {
        actor_gone(storm, actor);
    }
}

/* -- requests -------------------------------------------------------------------------------- */

struct packet {
    struct buf text;
    bool quit;
};

static struct asked *expect(struct actor *actor, enum expected kind, const char *text) {
    SF_ASSERT(actor->n_asked < EXPECTED_MAX);
    struct asked *asked = &actor->asked[actor->n_asked++];
    *asked = (struct asked){.kind = kind};
    snprintf(asked->text, sizeof asked->text, "%s", text);
    return asked;
}

/* A client of the same node, to be killed or unblocked; or nobody's id. */
static unsigned long long some_id(struct storm *storm, const struct actor *actor) {
    const struct actor *other = &storm->actors[pick(storm, CLIENTS)];
    if (other->client == NULL || other->client->closed) return 999999;
    (void)actor;
    return (unsigned long long)other->client->session->id;
}

/* The keys that must lose nothing: l0 ... l2 hold elements; m0, m1 hand theirs to and fro. */
static void ask_list(struct storm *storm, struct actor *actor, char *line, size_t size) {
    static const char *const pops[] = {"BLPOP l0 l1 l2 %s", "BRPOP l1 l0 %s", "BLPOP l2 %s",
        "BLMPOP %s 2 l0 l1 LEFT COUNT 2", "LPOP l0", "RPOP l1", "LMPOP 2 l1 l2 LEFT",
        "BLPOP l0 l0 l0 %s", "LPOP l2 2"};
    static const char *const times[] = {"0", "0.05", "0.3", "0.001"};
    if (pick(storm, 5) < 3 && storm->n_elements < ELEMENTS_MAX) {
        uint32_t element = storm->n_elements++;
        snprintf(line, size, "%s l%d e%u", pick(storm, 2) ? "RPUSH" : "LPUSH", (int)pick(storm, 3),
            element);
        struct asked *asked = expect(actor, actor->in_multi ? ONE_REPLY : PUSHED, line);
        asked->element = element;
        return;
    }
    char form[64];
    snprintf(form, sizeof form, "%s", pops[pick(storm, SF_LENGTH(pops))]);
    const char *time = times[pick(storm, SF_LENGTH(times))];
    char *hole = strstr(form, "%s");
    if (hole != NULL) {
        *hole = '\0';
        snprintf(line, size, "%s%s%s", form, time, hole + 2);
    } else {
        snprintf(line, size, "%s", form);
    }
    struct asked *asked = expect(actor, POPPED, line);
    if (actor->in_multi) {
        actor->queued_pops += 2;
    } else {
        asked->n_pops = 2;
    }
}

static const char *const wild[] = {
    "GET a",
    "SET a 1",
    "INCR n",
    "DEL a",
    "EXPIRE a 1",
    "PEXPIRE q0 30",
    "SET b 2 PX 40",
    "UNWATCH",
    "WATCH a b",
    "WATCH q0",
    "SET a 2",
    "GETDEL a",
    "PING",
    "TIME",
    "DBSIZE",
    "RPUSH q0 v",
    "LPUSH q1 v w",
    "RENAME q0 q1",
    "RENAMENX q1 q2",
    "MOVE q0 1",
    "COPY q1 q0 REPLACE",
    "SORT q0 ALPHA STORE q2",
    "SORT q1 BY nosort STORE q0",
    "DEL q0 q1",
    "UNLINK q2",
    "SET q0 str",
    "BLPOP q0 q1 q2 0.1",
    "BLPOP q2 0",
    "BRPOP q0 0.02",
    "BLMOVE q0 q1 LEFT RIGHT 0.2",
    "BRPOPLPUSH q1 q1 0.1",
    "BLMPOP 0.1 3 q0 q1 q2 RIGHT",
    "BLPOP q0 0.00000001",
    "BLPOP q0 -1",
    "BLMOVE m0 m1 LEFT RIGHT 0",
    "BLMOVE m1 m0 LEFT LEFT 0.1",
    "LMOVE m0 m1 RIGHT LEFT",
    "BLMOVE m0 m0 LEFT RIGHT 0.1",
    "ZADD z 1 a 2 b",
    "BZPOPMIN z 0.1",
    "BZPOPMAX z 0",
    "BZMPOP 0.1 1 z MIN COUNT 3",
    "ZPOPMIN z",
    "ZRANGESTORE z z2 0 -1",
    "DEL z",
    "SET z 1",
    "XADD t * f y",
    "XREAD BLOCK 50 STREAMS t $",
    "XREAD BLOCK 0 STREAMS t u $ $",
    "XREAD COUNT 2 STREAMS t 0",
    "XADD u * f y",
    "XREADGROUP GROUP h c1 BLOCK 100 STREAMS u >",
    "XREADGROUP GROUP h c2 BLOCK 0 COUNT 1 STREAMS u >",
    "XGROUP CREATE u h $ MKSTREAM",
    "XGROUP DESTROY u h",
    "DEL u",
    "XREADGROUP GROUP h c1 STREAMS u 0",
    "XACK u h 1-1",
    "XAUTOCLAIM u h c3 0 0",
    "XTRIM u MAXLEN 3",
    "XREAD BLOCK -1 STREAMS t $",
    "XREAD BLOCK",
    "XREAD STREAMS block 0",
    "XREAD COUNT block STREAMS t 0",
    "XREADGROUP GROUP block block STREAMS t >",
    "PUBLISH ch hello",
    "PUBLISH other x",
    "SPUBLISH sh x",
    "PUBSUB CHANNELS",
    "PUBSUB NUMPAT",
    "PUBSUB NUMSUB ch",
    "SWAPDB 1 2",
    "SELECT 0",
    "SELECT 99",
    "CLIENT LIST",
    "CLIENT INFO",
    "CLIENT ID",
    "CLIENT GETNAME",
    "CLIENT SETNAME me",
    "CLIENT PAUSE 15",
    "CLIENT PAUSE 20 WRITE",
    "CLIENT UNPAUSE",
    "WAIT 1 20",
    "WAIT 0 0",
    "WAITAOF 1 1 20",
    "OBJECT ENCODING q0",
    "TYPE q0",
    "INFO clients",
    "INFO stats",
    "CLUSTER INFO",
    "ROLE",
    "COMMAND COUNT",
    "nonsense x",
    "GET",
    "SET a",
    "EXPIRE a -1",
    "KEYS *",
    "SCAN 0",
    "RANDOMKEY",
    "CONFIG SET shared-x 1",
    "CONFIG SET local-x 1",
    "CONFIG GET *",
    "READONLY",
    "READWRITE",
    "RESET",
    "shardforge.exec a b c",
    "shardforge.again 0 BLPOP q0 0",
    "shardforge.unblock 1 1 1 1 1 gone",
    "SETRANGE a 3 abc",
    "APPEND a x",
    "BITOP OR r a b",
    "PFADD p a b c",
    "PFCOUNT p",
    "PFMERGE p p",
    "GEOADD g 1 1 x",
    "GEOSEARCHSTORE z g FROMLONLAT 1 1 BYRADIUS 9 km",
    "DEBUG DIGEST",
    "DEBUG STATE-DIGEST",
    "DUMP q0",
    "RESTORE q0 0 garbage",
    "CLIENT UNBLOCK 0",
    "MULTI",
    "DISCARD",
    "EXEC",
    "ECHO z_z",
    "LPOP q1",
    "PERSIST b",
    "GETEX b PX 20",
};

/* What may take the elements themselves: in every second storm, whose losses are not counted. */
static const char *const careless[] = {"FLUSHDB", "FLUSHALL", "SELECT 1", "SELECT 2", "SELECT 0",
    "SWAPDB 0 1", "SWAPDB 0 2", "MOVE l0 1", "RENAME l1 l0", "DEL s", "RENAME m0 l0",
    "FLUSHALL ASYNC"};

static const char *const of_subscribers[] = {"SUBSCRIBE ch", "UNSUBSCRIBE ch", "PSUBSCRIBE c*",
    "PUNSUBSCRIBE c*", "PING", "SSUBSCRIBE sh", "SUNSUBSCRIBE sh", "SUBSCRIBE other", "GET a",
    "MULTI", "EXEC", "RESET", "SUBSCRIBE"};

static void ask_other(struct storm *storm, struct actor *actor, char *line, size_t size) {
    uint64_t what = pick(storm, 40);
    if (what == 0) {
        snprintf(line, size, "CLIENT KILL ID %llu", some_id(storm, actor));
    } else if (what < 4) {
        snprintf(line, size, "CLIENT UNBLOCK %llu%s", some_id(storm, actor),
            pick(storm, 2) ? " ERROR" : "");
    } else if (what < 6 && storm->n_elements < ELEMENTS_MAX) {
        snprintf(line, size, "XADD s * f x_%u", storm->n_fields++ % ELEMENTS_MAX);
    } else if (what < 10) {
        snprintf(line, size, "XREADGROUP GROUP g c%d COUNT 3 BLOCK %d STREAMS s >",
            (int)pick(storm, 3), (int)pick(storm, 3) * 40);
    } else if (what < 14) {
        snprintf(line, size, "ECHO k_%u", storm->n_marks++);
    } else {
        snprintf(line, size, "%s", wild[pick(storm, SF_LENGTH(wild))]);
    }
    if (storm->careless && pick(storm, 12) == 0)
        snprintf(line, size, "%s", careless[pick(storm, SF_LENGTH(careless))]);
    if (actor->temper == MODERN && pick(storm, 8) == 0) {
        static const char *const modern[] = {"HELLO 3", "HELLO 2", "HELLO", "SUBSCRIBE ch",
            "UNSUBSCRIBE ch", "PSUBSCRIBE c*", "HELLO 4", "SSUBSCRIBE sh"};
        snprintf(line, size, "%s", modern[pick(storm, SF_LENGTH(modern))]);
    }
    (void)expect(actor, ONE_REPLY, line);
}

/* In a transaction, as far as can be told from here: RESP2 subscribers cannot begin one. */
static void follow_multi(struct actor *actor, const char *line) {
    if (strcmp(line, "MULTI") == 0) {
        actor->in_multi = true;
    } else if (strcmp(line, "EXEC") == 0) {
        actor->asked[actor->n_asked - 1].n_pops = actor->queued_pops;
        actor->asked[actor->n_asked - 1].kind = POPPED;
    }
    bool over =
        strcmp(line, "EXEC") == 0 || strcmp(line, "DISCARD") == 0 || strcmp(line, "RESET") == 0;
    if (over) {
        actor->in_multi = false;
        actor->queued_pops = 0;
    }
}

/* Speaks only behind CLIENT REPLY, never in a transaction. */
static void ask_muted(struct storm *storm, struct actor *actor, struct buf *out) {
    static const char *const quiet[] = {"SET a 3", "GET a", "RPUSH q0 w", "BLPOP q0 0.02", "PING",
        "CLIENT REPLY SKIP", "PUBLISH ch quiet", "XADD t * f y", "WATCH a", "DEL q1", "WAIT 1 5",
        "nonsense", "MULTI", "GET a", "EXEC", "SUBSCRIBE ch", "UNSUBSCRIBE ch", "DISCARD"};
    uint64_t how = pick(storm, 3);
    char line[64];
    if (how == 0) {
        buf_printf(out, "CLIENT REPLY OFF\r\n");
        for (uint64_t n = pick(storm, 6); n > 0; n--)
            buf_printf(out, "%s\r\n", quiet[pick(storm, SF_LENGTH(quiet) - 2)]);
        buf_printf(out, "UNSUBSCRIBE\r\nDISCARD\r\nCLIENT REPLY ON\r\n");
        (void)expect(actor, ONE_REPLY, "CLIENT REPLY ON");
    } else if (how == 1) {
        buf_printf(out, "CLIENT REPLY SKIP\r\n%s\r\n", quiet[pick(storm, 5)]);
    }
    snprintf(line, sizeof line, "ECHO k_%u", storm->n_marks++);
    buf_printf(out, "%s\r\n", line);
    (void)expect(actor, ONE_REPLY, line);
}

static void ask_one(struct storm *storm, struct actor *actor, struct buf *out) {
    char line[128];
    if (actor->temper == MUTE) {
        ask_muted(storm, actor, out);
        return;
    }
    if (actor->temper == SUBSCRIBER) {
        snprintf(line, sizeof line, "%s", of_subscribers[pick(storm, SF_LENGTH(of_subscribers))]);
        (void)expect(actor, ONE_REPLY, line);
    } else if (pick(storm, 60) == 0) {
        snprintf(line, sizeof line, "QUIT");
        (void)expect(actor, ONE_REPLY, line);
        actor->quit = true;
    } else if (pick(storm, 6) == 0) {
        snprintf(line, sizeof line, "%s", actor->in_multi ? "EXEC" : "MULTI");
        (void)expect(actor, ONE_REPLY, line);
    } else if (pick(storm, 3) == 0) {
        ask_list(storm, actor, line, sizeof line);
    } else {
        ask_other(storm, actor, line, sizeof line);
    }
    follow_multi(actor, line);
    buf_printf(out, "%s\r\n", line);
}

static void actor_asks(struct storm *storm, struct actor *actor) {
    struct buf out = {0};
    if (actor->client == NULL || actor->client->closed || actor->quit) return;
    if (actor->n_asked > EXPECTED_MAX - 64) return;
    for (uint64_t n = 1 + pick(storm, 6); n > 0 && !actor->quit; n--) ask_one(storm, actor, &out);
    if (actor->quit) buf_printf(&out, "SET never 1\r\nGET never\r\n");
    buf_append_char(&out, '\0');
    client_send(actor->client, buf_slice(&out).data);
    buf_free(&out);
}

/* -- weather --------------------------------------------------------------------------------- */

static void kill_seat(struct storm *storm, int seat) {
    for (int i = 0; i < CLIENTS; i++) {
        struct actor *actor = &storm->actors[i];
        if (actor->client != NULL && actor->client->seat == seat) actor_gone(storm, actor);
    }
    seat_kill(storm->world->seats[seat]);
    storm->down = seat;
}

static void calm(struct storm *storm) {
    struct world *world = storm->world;
    world_heal(world);
    world_release(world);
    for (int i = 0; i < world->n; i++) world->seats[i]->disk_held = false;
    if (storm->down >= 0) seat_start(world->seats[storm->down]);
    storm->down = -1;
}

static void change_weather(struct storm *storm) {
    struct world *world = storm->world;
    int seat = (int)pick(storm, (uint64_t)world->n);
    switch (pick(storm, 12)) {
    case 0:
        if (storm->down < 0) kill_seat(storm, seat);
        break;
    case 1:
    case 2:
        calm(storm);
        break;
    case 3:
        world_isolate(world, seat);
        break;
    case 4:
        world->seats[seat]->disk_held = true;
        break;
    case 5: {
        struct client *client = world->seats[seat]->node == NULL ? NULL : client_open(world, seat);
        if (client == NULL) break;
        client_send(client, "CLUSTER FAILOVER\r\n");
        world_turn(world);
        client_close(client);
        forget_client(world, client);
        break;
    }
    case 7: /* it hears heartbeats, and entries later, many at once */
        if (world->n_rules < WORLD_RULES_MAX) world_rule(world, RULE_HOLD, -1, seat, "append");
        break;
    case 6:
        actor_gone(storm, &storm->actors[pick(storm, CLIENTS)]);
        break;
    default:
        break;
    }
}

/* -- the state ------------------------------------------------------------------------------- */

static struct engine *loaded_copy(struct node *node) {
    struct buf image = {0};
    engine_dump(node->engine, &image);
    struct engine *engine = node_engine_new(node);
    engine->watcher = (struct engine_watcher){0}; /* the node may die before it */
    assert_int_equal(engine_load(engine, buf_slice(&image)), SF_OK);
    assert_true(engine_digest(engine) == engine_digest(node->engine));
    buf_free(&image);
    return engine;
}

/* A follower that is about to apply entries takes the state that another node has made of them
 * instead, as after an installed snapshot: in the moment between hearing of them and its turn. */
static void install_state(struct node *node, struct node *from) {
    struct buf image = {0};
    engine_dump(from->engine, &image);
    engine_free(node->engine);
    node->engine = node_engine_new(node);
    assert_int_equal(engine_load(node->engine, buf_slice(&image)), SF_OK);
    buf_free(&image);
    raft_step_applied(node->raft, engine_applied(node->engine));
    snapshots_settle_own_stream(node);
    membership_applied(node);
    reads_advance(node);
    node_wake(node);
}

static void turn_with_a_snapshot(struct storm *storm) {
    struct world *world = storm->world;
    struct node *node = world->seats[pick(storm, (uint64_t)world->n)]->node;
    world_deliver(world);
    for (int i = 0; i < world->n; i++) {
        struct node *from = world->seats[i]->node;
        if (node == NULL || from == NULL || raft_leads(node)) continue;
        raft_index index = engine_applied(from->engine);
        if (index <= engine_applied(node->engine) || index > raft_commit_index(node->raft))
            continue;
        install_state(node, from);
        storm->n_snapshots++;
    }
    world_turn(world);
}

static void shadow_take(struct storm *storm) {
    for (int i = 0; i < storm->world->n; i++) {
        struct node *node = storm->world->seats[i]->node;
        if (node == NULL || node->engine == NULL) continue;
        storm->shadow = loaded_copy(node);
        return;
    }
}

/* The rest of the log, applied to what was loaded in the middle (S1). */
static void shadow_follow(struct storm *storm, int seat) {
    const struct seat *from = storm->world->seats[seat];
    struct engine *shadow = storm->shadow;
    raft_index end = engine_applied(from->node->engine);
    for (raft_index index = engine_applied(shadow) + 1; index <= end; index++) {
        const struct raft_entry *entry = &from->log[index - 1];
        struct bytes *payload = entry->payload;
        struct engine_position at;
        assert_int_equal(engine_begin(shadow, index, entry->kind, bytes_slice(payload)), SF_OK);
        while (engine_peek(shadow, &at)) {
            struct reply nowhere = {NULL, 2};
            (void)engine_next(shadow, &nowhere);
        }
        engine_end(shadow);
    }
    assert_true(engine_digest(shadow) == engine_digest(from->node->engine));
}

/* -- what became of the elements ------------------------------------------------------------- */

static struct parsed ask_all(struct storm *storm, const char *request) {
    struct actor actor = {
        .client = client_open(storm->world, world_leader(storm->world)), .last_mark = -1};
    struct parsed parsed = {0};
    client_send(actor.client, request);
    world_run(storm->world, 50);
    struct slice in = buf_slice(session_output(actor.client->session));
    size_t at = 0;
    assert_true(parse_value(storm, &actor, in, &at, false, &parsed));
    client_close(actor.client);
    forget_client(storm->world, actor.client);
    return parsed;
}

static void count_elements(struct storm *storm) {
    uint32_t missing = 0;
    for (int i = 0; i < 3; i++) {
        char request[32];
        snprintf(request, sizeof request, "LRANGE l%d 0 -1\r\n", i);
        (void)ask_all(storm, request); /* sees none that was taken */
    }
    for (uint32_t i = 0; i < storm->n_elements; i++) missing += storm->acked[i] && !storm->taken[i];
    if (missing > storm->unknown_pops && !storm->careless)
        fail_msg("%u elements are lost, and %u at most could be", missing, storm->unknown_pops);
}

/* -- one storm ------------------------------------------------------------------------------- */

static void prepare(struct storm *storm) {
    struct client *client = client_open(storm->world, 0);
    client_send(client, "XGROUP CREATE s g $ MKSTREAM\r\nRPUSH m0 f1 f2 f3 f4\r\n");
    world_settle(storm->world);
    client_expect(client, "+OK\r\n:4\r\n");
    client_close(client);
    forget_client(storm->world, client);
}

static void storm_end(struct storm *storm) {
    struct world *world = storm->world;
    for (int i = 0; i < CLIENTS; i++) actor_look(storm, &storm->actors[i]);
    calm(storm);
    world_run(world, 3000);
    for (int i = 0; i < CLIENTS; i++) {
        struct actor *actor = &storm->actors[i];
        actor_look(storm, actor);
        bool waits = actor->client != NULL && session_is_blocked(actor->client->session);
        if (actor->client != NULL && actor->n_asked > 0 && !waits)
            fail_msg("no answer to %s (%u more)", actor->asked[0].text, actor->n_asked - 1);
    }
    world_check_equal(world);
    for (int i = 0; i < CLIENTS; i++) actor_gone(storm, &storm->actors[i]);
    world_run(world, 1000);
    world_check_equal(world);
    for (int i = 0; i < world->n; i++) {
        struct waiting_figures figures;
        assert_false(world->seats[i]->stopped);
        engine_waiting_figures(world->seats[i]->node->engine, &figures);
        assert_int_equal(figures.n_waiters, 0);
        engine_free(loaded_copy(world->seats[i]->node));
    }
    if (storm->shadow != NULL) shadow_follow(storm, world_leader(world));
    count_elements(storm);
}

static void run_storm(uint64_t seed) {
    struct storm *storm = sf_alloc_zero(1, sizeof *storm);
    storm->world = world_ready(3);
    storm->random = random_from(seed * 7919 + 1);
    storm->down = -1;
    storm->careless = seed % 2 == 0;
    prepare(storm);
    for (int step = 0; step < STEPS; step++) {
        if (pick(storm, 4) == 0) change_weather(storm);
        if (step == STEPS / 3) shadow_take(storm);
        for (int i = 0; i < CLIENTS; i++) {
            struct actor *actor = &storm->actors[i];
            if (actor->client == NULL && pick(storm, 2)) actor_connect(storm, actor);
            if (pick(storm, 3) == 0) actor_asks(storm, actor);
        }
        if (pick(storm, 3) == 0) {
            for (int turns = 0; turns < 3; turns++) turn_with_a_snapshot(storm);
        } else if (pick(storm, 2)) {
            world_run(storm->world, (int64_t)pick(storm, 60));
        } else {
            for (uint64_t turns = pick(storm, 4); turns > 0; turns--) world_turn(storm->world);
        }
        for (int i = 0; i < CLIENTS; i++) actor_look(storm, &storm->actors[i]);
    }
    storm_end(storm);
    if (getenv("STORM_TALK") != NULL)
        fprintf(stderr, "seed %llu: %u replies, %u errors, %u elements, %u snapshots\n",
            (unsigned long long)seed, storm->n_replies, storm->n_errors, storm->n_elements,
            storm->n_snapshots);
    engine_free(storm->shadow);
    world_free(storm->world);
    sf_free(storm);
}

static uint64_t number_of(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void test_nothing_is_lost_doubled_or_out_of_order_in_a_storm(void **state) {
    (void)state;
    uint64_t first = number_of("STORM_FIRST", 1), n = number_of("STORM_SEEDS", 10);
    for (uint64_t seed = first; seed < first + n; seed++) {
        if (n > 10) fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
        run_storm(seed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_lost_doubled_or_out_of_order_in_a_storm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
