"""The table of the oracle's commands with their states: same, different (why), not offered (why)."""
import fnmatch
import re
from dataclasses import dataclass

from shardforge_testing.resp import Client

DIFFERENT, NOT_OFFERED, NOT_YET = "different", "not offered", "not yet"


class StatesError(Exception):
    """commands.txt cannot be understood."""


@dataclass
class Rule:
    state: str
    pattern: str
    reason: str
    line: int
    used: bool = False


def load_rules(path):
    rules, state = [], None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line in [f"[{name}]" for name in (DIFFERENT, NOT_OFFERED, NOT_YET)]:
            state = line[1:-1]
            continue
        pattern, arrow, reason = line.partition(" -> ")
        if state is None or not arrow or not reason.strip():
            raise StatesError(f"{path}:{number}: a section, or 'pattern -> reason' in one")
        rules.append(Rule(state, pattern.strip(), reason.strip(), number))
    return rules


def names_of(client):
    return sorted(item.text for item in client.call("COMMAND", "LIST").items)


def find_rule(rules, state, name):
    found = next((r for r in rules if r.state == state and fnmatch.fnmatchcase(name, r.pattern)), None)
    if found:
        found.used = True
    return found


def names_in_cases(folder):
    """Words and pairs of words with which lines of the cases begin, as full names of commands."""
    seen = set()
    for path in sorted(folder.glob("*.txt")):
        for line in path.read_text().splitlines():
            words = re.sub(r"^(@\w+ |> |until nil: |scan: |[a-z]+[0-9]*> )+", "", line.strip()).lower().split()
            seen.update([words[0], "|".join(words[:2])] if words else [])
    return seen


class CommandStates:
    def __init__(self, rules, oracle_port, target_port, exercised):
        self.rules = rules
        self.names = names_of(Client(oracle_port, timeout_s=30))
        self.offered = set(names_of(Client(target_port, timeout_s=30)))
        self.exercised = exercised
        self.rows, self.problems = [], []

    def judge(self):
        for name in self.names:
            self.rows.append((name, *self.state_of(name)))
        for rule in self.rules:
            if not rule.used and rule.state != NOT_YET:
                self.problems.append(f"commands.txt:{rule.line}: '{rule.pattern}' is {rule.state} no more")
        return self

    def state_of(self, name):
        if name in self.offered:
            rule = find_rule(self.rules, DIFFERENT, name)
            return (DIFFERENT, rule.reason) if rule else ("same", "")
        for state in (NOT_OFFERED, NOT_YET):
            rule = find_rule(self.rules, state, name)
            if rule:
                return state, rule.reason
        self.problems.append(f"{name}: the oracle has it, the target has not, and commands.txt does not say why")
        return "missing", ""

    def without_case(self):
        containers = {name.split("|")[0] for name in self.names if "|" in name}
        return [name for name, state, _ in self.rows
                if state == "same" and name not in containers and name not in self.exercised]

    def show(self):
        width = max(map(len, self.names))
        for name, state, reason in self.rows:
            print(f"{name:{width}}  {state}{': ' + reason if reason else ''}")
        counts = {state: sum(row[1] == state for row in self.rows) for state in sorted({row[1] for row in self.rows})}
        print(f"commands: {len(self.rows)}: " + ", ".join(f"{n} {state}" for state, n in counts.items()))
        if self.without_case():
            print("same, but in no case file: " + ", ".join(self.without_case()))
        for problem in self.problems:
            print(f"FAIL {problem}")
