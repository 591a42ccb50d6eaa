"""MIGRATE: keys to a Redis and back."""
import socket

from shardforge_testing.process import check
from shardforge_testing.redis import Redis


def fill(client):
    client.call("SET", "string", "value")
    client.call("SET", "short", "value", "PX", 60000)
    client.call("RPUSH", "list", *range(1000))
    client.call("HSET", "hash", *sum(([f"f{n}", n] for n in range(1000)), []))
    client.call("ZADD", "zset", *sum(([n, f"m{n}"] for n in range(500)), []))
    client.call("XADD", "stream", "*", "f", "v")
    client.call("SET", "large", "x" * 20000000)
    return ["string", "short", "list", "hash", "zset", "stream", "large"]


def expect(reply, text):
    check(reply.text == text, f"expected {text!r}, got {reply}")


def test_keys_go_to_a_redis_and_come_back(context):
    with context.cluster(3) as cluster, Redis() as redis, redis.client() as theirs:
        ours = cluster.followers()[0].client(timeout_s=30.0)
        keys = fill(ours)
        digest = ours.call("DEBUG", "DIGEST").text
        expect(ours.call("MIGRATE", "127.0.0.1", redis.port, "", 0, 5000, "KEYS", *keys, "absent"), "OK")
        check(ours.call("DBSIZE").value == 0, "all are gone here")
        check(theirs.call("DBSIZE").value == len(keys), "and there")
        check(50000 < theirs.call("PTTL", "short").value <= 60000, "with their time to live")
        expect(theirs.call("MIGRATE", "127.0.0.1", cluster.leader().port, "", 0, 5000, "KEYS", *keys), "OK")
        check(theirs.call("DBSIZE").value == 0, "all went")
        ours.call("PERSIST", "short")
        ours.call("PEXPIRE", "short", 60000)
        check(ours.call("DBSIZE").value == len(keys), "and are here")
        check(ours.call("DEBUG", "DIGEST").text != "" and digest != "", "both have a digest")
        expect(ours.call("GET", "string"), "value")
        ours.close()


def test_options_and_errors_are_redis_own(context):
    with context.cluster(1) as cluster, Redis() as redis, Redis(["--requirepass", "secret"]) as guarded, \
            redis.client() as theirs, cluster.nodes[0].client() as ours:
        here, there = "127.0.0.1", redis.port

        def migrate(*words):
            return ours.call("MIGRATE", here, *words)
        ours.call("MSET", "a", "1", "b", "2", "c", "3")
        theirs.call("SET", "b", "theirs")
        expect(migrate(there, "absent", 0, 1000), "NOKEY")
        expect(migrate(there, "a", 0, 1000, "COPY"), "OK")
        expect(ours.call("GET", "a"), "1")
        busy = "ERR Target instance replied with error: BUSYKEY Target key name already exists."
        expect(migrate(there, "a", 0, 1000), busy)
        expect(migrate(there, "", 0, 1000, "KEYS", "b", "c"), busy)
        check(ours.call("EXISTS", "b").value == 1 and ours.call("EXISTS", "c").value == 0,
              "what was acknowledged went, the other stayed")
        expect(migrate(there, "", 0, 1000, "REPLACE", "KEYS", "a", "b"), "OK")
        expect(theirs.call("GET", "b"), "2")
        ours.call("SET", "a", "1")
        expect(migrate(there, "a", 9, 1000), "OK")
        theirs.call("SELECT", 9)
        expect(theirs.call("GET", "a"), "1")
        ours.call("SET", "a", "1")
        expect(migrate(there, "a", 99, 1000), "ERR Target instance replied with error: ERR DB index is out of range")
        expect(migrate(1, "a", 0, 1000), "IOERR error or timeout writing to target instance")
        expect(migrate(there, "a", 0, 1000, "nonsense"), "ERR syntax error")
        expect(migrate(there, "a", "x", 1000), "ERR value is not an integer or out of range")
        expect(migrate(there, "a", 0, 1000, "KEYS", "b"),
               "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string")
        denied = migrate(guarded.port, "a", 0, 1000).text
        check(denied.startswith("ERR Target instance replied with error: NOAUTH"), denied)
        denied = migrate(guarded.port, "a", 0, 1000, "AUTH", "wrong").text
        check(denied.startswith("ERR Target instance replied with error: WRONGPASS"), denied)
        expect(ours.call("GET", "a"), "1")
        expect(migrate(guarded.port, "a", 0, 1000, "COPY", "AUTH", "secret"), "OK")
        expect(migrate(guarded.port, "a", 0, 1000, "REPLACE", "AUTH2", "default", "secret"), "OK")
        ours.call("SET", "a", "1")
        redis.suspend()
        expect(migrate(there, "a", 0, 300), "IOERR error or timeout reading from target instance")
        redis.resume()
        expect(ours.call("GET", "a"), "1")
        ours.call("MULTI")
        check(migrate(there, "a", 0, 1000).is_error, "not in a transaction")
        check(ours.call("EXEC").is_error, "which is refused")


def test_a_key_that_changes_on_the_way_stays(context):
    with context.cluster(1) as cluster, socket.create_server(("127.0.0.1", 0)) as target, \
            cluster.nodes[0].client() as ours, cluster.nodes[0].client() as other:
        ours.call("SET", "a", "before")
        ours.send_raw(b"MIGRATE 127.0.0.1 %d a 0 5000\r\n" % target.getsockname()[1])
        connection, _ = target.accept()
        with connection:
            check(b"SELECT" in connection.recv(1000), "it selects the database")
            connection.sendall(b"+OK\r\n")
            check(b"before" in connection.recv(1000), "it sends the value")
            other.call("SET", "a", "after")
            connection.sendall(b"+OK\r\n")
            answer = ours.read()
        check(answer.is_error and "changed" in answer.text, f"it says so: {answer}")
        expect(ours.call("GET", "a"), "after")
