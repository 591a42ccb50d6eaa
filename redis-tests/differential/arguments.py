"""One random argument of each sort that a template may name."""
import hashlib

# Never between 10^6 and 2^29: SETRANGE would build values of that size.
ODD_NUMBERS = ["0", "-1", "1", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
               "-9223372036854775809", "4294967296", "2147483648", "536870912", "18446744073709551616", "1e3", "0x10",
               "01", "-0", "+1", " 1", "1 ", "", "abc", "1.0", "1.5", "99999999999999999999", "-"]
# Of those that are bits of a string, none between 10^4 and 2^32.
ODD_BIT_PLACES = ["-1", "9223372036854775807", "9223372036854775808", "4294967296", "1e3", "", "x", "01", "10000"]
ODD_FLOATS = ["nan", "inf", "-inf", "1e400", "-1e4932", "1e-400", "0.1", "3.0e3", "1e17", "123456789.123456789", "0x1p3",
              "1.7976931348623157e308", "5e-324", "-0.0", ".5", "5.", "1e", "  1", "", "1_0"]
ODD_IDS = [b"", b"-", b"+", b"$", b">", b"*", b"0", b"0-0", b"0-1", b"1-", b"-1", b"1--1", b" 1", b"+1-+2", b"01-02", b"1-1-1",
           b"18446744073709551615", b"18446744073709551615-18446744073709551615", b"18446744073709551616-0", b"a-b", b"(", b"(1",
           b"9223372036854775808-1", b"1-18446744073709551614", b"1\0x-2", b"0" * 128]
WORDS = ["nosuch", "help", "info", "count", "get", "GeTNaMe", "getname", "no-evict", "\r\n", "", "\0", "encoding", "freq"]


SCRIPTS = [
    b"return redis.call('GET', KEYS[1])", b"return redis.call(ARGV[1], KEYS[1])", b"return redis.pcall('INCR', KEYS[1])",
    b"redis.call('SET', KEYS[1], ARGV[1]) return redis.call('STRLEN', KEYS[1])", b"return {1, 2, {3, 'x'}, false, ARGV[1]}",
    b"return redis.error_reply('MY error')", b"return redis.status_reply(ARGV[1] or 'x')", b"return tonumber(ARGV[1])",
    b"return #KEYS + #ARGV", b"return nosuch", b"x", b"return redis.call('LRANGE', KEYS[1], 0, -1)", b"return redis.call()",
    b"return redis.call('TYPE', KEYS[1])", b"return redis.call('NOSUCH')", b"return redis.call('GET')", b"return true",
    b"return redis.sha1hex(ARGV[1] or '')", b"return {ok='fine'}", b"return {err='bad'}", b"error('thrown')", b"error({err='X y'})",
    b"redis.call('RPUSH', KEYS[1], ARGV[1], ARGV[1]) return redis.call('LLEN', KEYS[1])", b"return 3.99", b"return -1e30",
    b"return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')", b"redis.call('HSET', KEYS[1], 'a', ARGV[1] or '')",
    b"local t = redis.call('HGETALL', KEYS[1]) return #t", b"redis.setresp(3) return redis.call('ZSCORE', KEYS[1], 'a')",
    b"return redis.call('SET', KEYS[1], 'x', 'PX', 'y')", b"return redis.call('DEL', unpack(KEYS))", b"return {double=3.5}",
    b"redis.call('INCRBY', KEYS[1], 3) error('after a write')", b"return cjson.encode({1, 2, {a='x'}})",
    b"return {map={a=1}}", b"return cmsgpack.pack({1, 'a'})", b"return bit.bxor(12, 10)", b"return string.rep('x', 40)",
    b"#!lua flags=no-writes\nreturn redis.call('SET', KEYS[1], 'x')", b"#!lua\nreturn 1", b"#!nosuch\nreturn 1",
]


class Arguments:
    """One random argument of each sort."""

    def __init__(self, random, payloads=()):
        self.random = random
        self.payloads = payloads  # of DUMP
        self.in_transaction = False  # then nothing waits
        self.last_ms = 0
        self.times = iter(random.sample(range(10, 1000), 990))
        self.given = [b"0-1"]  # the last ids of entries

    def xid(self):
        """Nearly always above the stream's last."""
        r = self.random
        self.last_ms += r.choice([0, 1, 1, 2, 300])
        seq = r.choice([0, 0, 1, 2])
        self.given = self.given[-9:] + [b"%d-%d" % (self.last_ms, seq)]
        return self.given[-1] if seq or r.random() > 0.5 else b"%d-*" % self.last_ms

    def sid(self):
        r = self.random
        if r.random() < 0.06:
            return r.choice(ODD_IDS)
        if r.random() < 0.7:
            return r.choice(self.given)
        ms = max(0, self.last_ms - r.choice([0, 1, 2, 5, 10, 300, 600]))
        return b"%d-%d" % (ms, r.randrange(4)) if r.random() < 0.7 else b"%d" % ms

    def topid(self):
        """Above every id, also of entries that were deleted: below those 7.2 refuses it in XSETID."""
        self.last_ms += 1
        return b"%d-3" % self.last_ms

    def lowid(self):
        return next(id for id in iter(self.sid, None) if len(id) < 12)

    def border_id(self):
        r = self.random
        return r.choice([b"-", b"+", b"(" + self.sid(), self.sid(), self.sid()])

    def group(self):
        return self.random.choice([b"g0", b"g0", b"g0", b"g1"])

    def consumer(self):
        return b"c%d" % self.random.randrange(3)

    def length(self):
        r = self.random
        return b"%d" % r.randrange(12) if r.random() < 0.95 else r.choice(ODD_NUMBERS).encode()

    def idle(self):
        return self.random.choice([b"0", b"0", b"0", b"-1", b"3600000", b"7200000", b"x"])

    def of_family(self, letter, many, stray=0.04):
        """A key of one sort. Keys that begin with x take no part in the rest: what ranges of members mean is defined
        for equal scores only."""
        r, chance = self.random, self.random.random()
        if chance < stray:
            return b"%c%d" % (r.choice(b"kkkhclzsgpn"), r.randrange(2))
        if chance < stray + 0.01:
            return r.choice([b"", b"\0", b"k\r\n", b"\xff\xfe", b"{tag}x", b"k" * 300])
        return b"%c%d" % (letter, r.randrange(many))

    def key(self):
        return self.of_family(ord("k"), 6)

    def hkey(self):
        return self.of_family(ord("h"), 3)

    def ckey(self):
        return self.of_family(ord("c"), 4)

    def lkey(self):
        return self.of_family(ord("l"), 4)

    def zkey(self):
        return self.of_family(ord("z"), 4)

    def zckey(self):
        return self.zkey() if self.random.random() < 0.8 else self.ckey()

    def skey(self):
        return self.of_family(ord("s"), 2, 0.02)

    def gkey(self):
        return self.of_family(ord("g"), 3)

    def pkey(self):
        return self.of_family(ord("p"), 3)

    def ncount(self):
        return self.of_family(ord("n"), 2, 0.02)

    def akey(self):
        return self.of_family(self.random.choice(b"kkkhhcclzzsgpn"), 3)

    def xkey(self):
        return b"x%d" % self.random.randrange(3)

    def digit(self):
        return b"%d" % self.random.randrange(6)

    def small(self):
        r = self.random
        return b"%d" % r.randint(-3, 5) if r.random() < 0.95 else r.choice(ODD_NUMBERS).encode()

    def count(self):
        r = self.random
        return b"%d" % r.randint(1, 6) if r.random() < 0.95 else r.choice(ODD_NUMBERS).encode()

    def scancount(self):
        r = self.random
        return b"%d" % r.choice([1, 2, 3, 10, 100, 100000]) if r.random() < 0.97 else r.choice([b"0", b"-1", b"x", b""])

    def wait(self):
        """Within a transaction nothing waits."""
        r = self.random
        if self.in_transaction:
            return r.choice([b"0", b"0.001", b"100", b"-1", b"x"])
        return b"0.001" if r.random() < 0.93 else r.choice([b"-1", b"x", b""])

    def payload(self):
        r = self.random
        payload = r.choice(self.payloads) if self.payloads else b""
        if r.random() < 0.15:
            return r.choice([b"", b"\0", payload[:-1], payload[:-8], payload[1:], payload + b"x"])
        return payload

    def script(self):
        return self.random.choice(SCRIPTS)

    def roscript(self):
        """Reads put nothing into the cache of scripts: nobody asks for these by their digest."""
        return self.script() + b" --"

    def sha(self):
        r = self.random
        sha = hashlib.sha1(r.choice(SCRIPTS)).hexdigest()
        return (sha if r.random() < 0.95 else r.choice([sha.upper(), "", sha[:-1]])).encode()

    def channel(self):
        return self.random.choice([b"a", b"b", b"news.x", b"news.y", b""])

    def topic(self):
        return self.random.choice([b"*", b"news.*", b"?", b"a", b"[ab]"])

    def bit(self):
        return b"%d" % self.random.randrange(2) if self.random.random() > 0.03 else self.int()

    def bitplace(self):
        r = self.random
        return b"%d" % r.randint(0, 900) if r.random() < 0.95 else r.choice(ODD_BIT_PLACES).encode()

    def place(self):
        r = self.random
        return self.bitplace() if r.random() < 0.7 else b"#%d" % r.randrange(40)

    def width(self):
        r = self.random
        if r.random() < 0.03:
            return r.choice([b"u64", b"i65", b"u0", b"I8", b"x", b"", b"u", b"i08"])
        return r.choice([b"u%d" % r.randint(1, 63), b"i%d" % r.randint(1, 64), b"u8", b"i16", b"u1"])

    def longitude(self):
        r = self.random
        return r.choice([b"%.6f" % r.uniform(-180, 180), b"%.4f" % r.gauss(13, 1), b"13.361389", b"180", b"-180", b"0"]) \
            if r.random() < 0.95 else self.float()

    def latitude(self):
        r = self.random
        return r.choice([b"%.6f" % r.uniform(-85, 85), b"%.4f" % r.gauss(38, 1), b"38.115556", b"85.05112878", b"0"]) \
            if r.random() < 0.95 else self.float()

    def metres(self):
        r = self.random
        return b"%.3f" % (10 ** r.uniform(-1, 7.5)) if r.random() < 0.93 else self.float()

    def unit(self):
        r = self.random
        return r.choice([b"m", b"km", b"ft", b"mi", b"KM"]) if r.random() < 0.96 else b"x"

    def zmember(self):
        r = self.random
        return self.value() if r.random() < 0.05 else r.choice([b"", b"a", b"b", b"ab", b"abc", b"1", b"10", b"-5", b"\0", b"zz"])

    def score(self):
        r = self.random
        return self.float() if r.random() < 0.2 else r.choice([b"0", b"1", b"2", b"-1", b"1.5", b"10", b"-0.25", b"1e3"])

    def border(self):
        r = self.random
        return r.choice([b"", b"", b"("]) + (r.choice([b"-inf", b"+inf"]) if r.random() < 0.3 else self.score())

    def lex(self):
        r = self.random
        return r.choice([b"-", b"+"]) if r.random() < 0.4 else r.choice([b"[", b"(", b"[", b""]) + self.zmember()

    def value(self):
        r, chance = self.random, self.random.random()
        if chance < 0.3:
            return self.int()
        if chance < 0.35:
            return self.float()
        if chance < 0.36:
            return bytes([r.randrange(256)]) * r.choice([16383, 65536])
        size = r.choice([0, 1, 3, 10, 20, 21, 43, 44, 45, 64, 100, 1000])
        return r.randbytes(size) if r.random() < 0.3 else bytes(r.choices(b"abcxyz 019", k=size))

    def int(self):
        r = self.random
        if r.random() < 0.15:
            return r.choice(ODD_NUMBERS).encode()
        return b"%d" % r.choice([r.randint(-20, 20), r.randint(-10**6, 10**6), r.randint(-2**63, 2**63 - 1)])

    def index(self):
        r = self.random
        if r.random() < 0.1:
            return r.choice(ODD_NUMBERS).encode()
        return b"%d" % r.choice([r.randint(-12, 12), r.randint(-120, 120), r.randint(0, 3000)])

    def float(self):
        r = self.random
        if r.random() < 0.2:
            return r.choice(ODD_FLOATS).encode()
        return r.choice([b"%d" % r.randint(-100, 100), b"%.3f" % r.uniform(-10, 10), b"%r" % r.uniform(-1e6, 1e6),
                         b"%.2e" % r.uniform(-1e15, 1e15), b"%.17g" % r.random()])

    def pattern(self):
        r = self.random
        pieces = [b"*", b"?", b"k", b"[k-m]", b"[^0-2]", b"[0-3]", b"k*", b"\\k", b"[", b"[]", b"\\", b"1", b"[a-", b"{", b"\0"]
        return b"".join(r.choices(pieces, k=r.randint(0, 3))) if r.random() < 0.6 else b"*"

    def db(self):
        r = self.random
        return r.choice(ODD_NUMBERS).encode() if r.random() < 0.06 else b"%d" % r.randrange(3)

    def second(self):
        """Far from now and from each other: what expires during an episode is the case files' business, and whether a
        time is later than another (GT, LT) does not depend on the milliseconds between two commands."""
        r = self.random
        if r.random() < 0.12:
            return r.choice(ODD_NUMBERS[:1] + ODD_NUMBERS[3:]).encode()
        return b"%d0" % next(self.times, 5)

    def ms(self):
        r = self.random
        if r.random() < 0.12:
            return r.choice(ODD_NUMBERS[:1] + ODD_NUMBERS[3:8] + ODD_NUMBERS[10:]).encode()
        return b"%d0000" % next(self.times, 5)

    def at(self):
        r = self.random
        return r.choice([b"1", b"1000000000", b"4000000000", b"4000000001", b"9999999999"]) \
            if r.random() < 0.88 else r.choice(ODD_NUMBERS).encode()

    def at_ms(self):
        r = self.random
        return r.choice([b"1", b"1000000000000", b"4000000000000", b"4000000000001", b"9999999999999"]) \
            if r.random() < 0.88 else r.choice(ODD_NUMBERS).encode()

    def member(self):
        r, chance = self.random, self.random.random()
        if chance < 0.5:
            return b"%d" % r.randint(-3, 8)
        if chance < 0.9:
            return r.choice(b"a b c d e f".split())
        return self.value()

    field = member

    def pick(self):
        r = self.random
        return b"%d" % r.randint(-9, 9) if r.random() < 0.9 else r.choice(ODD_NUMBERS[:4] + ODD_NUMBERS[5:8]).encode()

    def word(self):
        return self.random.choice(WORDS).encode("latin-1")
