"""Without a majority: commands wait, then say whether they ran; nothing hangs; all is well when it returns."""
import threading
import time

from shardforge_testing.process import check, wait_until
from shardforge_testing.resp import Closed, encode

ANSWER_DEADLINE_S = 6.0  # request-timeout is 1.5 s
NOT_EXECUTED = "CLUSTERDOWN"
UNCERTAIN = "UNCERTAIN"


def check_honest(reply, is_write):
    """An error that says 'not executed', or, for writes, that the outcome is unknown."""
    check(reply.is_error, f"an error without a majority, not {reply}")
    honest = (reply.text.startswith(NOT_EXECUTED) and "not executed" in reply.text) or \
        (is_write and reply.text.startswith(UNCERTAIN))
    check(honest, f"-CLUSTERDOWN … not executed{' or -UNCERTAIN' if is_write else ''}, not {reply}")


def ask_many(node, n_connections):
    """A SET and a GET at each of many connections at once; the replies. Each must come in time."""
    clients = [node.client(timeout_s=ANSWER_DEADLINE_S) for _ in range(n_connections)]
    for number, client in enumerate(clients):
        client.send_raw(encode(["SET", f"lost:{number}", number]) + encode(["GET", "before"]))
    replies = [(client.read(), client.read()) for client in clients]
    for client in clients:
        check(client.call("PING").text == "PONG", "the connection stays open")
        client.close()
    return replies


def majority_lost(context, survivor_leads):
    with context.cluster(3) as cluster:
        leader, followers = cluster.leader(), cluster.followers()
        survivor = leader if survivor_leads else followers[0]
        dead = [node for node in cluster.nodes if node is not survivor]
        check(survivor.call("SET", "before", "1").text == "OK", "SET with a majority")
        for node in dead:
            node.kill()
        began = time.monotonic()
        replies = ask_many(survivor, 50)
        took_s = time.monotonic() - began
        for write, read in replies:
            check_honest(write, is_write=True)
            if read.is_error or not survivor_leads:  # the old leader may have answered it within its lease
                check_honest(read, is_write=False)
        uncertain = sum(write.text.startswith(UNCERTAIN) for write, _ in replies)
        context.say(f"{len(replies)} writes and reads answered in {took_s:.2f} s, {uncertain} of them uncertain")
        recovers(cluster, survivor, dead, replies)


def recovers(cluster, survivor, dead, replies):
    """A command that waits is served when the majority returns; what was 'not executed' is not there."""
    dead[0].start()
    wait_until(lambda: not survivor.call("GET", "before").is_error, "served again with two of three", 15.0)
    check(survivor.call("GET", "before").text == "1", "what was written before is there")
    for number, (write, _) in enumerate(replies):
        value = survivor.call("GET", f"lost:{number}")
        if write.text.startswith(NOT_EXECUTED):
            check(value.is_nil, f"a write that was 'not executed' is not there: {value}")
    dead[1].start()
    cluster.wait_ready()
    cluster.check_equal_digests()


def test_a_lone_follower_answers_honestly_and_recovers(context):
    majority_lost(context, survivor_leads=False)


def test_a_lone_leader_answers_honestly_and_recovers(context):
    majority_lost(context, survivor_leads=True)


def test_a_command_that_waits_is_carried_out_when_the_majority_is_back_in_time(context):
    with context.cluster(3, "--request-timeout", "20000") as cluster:
        leader, followers = cluster.leader(), cluster.followers()
        leader.kill()
        followers[1].kill()
        replies = []

        def ask():
            with followers[0].client(timeout_s=30.0) as client:
                replies.append(client.call("SET", "waited", "1"))
        asker = threading.Thread(target=ask)
        asker.start()
        followers[1].start()
        asker.join(30.0)
        check(replies and replies[0].text == "OK", f"the waiting SET is carried out: {replies}")
        check(followers[1].call("GET", "waited").text == "1", "and seen at the other node")


def test_a_minority_by_standstill_never_answers_from_the_past(context):
    """The old leader sleeps while the others go on; awake again, it must not serve what it remembers."""
    with context.cluster(3) as cluster:
        leader, followers = cluster.leader(), cluster.followers()
        check(leader.call("SET", "key", "old").text == "OK", "SET")
        client = leader.client(timeout_s=ANSWER_DEADLINE_S)
        check(client.call("GET", "key").text == "old", "GET")
        leader.suspend()
        client.send_raw(encode(["GET", "key"]))  # waits in the kernel until it runs again
        cluster.wait_leader(followers)
        check(followers[0].call("SET", "key", "new").text == "OK", "SET at the others")
        leader.resume()
        try:
            reply = client.read()
            check(reply.is_error or reply.text == "new", f"a read after the write sees it: {reply}")
        except Closed:
            pass
        client.close()
        cluster.wait_ready()
