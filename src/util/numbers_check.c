/* Sums, products, quotients and square roots are exactly rounded everywhere (IEEE 754). Sine,
 * cosine and arc sine are not: the C library has several versions of each and takes the one that
 * suits the processor, and with fused multiply-add about one result in 500 has another last bit.
 * Distances of GEORADIUS and GEOSEARCHSTORE with STOREDIST enter the state, so replicas must agree
 * on them. The constants are those of glibc 2.36 on x86-64 with fused multiply-add. */
#include "util/numbers_check.h"

#include "util/base.h"
#include "util/number.h"
#include "util/random.h"

#include <math.h>

enum { MANY = 4096 };
#define DIGEST_OF_MANY UINT64_C(0x7571d48c288438ce)

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double value_of(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Each result of these has another last bit without fused multiply-add. */
static bool knows_sines(void) {
    static const struct {
        double (*function)(double);
        uint64_t argument, result;
    } vector[] = {
        {sin, UINT64_C(0x3fe5f2126c735ec0), UINT64_C(0x3fe443edfb9a5ad9)},
        {sin, UINT64_C(0xbfceaca0979058a8), UINT64_C(0xbfce61ae7e612305)},
        {sin, UINT64_C(0x3fc55fabb4f54598), UINT64_C(0x3fc54647428b3960)},
        {cos, UINT64_C(0x3ff668587fd25ac2), UINT64_C(0x3fc5b224c265811b)},
        {cos, UINT64_C(0xbff3510e31b5a5e0), UINT64_C(0x3fd6c1682e529247)},
        {cos, UINT64_C(0x3fd0b9b84ae33a8c), UINT64_C(0x3feee9d8e1c4ad88)},
        {asin, UINT64_C(0x3fdd3946671f3ec4), UINT64_C(0x3fde592e4df31f0e)},
        {asin, UINT64_C(0x3fbed29666e3d018), UINT64_C(0x3fbee5c6eeb50357)},
        {asin, UINT64_C(0x3fc0f5214741d234), UINT64_C(0x3fc101ee13c7cc41)},
    };
    for (size_t i = 0; i < SF_LENGTH(vector); i++) {
        volatile double argument = value_of(vector[i].argument); /* not the compiler's arithmetic */
        if (bits_of(vector[i].function(argument)) != vector[i].result) return false;
    }
    return true;
}

/* Arguments as distances have them. */
static bool knows_many_sines(void) {
    struct random random = random_from(7);
    uint64_t digest = 0;
    for (int i = 0; i < MANY; i++) {
        volatile double part = (double)(random_next(&random) >> 11) * 0x1p-53;
        volatile double angle = part * 3.2 - 1.6;
        uint64_t bits = bits_of(sin(angle)) ^ bits_of(cos(angle)) << 21 ^ bits_of(asin(part)) << 42;
        digest = (digest ^ bits) * UINT64_C(0x9e3779b97f4a7c15);
        digest ^= digest >> 29;
    }
    return digest == DIGEST_OF_MANY;
}

/* A product that is rounded before it is added: contracted, the sum would not be zero. */
static bool rounds_each_step(void) {
    volatile double third = 1.0 / 3.0, one = 1.0;
    volatile double product = third * third;
    double fused = third * third - product;
    return fused == 0 && bits_of(sqrt(one + one)) == UINT64_C(0x3ff6a09e667f3bcd);
}

static bool reads_and_prints(void) {
    char text[LONG_DOUBLE_TEXT_MAX];
    double value;
    long double a, b;
    if (!double_parse(SLICE("9007199254740993e-20"), &value)) return false;
    if (bits_of(value) != UINT64_C(0x3f179ca10c924224)) return false;
    if (!long_double_parse(SLICE("0.1"), &a) || !long_double_parse(SLICE("3e-15"), &b))
        return false;
    size_t len = long_double_print_human(a + b, text);
    return slice_equal(slice_of(text, len), SLICE("0.100000000000003"));
}

const char *numbers_check(void) {
    if (!rounds_each_step()) return "sums of products are not rounded at each step";
    if (!reads_and_prints()) return "numbers are not read or printed as they should be";
    if (!knows_sines() || !knows_many_sines())
        return "sine, cosine or arc sine give other digits than on the supported platform (glibc "
               "on "
               "x86-64, a processor with fused multiply-add)";
    return NULL;
}
