#include "unit/commands/world.h"

static void test_info_describes_a_command_as_redis_does(void **state) {
    (void)state;
    SCENARIO({"COMMAND INFO get none",
                 "[['get' 2 [+readonly +fast] 1 1 1 [+@read +@string +@fast] [] "
                 "[['flags' [+RO +access] 'begin_search' ['type' 'index' 'spec' ['index' 1]] "
                 "'find_keys' ['type' 'range' 'spec' ['lastkey' 0 'keystep' 1 'limit' 0]]]] []] "
                 "nil]"},
        {"COMMAND INFO client|id",
            "[['client|id' 2 [+noscript +loading +stale] 0 0 0 [+@slow +@connection] [] [] []]]"},
        {"COMMAND INFO del",
            "[['del' -2 [+write] 1 -1 1 [+@keyspace +@write +@slow] "
            "['request_policy:multi_shard' 'response_policy:agg_sum'] "
            "[['flags' [+RM +delete] 'begin_search' ['type' 'index' 'spec' ['index' 1]] "
            "'find_keys' ['type' 'range' 'spec' ['lastkey' -1 'keystep' 1 'limit' 0]]]] []]]"},
        {"COMMAND INFO shardforge.setting", "[nil]"});
}

static void test_info_uses_sets_and_maps_in_resp3(void **state) {
    (void)state;
    SCENARIO({"@proto 3", NULL},
        {"COMMAND INFO mget",
            "[['mget' -2 ~[+readonly +fast] 1 -1 1 ~[+@read +@string +@fast] "
            "~['request_policy:multi_shard'] ~[{'flags' ~[+RO +access] 'begin_search' {'type' "
            "'index' 'spec' {'index' 1}} 'find_keys' {'type' 'range' 'spec' {'lastkey' -1 "
            "'keystep' 1 'limit' 0}}}] ~[]]]"});
}

static void test_docs_describe_arguments(void **state) {
    (void)state;
    SCENARIO({"@proto 3", NULL},
        {"COMMAND DOCS none getset",
            "{'getset' {'summary' 'Sets a string and returns the one that was there.' 'since' "
            "'1.0.0' 'group' 'string' 'complexity' 'O(1)' 'doc_flags' ~[+deprecated] "
            "'deprecated_since' '6.2.0' 'replaced_by' '`SET` with `GET`' 'arguments' "
            "[{'name' 'key' 'type' 'key' 'display_text' 'key' 'key_spec_index' 0} "
            "{'name' 'value' 'type' 'string' 'display_text' 'value'}]}}"},
        {"COMMAND DOCS swapdb",
            "{'swapdb' {'summary' 'Exchanges two databases.' 'since' '4.0.0' 'group' 'server' "
            "'complexity' 'O(1)' 'arguments' "
            "[{'name' 'index1' 'type' 'integer' 'display_text' 'index1'} "
            "{'name' 'index2' 'type' 'integer' 'display_text' 'index2'}]}}"},
        {"COMMAND DOCS flushdb",
            "{'flushdb' {'summary' 'Empties the selected database.' 'since' '1.0.0' 'group' "
            "'server' 'complexity' 'O(N), N keys' 'arguments' [{'name' 'async' 'type' 'oneof' "
            "'flags' ~[+optional] 'arguments' [{'name' 'async' 'type' 'pure-token' 'display_text' "
            "'async' 'token' 'ASYNC' 'since' '4.0.0'} {'name' 'sync' 'type' 'pure-token' "
            "'display_text' 'sync' 'token' 'SYNC' 'since' '6.2.0'}]}]}}"});
}

static uint32_t elements_of(struct world *world, const char *line) {
    world_line(world, line);
    struct resp_value value;
    size_t consumed = 0;
    assert_int_equal(resp_value_parse(buf_slice(&world->out), &consumed, &value), SF_OK);
    uint32_t n = value.n;
    resp_value_free(&value);
    return n;
}

static uint32_t n_internal(void) {
    uint32_t n = 0;
    for (uint32_t id = 0; id < command_count(); id++)
        n += (command_by_id(id)->flags & CMD_INTERNAL) != 0;
    return n;
}

/* Both protocols, so that every count in front of an aggregate is checked. */
static void test_count_command_info_docs_and_list_agree(void **state) {
    (void)state;
    struct world world;
    world_open(&world);
    for (uint8_t proto = 2; proto <= 3; proto++) {
        world.proto = proto;
        uint32_t n = (uint32_t)strtoul(world_line(&world, "COMMAND COUNT"), NULL, 10);
        assert_in_range(n, 60, command_count());
        assert_int_equal(elements_of(&world, "COMMAND"), n);
        assert_int_equal(elements_of(&world, "COMMAND INFO"), n);
        assert_int_equal(elements_of(&world, "COMMAND DOCS"), 2 * n);
        /* with subcommands, without the internal ones */
        assert_int_equal(elements_of(&world, "COMMAND LIST"), command_count() - n_internal());
    }
    world_close(&world);
}

static void test_list_filters(void **state) {
    (void)state;
    SCENARIO({"COMMAND LIST FILTERBY PATTERN GETR*", "['getrange']"},
        {"COMMAND LIST filterby pattern object*",
            "['object' 'object|encoding' 'object|freq' 'object|help' 'object|idletime' "
            "'object|refcount']"},
        {"COMMAND LIST FILTERBY ACLCAT hyperloglog",
            "['pfadd' 'pfcount' 'pfdebug' 'pfmerge' 'pfselftest']"},
        {"COMMAND LIST FILTERBY ACLCAT nonsense", "[]"}, {"COMMAND LIST FILTERBY MODULE x", "[]"},
        {"COMMAND LIST FILTERBY", "-ERR syntax error"},
        {"COMMAND LIST FILTERBY FOO x", "-ERR syntax error"},
        {"COMMAND LIST x", "-ERR syntax error"});
}

static void test_getkeys_picks_keys_out_of_a_command(void **state) {
    (void)state;
    SCENARIO({"COMMAND GETKEYS MSET a b c d", "['a' 'c']"},
        {"COMMAND GETKEYS mset a b c", "['a' 'c']"}, {"COMMAND GETKEYS OBJECT ENCODING k", "['k']"},
        {"COMMAND GETKEYS rename a b", "['a' 'b']"}, {"COMMAND GETKEYS del a b c", "['a' 'b' 'c']"},
        {"COMMAND GETKEYS get", "-ERR Invalid number of arguments specified for command"},
        {"COMMAND GETKEYS get a b", "-ERR Invalid number of arguments specified for command"},
        {"COMMAND GETKEYS ping", "-ERR The command has no key arguments"},
        {"COMMAND GETKEYS object", "-ERR The command has no key arguments"},
        {"COMMAND GETKEYS none a", "-ERR Invalid command specified"},
        {"COMMAND GETKEYS object foo a", "-ERR Invalid command specified"},
        {"COMMAND GETKEYSANDFLAGS copy a b", "[['a' [+RO +access]] ['b' [+OW +update]]]"},
        {"COMMAND GETKEYSANDFLAGS set a b", "[['a' [+OW +update]]]"},
        {"COMMAND GETKEYSANDFLAGS set a b nx get", "[['a' [+RW +access +update]]]"});
}

static void test_every_subcommand_of_command_answers_without_a_keyspace(void **state) {
    (void)state;
    const char *lines[] = {"COMMAND", "COMMAND COUNT", "COMMAND DOCS", "COMMAND HELP",
        "COMMAND INFO", "COMMAND LIST", "OBJECT HELP"};
    for (size_t i = 0; i < SF_LENGTH(lines); i++) {
        struct slice argv[WORLD_ARGS_MAX];
        uint32_t argc = words_of(lines[i], argv);
        struct buf out = {0};
        struct reply reply = {&out, 2};
        struct call call = {.command = command_check(argc, argv, &reply),
            .argc = argc,
            .argv = argv,
            .reply = &reply};
        assert_int_equal(command_route(call.command), ROUTE_LOCAL);
        call_run(&call);
        assert_true(out.len > 0);
        buf_free(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_info_describes_a_command_as_redis_does),
        cmocka_unit_test(test_info_uses_sets_and_maps_in_resp3),
        cmocka_unit_test(test_docs_describe_arguments),
        cmocka_unit_test(test_count_command_info_docs_and_list_agree),
        cmocka_unit_test(test_list_filters),
        cmocka_unit_test(test_getkeys_picks_keys_out_of_a_command),
        cmocka_unit_test(test_every_subcommand_of_command_answers_without_a_keyspace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
