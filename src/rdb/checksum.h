/* The checksum of dumps: CRC-64 of Jones' polynomial, reflected, beginning with 0. */
#ifndef SF_RDB_CHECKSUM_H
#define SF_RDB_CHECKSUM_H

#include "util/slice.h"
#include <stdint.h>

/* Goes on from the checksum of the bytes before (0: there are none). */
uint64_t rdb_checksum(uint64_t checksum, struct slice bytes);

#endif
