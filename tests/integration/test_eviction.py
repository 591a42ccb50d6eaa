"""maxmemory: ten times as much written as may be held, through a failover; replicas stay equal."""
import time

from shardforge_testing.process import check

LIMIT = 20 << 20
VALUE = b"x" * 1000
WRITTEN = 200 << 20
BATCH = 500


def used_bytes(node):
    with node.client() as client:
        return int(client.info("memory")["maxmemory_used"])


def write(client, first, n):
    """n keys in packets of BATCH; how many errors came back."""
    errors = 0
    for start in range(first, first + n, BATCH):
        commands = [("SET", b"key:%d" % key, VALUE) for key in range(start, min(start + BATCH, first + n))]
        errors += sum(reply.is_error for reply in client.pipeline(commands))
    return errors


def test_ten_times_the_limit_goes_through_and_replicas_stay_equal(context):
    with context.cluster(3, "--maxmemory", "20mb", "--maxmemory-policy", "allkeys-lru") as cluster:
        total = WRITTEN // len(VALUE)
        leader = cluster.leader()
        other = cluster.followers()[0]
        with other.client(timeout_s=60) as client:
            check(client.call("CONFIG", "GET", "maxmemory").items[1].text == str(LIMIT), "the limit holds everywhere")
            check(write(client, 0, total // 2) == 0, "no write fails before the failover")
        check(used_bytes(leader) < LIMIT * 1.05, f"near the limit: {used_bytes(leader)}")
        leader.kill()
        cluster.wait_leader(cluster.running())
        with other.client(timeout_s=60) as client:
            check(write(client, total // 2, total - total // 2) == 0, "no write fails after the failover")
        cluster.restart(leader)
        cluster.wait_ready()
        sizes = [used_bytes(node) for node in cluster.nodes]
        check(all(LIMIT * 0.9 < size < LIMIT * 1.05 for size in sizes), f"near the limit: {sizes}")
        with other.client() as client:
            evicted = int(client.info("stats")["evicted_keys"])
            check(client.call("GET", b"key:%d" % (total - 1)).value == VALUE, "the latest key is there")
        context.say(f"{total} keys written, {evicted} evicted at one node; bytes at the nodes: {sizes}")
        cluster.check_equal_digests()


def test_a_limit_that_is_lowered_holds_without_writes_and_noeviction_refuses(context):
    with context.cluster(3) as cluster:
        with cluster.followers()[0].client(timeout_s=60) as client:
            write(client, 0, 10000)
            client.call("CONFIG", "SET", "maxmemory", "5mb", "maxmemory-policy", "allkeys-random")
            deadline = time.monotonic() + 20
            while any(used_bytes(node) > 5 << 20 for node in cluster.nodes):
                check(time.monotonic() < deadline, "memory falls to the limit by itself")
                time.sleep(0.05)
            client.call("CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "1mb")
            reply = client.call("SET", "more", "x")
            check(reply.is_error and reply.text.startswith("OOM "), f"refused: {reply}")
            check(client.call("DEL", "more").value == 0, "what needs no memory goes on")
            client.call("CONFIG", "SET", "maxmemory", "0")
            check(client.call("SET", "more", "x").text == "OK", "without limit all is well")
        cluster.check_equal_digests()
