#include "sim/marks.h"

#include "util/base.h"
#include "util/mark.h"

/* The borders of the section, made by the linker. */
extern struct sf_mark __start_sf_marks[], __stop_sf_marks[];

size_t marks_count(void) {
    size_t n = (size_t)(__stop_sf_marks - __start_sf_marks);
    SF_ASSERT(n <= MARKS_MAX);
    return n;
}

const char *marks_name(size_t i) {
    return __start_sf_marks[i].name;
}

uint64_t marks_hits(size_t i) {
    return __start_sf_marks[i].n;
}
