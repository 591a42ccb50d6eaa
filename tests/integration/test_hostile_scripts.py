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
    # inside Lua itself
    "local t = {} for i = 1, 1e6 do t['k' .. i] = i end for k in pairs(t) do t[k] = nil end while true do next(t) end",
    "local t = {} for i = 1, 2e6 do t[i] = i end local a, b = {}, {} "
    "while true do t[a] = 1 t[a] = nil t[b] = 1 t[b] = nil end",
    "local a = ('1'):rep(1e6) while true do local u = a + 0 end",
    "local a, b = ('\\0'):rep(1e6), ('\\0'):rep(1e6) .. 'x' while true do local u = a < b end",
    "local function f(...) return f(1, 1, 1, 1, 1, 1, 1, 1, ...) end f()",
    "while true do math.fmod(1e308, 3e-308) end",
    "local f = loadstring('local x = ... if x then return 1 end ' .. ('x = x '):rep(2e4) .. 'x()') "
    "while true do pcall(f) end",
    "while true do loadstring('local a = ' .. ('a and '):rep(1e4) .. 'a') end",
]
LIMIT_S = 5


def digests(cluster):
    return {node.call("DEBUG", "STATE-DIGEST").text for node in cluster.nodes}


def leadership(cluster):
    views = [node.raft() for node in cluster.nodes]
    return {(view["raft_leader_id"], view["raft_term"]) for view in views}


def test_hostile_scripts_end_everywhere_with_equal_state(context):
    with context.cluster(3) as cluster:
        before = leadership(cluster)
        check(len(before) == 1, f"all agree on who leads: {before}")
        clients = [node.client(timeout_s=60.0) for node in cluster.nodes]
        for number, script in enumerate(HOSTILE):
            client = clients[number % len(clients)]
            start, cpu_s = time.monotonic(), [node.cpu_s() for node in cluster.nodes]
            reply = client.call("EVAL", script, "0")
            took_s = time.monotonic() - start
            known = reply.is_error and "script" in reply.text
            check(known, f"ends with an error that says so: {script}: {reply}")
            # a request that waits for another node's script is one that waits for a stalled cluster
            wait_until(lambda: len({node.raft()["raft_applied_index"] for node in cluster.nodes}) == 1, "all are done", 60)
            used_s = max(node.cpu_s() - before_s for node, before_s in zip(cluster.nodes, cpu_s))
            print(f"    {used_s:5.2f} s of CPU, {took_s:5.2f} s  {script[:70]}")
            check(used_s < LIMIT_S, f"within {LIMIT_S} s of CPU ({used_s:.1f} s): {script}")
            check(leadership(cluster) == before, f"it costs no leadership: {script}: {leadership(cluster)} {before}")
        for number, client in enumerate(clients):
            check(client.call("EVAL", "return redis.call('incr', 'n')", "0").value == number + 1, "all serve")
        wait_until(lambda: len(digests(cluster)) == 1, "equal digests")
