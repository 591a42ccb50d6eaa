/* Connections between nodes: FIFO byte streams with latency, which stall behind a cut and break.
 * A directed cut holds the bytes of that direction; TCP would deliver them once it heals. */
#ifndef SF_SIM_NETWORK_H
#define SF_SIM_NETWORK_H

#include "sim/process.h"

struct network;

struct network *network_new(struct world *world);
void network_free(struct network *network);

/* -- the ports' side ------------------------------------------------------------------------ */
void network_dial(struct network *network, struct process *from, uint64_t link, const char *host,
    uint16_t bus_port);
void network_send(struct network *network, struct process *from, uint64_t link, struct slice bytes);
void network_close(struct network *network, struct process *from, uint64_t link);
size_t network_backlog(struct network *network, struct process *from, uint64_t link);
/* Bytes that arrived on a link, cut into messages and handed to the node. */
void network_deliver(
    struct network *network, struct process *to, uint64_t link, struct slice bytes, bool is_replay);
/* Whether the node still has this link. */
bool network_knows(struct network *network, struct process *process, uint64_t link);
/* The process is gone: killed (the kernel tells the peers) or without power (nobody does). */
void network_process_gone(struct network *network, struct process *process, enum crash_kind kind);

/* The machine is there again: peers that still send on connections of an earlier life are told. */
void network_process_back(struct network *network, const struct process *process);

/* -- faults ---------------------------------------------------------------------------------- */
void network_cut(struct network *network, uint32_t from, uint32_t to, bool cut);
bool network_is_cut(const struct network *network, uint32_t from, uint32_t to);
void network_set_delay(struct network *network, uint32_t from, uint32_t to, int64_t extra_us);
void network_reset_between(struct network *network, uint32_t a, uint32_t b);
/* Messages doubled, late, out of order, lost: Raft's, or all between members. HOSTILE: so late,
 * too, that the connection is another by then, and perhaps the process at either end. */
enum nightmare { NIGHTMARE_OFF, NIGHTMARE_RAFT, NIGHTMARE_ALL, NIGHTMARE_HOSTILE };
void network_set_nightmare(struct network *network, enum nightmare nightmare);
void network_heal(struct network *network);

#endif
