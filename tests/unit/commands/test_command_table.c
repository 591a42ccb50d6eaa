#include "commands/command_docs.h"
#include "unit/commands/world.h"

#include <ctype.h>

static void test_rows_are_in_the_order_of_their_names(void **state) {
    (void)state;
    for (uint32_t id = 0; id < command_count(); id++) {
        const struct command *command = command_by_id(id);
        assert_int_equal(command->id, id);
        assert_int_equal(strlen(command->name), command->name_len);
        if (id > 0) assert_true(strcmp(command_by_id(id - 1)->name, command->name) < 0);
    }
}

static void test_every_name_is_found_in_any_case(void **state) {
    (void)state;
    for (uint32_t id = 0; id < command_count(); id++) {
        const struct command *command = command_by_id(id);
        assert_ptr_equal(command_by_name(command->name), command);
        char upper[COMMAND_NAME_BYTES];
        for (size_t i = 0; i < sizeof(upper); i++) upper[i] = (char)toupper(command->name[i]);
        const char *bar = strchr(upper, '|');
        struct slice whole = slice_text(upper);
        struct slice words[] = {whole, whole};
        if (bar != NULL) {
            words[0].len = (size_t)(bar - upper);
            words[1] = slice_text(bar + 1);
        }
        bool internal = (command->flags & CMD_INTERNAL) != 0;
        assert_ptr_equal(command_lookup(bar == NULL ? 1 : 2, words), internal ? NULL : command);
        assert_ptr_equal(command_by_full_name(whole), internal ? NULL : command);
        assert_ptr_equal(command_internal(whole), internal ? command : NULL);
    }
}

static void test_containers_hold_exactly_their_subcommands(void **state) {
    (void)state;
    const struct command *container = NULL;
    for (uint32_t id = 0; id < command_count(); id++) {
        const struct command *command = command_by_id(id);
        if (!command_is_subcommand(command)) {
            container = command;
            assert_true((command->subcommands == NULL) == (command->n_subcommands == 0));
            continue;
        }
        assert_memory_equal(command->name, container->name, container->name_len);
        assert_int_equal(command->name[container->name_len], '|');
        assert_true(command >= container->subcommands);
        assert_true(command < container->subcommands + container->n_subcommands);
    }
}

static void test_every_row_is_of_one_route_and_says_who_runs_it(void **state) {
    (void)state;
    for (uint32_t id = 0; id < command_count(); id++) {
        const struct command *command = command_by_id(id);
        enum command_route route = command_route(command);
        if (route != ROUTE_LOCAL) assert_non_null(command->run);
        bool scripting = (command->categories & CAT_SCRIPTING) != 0; /* flagged as Redis does */
        if (route == ROUTE_READ) assert_true((command->flags & CMD_READ) != 0 || scripting);
        if (route == ROUTE_WRITE) assert_true((command->flags & CMD_READ) == 0);
        if ((command->flags & CMD_GROWS) != 0) assert_int_equal(route, ROUTE_WRITE);
        assert_true(command->arity != 0);
    }
}

static void test_key_specifications_agree_with_the_key_range(void **state) {
    (void)state;
    for (uint32_t id = 0; id < command_count(); id++) {
        const struct command *command = command_by_id(id);
        const struct key_spec *specs = command->docs->key_specs;
        bool movable = (command->flags & CMD_MOVABLE_KEYS) != 0;
        assert_true((specs == NULL) == (command->first_key == 0 && !movable));
        if (specs == NULL || movable) continue;
        assert_int_equal(specs[0].begin_index, command->first_key);
        assert_int_equal(specs[0].step, command->key_step);
        int32_t last = 0;
        for (size_t i = 0; specs[i].begin_index != 0; i++)
            last = specs[i].last < 0 ? specs[i].last : specs[i].begin_index + specs[i].last;
        assert_int_equal(last, command->last_key);
    }
}

static void test_key_positions(void **state) {
    (void)state;
    uint32_t at[4];
    assert_int_equal(command_key_positions(command_by_name("mset"), 5, NULL, at, 4), 2);
    assert_int_equal(at[0], 1);
    assert_int_equal(at[1], 3);
    assert_int_equal(command_key_positions(command_by_name("copy"), 4, NULL, at, 4), 2);
    assert_int_equal(at[1], 2);
    assert_int_equal(command_key_positions(command_by_name("object|encoding"), 3, NULL, at, 4), 1);
    assert_int_equal(at[0], 2);
    assert_int_equal(command_key_positions(command_by_name("del"), 9, NULL, at, 2), 8);
    assert_int_equal(command_key_positions(command_by_name("ping"), 1, NULL, at, 4), 0);
}

static void test_a_count_of_keys_is_believed_only_as_far_as_arguments_go(void **state) {
    (void)state;
    uint32_t at[4];
    const struct command *command = command_by_name("sintercard");
    struct slice argv[] = {SLICE("sintercard"), SLICE("2"), SLICE("a"), SLICE("b"), SLICE("c")};
    assert_int_equal(command_key_positions(command, 5, argv, at, 4), 2);
    assert_int_equal(at[0], 2);
    assert_int_equal(at[1], 3);
    static const char *const counts[] = {"0", "-1", "4", "9223372036854775807", "x", ""};
    for (size_t i = 0; i < SF_LENGTH(counts); i++) {
        argv[1] = slice_text(counts[i]);
        assert_int_equal(command_key_positions(command, 5, argv, at, 4), 0);
    }
}

static void test_unknown_commands_are_named_with_their_arguments(void **state) {
    (void)state;
#define UNKNOWN "-ERR unknown command "
    SCENARIO({"FOO", UNKNOWN "'FOO', with args beginning with: "},
        {"foo a 'b c'", UNKNOWN "'foo', with args beginning with: 'a' 'b c' "},
        {"'' x", UNKNOWN "'', with args beginning with: 'x' "},
        {"client|id", UNKNOWN "'client|id', with args beginning with: "},
        {"shardforge.setting a b",
            UNKNOWN "'shardforge.setting', with args beginning with: 'a' 'b' "},
        {"mutli", UNKNOWN "'mutli', with args beginning with: "});
#undef UNKNOWN
}

static void test_error_texts_show_128_bytes_of_what_was_sent(void **state) {
    (void)state;
    char name[201], expected[600], shown[129];
    memset(name, 'x', 200);
    name[200] = '\0';
    memcpy(shown, name, 128);
    shown[128] = '\0';
    struct world world;
    world_open(&world);
    struct slice argv[] = {slice_text(name), slice_text(name), SLICE("more")};
    snprintf(expected, sizeof(expected),
        "-ERR unknown command '%s', with args beginning with: '%s' ", shown, shown);
    assert_string_equal(world_run(&world, 3, argv), expected);
    struct slice object[] = {SLICE("object"), slice_text(name)};
    snprintf(expected, sizeof(expected), "-ERR unknown subcommand '%s'. Try OBJECT HELP.", shown);
    assert_string_equal(world_run(&world, 2, object), expected);
    world_close(&world);
}

static void test_a_zero_byte_never_makes_a_known_name(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    struct slice argv[] = {slice_of("get\0", 4), slice_of("a\0b", 3), slice_of(NULL, 0)};
    assert_string_equal(world_run(&world, 3, argv),
        "-ERR unknown command 'get', with args beginning with: 'a' '' ");
    assert_null(command_lookup(1, &(struct slice){NULL, 0}));
    world_close(&world);
}

static void test_arity_is_checked_and_names_the_whole_command(void **state) {
    (void)state;
#define WRONG(name) "-ERR wrong number of arguments for '" name "' command"
    SCENARIO({"GET", WRONG("get")}, {"get a b", WRONG("get")}, {"MGET", WRONG("mget")},
        {"CLIENT", WRONG("client")}, {"CLIENT ID x", WRONG("client|id")},
        {"client foo", "-ERR unknown subcommand 'foo'. Try CLIENT HELP."},
        {"CLUSTER MEET a", WRONG("cluster|meet")}, {"PING", "(node)"}, {"CLIENT ID", "(node)"},
        {"COMMAND GETKEYS", WRONG("command|getkeys")});
#undef WRONG
}

static void test_categories_follow_from_flags(void **state) {
    (void)state;
    uint32_t get = command_categories(command_by_name("get"));
    assert_int_equal(get, CAT_READ | CAT_STRING | CAT_FAST);
    uint32_t meet = command_categories(command_by_name("cluster|meet"));
    assert_int_equal(meet, CAT_ADMIN | CAT_DANGEROUS | CAT_SLOW);
    assert_string_equal(command_category_name(CAT_SCRIPTING), "scripting");
    assert_null(command_category_name((uint32_t)CAT_SCRIPTING << 1));
}

struct settings_seen {
    char text[64];
};

static void see_setting(void *context, struct slice name, struct slice value) {
    struct settings_seen *seen = context;
    size_t len = strlen(seen->text);
    snprintf(seen->text + len, sizeof(seen->text) - len, "%.*s=%.*s ", (int)name.len, name.data,
        (int)value.len, value.data);
}

static void test_the_internal_setting_command_reaches_the_engine(void **state) {
    (void)state;
    struct settings_seen seen = {""};
    struct engine_port port = {.context = &seen, .set_setting = see_setting};
    struct buf out = {0};
    struct reply reply = {&out, 2};
    struct slice argv[] = {
        SLICE("shardforge.setting"), SLICE("a"), SLICE("1"), SLICE("b"), SLICE("")};
    struct call call = {.command = command_internal(argv[0]),
        .argc = 5,
        .argv = argv,
        .reply = &reply,
        .engine = &port};
    assert_int_equal(command_route(call.command), ROUTE_WRITE);
    call_run(&call);
    assert_string_equal(seen.text, "a=1 b= ");
    call.argc = 4; /* half a pair: nothing happens */
    call_run(&call);
    assert_string_equal(seen.text, "a=1 b= ");
    assert_null(command_internal(SLICE("get")));
    buf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_in_the_order_of_their_names),
        cmocka_unit_test(test_every_name_is_found_in_any_case),
        cmocka_unit_test(test_containers_hold_exactly_their_subcommands),
        cmocka_unit_test(test_every_row_is_of_one_route_and_says_who_runs_it),
        cmocka_unit_test(test_key_specifications_agree_with_the_key_range),
        cmocka_unit_test(test_key_positions),
        cmocka_unit_test(test_a_count_of_keys_is_believed_only_as_far_as_arguments_go),
        cmocka_unit_test(test_unknown_commands_are_named_with_their_arguments),
        cmocka_unit_test(test_error_texts_show_128_bytes_of_what_was_sent),
        cmocka_unit_test(test_a_zero_byte_never_makes_a_known_name),
        cmocka_unit_test(test_arity_is_checked_and_names_the_whole_command),
        cmocka_unit_test(test_categories_follow_from_flags),
        cmocka_unit_test(test_the_internal_setting_command_reaches_the_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
