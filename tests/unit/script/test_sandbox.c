/* Scripts: what they answer, that the same is answered every time, and that they end. */
#include "script/store.h"
#include "unit/check.h"
#include "util/buf.h"

#include <stdio.h>
#include <string.h>

struct host_log {
    uint32_t calls, breaths;
    bool stop;
};

/* "count" counts, "big" answers with a long text, "nest" with an array of arrays, "stop" stops. */
static enum script_call_result on_call(
    void *context, uint32_t argc, const struct slice *argv, struct reply *reply, uint64_t *units) {
    struct host_log *log = context;
    (void)argc;
    *units = 1;
    log->calls++;
    if (slice_is(argv[0], "stop")) return SCRIPT_CALL_STOP;
    if (slice_is(argv[0], "fail")) {
        reply_error(reply, "WRONG kind");
    } else if (slice_is(argv[0], "map")) {
        reply_map(reply, 1);
        reply_bulk_text(reply, "k");
        reply_double(reply, 1.5);
    } else if (slice_is(argv[0], "expensive")) {
        *units = UINT64_MAX;
        reply_integer(reply, 1);
    } else {
        reply_integer(reply, log->calls);
    }
    return SCRIPT_CALL_DONE;
}

static bool on_allowed(void *context, uint32_t argc, const struct slice *argv, bool *exists) {
    (void)context;
    (void)argc;
    return *exists = slice_is(argv[0], "count");
}

static void on_breathe(void *context) {
    ((struct host_log *)context)->breaths++;
}

static uint64_t budget = 20000000;

/* The answer, as text; the caller frees. */
static char *answer(struct sandbox *sandbox, struct host_log *log, const char *text) {
    struct buf out = {0};
    struct reply reply = {&out, 2};
    struct script_host host = {log, on_call, on_allowed, NULL, on_breathe};
    struct script_run run = {
        .host = &host, .name = SLICE("me"), .seed = 7, .budget = budget, .reply = &reply};
    sandbox_eval(sandbox, slice_text(text), slice_text(text), &run);
    assert_false(sandbox_is_busy(sandbox));
    if (run.stopped) assert_int_equal(out.len, 0);
    char *copy = sf_alloc_zero(1, out.len + 1);
    if (out.len > 0) memcpy(copy, out.data + out.start, out.len);
    buf_free(&out);
    return copy;
}

static void expect(struct sandbox *sandbox, const char *text, const char *reply) {
    struct host_log log = {0};
    char *got = answer(sandbox, &log, text);
    if (strcmp(got, reply) != 0) print_error("%s\n", text);
    assert_string_equal(got, reply);
    sf_free(got);
}

static void test_values_become_replies(void **state) {
    (void)state;
    struct sandbox *sandbox = sandbox_new();
    expect(sandbox, "return 1", ":1\r\n");
    expect(sandbox, "return -3.99", ":-3\r\n");
    expect(sandbox, "return 'a'", "$1\r\na\r\n");
    expect(sandbox, "return {1,{2},'x',nil,5}", "*3\r\n:1\r\n*1\r\n:2\r\n$1\r\nx\r\n");
    expect(sandbox, "return {ok='fine'}", "+fine\r\n");
    expect(sandbox, "return redis.error_reply('MY own')", "-MY own\r\n");
    expect(sandbox, "return true", ":1\r\n");
    expect(sandbox, "return false", "$-1\r\n");
    expect(sandbox, "return {map={a=1}}", "*2\r\n$1\r\na\r\n:1\r\n");
    expect(sandbox, "return redis.call('fail')", "-WRONG kind script: me, on @user_script:1.\r\n");
    expect(sandbox, "return redis.pcall('fail').err", "$10\r\nWRONG kind\r\n");
    expect(sandbox, "redis.setresp(3) return type(redis.call('map').map.k.double)",
        "$6\r\nnumber\r\n");
    expect(sandbox, "return redis.call('map')", "*2\r\n$1\r\nk\r\n$3\r\n1.5\r\n");
    sandbox_free(sandbox);
}

static void test_nothing_is_left_for_the_next_run(void **state) {
    (void)state;
    struct sandbox *sandbox = sandbox_new();
    const char *const vandals[] = {"rawset(getmetatable('').__index, 'len', nil)",
        "local _, real = pairs(redis) real.call = nil real.x = 1",
        "cjson.encode_number_precision(3) cjson.encode_sparse_array(true)",
        "local t = {} while true do t[#t + 1] = 'x' .. #t end",
        "math.randomseed(99) return math.random()", "coroutine.wrap(function() error('x') end)()"};
    for (size_t i = 0; i < SF_LENGTH(vandals); i++) {
        struct host_log log = {0};
        sf_free(answer(sandbox, &log, vandals[i]));
        expect(sandbox, "return {('abc'):len(), redis.call('count'), redis.x, 1}",
            "*2\r\n:3\r\n:1\r\n");
        expect(sandbox, "return cjson.encode({1/3})", "$18\r\n[0.33333333333333]\r\n");
    }
    sandbox_free(sandbox);
}

/* Order, names and chance must be the same in every process, whatever ran before. */
static void test_the_same_script_answers_the_same_in_another_sandbox(void **state) {
    (void)state;
    const char *text =
        "local keys, out = {}, {} "
        "for i = 1, 200 do local k = i % 3 == 0 and {} or i % 3 == 1 and function() return i end "
        "or 'k' .. i keys[k] = i end "
        "for k, v in pairs(keys) do out[#out + 1] = v .. type(k) end "
        "return table.concat(out, ',') .. tostring({}) .. tostring(redis.call) .. "
        "math.random(1000)";
    struct sandbox *used = sandbox_new(), *fresh = sandbox_new();
    struct host_log log = {0};
    sf_free(answer(used, &log, "local t = {} for i = 1, 5000 do t[i] = {i .. 'y'} end return #t"));
    char *first = answer(used, &log, text), *again = answer(used, &log, text);
    char *other = answer(fresh, &log, text);
    assert_true(strlen(first) > 1000);
    assert_string_equal(first, again);
    assert_string_equal(first, other);
    sf_free(first);
    sf_free(again);
    sf_free(other);
    sandbox_free(used);
    sandbox_free(fresh);
}

static const char *const hostile[] = {"while true do end",
    "local function f() return f() end return f()", "local s = 'x' while true do s = s .. s end",
    "local s = ('x'):rep(2e7) local t = s .. s while true do local u = s .. s end",
    "local a, b = ('x'):rep(2e7), ('x'):rep(2e7) .. 'y' while true do local u = a < b end",
    "return ('a'):rep(1e6):find(('a*'):rep(100) .. 'b')", "return ('a'):rep(1e5):find('.-.-.-.-b')",
    "return ('a'):rep(1e5):find(('(a-)'):rep(30) .. 'b')",
    "while true do pcall(function() while true do end end) end",
    "xpcall(function() while true do end end, function() while true do end end)",
    "while true do xpcall(function() error('x') end, function() error('y') end) end",
    "local t, i = {}, 0 while true do i = i + 1 t['k' .. i] = {} end",
    "while true do coroutine.wrap(function() for i = 1, 900 do end end)() end",
    "local t = {} while true do t[#t + 1] = coroutine.create(function() end) end",
    "while true do redis.call('count') end", "while true do pcall(redis.call, 'expensive') end",
    "local t = {} t[1] = t t[2] = t return t",
    "local t = {} for i = 1, 1e5 do t[i] = i end while true do table.remove(t, 1) end",
    "local t = {} for i = 1, 1e4 do t[i] = i end while true do table.sort(t) end",
    "return load(function() return 'x ' end)", "while true do loadstring('return 1') end",
    "local s = ('a'):rep(1e6) while true do s:byte(1, 7000) end",
    "local s = ('a'):rep(1e6) while true do s:upper() end",
    "local function g(...) while true do type(...) end end g(unpack({}, 1, 7000))",
    "return table.concat({}, 'x', 1, 2 ^ 31)",
    "local t = setmetatable({}, {__mode = 'k'}) while true do t[{}] = 1 end"};

static void test_hostile_scripts_end_by_their_budget_with_the_same_words(void **state) {
    (void)state;
    struct sandbox *sandbox = sandbox_new();
    for (size_t i = 0; i < SF_LENGTH(hostile); i++) {
        struct host_log log = {0}, again = {0};
        char *first = answer(sandbox, &log, hostile[i]);
        char *second = answer(sandbox, &again, hostile[i]);
        if (strncmp(first, "-ERR Error running script me: ", 30) != 0) {
            print_error("%s\n%.200s\n", hostile[i], first);
            fail();
        }
        assert_string_equal(first, second);
        assert_int_equal(log.calls, again.calls);
        sf_free(first);
        sf_free(second);
    }
    expect(sandbox, "return 'alive'", "$5\r\nalive\r\n");
    sandbox_free(sandbox);
}

static void test_a_long_script_breathes(void **state) {
    (void)state;
    struct sandbox *sandbox = sandbox_new();
    struct host_log log = {0};
    sf_free(answer(sandbox, &log, "while true do end"));
    assert_true(log.breaths > budget / 10000 / 2);
    sandbox_free(sandbox);
}

static void test_depth_is_bounded_everywhere(void **state) {
    (void)state;
    struct sandbox *sandbox = sandbox_new();
    const char *const deep[] = {"local function f() return 1 + f() end return f()",
        "local function f() return coroutine.wrap(f)() end return f()",
        "cjson.encode_max_depth(2 ^ 30) local t = {} t.t = t return cjson.encode(t)",
        "cjson.decode_max_depth(2 ^ 30) return cjson.decode(('['):rep(1e6))",
        "return cmsgpack.unpack(string.char(0x91):rep(1e6))", "return ('a'):rep(5000):find(('a?'):rep(5000) .. 'b')",
        "error({})", "return cmsgpack.unpack(string.char(0xdd, 255, 255, 255, 255))",
        "return unpack({}, 1, 1e7)", "return ('x'):rep(1e10)"};
    for (size_t i = 0; i < SF_LENGTH(deep); i++) {
        struct host_log log = {0};
        char *got = answer(sandbox, &log, deep[i]);
        if (got[0] != '-') print_error("%s: %.100s\n", deep[i], got);
        assert_int_equal(got[0], '-');
        sf_free(got);
    }
    sandbox_free(sandbox);
}

static void test_bytecode_is_refused(void **state) {
    (void)state;
    struct sandbox *sandbox = sandbox_new();
    expect(sandbox, "local f = string.dump(function() end) return {loadstring(f) == nil and 1}",
        "*1\r\n:1\r\n");
    expect(sandbox,
        "local f = string.dump(function() end) "
        "return {load(function() local x = f f = nil return x end) == nil and 1}",
        "*1\r\n:1\r\n");
    expect(sandbox, "\033LuaQ",
        "-ERR Error compiling script (new function): user_script:1: unexpected symbol near "
        "'char(27)'\r\n");
    sandbox_free(sandbox);
}

static void test_a_stopped_script_answers_nothing(void **state) {
    (void)state;
    struct sandbox *sandbox = sandbox_new();
    expect(sandbox, "pcall(redis.call, 'stop') return 1", "");
    sandbox_free(sandbox);
}

static void note(void *context, const struct script_function *function) {
    buf_append_slice(context, function->name);
    buf_printf(context, ":%u ", function->flags);
}

static void test_a_library_tells_its_functions_and_keeps_no_state(void **state) {
    (void)state;
    struct sandbox *sandbox = sandbox_new();
    struct buf names = {0}, error = {0}, out = {0};
    struct slice body =
        SLICE("local n = 0 redis.register_function('up', function() n = n + 1 return n end) "
              "redis.register_function{function_name = 'ro', callback = function(k) return k end, "
              "flags = {'no-writes'}}");
    assert_true(sandbox_load(sandbox, body, budget, note, &names, &error));
    buf_append_char(&names, 0);
    assert_string_equal(names.data, "up:0 ro:1 ");
    struct host_log log = {0};
    struct script_host host = {&log, on_call, on_allowed, NULL, NULL};
    struct reply reply = {&out, 2};
    for (int i = 0; i < 2; i++) {
        struct script_run run = {
            .host = &host, .name = SLICE("up"), .budget = budget, .reply = &reply};
        sandbox_call(sandbox, body, &run);
    }
    buf_append_char(&out, 0);
    assert_string_equal(out.data, ":1\r\n:1\r\n");
    assert_false(sandbox_load(sandbox, SLICE("while true do end"), budget, note, &names, &error));
    buf_free(&names);
    buf_free(&error);
    buf_free(&out);
    sandbox_free(sandbox);
}

/* -- the store --------------------------------------------------------------------------------- */

static void test_the_store_is_the_same_after_its_image(void **state) {
    (void)state;
    struct scripts *scripts = scripts_new(), *copy = scripts_new();
    for (int i = 0; i < 100; i++) {
        char text[32];
        snprintf(text, sizeof text, "return %d", i);
        scripts_add(scripts, slice_text(text));
    }
    scripts_add(scripts, SLICE("return 5"));
    struct library library = {.name = bytes_new("l", 1), .code = bytes_new("#!lua name=l\n1", 14)};
    struct script_function function = {SLICE("f"), SLICE("what"), SCRIPT_NO_WRITES};
    library_add_function(&library, &function);
    library_add(scripts, &library);
    struct buf image = {0}, again = {0};
    scripts_put(scripts, &image);
    struct reader in = reader_of(buf_slice(&image));
    scripts_read(copy, &in);
    assert_false(in.failed);
    scripts_put(copy, &again);
    assert_true(slice_equal(buf_slice(&image), buf_slice(&again)));
    const struct library_function *found;
    assert_non_null(function_find(copy, SLICE("F"), &found));
    assert_int_equal(found->flags, SCRIPT_NO_WRITES);
    buf_free(&image);
    buf_free(&again);
    scripts_free(scripts);
    scripts_free(copy);
}

static void test_the_least_used_script_goes_first(void **state) {
    (void)state;
    struct scripts *scripts = scripts_new();
    char sha[SCRIPT_SHA_BYTES + 1];
    script_sha(SLICE("return 0"), sha);
    struct slice first = slice_of(sha, SCRIPT_SHA_BYTES);
    scripts_add(scripts, SLICE("return 0"));
    for (int i = 1; i <= SCRIPTS_CACHED_MAX; i++) {
        char text[32];
        snprintf(text, sizeof text, "return %d", i);
        if (i == SCRIPTS_CACHED_MAX) scripts_touch(scripts, scripts_find(scripts, first));
        scripts_add(scripts, slice_text(text));
    }
    assert_int_equal(scripts_count(scripts), SCRIPTS_CACHED_MAX);
    assert_non_null(scripts_find(scripts, first));
    script_sha(SLICE("return 1"), sha);
    assert_null(scripts_find(scripts, first));
    scripts_free(scripts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_become_replies),
        cmocka_unit_test(test_nothing_is_left_for_the_next_run),
        cmocka_unit_test(test_the_same_script_answers_the_same_in_another_sandbox),
        cmocka_unit_test(test_hostile_scripts_end_by_their_budget_with_the_same_words),
        cmocka_unit_test(test_a_long_script_breathes),
        cmocka_unit_test(test_depth_is_bounded_everywhere),
        cmocka_unit_test(test_bytecode_is_refused),
        cmocka_unit_test(test_a_stopped_script_answers_nothing),
        cmocka_unit_test(test_a_library_tells_its_functions_and_keeps_no_state),
        cmocka_unit_test(test_the_store_is_the_same_after_its_image),
        cmocka_unit_test(test_the_least_used_script_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
