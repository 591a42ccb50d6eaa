"""Three nodes from fresh directories are one Redis to whoever connects to any of them."""
import subprocess

from shardforge_testing.process import check


def test_a_write_at_one_node_is_read_at_all_others(context):
    with context.cluster(3) as cluster:
        clients = [node.client() for node in cluster.nodes]
        for round_number in range(50):
            writer = clients[round_number % 3]
            check(writer.call("SET", "key", round_number).text == "OK", "SET is answered with OK")
            for client in clients:
                value = client.call("GET", "key")
                check(value.text == str(round_number), f"GET sees {round_number}, not {value}")
        cluster.check_equal_digests()


def test_all_nodes_tell_the_same_about_the_cluster(context):
    with context.cluster(3) as cluster:
        views = [node.raft() for node in cluster.nodes]
        check(sorted(view["raft_role"] for view in views) == ["follower", "follower", "leader"], f"roles: {views}")
        check({view["raft_members"] for view in views} == {"3"}, f"members: {views}")
        ids = [node.node_id() for node in cluster.nodes]
        check(len(set(ids)) == 3, f"node ids differ: {ids}")


def test_redis_benchmark_runs_at_the_leader_and_at_a_follower(context):
    with context.cluster(3) as cluster:
        for node in (cluster.leader(), cluster.followers()[0]):
            result = subprocess.run(
                ["redis-benchmark", "-h", "127.0.0.1", "-p", str(node.port), "-t", "set,get,incr,mset", "-P", "16",
                 "-n", "40000", "-q"], capture_output=True, text=True, timeout=100)
            output = (result.stdout + result.stderr).replace("\r", "\n")
            check(result.returncode == 0 and "rror" not in output, f"redis-benchmark at {node.name}:\n{output[-800:]}")
            for line in output.splitlines():
                if "requests per second" in line:
                    context.say(f"{node.raft()['raft_role']}: {line.strip()}")
        cluster.check_equal_digests()
