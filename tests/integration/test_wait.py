"""WAIT and WAITAOF count disks that hold a connection's writes, whichever node is asked."""
import time

from shardforge_testing import resp
from shardforge_testing.process import check


def test_wait_counts_the_other_nodes_at_every_node(context):
    with context.cluster(3) as cluster:
        longest = 0.0
        for node in cluster.nodes:
            with node.client() as client:
                for number in range(20):
                    client.call("SET", "key", number)
                    began = time.monotonic()
                    value = client.call("WAIT", 2, 5000).value
                    longest = max(longest, time.monotonic() - began)
                    check(value == 2, f"WAIT 2 at {node.name} is 2, not {value}")
                client.call("SET", "key", "again")
                answer = client.call("WAITAOF", 1, 2, 5000)
                check([part.value for part in answer.value] == [1, 2], f"WAITAOF 1 2 at {node.name}: {answer}")
        context.say(f"longest WAIT 2: {1000 * longest:.1f} ms")


def test_wait_gives_up_at_its_deadline_and_says_how_many(context):
    with context.cluster(3) as cluster:
        leader, (follower, silent) = cluster.leader(), cluster.followers()
        silent.suspend()
        for node in (leader, follower):
            with node.client() as client:
                client.call("SET", "key", node.name)
                check(client.call("WAIT", 1, 5000).value == 1, f"one other node has it, asked at {node.name}")
                began = time.monotonic()
                value = client.call("WAIT", 2, 300).value
                check(value == 1, f"WAIT 2 at {node.name} ends with 1, not {value}")
                check(time.monotonic() - began >= 0.29, "not before its time")
                answer = client.call("WAITAOF", 1, 2, 100)
                check([part.value for part in answer.value] == [1, 1], f"WAITAOF at {node.name}: {answer}")
        silent.resume()
        with leader.client() as client:
            client.call("SET", "key", "for ever")
            check(client.call("WAIT", 2, 0).value == 2, "WAIT without a deadline")


def test_wait_goes_on_across_a_change_of_leaders(context):
    with context.cluster(3) as cluster:
        leader, (follower, silent) = cluster.leader(), cluster.followers()
        silent.suspend()
        with follower.client() as client:
            client.call("SET", "key", "value")
            client.send_raw(resp.encode(("WAIT", 2, 20000)))
            check(follower.call("CLUSTER", "FAILOVER").text == "OK", "FAILOVER is accepted")
            time.sleep(0.1)
            silent.resume()
            value = client.read().value
            check(value == 2, f"WAIT ends with 2, not {value}")
        cluster.wait_ready()
