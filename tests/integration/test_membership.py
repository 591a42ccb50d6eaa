"""MEET, FORGET, RESET: who is in is agreed on, and nobody loses data by it."""
from shardforge_testing.load import Load
from shardforge_testing.process import check, wait_until


def wait_members(nodes, count):
    wait_until(lambda: {node.raft()["raft_members"] for node in nodes} == {str(count)}, f"{count} members", 20.0)


def forget(at, node_id):
    answer = at.call("CLUSTER", "FORGET", node_id, timeout_s=20)
    check(answer.text == "OK", f"CLUSTER FORGET: {answer}")


def test_a_follower_is_forgotten_and_comes_back(context):
    with context.cluster(3) as cluster:
        leader, (removed, other) = cluster.leader(), cluster.followers()
        with Load([leader.port, other.port], connections=10, think_s=0.001) as load:
            load.wait_replies(200)
            node_id = removed.node_id()
            forget(leader, node_id)
            wait_members([leader, other], 2)
            forget(other, node_id)  # idempotent
            check(removed.call("PING").text == "PONG", "the removed node is alive")
            check(removed.call("GET", "key").is_error, "and serves no data")
            load.wait_replies(200)
            answer = removed.call("CLUSTER", "RESET", "HARD", timeout_s=20)
            check(answer.text == "OK", f"CLUSTER RESET at the removed node: {answer}")
            cluster.meet(removed, leader)
            cluster.wait_member(removed)
            load.wait_replies(200)
            load.stop()
        load.check_no_errors()
        cluster.wait_ready(members=3)
        with removed.client() as client:
            load.check_against(client)
        cluster.check_equal_digests()


def test_the_leader_can_be_forgotten(context):
    with context.cluster(3) as cluster:
        leader, followers = cluster.leader(), cluster.followers()
        with Load([node.port for node in followers], connections=10, think_s=0.001) as load:
            load.wait_replies(200)
            forget(followers[0], leader.node_id())
            cluster.wait_leader(followers)
            wait_members(followers, 2)
            load.wait_replies(200)
            load.stop()
        load.check_no_errors()
        with followers[1].client() as client:
            load.check_against(client)


def test_meet_twice_adds_nobody_twice(context):
    with context.cluster(3) as cluster:
        first, second = cluster.nodes[:2]
        for at, other in ((second, first), (first, second), (first, first)):
            at.call("CLUSTER", "MEET", "127.0.0.1", other.port, other.bus_port, timeout_s=15)
        check(first.call("SET", "a", "1").text == "OK", "SET")
        cluster.wait_ready(members=3)


def test_meet_sent_to_a_member_brings_the_fresh_node_in(context):
    with context.cluster(2) as cluster:
        check(cluster.nodes[0].call("SET", "key", "value").text == "OK", "SET")
        fresh = cluster.new_node(3)
        cluster.nodes.append(fresh)
        fresh.start(["--cluster-bootstrap", "no"])
        answer = cluster.nodes[1].call("CLUSTER", "MEET", "127.0.0.1", fresh.port, fresh.bus_port, timeout_s=15)
        check(answer.text == "OK", f"CLUSTER MEET at a member: {answer}")
        cluster.wait_member(fresh)
        cluster.wait_ready(members=3)
        check(fresh.call("GET", "key").text == "value", "the fresh node has the data")


def test_cluster_join_in_the_configuration_brings_a_node_in(context):
    with context.cluster(2) as cluster:
        first = cluster.nodes[0]
        check(first.call("SET", "key", "value").text == "OK", "SET")
        fresh = cluster.new_node(3, ["--cluster-join", f"127.0.0.1:{first.port}"])
        cluster.nodes.append(fresh)
        fresh.start()
        cluster.wait_member(fresh)
        cluster.wait_ready(members=3)
        check(fresh.call("GET", "key").text == "value", "the fresh node has the data")


def test_a_node_that_holds_keys_is_not_taken_in(context):
    with context.cluster(3) as cluster:
        single = cluster.new_node(4, ["--cluster-bootstrap", "yes"])
        cluster.nodes.append(single)
        single.start()
        wait_until(lambda: single.call("SET", "mine", "1").text == "OK", "the single node serves")
        member = cluster.nodes[0]
        answer = single.call("CLUSTER", "MEET", "127.0.0.1", member.port, member.bus_port, timeout_s=15)
        check(answer.is_error, f"MEET of a node with keys is refused: {answer}")
        context.say(f"it says: {answer}")
        check(single.call("GET", "mine").text == "1", "it keeps its key and serves")
        cluster.nodes.remove(single)
        single.kill()
        wait_members(cluster.nodes, 3)


def test_nodes_that_bootstrapped_by_themselves_are_joined_while_empty(context):
    with context.cluster(3, join=False) as cluster:
        for node in cluster.nodes[1:]:
            wait_until(lambda: node.raft()["raft_role"] == "leader", f"{node.name} bootstraps by itself", 10.0)
        for node in cluster.nodes[1:]:
            cluster.meet(node, cluster.nodes[0])
        cluster.wait_ready(members=3)
        check(cluster.nodes[2].call("SET", "a", "1").text == "OK", "SET")
        check(cluster.nodes[1].call("GET", "a").text == "1", "GET")


def test_a_joining_node_killed_midway_gets_in_after_a_restart(context):
    with context.cluster(2) as cluster:
        with Load([cluster.nodes[0].port], connections=20) as load:
            load.wait_replies(3000)
            load.stop()
        fresh = cluster.new_node(3)
        cluster.nodes.append(fresh)
        fresh.start(["--cluster-bootstrap", "no"])
        member = cluster.nodes[0]
        answer = fresh.call("CLUSTER", "MEET", "127.0.0.1", member.port, member.bus_port, timeout_s=15)
        check(answer.text == "OK", f"CLUSTER MEET: {answer}")
        fresh.kill()
        fresh.start()
        cluster.wait_member(fresh)
        cluster.wait_ready(members=3)
        with fresh.client() as client:
            load.check_against(client)
        cluster.check_equal_digests()


def test_failover_moves_leadership_to_the_node_that_is_asked(context):
    with context.cluster(3) as cluster:
        target = cluster.followers()[0]
        with Load([node.port for node in cluster.nodes], connections=10, think_s=0.001) as load:
            load.wait_replies(200)
            answer = target.call("CLUSTER", "FAILOVER", timeout_s=15)
            check(answer.text == "OK", f"CLUSTER FAILOVER: {answer}")
            wait_until(lambda: cluster.leader() is target, "the asked node leads")
            load.wait_replies(200)
            load.stop()
        load.check_no_errors()
        with target.client() as client:
            load.check_against(client)


def test_five_nodes_go_on_without_two(context):
    with context.cluster(5) as cluster:
        leader, followers = cluster.leader(), cluster.followers()
        with Load([node.port for node in followers[1:]], connections=20, think_s=0.001) as load:
            load.wait_replies(500)
            leader.kill()
            followers[0].kill()
            load.wait_replies(500)
            load.stop()
        load.check_no_errors()
        for node in (leader, followers[0]):
            node.start()
        cluster.wait_ready(members=5)
        with leader.client() as client:
            load.check_against(client)
        cluster.check_equal_digests()
