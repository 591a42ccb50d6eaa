"""kill -9 of the leader under load: a short pause for the clients of the other nodes, nothing else."""
from shardforge_testing.load import Load
from shardforge_testing.process import check, wait_until


def test_clients_of_the_other_nodes_see_a_pause_and_no_error(context):
    with context.cluster(3) as cluster:
        leader, followers = cluster.leader(), cluster.followers()
        with Load([node.port for node in followers], connections=50, timeout_s=5.0) as load:
            load.wait_replies(3000)
            leader.kill()
            load.wait_replies(3000)
            cluster.wait_leader(followers)
            load.stop()
        load.check_no_errors()
        with followers[0].client() as client:
            n = load.check_against(client)
        pauses = ", ".join(f"{1000 * pause:.0f} ms" for pause in load.longest_pause_s.values())
        context.say(f"{n} acknowledged writes all there; longest pause at each of the others: {pauses}")
        restarted_node_catches_up(cluster, leader, load)


def restarted_node_catches_up(cluster, node, load):
    cluster.restart(node)
    with node.client() as client:
        load.check_against(client)
    cluster.check_equal_digests()


def test_leader_after_leader_dies_and_nothing_is_lost(context):
    """Each round the leader is killed and comes back, while the load at all nodes goes on and reconnects."""
    with context.cluster(3) as cluster:
        ports = [node.port for node in cluster.nodes]
        with Load(ports, connections=30, timeout_s=5.0, reconnect=True, think_s=0.002) as load:
            for _ in range(5):
                load.wait_replies(1000)
                leader = cluster.leader()
                leader.kill()
                cluster.wait_leader()
                load.wait_replies(500)
                leader.start()
                wait_until(lambda: leader.raft()["raft_role"] in ("follower", "leader"), f"{leader.name} takes part")
                cluster.wait_leader()
            load.stop()
        cluster.wait_ready()
        with cluster.nodes[0].client() as client:
            n = load.check_against(client)
        context.say(f"{n} acknowledged writes all there; {load.unknown()} unknown; errors {dict(load.errors)}")
        cluster.check_equal_digests()


def test_a_leader_that_stands_still_is_replaced_and_comes_back_as_a_follower(context):
    with context.cluster(3) as cluster:
        leader, followers = cluster.leader(), cluster.followers()
        with Load([node.port for node in followers], connections=20, timeout_s=5.0) as load:
            load.wait_replies(500)
            leader.suspend()
            load.wait_replies(1000)
            new_leader = cluster.wait_leader(followers)
            check(new_leader is not leader, "another node leads")
            leader.resume()
            load.wait_replies(500)
            load.stop()
        load.check_no_errors()
        cluster.wait_ready()
        with leader.client() as client:
            load.check_against(client)
        cluster.check_equal_digests()


def test_a_follower_killed_is_hardly_noticed(context):
    with context.cluster(3) as cluster:
        leader, (dead, living) = cluster.leader(), cluster.followers()
        with Load([leader.port, living.port], connections=20, timeout_s=5.0) as load:
            load.wait_replies(1000)
            dead.kill()
            load.wait_replies(2000)
            load.stop()
        load.check_no_errors()
        restarted_node_catches_up(cluster, dead, load)


def test_sigterm_hands_leadership_over_without_an_error(context):
    with context.cluster(3) as cluster:
        leader, followers = cluster.leader(), cluster.followers()
        with Load([node.port for node in followers], connections=20, timeout_s=5.0) as load:
            load.wait_replies(1000)
            code = leader.terminate()
            check(code == 0, f"a clean stop ends with code 0, not {code}")
            load.wait_replies(1000)
            load.stop()
        load.check_no_errors()
        pauses = ", ".join(f"{1000 * pause:.0f} ms" for pause in load.longest_pause_s.values())
        context.say(f"longest pause at each of the others: {pauses}")
        restarted_node_catches_up(cluster, leader, load)
