/* SHA-256 (FIPS 180-4), as text: how passwords are kept. */
#ifndef SF_UTIL_SHA256_H
#define SF_UTIL_SHA256_H

#include "util/slice.h"

#define SHA256_TEXT_BYTES 64 /* lower-case hexadecimal digits */

void sha256_text(struct slice bytes, char out[SHA256_TEXT_BYTES]);

#endif
