/* The words of our own in a snapshot (README.md draws them). For snapshot_write.c and
 * snapshot_load.c. */
#ifndef SF_ENGINE_SNAPSHOT_FORMAT_H
#define SF_ENGINE_SNAPSHOT_FORMAT_H

#define SNAPSHOT_REDIS_VERSION "7.0.15" /* whose dumps these are, to a Redis that loads one */

/* Names of AUX fields. */
#define FIELD_STATE "sf-state"
#define FIELD_DB "sf-db"
#define FIELD_KEYS "sf-keys"
#define FIELD_VALUE "sf-value"
#define FIELD_CELLS "sf-cells"

enum {
    RUN_KEYS = 64,        /* in one FIELD_KEYS, at most */
    RUN_BYTES = 64 << 10, /* about; a larger value stands alone */
    CELLS_A_FIELD = 1024,
};

/* What a FIELD_VALUE tells. */
enum value_part {
    VALUE_ACTIVE = 1, /* of the stream in front of it: when each consumer was active */
    VALUE_PACKED = 2, /* of the packed set behind it: its listpack's bytes, where they are not ours;
                         of the packed hash behind it: its listpack with the fields' due times */
    VALUE_DUES = 3,   /* of the large hash in front of it: a due time for each field, or 0 */
};

#endif
