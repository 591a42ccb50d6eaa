/* COMMAND DOCS and key specifications of the commands about bits. */
#include "commands/command_docs.h"

const struct command_docs docs_setbit = {
    .summary = "Sets or clears a bit of the string at a key.",
    .since = "2.2.0",
    .group = "bitmap",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("offset"), INTEGER("value")),
};

const struct command_docs docs_getbit = {
    .summary = "Returns a bit of the string at a key.",
    .since = "2.2.0",
    .group = "bitmap",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("offset")),
};

const struct command_docs docs_bitcount = {
    .summary = "Counts the bits that are set in a string, or in a part of it.",
    .since = "2.6.0",
    .group = "bitmap",
    .complexity = "O(N), N bytes looked at",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"),
        BLOCK("index", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(INTEGER("start"), INTEGER("end"),
                ONEOF("index_unit", .since = "7.0.0", .flags = ARG_OPTIONAL,
                    .arguments = ARGUMENTS(TOKEN("byte", "BYTE"), TOKEN("bit", "BIT")))))),
};

const struct command_docs docs_bitpos = {
    .summary = "Finds the first bit of a string that is set, or clear.",
    .since = "2.8.7",
    .group = "bitmap",
    .complexity = "O(N), N bytes looked at",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), INTEGER("bit"),
        BLOCK("index", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(INTEGER("start"),
                BLOCK("end_index", .flags = ARG_OPTIONAL,
                    .arguments = ARGUMENTS(INTEGER("end"),
                        ONEOF("index_unit", .since = "7.0.0", .flags = ARG_OPTIONAL,
                            .arguments =
                                ARGUMENTS(TOKEN("byte", "BYTE"), TOKEN("bit", "BIT")))))))),
};

const struct command_docs docs_bitop = {
    .summary = "Combines the bits of several strings and stores what results.",
    .since = "2.6.0",
    .group = "bitmap",
    .complexity = "O(N), N bytes of the longest string",
    .key_specs =
        KEY_SPECS(KEY_SPEC(2, 0, 1, KEY_OW | KEY_UPDATE), KEY_SPEC(3, -1, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(
        STRING("operation"), KEY("destkey"), KEY("key", .key_spec = 1, .flags = ARG_MULTIPLE)),
};

#define ENCODING_OFFSET STRING("encoding"), INTEGER("offset")

const struct command_docs docs_bitfield = {
    .summary = "Reads, sets and increments integers of any width within a string.",
    .since = "3.2.0",
    .group = "bitmap",
    .complexity = "O(1) for each integer",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_ACCESS | KEY_UPDATE | KEY_VARIABLE_FLAGS,
        .notes = "only reads where there is nothing but `GET`")),
    .arguments = ARGUMENTS(KEY("key"),
        ONEOF("operation", .flags = ARG_OPTIONAL | ARG_MULTIPLE,
            .arguments = ARGUMENTS(
                BLOCK("encoding_offset", .token = "GET", .arguments = ARGUMENTS(ENCODING_OFFSET)),
                BLOCK("write",
                    .arguments = ARGUMENTS(
                        ONEOF("wrap_sat_fail", .token = "OVERFLOW", .flags = ARG_OPTIONAL,
                            .arguments = ARGUMENTS(
                                TOKEN("wrap", "WRAP"), TOKEN("sat", "SAT"), TOKEN("fail", "FAIL"))),
                        ONEOF("write_operation",
                            .arguments = ARGUMENTS(
                                BLOCK("encoding_offset_value", .token = "SET",
                                    .arguments = ARGUMENTS(ENCODING_OFFSET, INTEGER("value"))),
                                BLOCK("encoding_offset_increment", .token = "INCRBY",
                                    .arguments =
                                        ARGUMENTS(ENCODING_OFFSET, INTEGER("increment")))))))))),
};

const struct command_docs docs_bitfield_ro = {
    .summary = "Reads integers of any width within a string.",
    .since = "6.0.0",
    .group = "bitmap",
    .complexity = "O(1) for each integer",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments =
        ARGUMENTS(KEY("key"), BLOCK("encoding_offset", .token = "GET",
                                  .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN,
                                  .arguments = ARGUMENTS(ENCODING_OFFSET))),
};
