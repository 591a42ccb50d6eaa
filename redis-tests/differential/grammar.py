"""Random commands from the templates of templates.txt, which says how to read them."""
import pathlib
import re

from .arguments import Arguments
from .comparable import is_comparable

TEMPLATES = pathlib.Path(__file__).with_name("templates.txt")
USUAL_WEIGHT = 6
ODD_CHANCE = 0.05
QUESTION_CHANCE = 0.01
STRAY_WORDS = [b"NX", b"XX", b"GET", b"EX", b"KEEPTTL", b"0", b"", b"100000", b"COUNT", b"LIMIT", b"MATCH", b"STORE"]


def compile_template(text):
    """A list of (kind, what): of literal words, arguments, and groups with their alternatives."""
    parts = []
    for token in re.findall(r"\[[^\]]*\]|\([^)]*\)|\S+", text):
        if token[0] in "[(":
            parts.append((token[0], [compile_template(alternative) for alternative in token[1:-1].split("|")]))
        elif token.endswith("+") and hasattr(Arguments, token[:-1]):
            parts.append(("+", token[:-1]))
        elif token in ("pair+", "fvalue+"):
            parts.append(("pairs", "key" if token == "pair+" else "field"))
        elif hasattr(Arguments, token):
            parts.append(("argument", token))
        else:
            parts.append(("word", token.encode()))
    return parts


def read_templates():
    """(first word, weight, compiled), one a line."""
    templates = []
    for line in TEMPLATES.read_text().splitlines():
        weight, text = re.fullmatch(r"(?:(\d+) )?(.*)", line.partition("# ")[0] if line.startswith("# ") else line).groups()
        if text:
            templates.append((text.split()[0], int(weight or USUAL_WEIGHT), compile_template(text)))
    return templates


class Grammar:
    """What the server has no command for is left out."""

    def __init__(self, has_command):
        templates = [t for t in read_templates() if t[0] == "word" or has_command(t[0].lower())]
        self.templates = [compiled for _, _, compiled in templates]
        self.cumulated, total = [], 0
        for _, weight, _ in templates:
            total += weight
            self.cumulated.append(total)

    def command(self, arguments):
        """The next one: words that both servers must answer alike."""
        r = arguments.random
        words = []
        expand(r.choices(self.templates, cum_weights=self.cumulated)[0], arguments, words)
        while r.random() < ODD_CHANCE:
            make_odd(words, arguments)
        if r.random() < QUESTION_CHANCE:
            words = [b"COMMAND", r.choice([b"GETKEYS", b"GETKEYSANDFLAGS"])] + words
        return words if is_comparable(words, arguments.in_transaction) else [b"PING"]


def expand(parts, arguments, out):
    r = arguments.random
    for kind, what in parts:
        if kind == "word":
            out.append(what if r.random() > 0.1 else what.lower())
        elif kind == "argument":
            out.append(getattr(arguments, what)())
        elif kind == "+":
            draw = getattr(arguments, what)
            out += [draw() for _ in range(r.randint(1, 4))]
        elif kind == "pairs":
            draw = getattr(arguments, what)
            for _ in range(r.randint(1, 4)):
                out += [draw(), arguments.value()]
        elif kind == "(" or r.random() < 0.35:
            expand(r.choice(what), arguments, out)


def make_odd(words, arguments):
    r = arguments.random
    at = r.randrange(len(words))
    action = r.randrange(4)
    if action == 0 and len(words) > 1:
        del words[max(at, 1)]
    elif action == 1:
        words.insert(at + 1, words[at])
    elif action == 2:
        words.insert(at + 1, r.choice(STRAY_WORDS))
    elif at > 0:
        words[at] = arguments.value() if r.random() < 0.5 else arguments.int()
