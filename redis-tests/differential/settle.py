"""Commands with an effect or an answer that is a matter of chance or of the clock. The two replies are held against what
both servers have; where they chose differently, the target is made to hold what the oracle holds."""
from .compare import exact
from .wire import ORACLE, TARGET


def settle(pair, words, oracle, target):
    """After such a command, the last of its packet: what is wrong, or None."""
    if oracle.is_error or target.is_error:
        return exact(oracle, target)
    name = words[0].lower()
    return SETTLERS[name](pair, words, oracle, target) if name in SETTLERS else None


def plain_items(reply):
    return [reply.value] if reply.kind == "$" else [item.value for item in reply.items]


def settle_spop(pair, words, oracle, target):
    theirs, ours = plain_items(oracle), plain_items(target)
    if oracle.is_nil or sorted(theirs) == sorted(ours):
        return None
    held = pair.call_one(ORACLE, b"SMISMEMBER", words[1], *ours)
    if any(item.value != (member not in theirs) for item, member in zip(held.items, ours)):
        return "not a member"
    pair.call_one(TARGET, b"SADD", words[1], *ours)
    pair.call_one(TARGET, b"SREM", words[1], *theirs)
    return None


def settle_srandmember(pair, words, oracle, target):
    ours = [] if target.is_nil else plain_items(target)
    if not ours:
        return None
    held = pair.call_one(ORACLE, b"SMISMEMBER", words[1], *ours)
    if any(item.value == 0 for item in held.items):
        return "not a member"
    is_distinct = len(words) < 3 or not words[2].startswith(b"-")
    return "a member twice" if is_distinct and len(set(ours)) < len(ours) else None


def settle_hrandfield(pair, words, oracle, target):
    if target.is_nil:
        return None
    ours = plain_items(target)
    fields, values = ours, None
    if len(words) > 3:
        rows = target.value and target.value[0].kind == "*"
        fields = [row.value[0].value for row in target.value] if rows else ours[::2]
        values = [row.value[1].value for row in target.value] if rows else ours[1::2]
    if not fields:
        return None
    held = [item.value for item in pair.call_one(ORACLE, b"HMGET", words[1], *fields).items]
    if None in held or (values is not None and values != held):
        return "not a field with its value"
    return None


def settle_zrandmember(pair, words, oracle, target):
    if target.is_nil:
        return None
    ours = plain_items(target)
    if len(words) > 3:
        rows = target.value and target.value[0].kind == "*"
        ours = [row.value[0].value for row in target.value] if rows else ours[::2]
    if ours and any(item.is_nil for item in pair.call_one(ORACLE, b"ZMSCORE", words[1], *ours).items):
        return "not a member"
    return None


def settle_randomkey(pair, words, oracle, target):
    if oracle.is_nil or target.is_nil:
        return exact(oracle, target)
    return None if pair.call_one(ORACLE, b"EXISTS", target.value).value == 1 else "no such key"


def settle_dump(pair, words, oracle, target):
    """Each reads what the other wrote, at a key that nothing else uses."""
    if oracle.is_nil or target.is_nil:
        return exact(oracle, target)
    key = b"dumped " + words[1]
    for which, payload in ((ORACLE, target.value), (TARGET, oracle.value)):
        answer = pair.call_one(which, b"RESTORE", key, b"0", payload, b"REPLACE")
        if answer.is_error:
            return f"{'redis' if which == ORACLE else 'shardforge'} cannot restore it: {answer.text}"
    return exact(*pair.call(b"TYPE", key))  # the digests at the end of the episode show the rest


def settle_xadd(pair, words, oracle, target):
    """The clock of each: the entry cannot stay."""
    pair.call(b"DEL", words[1])


def settle_scan(pair, words, oracle, target):
    """The whole walk of each: the same elements, each at least once."""
    place = 1 if words[0].lower() == b"scan" else 2
    width = 2 if words[0].lower() in (b"hscan", b"zscan") else 1
    found = []
    for which, reply in ((ORACLE, oracle), (TARGET, target)):
        elements, steps = set(), 0
        while True:
            flat = [item.value for item in reply.value[1].value]
            elements.update(zip(*[flat[start::width] for start in range(width)]))
            cursor, steps = reply.value[0].value, steps + 1
            if cursor == b"0":
                break
            if steps > 2000:
                return f"no end: {'shardforge' if which == TARGET else 'redis'}"
            reply = pair.call_one(which, *words[:place], cursor, *words[place + 1:])
        if words[0].lower() == b"zscan":
            elements = {(member, float(score)) for member, score in elements}
        found.append(elements)
    if found[0] == found[1]:
        return None
    return f"the walks differ: missing {sorted(found[0] - found[1])[:3]}, more {sorted(found[1] - found[0])[:3]}"


SETTLERS = {b"spop": settle_spop, b"srandmember": settle_srandmember, b"hrandfield": settle_hrandfield,
            b"zrandmember": settle_zrandmember, b"randomkey": settle_randomkey, b"dump": settle_dump,
            b"xadd": settle_xadd, b"scan": settle_scan, b"sscan": settle_scan, b"hscan": settle_scan,
            b"zscan": settle_scan}
