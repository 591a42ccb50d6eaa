/* The virtual clients: each has at most one connection and one pipeline under way. */
#ifndef SF_SIM_CLIENT_H
#define SF_SIM_CLIENT_H

#include "sim/history.h"
#include "util/slice.h"

struct clients;

struct clients *clients_new(struct world *world, uint32_t n_workers);
void clients_free(struct clients *clients);
void clients_start(struct world *world); /* the workload begins */
void clients_stop(struct world *world);  /* ... and ends: no new calls */

/* One more client, for one command at a time outside the workload. */
uint32_t client_add(struct world *world);
/* Sends it to a node on a connection of its own. kind CALL_WRITE must be unique. False: the
 * previous one is not answered yet. */
bool client_ask(struct world *world, uint32_t client, uint32_t node, enum call_kind kind,
    uint32_t argc, const char *const *args);
/* Its last call, NULL before the first. Valid until the next call of anybody. */
const struct client_call *client_last(struct world *world, uint32_t client);

/* -- the shells' side: bytes and the end of a connection, on their way ------------------------ */
void client_send(struct world *world, uint64_t connection, struct slice bytes);
void client_close(struct world *world, uint64_t connection);
void clients_of_process_gone(struct world *world, uint32_t number);

/* workload.c: the words of the next call, to run in call->db; unique numbers each write. */
void workload_fill(struct world *world, uint64_t unique, struct client_call *call);

#endif
