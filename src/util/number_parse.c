/* Floating point numbers from text. The text is brought into a form without a decimal point (digits
 * and an exponent), which strtod reads alike in every locale, and which is bounded however long the
 * text is: digits beyond those that can decide the rounding are folded into one. */
#include "util/base.h"
#include "util/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    DIGITS_MAX = LONG_DOUBLE_TEXT_MAX, /* a double's rounding needs 768; a long double's whole text
                                          is shorter than this */
    PREFIX = 3,                        /* room for "-0x" */
    EXPONENT_LIMIT = 100000            /* beyond every format, also with DIGITS_MAX digits */
};

struct numeral {
    bool negative, infinite, hex;
    bool dropped;     /* a digit other than 0 did not fit */
    size_t n_digits;  /* without leading zeros; 0: the number is zero */
    int64_t exponent; /* the value is digits * 10^exponent, or digits * 2^exponent when hex */
    char text[PREFIX + DIGITS_MAX + 32];
};

static bool is_digit(char c, bool hex) {
    if (c >= '0' && c <= '9') return true;
    return hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
}

static void numeral_digit(struct numeral *numeral, char c, bool behind_point) {
    int scale = numeral->hex ? 4 : 1;
    if (numeral->n_digits == 0 && c == '0') {
        if (behind_point) numeral->exponent -= scale;
    } else if (numeral->n_digits < DIGITS_MAX) {
        numeral->text[PREFIX + numeral->n_digits++] = c;
        if (behind_point) numeral->exponent -= scale;
    } else {
        if (c != '0') numeral->dropped = true;
        if (!behind_point) numeral->exponent += scale;
    }
}

/* Digits with at most one point among them, at least one digit. */
static bool scan_digits(struct slice text, size_t *at, struct numeral *numeral) {
    bool any = false, point = false;
    for (; *at < text.len; ++*at) {
        char c = text.data[*at];
        if (is_digit(c, numeral->hex)) {
            numeral_digit(numeral, c, point);
            any = true;
        } else if (c == '.' && !point) {
            point = true;
        } else {
            break;
        }
    }
    return any;
}

/* Behind the digits: nothing, or a whole exponent. */
static bool scan_exponent(struct slice text, size_t at, struct numeral *numeral) {
    if (at == text.len) return true;
    char letter = numeral->hex ? 'p' : 'e';
    if ((text.data[at++] | 0x20) != letter) return false;
    bool negative = at < text.len && text.data[at] == '-';
    if (at < text.len && (text.data[at] == '-' || text.data[at] == '+')) at++;
    if (at == text.len) return false;
    int64_t exponent = 0;
    for (; at < text.len; at++) {
        if (!is_digit(text.data[at], false)) return false;
        if (exponent < (int64_t)1 << 50) exponent = exponent * 10 + (text.data[at] - '0');
    }
    numeral->exponent += negative ? -exponent : exponent;
    return true;
}

static bool numeral_scan(struct slice text, struct numeral *numeral) {
    numeral->negative = numeral->infinite = numeral->hex = numeral->dropped = false;
    numeral->n_digits = 0;
    numeral->exponent = 0;
    size_t at = 0;
    if (text.len > 0 && (text.data[0] == '-' || text.data[0] == '+')) {
        numeral->negative = text.data[0] == '-';
        at++;
    }
    struct slice rest = slice_of(text.data + at, text.len - at);
    if (slice_is(rest, "inf") || slice_is(rest, "infinity")) {
        numeral->infinite = true;
        return true;
    }
    if (rest.len > 2 && rest.data[0] == '0' && (rest.data[1] | 0x20) == 'x') {
        numeral->hex = true;
        at += 2;
    }
    return scan_digits(text, &at, numeral) && scan_exponent(text, at, numeral);
}

/* The form for strtod, written around the digits. */
static const char *numeral_text(struct numeral *numeral) {
    char *start = numeral->text + PREFIX, *end = start + numeral->n_digits;
    if (numeral->dropped) {
        *end++ = '1'; /* only says "a little more" */
        numeral->exponent -= numeral->hex ? 4 : 1;
    }
    int64_t exponent = SF_MAX(SF_MIN(numeral->exponent, EXPONENT_LIMIT), (int64_t)-EXPONENT_LIMIT);
    *end++ = numeral->hex ? 'p' : 'e';
    end[int_print(exponent, end)] = 0;
    if (numeral->hex) {
        *--start = 'x';
        *--start = '0';
    }
    if (numeral->negative) *--start = '-';
    return start;
}

/* Few digits and a small power of ten: both are exact doubles, so one operation rounds once
 * (Clinger, How to read floating point numbers accurately, 1990). */
static bool numeral_is_easy(const struct numeral *numeral, double *out) {
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (numeral->hex || numeral->n_digits > 15) return false;
    if (numeral->exponent < -22 || numeral->exponent > 22) return false;
    uint64_t digits = 0;
    for (size_t i = 0; i < numeral->n_digits; i++)
        digits = digits * 10 + (uint64_t)(numeral->text[PREFIX + i] - '0');
    double value = (double)digits;
    value = numeral->exponent < 0 ? value / powers[-numeral->exponent]
                                  : value * powers[numeral->exponent];
    *out = numeral->negative ? -value : value;
    return true;
}

/* *in_range: neither infinite nor zero without saying so. */
static bool parse_double(struct slice text, double *out, bool *in_range) {
    struct numeral numeral;
    *in_range = true;
    if (!numeral_scan(text, &numeral)) return false;
    if (numeral.infinite) {
        *out = numeral.negative ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    if (numeral.n_digits == 0) {
        *out = numeral.negative ? -0.0 : 0.0;
        return true;
    }
    if (numeral_is_easy(&numeral, out)) return true;
    *out = strtod(numeral_text(&numeral), NULL);
    *in_range = !isinf(*out) && *out != 0;
    return true;
}

bool double_parse(struct slice text, double *out) {
    double value;
    bool in_range;
    if (!parse_double(text, &value, &in_range) || !in_range) return false;
    *out = value;
    return true;
}

bool double_parse_loose(struct slice text, double *out) {
    bool in_range;
    return parse_double(text, out, &in_range);
}

bool long_double_parse(struct slice text, long double *out) {
    if (text.len >= LONG_DOUBLE_TEXT_MAX) return false;
    struct numeral numeral;
    if (!numeral_scan(text, &numeral)) return false;
    if (numeral.infinite) {
        *out = numeral.negative ? -(long double)INFINITY : (long double)INFINITY;
        return true;
    }
    if (numeral.n_digits == 0) {
        *out = numeral.negative ? -0.0L : 0.0L;
        return true;
    }
    long double value = strtold(numeral_text(&numeral), NULL);
    if (isinf(value) || value == 0) return false;
    *out = value;
    return true;
}

bool memory_parse(struct slice text, int64_t *out) {
    static const struct {
        const char *unit;
        int64_t factor;
    } units[] = {{"", 1}, {"b", 1}, {"k", 1000}, {"kb", 1024}, {"m", 1000000}, {"mb", 1048576},
        {"g", 1000000000}, {"gb", 1073741824}};
    size_t digits = 0;
    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9') digits++;
    int64_t number;
    if (digits == 0 || !int_parse(slice_of(text.data, digits), &number)) return false;
    struct slice unit = slice_of(text.data + digits, text.len - digits);
    for (size_t i = 0; i < SF_LENGTH(units); i++) {
        if (slice_is(unit, units[i].unit)) {
            return !__builtin_mul_overflow(number, units[i].factor, out);
        }
    }
    return false;
}
