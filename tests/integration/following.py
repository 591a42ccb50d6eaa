"""A live Redis under load, for the tests that follow it."""
import random
import threading

from shardforge_testing.process import check, wait_until
from shardforge_testing.resp import Client


class Writer(threading.Thread):
    """One connection that writes everything that a Redis can hold, in pipelines, until it is told to stop."""

    def __init__(self, port, seed, name):
        super().__init__(daemon=True)
        self.client = Client(port, timeout_s=60.0)
        self.random = random.Random(seed)
        self.prefix = name
        self.counted = {}
        self.stopping = threading.Event()
        self.failure = None
        self.n_written = 0

    def key(self, kind, n=20):
        return f"{self.prefix}:{kind}:{self.random.randrange(n)}"

    def one(self):
        r, key = self.random, self.key
        word = f"w{r.randrange(1000)}"
        kinds = [
            lambda: [("SET", key("string"), "x" * r.choice([1, 20, 100, 5000]))],
            lambda: [("SET", key("expiring"), word, "PX", r.randrange(1, 300))],
            lambda: [("SET", key("late"), word, "PX", 30), ("PERSIST", key("late")), ("PEXPIRE", key("late"), 2000)],
            lambda: [("APPEND", key("append"), word), ("SETRANGE", key("append"), r.randrange(50), word)],
            lambda: [("INCRBYFLOAT", key("float"), r.random())],
            lambda: [("SETBIT", key("bits"), r.randrange(2000), r.randrange(2))],
            lambda: [("PFADD", key("hll"), word), ("PFCOUNT", key("hll"))],
            lambda: [("RPUSH", key("list"), word, "x" * r.choice([3, 300])), ("LTRIM", key("list"), 0, 300)],
            lambda: [("LMOVE", key("list"), key("list"), "LEFT", "RIGHT"), ("LPOP", key("list"))],
            lambda: [("SADD", key("set"), word, r.randrange(1000)), ("SPOP", key("set"))],
            lambda: [("SADD", key("ints"), *range(r.randrange(1, 700)))],
            lambda: [("SUNIONSTORE", key("set"), key("set"), key("ints"))],
            lambda: [("HSET", key("hash"), word, r.randrange(100), "long", "y" * r.choice([3, 100]))],
            lambda: [("HINCRBY", key("hash"), "n", 1), ("HDEL", key("hash"), word)],
            lambda: [("ZADD", key("zset"), r.random() * 100, word), ("ZINCRBY", key("zset"), 1.5, word)],
            lambda: [("ZADD", key("zset"), *sum(([i, f"m{i}"] for i in range(r.randrange(1, 200))), []))],
            lambda: [("ZPOPMIN", key("zset"))],
            lambda: [("GEOADD", key("geo"), r.random() * 90, r.random() * 80, word)],
            lambda: [("XADD", key("stream"), "MAXLEN", "~", 500, "*", "f", word)],
            lambda: [("XGROUP", "CREATE", key("stream"), "g", "0", "MKSTREAM"),
                     ("XREADGROUP", "GROUP", "g", "c", "COUNT", 3, "STREAMS", key("stream"), ">")],
            lambda: [("XAUTOCLAIM", key("stream"), "g", "d", 0, "0", "COUNT", 5)],
            lambda: [("RENAME", key("string"), key("renamed")), ("COPY", key("hash"), key("copy"), "REPLACE")],
            lambda: [("DEL", key("string"), key("list")), ("UNLINK", key("hash"))],
            lambda: [("EVAL", "redis.call('INCRBY', KEYS[1], ARGV[1]) return redis.call('RPUSH', KEYS[2], ARGV[1])",
                      2, key("evaled"), key("evals"), r.randrange(100))],
            lambda: [("SELECT", 3), ("SET", key("other"), word), ("MOVE", key("other"), 0), ("SELECT", 0)],
            lambda: [("MULTI",), ("INCRBY", f"{self.prefix}:left", -1), ("INCRBY", f"{self.prefix}:right", 1),
                     ("EXEC",)],
            lambda: [("PUBLISH", "news", word)],
        ]
        return r.choice(kinds)()

    def run(self):
        try:
            while not self.stopping.is_set():
                commands = []
                for _ in range(20):
                    commands += self.one()
                for _ in range(10):
                    n = self.random.randrange(50)
                    self.counted[n] = self.counted.get(n, 0) + 1
                    commands.append(("INCR", f"{self.prefix}:counter:{n}"))
                self.client.pipeline(commands)
                self.n_written += len(commands)
        except Exception as error:  # told by stop
            self.failure = error

    def stop(self):
        self.stopping.set()
        self.join()
        check(self.failure is None, f"the load on Redis failed: {self.failure}")


class Load:
    def __init__(self, port, writers=2, seed=1):
        self.writers = [Writer(port, seed * 100 + n, f"writer{n}") for n in range(writers)]

    def __enter__(self):
        for writer in self.writers:
            writer.start()
        return self

    def __exit__(self, *_):
        for writer in self.writers:
            writer.stopping.set()

    def n_written(self):
        return sum(writer.n_written for writer in self.writers)

    def wait_written(self, n):
        goal = self.n_written() + n
        wait_until(lambda: self.n_written() >= goal, f"{n} more commands at Redis", 60.0)

    def stop(self):
        for writer in self.writers:
            writer.stop()

    def check_counters(self, client):
        n = 0
        for writer in self.writers:
            for counter, count in writer.counted.items():
                held = client.call("GET", f"{writer.prefix}:counter:{counter}").text
                check(held == str(count), f"counter {counter} of {writer.prefix}: {held}, counted {count}")
                n += count
        return n


def replication(node):
    with node.client(timeout_s=20.0) as client:
        return client.info("replication")


def wait_follows(cluster, redis, deadline_s=30.0):
    """The cluster has applied everything that Redis has written (it must be at rest)."""
    def equal():
        with redis.client() as client:
            goal = client.info("replication")["master_repl_offset"]
        status = replication(cluster.leader())
        return status["role"] == "slave" and status["master_link_status"] == "up" and \
            int(status["slave_repl_offset"]) + 200 >= int(goal) and \
            int(status["slave_read_repl_offset"]) >= int(goal)
    wait_until(equal, "the cluster is where Redis is", deadline_s, pause_s=0.05)


def wait_up(cluster, deadline_s=30.0):
    wait_until(lambda: replication(cluster.leader())["master_link_status"] == "up", "the link to Redis is up",
               deadline_s, pause_s=0.05)


def wait_equal(cluster, redis, deadline_s=20.0):
    """Equal DEBUG DIGESTs, once the keys that were about to expire have."""
    def digests():
        with redis.client() as client:
            return {client.call("DEBUG", "DIGEST").text} | set(cluster.digests())
    wait_until(lambda: len(digests()) == 1, "equal digests at Redis and all nodes", deadline_s, pause_s=0.2)
