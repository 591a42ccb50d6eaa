"""A fresh node begins with a dump of Redis's."""
import os

import following
from test_replicaof import fill
from shardforge_testing.process import check, wait_until
from shardforge_testing.redis import Redis


def make_dump(context, n_populated=0):
    """A file that Debian's redis-server saved, and the digest of what is in it."""
    directory = context.directory / "redis"
    with Redis(directory=directory) as redis, redis.client(timeout_s=60.0) as client:
        fill(redis)
        with following.Load(redis.port) as load:
            load.wait_written(4000)
            load.stop()
        client.call("SELECT", 0)
        for key in client.call("KEYS", "*:expiring:*").items + client.call("KEYS", "*:late:*").items:
            client.call("DEL", key.value)
        if n_populated:
            client.call("DEBUG", "POPULATE", n_populated)
        check(client.call("DEBUG", "RELOAD", timeout_s=60.0).text == "OK", "what it holds once loaded")
        digest = client.call("DEBUG", "DIGEST").text
        check(client.call("SAVE").text == "OK", "SAVE")
    return str(directory / "dump.rdb"), digest


def wait_imported(node, deadline_s=60.0):
    wait_until(lambda: not node.call("DBSIZE").is_error, "the import ends", deadline_s)


def test_a_node_that_begins_with_a_dump_holds_what_redis_held(context):
    path, digest = make_dump(context)
    with context.cluster(1, join=False) as cluster:
        node = cluster.nodes[0]
        node.terminate()
        node.wipe()
        node.start(["--cluster-bootstrap", "yes", "--import-rdb", path])
        wait_imported(node)
        check(node.call("DEBUG", "DIGEST", timeout_s=60.0).text == digest, "equal digests")
        check(node.call("FCALL", "f", 0).value == 7, "functions came along")
        check(node.call("XLEN", "large:stream").value == 10000, "streams too")
        node.call("SET", "ours", "1")
        node.terminate()
        node.start(["--import-rdb", path])
        wait_until(lambda: node.call("GET", "ours").text == "1", "a later start imports nothing")


def test_a_node_killed_in_the_middle_of_an_import_begins_it_again(context):
    path, digest = make_dump(context, n_populated=400000)
    with context.cluster(1, join=False) as cluster:
        node = cluster.nodes[0]
        node.terminate()
        node.wipe()
        for _ in range(3):
            node.start(["--cluster-bootstrap", "yes", "--import-rdb", path])
            wait_until(lambda: imported_keys(node) > 10000, "a part is there", pause_s=0.005)
            answer = node.call("GET", "static:7")
            check(answer.text.startswith("LOADING"), f"half of a dump is not shown: {answer}")
            node.kill()
        node.start()
        wait_until(lambda: node.raft()["raft_role"] == "leader", "it leads")
        check(node.call("GET", "static:7").text.startswith("LOADING"), "nor without the directive")
        node.terminate()
        node.start(["--import-rdb", path])
        wait_imported(node)
        check(node.call("DEBUG", "DIGEST", timeout_s=60.0).text == digest, "equal digests")


def imported_keys(node):
    with node.client() as client:
        return int(client.info("persistence").get("import_rdb_keys", 0))


def test_a_dump_that_is_cut_off_is_refused_and_nothing_of_it_is_shown(context):
    path, _ = make_dump(context)
    bad = str(context.directory / "bad.rdb")
    with open(path, "rb") as whole, open(bad, "wb") as file:
        file.write(whole.read()[:-100000])
    with context.cluster(1, join=False) as cluster:
        node = cluster.nodes[0]
        node.terminate()
        node.wipe()
        for directive in (bad, bad + ".missing"):
            node.spawn(["--cluster-bootstrap", "yes", "--import-rdb", directive])
            wait_until(lambda: not node.is_running(), "it stops")
            check(os.path.basename(directive) in node.last_words(), "and names the file")
        node.start(["--import-rdb", path])
        wait_imported(node)
