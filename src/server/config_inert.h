/* Redis's parameters that change nothing here. A configuration that comes from a Redis is read, and
 * tools that ask for them or set them go on; what would ask for something that is not done is
 * refused. Names that config_table.c has are not looked up here. */
#ifndef SF_SERVER_CONFIG_INERT_H
#define SF_SERVER_CONFIG_INERT_H

#include "util/buf.h"
#include "util/slice.h"

#define CONFIG_INERT_MAX 192

enum inert_kind {
    INERT_FREE,  /* how Redis does its work: any value is remembered and shown */
    INERT_FIXED, /* would be a promise: only the default is accepted */
    INERT_START, /* the same, and CONFIG SET answers that it is immutable */
};

enum inert_shape { SHAPE_BOOL, SHAPE_NUMBER, SHAPE_MEMORY, SHAPE_TEXT };

struct config_inert {
    const char *name;
    enum inert_kind kind;
    enum inert_shape shape;
    const char *value; /* what is shown until another is set */
};

uint32_t config_inert_count(void);
const struct config_inert *config_inert_at(uint32_t place);
/* The place of a name, in any case; -1: none. */
int config_inert_find(struct slice name);
/* Whether that value may be set; otherwise the reason was appended. */
bool config_inert_accepts(const struct config_inert *inert, struct slice value, struct buf *error);

#endif
