"""The cluster follows a live Redis and takes its place."""
import following
from shardforge_testing.process import check, wait_until
from shardforge_testing.redis import Redis

MASTER = ["--repl-diskless-sync-delay", "0"]


def follow(cluster, redis):
    answer = cluster.followers()[0].call("REPLICAOF", "127.0.0.1", redis.port)
    check(answer.text == "OK", f"REPLICAOF: {answer}")


def fill(redis, n_keys=2000):
    """What a dump has to carry beyond small values."""
    with redis.client() as client:
        client.pipeline([("SET", f"static:{n}", "v" * (n % 200)) for n in range(n_keys)])
        client.call("SET", "large:string", "0123456789" * 300000)
        for part in range(20):
            client.call("HSET", "large:hash", *sum(([f"f{part}:{i}", f"value {i}"] for i in range(2000)), []))
            client.call("RPUSH", "large:list", *[f"element {part} {i}" * 3 for i in range(2000)])
            client.call("ZADD", "large:zset", *sum(([i * part, f"m{part}:{i}"] for i in range(2000)), []))
            client.pipeline([("XADD", "large:stream", "*", "f", f"{part} {i}") for i in range(500)])
        client.call("XGROUP", "CREATE", "large:stream", "g", "0")
        client.call("XREADGROUP", "GROUP", "g", "c", "COUNT", 300, "STREAMS", "large:stream", ">")
        client.call("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 7 end)")


def cut_over(cluster, redis, load):
    load.stop()
    cluster.wait_ready()
    following.wait_follows(cluster, redis)
    following.wait_equal(cluster, redis)
    answer = cluster.followers()[0].call("REPLICAOF", "NO", "ONE")
    check(answer.text == "OK", f"REPLICAOF NO ONE: {answer}")
    with cluster.leader().client() as client:
        n = load.check_counters(client)
        check(client.call("SET", "ours", "1").text == "OK", "the cluster takes writes")
        check(client.call("FCALL", "f", 0).value == 7, "functions came along")
    for node in cluster.nodes:
        check(following.replication(node)["role"] == "master", f"{node.name} follows nobody")
    return n


def test_a_live_redis_is_followed_through_a_kill_and_lost_connections_and_cut_over(context):
    with context.cluster(3) as cluster, Redis(MASTER + ["--repl-backlog-size", "200mb"]) as redis:
        fill(redis)
        with following.Load(redis.port) as load, redis.client() as master:
            load.wait_written(3000)
            follow(cluster, redis)
            following.wait_up(cluster)
            load.wait_written(5000)
            check(master.call("CLIENT", "KILL", "TYPE", "replica").value == 1, "one connection is cut")
            load.wait_written(5000)
            following.wait_up(cluster)
            leader = cluster.leader()
            leader.kill()
            load.wait_written(5000)
            cluster.wait_leader()
            following.wait_up(cluster)
            load.wait_written(3000)
            fulls = int(master.info("stats")["sync_full"])
            check(fulls == 1, f"{fulls} full resynchronisations: the others go on from what is applied")
            leader.start()
            n = cut_over(cluster, redis, load)
            context.say(f"{n} increments, each counted once; {load.n_written()} commands")


def test_a_leader_killed_in_the_middle_of_the_dump_leaves_no_half_of_it(context):
    with context.cluster(3) as cluster, Redis(MASTER) as redis:
        with redis.client() as client:
            client.call("DEBUG", "POPULATE", 300000)
        fill(redis)
        with following.Load(redis.port, writers=1) as load:
            load.wait_written(1000)
            follow(cluster, redis)
            leader = cluster.leader()
            wait_until(lambda: int(following.replication(leader).get("master_sync_keys", 0)) > 20000,
                       "part of the dump is applied", pause_s=0.005)
            answer = cluster.followers()[0].call("GET", "static:7")
            check(answer.text.startswith("LOADING"), f"half of a dump is not shown: {answer}")
            leader.kill()
            cluster.wait_leader()
            following.wait_up(cluster, 60.0)
            leader.start()
            cut_over(cluster, redis, load)


def test_clients_cannot_write_while_the_cluster_follows(context):
    refusal = "READONLY You can't write against a read only replica."
    with context.cluster(1) as cluster, Redis(MASTER) as redis, cluster.nodes[0].client() as client:
        with cluster.nodes[0].client(timeout_s=30.0) as waiter:
            waiter.send_raw(b"*3\r\n$5\r\nBLPOP\r\n$1\r\nq\r\n$1\r\n0\r\n")
            wait_until(lambda: client.info("clients")["blocked_clients"] == "1", "somebody waits")
            client.call("REPLICAOF", "127.0.0.1", redis.port)
            check(waiter.read().text.startswith("UNBLOCKED force unblock"), "who waits is let go")
        following.wait_up(cluster)
        for command in (("SET", "a", "1"), ("DEL", "a"), ("FLUSHALL",), ("BLPOP", "q", "1"), ("SPOP", "s"),
                        ("EVAL", "#!lua flags=allow-oom\nreturn redis.call('SET', KEYS[1], 1)", 1, "a")):
            answer = client.call(*command)
            check(answer.text.startswith("READONLY"), f"{command[0]}: {answer}")
        check(refusal in client.call("EVAL", "return redis.call('SET', KEYS[1], 1)", 1, "a").text, "EVAL")
        client.call("MULTI")
        client.call("SET", "a", "1")
        check(client.call("EXEC").text == f"EXECABORT Transaction discarded because of: {refusal}", "EXEC")
        check(client.call("GET", "a").is_nil and client.call("DBSIZE").value == 0, "nothing was written")
        role = client.call("ROLE").plain()
        check(role[:4] == [b"slave", b"127.0.0.1", redis.port, b"connected"], f"ROLE: {role}")
        again = client.call("REPLICAOF", "127.0.0.1", redis.port).text
        check(again == "OK Already connected to specified master", again)


def test_a_key_that_the_master_keeps_is_kept_although_its_time_seems_over(context):
    """Only the master says when a key has expired: until then it may give it more time."""
    with context.cluster(1) as cluster, Redis(MASTER) as redis, redis.client() as master:
        node = cluster.nodes[0]
        master.call("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        node.call("REPLICAOF", "127.0.0.1", redis.port)
        following.wait_up(cluster)
        master.call("SET", "short", "1", "PX", "100")
        wait_until(lambda: node.call("DBSIZE").value == 1, "it is there")
        wait_until(lambda: node.call("GET", "short").is_nil, "readers see it expire")
        check(node.call("DBSIZE").value == 1, "but it is not taken away")
        master.call("GET", "short")  # now it goes, by the master's word
        wait_until(lambda: node.call("DBSIZE").value == 0, "the master's DEL takes it away")


def test_a_password_is_told_and_what_cannot_be_followed_stops_loudly(context):
    with context.cluster(1, "--masterauth", "secret") as cluster, \
            Redis(MASTER + ["--requirepass", "secret", "--databases", "20"]) as redis, redis.client() as master:
        master.call("AUTH", "secret")
        master.call("SET", "a", "1")
        node = cluster.nodes[0]
        node.call("REPLICAOF", "127.0.0.1", redis.port)
        following.wait_up(cluster)
        check(node.call("GET", "a").text == "1", "it follows")
        master.call("SELECT", "18")
        master.call("SET", "b", "2")
        wait_until(lambda: "database" in following.replication(node).get("master_link_error", ""), "it says why")
        check(following.replication(node)["master_link_status"] == "down", "and stops")
        check(node.call("GET", "a").text == "1", "what was there stays")
