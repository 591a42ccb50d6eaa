/* What goes wrong: each seed draws a temper of its own (which faults, how often), then misfortune
 * follows misfortune until faults_stop heals everything. */
#ifndef SF_SIM_FAULTS_H
#define SF_SIM_FAULTS_H

#include "sim/world.h"

struct faults *faults_new(struct world *world);
void faults_free(struct faults *faults);
void faults_start(struct world *world);
/* Ends every fault, starts every process that is down, at once; no new ones. */
void faults_stop(struct world *world);

#endif
