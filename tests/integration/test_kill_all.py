"""All nodes die at once in the middle of a load: what was acknowledged is there after the restart."""
from shardforge_testing.load import Load
from shardforge_testing.process import check


def kill_all_under_load(context, n_nodes, rounds):
    with context.cluster(n_nodes) as cluster:
        ports = [node.port for node in cluster.nodes]
        for round_number in range(rounds):
            load = Load(ports, connections=40, timeout_s=5.0, name=f"round-{round_number}")
            with load:
                load.wait_replies(2000)
                cluster.kill_all()
                load.stop()
            check(set(load.errors) <= {"(closed)", "(refused)"}, f"only broken connections: {dict(load.errors)}")
            cluster.start_all()
            with cluster.nodes[round_number % n_nodes].client() as client:
                n = load.check_against(client)
            context.say(f"round {round_number}: {n} acknowledged writes all there, {load.unknown()} unknown")
        cluster.check_equal_digests()


def test_three_nodes_lose_nothing(context):
    kill_all_under_load(context, 3, rounds=3)


def test_one_node_loses_nothing(context):
    kill_all_under_load(context, 1, rounds=3)


def test_a_clean_stop_of_all_loses_nothing(context):
    with context.cluster(3) as cluster:
        with Load([node.port for node in cluster.nodes], connections=10) as load:
            load.wait_replies(1000)
            load.stop()
        for node in cluster.nodes:
            node.terminate()
        cluster.start_all()
        with cluster.nodes[0].client() as client:
            load.check_against(client)
        cluster.check_equal_digests()
