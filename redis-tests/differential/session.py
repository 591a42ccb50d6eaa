"""The connections of one test to one server, and the carrying out of its steps there."""
import select
import time

from shardforge_testing.resp import Client, Closed, ProtocolError, Reply, encode

from .compare import CLOSED_REPLY, SILENT_REPLY

FRAGMENT_PAUSE_S = 0.003
UNTIL_DEADLINE_S = 10.0
BEGIN_DEADLINE_S = 5.0


class Session:
    """Named connections (a, b, …). ports: the nodes of the server; a goes to ports[0], b to ports[1], …, round and
    round; with spread, each step of a goes to the next one."""

    def __init__(self, ports, protocol, spread=False, timeout_s=5.0):
        self.ports = ports
        self.protocol = protocol
        self.spread = spread
        self.timeout_s = timeout_s
        self.clients = {}
        self.client_ids = {}
        self.watchers = []
        self.turn = 0

    def close(self):
        for client in [*self.clients.values(), *self.watchers]:
            client.close()

    def client(self, name):
        if self.spread and name == "a":
            self.turn += 1
            name = f"a{self.turn % len(self.ports)}"
        if name not in self.clients:
            number = int(name[1:]) if name[1:] else ord(name) - ord("a")
            port = self.ports[number % len(self.ports)]
            self.clients[name] = Client(port, timeout_s=self.timeout_s, protocol=self.protocol)
        return name, self.clients[name]

    def drop(self, name):
        self.clients.pop(name).close()

    def run(self, step, now_ms):
        """The replies to a step: as many as it has commands (raw: as it asks for)."""
        name, client = self.client(step.connection)
        if step.kind == "later":
            return [self.read(name, client)]
        if step.kind == "raw":
            return self.run_raw(name, client, step)
        if step.kind == "begin":
            return self.begin(name, client, step.commands[0], now_ms)
        commands = [command.arguments(now_ms, self.client_ids) for command in step.commands]
        if step.kind == "until":
            return [self.run_until(client, commands[0])]
        if step.kind == "scan":
            return [self.run_scan(client, commands[0])]
        try:
            client.send_raw(b"".join(encode(command) for command in commands))
        except Closed:
            pass  # what was answered before may still be read
        return [self.read(name, client) for _ in commands]

    def read(self, name, client):
        try:
            return client.read()
        except Closed:
            if name in self.clients:
                self.drop(name)
            return CLOSED_REPLY
        except TimeoutError:
            return SILENT_REPLY
        except ProtocolError as error:
            return Reply("-", f"(no RESP: {error})".encode())

    def n_blocked(self):
        if not self.watchers:
            self.watchers = [Client(port, timeout_s=self.timeout_s) for port in self.ports]
        return sum(int(watcher.info("clients")["blocked_clients"]) for watcher in self.watchers)

    def begin(self, name, client, command, now_ms):
        """Sends, and waits until the server says that one more client is blocked, or has answered."""
        self.client_ids[name] = client.call("CLIENT", "ID").value
        before = self.n_blocked()
        client.send_raw(encode(command.arguments(now_ms, self.client_ids)))
        deadline = time.monotonic() + BEGIN_DEADLINE_S
        while self.n_blocked() <= before and time.monotonic() < deadline:
            if select.select([client.socket], [], [], 0.002)[0]:
                break
        return []

    def run_raw(self, name, client, step):
        try:
            for number, fragment in enumerate(step.fragments):
                if number:
                    time.sleep(FRAGMENT_PAUSE_S)  # so that it arrives as a packet of its own
                client.send_raw(fragment)
        except Closed:
            pass
        replies = []
        while len(replies) != step.n_replies:
            replies.append(self.read(name, client))
            if replies[-1] in (CLOSED_REPLY, SILENT_REPLY):
                break
        return [Reply("*", replies)]

    def run_until(self, client, command):
        """Asks again and again until the answer is nil (or zero); then that answer."""
        deadline = time.monotonic() + UNTIL_DEADLINE_S
        while True:
            reply = client.call(*command)
            if reply.is_nil or reply.value == 0 or time.monotonic() > deadline:
                return reply
            time.sleep(0.005)

    def run_scan(self, client, options):
        """A full SCAN: the set of what it gave. Order, cursors and repetitions are each server's own."""
        cursor, found = b"0", {}
        while True:
            reply = client.call("SCAN", cursor, *options)
            if reply.is_error:
                return reply
            cursor = reply.value[0].value
            for key in reply.value[1].value:
                found[key.value] = key
            if cursor == b"0":
                return Reply("*", [found[key] for key in sorted(found)])
