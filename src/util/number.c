#include "util/number.h"

#include "util/base.h"

/* Digits without a leading zero; at most 19 or 20 of them, so that 64 bits overflow once at most.
 */
static bool digits_parse(const char *at, size_t len, uint64_t *out) {
    if (len == 0 || len > 20 || (at[0] == '0' && len > 1)) return false;
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned char)at[i] - (unsigned)'0';
        if (digit > 9) return false;
        if (i == 19 && (value > UINT64_MAX / 10 || value * 10 > UINT64_MAX - digit)) return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

bool uint_parse(struct slice text, uint64_t *out) {
    return digits_parse(text.data, text.len, out);
}

bool int_parse(struct slice text, int64_t *out) {
    bool negative = text.len > 0 && text.data[0] == '-';
    uint64_t value;
    if (!digits_parse(text.data + negative, text.len - negative, &value)) return false;
    if (negative) {
        if (value == 0 || value > (uint64_t)INT64_MAX + 1) return false;
        *out = (int64_t)(0 - value);
    } else {
        if (value > INT64_MAX) return false;
        *out = (int64_t)value;
    }
    return true;
}

/* Decimal digits of rest, right-aligned before end; returns the first. */
static char *print_digits(uint64_t rest, char *at) {
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    while (rest >= 100) {
        at -= 2;
        memcpy(at, pairs + rest % 100 * 2, 2);
        rest /= 100;
    }
    if (rest >= 10) {
        at -= 2;
        memcpy(at, pairs + rest * 2, 2);
    } else {
        *--at = (char)('0' + rest);
    }
    return at;
}

size_t uint_print(uint64_t value, char out[INT_TEXT_MAX]) {
    char digits[INT_TEXT_MAX];
    char *end = digits + sizeof(digits), *at = print_digits(value, end);
    memcpy(out, at, (size_t)(end - at));
    return (size_t)(end - at);
}

size_t int_print(int64_t value, char out[INT_TEXT_MAX]) {
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char digits[INT_TEXT_MAX];
    char *end = digits + sizeof(digits), *at = print_digits(size, end);
    if (value < 0) *--at = '-';
    memcpy(out, at, (size_t)(end - at));
    return (size_t)(end - at);
}
