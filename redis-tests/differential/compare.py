"""When two replies count as the same. Each comparator gives None, or says in a few words what differs."""
import re

from shardforge_testing.resp import Reply, show

# Pseudo replies: what happened where a reply was expected.
CLOSED = "x"
SILENT = "t"


def happened(kind):
    return Reply("-", {CLOSED: b"(connection closed)", SILENT: b"(no reply in time)"}[kind])


def exact(oracle, target):
    return None if oracle == target else "differs"


def sort_deep(reply):
    if reply.kind == "%":
        pairs = [(sort_deep(key), sort_deep(value)) for key, value in reply.value]
        return Reply("%", sorted(pairs, key=repr))
    if isinstance(reply.value, list):
        return Reply(reply.kind, sorted((sort_deep(item) for item in reply.value), key=repr))
    return reply


def unordered(oracle, target):
    return exact(sort_deep(oracle), sort_deep(target))


def pairs(oracle, target):
    """HSCAN: the cursor, then fields with values."""
    if oracle.kind != "*" or oracle.kind != target.kind or len(oracle.value) != 2 or len(target.value) != 2:
        return exact(oracle, target)
    sorted_pairs = []
    for reply in (oracle, target):
        flat = reply.value[1].value
        sorted_pairs.append(sorted(zip(map(repr, flat[::2]), map(repr, flat[1::2]))))
    return exact(oracle.value[0], target.value[0]) or (None if sorted_pairs[0] == sorted_pairs[1] else "differs")


SMALL_FORMS = (b"intset", b"listpack", b"hashtable")


def encoding(oracle, target):
    """OBJECT ENCODING: 7.2 packs sets into listpacks where 7.0 had tables, results into intsets, and
    small lists."""
    if oracle.kind == target.kind == "$" and oracle.value in SMALL_FORMS and target.value in SMALL_FORMS:
        return None
    if (oracle.value, target.value) == (b"quicklist", b"listpack"):
        return None
    return exact(oracle, target)


def as_number(reply):
    if reply.kind == ":":
        return reply.value
    if reply.kind == "$" and reply.value is not None and re.fullmatch(rb"-?\d+", reply.value):
        return int(reply.value)
    return None


def within(oracle, target, tolerance):
    """Numbers, also inside arrays, may differ by the tolerance; zero and negative ones (states, not times) may not."""
    if oracle.kind != target.kind:
        return "type differs"
    if isinstance(oracle.value, list) and isinstance(target.value, list):
        if len(oracle.value) != len(target.value):
            return "length differs"
        results = [within(a, b, tolerance) for a, b in zip(oracle.value, target.value)]
        return next((result for result in results if result), None)
    a, b = as_number(oracle), as_number(target)
    if a is None or b is None or a <= 0 or b <= 0:
        return exact(oracle, target)
    return None if abs(a - b) <= int(tolerance) else f"differs by {abs(a - b)}, more than {tolerance}"


def doubles(oracle, target):
    """Scores and the like, also inside arrays, are equal as numbers: 7.2 writes fewer digits."""
    if isinstance(oracle.value, list) and isinstance(target.value, list) and oracle.kind == target.kind == "*":
        if len(oracle.value) != len(target.value):
            return "length differs"
        return next((problem for problem in map(doubles, oracle.value, target.value) if problem), None)
    if oracle == target:
        return None
    try:
        equal = oracle.kind == target.kind and oracle.kind in "$," and float(oracle.value) == float(target.value)
    except (TypeError, ValueError):
        equal = False
    return None if equal else "differs"


def scores(oracle, target):
    """ZSCAN: members with their scores in any order, the scores as numbers."""
    if oracle.is_error or target.is_error or len(oracle.value) != 2 or len(target.value) != 2:
        return exact(oracle, target)
    rows = [sorted((member.value, float(score.value)) for member, score in zip(reply.value[1].value[::2],
            reply.value[1].value[1::2])) for reply in (oracle, target)]
    return None if rows[0] == rows[1] and oracle.value[0] == target.value[0] else "differs"


TIMES = {b"idle", b"inactive", b"seen-time", b"active-time"}


def as_rows(reply, at):
    """Rows without the time that stands at that place from their end."""
    return Reply("*", [Reply("*", row.value[:at] + row.value[at + 1:]) for row in reply.value])


def pending(oracle, target):
    """XPENDING: without the idle times, which are zero or not all the same."""
    for reply in (oracle, target):
        if not (isinstance(reply.value, list) and reply.value and all(row.kind == "*" and row.value is not None and
                len(row.value) == 4 for row in reply.value)):
            return exact(oracle, target)
    problem = exact(as_rows(oracle, -2), as_rows(target, -2))
    for a, b in zip(oracle.value, target.value):
        problem = problem or ("idle times differ" if abs(a.value[2].value - b.value[2].value) > 3000 else None)
    return problem


def stream_facts(reply):
    """XINFO as plain values, maps as dictionaries: without times, and without consumers that hold nothing, since 7.2
    makes consumers where 7.0 made none."""
    items = reply.value
    if not isinstance(items, list):
        return (reply.kind, items)
    if reply.kind == "%":
        items = [item for pair in items for item in pair]
    elif not (len(items) >= 6 and items[0].kind == "$" and items[0].value in (b"name", b"length")):
        return [stream_facts(item) for item in items]
    facts = {}
    for key, value in zip(items[::2], items[1::2]):
        if key.value == b"consumers":
            facts[key.value] = None if value.kind == ":" else with_pending(stream_facts(value))
        elif key.value == b"pending" and isinstance(value.value, list):
            facts[key.value] = stream_facts(as_rows(value, -2))
        elif key.value not in TIMES:
            facts[key.value] = stream_facts(value)
    return facts


def with_pending(consumers):
    return [facts for facts in consumers if facts.get(b"pel-count", facts.get(b"pending")) != (":", 0)]


def stream_info(oracle, target):
    ours, theirs = stream_facts(target), stream_facts(oracle)
    if all(isinstance(facts, list) and all(isinstance(fact, dict) and b"consumers" not in fact and b"length" not in fact
           for fact in facts) for facts in (ours, theirs)):  # XINFO CONSUMERS
        ours, theirs = with_pending(ours), with_pending(theirs)
    return None if ours == theirs else "differs"


def unbalanced(oracle, target):
    """XREAD and XREADGROUP: 7.2 says one error in other words."""
    beginnings = (b"ERR Unbalanced XREAD list", b"ERR Unbalanced 'xread")
    if oracle.is_error and target.is_error and all(map(bytes.startswith, (oracle.value, target.value), beginnings)):
        return None
    return exact(oracle, target)


def group(oracle, target):
    """XGROUP: whether a consumer was new depends on the version, too."""
    return exact(oracle, target) if oracle.kind != ":" or oracle.value > 1 else same_type(oracle, target)


def same_type(oracle, target):
    if oracle.kind != target.kind or oracle.is_nil != target.is_nil:
        return "type differs"
    if isinstance(oracle.value, list) and len(oracle.value) != len(target.value):
        return "length differs"
    return None


def shape(oracle, target):
    """Types all the way down, keys of maps, lengths of arrays; not the leaves."""
    problem = same_type(oracle, target)
    if problem or not isinstance(oracle.value, list):
        return problem
    if oracle.kind == "%":
        if [key for key, _ in oracle.value] != [key for key, _ in target.value]:
            return "keys of a map differ"
        pairs = [(a[1], b[1]) for a, b in zip(oracle.value, target.value)]
    else:
        pairs = list(zip(oracle.value, target.value))
    return next((problem for problem in (shape(a, b) for a, b in pairs) if problem), None)


def picked(oracle, target):
    """Chosen by chance: the shape counts; but errors are equal."""
    return exact(oracle, target) if oracle.is_error else shape(oracle, target)


def counted(oracle, target):
    """So many elements, whichever."""
    return exact(oracle, target) if oracle.is_error else same_type(oracle, target)


def walk(oracle, target):
    """The first step of a SCAN: the steps that follow show whether it was right."""
    return exact(oracle, target) if oracle.is_error or target.is_error else None


def field_names(reply):
    """Of the first line; a verbatim string's begins behind its format."""
    text = reply.text[4:] if reply.kind == "=" else reply.text
    return [word.split("=")[0] for word in text.splitlines()[0].split()]


def fields(oracle, target):
    """Lines of name=value: the same names in the same order. Where 7.2 has more, the expectation lists the names."""
    if oracle.is_error or target.is_error:
        return "an error"
    a, b = field_names(oracle), field_names(target)
    if a == b:
        return None
    missing, more = [n for n in a if n not in b], [n for n in b if n not in a]
    return f"names differ: missing {missing}, more {more}" if missing or more else "names in another order"


# Prose and history are each project's own; display_text came with 7.2.
DOCS_OWN = {b"summary", b"complexity", b"history", b"display_text", b"since"}
INFO_OWN = {b"notes"}


def prune(reply, own):
    """Without the named entries of maps, and of arrays that are maps in RESP2."""
    items = reply.value
    if reply.kind == "%":
        return Reply("%", [(key, prune(value, own)) for key, value in items if key.value not in own])
    if not isinstance(items, list):
        return reply
    kept, at = [], 0
    while at < len(items):
        if items[at].kind == "$" and items[at].value in own and len(items) % 2 == 0 and at % 2 == 0:
            at += 2
            continue
        kept.append(prune(items[at], own))
        at += 1
    return Reply(reply.kind, kept)


def docs(oracle, target):
    """COMMAND DOCS, without what is prose."""
    return unordered(prune(oracle, DOCS_OWN), prune(target, DOCS_OWN))


def command(oracle, target):
    """COMMAND INFO, without what is prose."""
    return unordered(prune(oracle, INFO_OWN), prune(target, INFO_OWN))


def subset(oracle, target):
    """What the target lists, the oracle lists too (both arrays, or maps by key); not the other way round."""
    if oracle.kind != target.kind:
        return "type differs"
    more = [item for item in target.items if item not in oracle.items]
    return f"only in the target: {more}" if more else None


def like(_, target, *pattern):
    """The target's reply (a string as it is, anything else as show() writes it) matches a regular expression; the
    oracle's is not looked at."""
    regex = " ".join(pattern)
    text = target.text if target.kind in "$=" else show(target)
    return None if re.search(regex, text, re.S) else f"does not match {regex}"


COMPARATORS = {
    "exact": exact, "unordered": unordered, "pairs": pairs, "encoding": encoding, "within": within, "type": same_type,
    "picked": picked, "counted": counted, "walk": walk,
    "doubles": doubles, "scores": scores, "shape": shape, "fields": fields,
    "pending": pending, "stream_info": stream_info, "group": group, "unbalanced": unbalanced,
    "docs": docs, "command": command,
    "subset": subset, "like": like, "any": lambda oracle, target: None,
}


def compare(comparator, oracle, target):
    name, *arguments = comparator
    if CLOSED_REPLY in (oracle, target) or SILENT_REPLY in (oracle, target):
        return exact(oracle, target) if name != "like" else "differs"
    return COMPARATORS[name](oracle, target, *arguments)


CLOSED_REPLY = happened(CLOSED)
SILENT_REPLY = happened(SILENT)
