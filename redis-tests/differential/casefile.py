"""Case files: read into tests of steps. The format is described in redis-tests/README.md."""
import re
import time
from dataclasses import dataclass, field

from shardforge_testing.resp import Reply

# Commands whose effect belongs to their connection: a test with one of these is not spread over nodes.
SESSION_COMMANDS = {b"select", b"hello", b"auth", b"reset", b"quit", b"client", b"multi", b"exec", b"discard", b"watch",
                    b"readonly", b"readwrite", b"subscribe", b"monitor", b"config", b"debug"}


class CaseError(Exception):
    """A case file that cannot be understood."""


@dataclass
class Command:
    words: list  # bytes, or Clock
    source: str
    line: int
    comparator: tuple = ("exact",)
    expectation: Reply = None  # what 7.2, or 8.0, says where the oracle, 7.0, differs

    def arguments(self, now_ms, client_ids):
        """client_ids: of the connections that have begun something (see Session.begin)."""
        known = {Clock: lambda word: word.bytes(now_ms), ClientId: lambda word: b"%d" % client_ids[word.connection]}
        return [known[type(word)](word) if type(word) in known else word for word in self.words]


@dataclass
class Clock:
    """{now+100} or {now_ms-5}: the same moment for both servers."""
    unit_ms: int
    offset: int

    def bytes(self, now_ms):
        return b"%d" % (now_ms // self.unit_ms + self.offset)


@dataclass
class ClientId:
    """{id b}: the number that the server gave to connection b."""
    connection: str


@dataclass
class Step:
    kind: str  # commands (one packet), raw, until, scan, begin (no reply is awaited), later (its reply)
    connection: str
    commands: list
    fragments: list = field(default_factory=list)  # raw
    n_replies: int = 0  # raw; -1: until the server closes


@dataclass
class Test:
    family: str
    name: str
    line: int
    steps: list = field(default_factory=list)
    requires: list = field(default_factory=list)
    protocols: tuple = (2, 3)
    checks_digest: bool = True

    @property
    def full_name(self):
        return f"{self.family}/{self.name}"

    def is_spreadable(self):
        """Whether its commands may each go to another node: nothing depends on the connection."""
        for step in self.steps:
            if step.kind in ("raw", "begin", "later") or step.connection != "a" or len(step.commands) > 1:
                return False
            if any(c.words and isinstance(c.words[0], bytes) and c.words[0].lower() in SESSION_COMMANDS
                   for c in step.commands):
                return False
        return True


ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "0": b"\0", "a": b"\a", "b": b"\b", "s": b" "}


def read_escape(text, at):
    """The bytes behind a backslash at text[at], and where the text goes on."""
    if text[at + 1] == "x":
        return bytes([int(text[at + 2:at + 4], 16)]), at + 4
    return ESCAPES.get(text[at + 1], text[at + 1].encode()), at + 2


def split_words(text):
    """Shell-like words as bytes: quotes, escapes, {x}*1000 (repeated), {now+100} (a moment)."""
    words, at = [], 0
    while at < len(text):
        if text[at] == " ":
            at += 1
            continue
        moment = re.match(r"\{(now|now_ms)([+-]\d+)?\}(?= |$)", text[at:])
        numbered = re.match(r"\{id ([a-z])\}(?= |$)", text[at:])
        repeated = re.match(r"\{([^}]*)\}\*(\d+)(?= |$)", text[at:])
        if moment:
            words.append(Clock(1000 if moment[1] == "now" else 1, int(moment[2] or 0)))
            at += moment.end()
        elif numbered:
            words.append(ClientId(numbered[1]))
            at += numbered.end()
        elif repeated:
            words.append(unescape(repeated[1]) * int(repeated[2]))
            at += repeated.end()
        else:
            word, at = read_word(text, at)
            words.append(word)
    return words


def read_word(text, at):
    out, quote = b"", ""
    while at < len(text):
        c = text[at]
        if quote == "'":
            if c == "'":
                quote = ""
            else:
                out += c.encode()
            at += 1
        elif c == "\\":
            piece, at = read_escape(text, at)
            out += piece
        elif quote == '"':
            if c == '"':
                quote = ""
            else:
                out += c.encode()
            at += 1
        elif c == " ":
            break
        elif c in "'\"":
            quote = c
            at += 1
        else:
            out += c.encode()
            at += 1
    if quote:
        raise CaseError("unbalanced quotes")
    return out, at


def unescape(text):
    out, at = b"", 0
    while at < len(text):
        if text[at] == "\\":
            piece, at = read_escape(text, at)
            out += piece
        else:
            out += text[at].encode()
            at += 1
    return out


def parse_expectation(text):
    """-ERR text | +OK | :1 | nil | "bulk" | [ … ] of these."""
    text = text.strip()
    if text.startswith("["):
        expectation, rest = parse_array(re.findall(r'"(?:\\.|[^"])*"|\[|\]|[^\s\[\]]+', text))
        if rest:
            raise CaseError(f"expectation not understood: {text}")
        return expectation
    if text[:1] in "+-":
        return Reply(text[0], unescape(text[1:]))
    if text.startswith(":"):
        return Reply(":", int(text[1:]))
    if text == "nil":
        return Reply("$", None)
    if text.startswith('"'):
        return Reply("$", split_words(text)[0])
    raise CaseError(f"expectation not understood: {text}")


def parse_array(parts):
    """The array that parts begin with, and the parts behind it."""
    items, parts = [], parts[1:]
    while parts and parts[0] != "]":
        if parts[0] == "[":
            item, parts = parse_array(parts)
        else:
            item, parts = parse_expectation(parts[0]), parts[1:]
        items.append(item)
    if not parts:
        raise CaseError("unbalanced brackets")
    return Reply("*", items), parts[1:]


class Reader:
    """One pass over the lines of a file."""

    def __init__(self, family, text):
        self.family = family
        self.lines = text.splitlines()
        self.tests = []
        self.file_requires = []
        self.comparator = ("exact",)
        self.last_command = None
        self.in_pipeline = None
        self.line = 0

    def read(self):
        for self.line, text in enumerate(self.lines, 1):
            try:
                self.take(text.strip())
            except (CaseError, ValueError, IndexError) as error:
                raise CaseError(f"{self.family}.txt:{self.line}: {error}") from None
        return self.tests

    def take(self, text):
        if not text or text.startswith("#"):
            self.in_pipeline = None
        elif text.startswith("== "):
            self.tests.append(Test(self.family, text[3:].strip(), self.line, requires=list(self.file_requires)))
            self.in_pipeline = None
        elif text.startswith("requires: "):
            (self.tests[-1].requires if self.tests else self.file_requires).extend(text[10:].split())
        elif not self.tests:
            raise CaseError("a command before the first test")
        elif text.startswith("protocol: "):
            self.tests[-1].protocols = (int(text[10:]),)
        elif text == "no digest":
            self.tests[-1].checks_digest = False
        elif text[:2] in ("~ ", "? "):
            self.comparator = tuple(text[2:].split())
        elif text.startswith(("7.2: ", "8.0: ")):
            self.last_command.expectation = parse_expectation(text[5:])
        else:
            self.take_step(text)

    def take_step(self, text):
        pipelined = text.startswith("> ")
        if pipelined:
            text = text[2:].strip()
        connection = "a"
        named = re.match(r"@([a-z]) ", text)
        if named:
            connection, text = named[1], text[named.end():].strip()
        raw = re.match(r"raw (\d+|close): ", text)
        if raw:
            self.take_raw(connection, raw[1], text[raw.end():])
            return
        kind = "commands"
        if text == "?":
            self.tests[-1].steps.append(Step("later", connection, [self.new_command([], f"@{connection} ?")]))
            self.in_pipeline = None
            return
        if text.startswith("! "):
            kind, text = "begin", text[2:].strip()
        until = re.match(r"until nil: ", text)
        if until:
            kind, text = "until", text[until.end():]
        elif text.startswith("scan: "):
            kind, text = "scan", text[6:]
        command = self.new_command(split_words(text), text)
        previous = self.in_pipeline
        if pipelined and previous is not None and previous.connection == connection:
            previous.commands.append(command)
            return
        step = Step(kind, connection, [command])
        self.in_pipeline = step if pipelined else None
        self.tests[-1].steps.append(step)

    def take_raw(self, connection, count, text):
        fragments = [b"".join(w for w in split_words(part)) for part in text.split(" | ")]
        command = self.new_command([], "raw " + text)
        step = Step("raw", connection, [command], fragments, -1 if count == "close" else int(count))
        self.in_pipeline = None
        self.tests[-1].steps.append(step)

    def new_command(self, words, source):
        command = Command(words, source, self.line, self.comparator)
        self.comparator = ("exact",)
        self.last_command = command
        return command


def read_cases(path):
    return Reader(path.stem, path.read_text()).read()


def now_ms():
    return time.time_ns() // 1_000_000
