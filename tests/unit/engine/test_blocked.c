/* Who waits for keys: the order of service, deadlines, and that the queue is state. */
#include "engine/engine.h"
#include "raft/configuration.h"
#include "unit/check.h"
#include "util/codec.h"
#include "util/number.h"

#include <stdio.h>

#define START_MS INT64_C(1700000000000)
#define NODES 3

/* Two replicas apply the same; the second one knows nobody who waits. `told` is what the first one
 * answered, "name=reply" and so on; a waiter's name is that of its command in the test. */
struct machine {
    struct engine *engine, *other;
    uint64_t sequences[NODES + 1];
    int64_t now_ms;
    struct buf told;
    char holders[64]; /* names 'a' to 'z' by address: the holder is &holders[name] */
    size_t told_before;
    bool begun; /* an answer that may end without having come */
};

static const struct engine_settings defaults = {1, 4, {1, 2}, 512 << 20};

static struct incarnation incarnation_of(uint64_t node) {
    return (struct incarnation){node, 1, 4711 + node};
}

/* -- answers --------------------------------------------------------------------------------- */

/* What began and did not end waits on: nothing was said. */
static void forget_begun(struct machine *machine) {
    if (machine->begun) {
        assert_int_equal(machine->told.len, machine->told_before + 2);
        buf_truncate(&machine->told, machine->told_before);
    }
    machine->begun = false;
}

static struct reply on_begins(void *context, void *holder) {
    struct machine *machine = context;
    const char *name = holder;
    forget_begun(machine);
    machine->begun = true;
    machine->told_before = machine->told.len;
    buf_append_char(&machine->told, (char)(name - machine->holders));
    buf_append_char(&machine->told, '=');
    return (struct reply){&machine->told, 2};
}

static void on_ends(void *context, void *holder) {
    struct machine *machine = context;
    const char *name = holder;
    assert_int_equal(buf_slice(&machine->told).data[machine->told_before], name - machine->holders);
    machine->begun = false;
}

static void on_removed(void *context, void *holder, uint32_t db, int64_t deadline_ms, uint32_t argc,
    const struct slice *argv) {
    struct machine *machine = context;
    const char *name = holder;
    long long left = deadline_ms == NO_DUE ? -1 : (long long)(deadline_ms - START_MS);
    buf_printf(&machine->told, "%c removed db%u %lld", (char)(name - machine->holders), db, left);
    for (uint32_t i = 0; i < argc; i++) {
        buf_append_char(&machine->told, ' ');
        buf_append_slice(&machine->told, argv[i]);
    }
    buf_append_text(&machine->told, ";");
}

/* Without the line ends of RESP, so that tests are readable. */
static void expect(struct machine *machine, const char *wanted) {
    struct buf text = {0};
    struct slice told = buf_slice(&machine->told);
    for (size_t i = 0; i < told.len; i++) {
        if (told.data[i] == '\r') continue;
        buf_append_char(&text, told.data[i] == '\n' ? ' ' : told.data[i]);
    }
    buf_append_char(&text, '\0');
    assert_string_equal(buf_slice(&text).data, wanted);
    buf_free(&text);
    buf_clear(&machine->told);
    assert_int_equal(engine_digest(machine->engine), engine_digest(machine->other));
}

/* -- applying -------------------------------------------------------------------------------- */

static void put_stamp(struct buf *out, const struct machine *machine) {
    struct entry_stamp stamp = {machine->now_ms, 7, false};
    entry_put_stamp(out, &stamp);
}

/* names: of the commands, in order; a command that waits is held under its name, and the answers of
 * those that do not are told like the others. ' ': not held, not told. */
static void apply_on(struct machine *machine, struct engine *engine, uint8_t kind,
    struct slice payload, const char *names) {
    assert_int_equal(engine_begin(engine, engine_applied(engine) + 1, kind, payload), SF_OK);
    struct engine_position at;
    for (size_t i = 0; engine_peek(engine, &at); i++) {
        struct reply reply = {NULL, 2};
        char name = names == NULL ? ' ' : names[i];
        struct buf mine = {0};
        if (name != ' ') reply.out = &mine;
        bool replied = engine_next(engine, &reply);
        forget_begun(machine);
        struct waiter_place place = {
            at.origin.node, at.origin.counter, at.origin.nonce, at.sequence, at.position};
        if (!replied && name != ' ')
            assert_true(engine_hold(engine, &place, &machine->holders[(int)name]));
        if (replied && name != ' ') {
            buf_append_char(&machine->told, name);
            buf_append_char(&machine->told, '=');
            buf_append_slice(&machine->told, buf_slice(&mine));
        }
        buf_free(&mine);
    }
    engine_end(engine);
    forget_begun(machine);
}

static void apply_raw(
    struct machine *machine, uint8_t kind, struct slice payload, const char *names) {
    apply_on(machine, machine->engine, kind, payload, names);
    apply_on(machine, machine->other, kind, payload, NULL);
}

static uint32_t words_of(char *text, struct slice *argv) {
    uint32_t argc = 0;
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = slice_text(word);
    return argc;
}

/* One sub-batch of a node: commands separated by "; ", each "name: words" or only words; "db2
 * words" for another db. */
static void apply(struct machine *machine, uint64_t node, const char *text) {
    struct buf payload = {0}, commands = {0};
    char copy[512], names[64] = "";
    uint32_t n = 0;
    put_stamp(&payload, machine);
    snprintf(copy, sizeof copy, "%s", text);
    for (char *rest = copy; rest != NULL; n++) {
        char *command = rest;
        rest = strstr(rest, "; ");
        if (rest != NULL) {
            *rest = '\0';
            rest += 2;
        }
        names[n] = ' ';
        if (command[1] == ':') {
            names[n] = command[0];
            command += 3;
        }
        uint32_t db = 0;
        if (strncmp(command, "db", 2) == 0 && command[3] == ' ') {
            db = (uint32_t)(command[2] - '0');
            command += 4;
        }
        struct slice argv[16];
        entry_put_command(&commands, db, words_of(command, argv), argv);
    }
    struct sub_batch_header header = {
        incarnation_of(node), ++machine->sequences[node], n, buf_slice(&commands)};
    assert_int_equal(sub_batch_check(&header, 4), SF_OK);
    entry_put_sub_batch(&payload, &header);
    apply_raw(machine, ENTRY_BATCH, buf_slice(&payload), names);
    buf_free(&commands);
    buf_free(&payload);
}

static void tick(struct machine *machine, int64_t ms) {
    struct buf payload = {0};
    machine->now_ms += ms;
    put_stamp(&payload, machine);
    apply_raw(machine, ENTRY_TICK, buf_slice(&payload), NULL);
    buf_free(&payload);
}

static void apply_members(struct machine *machine, uint32_t n) {
    struct raft_configuration members = {.n = n};
    for (uint32_t i = 0; i < n; i++)
        members.members[i] = (struct raft_member){.id = i + 1, .voter_new = true};
    struct buf payload = {0};
    configuration_encode(&members, &payload);
    apply_raw(machine, ENTRY_CONFIGURATION, buf_slice(&payload), NULL);
    buf_free(&payload);
}

static void apply_incarnation_of(struct machine *machine, struct incarnation incarnation) {
    struct buf payload = {0};
    put_stamp(&payload, machine);
    entry_put_incarnation(&payload, &incarnation);
    apply_raw(machine, ENTRY_INCARNATION, buf_slice(&payload), NULL);
    buf_free(&payload);
}

static void remove_waiters(struct machine *machine, uint64_t node) {
    struct buf payload = {0};
    put_stamp(&payload, machine);
    put_u64(&payload, node);
    apply_raw(machine, ENTRY_WAITERS_REMOVED, buf_slice(&payload), NULL);
    buf_free(&payload);
}

static struct machine *machine_new(void) {
    struct machine *machine = sf_alloc_zero(1, sizeof *machine);
    struct engine_watcher watcher = {.context = machine,
        .answer_begins = on_begins,
        .answer_ends = on_ends,
        .waiter_removed = on_removed};
    _Static_assert(sizeof machine->holders == 64, "names are used as indexes");
    machine->engine = engine_new(&defaults, &watcher);
    machine->other = engine_new(&defaults, NULL);
    machine->now_ms = START_MS;
    apply_members(machine, NODES);
    for (uint64_t node = 1; node <= NODES; node++)
        apply_incarnation_of(machine, incarnation_of(node));
    return machine;
}

static void machine_free(struct machine *machine) {
    engine_free(machine->engine);
    engine_free(machine->other);
    buf_free(&machine->told);
    sf_free(machine);
}

static struct waiting_figures figures(struct machine *machine) {
    struct waiting_figures out;
    engine_waiting_figures(machine->engine, &out);
    return out;
}

/* -- who is served --------------------------------------------------------------------------- */

static void test_what_is_there_is_taken_at_once(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 1, "RPUSH l 1 2; ZADD z 1 m 2 n; 0: BLPOP x l 0; 1: BRPOP l 0; 2: BZPOPMAX z 0");
    expect(m, "0=*2 $1 l $1 1 1=*2 $1 l $1 2 2=*3 $1 z $1 n $1 2 ");
    assert_int_equal(figures(m).n_waiters, 0);
    machine_free(m);
}

static void test_waiters_are_served_in_the_order_of_arrival_over_all_nodes(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 2, "0: BLPOP l 0; 1: BLPOP l 0");
    apply(m, 1, "2: BRPOP l 0");
    apply(m, 3, "3: BLPOP l 0");
    expect(m, "");
    apply(m, 3, "9: RPUSH l a b c");
    expect(m, "0=*2 $1 l $1 a 1=*2 $1 l $1 b 2=*2 $1 l $1 c 9=:3 ");
    apply(m, 1, "LPUSH l d; 9: RPOP l");
    expect(m, "3=*2 $1 l $1 d 9=$-1 ");
    machine_free(m);
}

static void test_a_waiter_on_several_keys_gets_one_element(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 1, "0: BLPOP x y x 0; 1: BLPOP y 0");
    assert_int_equal(figures(m).n_keys, 2);
    apply(m, 1, "RPUSH y 1; RPUSH x 2; 9: RPOP x; RPUSH y 3");
    expect(m, "0=*2 $1 y $1 1 9=$1 2 1=*2 $1 y $1 3 ");
    assert_int_equal(figures(m).n_keys, 0);
    machine_free(m);
}

static void test_only_the_type_that_is_waited_for_counts(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 1, "0: BLPOP k 0; 1: BZPOPMIN k 0");
    apply(m, 1, "SET k v; DEL k; SADD k m; DEL k");
    expect(m, "");
    apply(m, 1, "ZADD k 5 m");
    expect(m, "1=*3 $1 k $1 m $1 5 ");
    apply(m, 1, "RPUSH k e");
    expect(m, "0=*2 $1 k $1 e ");
    apply(m, 1, "SET k v; 2: BLPOP k 0; 3: BLPOP other k 0");
    expect(m, "2=-WRONGTYPE Operation against a key holding the wrong kind of value "
              "3=-WRONGTYPE Operation against a key holding the wrong kind of value ");
    machine_free(m);
}

static void test_moves_make_further_keys_ready(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 1, "0: BLPOP c 0; 1: BLMOVE b c LEFT RIGHT 0; 2: BRPOPLPUSH a b 0");
    apply(m, 2, "RPUSH a x");
    expect(m, "2=$1 x 1=$1 x 0=*2 $1 c $1 x ");
    machine_free(m);
}

static void test_two_moves_in_a_circle_end(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 1, "0: BLMOVE p q LEFT RIGHT 0; 1: BLMOVE q p LEFT RIGHT 0");
    apply(m, 1, "RPUSH p x");
    expect(m, "0=$1 x 1=$1 x ");
    apply(m, 1, "9: LPOP p");
    expect(m, "9=$1 x ");
    machine_free(m);
}

static void test_a_move_onto_another_type_fails_and_leaves_the_element(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 1, "SET s v; 0: BRPOPLPUSH l s 0; 1: BLPOP l 0");
    apply(m, 1, "RPUSH l e");
    expect(m, "0=-WRONGTYPE Operation against a key holding the wrong kind of value "
              "1=*2 $1 l $1 e ");
    machine_free(m);
}

static void test_whatever_makes_a_list_serves_its_waiters(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 1, "RPUSH src 1; 0: BLPOP dst 0");
    apply(m, 1, "RENAME src dst");
    expect(m, "0=*2 $3 dst $1 1 ");
    apply(m, 1, "RPUSH src 1 2; 0: BLPOP dst 0; COPY src dst");
    expect(m, "0=*2 $3 dst $1 1 ");
    apply(m, 1, "DEL dst; 0: BLPOP dst 0; SORT src STORE dst");
    expect(m, "0=*2 $3 dst $1 1 ");
    apply(m, 1, "DEL dst; 0: db1 BLPOP src 0; MOVE src 1");
    expect(m, "0=*2 $3 src $1 1 ");
    apply(m, 1, "0: db2 BLPOP src 0; 1: db1 BLPOP other 0; SWAPDB 1 2");
    expect(m, "0=*2 $3 src $1 2 ");
    apply(m, 1, "FLUSHALL; ZADD z 1 a; 2: BZPOPMIN u 0; ZUNIONSTORE u 1 z");
    expect(m, "2=*3 $1 u $1 a $1 1 ");
    assert_int_equal(figures(m).n_waiters, 1);
    machine_free(m);
}

static void test_a_push_into_what_is_dead_but_not_reclaimed_serves(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 1, "RPUSH l old; PEXPIRE l 5");
    m->now_ms += 10;
    apply(m, 1, "0: BLPOP l 0; RPUSH l new");
    expect(m, "0=*2 $1 l $3 new ");
    machine_free(m);
}

static void test_flushing_and_expiry_leave_the_waiters(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 1, "0: BLPOP l 0; RPUSH other 1; PEXPIRE other 5; FLUSHDB; FLUSHALL");
    tick(m, 100);
    expect(m, "");
    assert_int_equal(figures(m).n_waiters, 1);
    machine_free(m);
}

static void test_several_elements_at_once_serve_several_and_each_by_its_own_words(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 1, "0: BLMPOP 0 2 x l RIGHT COUNT 2; 1: BLPOP l 0; 2: BZMPOP 0 1 z MAX COUNT 5");
    apply(m, 1, "RPUSH l 1 2 3; ZADD z 1 a 2 b");
    expect(m, "0=*2 $1 l *2 $1 3 $1 2 1=*2 $1 l $1 1 "
              "2=*2 $1 z *2 *2 $1 b $1 2 *2 $1 a $1 1 ");
    machine_free(m);
}

static void test_out_of_memory_is_answered_to_a_waiter_too(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 1, "0: BLMOVE a b LEFT LEFT 0");
    struct buf payload = {0}, commands = {0};
    struct entry_stamp stamp = {m->now_ms, 7, true};
    struct slice words[3] = {SLICE("RENAME"), SLICE("src"), SLICE("a")};
    apply(m, 1, "RPUSH src 1");
    entry_put_stamp(&payload, &stamp);
    entry_put_command(&commands, 0, 3, words);
    struct sub_batch_header header = {
        incarnation_of(1), ++m->sequences[1], 1, buf_slice(&commands)};
    entry_put_sub_batch(&payload, &header);
    apply_raw(m, ENTRY_BATCH, buf_slice(&payload), NULL);
    expect(m, "0=-OOM command not allowed when used memory > 'maxmemory'. ");
    buf_free(&commands);
    buf_free(&payload);
    machine_free(m);
}

/* -- the words ------------------------------------------------------------------------------- */

static void test_time_outs_are_judged_as_redis_does(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 1, "0: BLPOP l x; 1: BLPOP l -1; 2: BLPOP l 1e400; 3: BLPOP l 9223372036854775");
    expect(m, "0=-ERR timeout is not a float or out of range 1=-ERR timeout is negative "
              "2=-ERR timeout is out of range 3=-ERR timeout is out of range ");
    apply(
        m, 1, "0: BLPOP l 1e18; 1: BLMPOP x 1 l LEFT; 2: BLMPOP 0 0 l LEFT; 3: BLMPOP 0 2 l LEFT");
    expect(m, "0=-ERR timeout is out of range 1=-ERR timeout is not a float or out of range "
              "2=-ERR numkeys should be greater than 0 3=-ERR syntax error ");
    apply(m, 1, "0: BLPOP l -0.0001; 1: BLPOP l 0.0001");
    expect(m, "");
    assert_int_equal(engine_next_due(m->engine), START_MS + 1);
    machine_free(m);
}

/* -- deadlines ------------------------------------------------------------------------------- */

static void test_deadlines_end_by_state_time_in_their_order(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 1, "0: BLPOP l 0.3; 1: BLMOVE l m LEFT LEFT 0.1; 2: BZPOPMIN z 0.1; 3: BLPOP l 0");
    assert_int_equal(engine_next_due(m->engine), START_MS + 100);
    tick(m, 99);
    expect(m, "");
    tick(m, 1);
    expect(m, "1=*-1 2=*-1 ");
    assert_int_equal(engine_next_due(m->engine), START_MS + 300);
    tick(m, 200);
    expect(m, "0=*-1 ");
    assert_int_equal(engine_next_due(m->engine), NO_DUE);
    machine_free(m);
}

static void test_one_entry_answers_a_bounded_number_of_deadlines(void **state) {
    (void)state;
    struct machine *m = machine_new();
    for (int i = 0; i < 700; i++) apply(m, 1, "BLPOP l 0.1");
    tick(m, 200);
    assert_int_equal(figures(m).n_waiters, 700 - 512);
    assert_true(engine_next_due(m->engine) <= m->now_ms); /* so the leader ticks again */
    tick(m, 1);
    assert_int_equal(figures(m).n_waiters, 0);
    expect(m, "");
    machine_free(m);
}

/* -- ends ------------------------------------------------------------------------------------ */

static void test_an_unblock_counts_only_where_it_comes_first(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 2, "0: BLPOP l 0; 1: BLPOP l 0; 2: BLPOP l 0; 3: BLPOP l 0");
    apply(m, 2,
        "8: shardforge.unblock 2 1 4713 1 0 timeout; 9: shardforge.unblock 2 1 4713 1 0 error");
    expect(m, "0=*-1 8=:1 9=:0 ");
    apply(m, 2, "RPUSH l e; 9: shardforge.unblock 2 1 4713 1 1 error");
    expect(m, "1=*2 $1 l $1 e 9=:0 ");
    apply(
        m, 2, "8: shardforge.unblock 2 1 4713 1 2 error; 9: shardforge.unblock 2 1 4713 1 3 gone");
    expect(m, "2=-UNBLOCKED client unblocked via CLIENT UNBLOCK 8=:1 9=:1 ");
    apply(m, 2, "9: shardforge.unblock 2 1 4712 1 3 gone; RPUSH l f; 8: RPOP l");
    expect(m, "9=:0 8=$1 f ");
    machine_free(m);
}

static void test_a_silent_members_waiters_leave_and_queue_again_with_their_deadline(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 2, "0: db1 BLPOP l 5; 1: BLPOP k 0");
    apply(m, 1, "2: db1 BLPOP l 0");
    remove_waiters(m, 2);
    expect(m, "0 removed db1 5000 BLPOP l 5;1 removed db0 -1 BLPOP k 0;");
    m->now_ms += 1000;
    apply(m, 2, "0: db1 shardforge.again 1700000005000 BLPOP l 5");
    assert_int_equal(engine_next_due(m->engine), START_MS + 5000);
    apply(m, 1, "db1 RPUSH l x y");
    expect(m, "2=*2 $1 l $1 x 0=*2 $1 l $1 y ");
    apply(m, 2, "0: shardforge.again 1700000000000 BLPOP l 5"); /* its time came meanwhile */
    expect(m, "0=*-1 ");
    apply(m, 2, "0: shardforge.again -1 BLPOP l 5; 1: shardforge.again 5 RPUSH l 5");
    expect(m, "0=-ERR syntax error 1=-ERR syntax error ");
    machine_free(m);
}

static void test_a_new_incarnation_or_leaving_ends_a_members_waiting(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 2, "BLPOP l 0");
    apply(m, 3, "BLPOP l 0");
    apply(m, 1, "0: BLPOP l 0");
    apply_incarnation_of(m, (struct incarnation){2, 2, 1});
    assert_int_equal(figures(m).n_waiters, 2);
    apply_members(m, 2);
    assert_int_equal(figures(m).n_waiters, 1);
    assert_false(engine_node_waits(m->engine, 2));
    assert_true(engine_node_waits(m->engine, 1));
    apply(m, 1, "RPUSH l x");
    expect(m, "0=*2 $1 l $1 x ");
    machine_free(m);
}

/* -- the queue is state ---------------------------------------------------------------------- */

static void test_a_reloaded_state_serves_in_the_same_order(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 1, "RPUSH there 1");
    apply(m, 3, "0: BLPOP a b 0; 1: BLPOP b 9; 2: BZPOPMIN b 9");
    apply(m, 1, "3: BRPOPLPUSH b c 0; 4: db1 BLMPOP 0 1 b LEFT");
    struct buf image = {0};
    engine_dump(m->engine, &image);
    engine_free(m->other);
    m->other = engine_new(&defaults, NULL);
    assert_int_equal(engine_load(m->other, buf_slice(&image)), SF_OK);
    buf_free(&image);
    expect(m, "");
    assert_int_equal(engine_next_due(m->other), START_MS + 9000);
    apply(m, 1, "RPUSH b 1");
    expect(m, "0=*2 $1 b $1 1 ");
    apply(m, 1, "RPUSH b 2; RPUSH b 3; db1 RPUSH b 4; ZADD b 1 x");
    expect(m, "1=*2 $1 b $1 2 3=$1 3 4=*2 $1 b *1 $1 4 2=*3 $1 b $1 x $1 1 ");
    machine_free(m);
}

static void test_the_digest_sees_the_queue_and_its_order(void **state) {
    (void)state;
    struct machine *m = machine_new(), *n = machine_new();
    apply(m, 1, "BLPOP l 0; SET k v");
    apply(n, 1, "DEL l; SET k v");
    assert_true(engine_digest(m->engine) != engine_digest(n->engine));
    machine_free(m);
    machine_free(n);
}

static void test_a_damaged_queue_is_not_loaded(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 1, "BLPOP a b 0; BLPOP b 9");
    struct buf image = {0};
    engine_dump(m->engine, &image);
    for (size_t len = 0; len < image.len; len++) {
        struct engine *engine = engine_new(&defaults, NULL);
        if (engine_load(engine, slice_of(buf_slice(&image).data, len)) == SF_OK)
            fail_msg("a part of %zu bytes was loaded", len);
        engine_free(engine);
    }
    buf_free(&image);
    machine_free(m);
}

static void test_who_is_not_there_cannot_be_held(void **state) {
    (void)state;
    struct machine *m = machine_new();
    struct waiter_place place = {1, 1, 4712, 1, 0};
    assert_false(engine_hold(m->engine, &place, m));
    apply(m, 1, "BLPOP l 0");
    assert_true(engine_hold(m->engine, &place, &m->holders['0']));
    place.position = 1;
    assert_false(engine_hold(m->engine, &place, m));
    apply(m, 1, "RPUSH l 1");
    expect(m, "0=*2 $1 l $1 1 ");
    machine_free(m);
}

/* -- streams --------------------------------------------------------------------------------- */

static void test_who_reads_a_stream_waits_for_more_of_it(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 1, "XADD s 1-1 f v; 0: shardforge.again 0 XREAD BLOCK 100 STREAMS s t $ $");
    apply(m, 2, "1: shardforge.again 0 XREAD BLOCK 0 STREAMS s 2-0");
    expect(m, "");
    apply(m, 1, "XADD s 1-2 f w");
    expect(m, "0=*1 *2 $1 s *1 *2 $3 1-2 *2 $1 f $1 w ");
    apply(m, 1, "XADD s 2-1 f x");
    expect(m, "1=*1 *2 $1 s *1 *2 $3 2-1 *2 $1 f $1 x ");
    apply(m, 1, "0: shardforge.again 0 XREAD BLOCK 100 STREAMS t $");
    tick(m, 100);
    expect(m, "0=*-1 ");
    machine_free(m);
}

static void test_consumers_of_a_group_hear_that_it_is_gone(void **state) {
    (void)state;
    struct machine *m = machine_new();
    apply(m, 1, "XGROUP CREATE s g $ MKSTREAM; 0: XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
    apply(m, 1, "1: XREADGROUP GROUP g d BLOCK 0 STREAMS s >");
    assert_int_equal(figures(m).n_keys_on_loss, 1);
    apply(m, 1, "XADD s 1-1 f v");
    expect(m, "0=*1 *2 $1 s *1 *2 $3 1-1 *2 $1 f $1 v ");
    apply(m, 1, "PEXPIRE s 50");
    tick(m, 50);
    expect(m, "1=-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option ");
    assert_int_equal(figures(m).n_keys_on_loss, 0);
    apply(m, 1, "XGROUP CREATE s g $ MKSTREAM; 0: XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
    apply(m, 1, "FLUSHALL");
    expect(m, "0=-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option ");
    machine_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_there_is_taken_at_once),
        cmocka_unit_test(test_waiters_are_served_in_the_order_of_arrival_over_all_nodes),
        cmocka_unit_test(test_a_waiter_on_several_keys_gets_one_element),
        cmocka_unit_test(test_only_the_type_that_is_waited_for_counts),
        cmocka_unit_test(test_moves_make_further_keys_ready),
        cmocka_unit_test(test_two_moves_in_a_circle_end),
        cmocka_unit_test(test_a_move_onto_another_type_fails_and_leaves_the_element),
        cmocka_unit_test(test_whatever_makes_a_list_serves_its_waiters),
        cmocka_unit_test(test_a_push_into_what_is_dead_but_not_reclaimed_serves),
        cmocka_unit_test(test_flushing_and_expiry_leave_the_waiters),
        cmocka_unit_test(test_several_elements_at_once_serve_several_and_each_by_its_own_words),
        cmocka_unit_test(test_out_of_memory_is_answered_to_a_waiter_too),
        cmocka_unit_test(test_time_outs_are_judged_as_redis_does),
        cmocka_unit_test(test_deadlines_end_by_state_time_in_their_order),
        cmocka_unit_test(test_one_entry_answers_a_bounded_number_of_deadlines),
        cmocka_unit_test(test_an_unblock_counts_only_where_it_comes_first),
        cmocka_unit_test(test_a_silent_members_waiters_leave_and_queue_again_with_their_deadline),
        cmocka_unit_test(test_a_new_incarnation_or_leaving_ends_a_members_waiting),
        cmocka_unit_test(test_a_reloaded_state_serves_in_the_same_order),
        cmocka_unit_test(test_the_digest_sees_the_queue_and_its_order),
        cmocka_unit_test(test_a_damaged_queue_is_not_loaded),
        cmocka_unit_test(test_who_is_not_there_cannot_be_held),
        cmocka_unit_test(test_who_reads_a_stream_waits_for_more_of_it),
        cmocka_unit_test(test_consumers_of_a_group_hear_that_it_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
