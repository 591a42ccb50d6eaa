#include "util/sha1.h"

#include <openssl/sha.h>

void sha1(struct slice bytes, uint8_t out[SHA1_BYTES]) {
    SHA1((const unsigned char *)bytes.data, bytes.len, out);
}
