/* What the clients' files share. */
#ifndef SF_SIM_CLIENT_INTERNAL_H
#define SF_SIM_CLIENT_INTERNAL_H

#include "sim/client.h"
#include "util/buf.h"
#include "util/list.h"

enum { CLIENTS_MAX = 64 };

enum client_state { CLIENT_AWAY, CLIENT_CONNECTED };

struct client {
    uint32_t number;
    bool is_worker;
    enum client_state state;
    uint32_t node, home;
    uint64_t connection;
    int64_t last_in_us, last_out_us; /* bytes come in order, both ways */
    struct buf in;
    size_t first, n, answered; /* the pipeline under way: calls in the history */
    uint32_t db;
    bool stale;                /* READONLY was said */
    int64_t id;                /* what CLIENT ID said on this connection; 0: nothing */
    bool banks;                /* has asked for two balances, and is about to move something */
    uint64_t ticket;           /* a later act or time-out is void */
    struct listener *listener; /* listening.h; NULL: a worker, or asks one thing at a time */
    bool has_last;
    size_t last;
};

struct clients {
    struct client list[CLIENTS_MAX];
    uint32_t n;
    bool working;
    uint64_t next_connection, next_unique;
    struct list parcels;
};

/* One more call of the pipeline: into the packet and the history. */
void client_put(
    struct world *world, struct client *client, struct client_call *call, struct buf *packet);
/* ... of the connection itself, which is answered +OK. */
void client_say(struct world *world, struct client *client, struct buf *packet, uint32_t argc,
    const struct slice *argv);
void client_dispatch(struct world *world, struct client *client, struct buf *packet);
void client_hang_up(struct world *world, struct client *client);
bool client_connect(struct world *world, struct client *client, uint32_t node);
void client_post(struct world *world, struct client *client, struct slice bytes);
/* A call of a listener's ends, by its reply or with its connection. */
void client_answer(struct world *world, size_t call, struct slice reply);
void client_unanswered(struct world *world, size_t call);

/* -- transactions.c ---------------------------------------------------------------------------- */

/* MULTI and what follows, WATCHes before it, or only one of these. */
void transaction_say(struct world *world, struct client *client, struct buf *packet);

struct exec_words;
void transaction_open(
    struct world *world, struct client *client, struct buf *packet, struct exec_words *words);
void transaction_queue(struct world *world, struct client *client, struct buf *packet,
    struct exec_words *words, uint32_t argc, const struct slice *argv);
/* writes: whether there is a write in it; then one more, of a key that is never there, makes it
 * unlike any other. Frees the words. */
void transaction_exec(struct world *world, struct client *client, struct buf *packet,
    struct exec_words *words, bool writes);

/* -- blocking.c -------------------------------------------------------------------------------- */

/* A command that may wait for a key; perhaps CLIENT ID before it. */
void blocking_say(struct world *world, struct client *client, struct buf *packet);
/* Perhaps CLIENT UNBLOCK of another client at the same node; false: it does something else. */
bool blocking_unblock(struct world *world, struct client *client, struct buf *packet);
/* A call was answered: CLIENT ID. */
void blocking_learn(struct world *world, const struct client_call *call);

/* -- bank.c: accounts whose sum is always 0 ---------------------------------------------------- */

/* Perhaps asks for two balances; false: it does something else. */
bool bank_begin(struct world *world, struct client *client, struct buf *packet);
/* The pipeline of n calls was answered: moves something if it was of the bank. */
bool bank_goes_on(struct world *world, struct client *client, size_t n);
/* A read of all accounts was answered. */
void bank_check(struct world *world, const struct client_call *call);

#endif
