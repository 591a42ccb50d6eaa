/* SHA-1 (FIPS 180-4): where another program's format asks for it, never for security. */
#ifndef SF_UTIL_SHA1_H
#define SF_UTIL_SHA1_H

#include "util/slice.h"
#include <stdint.h>

#define SHA1_BYTES 20

void sha1(struct slice bytes, uint8_t out[SHA1_BYTES]);

#endif
