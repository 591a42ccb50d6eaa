/* A sorted array of integers in one allocation: Redis's intset, byte for byte (layout in intset.c).
 *
 * The integers are as wide as the widest that was ever in: 16, 32 or 64 bits. That width is part of
 * the form: it stays when the widest goes, and images keep it. */
#ifndef SF_DATA_INTSET_H
#define SF_DATA_INTSET_H

#include "util/base.h"
#include "util/slice.h"

struct intset;

struct intset *intset_new(void);
struct intset *intset_copy(const struct intset *intset);
/* A copy of received bytes; NULL unless they are an intset throughout. */
struct intset *intset_load(struct slice bytes);
void intset_free(struct intset *intset);

size_t intset_bytes(const struct intset *intset);
struct slice intset_image(const struct intset *intset); /* those bytes; borrowed */
uint64_t intset_count(const struct intset *intset);

int64_t intset_at(const struct intset *intset, uint64_t rank); /* ascending; rank < count */
bool intset_contains(const struct intset *intset, int64_t value);
/* false: it was there, or was not. Linear in the bytes; the intset may move. */
bool intset_add(struct intset **intset, int64_t value);
bool intset_remove(struct intset **intset, int64_t value);

#endif
