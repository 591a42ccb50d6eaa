/* What users may do where it is applied: claims, and users as part of the state. */
#include "commands/acl.h"
#include "engine/engine.h"
#include "raft/configuration.h"
#include "unit/check.h"
#include "util/codec.h"

#include <stdio.h>

#define START_MS INT64_C(1700000000000)
#define QUEUED_BEFORE                                                                              \
    "-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC "  \
    "call. This command is no longer allowed for the following reason: "

static const struct incarnation ours = {1, 1, 4711};
static const struct engine_settings engine_defaults = {1, 4, {1, 2}, 512 << 20};

struct machine {
    struct engine *engine;
    uint64_t sequence;
    struct buf reply;
    uint32_t n_denied, n_changed;
};

static void on_denied(void *context, const struct command_denied *denied) {
    struct machine *machine = context;
    machine->n_denied++;
    (void)denied;
}

static void on_changed(void *context, const struct acl_user *before, const struct acl_user *after) {
    struct machine *machine = context;
    machine->n_changed++;
    (void)before, (void)after;
}

static void apply_raw(struct machine *machine, uint8_t kind, struct buf *payload) {
    struct engine *engine = machine->engine;
    assert_int_equal(
        engine_begin(engine, engine_applied(engine) + 1, kind, buf_slice(payload)), SF_OK);
    struct engine_position at;
    struct reply reply = {&machine->reply, 2};
    while (engine_peek(engine, &at)) engine_next(engine, &reply);
    engine_end(engine);
    buf_free(payload);
}

static void put_stamp(struct buf *out, const struct machine *machine) {
    struct entry_stamp stamp = {START_MS, machine->sequence, false};
    entry_put_stamp(out, &stamp);
}

static void machine_open(struct machine *machine) {
    *machine = (struct machine){.sequence = 0};
    struct engine_watcher watcher = {
        .context = machine, .denied = on_denied, .users_changed = on_changed};
    machine->engine = engine_new(&engine_defaults, &watcher);
    struct raft_configuration members = {.n = 1, .members = {{.id = 1, .voter_new = true}}};
    struct buf payload = {0};
    configuration_encode(&members, &payload);
    apply_raw(machine, ENTRY_CONFIGURATION, &payload);
    put_stamp(&payload, machine);
    entry_put_incarnation(&payload, &ours);
    apply_raw(machine, ENTRY_INCARNATION, &payload);
}

static void machine_close(struct machine *machine) {
    engine_free(machine->engine);
    buf_free(&machine->reply);
}

static uint32_t words_of(char *text, struct slice *argv) {
    uint32_t argc = 0;
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = slice_text(word);
    return argc;
}

static void apply_one(struct machine *machine, struct buf *command) {
    struct buf payload = {0};
    put_stamp(&payload, machine);
    struct sub_batch_header header = {ours, ++machine->sequence, 1, buf_slice(command)};
    assert_int_equal(sub_batch_check(&header, 4), SF_OK);
    entry_put_sub_batch(&payload, &header);
    buf_free(command);
    apply_raw(machine, ENTRY_BATCH, &payload);
}

/* claim NULL: without one. */
static void apply(struct machine *machine, const struct acl_claim *claim, const char *text) {
    char copy[256];
    struct slice argv[16];
    struct buf command = {0};
    snprintf(copy, sizeof copy, "%s", text);
    uint32_t argc = words_of(copy, argv);
    if (claim == NULL)
        entry_put_command(&command, 0, argc, argv);
    else
        entry_put_claimed_command(&command, claim, 0, argc, argv);
    apply_one(machine, &command);
}

static void expect(struct machine *machine, const char *replies) {
    buf_append_char(&machine->reply, '\0');
    assert_string_equal(buf_slice(&machine->reply).data, replies);
    buf_clear(&machine->reply);
}

static struct acl_claim claim_of(const struct machine *machine, const char *name) {
    const struct acl *acl = engine_acl(machine->engine);
    return (struct acl_claim){acl_user_id(acl_find(acl, slice_text(name))), acl_revision(acl)};
}

static void test_what_was_allowed_is_checked_again_only_where_the_users_moved(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    apply(&machine, NULL, "shardforge.acl set x on +get ~a");
    expect(&machine, "+OK\r\n");
    struct acl_claim claim = claim_of(&machine, "x");
    apply(&machine, &claim, "set b 1"); /* its node has checked it: whatever that says */
    expect(&machine, "+OK\r\n");
    apply(&machine, NULL, "shardforge.acl set y on");
    apply(&machine, &claim, "set b 2");
    expect(&machine, "+OK\r\n-NOPERM User x has no permissions to run the 'set' command\r\n");
    apply(&machine, NULL, "shardforge.acl set x +set");
    apply(&machine, &claim, "set b 2");
    expect(&machine, "+OK\r\n-NOPERM No permissions to access a key\r\n");
    apply(&machine, &claim, "set a 2");
    expect(&machine, "+OK\r\n");
    assert_int_equal(machine.n_denied, 2);
    assert_int_equal(machine.n_changed, 3);
    machine_close(&machine);
}

static void test_a_deleted_users_commands_do_nothing(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    apply(&machine, NULL, "shardforge.acl set x on +@all ~* &*");
    struct acl_claim claim = claim_of(&machine, "x");
    apply(&machine, &claim, "set a 1");
    apply(&machine, NULL, "shardforge.acl del x nobody");
    apply(&machine, NULL, "shardforge.acl set x on +@all ~* &*");
    apply(&machine, &claim, "set a 2");
    expect(&machine, "+OK\r\n+OK\r\n:1\r\n+OK\r\n"
                     "-NOPERM User  has no permissions to run the 'set' command\r\n");
    struct acl_claim wild = {UINT64_MAX, 0};
    apply(&machine, &wild, "shardforge.setting maxmemory 1");
    expect(&machine, "-NOPERM User  has no permissions to run the 'config|set' command\r\n");
    apply(&machine, &wild, "shardforge.publish channel a b");
    expect(&machine, "-NOPERM User  has no permissions to run the 'publish' command\r\n");
    apply(&machine, &wild, "shardforge.acl set default off");
    expect(&machine, "-NOPERM User  has no permissions to run the 'acl|setuser' command\r\n");
    apply(&machine, &wild, "shardforge.again 0 blpop k 0");
    expect(&machine, "-NOPERM User  has no permissions to run the 'blpop' command\r\n");
    machine_close(&machine);
}

static void test_commands_without_a_claim_are_the_default_users(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    apply(&machine, NULL, "shardforge.acl set default -set");
    apply(&machine, NULL, "set a 1");
    apply(&machine, NULL, "append a 1");
    apply(&machine, NULL, "eval redis.call('set','a','1') 0");
    apply(&machine, NULL, "shardforge.setting set-max-intset-entries 5"); /* a node's own */
    apply(&machine, NULL, "shardforge.publish channel a b");
    buf_append_char(&machine.reply, '\0');
    const char *replies = buf_slice(&machine.reply).data;
    assert_non_null(strstr(replies,
        "+OK\r\n-NOPERM User default has no permissions to run the 'set' command\r\n:1\r\n-ERR ACL "
        "failure in script: User default has no permissions to run the 'set' command"));
    assert_non_null(strstr(replies, "\r\n+OK\r\n:0\r\n"));
    buf_clear(&machine.reply);
    apply(&machine, NULL, "shardforge.acl set default +set");
    apply(&machine, NULL, "set a 1");
    expect(&machine, "+OK\r\n+OK\r\n");
    machine_close(&machine);
}

static void put_text(struct buf *commands, const char *text) {
    char copy[256];
    struct slice argv[16];
    snprintf(copy, sizeof copy, "%s", text);
    entry_put_command(commands, 0, words_of(copy, argv), argv);
}

static void test_a_transaction_checks_each_place(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    apply(&machine, NULL, "shardforge.acl set x on +@all ~a");
    struct acl_claim claim = claim_of(&machine, "x");
    apply(&machine, NULL, "shardforge.acl set x -incr");
    expect(&machine, "+OK\r\n+OK\r\n");
    struct buf commands = {0}, counts = {0}, whole = {0};
    put_text(&commands, "set a 1");
    put_text(&commands, "incr a");
    put_text(&commands, "shardforge.acl set x resetkeys");
    put_text(&commands, "set a 2");
    struct transaction_words words = {0, 4, {NULL, 0}, buf_slice(&commands)};
    struct slice argv[TRANSACTION_ARGC];
    transaction_put(&words, &counts, argv);
    entry_put_claimed_command(&whole, &claim, 0, TRANSACTION_ARGC, argv);
    apply_one(&machine, &whole);
    expect(&machine, "*4\r\n+OK\r\n" QUEUED_BEFORE
                     "no permission to execute the command or subcommand\r\n+OK\r\n" QUEUED_BEFORE
                     "no permission to touch the specified keys\r\n");
    buf_free(&commands);
    buf_free(&counts);
    machine_close(&machine);
}

static void test_who_waits_is_checked_when_he_is_served(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    apply(&machine, NULL, "shardforge.acl set x on +@all ~*");
    struct acl_claim claim = claim_of(&machine, "x");
    apply(&machine, &claim, "blpop k 0");
    struct buf image = {0};
    engine_dump(machine.engine, &image); /* the claim waits with him */
    uint64_t digest = engine_digest(machine.engine);
    struct engine *again = engine_new(&engine_defaults, NULL);
    assert_int_equal(engine_load(again, buf_slice(&image)), SF_OK);
    assert_int_equal(engine_digest(again), digest);
    engine_free(again);
    buf_free(&image);
    apply(&machine, NULL, "shardforge.acl set x -blpop");
    apply(&machine, NULL, "rpush k v");
    apply(&machine, NULL, "lpop k");
    assert_int_equal(machine.n_denied, 1);
    expect(&machine, "+OK\r\n+OK\r\n:1\r\n$1\r\nv\r\n");
    machine_close(&machine);
}

static void test_a_read_is_checked_by_its_reader(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    apply(&machine, NULL, "shardforge.acl set x on +get ~a");
    buf_clear(&machine.reply);
    struct acl_claim claim = claim_of(&machine, "x");
    claim.revision--;
    const struct slice words[2] = {SLICE("get"), SLICE("b")};
    struct reply reply = {&machine.reply, 2};
    engine_read_as(machine.engine, &claim);
    assert_int_equal(engine_query(machine.engine, command_lookup(2, words), 0, 2, words, START_MS,
                         true, 1, &reply),
        QUERY_DONE);
    expect(&machine, "-NOPERM No permissions to access a key\r\n");
    machine_close(&machine);
}

static void test_a_password_set_is_the_default_users(void **state) {
    (void)state;
    struct machine machine;
    machine_open(&machine);
    apply(&machine, NULL, "shardforge.setting requirepass secret");
    const struct acl_user *user = acl_find(engine_acl(machine.engine), SLICE("default"));
    assert_true(acl_user_accepts(user, SLICE("secret")));
    assert_true(acl_user_needs_password(user));
    apply(&machine, NULL, "shardforge.acl seed x 1 on"); /* the cluster has begun already */
    assert_null(acl_find(engine_acl(machine.engine), SLICE("x")));
    apply(&machine, NULL, "shardforge.acl load x 1 on default 2 reset on");
    assert_non_null(acl_find(engine_acl(machine.engine), SLICE("x")));
    struct buf image = {0};
    engine_dump(machine.engine, &image);
    struct engine *again = engine_new(&engine_defaults, NULL);
    assert_int_equal(engine_load(again, buf_slice(&image)), SF_OK);
    assert_int_equal(engine_digest(again), engine_digest(machine.engine));
    assert_true(acl_same_users(engine_acl(again), engine_acl(machine.engine)));
    engine_free(again);
    buf_free(&image);
    expect(&machine, "+OK\r\n+OK\r\n+OK\r\n");
    machine_close(&machine);
}

static void test_words_that_no_node_makes_are_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {"shardforge.acl set", "shardforge.acl",
        "shardforge.acl x y", "shardforge.acl load x", "shardforge.acl load x 5 on",
        "shardforge.acl load x -1", "shardforge.acl load x 1 foo", "shardforge.acl load x y z",
        "shardforge.acl del default"};
    struct machine machine;
    machine_open(&machine);
    for (size_t i = 0; i < SF_LENGTH(wrong); i++) {
        if (i == 1) continue; /* too few words: never gets so far */
        apply(&machine, NULL, wrong[i]);
        assert_int_equal(buf_slice(&machine.reply).data[0], '-');
        buf_clear(&machine.reply);
    }
    assert_int_equal(acl_revision(engine_acl(machine.engine)), 0);
    machine_close(&machine);
}

static void test_a_claim_must_be_one(void **state) {
    (void)state;
    const struct slice argv[2] = {SLICE("get"), SLICE("a")},
                       set[3] = {SLICE("set"), SLICE("a"), SLICE("b")};
    struct acl_claim claim = {7, 9};
    struct buf commands = {0};
    entry_put_claimed_command(&commands, &claim, 3, 3, set);
    struct sub_batch_header header = {ours, 1, 1, buf_slice(&commands)};
    struct command_reader reader = {0};
    command_reader_begin(&reader, &header);
    assert_true(command_reader_next(&reader));
    assert_int_equal(reader.db, 3);
    assert_int_equal(reader.claim.id, 7);
    assert_int_equal(reader.claim.revision, 9);
    struct buf same = {0};
    command_reader_put(&reader, &same);
    assert_true(slice_equal(buf_slice(&same), buf_slice(&commands)));
    command_reader_free(&reader);
    assert_int_equal(sub_batch_check(&header, 4), SF_OK);
    assert_int_equal(sub_batch_check(&header, 3), SF_ERR_CORRUPT);
    buf_clear(&commands);
    put_varint(&commands, 1 << 20); /* id 0 */
    put_varint(&commands, 0);
    put_varint(&commands, 0);
    put_varint(&commands, 3);
    for (int i = 0; i < 3; i++) put_string(&commands, set[i]);
    header.commands = buf_slice(&commands);
    assert_int_equal(sub_batch_check(&header, 4), SF_ERR_CORRUPT);
    buf_clear(&commands);
    buf_clear(&same);
    entry_put_claimed_command(&same, &claim, 0, 2, argv); /* inside a transaction */
    struct transaction_words words = {0, 1, {NULL, 0}, buf_slice(&same)};
    struct slice exec[TRANSACTION_ARGC];
    struct buf counts = {0};
    transaction_put(&words, &counts, exec);
    entry_put_command(&commands, 0, TRANSACTION_ARGC, exec);
    header.commands = buf_slice(&commands);
    assert_int_equal(sub_batch_check(&header, 4), SF_ERR_CORRUPT);
    buf_free(&commands);
    buf_free(&counts);
    buf_free(&same);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_allowed_is_checked_again_only_where_the_users_moved),
        cmocka_unit_test(test_a_deleted_users_commands_do_nothing),
        cmocka_unit_test(test_commands_without_a_claim_are_the_default_users),
        cmocka_unit_test(test_a_transaction_checks_each_place),
        cmocka_unit_test(test_who_waits_is_checked_when_he_is_served),
        cmocka_unit_test(test_a_read_is_checked_by_its_reader),
        cmocka_unit_test(test_a_password_set_is_the_default_users),
        cmocka_unit_test(test_words_that_no_node_makes_are_refused),
        cmocka_unit_test(test_a_claim_must_be_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
