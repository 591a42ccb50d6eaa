"""What a run has reached: each command, each option of the grammar that COMMAND DOCS tells, each error."""
import pathlib
import re

from .comparable import OWN_ANSWERS, UNSUITABLE

ERRORS = pathlib.Path(__file__).with_name("errors.txt")
COMMANDS_FLOOR = 50_000  # commands of a run for each time that a command must have been reached
OPTIONS_FLOOR = 100_000
ERRORS_EXPECTED = 20  # an error is missed when it was not seen though so many were to be expected
# They need tracking, kill whoever runs the test, need a password, came with 7.2.
OPTIONS_UNSUITABLE = {b"client|caching", b"client|kill", b"hello", b"zrank", b"zrevrank"}


class Coverage:
    def __init__(self, target):
        """target: a Client of the server that is tested."""
        self.subcommands, self.options = {}, {}
        docs = target.call("COMMAND", "DOCS").plain()
        for name, facts in as_map(docs).items():
            self.add(name, as_map(facts))
        self.commands = {name: 0 for name in self.options if not is_exempt(name)}
        self.reached = {name: dict.fromkeys(options, 0) for name, options in self.options.items() if name in self.commands}
        self.errors = {}
        self.n = 0

    def add(self, name, facts):
        if b"subcommands" in facts:
            subcommands = as_map(facts[b"subcommands"])
            self.subcommands[name] = {full.partition(b"|")[2]: full for full in subcommands}
            for full, own in subcommands.items():
                self.add(full, as_map(own))
        else:
            self.options[name] = set() if name in OPTIONS_UNSUITABLE else tokens(facts.get(b"arguments", []))

    def name_of(self, words):
        name = words[0].lower()
        if name in self.subcommands and len(words) > 1:
            return self.subcommands[name].get(words[1].lower(), name)
        return name

    def note(self, words, raw):
        """One command and its reply, in bytes."""
        self.n += 1
        name = self.name_of(words)
        if raw[:1] == b"-":
            key = (name, plain_error(raw, words))
            self.errors[key] = self.errors.get(key, 0) + 1
            if name in self.commands:
                self.commands[name] += 1
        elif name in self.commands:
            self.commands[name] += 1
            options = self.reached[name]
            for word in words[1:] if options else ():
                upper = word.upper()
                if upper in options:
                    options[upper] += 1

    def missing(self):
        """Lines: what fell below the floor, for a run of that length."""
        out = [f"command {name.decode()}: {count}" for name, count in sorted(self.commands.items())
               if count < self.n // COMMANDS_FLOOR]
        out += [f"option {name.decode()} {option.decode()}: {count}" for name, options in sorted(self.reached.items())
                for option, count in sorted(options.items()) if count < self.n // OPTIONS_FLOOR]
        for frequency, name, text in read_errors():
            if frequency * self.n / 1e6 >= ERRORS_EXPECTED and (name, text) not in self.errors and name in self.commands:
                out.append(f"error of {name.decode()}: {text.decode()}")
        return out

    def summary(self):
        options = [count for options in self.reached.values() for count in options.values()]
        return (f"reached: {sum(map(bool, self.commands.values()))} of {len(self.commands)} commands, "
                f"{sum(map(bool, options))} of {len(options)} options, {len(self.errors)} errors of commands")

    def record(self):
        """errors.txt anew, from a long run."""
        lines = ["# Errors that the fuzzer reaches: how often in a million commands, the command, the text (quoted parts and",
                 "# numbers left out). A long run must reach them again. Written by redis-tests/fuzz --record."]
        for (name, text), count in sorted(self.errors.items()):
            frequency = int(count * 1e6 / self.n)
            if frequency >= ERRORS_EXPECTED and name in self.commands:
                lines.append(f"{frequency} {name.decode()}: {text.decode('latin-1')}")
        ERRORS.write_text("\n".join(lines) + "\n", encoding="latin-1")


def is_exempt(name):
    """Not to be compared by chance: the case files speak of them."""
    container, _, sub = name.partition(b"|")
    return container in UNSUITABLE - SUBSCRIBERS or sub in OWN_ANSWERS.get(container, ()) or sub == b"help" or \
        container == b"function" or \
        name.startswith(b"shardforge.") or (not sub and None in OWN_ANSWERS.get(container, ()))


SUBSCRIBERS = {b"subscribe", b"unsubscribe", b"psubscribe", b"punsubscribe"}


def plain_error(raw, words):
    text = raw[1:raw.find(b"\r\n")]
    text = re.sub(rb"'.*'", b"'...'", text)
    text = re.sub(rb"-?\d[\d.,-]*", b"N", text)
    return re.sub(rb"[^ -~]", b"?", re.sub(rb"beginning with:.*", b"beginning with:", text))[:150]


def read_errors():
    out = []
    lines = ERRORS.read_text(encoding="latin-1").splitlines() if ERRORS.exists() else []
    for line in lines:
        if line and not line.startswith("#"):
            frequency, name, text = line.split(" ", 2)
            out.append((int(frequency), name[:-1].encode(), text.encode("latin-1")))
    return out


def as_map(items):
    return items if isinstance(items, dict) else dict(zip(items[::2], items[1::2]))


def tokens(arguments):
    """Of arguments as COMMAND DOCS lists them, at any depth."""
    out = set()
    for argument in arguments:
        facts = as_map(argument)
        if facts.get(b"token"):
            out.add(facts[b"token"].upper())
        out |= tokens(facts.get(b"arguments", []))
    return out - {b'""'}
