/* Floating point numbers to text.
 *
 * Doubles: first the shortest digits that read back the same, then Redis 7.2's layout of them. With
 * value = digits * 10^exponent and magnitude the power of ten of the first digit:
 *   0 <= exponent < 8                            digits and zeros      9223372036854776000
 *   exponent < 0, above -7 or |magnitude| < 4    digits with a point   0.000001  1234.5678901
 *   else                                         scientific            1e-7  1.5e+300 */
#include "util/base.h"
#include "util/number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIGITS_MAX = 17 }; /* enough for every double */

struct decimal {
    char digits[DIGITS_MAX + 1]; /* without zeros at the end */
    int n;
    int exponent; /* value = digits * 10^exponent */
};

static void decimal_trim(struct decimal *decimal) {
    while (decimal->n > 1 && decimal->digits[decimal->n - 1] == '0') {
        decimal->n--;
        decimal->exponent++;
    }
}

/* value with few digits behind the point, the usual case: a number below 10^15 and a power of ten
 * up to 10^22 are exact, so their quotient is what reading the text would give. No other decimal of
 * up to 15 digits reads back as the same double. */
static bool decimal_of_few_digits(double value, struct decimal *decimal) {
    double power = 1;
    for (int k = 1; k <= 22; k++) {
        power *= 10;
        double scaled = value * power;
        if (scaled >= 1e15) return false;
        int64_t digits = (int64_t)(scaled + 0.5);
        if ((double)digits / power != value) continue;
        char text[INT_TEXT_MAX];
        size_t n = int_print(digits, text);
        SF_ASSERT(n <= DIGITS_MAX);
        memcpy(decimal->digits, text, n);
        decimal->n = (int)n;
        decimal->exponent = -k;
        decimal_trim(decimal);
        return true;
    }
    return false;
}

/* The nearest decimal of n digits. */
static void decimal_round(double value, int n, struct decimal *decimal) {
    char text[64];
    int len = snprintf(text, sizeof(text), "%.*e", n - 1, value);
    SF_ASSERT(len > 0 && len < (int)sizeof(text));
    decimal->n = 0;
    const char *at = text;
    for (; *at != 'e'; at++) { /* the point's form depends on the locale */
        if (*at >= '0' && *at <= '9') decimal->digits[decimal->n++] = *at;
    }
    SF_ASSERT(decimal->n == n);
    decimal->exponent = (int)strtol(at + 1, NULL, 10) - (n - 1);
}

/* The next decimal of as many digits. */
static void decimal_increment(struct decimal *decimal) {
    int i = decimal->n - 1;
    while (i >= 0 && decimal->digits[i] == '9') decimal->digits[i--] = '0';
    if (i >= 0) {
        decimal->digits[i]++;
    } else { /* 99 became 100 */
        decimal->digits[0] = '1';
        decimal->exponent++;
    }
}

static bool decimal_reads_as(const struct decimal *decimal, double value) {
    char text[DIGITS_MAX + INT_TEXT_MAX + 2];
    memcpy(text, decimal->digits, (size_t)decimal->n);
    char *end = text + decimal->n;
    *end++ = 'e';
    end[int_print(decimal->exponent, end)] = 0;
    return strtod(text, NULL) == value;
}

/* value > 0 and finite. If any decimal of n digits reads back, the nearest one does, or (at a power
 * of two, below which doubles lie closer) the one above it. 15 digits always tell normal doubles
 * apart, so fewer need not be tried; subnormal ones have fewer. */
static void decimal_shortest(double value, struct decimal *decimal) {
    if (decimal_of_few_digits(value, decimal)) return;
    for (int n = value < DBL_MIN ? 1 : DBL_DIG; n < DIGITS_MAX; n++) {
        decimal_round(value, n, decimal);
        if (decimal_reads_as(decimal, value)) {
            decimal_trim(decimal);
            return;
        }
        decimal_increment(decimal);
        if (decimal_reads_as(decimal, value)) {
            decimal_trim(decimal);
            return;
        }
    }
    decimal_round(value, DIGITS_MAX, decimal);
    decimal_trim(decimal);
}

static char *print_scientific(const struct decimal *decimal, char *out) {
    *out++ = decimal->digits[0];
    if (decimal->n > 1) {
        *out++ = '.';
        memcpy(out, decimal->digits + 1, (size_t)decimal->n - 1);
        out += decimal->n - 1;
    }
    int magnitude = decimal->exponent + decimal->n - 1;
    *out++ = 'e';
    if (magnitude >= 0) *out++ = '+';
    return out + int_print(magnitude, out);
}

static char *print_plain(const struct decimal *decimal, char *out) {
    size_t n = (size_t)decimal->n;
    int whole = decimal->n + decimal->exponent; /* digits in front of the point */
    if (decimal->exponent >= 0) {
        memcpy(out, decimal->digits, n);
        memset(out + n, '0', (size_t)decimal->exponent);
        return out + whole;
    }
    if (whole > 0) {
        memcpy(out, decimal->digits, (size_t)whole);
        out[whole] = '.';
        memcpy(out + whole + 1, decimal->digits + whole, n - (size_t)whole);
        return out + n + 1;
    }
    *out++ = '0';
    *out++ = '.';
    memset(out, '0', (size_t)-whole);
    out += -whole;
    memcpy(out, decimal->digits, n);
    return out + n;
}

static size_t print_text(const char *text, char *out) {
    size_t len = strlen(text);
    memcpy(out, text, len);
    return len;
}

size_t double_print(double value, char out[DOUBLE_TEXT_MAX]) {
    if (isnan(value)) return print_text("nan", out);
    if (isinf(value)) return print_text(value < 0 ? "-inf" : "inf", out);
    if (value == 0) return print_text(signbit(value) ? "-0" : "0", out);
    const double whole_max = 4611686018427387904.0; /* 2^62: Redis prints those as integers */
    if (value >= -whole_max && value <= whole_max && (double)(int64_t)value == value)
        return int_print((int64_t)value, out);

    char *at = out;
    if (value < 0) *at++ = '-';
    struct decimal decimal;
    decimal_shortest(fabs(value), &decimal);
    int magnitude = decimal.exponent + decimal.n - 1;
    bool plain = decimal.exponent >= 0 ? decimal.exponent < 8
                                       : decimal.exponent > -7 || (magnitude > -4 && magnitude < 4);
    at = plain ? print_plain(&decimal, at) : print_scientific(&decimal, at);
    return (size_t)(at - out);
}

size_t long_double_print_human(long double value, char out[LONG_DOUBLE_TEXT_MAX]) {
    enum { FRACTION = 17 };
    if (isnan(value)) return print_text("nan", out);
    if (isinf(value)) return print_text(value < 0 ? "-inf" : "inf", out);
    int len = snprintf(out, LONG_DOUBLE_TEXT_MAX, "%.*Lf", FRACTION, value);
    SF_ASSERT(len > FRACTION && len < LONG_DOUBLE_TEXT_MAX);
    const char *fraction = out + len - FRACTION;
    size_t whole = out[0] == '-';
    while (out[whole] >= '0' && out[whole] <= '9') whole++;
    size_t digits = FRACTION;
    while (digits > 0 && fraction[digits - 1] == '0') digits--;
    if (digits == 0) {
        if (whole == 2 && out[0] == '-' && out[1] == '0') return print_text("0", out);
        return whole;
    }
    out[whole] = '.'; /* whatever the locale's point was */
    memmove(out + whole + 1, fraction, digits);
    return whole + 1 + digits;
}
