"""The disk fails once in the middle of a load: whatever was acknowledged is there after a restart."""
import pathlib

from shardforge_testing.load import Load
from shardforge_testing.process import check, wait_until

TOLERATED = ("(closed)", "(refused)", "(no reply in time)")


def shim_environment(context, node, calls, at):
    """Makes the at-th of these calls on a file below the node's directory fail with EIO, once."""
    shim = context.build.resolve() / "tests" / "integration" / "shim.so"
    if not shim.exists():
        context.skip(f"{shim} is not built")
    return {"LD_PRELOAD": str(shim), "SF_SHIM_DIR": node.directory, "SF_SHIM_CALLS": calls, "SF_SHIM_AT": str(at),
            "SF_SHIM_ACTION": "fail:EIO"}


def generations(node):
    """The directories of the log: a failed one is left behind for a new one."""
    return {path.name for path in pathlib.Path(node.directory).glob("node-*/log-*")}


def fail_once(context, n_nodes, calls, at):
    with context.cluster(n_nodes) as cluster:
        victim = cluster.leader()
        environment = shim_environment(context, victim, calls, at)
        victim.terminate()
        victim.start(extra_environment=environment)
        cluster.wait_ready()
        generations_before = generations(victim)
        ports = [node.port for node in cluster.nodes]
        with Load(ports, connections=30, reconnect=True, think_s=0.001) as load:
            load.wait_replies(3000 if n_nodes > 1 else min(300, at))
            wait_until(lambda: load.replies > 6000 or not victim.is_running(), "the load goes past the failure", 40.0,
                       pause_s=0.05)
            load.stop()
        noticed = not victim.is_running() or generations(victim) != generations_before
        check(noticed, f"the failure of {calls} number {at} took place")
        outcome = "went on with a new generation" if victim.is_running() else f"ended with code {victim.process.returncode}"
        cluster.kill_all()
        cluster.start_all()
        with victim.client() as client:
            n = load.check_against(client)
        context.say(f"{calls} number {at} failed: the node {outcome}; {n} acknowledged writes all there, "
                    f"{load.unknown()} unknown, errors {dict(load.errors)}")
        cluster.check_equal_digests()


def test_a_failed_write_loses_nothing_on_one_node(context):
    for at in (60, 333):
        fail_once(context, 1, "write", at)


def test_a_failed_sync_loses_nothing_on_one_node(context):
    for at in (50, 210):
        fail_once(context, 1, "fsync", at)


def test_a_failed_write_loses_nothing_on_three_nodes(context):
    fail_once(context, 3, "write", 200)


def test_a_failed_sync_loses_nothing_on_three_nodes(context):
    fail_once(context, 3, "fsync", 200)
