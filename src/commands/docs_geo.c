/* COMMAND DOCS and key specifications of the commands about places. */
#include "commands/command_docs.h"

#define UNIT ONEOF("unit", .arguments = UNITS)
#define UNITS ARGUMENTS(TOKEN("m", "M"), TOKEN("km", "KM"), TOKEN("ft", "FT"), TOKEN("mi", "MI"))
#define LONGITUDE_LATITUDE DOUBLE("longitude"), DOUBLE("latitude")
#define WITH                                                                                       \
    TOKEN("withcoord", "WITHCOORD", .flags = ARG_OPTIONAL),                                        \
        TOKEN("withdist", "WITHDIST", .flags = ARG_OPTIONAL),                                      \
        TOKEN("withhash", "WITHHASH", .flags = ARG_OPTIONAL)
#define COUNT_ANY(...)                                                                             \
    BLOCK("count", .flags = ARG_OPTIONAL,                                                          \
        .arguments = ARGUMENTS(INTEGER("count", .token = "COUNT"),                                 \
            TOKEN("any", "ANY", .flags = ARG_OPTIONAL __VA_ARGS__)))
#define ORDER                                                                                      \
    ONEOF("order", .flags = ARG_OPTIONAL,                                                          \
        .arguments = ARGUMENTS(TOKEN("asc", "ASC"), TOKEN("desc", "DESC")))
#define STORE                                                                                      \
    KEY("key", .key_spec = 1, .token = "STORE", .flags = ARG_OPTIONAL),                            \
        KEY("key", .key_spec = 2, .token = "STOREDIST", .flags = ARG_OPTIONAL)
#define FROM_BY                                                                                    \
    ONEOF("from", .arguments = ARGUMENTS(STRING("member", .token = "FROMMEMBER"),                  \
                      BLOCK("longitude_latitude", .token = "FROMLONLAT",                           \
                          .arguments = ARGUMENTS(LONGITUDE_LATITUDE)))),                           \
        ONEOF("by", .arguments = ARGUMENTS(                                                        \
                        BLOCK("circle",                                                            \
                            .arguments = ARGUMENTS(DOUBLE("radius", .token = "BYRADIUS"), UNIT)),  \
                        BLOCK("box", .arguments = ARGUMENTS(DOUBLE("width", .token = "BYBOX"),     \
                                         DOUBLE("height"), UNIT))))

const struct command_docs docs_geoadd = {
    .summary = "Adds places to a sorted set, or moves them.",
    .since = "3.2.0",
    .group = "geo",
    .complexity = "O(log(N)) for each place, N members in the sorted set",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"),
        ONEOF("condition", .since = "6.2.0", .flags = ARG_OPTIONAL,
            .arguments = ARGUMENTS(TOKEN("nx", "NX"), TOKEN("xx", "XX"))),
        TOKEN("change", "CH", .since = "6.2.0", .flags = ARG_OPTIONAL),
        BLOCK("longitude_latitude_member", .flags = ARG_MULTIPLE,
            .arguments = ARGUMENTS(LONGITUDE_LATITUDE, STRING("member")))),
};

const struct command_docs docs_geodist = {
    .summary = "Tells how far two places are from each other.",
    .since = "3.2.0",
    .group = "geo",
    .complexity = "O(1)",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), STRING("member1"), STRING("member2"),
        ONEOF("unit", .flags = ARG_OPTIONAL, .arguments = UNITS)),
};

const struct command_docs docs_geohash = {
    .summary = "Returns places as standard geohash texts.",
    .since = "3.2.0",
    .group = "geo",
    .complexity = "O(1) for each member",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), STRING("member", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_geopos = {
    .summary = "Returns the longitudes and latitudes of places.",
    .since = "3.2.0",
    .group = "geo",
    .complexity = "O(1) for each member",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), STRING("member", .flags = ARG_MULTIPLE)),
};

const struct command_docs docs_georadius = {
    .summary = "Finds the places within a distance of a point, and may store them.",
    .since = "3.2.0",
    .group = "geo",
    .complexity = "O(N + log(M)), N members near the area, M in the sorted set",
    .flags = DOC_DEPRECATED,
    .deprecated_since = "6.2.0",
    .replaced_by = "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS),
        KEY_SPEC_KEYWORD("STORE", 6, KEY_OW | KEY_UPDATE),
        KEY_SPEC_KEYWORD("STOREDIST", 6, KEY_OW | KEY_UPDATE)),
    .arguments = ARGUMENTS(KEY("key"), LONGITUDE_LATITUDE, DOUBLE("radius"), UNIT, WITH,
        COUNT_ANY(, .since = "6.2.0"), ORDER, STORE),
};

const struct command_docs docs_georadius_ro = {
    .summary = "Finds the places within a distance of a point, and never stores.",
    .since = "3.2.10",
    .group = "geo",
    .complexity = "O(N + log(M)), N members near the area, M in the sorted set",
    .flags = DOC_DEPRECATED,
    .deprecated_since = "6.2.0",
    .replaced_by = "`GEOSEARCH` with the `BYRADIUS` argument",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), LONGITUDE_LATITUDE, DOUBLE("radius"), UNIT, WITH,
        COUNT_ANY(, .since = "6.2.0"), ORDER),
};

const struct command_docs docs_georadiusbymember = {
    .summary = "Finds the places within a distance of a place, and may store them.",
    .since = "3.2.0",
    .group = "geo",
    .complexity = "O(N + log(M)), N members near the area, M in the sorted set",
    .flags = DOC_DEPRECATED,
    .deprecated_since = "6.2.0",
    .replaced_by =
        "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS),
        KEY_SPEC_KEYWORD("STORE", 5, KEY_OW | KEY_UPDATE),
        KEY_SPEC_KEYWORD("STOREDIST", 5, KEY_OW | KEY_UPDATE)),
    .arguments = ARGUMENTS(
        KEY("key"), STRING("member"), DOUBLE("radius"), UNIT, WITH, COUNT_ANY(), ORDER, STORE),
};

const struct command_docs docs_georadiusbymember_ro = {
    .summary = "Finds the places within a distance of a place, and never stores.",
    .since = "3.2.10",
    .group = "geo",
    .complexity = "O(N + log(M)), N members near the area, M in the sorted set",
    .flags = DOC_DEPRECATED,
    .deprecated_since = "6.2.0",
    .replaced_by = "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments =
        ARGUMENTS(KEY("key"), STRING("member"), DOUBLE("radius"), UNIT, WITH, COUNT_ANY(), ORDER),
};

const struct command_docs docs_geosearch = {
    .summary = "Finds the places within a circle or a box.",
    .since = "6.2.0",
    .group = "geo",
    .complexity = "O(N + log(M)), N members near the area, M in the sorted set",
    .key_specs = KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("key"), FROM_BY, ORDER, COUNT_ANY(), WITH),
};

const struct command_docs docs_geosearchstore = {
    .summary = "Finds the places within a circle or a box and stores them in another sorted set.",
    .since = "6.2.0",
    .group = "geo",
    .complexity = "O(N + log(M)), N members near the area, M in the sorted set",
    .key_specs =
        KEY_SPECS(KEY_SPEC(1, 0, 1, KEY_OW | KEY_UPDATE), KEY_SPEC(2, 0, 1, KEY_RO | KEY_ACCESS)),
    .arguments = ARGUMENTS(KEY("destination"), KEY("source", .key_spec = 1), FROM_BY, ORDER,
        COUNT_ANY(), TOKEN("storedist", "STOREDIST", .flags = ARG_OPTIONAL)),
};
