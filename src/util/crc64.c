#include "util/crc64.h"

#include <isa-l/crc64.h>

uint64_t crc64_more(uint64_t checksum, struct slice bytes) {
    if (bytes.len == 0) return checksum;
    /* the library inverts before and behind; Redis does neither */
    return ~crc64_jones_refl(~checksum, (const unsigned char *)bytes.data, bytes.len);
}
