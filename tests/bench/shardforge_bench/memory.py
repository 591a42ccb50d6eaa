"""Bytes that the allocator gives for each key or element: the engine alone, beside a redis-server with the same data."""
import subprocess

from shardforge_testing.redis import Redis

REDIS_ROWS = [  # as engine_bench weighs them: prefix of its row's name, command, how often
    ("string: key of 16 bytes, value of 8", "SET key:__rand_int__ xxxxxxxx"),
    ("string: key of 16 bytes, value of 32", "SET key:__rand_int__ " + 32 * "x"),
    ("string: key of 16 bytes, value of 100", "SET key:__rand_int__ " + 100 * "x"),
]


def memory(_server, load, _directory):
    tool = load.path.parent / "engine_bench"
    print(subprocess.run([str(tool), "memory"], check=True, capture_output=True, text=True).stdout, end="")
    print("redis-server here, a million keys:")
    for name, command in REDIS_ROWS:
        with Redis() as redis:
            before = used(redis)
            lines = [command.replace("__rand_int__", f"{number:012d}") for number in range(1_000_000)]
            subprocess.run(["redis-cli", "-p", str(redis.port), "--pipe"], input="\r\n".join(lines) + "\r\n", text=True,
                           check=True, capture_output=True)
            with redis.client() as client:
                keys = int(client.call("DBSIZE").text)
            print(f"{name:<52} {(used(redis) - before) / keys:8.1f}")


def used(redis):
    with redis.client() as client:
        return int(client.info("memory")["used_memory"])
