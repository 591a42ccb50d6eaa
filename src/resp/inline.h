/* Splitting a line into words as Redis does for inline requests and its configuration file. */
#ifndef SF_RESP_INLINE_H
#define SF_RESP_INLINE_H

#include "util/slice.h"

enum inline_split {
    INLINE_WORD,       /* *word is set */
    INLINE_END,        /* no further word */
    INLINE_UNBALANCED, /* a quote that does not close, or closes in front of a word's byte */
};

/* Takes the next word from the front of *rest. Words are parted by space, tab, CR and LF; "..."
 * knows \n \r \t \b \a \xHH and \<any>, '...' knows \' only. word      borrows from *rest, or from
 * the scratch where quotes or escapes had to go. scratch   where to write; moved behind what was
 * written. Room for as many bytes as the whole line has is always enough. */
enum inline_split inline_next(struct slice *rest, char **scratch, struct slice *word);

#endif
