"""Dump files: those of a real redis-server are read, ours are loaded by it, each with the same DEBUG DIGEST."""
import os
import random
import shutil
import subprocess

from shardforge_testing.process import check, wait_until
from shardforge_testing.redis import Redis

FUNCTIONS = "#!lua name=numbers\nredis.register_function('one', function(keys, args) return 1 end)\n"


def texts(chance, n, longest):
    """n different texts: numbers of every width, short and long ones, such as repeat and such as do not."""
    found = {str(chance.choice((-1, 1)) * chance.getrandbits(bits)) for bits in range(0, 64, 7)}
    while len(found) < n:
        length = chance.randint(0, longest)
        found.add("".join(chance.choices("ab", k=length)) if chance.random() < 0.5 else
                  "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length)))
    found = sorted(found)
    chance.shuffle(found)
    return found[:n]


def score(chance):
    return chance.choice((chance.randint(-9, 9), chance.random(), -chance.expovariate(1e-9), "inf", "-inf", 1e-310,
                          2 ** 53, 0.1))


def streams(chance):
    """Streams: small and of many nodes, with holes, emptied, with groups whose consumers own entries."""
    for n in (1, 40, 1000):
        key = f"stream:{n}"
        for i in range(n):
            fields = ("same", "fields") if chance.random() < 0.8 else (chance.choice("abc"), "", "1")[:2]
            yield ("XADD", key, f"{1000 + i // 3}-{i % 3 + 1}", *(x for f in fields for x in (f, chance.getrandbits(40))))
        for _ in range(n // 10):
            yield ("XDEL", key, f"{1000 + chance.randrange(n) // 3}-{chance.randint(1, 3)}")
        yield ("XGROUP", "CREATE", key, "all", "0")
        yield ("XGROUP", "CREATE", key, "late", "$", "ENTRIESREAD", "7")
        for consumer in ("one", "two", "three"):
            yield ("XREADGROUP", "GROUP", "all", consumer, "COUNT", n // 5, "STREAMS", key, ">")
        yield ("XGROUP", "CREATECONSUMER", key, "late", "idle")
        yield ("XACK", key, "all", "1000-1")
    yield ("XTRIM", "stream:1000", "MAXLEN", "700")
    yield ("XADD", "stream:empty", "5-5", "f", "v")
    yield ("XDEL", "stream:empty", "5-5")
    yield ("XGROUP", "CREATE", "stream:empty", "g", "3-3")


def fill(client, chance):
    """Values of every type in every form, some with a due time, in three databases."""
    commands = []
    for db in (0, 3, 15):
        commands.append(("SELECT", db))
        for i, text in enumerate(texts(chance, 60, 200)):
            commands.append(("SET", f"string:{i}:{text[:20]}", text))
        commands.append(("SET", "string:large", "".join(texts(chance, 500, 3000))))
        commands.append(("SET", "", ""))
        for n, longest in ((1, 10), (20, 30), (100, 64), (129, 64), (300, 64), (513, 20), (5, 20000), (3000, 100)):
            some = texts(chance, n, longest)
            name = f"{n}:{longest}"
            commands.append(("RPUSH", f"list:{name}", *some))
            commands.append(("SADD", f"set:{name}", *some))
            commands.append(("HSET", f"hash:{name}", *(part for text in some for part in (text, text[::-1]))))
            commands.append(("ZADD", f"zset:{name}", *(part for text in some for part in (score(chance), text))))
            for bits in (15, 31, 63):
                commands.append(("SADD", f"intset:{n}:{bits}", *(chance.getrandbits(bits) for _ in range(n))))
            commands.append(("PEXPIREAT", f"set:{name}", 4102444800000 + n))
            commands.append(("EXPIREAT", f"string:{n}", 4102444800))
        commands.extend(streams(chance))
    commands.append(("FUNCTION", "LOAD", FUNCTIONS))
    replies = client.pipeline(commands)
    bad = [reply for reply in replies if reply.is_error]
    check(not bad, f"the oracle is filled: {bad[:1]}")


def drive(context, *arguments, code=0):
    command = [str(context.build / "tests/integration/dump_driver"), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    check(result.returncode == code, f"dump_driver {arguments[0]}: {result.returncode} {result.stdout}{result.stderr}")
    return dict(line.split(" ", 1) for line in result.stdout.splitlines() if " " in line)


def facts_of(client):
    """What must be the same after a file was carried: the digest, libraries, streams with all they remember."""
    wait_until(lambda: client.call("PING").text == "PONG", "Redis has loaded the file")
    libraries = client.call("FUNCTION", "LIST").plain()
    return client.call("DEBUG", "DIGEST").text, libraries, told_of_streams(client)


def saved(context, *directives):
    """The dump.rdb of a filled redis-server, and what is there."""
    directory = context.directory / f"oracle-{'-'.join(directives).replace('/', '')}"
    with Redis(directives, directory) as redis, redis.client(timeout_s=30.0) as client:
        fill(client, random.Random(7))
        check(not client.call("SAVE", timeout_s=30.0).is_error, "SAVE")
        return directory / "dump.rdb", facts_of(client)


def loaded(path, context, name):
    """What a redis-server tells that loaded this file."""
    directory = context.directory / name
    os.makedirs(directory, exist_ok=True)
    shutil.copy(path, directory / "dump.rdb")
    with Redis((), directory) as redis, redis.client(timeout_s=30.0) as client:
        return facts_of(client)


def told_of_streams(client):
    """Everything that Redis tells of them, groups, nodes and times included."""
    told = []
    for db in (0, 3, 15):
        client.call("SELECT", db)
        for key in ("stream:1", "stream:40", "stream:1000", "stream:empty"):
            told.append(client.call("XINFO", "STREAM", key, "FULL", "COUNT", "0").plain())
    return told


def test_a_file_of_redis_is_read_in_chunks_of_any_size(context):
    path, facts = saved(context)
    for chunk in (1, 7, 4096, 1 << 24):
        read = drive(context, "read", path, chunk)
        check(read["digest"] == facts[0], f"the digest in chunks of {chunk}: {read} {facts[0]}")
        check(read["functions"] == "1" and read["version"] == "10", f"the rest of the file: {read}")


def test_a_file_without_compression_and_checksum_is_read(context):
    path, facts = saved(context, "--rdbcompression", "no", "--rdbchecksum", "no")
    check(drive(context, "read", path, 1000)["digest"] == facts[0], "the digest")


def test_files_of_lists_whose_nodes_are_small_or_compressed_are_read(context):
    path, facts = saved(context, "--list-max-listpack-size", "3", "--list-compress-depth", "1")
    check(drive(context, "read", path, 1000)["digest"] == facts[0], "the digest")


def test_our_file_is_loaded_by_redis(context):
    path, facts = saved(context)
    copy = context.directory / "copy.rdb"
    check(drive(context, "copy", path, copy)["digest"] == facts[0], "what was read")
    check(loaded(copy, context, "second") == facts, "what Redis makes of ours")
    check(drive(context, "read", copy, 333)["digest"] == facts[0], "what we make of ours")


def test_a_damaged_file_is_refused(context):
    path, _ = saved(context)
    whole = path.read_bytes()
    damaged = context.directory / "damaged.rdb"
    chance = random.Random(1)
    for _ in range(20):
        at = chance.randrange(9, len(whole) - 8)
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1:])
        drive(context, "read", damaged, 100000, code=1)
        damaged.write_bytes(whole[:at])
        drive(context, "read", damaged, 100000, code=1)


def carry(source, target):
    """Every key of three databases by DUMP and RESTORE, with its due time."""
    for db in (0, 3, 15):
        source.call("SELECT", db)
        target.call("SELECT", db)
        keys = [key.value for key in source.call("KEYS", "*").items]
        dumps = source.pipeline([("DUMP", key) for key in keys])
        times = source.pipeline([("PEXPIRETIME", key) for key in keys])
        due = [("0", ()) if time.value < 0 else (time.value, ("ABSTTL",)) for time in times]
        replies = target.pipeline([("RESTORE", key, ttl, dump.value, *absolute)
                                   for key, dump, (ttl, absolute) in zip(keys, dumps, due)])
        bad = [reply for reply in replies if reply.is_error]
        check(not bad, f"no errors from RESTORE: {bad[:1]}")


def test_payloads_go_both_ways_between_redis_and_nodes(context):
    with context.cluster(1) as cluster, Redis() as first, Redis() as second:
        ours, source, back = (server.client(timeout_s=60.0) for server in (cluster.nodes[0], first, second))
        fill(source, random.Random(8))
        carry(source, ours)
        carry(ours, back)
        digests = [client.call("DEBUG", "DIGEST").text for client in (source, ours, back)]
        check(len(set(digests)) == 1, f"the digests of Redis, ours, and Redis again: {digests}")
        check(told_of_streams(source) == told_of_streams(back), "what the streams remember")


def snapshots_of(node):
    """Its snapshot files, newest first."""
    found = [os.path.join(at, name) for at, _, names in os.walk(node.directory) for name in names
             if name.startswith("snapshot-")]
    return sorted(found, reverse=True)


def test_our_snapshot_is_loaded_by_redis_and_by_us(context):
    for compression in ("no", "yes"):
        with context.cluster(1, "--rdbcompression", compression) as cluster:
            node = cluster.nodes[0]
            with node.client(timeout_s=60.0) as client:
                fill(client, random.Random(9))
                check(client.call("SAVE", timeout_s=60.0).text == "OK", "SAVE")
                digest = client.call("DEBUG", "DIGEST").text
            newest = snapshots_of(node)[0]
            read = drive(context, "read", newest, 5000)
            check(read["digest"] == digest and read["functions"] == "1", f"what our reader makes of it: {read} {digest}")
            theirs = loaded(newest, context, f"snapshot-{compression}")
            check(theirs[0] == digest, f"what Redis makes of it: {theirs[0]} {digest}")
            check(str(theirs[1]).count("numbers") == 1, f"its libraries: {theirs[1]}")
            cluster.kill_all()
            cluster.start_all()
            with node.client(timeout_s=60.0) as client:
                check(client.call("DEBUG", "DIGEST").text == digest, "the state after a restart")
                check(int(node.raft()["raft_snapshot_index"]) > 0, "it started from the snapshot")


def test_a_snapshot_with_a_flipped_bit_or_cut_off_is_never_loaded(context):
    chance = random.Random(3)
    with context.cluster(1) as cluster:
        node = cluster.nodes[0]
        with node.client(timeout_s=60.0) as client:
            fill(client, random.Random(10))
            check(client.call("SAVE", timeout_s=60.0).text == "OK", "SAVE")
            digest = client.call("DEBUG", "DIGEST").text
        cluster.kill_all()
        newest = snapshots_of(node)[0]
        with open(newest, "rb") as file:
            whole = file.read()
        for _ in range(12):
            at = chance.randrange(len(whole))
            flipped = whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1:]
            with open(newest, "wb") as file:
                file.write(chance.choice((flipped, whole[:at])))
            cluster.start_all()  # the log still reaches back to the beginning
            with node.client(timeout_s=60.0) as client:
                check(client.call("DEBUG", "DIGEST").text == digest, f"the state with a damaged byte {at}")
            with open(node.log_path, errors="replace") as log:
                check("is damaged" in log.read(), "the log says so")
            cluster.kill_all()
