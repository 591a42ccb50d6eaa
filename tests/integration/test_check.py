"""shardforge-check says what a data directory holds, names what is bad in it, and changes nothing."""
import os
import pathlib
import re
import subprocess

from byte_flips import files_below
from shardforge_testing.process import check, wait_until

KEY_SPACE = 50


def look(context, node, *words):
    """Exit code and report; the directory must be what it was, where the node does not run."""
    before = state(node)
    tool = pathlib.Path(context.server).parent / "shardforge-check"
    result = subprocess.run([tool, node.directory, *words], capture_output=True, text=True, timeout=60)
    check(node.is_running() or state(node) == before, "nothing changed")
    check(not result.stderr, f"no word on standard error: {result.stderr}")
    return result.returncode, result.stdout


def state(node):
    return [(name, pathlib.Path(node.directory, name).read_bytes()) for name in files_below(node.directory)]


def write(node, n=200):
    with node.client() as client:
        for i in range(n):
            check(not client.call("SET", f"key:{i % KEY_SPACE}", f"value {i} \x01\"" + "x" * 500).is_error, "SET")
        client.call("MULTI")
        client.call("INCR", "inside a transaction")
        client.call("EXEC")


def largest(node, ending):
    return max(pathlib.Path(node.directory).rglob("*" + ending), key=lambda path: path.stat().st_size)


def turn(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 0x20
    path.write_bytes(data)


def expect(report, *patterns):
    for pattern in patterns:
        check(re.search(pattern, report, re.M), f"/{pattern}/ in:\n{report}")


def test_a_sound_directory_is_described_running_or_not(context):
    with context.cluster(3) as cluster:
        node = cluster.followers()[0]
        write(node)
        identity = node.node_id()[:16]
        code, report = look(context, node, "--verify")
        expect(report, r"in use by process %d" % node.pid, identity, r"\* term \d+", r"log-1 +from entry 1,")
        check(code == 0, f"a running node is fine: {report}")
        last = int(node.raft()["raft_last_index"])
        node.terminate()
        code, report = look(context, node, "--verify")
        expect(report, "not in use", rf"node +{identity}", r"state +member", rf"to entry {last}$",
               rf"a start finds entries 1 to {last}", "verdict: nothing is wrong")
        check(code == 0, f"fine, not {code}")
        cluster.restart(node)
        cluster.check_equal_digests()


def test_entries_are_shown_in_words(context):
    with context.cluster(1) as cluster:
        node = cluster.nodes[0]
        write(node)
        node.terminate()
        code, report = look(context, node, "--entries", "1..")
        expect(report, r"^\d+:[0-9a-f]{8} term 1 no-op", r"configuration, \d+ bytes\n  [0-9a-f]{16} .*voter",
               r"  at 20\d\d-\d\d-\d\dT[0-9:.]+Z, seed", r"sequence \d+, \d+ commands",
               r'db 0: "SET" "key:7" "value 7 \\x01\\"x', r'transaction of 1\n +db 0: "INCR" "inside a transaction"')
        check(code == 0 and "malformed" not in report, f"all of it is understood: {report[-500:]}")
        _, one = look(context, node, "--entries", "3")
        check(len(re.findall(r"^\d+:[0-9a-f]{8} ", one, re.M)) == 1, f"one entry: {one}")


def test_what_is_bad_is_named_with_its_place(context):
    with context.cluster(1) as cluster:
        node = cluster.nodes[0]
        write(node)
        node.terminate()
        log = largest(node, ".log")
        turn(log, 40000)
        code, report = look(context, node, "--verify")
        expect(report, rf"PROBLEM {log}: offset \d+: ", r"PROBLEM .*log-1: entry \d+ is missing or bad.*join again",
               "verdict: no node starts from it")
        check(code == 2, f"unusable, not {code}")
        turn(log, 40000)
        with open(log, "r+b") as file:
            file.truncate(log.stat().st_size - 100)
        code, report = look(context, node, "--verify")
        expect(report, r"PROBLEM .*synced entries are lost: the log ends at \d+", "verdict: damaged, but")
        check(code == 1, f"damaged, not {code}")


def test_what_a_crash_left_stays_as_it_is(context):
    """LevelDB and the storage would empty these, under the very names that they have."""
    with context.cluster(1) as cluster:
        node = cluster.nodes[0]
        write(node)
        node.kill()
        home = next(pathlib.Path(node.directory).glob("node-*"))
        names = ["generations.new", "snapshot.new", "snapshot.received"]
        names += [f"log-1/{name % number}" for number in range(1, 30) for name in ("MANIFEST-%06d", "%06d.dbtmp", "%06d.ldb")]
        for name in names:
            if not (home / name).exists():
                (home / name).write_text("left")
        code, report = look(context, node, "--verify", "--entries", "1..")
        check(code < 2, f"a node starts from it: {report[-800:]}")


def test_small_files_that_are_bad_are_named(context):
    with context.cluster(1) as cluster:
        node = cluster.nodes[0]
        write(node)
        node.terminate()
        identity = pathlib.Path(node.directory) / "identity"
        generations = next(pathlib.Path(node.directory).glob("node-*/generations"))
        for path in (identity, generations):
            turn(path, 9)
            code, report = look(context, node)
            expect(report, rf"PROBLEM {path} has a wrong checksum: remove the data directory")
            check(code == 2, f"unusable, not {code}")
            turn(path, 9)
        hard_state = next(pathlib.Path(node.directory).glob("node-*/hard-state"))
        turn(hard_state, 30)
        code, report = look(context, node)
        expect(report, rf"PROBLEM {hard_state}: offset 0: a record is bad: its twin holds the same")
        check(code == 1, f"damaged, not {code}")
        os.remove(identity)
        code, report = look(context, node)
        expect(report, "identity is missing, but a node's log is there")
        check(code == 2, f"unusable, not {code}")


def test_a_snapshot_is_summed_up_and_one_that_is_bad_is_named(context):
    with context.cluster(1) as cluster:
        node = cluster.nodes[0]
        write(node)
        with node.client() as client:
            for words in (["SELECT", "3"], ["SET", "other", "db"], ["CONFIG", "SET", "maxmemory", "100mb"], ["BGSAVE"]):
                check(not client.call(*words).is_error, " ".join(words))
        wait_until(lambda: int(node.raft()["raft_snapshot_index"]) > 0, "a snapshot")
        write(node)
        node.terminate()
        code, report = look(context, node, "--verify")
        expect(report, r"snapshot-0+\d+$", r"the state at +entry \d+, term 1; id", "members +of entry 2",
               rf"keys in db 0 +{KEY_SPACE + 1}$", "keys in db 3 +1$", "setting +maxmemory 100mb", "and the snapshot at")
        check(code == 0, f"fine, not {code}")
        path = next(pathlib.Path(node.directory).glob("node-*/snapshot-*"))
        turn(path, path.stat().st_size // 2)
        code, report = look(context, node, "--verify")
        expect(report, rf"PROBLEM {path} is damaged")
        check(code in (1, 2), f"damaged, not {code}")
        os.remove(path)


def test_what_is_no_data_directory_is_refused(context):
    tool = pathlib.Path(context.server).parent / "shardforge-check"
    for words, code in ((["/no/such/place"], 2), ([], 2), (["--entries", "7..3", "/tmp"], 2), (["--help"], 0)):
        result = subprocess.run([tool, *words], capture_output=True, text=True, timeout=60)
        check(result.returncode == code and len(result.stdout + result.stderr) > 20, f"{words}: {result}")
