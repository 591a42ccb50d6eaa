/* Names a rare path, so that the simulator can tell whether its runs take it (tests/sim/marks.h);
 * elsewhere it is nothing at all. A long series fails when it never passed a mark, unless the name
 * ends in "(rare)": what only a second line of defence meets. */
#ifndef SF_UTIL_MARK_H
#define SF_UTIL_MARK_H

#ifdef SF_SIMULATOR
#include <stdint.h>
struct sf_mark {
    const char *name;
    uint64_t n;
} __attribute__((aligned(16)));
#define SF_MARK(text)                                                                              \
    do {                                                                                           \
        static struct sf_mark here __attribute__((section("sf_marks"), used)) = {text, 0};         \
        here.n++;                                                                                  \
    } while (0)
#else
#define SF_MARK(text) ((void)0)
#endif

#endif
