"""A bank: transfers guarded by WATCH from all nodes while leaders are killed; every MULTI sees the same total."""
import random
import threading
import time

from shardforge_testing.process import check, wait_until
from shardforge_testing.resp import Client, Closed

ACCOUNTS = 8
MONEY = 1000


class Teller(threading.Thread):
    """One connection that moves money; a second kind only looks. Reconnects after a kill."""

    def __init__(self, port, number, looks):
        super().__init__(daemon=True)
        self.port, self.looks = port, looks
        self.chance = random.Random(number)
        self.done = self.refused = self.unknown = 0
        self.wrong = []
        self.stopping = False

    def run(self):
        while not self.stopping:
            try:
                with Client(self.port, timeout_s=5.0) as client:
                    while not self.stopping:
                        self.look(client) if self.looks else self.transfer(client)
            except (OSError, Closed):
                time.sleep(0.02)
            except Exception as problem:  # seen by the test
                self.wrong.append(repr(problem))
                return

    def look(self, client):
        replies = client.pipeline([["MULTI"], *(["GET", f"account:{i}"] for i in range(ACCOUNTS)), ["EXEC"]])
        check(all(reply.text == "QUEUED" for reply in replies[1:-1]), f"QUEUED from all: {replies}")
        if replies[-1].is_error:
            self.unknown += 1
            check(replies[-1].text.startswith("CLUSTERDOWN"), f"a read says not executed: {replies[-1]}")
            return
        total = sum(int(item.text) for item in replies[-1].items)
        if total != ACCOUNTS * MONEY:
            self.wrong.append(f"a total of {total}: {replies[-1]}")
        self.done += 1

    def transfer(self, client):
        source, target = (f"account:{i}" for i in self.chance.sample(range(ACCOUNTS), 2))
        amount = self.chance.randrange(1, 50)
        replies = client.pipeline([["WATCH", source, target], ["GET", source], ["GET", target]])
        if any(reply.is_error for reply in replies):
            client.call("UNWATCH")
            return
        reply = client.pipeline([
            ["MULTI"], ["SET", source, int(replies[1].text) - amount], ["PING"],
            ["SET", target, int(replies[2].text) + amount], ["EXEC"]])[-1]
        if reply.is_nil:
            self.refused += 1
        elif reply.is_error:
            self.unknown += 1
            check(reply.text.split()[0] in ("UNCERTAIN", "CLUSTERDOWN"), f"EXEC says what became of it: {reply}")
        else:
            check([item.text for item in reply.items] == ["OK", "PONG", "OK"], f"the replies of a transfer: {reply}")
            self.done += 1


def test_the_total_holds_in_every_transaction_while_leaders_are_killed(context):
    with context.cluster(3) as cluster:
        pairs = [word for i in range(ACCOUNTS) for word in (f"account:{i}", MONEY)]
        check(cluster.nodes[0].call("MSET", *pairs).text == "OK", "the accounts are opened")
        ports = [node.port for node in cluster.nodes]
        tellers = [Teller(ports[i % 3], i, looks=i >= 6) for i in range(9)]
        for teller in tellers:
            teller.start()

        def done():
            return sum(teller.done for teller in tellers if not teller.looks)

        def go_on(transfers):
            goal = done() + transfers
            wait_until(lambda: done() >= goal or any(teller.wrong for teller in tellers), "transfers go on", 40.0)

        for _ in range(4):
            go_on(200)
            leader = cluster.leader()
            leader.kill()
            cluster.wait_leader()
            go_on(100)
            leader.start()
            cluster.wait_leader()
        for teller in tellers:
            teller.stopping = True
        for teller in tellers:
            teller.join(20.0)
        for teller in tellers:
            check(not teller.wrong, f"nothing was wrong: {teller.wrong[:3]}")
        cluster.wait_ready()
        last = Teller(ports[0], 99, looks=True)
        for node in cluster.nodes:
            with node.client() as client:
                last.look(client)
        check(last.done == 3 and not last.wrong, f"the total at the end, at each node: {last.wrong}")
        context.say(f"{done()} transfers, {sum(teller.done for teller in tellers) - done()} audits, "
                    f"{sum(teller.refused for teller in tellers)} refused by a watch, "
                    f"{sum(teller.unknown for teller in tellers)} not executed or unknown")
        cluster.check_equal_digests()
