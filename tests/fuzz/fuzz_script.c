/* fuzz_script RUNS [SEED]: mutated texts for what scripts decode: cmsgpack, cjson, struct,
 * patterns, and scripts themselves.
 *
 * Held: nothing crashes, every run ends with one reply, and a second run answers the same. */
#include "script/script.h"

#include "fuzz/fuzz.h"

static enum script_call_result on_call(
    void *context, uint32_t argc, const struct slice *argv, struct reply *reply, uint64_t *units) {
    (void)context, (void)argc, (void)argv;
    *units = 1;
    reply_integer(reply, 1);
    return SCRIPT_CALL_DONE;
}

static bool on_allowed(void *context, uint32_t argc, const struct slice *argv, bool *exists) {
    (void)context, (void)argc, (void)argv;
    return *exists = true;
}

static void run(struct sandbox *sandbox, struct slice text, struct slice input, struct buf *out) {
    struct reply reply = {out, 2};
    struct script_host host = {NULL, on_call, on_allowed, NULL, NULL};
    struct script_run run = {.host = &host,
        .name = SLICE("fuzz"),
        .seed = 1,
        .budget = 200000,
        .n_args = 1,
        .words = &input,
        .reply = &reply};
    sandbox_eval(sandbox, text, text, &run);
    SF_ASSERT(out->len > 0 && !sandbox_is_busy(sandbox));
}

static void both(struct sandbox *sandbox, struct slice text, struct slice input) {
    struct buf first = {0}, second = {0};
    run(sandbox, text, input, &first);
    run(sandbox, text, input, &second);
    SF_ASSERT(slice_equal(buf_slice(&first), buf_slice(&second)));
    buf_free(&first);
    buf_free(&second);
}

int main(int argc, char **argv) {
    static const struct slice seeds[] = {
        {"\x93\x01\xa1x\x82\xa1k\xcb\x3f\xf0\0\0\0\0\0\0\xc0\xc3", 18},
        {"\xdd\0\0\0\x02\xd9\x03"
         "abc\xdf\0\0\0\x01\x01\x02",
            17},
        SLICE("{\"a\":[1,2.5e3,null,true,\"\\u00e9\\ud83d\\ude00\"],\"b\":{\"c\":{}}}"),
        SLICE(">I4<h!8s0bBlLjJTfdxXc3"),
        SLICE("([%w_]+)%s*=%s*(%-?%d*)%f[%a]().-%b()[^%]a-z]*$"),
        SLICE("%1(()%2)[[:alpha:]^]%"),
        SLICE("local t = {} for i = 1, 9 do t[i] = tostring(i) .. 'x' end return {t, #t}"),
        SLICE("return pcall(function() error({err = 'X y'}) end)"),
        SLICE("local c = coroutine.wrap(function(...) for k, v in pairs({...}) do "
              "coroutine.yield(v) end end) return {c(1, 2), c()}"),
    };
    static const struct slice decoders[] = {
        SLICE("local good, a = pcall(cmsgpack.unpack, ARGV[1]) "
              "return good and {cmsgpack.pack(a)} or a"),
        SLICE("return {pcall(cmsgpack.unpack_limit, ARGV[1], 2, 1)}"),
        SLICE(
            "local good, a = pcall(cjson.decode, ARGV[1]) return good and {cjson.encode(a)} or a"),
        SLICE("return {pcall(struct.unpack, ARGV[1], ('0123456789abcdef'):rep(4))}"),
        SLICE("return {pcall(struct.pack, ARGV[1], 1, 2, 3, 'abc', 5, 'abcdef', 7, 8)}"),
        SLICE("return {pcall(string.find, 'key = value(1, (2)) -17 \\0 \\255', ARGV[1])}"),
        SLICE("return {pcall(string.gsub, 'key = value(1, (2)) -17', ARGV[1], '<%0%1>', 9)}"),
        SLICE("return {pcall(string.gsub, 'key = value(1)', '(%w)(.)', ARGV[1])}"),
        SLICE("return {pcall(string.format, ARGV[1], 1, 'a', 2.5, 3, 4)}"),
        SLICE("local n = tonumber(ARGV[1]) return {n and tostring(n) or 0, ARGV[1] < 'm'}"),
    };
    struct sandbox *sandbox = sandbox_new();
    struct fuzz fuzz = fuzz_begin(argc, argv, "script", seeds, SF_LENGTH(seeds));
    while (fuzz_next(&fuzz)) {
        uint64_t which = random_below(&fuzz.random, SF_LENGTH(decoders) + 2);
        if (which < SF_LENGTH(decoders))
            both(sandbox, decoders[which], fuzz.input);
        else
            both(sandbox, fuzz.input, SLICE("argument"));
    }
    sandbox_free(sandbox);
    return fuzz_end(&fuzz);
}
