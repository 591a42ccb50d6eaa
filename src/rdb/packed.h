/* The packed forms of earlier versions, as listpacks. Everything in them is checked. */
#ifndef SF_RDB_PACKED_H
#define SF_RDB_PACKED_H

#include "data/listpack.h"

/* NULL unless the bytes are a ziplist throughout. */
struct listpack *rdb_listpack_of_ziplist(struct slice bytes);
/* The fields and values of a zipmap; NULL unless the bytes are one throughout. *longest: of its
 * texts. */
struct listpack *rdb_listpack_of_zipmap(struct slice bytes, size_t *longest);

#endif
