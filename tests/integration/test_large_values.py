"""Values of many megabytes on their way through forwarding, log and replication: no heartbeat waits for them."""
from shardforge_testing.process import check

MEGABYTES = 48
# Half a second: a machine that is busy otherwise copies that slowly, too; the request itself may take as long as it wants.
PATIENCE = ("--election-timeout-max", "1000", "--election-timeout-min", "500", "--request-timeout", "60000")


def test_a_large_value_through_a_follower_costs_no_election(context):
    with context.cluster(3, *PATIENCE) as cluster:
        leader, followers = cluster.leader(), cluster.followers()
        term = leader.raft()["raft_term"]
        value = bytes(range(256)) * (MEGABYTES * 4096)
        for turn, node in enumerate([*followers, leader]):
            answer = node.call("SET", f"large:{turn}", value, timeout_s=60.0)
            check(answer.text == "OK", f"SET at {node.name}: {answer}")
        for node in cluster.nodes:
            check(node.call("STRLEN", "large:0", timeout_s=60.0).text == str(len(value)), f"{node.name} has the value")
        terms = {node.raft()["raft_term"] for node in cluster.nodes}
        check(terms == {term}, f"still term {term}: {terms}")
