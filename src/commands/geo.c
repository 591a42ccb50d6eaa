/* Places: members of a sorted set, whose scores are points on the globe (geohash.h). */
#include "commands/geo.h"
#include "commands/functions.h"

#include <math.h>

bool call_geo_point(struct call *call, uint32_t at, struct geo_point *out) {
    if (!double_parse(call->argv[at], &out->longitude) ||
        !double_parse(call->argv[at + 1], &out->latitude)) {
        reply_error(call->reply, TEXT_NOT_FLOAT);
        return false;
    }
    if (geo_point_is_valid(*out)) return true;
    reply_errorf(
        call->reply, "ERR invalid longitude,latitude pair %f,%f", out->longitude, out->latitude);
    return false;
}

bool call_geo_unit(struct call *call, struct slice word, double *metres) {
    static const struct {
        const char *name;
        double metres;
    } units[] = {{"m", 1}, {"km", 1000}, {"ft", 0.3048}, {"mi", 1609.34}};
    for (size_t i = 0; i < SF_LENGTH(units); i++) {
        *metres = units[i].metres;
        if (slice_is(word, units[i].name)) return true;
    }
    reply_error(call->reply, "ERR unsupported unit provided. please use M, KM, FT, MI");
    return false;
}

static void reply_coordinate(struct reply *reply, double degrees) {
    char text[LONG_DOUBLE_TEXT_MAX];
    reply_digits(reply, slice_of(text, long_double_print_human(degrees, text)));
}

void reply_geo_point(struct reply *reply, struct geo_point point) {
    reply_array(reply, 2);
    reply_coordinate(reply, point.longitude);
    reply_coordinate(reply, point.latitude);
}

/* Rounded to the nearest ten-thousandth, to the even one of two. At most half the equator, so it
 * fits; a bulk string in both versions of the protocol. */
void reply_geo_distance(struct reply *reply, double distance) {
    char text[2 * INT_TEXT_MAX];
    uint64_t parts = (uint64_t)llrint(distance * 10000);
    size_t len = uint_print(parts / 10000, text);
    text[len] = '.';
    for (size_t i = 4; i > 0; i--, parts /= 10) text[len + i] = (char)('0' + parts % 10);
    reply_bulk(reply, slice_of(text, len + 5));
}

/* -- GEOADD ---------------------------------------------------------------------------------- */

void cmd_geoadd(struct call *call) {
    struct add_options options = {0};
    uint32_t at = 2;
    for (; at < call->argc; at++) {
        if (slice_is(call->argv[at], "nx"))
            options.nx = true;
        else if (slice_is(call->argv[at], "xx"))
            options.xx = true;
        else if (slice_is(call->argv[at], "ch"))
            options.ch = true;
        else
            break;
    }
    uint32_t n = (call->argc - at) / 3;
    if (n == 0 || (call->argc - at) % 3 != 0 || (options.nx && options.xx)) {
        reply_error(call->reply, TEXT_SYNTAX);
        return;
    }
    double *scores = sf_alloc(n * sizeof *scores);
    bool good = true;
    for (uint32_t i = 0; i < n && good; i++) {
        struct geo_point point;
        good = call_geo_point(call, at + 3 * i, &point);
        if (good) scores[i] = (double)geo_score(point);
    }
    struct scored scored = {.scores = scores, .n = n, .members = at + 2, .step = 3};
    if (good) add_scored(call, &options, &scored);
    sf_free(scores);
}

/* -- looking --------------------------------------------------------------------------------- */

static bool score_of(const struct collection *zset, struct slice member, double *score) {
    return zset->value != NULL && zset_find(zset, member, score);
}

void cmd_geodist(struct call *call) {
    double unit = 1, scores[2];
    struct collection zset;
    if (call->argc > 5) {
        reply_error(call->reply, TEXT_SYNTAX);
        return;
    }
    if (call->argc == 5 && !call_geo_unit(call, call->argv[4], &unit)) return;
    if (!call_value(call, call->argv[1], OBJECT_ZSET, &zset)) return;
    if (!score_of(&zset, call->argv[2], &scores[0]) ||
        !score_of(&zset, call->argv[3], &scores[1])) {
        reply_null(call->reply);
        return;
    }
    double metres = geo_distance(geo_point_of(scores[0]), geo_point_of(scores[1]));
    reply_geo_distance(call->reply, metres / unit);
}

void cmd_geohash(struct call *call) {
    struct collection zset;
    if (!call_value(call, call->argv[1], OBJECT_ZSET, &zset)) return;
    reply_array(call->reply, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++) {
        double score;
        char text[GEO_TEXT_BYTES];
        if (!score_of(&zset, call->argv[i], &score)) {
            reply_null(call->reply);
            continue;
        }
        geo_text(score, text);
        reply_bulk(call->reply, slice_of(text, sizeof text));
    }
}

void cmd_geopos(struct call *call) {
    struct collection zset;
    if (!call_value(call, call->argv[1], OBJECT_ZSET, &zset)) return;
    reply_array(call->reply, call->argc - 2);
    for (uint32_t i = 2; i < call->argc; i++) {
        double score;
        if (score_of(&zset, call->argv[i], &score))
            reply_geo_point(call->reply, geo_point_of(score));
        else
            reply_null_array(call->reply);
    }
}
