#include "commands/geohash.h"

#include "util/base.h"

#include <math.h>

#define EARTH_RADIUS 6372797.560856 /* metres */
#define RADIANS (M_PI / 180.0)
#define MERCATOR_MAX 20037726.37 /* half the equator, in metres */

/* What a pair of numbers of `steps` bits divides. */
struct frame {
    double longitude_max, latitude_max;
};

struct span {
    double min, max;
};

/* A place in a grid of 2^steps by 2^steps; at a border's very end x or y is 2^steps. */
struct grid_cell {
    uint32_t x, y;
    unsigned steps; /* 0: no cell */
};

/* -- numbers --------------------------------------------------------------------------------- */

static struct frame map_frame(void) {
    return (struct frame){GEO_LONGITUDE_MAX, GEO_LATITUDE_MAX};
}

bool geo_point_is_valid(struct geo_point point) {
    return point.longitude >= -GEO_LONGITUDE_MAX && point.longitude <= GEO_LONGITUDE_MAX &&
           point.latitude >= -GEO_LATITUDE_MAX && point.latitude <= GEO_LATITUDE_MAX;
}

/* Each bit to the even places. */
static uint64_t bits_apart(uint32_t value) {
    uint64_t bits = value;
    bits = (bits | bits << 16) & 0x0000ffff0000ffff;
    bits = (bits | bits << 8) & 0x00ff00ff00ff00ff;
    bits = (bits | bits << 4) & 0x0f0f0f0f0f0f0f0f;
    bits = (bits | bits << 2) & 0x3333333333333333;
    return (bits | bits << 1) & 0x5555555555555555;
}

static uint32_t bits_together(uint64_t bits) {
    bits &= 0x5555555555555555;
    bits = (bits | bits >> 1) & 0x3333333333333333;
    bits = (bits | bits >> 2) & 0x0f0f0f0f0f0f0f0f;
    bits = (bits | bits >> 4) & 0x00ff00ff00ff00ff;
    bits = (bits | bits >> 8) & 0x0000ffff0000ffff;
    return (uint32_t)(bits | bits >> 16);
}

static uint64_t interleaved(struct grid_cell cell) {
    return bits_apart(cell.y) | bits_apart(cell.x) << 1;
}

static uint32_t grid_number(double value, double max, unsigned steps) {
    double part = (value + max) / (max + max);
    return (uint32_t)(part * (double)((uint64_t)1 << steps));
}

static struct grid_cell cell_at(struct frame frame, struct geo_point point, unsigned steps) {
    return (struct grid_cell){grid_number(point.longitude, frame.longitude_max, steps),
        grid_number(point.latitude, frame.latitude_max, steps), steps};
}

static struct span cell_span(uint32_t number, double max, unsigned steps) {
    double scale = max + max, n = (double)((uint64_t)1 << steps);
    uint32_t next = number + 1;
    return (struct span){-max + number / n * scale, -max + next / n * scale};
}

uint64_t geo_score(struct geo_point point) {
    return interleaved(cell_at(map_frame(), point, GEO_STEPS_MAX));
}

/* Any score, of a sorted set that was made otherwise, as x86-64 converts it. */
static uint64_t score_bits(double score) {
    const double two_63 = 9223372036854775808.0;
    if (score >= 2 * two_63) return 0;
    if (score >= 0) return (uint64_t)score;
    return score >= -two_63 ? (uint64_t)(int64_t)score : (uint64_t)1 << 63;
}

static double middle(struct span span, double max) {
    double value = (span.min + span.max) / 2;
    return value > max ? max : value < -max ? -max : value;
}

struct geo_point geo_point_of(double score) {
    uint64_t bits = score_bits(score);
    struct frame frame = map_frame();
    struct span x = cell_span(bits_together(bits >> 1), frame.longitude_max, GEO_STEPS_MAX);
    struct span y = cell_span(bits_together(bits), frame.latitude_max, GEO_STEPS_MAX);
    return (struct geo_point){middle(x, frame.longitude_max), middle(y, frame.latitude_max)};
}

/* Those divide latitudes of -90 to 90. 52 bits make ten characters; the eleventh is always 0. */
void geo_text(double score, char out[GEO_TEXT_BYTES]) {
    static const char alphabet[] = "0123456789bcdefghjkmnpqrstuvwxyz";
    struct frame frame = {180, 90};
    uint64_t bits = interleaved(cell_at(frame, geo_point_of(score), GEO_STEPS_MAX));
    for (unsigned i = 0; i < GEO_TEXT_BYTES - 1; i++)
        out[i] = alphabet[bits >> (52 - 5 * (i + 1)) & 31];
    out[GEO_TEXT_BYTES - 1] = '0';
}

/* -- distances ------------------------------------------------------------------------------- */

/* Along a meridian no sine is needed. */
static double meridian_distance(double a, double b) {
    return EARTH_RADIUS * fabs(b * RADIANS - a * RADIANS);
}

/* The haversine formula. What it gives may enter the state (STOREDIST), so all replicas need the
 * same sine, cosine and arc sine: numbers_check makes sure when a server starts. */
double geo_distance(struct geo_point a, struct geo_point b) {
    double v = sin((b.longitude * RADIANS - a.longitude * RADIANS) / 2);
    if (v == 0) return meridian_distance(a.latitude, b.latitude);
    double a_radians = a.latitude * RADIANS, b_radians = b.latitude * RADIANS;
    double u = sin((b_radians - a_radians) / 2);
    double h = u * u + cos(a_radians) * cos(b_radians) * v * v;
    return 2.0 * EARTH_RADIUS * asin(sqrt(h > 1 ? 1 : h)); /* rounding may lift it above 1 */
}

bool geo_area_has(const struct geo_area *area, struct geo_point point, double *distance) {
    if (area->is_box) {
        struct geo_point across = {area->center.longitude, point.latitude};
        if (meridian_distance(point.latitude, area->center.latitude) >
            area->height * area->unit / 2)
            return false;
        if (geo_distance(point, across) > area->width * area->unit / 2) return false;
    }
    *distance = geo_distance(area->center, point);
    return area->is_box || !(*distance > area->radius * area->unit);
}

/* -- cells that cover an area ---------------------------------------------------------------- */

/* So many that a cell is about as large as the area. */
static unsigned steps_for(double metres, double latitude) {
    if (metres == 0) return GEO_STEPS_MAX;
    int steps = 1;
    for (; metres < MERCATOR_MAX; metres *= 2) steps++;
    steps -= 2;
    if (fabs(latitude) > 66) steps -= fabs(latitude) > 80 ? 2 : 1; /* meridians come closer */
    return (unsigned)SF_MIN(SF_MAX(steps, 1), (int)GEO_STEPS_MAX);
}

struct borders {
    double west, east, south, north;
};

/* A box of degrees around the area; towards the nearer pole it is widest at its far side. */
static struct borders borders_of(const struct geo_area *area) {
    double half_height = area->unit * (area->is_box ? area->height / 2 : area->radius);
    double half_width = area->unit * (area->is_box ? area->width / 2 : area->radius);
    struct geo_point center = area->center;
    double up = half_height / EARTH_RADIUS / RADIANS;
    double far = center.latitude < 0 ? center.latitude - up : center.latitude + up;
    double aside = half_width / EARTH_RADIUS / cos(far * RADIANS) / RADIANS;
    return (struct borders){center.longitude - aside, center.longitude + aside,
        center.latitude - up, center.latitude + up};
}

/* East and north count upwards; beyond a border the other side of the map follows. */
static struct grid_cell neighbor(struct grid_cell cell, int east, int north) {
    uint32_t mask = ((uint32_t)1 << cell.steps) - 1;
    if (east != 0) cell.x = (cell.x + (uint32_t)east) & mask;
    if (north != 0) cell.y = (cell.y + (uint32_t)north) & mask;
    return cell;
}

static struct span longitudes(struct grid_cell cell) {
    return cell_span(cell.x, GEO_LONGITUDE_MAX, cell.steps);
}

static struct span latitudes(struct grid_cell cell) {
    return cell_span(cell.y, GEO_LATITUDE_MAX, cell.steps);
}

/* Whether the cell and its neighbours reach the borders. */
static bool covers(struct grid_cell cell, const struct borders *borders) {
    return !(latitudes(neighbor(cell, 0, 1)).max < borders->north) &&
           !(latitudes(neighbor(cell, 0, -1)).min > borders->south) &&
           !(longitudes(neighbor(cell, 1, 0)).max < borders->east) &&
           !(longitudes(neighbor(cell, -1, 0)).min > borders->west);
}

static double radius_of(const struct geo_area *area) {
    if (!area->is_box) return area->radius * area->unit;
    double x = area->width / 2, y = area->height / 2;
    return sqrt(x * x + y * y) * area->unit;
}

static struct geo_cell scores_of(struct grid_cell cell) {
    uint64_t bits = interleaved(cell);
    unsigned shift = 2 * (GEO_STEPS_MAX - cell.steps);
    return (struct geo_cell){(double)(bits << shift), (double)((bits + 1) << shift)};
}

unsigned geo_area_cells(const struct geo_area *area, struct geo_cell out[GEO_CELLS_MAX]) {
    static const int8_t around[GEO_CELLS_MAX][2] = {
        {0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
    struct borders borders = borders_of(area);
    unsigned n = 0, steps = steps_for(radius_of(area), area->center.latitude);
    struct grid_cell cell = cell_at(map_frame(), area->center, steps);
    if (steps > 1 && !covers(cell, &borders)) cell = cell_at(map_frame(), area->center, --steps);
    bool no_south = steps >= 2 && latitudes(cell).min < borders.south;
    bool no_north = steps >= 2 && latitudes(cell).max > borders.north;
    bool no_west = steps >= 2 && longitudes(cell).min < borders.west;
    bool no_east = steps >= 2 && longitudes(cell).max > borders.east;
    struct grid_cell last = {0};
    for (size_t i = 0; i < GEO_CELLS_MAX; i++) {
        int east = around[i][0], north = around[i][1];
        if ((no_south && north < 0) || (no_north && north > 0) || (no_west && east < 0) ||
            (no_east && east > 0))
            continue;
        struct grid_cell next = neighbor(cell, east, north);
        if (i > 0 && next.x == last.x && next.y == last.y) continue; /* the map is two cells wide */
        if (i > 0) last = next;
        if (i == 0) last.x = UINT32_MAX;
        out[n++] = scores_of(next);
    }
    return n;
}
