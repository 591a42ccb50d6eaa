"""Random commands from templates.

A template is a command's words; these stand for something random:
    key value int index float pattern db second ms at at_ms word    (argument, see Arguments)
    key+            one to four of it          pair+   one to four keys with values
    member field    from a small number, so that they meet again
    fvalue+ member+ one to four fields with values, or members
    pick            how many to pick at random
    [A|B C|D]       with some probability one of the alternatives
    (A|B)           exactly one of them
Then, now and then, an argument is dropped, doubled or replaced by something odd."""
import re

TEMPLATES = """
GET key
SET key value [NX|XX] [GET] [EX second|PX ms|EXAT at|PXAT at_ms|KEEPTTL]
SET key int
SETNX key value
SETEX key second value
PSETEX key ms value
GETSET key value
GETDEL key
GETEX key [EX second|PX ms|EXAT at|PXAT at_ms|PERSIST]
MGET key+
MSET pair+
MSETNX pair+
APPEND key value
STRLEN key
GETRANGE key index index
SUBSTR key index index
SETRANGE key index value
INCR key
DECR key
INCRBY key int
DECRBY key int
INCRBYFLOAT key float
SETBIT key bitplace bit
GETBIT key bitplace
BITCOUNT key [index index|index index BIT|index index BYTE]
BITPOS key bit [index|index index|index index BIT|index index BYTE]
BITOP (AND|OR|XOR) key key+
BITOP NOT key key
BITFIELD key [OVERFLOW WRAP|OVERFLOW SAT|OVERFLOW FAIL] (GET|GET) width place [INCRBY width place int] [SET width place int]
BITFIELD key (OVERFLOW SAT|OVERFLOW FAIL|OVERFLOW WRAP) INCRBY width place int [INCRBY width place int|SET width place int]
BITFIELD_RO key GET width place [GET width place]
LCS key key [LEN|IDX|IDX WITHMATCHLEN|IDX MINMATCHLEN index WITHMATCHLEN]
PFADD hkey value value value
PFADD hkey zmember+
PFCOUNT hkey hkey
PFCOUNT hkey key hkey
PFMERGE hkey hkey [hkey]
PFDEBUG (DECODE|ENCODING|TODENSE) hkey
GEOADD gkey [NX|XX] [CH] longitude latitude zmember
GEOADD gkey longitude latitude zmember longitude latitude zmember longitude latitude value
GEODIST gkey zmember zmember [m|km|ft|mi]
GEOHASH gkey zmember+
GEOPOS gkey zmember+
GEOSEARCH gkey (FROMMEMBER zmember|FROMLONLAT longitude latitude) (BYRADIUS metres unit|BYBOX metres metres unit) [ASC|DESC] [COUNT bit ANY] [WITHDIST] [WITHCOORD] [WITHHASH]
GEOSEARCHSTORE gkey gkey (FROMMEMBER zmember|FROMLONLAT longitude latitude) (BYRADIUS metres unit|BYBOX metres metres unit)
GEORADIUS gkey longitude latitude metres unit [ASC|DESC] [WITHDIST] [STORE gkey]
GEORADIUSBYMEMBER gkey zmember metres unit [DESC] [WITHCOORD] [WITHHASH]
ZRANGE gkey 0 -1 WITHSCORES
DEL key+
UNLINK key+
EXISTS key+
TOUCH key+
TYPE key
KEYS pattern
SCAN 0 COUNT 100000 [MATCH pattern] [TYPE string]
RANDOMKEY
DBSIZE
EXPIRE key second [NX|XX|GT|LT]
PEXPIRE key ms [NX|XX|GT|LT]
EXPIREAT key at [NX|XX|GT|LT]
PEXPIREAT key at_ms [NX|XX|GT|LT]
TTL key
PTTL key
EXPIRETIME key
PEXPIRETIME key
PERSIST key
RENAME key key
RENAMENX key key
COPY key key [DB db] [REPLACE]
MOVE key db
SWAPDB db db
SELECT db
FLUSHDB [SYNC|ASYNC]
OBJECT ENCODING key
OBJECT FREQ key
OBJECT IDLETIME key
OBJECT REFCOUNT key
HSET key fvalue+
HMSET key fvalue+
HSETNX key field value
HGET key field
HMGET key field+
HGETALL key
HKEYS key
HVALS key
HLEN key
HSTRLEN key field
HEXISTS key field
HDEL key field+
HINCRBY key field int
HINCRBYFLOAT key field float
HRANDFIELD key [pick|pick WITHVALUES]
HSCAN key 0 COUNT 100000 [MATCH pattern]
SADD key member+
SADD key int
SADD key member+ member+ member+
SREM key member+
SISMEMBER key member
SMISMEMBER key member+
SMEMBERS key
SCARD key
SPOP key 100000
SPOP key 0
SRANDMEMBER key [pick]
SMOVE key key member
SINTER key+
SINTERSTORE key key+
SINTERCARD (1 key|2 key key|3 key key key|int key+) [LIMIT index]
SUNION key+
SUNIONSTORE key key+
SDIFF key+
SDIFFSTORE key key+
SSCAN key 0 COUNT 100000 [MATCH pattern]
LPUSH lkey value+
RPUSH lkey value+
LPUSHX lkey value+
RPUSHX lkey value+
LPOP lkey [index]
RPOP lkey [index]
LLEN lkey
LINDEX lkey index
LSET lkey index value
LRANGE lkey index index
LTRIM lkey index index
LREM lkey index zmember
RPUSH lkey zmember+
LINSERT lkey (BEFORE|AFTER) zmember value
LPOS lkey zmember [RANK index] [COUNT index] [MAXLEN index]
LMOVE lkey lkey (LEFT|RIGHT) (LEFT|RIGHT)
RPOPLPUSH lkey lkey
LMPOP 2 lkey lkey (LEFT|RIGHT) [COUNT index]
BLPOP lkey lkey 0.001
BRPOP lkey 0.001
BLMOVE lkey lkey (LEFT|RIGHT) (LEFT|RIGHT) 0.001
BRPOPLPUSH lkey lkey 0.001
BLMPOP 0.001 2 lkey lkey (LEFT|RIGHT) [COUNT index]
BZPOPMIN zkey zkey 0.001
BZPOPMAX zkey 0.001
BZMPOP 0.001 2 zkey zkey (MIN|MAX) [COUNT index]
ZADD zkey [NX|XX] [GT|LT] [CH] score zmember
ZADD zkey score zmember score zmember score zmember score zmember
ZADD zkey INCR score zmember
ZADD xkey 0 zmember
ZADD xkey 0 zmember 0 zmember 0 value
ZADD zkey score value score value
ZINCRBY zkey score zmember
ZREM zkey zmember+
ZCARD zkey
ZSCORE zkey zmember
ZMSCORE zkey zmember+
ZRANK zkey zmember
ZREVRANK zkey zmember
ZCOUNT zkey border border
ZLEXCOUNT xkey lex lex
ZRANGE zkey index index [REV] [WITHSCORES]
ZRANGE zkey border border BYSCORE [REV] [LIMIT index index] [WITHSCORES]
ZRANGE xkey lex lex BYLEX [REV] [LIMIT index index]
ZREVRANGE zkey index index [WITHSCORES]
ZRANGEBYSCORE zkey border border [WITHSCORES] [LIMIT index index]
ZREVRANGEBYSCORE zkey border border [WITHSCORES] [LIMIT index index]
ZRANGEBYLEX xkey lex lex [LIMIT index index]
ZREVRANGEBYLEX xkey lex lex [LIMIT index index]
ZRANGESTORE zkey zkey index index [REV]
ZRANGESTORE zkey zkey border border BYSCORE [LIMIT index index]
ZREMRANGEBYRANK zkey index index
ZREMRANGEBYSCORE zkey border border
ZREMRANGEBYLEX xkey lex lex
ZPOPMIN zkey [index]
ZPOPMAX zkey [index]
ZMPOP 2 zkey zkey (MIN|MAX) [COUNT index]
ZUNION 2 zkey zkey [WEIGHTS score score] [AGGREGATE SUM|AGGREGATE MIN|AGGREGATE MAX] [WITHSCORES]
ZINTER 2 zkey zkey [WEIGHTS score score] [AGGREGATE SUM|AGGREGATE MIN|AGGREGATE MAX] [WITHSCORES]
ZDIFF 2 zkey zkey [WITHSCORES]
ZUNIONSTORE zkey 2 zkey zkey [WEIGHTS score score] [AGGREGATE MIN|AGGREGATE MAX]
ZINTERSTORE zkey 2 zkey zkey [WEIGHTS score score] [AGGREGATE MIN|AGGREGATE MAX]
ZDIFFSTORE zkey 2 zkey zkey
ZINTERCARD 2 zkey zkey [LIMIT index]
ZRANDMEMBER zkey
ZSCAN zkey 0 COUNT 100000
SORT lkey [LIMIT index index] [ASC|DESC] ALPHA
SORT lkey [LIMIT index index] [ASC|DESC] [STORE lkey]
SORT lkey BY nosort [GET #] [LIMIT index index]
SORT_RO lkey BY k* [GET k*] ALPHA
XADD skey [MAXLEN = length|MAXLEN ~ length|MAXLEN length|MAXLEN ~ length LIMIT length] xid fvalue+
XADD skey [MINID = sid|MINID ~ sid|MINID sid|MINID ~ sid LIMIT length|NOMKSTREAM] xid fvalue+
XADD skey xid a value
XADD skey xid a value b value
XADD skey xid a value b value
XADD skey lowid fvalue+
XLEN skey
XRANGE skey border_id border_id [COUNT index]
XREVRANGE skey border_id border_id [COUNT index]
XDEL skey sid+
XTRIM skey (MAXLEN|MAXLEN ~|MAXLEN =) length [LIMIT length]
XTRIM skey (MINID|MINID ~|MINID =) sid [LIMIT length]
XSETID skey topid [ENTRIESADDED length] [MAXDELETEDID sid]
XREAD [COUNT index] STREAMS (skey sid|skey $|skey skey sid sid|skey skey 0 0)
XGROUP CREATE skey group (sid|0|$) [MKSTREAM] [ENTRIESREAD length]
XGROUP CREATE skey group 0 MKSTREAM
XGROUP SETID skey group (sid|0|$) [ENTRIESREAD length]
XGROUP DESTROY skey group
XGROUP CREATECONSUMER skey group consumer
XGROUP DELCONSUMER skey group consumer
XREADGROUP GROUP group consumer [COUNT index] [NOACK] STREAMS (skey >|skey sid|skey 0|skey skey > >|skey skey 0 >)
XREADGROUP GROUP group consumer COUNT 2 STREAMS skey >
XREADGROUP GROUP group consumer STREAMS skey >
XADD skey xid a value
XREADGROUP GROUP group consumer STREAMS skey >
XACK skey group sid+
XPENDING skey group
XPENDING skey group [IDLE idle] border_id border_id length [consumer]
XCLAIM skey group consumer idle sid+ [IDLE idle|TIME 1] [RETRYCOUNT length] [FORCE] [JUSTID] [LASTID sid]
XAUTOCLAIM skey group consumer idle border_id [COUNT length] [JUSTID]
XINFO STREAM skey [FULL|FULL COUNT length]
XINFO STREAM skey FULL COUNT 0
XINFO GROUPS skey
XINFO CONSUMERS skey group
COPY skey skey [REPLACE]
OBJECT ENCODING skey
ECHO value
PING [value]
word key value
CONFIG GET word
CLIENT word value
OBJECT word key
COMMAND word
"""
SELDOM = {"FLUSHDB", "SWAPDB", "KEYS", "SCAN", "CONFIG", "CLIENT", "COMMAND", "word",
          "BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP"}

COMPARATORS = {
    "ZRANDMEMBER": ("type",), "ZSCAN": ("scores",),
    **{name: ("doubles",) for name in ("ZADD", "ZINCRBY", "ZSCORE", "ZMSCORE", "ZRANGE", "ZREVRANGE", "ZRANGEBYSCORE",
       "ZREVRANGEBYSCORE", "ZPOPMIN", "ZPOPMAX", "ZMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "ZUNION", "ZINTER", "ZDIFF")},
    "XPENDING": ("pending",), "XINFO": ("stream_info",), "XGROUP": ("group",),
    "XREAD": ("unbalanced",), "XREADGROUP": ("unbalanced",),
    "KEYS": ("unordered",), "SCAN": ("unordered",), "RANDOMKEY": ("type",),
    "DBSIZE": ("type",),  # Redis counts dead keys until it happens to meet them
    "HGETALL": ("unordered",), "HKEYS": ("unordered",), "HVALS": ("unordered",), "HSCAN": ("pairs",),
    "SMEMBERS": ("unordered",), "SINTER": ("unordered",), "SUNION": ("unordered",), "SDIFF": ("unordered",),
    "SSCAN": ("unordered",), "SPOP": ("unordered",), "SRANDMEMBER": ("shape",), "HRANDFIELD": ("shape",),
    "TTL": ("within", "2"),
    "PTTL": ("within", "3000"), "EXPIRETIME": ("within", "2"), "PEXPIRETIME": ("within", "3000"),
}
OBJECT_COMPARATORS = {"ENCODING": ("encoding",), "IDLETIME": ("type",), "REFCOUNT": ("type",)}

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


class Arguments:
    """One random argument of each sort."""

    def __init__(self, random):
        self.random = random
        self.last_ms = 0
        self.given = [b"0-1"]  # the last ids of entries

    def skey(self):
        return b"s%d" % self.random.randrange(2) if self.random.random() > 0.02 else self.key()

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

    def key(self):
        r = self.random
        if r.random() < 0.04:
            return r.choice([b"", b"\0", b"k\r\n", b"\xff\xfe", b"{tag}x", b"k" * 300])
        return b"k%d" % r.randrange(6)

    def lkey(self):
        return b"l%d" % self.random.randrange(4) if self.random.random() > 0.03 else self.key()

    def zkey(self):
        return b"z%d" % self.random.randrange(4) if self.random.random() > 0.03 else self.key()

    def hkey(self):
        return b"h%d" % self.random.randrange(3) if self.random.random() > 0.03 else self.key()

    def gkey(self):
        return b"g%d" % self.random.randrange(3) if self.random.random() > 0.03 else self.key()

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

    def xkey(self):
        return b"x%d" % self.random.randrange(3)

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
        """Far from now: what expires during an episode is the case files' business."""
        r = self.random
        return r.choice(ODD_NUMBERS[:1] + ODD_NUMBERS[3:]).encode() if r.random() < 0.12 else b"%d" % r.randint(1000, 9000)

    def ms(self):
        r = self.random
        return r.choice(ODD_NUMBERS[:1] + ODD_NUMBERS[3:8] + ODD_NUMBERS[10:]).encode() \
            if r.random() < 0.12 else b"%d" % r.randint(10**6, 10**7)

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


def split_groups(text):
    """'[A|B C] x' -> the groups and words at the top level."""
    return re.findall(r"\[[^\]]*\]|\([^)]*\)|\S+", text)


class Grammar:
    def __init__(self, random, has_command):
        self.random = random
        self.arguments = Arguments(random)
        lines = [line for line in TEMPLATES.strip().splitlines()]
        self.templates = [line for line in lines if line.split()[0] == "word" or has_command(line.split()[0].lower())]
        self.weights = [1 if line.split()[0] in SELDOM else 6 for line in self.templates]

    def expand(self, text):
        r, out = self.random, []
        for token in split_groups(text):
            if token[0] in "[(":
                if token[0] == "(" or r.random() < 0.35:
                    out += self.expand(r.choice(token[1:-1].split("|")))
            elif token == "pair+":
                for _ in range(r.randint(1, 4)):
                    out += [self.arguments.key(), self.arguments.value()]
            elif token == "fvalue+":
                for _ in range(r.randint(1, 4)):
                    out += [self.arguments.field(), self.arguments.value()]
            elif token.endswith("+"):
                out += [getattr(self.arguments, token[:-1])() for _ in range(r.randint(1, 4))]
            elif hasattr(self.arguments, token):
                out.append(getattr(self.arguments, token)())
            else:
                out.append(token.encode() if r.random() > 0.1 else token.lower().encode())
        return out

    def command(self):
        r = self.random
        words = self.expand(r.choices(self.templates, self.weights)[0])
        while r.random() < 0.05:
            at = r.randrange(len(words))
            action = r.randrange(4)
            if action == 0 and len(words) > 1:
                del words[max(at, 1)]
            elif action == 1:
                words.insert(at + 1, words[at])
            elif action == 2:
                words.insert(at + 1, r.choice([b"NX", b"XX", b"GET", b"EX", b"KEEPTTL", b"0", b"", b"100000"]))
            elif at > 0:
                words[at] = self.arguments.value() if r.random() < 0.5 else self.arguments.int()
        return words if is_comparable(words) else [b"PING"]


# Answers that are each server's own (lists of commands, settings, clients), or that end the connection.
OWN_ANSWERS = {(b"command",), (b"command", b"list"), (b"command", b"count"), (b"command", b"docs"),
               (b"command", b"info"), (b"command", b"help"), (b"client", b"info"), (b"client", b"id"),
               (b"client", b"list"), (b"client", b"help"), (b"object", b"help"), (b"config", b"help"), (b"xinfo", b"help"), (b"xgroup", b"help"),
               (b"client", b"no-evict"), (b"client", b"reply"), (b"client", b"pause"), (b"client", b"kill")}
# Not to be called by chance: they have other effects than an answer.
UNSUITABLE = {b"info", b"command", b"quit"}


TIMED_BY_ARGUMENT = {b"expire": 100, b"setex": 100, b"pexpire": 100_000, b"psetex": 100_000}
TIMED_BY_OPTION = {b"ex": 100, b"px": 100_000}
# SET with a moment in the past: Redis counts the key (DBSIZE, DEBUG DIGEST) until it happens to take it out.
PAST_BY_OPTION = {b"exat": 3 * 10**9, b"pxat": 3 * 10**12}


def expires_soon(words):
    """Whether the key might expire while an episode runs: then the two servers need not agree."""
    lowered = [word.lower() for word in words]
    options = {**TIMED_BY_OPTION, **(PAST_BY_OPTION if lowered[0] == b"set" else {})}
    times = [(lowered[i + 1], options[word]) for i, word in enumerate(lowered[:-1]) if word in options]
    if lowered[0] in TIMED_BY_ARGUMENT and len(words) > 2:
        times.append((lowered[2], TIMED_BY_ARGUMENT[lowered[0]]))
    return any(time.isdigit() and 0 < int(time) < least for time, least in times)


def picks_too_much(words):
    """Without end, or a choice that the two servers make differently and that changes what they hold."""
    name = words[0].lower()
    if name == b"spop":
        return words[2:] not in ([b"100000"], [b"0"])
    if name not in (b"srandmember", b"hrandfield") or len(words) < 3:
        return False
    return re.fullmatch(rb"-\d{4,}", words[2]) is not None


WAIT_LAST = {b"blpop", b"brpop", b"blmove", b"brpoplpush", b"bzpopmin", b"bzpopmax"}
WAIT_FIRST = {b"blmpop", b"bzmpop"}


def waits_long(words):
    """Nobody else speaks while a command of an episode waits."""
    name = words[0].lower()
    if name in WAIT_LAST:
        return words[-1] != b"0.001"
    return name in WAIT_FIRST and len(words) > 1 and words[1] != b"0.001"


def is_comparable(words):
    if waits_long(words):
        return False
    if words[0].lower() == b"xsetid" and not re.fullmatch(rb"\d+-3", b"".join(words[2:3])):
        return False
    if b"block" in (word.lower() for word in words):
        return False  # that takes time
    if words[0].lower() == b"xadd" and b"*" in words:
        return False  # each server's own clock
    if picks_too_much(words):
        return False
    if expires_soon(words):
        return False
    lowered = [word.lower() for word in words[:2]]
    if lowered[0] in (b"sort", b"sort_ro") and not b"".join(lowered[1:2]).startswith(b"l"):
        return False  # a set, perhaps, whose members have no order
    if lowered[0] in (b"zadd", b"zincrby") and b"".join(words[1:2]).startswith(b"x") and set(words[2::2]) != {b"0"}:
        return False  # ranges of members are defined for equal scores only
    if lowered[0] == b"zscan" and (words[2:3] != [b"0"] or b"100000" not in words):
        return False
    if lowered[0] in (b"zrank", b"zrevrank") and len(words) > 3:
        return False  # WITHSCORE came with 7.2
    if lowered[0] == b"pfcount" and len(words) < 3:
        return False  # Redis keeps the result within the key
    if lowered[0] in (b"setbit", b"bitfield") and any(
            re.fullmatch(rb"#?\d{5,9}|#?[1-3]\d{9}|#?4[01]\d{8}|#?42[0-8]\d{7}", word) for word in words[2:]):
        return False  # hundreds of megabytes
    if lowered[0] == b"lpos" and b"-9223372036854775808" in words:
        return False  # an error in 7.2
    if lowered[0] in UNSUITABLE and len(words) == 1 or lowered[0] == b"info":
        return False
    if lowered[0] in (b"hscan", b"sscan") and (words[2:3] != [b"0"] or b"100000" not in words):
        return False
    if lowered[0] == b"scan" and (words[1:2] != [b"0"] or b"100000" not in words):
        return False
    if lowered[0] in (b"config", b"debug") and lowered[1:2] != [b"get"]:
        return False
    if lowered[:2] == [b"config", b"get"] and any(b"*" in word or b"?" in word or b"[" in word for word in words):
        return False
    return tuple(lowered) not in OWN_ANSWERS


def comparator_of(words):
    name = words[0].upper().decode("latin-1")
    if name == "OBJECT" and len(words) > 1:
        return OBJECT_COMPARATORS.get(words[1].upper().decode("latin-1"), ("exact",))
    return COMPARATORS.get(name, ("exact",))
