/* Who waits for keys: BLPOP and its kin (DESIGN 7, "Blocked clients").
 *
 * A command that found nothing leaves a waiter: its place in its node's stream, its words, its
 * deadline. He stands in a line for each of his keys. When a key comes to hold what a line waits
 * for, the line is ready; at the end of the command (transaction, script) the lines that are ready
 * are served in that order, and each in the order of arrival: a waiter is taken out and his command
 * runs again, whatever it then does. What waits once more goes to the end. As Redis 7.2 does. */
#include "engine/internal.h"

enum {
    TIMED_OUT_BUDGET = 512, /* waiters answered for their deadline after each entry */
    LINE_NAME_HEAD = 5,     /* in a line's name: u32 db, u8 type; the key follows */
};

struct line {
    struct list waiting; /* struct standing, in the order of arrival */
    struct list in_ready;
    uint64_t n, n_on_loss;
    uint32_t name_len;
    char name[];
};

struct standing {
    struct list in_line;
    struct line *line;
    struct waiter *waiter;
};

struct waiter {
    struct list in_all;
    struct waiter_place place;
    uint64_t arrival;
    int64_t deadline_ms; /* NO_DUE: none */
    struct acl_claim claim;
    uint32_t db;
    enum object_type type;
    bool on_loss;
    uint32_t first_key, n_keys; /* in argv, as asked for */
    uint32_t argc;
    struct slice *argv; /* own copies, behind the struct */
    uint32_t n_lines;
    struct standing *lines; /* behind them */
    void *holder;           /* whom to tell on this node; no part of the state */
};

/* -- order ----------------------------------------------------------------------------------- */

static int compare_u64(uint64_t a, uint64_t b) {
    return a < b ? -1 : a > b;
}

static int place_compare(const struct waiter_place *a, const struct waiter_place *b) {
    const uint64_t of_a[] = {a->node, a->counter, a->nonce, a->sequence, a->position};
    const uint64_t of_b[] = {b->node, b->counter, b->nonce, b->sequence, b->position};
    int order = 0;
    for (size_t i = 0; order == 0 && i < SF_LENGTH(of_a); i++)
        order = compare_u64(of_a[i], of_b[i]);
    return order;
}

static int compare_places(const void *context, const void *a, const void *b) {
    (void)context;
    const struct waiter *one = a, *other = b;
    return place_compare(&one->place, &other->place);
}

static int compare_place(const void *context, const void *probe, const void *item) {
    (void)context;
    return place_compare(probe, &((const struct waiter *)item)->place);
}

static int compare_due(const void *context, const void *a, const void *b) {
    (void)context;
    const struct waiter *one = a, *other = b;
    int order = compare_u64((uint64_t)one->deadline_ms, (uint64_t)other->deadline_ms);
    return order != 0 ? order : compare_u64(one->arrival, other->arrival);
}

static struct waiter *waiter_at(const struct blocked *blocked, const struct waiter_place *place) {
    if (blocked->n == 0) return NULL;
    struct waiter *waiter = btree_lower_bound(&blocked->by_place, compare_place, place, NULL, NULL);
    return waiter != NULL && place_compare(&waiter->place, place) == 0 ? waiter : NULL;
}

/* The first waiter of a node, in the order of places. */
static struct waiter *waiter_of(const struct blocked *blocked, uint64_t node) {
    if (blocked->n == 0) return NULL;
    struct waiter_place from = {.node = node};
    struct waiter *waiter = btree_lower_bound(&blocked->by_place, compare_place, &from, NULL, NULL);
    return waiter != NULL && waiter->place.node == node ? waiter : NULL;
}

/* -- lines ----------------------------------------------------------------------------------- */

static struct slice line_name(const void *item) {
    const struct line *line = item;
    return slice_of(line->name, line->name_len);
}

static uint32_t line_db(const struct line *line) {
    return load_u32(line->name);
}
static enum object_type line_type(const struct line *line) {
    return (enum object_type)(uint8_t)line->name[4];
}
static struct slice line_key(const struct line *line) {
    return slice_of(line->name + LINE_NAME_HEAD, line->name_len - LINE_NAME_HEAD);
}

/* Its name in `out`, to look a line up by. */
static struct slice name_of(struct buf *out, uint32_t db, enum object_type type, struct slice key) {
    put_u32(out, db);
    put_u8(out, (uint8_t)type);
    buf_append_slice(out, key);
    return buf_slice(out);
}

static struct line *line_find(
    struct blocked *blocked, uint32_t db, enum object_type type, struct slice key) {
    struct buf scratch = {0};
    struct slice name = name_of(&scratch, db, type, key);
    struct line *line = table_find(&blocked->lines, table_hash(&blocked->line_type, name), name);
    buf_free(&scratch);
    return line;
}

static struct line *line_take(
    struct blocked *blocked, uint32_t db, enum object_type type, struct slice key) {
    struct buf scratch = {0};
    struct slice name = name_of(&scratch, db, type, key);
    uint64_t hash = table_hash(&blocked->line_type, name);
    struct line *line = table_find(&blocked->lines, hash, name);
    if (line == NULL) {
        line = sf_alloc(sizeof *line + name.len);
        *line = (struct line){.name_len = (uint32_t)name.len};
        memcpy(line->name, name.data, name.len);
        list_init(&line->waiting);
        list_init(&line->in_ready);
        table_put(&blocked->lines, hash, line);
    }
    buf_free(&scratch);
    return line;
}

static void line_enter(struct blocked *blocked, struct line *line, struct waiter *waiter) {
    if (!list_empty(&line->waiting)) {
        struct standing *last = SF_CONTAINER(line->waiting.prev, struct standing, in_line);
        if (last->waiter == waiter) return; /* the same key twice */
    }
    struct standing *standing = &waiter->lines[waiter->n_lines++];
    *standing = (struct standing){.line = line, .waiter = waiter};
    list_push_back(&line->waiting, &standing->in_line);
    line->n++;
    if (waiter->on_loss && line->n_on_loss++ == 0) blocked->n_lines_on_loss++;
}

static void line_leave(struct blocked *blocked, struct standing *standing) {
    struct line *line = standing->line;
    list_remove(&standing->in_line);
    line->n--;
    if (standing->waiter->on_loss && --line->n_on_loss == 0) blocked->n_lines_on_loss--;
    if (line->n > 0) return;
    list_remove(&line->in_ready);
    struct slice name = line_name(line);
    table_remove(&blocked->lines, table_hash(&blocked->line_type, name), name);
    sf_free(line);
}

/* -- what becomes ready ---------------------------------------------------------------------- */

static void line_is_ready(struct blocked *blocked, struct line *line) {
    if (list_empty(&line->in_ready)) list_push_back(&blocked->ready, &line->in_ready);
}

static bool may_wait_for(enum object_type type) {
    return type == OBJECT_LIST || type == OBJECT_ZSET || type == OBJECT_STREAM;
}

static void on_entered(void *context, uint32_t db, enum object_type type, struct slice key) {
    struct engine *engine = context;
    if (!may_wait_for(type)) return;
    struct line *line = line_find(&engine->blocked, db, type, key);
    if (line != NULL) line_is_ready(&engine->blocked, line);
}

static void on_left(void *context, uint32_t db, enum object_type type, struct slice key) {
    struct engine *engine = context;
    if (!may_wait_for(type) || engine->blocked.n_lines_on_loss == 0) return;
    struct line *line = line_find(&engine->blocked, db, type, key);
    if (line != NULL && line->n_on_loss > 0) line_is_ready(&engine->blocked, line);
}

static bool is_there(struct engine *engine, const struct line *line) {
    struct db *db = keyspace_db(engine->keyspace, line_db(line));
    struct object *object = db_find(db, line_key(line), engine->now_ms);
    return object != NULL && object_type(object) == line_type(line);
}

/* A whole db is another one: in the order of the table, which every replica has alike (S1). */
static void on_replaced(void *context, uint32_t db) {
    struct engine *engine = context;
    struct table_iterator next = table_seek(&engine->blocked.lines, 0);
    for (struct line *line = table_next(&next); line != NULL; line = table_next(&next)) {
        if (line_db(line) == db && (line->n_on_loss > 0 || is_there(engine, line)))
            line_is_ready(&engine->blocked, line);
    }
}

/* -- coming and going ------------------------------------------------------------------------ */

/* What a waiter is made of; the words are copied. */
static struct waiter *waiter_new(
    uint32_t argc, const struct slice *argv, uint32_t first_key, uint32_t n_keys) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < argc; i++) bytes += argv[i].len;
    size_t lines_at = sizeof(struct waiter) + argc * sizeof *argv;
    size_t bytes_at = lines_at + n_keys * sizeof(struct standing);
    char *block = sf_alloc(bytes_at + bytes);
    struct waiter *waiter = (struct waiter *)block;
    *waiter = (struct waiter){.argc = argc,
        .argv = (struct slice *)(block + sizeof *waiter),
        .lines = (struct standing *)(block + lines_at),
        .first_key = first_key,
        .n_keys = n_keys};
    char *at = block + bytes_at;
    for (uint32_t i = 0; i < argc; i++) {
        if (argv[i].len > 0) memcpy(at, argv[i].data, argv[i].len);
        waiter->argv[i] = slice_of(at, argv[i].len);
        at += argv[i].len;
    }
    return waiter;
}

/* At the end of all his lines. */
static void waiter_enter(struct engine *engine, struct waiter *waiter) {
    struct blocked *blocked = &engine->blocked;
    waiter->arrival = ++blocked->n_arrivals;
    list_push_back(&blocked->all, &waiter->in_all);
    btree_insert(&blocked->by_place, waiter);
    if (waiter->deadline_ms != NO_DUE) btree_insert(&blocked->by_due, waiter);
    for (uint32_t i = 0; i < waiter->n_keys; i++) {
        struct slice key = waiter->argv[waiter->first_key + i];
        line_enter(blocked, line_take(blocked, waiter->db, waiter->type, key), waiter);
    }
    if (blocked->n++ == 0) keyspace_observe(engine->keyspace, &blocked->observer);
}

static void waiter_take_out(struct engine *engine, struct waiter *waiter) {
    struct blocked *blocked = &engine->blocked;
    for (uint32_t i = 0; i < waiter->n_lines; i++) line_leave(blocked, &waiter->lines[i]);
    waiter->n_lines = 0;
    list_remove(&waiter->in_all);
    btree_remove(&blocked->by_place, waiter);
    if (waiter->deadline_ms != NO_DUE) btree_remove(&blocked->by_due, waiter);
    if (--blocked->n == 0) keyspace_observe(engine->keyspace, NULL);
}

static void on_wait(void *context, const struct call *call, const struct wait_request *request) {
    struct engine *engine = context;
    struct waiter *waiter =
        waiter_new(call->argc, call->argv, (uint32_t)(request->keys - call->argv), request->n_keys);
    waiter->place = engine->blocked.runs;
    waiter->holder = engine->blocked.runs_for;
    waiter->deadline_ms = request->deadline_ms;
    waiter->claim = call->claim;
    waiter->db = call->db_number;
    waiter->type = request->type;
    waiter->on_loss = request->on_loss;
    SF_ASSERT(waiter_at(&engine->blocked, &waiter->place) == NULL);
    waiter_enter(engine, waiter);
}

/* -- answers --------------------------------------------------------------------------------- */

static struct reply answer_begin(struct engine *engine, void *holder) {
    struct reply nobody = {.out = NULL, .proto = 2};
    if (holder == NULL || engine->watcher.answer_begins == NULL) return nobody;
    return engine->watcher.answer_begins(engine->watcher.context, holder);
}

static void answer_end(struct engine *engine, void *holder) {
    if (holder == NULL || engine->watcher.answer_ends == NULL) return;
    engine->watcher.answer_ends(engine->watcher.context, holder);
}

/* Out of the queue, with nil or the error (UNBLOCK_GONE: with nothing). */
static void waiter_end(struct engine *engine, struct waiter *waiter, enum unblock_how how) {
    waiter_take_out(engine, waiter);
    if (how != UNBLOCK_GONE) {
        struct reply reply = answer_begin(engine, waiter->holder);
        if (how == UNBLOCK_TIMEOUT)
            reply_null_array(&reply);
        else
            reply_error(&reply, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
        answer_end(engine, waiter->holder);
    }
    sf_free(waiter);
}

static bool on_unblock(void *context, const struct waiter_place *place, enum unblock_how how) {
    struct engine *engine = context;
    struct waiter *waiter = waiter_at(&engine->blocked, place);
    if (waiter == NULL) return false;
    waiter_end(engine, waiter, how);
    return true;
}

void blocked_end_all(struct engine *engine) {
    for (struct list *first = list_first(&engine->blocked.all); first != NULL;
         first = list_first(&engine->blocked.all)) {
        struct waiter *waiter = SF_CONTAINER(first, struct waiter, in_all);
        waiter_take_out(engine, waiter);
        struct reply reply = answer_begin(engine, waiter->holder);
        reply_error(&reply, "UNBLOCKED force unblock from blocking operation, instance state "
                            "changed (master -> replica?)");
        answer_end(engine, waiter->holder);
        sf_free(waiter);
    }
}

/* His key is there: his command runs again. */
static void waiter_run(struct engine *engine, struct waiter *waiter) {
    struct blocked *blocked = &engine->blocked;
    waiter_take_out(engine, waiter);
    struct command_words words = {.db = waiter->db,
        .argc = waiter->argc,
        .argv = waiter->argv,
        .claim = waiter->claim,
        .may_block = true,
        .deadline_ms = waiter->deadline_ms};
    blocked->runs = waiter->place;
    blocked->runs_for = waiter->holder;
    blocked->serves = true;
    struct reply reply = answer_begin(engine, waiter->holder);
    uint64_t seed =
        hash_mix(engine->stamp.seed + hash_mix(waiter->place.sequence)) + waiter->place.position;
    if (run_in_entry(engine, &words, hash_mix(seed), &reply)) answer_end(engine, waiter->holder);
    blocked->serves = false;
    sf_free(waiter);
}

/* Each who stood in the line when it began once, and no longer than there is something for them.
 * The line is gone when the last of them has left it. */
static void line_serve(struct engine *engine, struct line *line) {
    struct list *next = line->waiting.next;
    for (uint64_t left = line->n; left > 0; left--) {
        struct standing *standing = SF_CONTAINER(next, struct standing, in_line);
        bool there = is_there(engine, line);
        if (!there && line->n_on_loss == 0) return;
        next = next->next;
        if (there || standing->waiter->on_loss) waiter_run(engine, standing->waiter);
    }
}

void blocked_serve(struct engine *engine) {
    for (struct list *first = list_first(&engine->blocked.ready); first != NULL;
         first = list_first(&engine->blocked.ready)) {
        list_remove(first);
        line_serve(engine, SF_CONTAINER(first, struct line, in_ready));
    }
}

void blocked_end(struct engine *engine) {
    if (engine->blocked.n == 0) return;
    blocked_serve(engine);
    for (int i = 0; i < TIMED_OUT_BUDGET && blocked_next_due(engine) <= engine->now_ms; i++) {
        waiter_end(engine, btree_first(&engine->blocked.by_due), UNBLOCK_TIMEOUT);
    }
}

int64_t blocked_next_due(const struct engine *engine) {
    const struct waiter *first = btree_first(&engine->blocked.by_due);
    return first == NULL ? NO_DUE : first->deadline_ms;
}

/* -- from outside ---------------------------------------------------------------------------- */

bool engine_hold(struct engine *engine, const struct waiter_place *place, void *holder) {
    struct waiter *waiter = waiter_at(&engine->blocked, place);
    if (waiter != NULL) waiter->holder = holder;
    return waiter != NULL;
}

bool engine_node_waits(const struct engine *engine, uint64_t node) {
    return waiter_of(&engine->blocked, node) != NULL;
}

void engine_remove_waiters(struct engine *engine, uint64_t node) {
    const struct engine_watcher *watcher = &engine->watcher;
    for (struct waiter *waiter = waiter_of(&engine->blocked, node); waiter != NULL;
         waiter = waiter_of(&engine->blocked, node)) {
        waiter_take_out(engine, waiter);
        if (waiter->holder != NULL && watcher->waiter_removed != NULL) {
            watcher->waiter_removed(watcher->context, waiter->holder, waiter->db,
                waiter->deadline_ms, waiter->argc, waiter->argv);
        }
        sf_free(waiter);
    }
}

void engine_waiting_figures(const struct engine *engine, struct waiting_figures *out) {
    const struct blocked *blocked = &engine->blocked;
    *out =
        (struct waiting_figures){blocked->n, table_size(&blocked->lines), blocked->n_lines_on_loss};
}

/* -- life ------------------------------------------------------------------------------------ */

void blocked_init(struct engine *engine) {
    struct blocked *blocked = &engine->blocked;
    list_init(&blocked->all);
    list_init(&blocked->ready);
    blocked->line_type = (struct table_type){.secret = engine->settings.secret, .key = line_name};
    blocked->place_type = (struct btree_type){.compare = compare_places};
    blocked->due_type = (struct btree_type){.compare = compare_due};
    table_init(&blocked->lines, &blocked->line_type);
    btree_init(&blocked->by_place, &blocked->place_type);
    btree_init(&blocked->by_due, &blocked->due_type);
    blocked->observer = (struct keyspace_observer){engine, on_entered, on_left, on_replaced};
    engine->port.wait = on_wait;
    engine->port.unblock = on_unblock;
}

void blocked_free(struct engine *engine) {
    LIST_FOR_EACH(link, &engine->blocked.all) {
        struct waiter *waiter = SF_CONTAINER(link, struct waiter, in_all);
        waiter_take_out(engine, waiter);
        sf_free(waiter);
    }
}

/* -- the image: in the order of arrival ------------------------------------------------------ */

void blocked_put(const struct engine *engine, struct buf *out) {
    put_varint(out, engine->blocked.n);
    LIST_FOR_EACH(link, (struct list *)(uintptr_t)&engine->blocked.all) {
        const struct waiter *waiter = SF_CONTAINER(link, struct waiter, in_all);
        const struct waiter_place *place = &waiter->place;
        struct incarnation origin = {place->node, place->counter, place->nonce};
        entry_put_incarnation(out, &origin);
        put_varint(out, place->sequence);
        put_varint(out, place->position);
        put_u64(out, (uint64_t)waiter->deadline_ms);
        put_varint(out, waiter->claim.id);
        put_varint(out, waiter->claim.revision);
        put_varint(out, waiter->db);
        put_u8(out, (uint8_t)waiter->type);
        put_u8(out, waiter->on_loss);
        put_varint(out, waiter->first_key);
        put_varint(out, waiter->n_keys);
        put_varint(out, waiter->argc);
        for (uint32_t i = 0; i < waiter->argc; i++) put_string(out, waiter->argv[i]);
    }
}

static void read_waiter(struct engine *engine, struct reader *in) {
    struct incarnation origin;
    entry_read_incarnation(in, &origin);
    uint64_t sequence = read_varint(in), position = read_varint(in);
    uint64_t deadline_ms = read_u64(in);
    struct acl_claim claim;
    claim.id = read_varint(in);
    claim.revision = read_varint(in);
    uint64_t db = read_varint(in);
    uint8_t type = read_u8(in), on_loss = read_u8(in);
    uint64_t first = read_varint(in), n_keys = read_varint(in), argc = read_varint(in);
    struct waiter_place place = {
        origin.node, origin.counter, origin.nonce, sequence, (uint32_t)position};
    /* every word takes at least its length byte */
    if (position > UINT32_MAX || deadline_ms > INT64_MAX || db >= engine->settings.n_dbs ||
        type > OBJECT_STREAM || on_loss > 1 || argc > in->rest.len || argc > UINT32_MAX ||
        first >= argc || n_keys == 0 || n_keys > argc - first ||
        waiter_at(&engine->blocked, &place) != NULL) {
        in->failed = true;
    }
    if (in->failed) return;
    struct slice *argv = sf_alloc((size_t)argc * sizeof *argv);
    for (uint64_t i = 0; i < argc; i++) argv[i] = read_string(in);
    if (!in->failed) {
        struct waiter *waiter = waiter_new((uint32_t)argc, argv, (uint32_t)first, (uint32_t)n_keys);
        waiter->place = place;
        waiter->deadline_ms = (int64_t)deadline_ms;
        waiter->claim = claim;
        waiter->db = (uint32_t)db;
        waiter->type = (enum object_type)type;
        waiter->on_loss = on_loss != 0;
        waiter_enter(engine, waiter);
    }
    sf_free(argv);
}

void blocked_load(struct engine *engine, struct reader *in) {
    uint64_t n = read_varint(in);
    for (uint64_t i = 0; !in->failed && i < n; i++) read_waiter(engine, in);
    keyspace_observe(engine->keyspace, NULL); /* what is loaded now makes nobody ready */
}

void blocked_load_end(struct engine *engine) {
    if (engine->blocked.n > 0) keyspace_observe(engine->keyspace, &engine->blocked.observer);
}
