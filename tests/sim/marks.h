/* How often this process passed each SF_MARK of the source (util/mark.h). The linker has put them
 * side by side. */
#ifndef SF_SIM_MARKS_H
#define SF_SIM_MARKS_H

#include <stddef.h>
#include <stdint.h>

enum { MARKS_MAX = 256 };

size_t marks_count(void); /* at most MARKS_MAX (asserted) */
const char *marks_name(size_t i);
uint64_t marks_hits(size_t i);

#endif
