"""RESP2 and RESP3: replies as values that keep their type, a parser, a blocking client."""
import socket
import time


class ProtocolError(Exception):
    """The server sent bytes that are no reply."""


class Closed(Exception):
    """The server closed the connection."""


class Reply:
    """One parsed reply. kind is the type byte of the protocol ('+', '-', ':', '$', '*', '_', '#', ',', '(', '=',
    '!', '~', '%', '>'), so that nil as '$-1', '*-1' and '_' stay three things."""

    __slots__ = ("kind", "value")

    def __init__(self, kind, value):
        self.kind = kind
        self.value = value

    def __eq__(self, other):
        return isinstance(other, Reply) and self.kind == other.kind and self.value == other.value

    def __hash__(self):
        return hash(repr(self))

    def __repr__(self):
        return show(self)

    @property
    def is_error(self):
        return self.kind in "-!"

    @property
    def is_nil(self):
        return self.value is None

    @property
    def items(self):
        """The elements of an array, set, push or map (a map's flattened to key, value, key, value)."""
        if self.kind == "%":
            return [part for pair in self.value for part in pair]
        return self.value if isinstance(self.value, list) else []

    @property
    def text(self):
        if isinstance(self.value, bytes):
            return self.value.decode("utf-8", "backslashreplace")
        return "" if self.value is None else str(self.value)

    def plain(self):
        """The reply without its types: bytes, int, None, lists."""
        if self.kind == "%":
            return {key.plain(): value.plain() for key, value in self.value}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value


def quote(data, limit=200):
    """Bytes as a readable double-quoted string; long ones cut in the middle."""
    cut = b""
    if len(data) > limit:
        cut, data = data[limit // 2:-(limit // 2)], data[:limit // 2] + b"\0CUT\0" + data[-(limit // 2):]
    names = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 92: "\\\\"}
    text = "".join(names.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in data)
    return '"' + (text.replace("\\x00CUT\\x00", f"…({len(cut)} bytes)…") if cut else text) + '"'


def show(reply, indent=""):
    """A reply as redis-cli might show it, but with every type visible."""
    kind, value = reply.kind, reply.value
    if value is None:
        return {"_": "nil (RESP3)", "$": "nil", "*": "nil array"}.get(kind, f"{kind}nil")
    if kind in "+-":
        return kind + quote(value)[1:-1]
    if kind in ":":
        return f":{value}"
    if kind == "$":
        return quote(value)
    if kind in ",(#":
        return kind + value.decode()
    if kind in "=!":
        return f"{kind} {quote(value)}"
    name = {"*": "array", "~": "set", "%": "map", ">": "push"}[kind]
    if not value:
        return f"empty {name}"
    lines = [f"{name} of {len(value)}"]
    for item in value:
        if kind == "%":
            lines.append(f"{indent}  {show(item[0], indent + '  ')} => {show(item[1], indent + '  ')}")
        else:
            lines.append(f"{indent}  {show(item, indent + '  ')}")
    return "\n".join(lines)


class Parser:
    """Bytes in (feed), replies out (next: None while one is incomplete). Attributes are dropped."""

    def __init__(self):
        self.buffer = bytearray()
        self.position = 0

    def feed(self, data):
        if self.position > 65536 or self.position == len(self.buffer):
            del self.buffer[:self.position]
            self.position = 0
        self.buffer += data

    def next(self):
        start = self.position
        try:
            return self._reply()
        except IndexError:
            self.position = start
            return None

    def _line(self):
        end = self.buffer.find(b"\r\n", self.position)
        if end < 0:
            raise IndexError
        line = bytes(self.buffer[self.position:end])
        self.position = end + 2
        return line

    def _bulk(self, length):
        end = self.position + length
        if len(self.buffer) < end + 2:
            raise IndexError
        data = bytes(self.buffer[self.position:end])
        if self.buffer[end:end + 2] != b"\r\n":
            raise ProtocolError(f"no CRLF behind {length} bytes: {quote(data)}")
        self.position = end + 2
        return data

    def _reply(self):
        line = self._line()
        kind, rest = chr(line[0]) if line else "", line[1:]
        try:
            if kind in "+-,(#" and kind:
                return Reply(kind, rest)
            if kind == ":":
                return Reply(kind, int(rest))
            if kind == "_":
                return Reply(kind, None)
            if kind and kind in "$=!":
                length = int(rest)
                return Reply(kind, None if length < 0 else self._bulk(length))
            if kind and kind in "*~>":
                count = int(rest)
                return Reply(kind, None if count < 0 else [self._reply() for _ in range(count)])
            if kind == "%":
                return Reply(kind, [(self._reply(), self._reply()) for _ in range(int(rest))])
            if kind == "|":
                for _ in range(2 * int(rest)):
                    self._reply()
                return self._reply()
        except ValueError as error:
            raise ProtocolError(f"{quote(line)}: {error}") from None
        raise ProtocolError(f"not a reply: {quote(line)}")


def encode(arguments):
    """A command as an array of bulk strings."""
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        if not isinstance(argument, bytes):
            argument = str(argument).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(argument), argument))
    return b"".join(parts)


class Client:
    """A blocking connection. call() answers one Reply; send_raw and read are for everything else."""

    def __init__(self, port, host="127.0.0.1", timeout_s=10.0, protocol=2):
        self.address = (host, port)
        self.timeout_s = timeout_s
        self.parser = Parser()
        self.socket = socket.create_connection(self.address, timeout=timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if protocol == 3:
            answer = self.call("HELLO", "3")
            if answer.is_error:
                raise ProtocolError(f"HELLO 3: {answer.text}")

    def send_raw(self, data):
        try:
            self.socket.sendall(data)
        except (ConnectionError, BrokenPipeError) as error:
            raise Closed(str(error)) from None

    def read(self, timeout_s=None):
        """The next reply. Closed when there is none any more, TimeoutError when none comes in time."""
        deadline = time.monotonic() + (self.timeout_s if timeout_s is None else timeout_s)
        while True:
            reply = self.parser.next()
            if reply is not None:
                return reply
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError(f"no reply from {self.address[0]}:{self.address[1]}")
            self.socket.settimeout(left_s)
            try:
                data = self.socket.recv(1 << 18)
            except ConnectionError as error:
                raise Closed(str(error)) from None
            if not data:
                raise Closed("closed by the server")
            self.parser.feed(data)

    def call(self, *arguments, timeout_s=None):
        self.send_raw(encode(arguments))
        return self.read(timeout_s)

    def pipeline(self, commands):
        self.send_raw(b"".join(encode(command) for command in commands))
        return [self.read() for _ in commands]

    def info(self, section):
        """INFO as a dict of strings."""
        text = self.call("INFO", section).text
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line and line[0] != "#")

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
