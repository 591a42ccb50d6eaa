/* What the commands about places share. A function that returns false has replied with the error.
 */
#ifndef SF_COMMANDS_GEO_H
#define SF_COMMANDS_GEO_H

#include "commands/geohash.h"
#include "commands/sorted_set.h"

/* A longitude and a latitude, from argv[at] on. */
bool call_geo_point(struct call *call, uint32_t at, struct geo_point *out);
/* How many metres the unit is. */
bool call_geo_unit(struct call *call, struct slice word, double *metres);
void reply_geo_point(struct reply *reply, struct geo_point point);
void reply_geo_distance(struct reply *reply, double distance); /* four digits behind the point */

#endif
