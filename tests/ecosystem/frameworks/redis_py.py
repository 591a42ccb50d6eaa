"""A bank by WATCH and by Lua, a lock, a stream with a group, pub/sub, SCAN."""
import random
import sys
import threading
import time

import redis

HOST, PORT, SECONDS = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
ACCOUNTS = [f"account:{number}" for number in range(10)]
TOTAL = 1000 * len(ACCOUNTS)
END = time.monotonic() + SECONDS
failures = []


def goes_on():
    return time.monotonic() < END and not failures


def connect():
    return redis.Redis(HOST, PORT, decode_responses=True, socket_timeout=10)


def guarded(function):
    def run():
        try:
            function(connect())
        except Exception as error:  # whatever it is, the main thread tells
            failures.append(f"{function.__name__}: {error!r}")
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def transfers_by_watch(client):
    chance = random.Random(1)
    while goes_on():
        source, target = chance.sample(ACCOUNTS, 2)
        amount = chance.randint(1, 50)

        def move(pipe):
            left = int(pipe.get(source))
            pipe.multi()
            if left >= amount:
                pipe.decrby(source, amount)
                pipe.incrby(target, amount)
        client.transaction(move, source)


SCRIPT = """
if tonumber(redis.call('GET', KEYS[1])) < tonumber(ARGV[1]) then return 0 end
redis.call('DECRBY', KEYS[1], ARGV[1]) redis.call('INCRBY', KEYS[2], ARGV[1]) return 1
"""


def transfers_by_script(client):
    chance = random.Random(2)
    script = client.register_script(SCRIPT)
    while goes_on():
        source, target = chance.sample(ACCOUNTS, 2)
        script(keys=[source, target], args=[chance.randint(1, 50)])


def audits(client):
    while goes_on():
        total = sum(int(value) for value in client.mget(ACCOUNTS))
        if total != TOTAL:
            raise AssertionError(f"the accounts hold {total}, not {TOTAL}")


def counts_under_a_lock(client):
    while goes_on():
        with client.lock("lock", timeout=10):
            client.set("counted", int(client.get("counted") or 0) + 1)
            client.incr("counted:sure")


def streams(client):
    client.xgroup_create("events", "group", mkstream=True)
    written = read = 0
    while goes_on():
        written += 1
        client.xadd("events", {"n": written}, maxlen=1000)
        for _, entries in client.xreadgroup("group", "me", {"events": ">"}, count=10, block=1000):
            for entry_id, fields in entries:
                read += 1
                if int(fields["n"]) != read:
                    raise AssertionError(f"entry {fields['n']} came instead of {read}")
                client.xack("events", "group", entry_id)
    if written != read:
        raise AssertionError(f"{written} written, {read} read")


def listens(client):
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe("channel")
    publisher, sent = connect(), 0
    time.sleep(0.2)
    while goes_on():
        sent += 1
        publisher.publish("channel", sent)
        message = pubsub.get_message(timeout=10)
        while message is None:
            message = pubsub.get_message(timeout=10)
        if int(message["data"]) != sent:
            raise AssertionError(f"message {message['data']} came instead of {sent}")


def main():
    client = connect()
    client.mset({account: 1000 for account in ACCOUNTS})
    workers = [guarded(worker) for worker in (transfers_by_watch, transfers_by_watch, transfers_by_script, audits,
                                              counts_under_a_lock, counts_under_a_lock, streams, listens)]
    for worker in workers:
        worker.join()
    if client.get("counted") != client.get("counted:sure"):
        failures.append(f"under the lock {client.get('counted')}, surely {client.get('counted:sure')}")
    if len(list(client.scan_iter("account:*"))) != len(ACCOUNTS):
        failures.append("SCAN does not find all accounts")
    if failures:
        sys.exit("FAILED: " + "; ".join(failures))
    print(f"{client.get('counted')} locks, {client.xinfo_stream('events')['entries-added']} entries")


main()
