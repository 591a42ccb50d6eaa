/* BITFIELD: integers of any width at any bit of a string. */
#include "commands/bits.h"
#include "commands/functions.h"

enum field_action { FIELD_GET, FIELD_SET, FIELD_INCRBY };
enum field_overflow { OVERFLOW_WRAP, OVERFLOW_SAT, OVERFLOW_FAIL };

struct field_step {
    enum field_action action;
    enum field_overflow overflow;
    bool is_signed;
    unsigned width;  /* 1..64 bits, 63 where unsigned */
    uint64_t offset; /* of its first bit */
    int64_t operand; /* of SET and INCRBY */
};

/* -- reading the request --------------------------------------------------------------------- */

/* i8, u16 ... */
static bool parse_type(struct call *call, struct slice text, struct field_step *step) {
    int64_t width = 0;
    text.len = text.len == 0 ? 0 : strnlen(text.data, text.len); /* as C's strings end */
    bool good = text.len > 1 && (text.data[0] == 'i' || text.data[0] == 'u');
    step->is_signed = good && text.data[0] == 'i';
    good = good && int_parse(slice_of(text.data + 1, text.len - 1), &width) && width >= 1 &&
           width <= (step->is_signed ? 64 : 63);
    step->width = (unsigned)width;
    if (!good)
        reply_error(call->reply, "ERR Invalid bitfield type. Use something like i16 u8. Note that "
                                 "u64 is not supported but i64 is.");
    return good;
}

static bool parse_overflow(struct call *call, struct slice word, enum field_overflow *overflow) {
    static const char *const words[] = {"wrap", "sat", "fail"};
    for (size_t i = 0; i < SF_LENGTH(words); i++) {
        *overflow = (enum field_overflow)i;
        if (slice_is(word, words[i])) return true;
    }
    reply_error(call->reply, "ERR Invalid OVERFLOW type specified");
    return false;
}

/* What stands at argv[at], if enough words follow it. */
static bool parse_action(struct call *call, uint32_t at, enum field_action *action) {
    struct slice word = call->argv[at];
    uint32_t left = call->argc - at - 1;
    *action = slice_is(word, "get") ? FIELD_GET : slice_is(word, "set") ? FIELD_SET : FIELD_INCRBY;
    if (*action == FIELD_INCRBY && !slice_is(word, "incrby")) return false;
    return left >= (*action == FIELD_GET ? 2 : 3);
}

/* The steps from argv[2] on; returns how many, or -1 when an error was replied. */
static int64_t parse_steps(struct call *call, struct field_step *steps) {
    enum field_overflow overflow = OVERFLOW_WRAP;
    int64_t n = 0;
    for (uint32_t at = 2; at < call->argc;) {
        struct field_step *step = &steps[n];
        if (slice_is(call->argv[at], "overflow") && at + 1 < call->argc) {
            if (!parse_overflow(call, call->argv[at + 1], &overflow)) return -1;
            at += 2;
            continue;
        }
        if (!parse_action(call, at, &step->action)) {
            reply_error(call->reply, TEXT_SYNTAX);
            return -1;
        }
        step->overflow = overflow;
        if (!parse_type(call, call->argv[at + 1], step) ||
            !call_bit_offset(call, call->argv[at + 2], step->width, &step->offset))
            return -1;
        bool writes = step->action != FIELD_GET;
        if (writes && !call_integer(call, call->argv[at + 3], &step->operand)) return -1;
        at += writes ? 4 : 3;
        n++;
    }
    return n;
}

/* -- fields ---------------------------------------------------------------------------------- */

/* A field of up to 64 bits touches up to nine bytes: the window. */
struct window {
    size_t first;    /* byte */
    unsigned n;      /* bytes */
    unsigned behind; /* bits of the window behind the field */
};

static struct window window_of(const struct field_step *step) {
    unsigned before = (unsigned)(step->offset % 8), n = (before + step->width + 7) / 8;
    return (struct window){(size_t)(step->offset / 8), n, 8 * n - before - step->width};
}

static unsigned __int128 window_read(const struct window *window, struct slice text) {
    unsigned __int128 all = 0;
    for (size_t at = window->first; at < window->first + window->n; at++)
        all = all << 8 | (at < text.len ? (uint8_t)text.data[at] : 0);
    return all;
}

static uint64_t width_mask(unsigned width) {
    return UINT64_MAX >> (64 - width);
}

/* Of a signed field the sign is spread over the whole number. */
static uint64_t spread(const struct field_step *step, uint64_t value) {
    uint64_t mask = width_mask(step->width), sign = (uint64_t)1 << (step->width - 1);
    return step->is_signed && (value & sign) != 0 ? value | ~mask : value & mask;
}

static uint64_t field_read(const struct field_step *step, struct slice text) {
    struct window window = window_of(step);
    return spread(step, (uint64_t)(window_read(&window, text) >> window.behind));
}

static void field_write(const struct field_step *step, uint8_t *bytes, size_t len, uint64_t value) {
    struct window window = window_of(step);
    unsigned __int128 all = window_read(&window, slice_of(bytes, len));
    unsigned __int128 mask = (unsigned __int128)width_mask(step->width) << window.behind;
    all = (all & ~mask) | ((unsigned __int128)value << window.behind & mask);
    for (size_t at = window.first + window.n; at-- > window.first; all >>= 8)
        bytes[at] = (uint8_t)all;
}

/* Makes value one that the field can hold; false: it may not (FAIL). */
static bool fit(const struct field_step *step, __int128 value, uint64_t *out) {
    __int128 max = (__int128)(width_mask(step->width) >> step->is_signed);
    __int128 min = step->is_signed ? -max - 1 : 0;
    bool fits = value >= min && value <= max;
    if (!fits && step->overflow == OVERFLOW_FAIL) return false;
    /* Redis's own arithmetic wraps around below max - INT64_MAX, where SET ends at the other end.
     */
    bool wraps = step->action == FIELD_SET && step->is_signed && value < max - INT64_MAX;
    if (!fits && step->overflow == OVERFLOW_SAT) value = value < min && !wraps ? min : max;
    *out = spread(step, (uint64_t)value);
    return true;
}

static __int128 number_of(const struct field_step *step, uint64_t value) {
    return step->is_signed ? (__int128)(int64_t)value : (__int128)value;
}

/* SET's operand is a number of 64 bits, which an unsigned field takes as one without a sign: -1 is
 * beyond its highest, not below its lowest. */
/* true: it was written, and other bits stand there now (or at least there are more). */
static bool run_write(struct call *call, const struct field_step *step, const struct bits *bits) {
    uint64_t old = field_read(step, slice_of(bits->bytes, bits->len)), value;
    __int128 wanted = number_of(step, (uint64_t)step->operand);
    if (step->action == FIELD_INCRBY) wanted = number_of(step, old) + step->operand;
    if (!fit(step, wanted, &value)) {
        reply_null(call->reply);
        return false;
    }
    call_bits_change(call, bits, step->offset, step->offset + step->width - 1);
    field_write(step, bits->bytes, bits->len, value);
    reply_integer(call->reply, (int64_t)(step->action == FIELD_SET ? old : value));
    return bits->grew || old != value;
}

static void run_reads(struct call *call, const struct field_step *steps, int64_t n) {
    struct object *object;
    if (!call_read_type(call, call->argv[1], OBJECT_STRING, &object)) return;
    char scratch[OBJECT_TEXT_MAX];
    struct slice text = object == NULL ? SLICE("") : object_string(object, scratch);
    reply_array(call->reply, (uint64_t)n);
    for (int64_t i = 0; i < n; i++)
        reply_integer(call->reply, (int64_t)field_read(&steps[i], text));
}

/* The string is first made as long as the furthest write needs it, even if that write then fails.
 */
static void run_all(
    struct call *call, const struct field_step *steps, int64_t n, uint64_t last_bit) {
    struct bits bits;
    bool changed = false;
    if (!call_bits_writable(call, call->argv[1], last_bit, &bits)) return;
    reply_array(call->reply, (uint64_t)n);
    for (int64_t i = 0; i < n; i++) {
        if (steps[i].action == FIELD_GET)
            reply_integer(
                call->reply, (int64_t)field_read(&steps[i], slice_of(bits.bytes, bits.len)));
        else
            changed |= run_write(call, &steps[i], &bits);
    }
    if (changed) call_event(call, EVENT_STRING, "setbit", call->argv[1]);
}

static void bitfield(struct call *call, bool only_reads) {
    struct field_step *steps = sf_alloc((call->argc / 3 + 1) * sizeof *steps);
    int64_t n = parse_steps(call, steps);
    uint64_t last_bit = 0;
    bool writes = false;
    for (int64_t i = 0; i < n; i++) {
        if (steps[i].action == FIELD_GET) continue;
        writes = true;
        last_bit = SF_MAX(last_bit, steps[i].offset + steps[i].width - 1);
    }
    if (n >= 0 && !writes)
        run_reads(call, steps, n);
    else if (n >= 0 && only_reads)
        reply_error(call->reply, "ERR BITFIELD_RO only supports the GET subcommand");
    else if (n >= 0)
        run_all(call, steps, n, last_bit);
    sf_free(steps);
}

void cmd_bitfield(struct call *call) {
    bitfield(call, false);
}

void cmd_bitfield_ro(struct call *call) {
    bitfield(call, true);
}
