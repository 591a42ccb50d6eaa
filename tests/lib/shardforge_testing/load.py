"""A steady load whose every answer is remembered, to be checked against what the servers hold afterwards.

Each connection has a counter of its own (INCR) and writes keys of its own (SET), one after the other. So it is known
what each INCR must answer: one more than the last acknowledged, unless something in between ended unknown (no
answer, or -UNCERTAIN), which may or may not have run, once."""
import asyncio
import threading
import time
from collections import Counter

from . import resp
from .process import check

KEY = "test"


class Stream:
    """What one connection wrote."""

    def __init__(self, number, port):
        self.number = number
        self.port = port
        self.counter_low = self.counter_high = 0  # the counter's value is between these
        self.sets = []  # acknowledged numbers
        self.n_sets = 0
        self.unknown_sets = set()
        self.wrong = []


class Load:
    def __init__(self, ports, connections=50, timeout_s=5.0, reconnect=False, name="load", think_s=0.0):
        self.streams = [Stream(number, ports[number % len(ports)]) for number in range(connections)]
        self.timeout_s = timeout_s
        self.reconnect = reconnect
        self.name = name
        self.think_s = think_s
        self.errors = Counter()
        self.replies = 0
        self.longest_wait_s = {port: 0.0 for port in ports}
        self.longest_pause_s = {port: 0.0 for port in ports}
        self.last_success = {}
        self.stopping = False
        self.crash = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    # -- driving ---------------------------------------------------------------------------------------

    def start(self):
        now = time.monotonic()
        self.last_success = {port: now for port in self.longest_pause_s}
        self.thread.start()
        return self

    def stop(self):
        self.stopping = True
        self.thread.join(self.timeout_s + 30)
        check(not self.thread.is_alive(), "the load ends when told to")
        if self.crash:
            raise self.crash
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join(self.timeout_s + 30)

    def wait_replies(self, more, deadline_s=30.0):
        """Until that many more commands were acknowledged."""
        goal, end = self.replies + more, time.monotonic() + deadline_s
        while self.replies < goal:
            check(time.monotonic() < end, f"{more} more replies within {deadline_s:g} s; errors {dict(self.errors)}")
            check(self.thread.is_alive(), f"the load goes on; errors {dict(self.errors)}")
            time.sleep(0.005)

    # -- the clients -----------------------------------------------------------------------------------

    def _run(self):
        try:
            asyncio.run(self._all())
        except Exception as error:  # shown by stop()
            self.crash = error

    async def _all(self):
        await asyncio.gather(*(self._client(stream) for stream in self.streams))

    async def _client(self, stream):
        while not self.stopping:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", stream.port)
            except OSError:
                self.errors["(refused)"] += 1
                if not self.reconnect:
                    return
                await asyncio.sleep(0.02)
                continue
            try:
                await self._converse(stream, reader, writer)
            except (OSError, asyncio.IncompleteReadError, resp.Closed):
                self.errors["(closed)"] += 1
            except asyncio.TimeoutError:
                self.errors["(no reply in time)"] += 1
            finally:
                writer.close()
            if not self.reconnect:
                return

    async def _converse(self, stream, reader, writer):
        parser = resp.Parser()
        while not self.stopping:
            await self._incr(stream, reader, writer, parser)
            if not self.stopping:
                await self._set(stream, reader, writer, parser)
            if self.think_s:
                await asyncio.sleep(self.think_s)

    async def _call(self, stream, reader, writer, parser, *words):
        began = time.monotonic()
        writer.write(resp.encode(words))
        while True:
            reply = parser.next()
            if reply is not None:
                break
            data = await asyncio.wait_for(reader.read(65536), self.timeout_s)
            if not data:
                raise resp.Closed("closed by the server")
            parser.feed(data)
        now, port = time.monotonic(), stream.port
        if reply.is_error:
            self.errors[reply.text.split(" (")[0]] += 1
            return reply
        self.replies += 1
        self.longest_wait_s[port] = max(self.longest_wait_s[port], now - began)
        self.longest_pause_s[port] = max(self.longest_pause_s[port], now - self.last_success[port])
        self.last_success[port] = now
        return reply

    async def _incr(self, stream, reader, writer, parser):
        stream.counter_high += 1  # until it is known that it did not run
        reply = await self._call(stream, reader, writer, parser, "INCR", self.counter_key(stream))
        if reply.is_error:
            if not reply.text.startswith("UNCERTAIN"):
                stream.counter_high -= 1
            return
        if not stream.counter_low < reply.value <= stream.counter_high:
            stream.wrong.append(f"INCR answered {reply.value}, not within {stream.counter_low + 1}..{stream.counter_high}")
        stream.counter_low = stream.counter_high = reply.value

    async def _set(self, stream, reader, writer, parser):
        number, stream.n_sets = stream.n_sets, stream.n_sets + 1
        stream.unknown_sets.add(number)
        reply = await self._call(stream, reader, writer, parser, "SET", self.set_key(stream, number), number)
        if reply.is_error and reply.text.startswith("UNCERTAIN"):
            return
        stream.unknown_sets.discard(number)
        if not reply.is_error:
            stream.sets.append(number)

    # -- judging ---------------------------------------------------------------------------------------

    def counter_key(self, stream):
        return f"{KEY}:{self.name}:counter:{stream.number}"

    def set_key(self, stream, number):
        return f"{KEY}:{self.name}:set:{stream.number}:{number}"

    def unknown(self):
        return sum(len(s.unknown_sets) + s.counter_high - s.counter_low for s in self.streams)

    def check_no_errors(self):
        check(not self.errors, f"no error at these clients, but {dict(self.errors)}")

    def check_against(self, client):
        """Every acknowledged write is there, once; what was refused is not."""
        problems = [f"connection {s.number}: {wrong}" for s in self.streams for wrong in s.wrong]
        counters = client.call("MGET", *(self.counter_key(s) for s in self.streams))
        check(not counters.is_error, f"MGET of the counters: {counters}")
        for stream, reply in zip(self.streams, counters.value):
            value = int(reply.value or 0)
            if not stream.counter_low <= value <= stream.counter_high:
                problems.append(f"counter {stream.number} is {value}, not within "
                                f"{stream.counter_low}..{stream.counter_high}")
            problems += self._check_sets(client, stream)
        check(not problems, f"{len(problems)} lost or doubled writes:\n  " + "\n  ".join(problems[:10]))
        return sum(len(s.sets) + s.counter_low for s in self.streams)

    def _check_sets(self, client, stream):
        problems, acknowledged = [], set(stream.sets)
        for start in range(0, stream.n_sets, 500):
            numbers = range(start, min(start + 500, stream.n_sets))
            replies = client.call("MGET", *(self.set_key(stream, n) for n in numbers))
            check(not replies.is_error, f"MGET of written keys: {replies}")
            for number, reply in zip(numbers, replies.value):
                if number in acknowledged and reply.value != b"%d" % number:
                    problems.append(f"{self.set_key(stream, number)} was acknowledged and is {reply}")
                elif number not in acknowledged and number not in stream.unknown_sets and reply.value is not None:
                    problems.append(f"{self.set_key(stream, number)} was refused and is there")
        return problems
