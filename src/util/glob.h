/* The patterns of KEYS, SCAN, PSUBSCRIBE, CONFIG GET. */
#ifndef SF_UTIL_GLOB_H
#define SF_UTIL_GLOB_H

#include "util/slice.h"

/* Redis's glob: * ? [a-z] [^a] and backslash; nocase folds ASCII letters. Time at most the product
 * of the lengths, no recursion. Its odd cases are kept:
 * - an empty text matches only an empty pattern, not even "*" (KEYS and SCAN treat "*" apart);
 * - a class without its ] ends with the pattern, a lone backslash at the end is itself;
 * - ranges compare bytes as signed, and may be written in either order;
 * - with nocase a range is ordered before it is folded ([Z-a] is empty), and an escaped byte within
 *   a class is not folded. */
bool glob_match(struct slice pattern, struct slice text, bool nocase);

#endif
