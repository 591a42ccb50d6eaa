/* What SETBIT and BITFIELD share: strings as rows of bits, of which the first is the highest of the
 * first byte. A function that returns false has replied with the error. */
#ifndef SF_COMMANDS_BITS_H
#define SF_COMMANDS_BITS_H

#include "commands/call.h"

/* The place of a bit, within what a string may be long. With width > 0, "#3" is three times that
 * many bits. */
bool call_bit_offset(struct call *call, struct slice text, unsigned width, uint64_t *out);

/* The key's string, made where there is none, and at least so long that the last bit is in it. Its
 * bytes may be written until the next change of the db: after call_bits_change has said which. */
struct bits {
    struct object *object;
    uint8_t *bytes;
    size_t len;
    bool grew;
};
bool call_bits_writable(struct call *call, struct slice key, uint64_t last_bit, struct bits *out);
void call_bits_change(
    struct call *call, const struct bits *bits, uint64_t first_bit, uint64_t last_bit);

#endif
