/* CRC-64 of Jones' polynomial, reflected, beginning with 0: the checksum of Redis's dumps, and so
 * of our snapshots. Bytes that end with their own checksum, little-endian, have the checksum 0. */
#ifndef SF_UTIL_CRC64_H
#define SF_UTIL_CRC64_H

#include "util/slice.h"
#include <stdint.h>

/* Goes on from the checksum of the bytes before (0: there are none). */
uint64_t crc64_more(uint64_t checksum, struct slice bytes);

#endif
