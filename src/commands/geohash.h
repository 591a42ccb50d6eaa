/* Points on the globe as numbers, distances between them, and the cells that cover an area.
 *
 * A score is the place of a point on a curve through the globe: 26 bits of its latitude (between
 * -85.05112878 and 85.05112878, as maps in Mercator's projection end) in the even places, 26 of its
 * longitude in the odd ones. A cell of fewer steps is a run of scores. Numbers, cells and their
 * order are Redis's, since scores are data and the order of results shows. */
#ifndef SF_COMMANDS_GEOHASH_H
#define SF_COMMANDS_GEOHASH_H

#include <stdbool.h>
#include <stdint.h>

#define GEO_LONGITUDE_MAX 180.0
#define GEO_LATITUDE_MAX 85.05112878
enum { GEO_STEPS_MAX = 26, GEO_TEXT_BYTES = 11, GEO_CELLS_MAX = 9 };

struct geo_point {
    double longitude, latitude; /* degrees */
};
bool geo_point_is_valid(struct geo_point point);

uint64_t geo_score(struct geo_point point);                  /* of a valid point */
struct geo_point geo_point_of(double score);                 /* the middle of its cell; any score */
void geo_text(double score, char out[GEO_TEXT_BYTES]);       /* as geohash.org writes them */
double geo_distance(struct geo_point a, struct geo_point b); /* metres */

/* A circle, or a box that stands upright. */
struct geo_area {
    struct geo_point center;
    bool is_box;
    double radius, width, height; /* in a unit of so many metres: */
    double unit;
};
/* distance, in metres, is set where it is within. */
bool geo_area_has(const struct geo_area *area, struct geo_point point, double *distance);

/* Scores from min on, below max. */
struct geo_cell {
    double min, max;
};
/* The cells to look into, none twice; returns how many. */
unsigned geo_area_cells(const struct geo_area *area, struct geo_cell out[GEO_CELLS_MAX]);

#endif
