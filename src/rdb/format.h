/* The words of Redis's dump format (README.md draws them). */
#ifndef SF_RDB_FORMAT_H
#define SF_RDB_FORMAT_H

#include <stdint.h>

#define RDB_VERSION_WRITTEN 10 /* the newest that a Redis 7.0 loads */
#define RDB_VERSION_READ_MAX 12
#define RDB_VERSION_DUE_FIELDS 12 /* hashes whose fields have due times: Redis 7.4 */
#define RDB_HEADER_BYTES 9        /* "REDIS" and four digits */
#define RDB_CHECKSUM_BYTES 8      /* from version 5 on */
#define RDB_CHECKSUM_SINCE 5

/* What stands in front of a value. 8 was never used. */
enum rdb_type {
    RDB_STRING = 0,
    RDB_LIST = 1,
    RDB_SET = 2,
    RDB_ZSET = 3, /* scores as decimal texts */
    RDB_HASH = 4,
    RDB_ZSET_2 = 5, /* scores as doubles */
    RDB_MODULE_PRE_RELEASE = 6,
    RDB_MODULE_2 = 7,
    RDB_HASH_ZIPMAP = 9,
    RDB_LIST_ZIPLIST = 10,
    RDB_SET_INTSET = 11,
    RDB_ZSET_ZIPLIST = 12,
    RDB_HASH_ZIPLIST = 13,
    RDB_LIST_QUICKLIST = 14, /* of ziplists */
    RDB_STREAM_LISTPACKS = 15,
    RDB_HASH_LISTPACK = 16,
    RDB_ZSET_LISTPACK = 17,
    RDB_LIST_QUICKLIST_2 = 18, /* of listpacks */
    RDB_STREAM_LISTPACKS_2 = 19,
    RDB_SET_LISTPACK = 20,
    RDB_STREAM_LISTPACKS_3 = 21,
    RDB_HASH_METADATA_PRE_RELEASE = 22, /* 22 to 25: fields with due times, Redis 7.4 */
    RDB_HASH_LISTPACK_EX_PRE_RELEASE = 23,
    RDB_HASH_METADATA = 24,
    RDB_HASH_LISTPACK_EX = 25,
};
#define RDB_TYPES 26

enum rdb_opcode {
    RDB_OPCODE_SLOT_INFO = 244,
    RDB_OPCODE_FUNCTION_2 = 245,
    RDB_OPCODE_FUNCTION_PRE_RELEASE = 246,
    RDB_OPCODE_MODULE_AUX = 247,
    RDB_OPCODE_IDLE = 248,
    RDB_OPCODE_FREQ = 249,
    RDB_OPCODE_AUX = 250,
    RDB_OPCODE_RESIZE_DB = 251,
    RDB_OPCODE_EXPIRE_TIME_MS = 252,
    RDB_OPCODE_EXPIRE_TIME = 253,
    RDB_OPCODE_SELECT_DB = 254,
    RDB_OPCODE_END = 255,
};

/* The two high bits of a length's first byte; with RDB_LENGTH_ENCODED the low six say what follows
 * in the place of a string's bytes. */
enum rdb_length {
    RDB_LENGTH_6 = 0,
    RDB_LENGTH_14 = 1,
    RDB_LENGTH_LONG = 2, /* the whole byte says which: */
    RDB_LENGTH_ENCODED = 3,
    RDB_LENGTH_32 = 0x80,
    RDB_LENGTH_64 = 0x81,
};
enum rdb_string_encoding {
    RDB_ENCODED_INT8 = 0,
    RDB_ENCODED_INT16 = 1,
    RDB_ENCODED_INT32 = 2,
    RDB_ENCODED_LZF = 3,
};

/* What a node of a quicklist holds. */
enum rdb_container { RDB_CONTAINER_PLAIN = 1, RDB_CONTAINER_PACKED = 2 };

/* A decimal score's length byte, where there is no text. */
enum rdb_score { RDB_SCORE_NAN = 253, RDB_SCORE_INF = 254, RDB_SCORE_MINUS_INF = 255 };

#endif
