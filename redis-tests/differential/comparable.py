"""Which random commands two servers must answer alike, and how alike."""
import re

UNORDERED = """KEYS HGETALL HKEYS HVALS SMEMBERS SINTER SUNION SDIFF"""
SCORED = """ZADD ZINCRBY ZSCORE ZMSCORE ZRANGE ZREVRANGE ZRANGEBYSCORE ZREVRANGEBYSCORE ZPOPMIN ZPOPMAX ZMPOP BZPOPMIN
BZPOPMAX BZMPOP ZUNION ZINTER ZDIFF EVAL EVALSHA EVAL_RO EVALSHA_RO"""
COMPARATORS = {
    **{name: ("unordered",) for name in UNORDERED.split()},
    **{name: ("doubles",) for name in SCORED.split()},
    "XPENDING": ("pending",), "XINFO": ("stream_info",), "XGROUP": ("group",),
    "XREAD": ("unbalanced",), "XREADGROUP": ("unbalanced",),
    "RANDOMKEY": ("walk",), "SPOP": ("picked",), "SRANDMEMBER": ("picked",), "HRANDFIELD": ("picked",),
    "ZRANDMEMBER": ("picked",), "DUMP": ("walk",),
    "SSCAN": ("walk",), "HSCAN": ("walk",), "ZSCAN": ("walk",), "SCAN": ("walk",),
    "TTL": ("within", "5"), "PTTL": ("within", "5000"), "EXPIRETIME": ("within", "5"), "PEXPIRETIME": ("within", "5000"),
    "TIME": ("type",), "HELLO": ("picked",), "LASTSAVE": ("type",),
}
BY_SUBCOMMAND = {("OBJECT", "ENCODING"): ("encoding",), ("OBJECT", "IDLETIME"): ("type",),
                 ("OBJECT", "REFCOUNT"): ("type",), ("CLIENT", "ID"): ("type",),
                 ("PUBSUB", "CHANNELS"): ("unordered",)}


def comparator_of(words):
    name = words[0].upper().decode("latin-1")
    if name in ("SORT", "SORT_RO"):
        return sort_comparator([word.lower() for word in words])
    if name == "XADD" and b"*" in words:
        return ("picked",)
    if len(words) > 1:
        special = BY_SUBCOMMAND.get((name, words[1].upper().decode("latin-1")))
        if special:
            return special
    return COMPARATORS.get(name, ("exact",))


def sort_comparator(lowered):
    """A set's members, not sorted, come as they are."""
    if b"by" not in lowered or b"*" in b"".join(lowered[lowered.index(b"by") + 1:lowered.index(b"by") + 2]):
        return ("exact",)
    return ("counted",) if b"limit" in lowered else ("unordered",)


# Answers that are each server's own (lists of commands, settings, clients), or that end the connection.
OWN_ANSWERS = {
    b"command": {b"list", b"count", b"docs", b"info", b"help", None}, b"config": {b"help", b"set", b"resetstat", b"rewrite"},
    b"client": {b"info", b"list", b"help", b"reply", b"pause", b"tracking", b"no-touch", b"setinfo"},
    b"object": {b"help"}, b"xinfo": {b"help"}, b"xgroup": {b"help"}, b"pubsub": {b"help"},
    b"function": {b"help", b"stats", b"dump"}, b"script": {b"help", b"kill", b"debug"},
}
# Not to be called by chance: they have other effects than an answer.
UNSUITABLE = {b"info", b"quit", b"debug", b"shutdown", b"monitor", b"cluster", b"latency", b"acl", b"memory", b"slowlog",
              b"wait", b"waitaof", b"role", b"lolwut", b"pfselftest", b"auth", b"replicaof", b"slaveof", b"sync", b"psync",
              b"save", b"bgsave", b"bgrewriteaof", b"lastsave", b"failover", b"module", b"replconf", b"readonly", b"readwrite",
              b"subscribe", b"psubscribe", b"ssubscribe", b"unsubscribe", b"punsubscribe", b"sunsubscribe", b"spublish",
              b"migrate",  # speaks to a third server: tests/integration/test_migrate.py has some
              # the oracle has none of them
              b"hexpire", b"hpexpire", b"hexpireat", b"hpexpireat", b"hexpiretime", b"hpexpiretime", b"httl", b"hpttl",
              b"hpersist", b"hgetdel", b"hgetex", b"hsetex"}

TIMED_BY_ARGUMENT = {b"expire": 100, b"setex": 100, b"pexpire": 100_000, b"psetex": 100_000,
                     b"restore": 100_000, b"restore-asking": 100_000}
TIMED_BY_OPTION = {b"ex": 100, b"px": 100_000}
# SET with a moment in the past: Redis counts the key (DBSIZE, DEBUG DIGEST) until it happens to take it out.
PAST_BY_OPTION = {b"exat": 3 * 10**9, b"pxat": 3 * 10**12}
SCANS = {b"scan", b"sscan", b"hscan", b"zscan"}
LEX = re.compile(rb"z.*(bylex|lexcount)")
# Their effect or answer is a matter of chance: see settle.py. They end a packet, and stay out of transactions.
BY_CHANCE = {b"spop", b"srandmember", b"hrandfield", b"zrandmember", b"randomkey", b"dump"} | SCANS
WAIT_LAST = {b"blpop", b"brpop", b"blmove", b"brpoplpush", b"bzpopmin", b"bzpopmax"}
WAIT_FIRST = {b"blmpop", b"bzmpop"}


# XSETID: by the time of EXEC others may have set a higher id, below which 7.2 refuses it.
OUTSIDE_TRANSACTIONS = {b"reset", b"hello", b"multi", b"watch", b"exec", b"discard", b"sort", b"sort_ro", b"xsetid"}


def is_by_chance(words):
    """Also an XADD that takes the time of the server."""
    name = words[0].lower()
    return name in BY_CHANCE or (name == b"xadd" and b"*" in words)


def is_comparable(words, in_transaction=False):
    name = words[0].lower()
    if name in UNSUITABLE or waits_long(words) and not in_transaction:
        return False
    if in_transaction and (is_by_chance(words) or name in OUTSIDE_TRANSACTIONS):
        return False
    if name in OWN_ANSWERS and (words[1].lower() if len(words) > 1 else None) in OWN_ANSWERS[name]:
        return False
    rule = RULES.get(name)
    if waits_beyond_numbers(words):
        return False
    return not (rule and not rule(words)) and not expires_soon(words) and keeps_scores_equal(words)


def waits_beyond_numbers(words):
    """Milliseconds of more than 63 bits: other words in 7.2."""
    return words[0].lower() in WAIT_LAST | WAIT_FIRST and any(re.fullmatch(rb"\d{16,}(\.\d*)?", w) for w in words[1:])


def has_bitcount_unit(words):
    """7.0 does not look at it where the key is absent or the range is empty."""
    return len(words) != 5 or words[4].lower() in (b"bit", b"byte")


def waits_long(words):
    """Nobody else speaks while a command of an episode waits."""
    name = words[0].lower()
    if name in WAIT_LAST:
        return is_long(words[-1])
    if name in (b"xread", b"xreadgroup"):
        lowered = [word.lower() for word in words]
        return any(word == b"block" and lowered[at + 1:at + 2] != [b"1"] for at, word in enumerate(lowered))
    return name in WAIT_FIRST and len(words) > 1 and is_long(words[1])


def is_long(time):
    return time not in (b"0.001", b"-1", b"x", b"")


def expires_soon(words):
    """Whether the key might expire while an episode runs: then the two servers need not agree."""
    lowered = [word.lower() for word in words]
    options = {**TIMED_BY_OPTION, **(PAST_BY_OPTION if lowered[0] == b"set" else {})}
    times = [(lowered[i + 1], options[word]) for i, word in enumerate(lowered[:-1]) if word in options]
    if lowered[0] in TIMED_BY_ARGUMENT and len(words) > 2 and b"absttl" not in lowered:
        times.append((lowered[2], TIMED_BY_ARGUMENT[lowered[0]]))
    return any(time.isdigit() and 0 < int(time) < least for time, least in times)


def keeps_scores_equal(words):
    """Keys that begin with x hold sorted sets of equal scores: only commands by member come near them, and those near no
    other key."""
    name = words[0].lower()
    is_x = [word[:1] == b"x" and len(word) == 2 and word[1:].isdigit() for word in words[1:]]
    lowered = [word.lower() for word in words]
    if LEX.match(name) or (name in (b"zrange", b"zrangestore") and b"bylex" in lowered):
        return any(is_x[:1]) and (name != b"zrangestore" or all(is_x[:2]))
    if not any(is_x):
        return True
    return (name == b"zadd" and set(words[2::2]) == {b"0"} and len(words) % 2 == 0) or not any(is_x[:2])


def picks_little(words):
    return len(words) < 3 or re.fullmatch(rb"-\d{4,}", words[2]) is None


def is_ordered_sort(words):
    """The order of equal weights, and of a set's members, is nobody's promise."""
    lowered = [word.lower() for word in words]
    if b"by" in lowered:
        if b"alpha" in lowered or b"by" in lowered[lowered.index(b"by") + 1:]:
            return False
        return words[1][:1] in b"lng" and words[1] != b""
    return True


def bits_fit(words):
    """None of hundreds of megabytes."""
    return not any(re.fullmatch(rb"#?\d{5,9}|#?[1-3]\d{9}|#?4[01]\d{8}|#?42[0-8]\d{7}", word) for word in words[2:])


def restore_fits(words):
    """Time to live: near 2^63 7.0 overflows, and the key is gone."""
    return not re.fullmatch(rb"\d{19,}", b"".join(words[2:3]))


RULES = {
    b"bitcount": has_bitcount_unit,
    b"xsetid": lambda words: re.fullmatch(rb"\d+-3", b"".join(words[2:3])),
    b"srandmember": picks_little, b"hrandfield": picks_little, b"zrandmember": picks_little,
    b"sort": is_ordered_sort, b"sort_ro": is_ordered_sort,
    b"zrank": lambda words: len(words) < 4,  # WITHSCORE came with 7.2
    b"zrevrank": lambda words: len(words) < 4,
    b"pfcount": lambda words: len(words) > 2,  # of one key, Redis keeps the result within the key
    b"setbit": bits_fit, b"bitfield": bits_fit,
    b"lpos": lambda words: b"-9223372036854775808" not in words,  # an error in 7.2
    b"config": lambda words: not any(c in word for c in b"*?[" for word in words),
    b"restore": restore_fits, b"restore-asking": restore_fits,
    b"scan": lambda words: words[1:2] == [b"0"],
    b"sscan": lambda words: words[2:3] == [b"0"], b"hscan": lambda words: words[2:3] == [b"0"],
    b"zscan": lambda words: words[2:3] == [b"0"],
    b"command": lambda words: b"getkeys" not in words[1].lower() or (
        len(words) > 3 and words[2].lower() not in (b"zrank", b"zrevrank")),  # arity -3 in 7.2
    b"client": lambda words: b"kill" not in [word.lower() for word in words] or not any(
        word.lower() in (b"skipme", b"type", b"id") for word in words),
}
