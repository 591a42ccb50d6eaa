"""Dumps taken while running (redis-cli --rdb), and new clusters that begin with one; redis-cli --pipe."""
import subprocess

import following
from test_import_rdb import wait_imported
from test_replicaof import fill
from shardforge_testing.process import check, wait_until
from shardforge_testing.redis import Redis
from shardforge_testing.resp import Client


def take_dump(node, path):
    done = subprocess.run(["redis-cli", "-p", str(node.port), "--rdb", path], capture_output=True, text=True,
                          timeout=120, check=False)
    check(done.returncode == 0, f"redis-cli --rdb: {done.stdout} {done.stderr}")


def wait_loaded(redis):
    wait_until(lambda: not redis.call("DBSIZE").is_error, "Redis has loaded")


def digest_of(redis):
    with redis.client() as client:
        wait_loaded(client)
        return client.call("DEBUG", "DIGEST").text


def test_a_backup_taken_under_load_restores_into_a_new_cluster(context):
    path = str(context.directory / "backup.rdb")
    with context.cluster(3) as cluster:
        fill(cluster.leader())
        with following.Load(cluster.followers()[0].port) as load:
            load.wait_written(3000)
            take_dump(cluster.followers()[1], path)
            load.wait_written(1000)
            load.stop()
    with Redis(["--dbfilename", "backup.rdb"], directory=context.directory) as redis, redis.client() as plain:
        wait_loaded(plain)
        held = plain.call("DEBUG", "DIGEST").text
        size = plain.call("DBSIZE").value
        for n in range(2):  # transactions are whole: what one takes the other has
            left, right = (int(plain.call("GET", f"writer{n}:{side}").text or 0) for side in ("left", "right"))
            check(left + right == 0, f"a transaction is torn: {left} {right}")
        short = {key.value for key in plain.call("KEYS", "*:expiring:*").items + plain.call("KEYS", "*:late:*").items}
    with context.cluster(3, join=False) as restored:
        first, others = restored.nodes[0], restored.nodes[1:]
        for node in restored.nodes:
            node.terminate()
            node.wipe()
        first.start(["--cluster-bootstrap", "yes", "--import-rdb", path])
        wait_imported(first)
        for node in others:
            node.start(["--cluster-bootstrap", "no"])
            restored.meet(node, first)
        restored.wait_ready()
        restored.check_equal_digests()
        check(first.call("FCALL", "f", 0).value == 7, "functions came along")
        if not short:
            check(first.call("DEBUG", "DIGEST").text == held, "what a Redis makes of that file")
        context.say(f"{size} keys")


def test_a_dump_loads_in_a_plain_redis_with_an_equal_digest(context):
    path = str(context.directory / "dump.rdb")
    with context.cluster(1) as cluster:
        node = cluster.nodes[0]
        fill(node)
        take_dump(node, path)
        digest = node.call("DEBUG", "DIGEST").text
    with Redis(["--dbfilename", "dump.rdb"], directory=context.directory) as redis:
        check(digest_of(redis) == digest, "equal digests")


def test_a_client_that_takes_its_dump_slowly_holds_nobody_up(context):
    with context.cluster(1) as cluster, cluster.nodes[0].client() as other:
        node = cluster.nodes[0]
        for n in range(60):
            other.call("SET", f"large:{n}", bytes((n * 7 + i * i) % 251 for i in range(1000)) * 1000)
        before = int(other.info("memory")["used_memory"])
        slow = Client(node.port, timeout_s=60.0)
        check(slow.call("REPLCONF", "capa", "eof").text == "OK", "REPLCONF")
        slow.send_raw(b"SYNC\r\n")
        head = slow.socket.recv(47)
        check(head.startswith(b"$EOF:"), f"{head}")
        for n in range(200):
            check(other.call("SET", f"small:{n}", n).text == "OK", "others go on")
        grown = int(other.info("memory")["used_memory"]) - before
        check(grown < 30 << 20, f"it keeps {grown} bytes for it")
        mark, got, tail = head[5:45], 0, b""
        while not tail.endswith(mark):
            data = slow.socket.recv(1 << 20)
            check(data, "it ends with its mark")
            got += len(data)
            tail = (tail + data)[-40:]
        check(got > 60 * 1000000 // 100, f"all is there: {got}")
        wait_until(lambda: slow.socket.recv(100) == b"", "then it is closed")


def test_who_wants_to_be_a_replica_is_refused(context):
    with context.cluster(1) as cluster, Redis() as redis, redis.client() as client:
        cluster.nodes[0].call("SET", "a", "1")
        client.call("SET", "theirs", "1")
        client.call("REPLICAOF", "127.0.0.1", cluster.nodes[0].port)
        wait_until(lambda: "no Redis replicas" in redis.last_words(), "it is told", 20.0)
        check(client.info("replication")["master_link_status"] == "down", "it never comes up")
        check(client.call("GET", "theirs").text == "1", "and keeps what it has")


def test_redis_cli_pipe_fills_the_cluster(context):
    with context.cluster(3) as cluster:
        node = cluster.followers()[0]
        commands = b"".join(b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$1\r\nv\r\n" % (len(key), key)
                            for key in (b"key:%d" % n for n in range(100000)))
        done = subprocess.run(["redis-cli", "-p", str(node.port), "--pipe"], input=commands, capture_output=True,
                              timeout=120, check=False)
        check(b"errors: 0, replies: 100000" in done.stdout, f"{done.stdout}")
        check(node.call("DBSIZE").value == 100000, "all are there")
