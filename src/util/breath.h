/* Long work in one go must let the node breathe now and then (src/node/README.md, "While an entry
 * runs for long"): loops count what they do here. It changes nothing in any result. */
#ifndef SF_UTIL_BREATH_H
#define SF_UTIL_BREATH_H

#include "util/base.h"

struct breath {
    void (*take)(void *context); /* NULL: nobody needs to */
    void *context;
    uint64_t units; /* since the last */
};

#define BREATH_UNITS 4096 /* an element, or 256 bytes, each: less than a millisecond in all */

/* breath may be NULL. */
static inline void breath_spend(struct breath *breath, uint64_t units) {
    if (breath == NULL) return;
    breath->units += units;
    if (breath->units < BREATH_UNITS) return;
    breath->units = 0;
    if (breath->take != NULL) breath->take(breath->context);
}

#endif
