/* Every path of long work inside Lua itself is drawn from the budget: each of these would run for
 * minutes or hours where one is not. */
#include "script/script.h"
#include "unit/check.h"
#include "util/buf.h"

#include <stdio.h>
#include <string.h>

static bool on_allowed(void *context, uint32_t argc, const struct slice *argv, bool *exists) {
    (void)context, (void)argc, (void)argv;
    return *exists = false;
}

static enum script_call_result on_call(
    void *context, uint32_t argc, const struct slice *argv, struct reply *reply, uint64_t *units) {
    (void)context, (void)argc, (void)argv;
    *units = 1;
    reply_integer(reply, 1);
    return SCRIPT_CALL_DONE;
}

static char *answer(struct sandbox *sandbox, struct slice text, uint64_t budget) {
    struct buf out = {0};
    struct reply reply = {&out, 2};
    struct script_host host = {NULL, on_call, on_allowed, NULL, NULL};
    struct script_run run = {
        .host = &host, .name = SLICE("me"), .seed = 7, .budget = budget, .reply = &reply};
    sandbox_eval(sandbox, text, text, &run);
    char *copy = sf_alloc_zero(1, out.len + 1);
    memcpy(copy, out.data + out.start, out.len);
    buf_free(&out);
    return copy;
}

static const char exhausted[] = "budget of work exhausted";

static void test_each_long_walk_inside_lua_is_counted(void **state) {
    (void)state;
    static const char *const hostile[] = {
        /* empty slots */
        "local t = {} for i = 1, 3e5 do t['k' .. i] = i end for k in pairs(t) do t[k] = nil end "
        "while true do next(t) end",
        "local t = {} for i = 1, 1e5 do t[i] = i end for i = 1, 1e5 do t[i] = nil end "
        "while true do local a, b, c = next(t), next(t), next(t) end",
        "local t = {} for i = 1, 1e5 do t['k' .. i] = i end for k in pairs(t) do t[k] = nil end "
        "while true do cjson.encode(t) cmsgpack.pack(t) end",
        /* a full table of keys beside a large array is counted at each new key */
        "local t = {} for i = 1, 2e6 do t[i] = i end local a, b = {}, {} "
        "while true do t[a] = 1 t[a] = nil t[b] = 1 t[b] = nil end",
        /* keys that collide: numbers whose halves add up to the same, long texts with one sample */
        "local t = {} for i = 1, 1e7 do t[i * (2 ^ 20 - 1) + 0.0] = i end return 1",
        "local t = {} for i = 0, 1e7 do t[i + (2 ^ 22 - i) * 2 ^ 32 ] = i end return 1",
        "local t, n = {}, 2 ^ 18 for i = 1, 1e7 do t[1 + i * 2 ^ -20] = i end return 1",
        "local t, a = {}, ('x'):rep(100) for i = 1, 1e7 do t[a .. ('%08d'):format(i):gsub('.', "
        "'%0       ') .. a] = i end return 1",
        "local a = ('x'):rep(3000) for i = 1, 1e7 do local s = a .. i .. a end return 1",
        /* comparing */
        "local a, b = ('\\0'):rep(1e6), ('\\0'):rep(1e6) .. 'x' while true do local u = a < b end",
        "local a = ('x'):rep(1e6) while true do local u = a .. '' == a .. '' end",
        /* numbers in long texts */
        "local a = ('1'):rep(1e6) while true do local u = a + 0 end",
        "local a = '1' .. (' '):rep(1e6) while true do local u = a + 0 end",
        "local a = (' '):rep(1e6) .. '1' while true do tonumber(a) tonumber(a, 8) end",
        "while true do math.fmod(1e308, 3e-308) end",
        "while true do math.mod(1e308, 3e-308) end",
        "local f = ('%99.99f'):rep(20) while true do f:format(1e308, 1e308, 1e308, 1e308, 1e308, "
        "1e308, 1e308, 1e308, 1e308, 1e308, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1) end",
        /* many values */
        "local function f(...) return f(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ...) end f()",
        "local function g(...) return ... end local function f(...) g(...) return f(1, ...) end "
        "f()",
        "local function g() end local function f(n, ...) if n > 0 then return f(n - 1, 1, ...) end "
        "while true do g(...) end end f(1e5)",
        /* errors in a large function: Lua looks for a variable's name from its beginning */
        "local f = loadstring('local x = ... if x then return 1 end ' .. ('x = x '):rep(2e4) .. "
        "'x()') while true do pcall(f) end",
        "local f = loadstring('local x = ... ' .. ('local y = x '):rep(100) .. ('x = x '):rep(2e4) "
        ".. 'x()') while true do coroutine.resume(coroutine.create(f)) end",
        /* compiling: lists of jumps, locals around */
        "while true do loadstring('local a = ' .. ('a and '):rep(1e4) .. 'a') end",
        "while true do loadstring('while a do ' .. ('do break end '):rep(1e4) .. ' end') end",
        "while true do loadstring('if a then ' .. ('elseif a then '):rep(1e4) .. ' end') end",
        "local s = '' for i = 1, 150 do s = s .. 'local a' .. i .. ' ' end s = 'return function() "
        "' "
        ".. s s = s:rep(50) .. ('x()'):rep(1e4) .. (' end'):rep(50) while true do loadstring(s) "
        "end",
    };
    struct sandbox *sandbox = sandbox_new();
    for (size_t i = 0; i < SF_LENGTH(hostile); i++) {
        char *got = answer(sandbox, slice_text(hostile[i]), 20000000);
        if (strstr(got, exhausted) == NULL) print_error("%s\n%.200s\n", hostile[i], got);
        assert_non_null(strstr(got, exhausted));
        sf_free(got);
    }
    sandbox_free(sandbox);
}

static void append_times(struct buf *out, const char *text, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) buf_append_text(out, text);
}

static void test_compiling_a_hostile_text_ends(void **state) {
    (void)state;
    struct sandbox *sandbox = sandbox_new();
    static const struct {
        const char *begin, *again, *end;
        uint32_t n;
    } texts[] = {{"local a return ", "a and ", "a", 200000},
        {"if a then ", "elseif a then ", "end", 200000},
        {"while a do ", "do break end ", "end", 200000}, {"return ", "{", "", 100000},
        {"return ", "'x' .. ", "'x'", 100000}, {"return ", "(", "", 100000}};
    for (size_t i = 0; i < SF_LENGTH(texts); i++) {
        struct buf text = {0};
        buf_append_text(&text, texts[i].begin);
        append_times(&text, texts[i].again, texts[i].n);
        buf_append_text(&text, texts[i].end);
        char *got = answer(sandbox, slice_of(text.data + text.start, text.len), 1000000);
        assert_int_equal(got[0], '-');
        sf_free(got);
        buf_free(&text);
    }
    sandbox_free(sandbox);
}

static void expect(struct sandbox *sandbox, const char *text, const char *reply) {
    char *got = answer(sandbox, slice_text(text), 10000000);
    if (strcmp(got, reply) != 0) print_error("%s\n", text);
    assert_string_equal(got, reply);
    sf_free(got);
}

/* The tables are ours: what a table is, checked against a list of everything put in. */
static void test_tables_hold_what_was_put_in_them(void **state) {
    (void)state;
    struct sandbox *sandbox = sandbox_new();
    expect(sandbox,
        "local t, keys, n = {}, {}, 0 "
        "local function key(i) local k = i % 7 if k == 0 then return 'k' .. i elseif k == 1 then "
        "return i elseif k == 2 then return i + 0.5 elseif k == 3 then return {} elseif k == 4 "
        "then return -i elseif k == 5 then return i * 2 ^ 33 else return function() return i end "
        "end end "
        "for i = 1, 5000 do local k = key(i) keys[i] = k t[k] = i if i % 3 == 0 then "
        "local j = math.random(i) if keys[j] ~= nil then t[keys[j]] = nil end end end "
        "local seen, bad = 0, 0 for k, v in pairs(t) do seen = seen + 1 "
        "if keys[v] ~= k then bad = bad + 1 end end "
        "local held = 0 for i = 1, 5000 do if t[keys[i]] ~= nil then held = held + 1 end end "
        "return {bad, seen - held, held > 3000 and held < 5000 and 1 or 0}",
        "*3\r\n:0\r\n:0\r\n:1\r\n");
    expect(sandbox, "local t = {} for i = 100, 1, -1 do t[i] = i end return {#t, #{1, 2, nil, 4}}",
        "*2\r\n:100\r\n:4\r\n");
    expect(sandbox,
        "local t = {1, 2, 3} t[2] = nil t[3] = nil t[0] = 5 t[-0] = 6 return {#t, t[0]}",
        "*2\r\n:1\r\n:6\r\n");
    expect(sandbox,
        "local t = {} t[true] = 1 t[false] = 2 t[1] = 3 t['1'] = 4 "
        "return {t[true], t[false], t[1], t['1']}",
        "*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n");
    expect(sandbox, "return {select(2, pcall(function() local t = {} t[nil] = 1 end))}",
        "*1\r\n$33\r\nuser_script:1: table index is nil\r\n");
    expect(sandbox,
        "local t = {a = 1, b = 2, c = 3} for k in pairs(t) do t[k] = nil end "
        "return {next(t) == nil and 1 or 0}",
        "*1\r\n:1\r\n");
    expect(sandbox, "return {pcall(next, {}, 1)}", "*2\r\n$-1\r\n$21\r\ninvalid key to 'next'\r\n");
    /* the same order as Lua's own */
    expect(sandbox,
        "return cjson.encode({one = 1, two = 2, three = 3, four = 4, five = 5, six = 6})",
        "$53\r\n{\"six\":6,\"two\":2,\"one\":1,\"four\":4,\"five\":5,\"three\":3}\r\n");
    sandbox_free(sandbox);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables_hold_what_was_put_in_them),
        cmocka_unit_test(test_each_long_walk_inside_lua_is_counted),
        cmocka_unit_test(test_compiling_a_hostile_text_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
