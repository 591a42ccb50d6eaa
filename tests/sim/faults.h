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

bool faults_are_on(const struct world *world);
/* Kills a process unless it is down already; it is started again after back_us. */
void faults_kill(struct world *world, uint32_t number, int64_t back_us);
/* CLUSTER FAILOVER, said to a node. */
void faults_transfer(struct world *world, uint32_t number);

#endif
