"""Episodes: packets of random commands on three connections, transactions among them, and at times a subscriber."""
import random

from .arguments import Arguments
from .comparable import is_by_chance

EPISODE_COMMANDS = 300
CONNECTIONS = 3
PACKET_SIZES = [1, 1, 2, 3, 5, 10, 20, 40]
STRAY_IN_TRANSACTION = [[b"MULTI"], [b"WATCH", b"k0"], [b"NOSUCH"], [b"GET"], [b"RESET", b"x"], [b"DISCARD", b"x"]]


class Episode:
    """packets: (connection, commands). Connections from CONNECTIONS on are subscribers."""

    def __init__(self, packets, protocol, thresholds):
        self.packets = packets
        self.protocol = protocol
        self.thresholds = thresholds  # which of the Fuzzer's sets

    def with_packets(self, packets):
        return Episode(packets, self.protocol, self.thresholds)


class Maker:
    """All that an episode is follows from the seed and its number."""

    def __init__(self, seed, number, grammar, payloads, n_thresholds):
        self.random = random.Random(f"{seed}/{number}")
        self.grammar = grammar
        self.arguments = Arguments(self.random, payloads)
        self.thresholds = (number // 20) % n_thresholds
        self.in_transaction = [False] * CONNECTIONS
        self.subscriber = CONNECTIONS + self.random.randrange(3) if self.random.random() < 0.2 else None
        self.packets = []

    def episode(self):
        left = EPISODE_COMMANDS
        while left > 0:
            if self.subscriber is not None and self.random.random() < 0.1:
                self.packets.append((self.subscriber, [self.subscription()]))
            connection = self.random.randrange(CONNECTIONS)
            packet = self.packet(connection, min(left, self.random.choice(PACKET_SIZES)))
            self.packets.append((connection, packet))
            left -= len(packet)
        return Episode(self.packets, self.random.choice([2, 3]), self.thresholds)

    def packet(self, connection, size):
        r, packet = self.random, []
        if not self.in_transaction[connection] and r.random() < 0.08:
            if r.random() < 0.4:
                packet.append([b"WATCH"] + [self.arguments.akey() for _ in range(r.randint(1, 3))])
                if r.random() < 0.5:
                    return packet  # so that another connection may come between
            packet.append([b"MULTI"])
            self.in_transaction[connection] = True
        inside = self.arguments.in_transaction = self.in_transaction[connection]
        for _ in range(size):
            stray = inside and r.random() < 0.01
            words = r.choice(STRAY_IN_TRANSACTION) if stray else self.grammar.command(self.arguments)
            packet.append(words)
            if is_by_chance(words) and not inside:
                return packet
        if inside and r.random() < 0.6:
            packet.append([b"EXEC"] if r.random() < 0.85 else [b"DISCARD"])
            self.in_transaction[connection] = False
        return packet

    def subscription(self):
        r, arguments = self.random, self.arguments
        verb = r.choice([b"SUBSCRIBE", b"SUBSCRIBE", b"PSUBSCRIBE", b"UNSUBSCRIBE", b"PUNSUBSCRIBE"])
        draw = arguments.topic if verb.startswith(b"P") else arguments.channel
        return [verb] + [draw() for _ in range(r.randint(1, 3))]
