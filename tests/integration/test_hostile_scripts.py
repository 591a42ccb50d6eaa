"""Scripts that would never end, or take all memory, end with an error on all nodes, and the nodes hold the same."""
import time

from shardforge_testing.process import check, wait_until

HOSTILE = [
    "while true do end",
    "local function f() return f() end return f()",
    "return string.rep('x', 1e10)",
    "local s = 'x' while true do s = s .. s end",
    "local s = ('x'):rep(5e7) local t = s .. s while true do local u = s .. s end",
    "local a, b = ('x'):rep(6e7), ('x'):rep(6e7) .. 'y' while true do local u = a < b end",
    "return ('a'):rep(1e6):find(('a*'):rep(100) .. 'b')",
    "return ('a'):rep(1e5):find('.-.-.-.-b')",
    "local function f() return 1 + f() end return f()",
    "while true do pcall(function() while true do end end) end",
    "xpcall(function() while true do end end, function() while true do end end)",
    "local t, i = {}, 0 while true do i = i + 1 t['k' .. i] = {} end",
    "while true do redis.call('KEYS', '*') end",
    "while true do coroutine.wrap(function() for i = 1, 900 do end end)() end",
    "local t = {} t[1] = t t[2] = t return t",
    "cjson.decode_max_depth(2 ^ 30) return cjson.decode(('['):rep(1e7))",
    "local i = 0 while true do i = i + 1 redis.call('set', 'key' .. i % 5000, ('x'):rep(1000)) end",
    "local t = {} for i = 1, 1000 do t[i] = i end while true do redis.call('rpush', 'l', unpack(t)) end",
    "while true do redis.call('hset', 'h', math.random(1e6), tostring({})) end",
    "local t = {} for i = 1, 500 do t[{}] = i t[function() end] = i end "
    "for k, v in pairs(t) do redis.call('rpush', 'order', v .. tostring(k)) end while true do end",
]
LIMIT_S = 5


def digests(cluster):
    return {node.call("DEBUG", "STATE-DIGEST").text for node in cluster.nodes}


def test_hostile_scripts_end_everywhere_with_equal_state(context):
    with context.cluster(3) as cluster:
        clients = [node.client(timeout_s=30.0) for node in cluster.nodes]
        for number, script in enumerate(HOSTILE):
            client = clients[number % len(clients)]
            start = time.monotonic()
            reply = client.call("EVAL", script, "0")
            took_s = time.monotonic() - start
            known = reply.is_error and ("script" in reply.text or "UNCERTAIN" in reply.text)
            check(known, f"ends with an error that says so: {script}: {reply}")
            check(took_s < LIMIT_S, f"within {LIMIT_S} s ({took_s:.1f} s): {script}")
        for number, client in enumerate(clients):
            check(client.call("EVAL", "return redis.call('incr', 'n')", "0").value == number + 1, "all serve")
        wait_until(lambda: len(digests(cluster)) == 1, "equal digests")
