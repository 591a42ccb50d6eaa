/* The virtual clients: each has at most one connection and one pipeline under way. */
#ifndef SF_SIM_CLIENT_H
#define SF_SIM_CLIENT_H

#include "sim/history.h"
#include "util/slice.h"

struct clients;

enum { ACCOUNTS = 4 }; /* a0, a1 ... in each database: what is there is 0 in sum */

struct clients *clients_new(struct world *world, uint32_t n_workers);
void clients_free(struct clients *clients);
void clients_start(struct world *world); /* the workload begins */
void clients_stop(struct world *world);  /* ... and ends: no new calls */
/* Whether all that are under way wait for keys, as many as *n_blocked. */
bool clients_only_wait(struct world *world, uint64_t *n_blocked);

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
/* ... of a command inside a transaction, whose words need not be free; call->kind says what. */
void workload_fill_inner(struct world *world, uint64_t unique, struct client_call *call);
/* ... that may wait for a key. */
void workload_fill_blocking(struct world *world, uint64_t unique, struct client_call *call);
/* WATCH and some keys. */
void workload_fill_watch(struct world *world, struct client_call *call);

#endif
