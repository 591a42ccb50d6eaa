/* What the files of this folder share; nobody else includes it. */
#ifndef SF_NET_INTERNAL_H
#define SF_NET_INTERNAL_H

#include "net/net.h"
#include "net/number_map.h"
#include "net/socket.h"
#include "util/list.h"

#include <ev.h>

/* Bounds of one socket's work in one turn. */
#define READ_BYTES_MIN (16 * 1024)
#define READ_BYTES_MAX (256 * 1024)
#define SLOW_HANDLERS_US 20000
#define LOOKS_MAX 3
#define REST_SLACK_US 200 /* a rest ends so late by itself: timers are coarse */
#define LARGE_INPUT_BYTES (1024 * 1024)
#define WRITE_BYTES_MAX (1024 * 1024)
#define ACCEPTS_A_TURN 64
#define OUTPUT_KEPT_BYTES (16 * 1024) /* an idle connection keeps at most this much buffer */
#define DRAIN_BYTES_MAX (64 * 1024)

#define LINK_DIAL_TIMEOUT_US (2 * 1000 * 1000)
#define LINK_FAREWELL_US (1000 * 1000) /* how long a closed link may still write */
#define LINK_BACKLOG_MAX (256u * 1024 * 1024)
#define LINK_ACCEPTED_BASE ((uint64_t)1 << 63)
#define LINK_SEND_BYTES_MAX (4u * 1024 * 1024) /* of one link in one turn */
#define LINK_KEEPALIVE_S 15
#define LINK_SILENCE_MS 5000 /* unacknowledged bytes: a peer that is gone, or stands still */
#define ACCEPT_PAUSE_S 0.1
#define BREATH_US 5000                    /* between two looks at the links in a long entry */
#define HELD_BYTES_MAX (4u * 1024 * 1024) /* of messages that wait for the end of one */

struct listener {
    struct net *net;
    int fd;
    bool is_bus;
    struct sockaddr_storage address;
    ev_io watcher;
};

struct watch { /* net_watch */
    int fd;
    void (*on_readable)(void *context);
    void *context;
    ev_io watcher;
};

#define WATCHES_MAX 4

struct net {
    struct net_settings settings; /* bind addresses are not kept */
    struct net_hooks hooks;
    struct ev_loop *loop;
    struct node *node; /* NULL outside net_run */

    ev_check on_woken;  /* first of an iteration: one clock reading for all handlers */
    ev_prepare on_turn; /* last of an iteration, before it sleeps */
    ev_timer deadline;  /* the node's next deadline */
    ev_timer accept_again;
    int64_t now_us;
    int64_t woken_us; /* when this iteration's handlers began */
    int64_t rested_us, rested_thread_us; /* end of the latest rest, and what the thread had used;
                                            0: it does not catch up */
    int64_t rest_late_us;                /* by so much that one ended late */
    uint32_t n_looks; /* at the sockets, since the last turn */
    int64_t breathed_us;
    bool links_hold; /* messages that came during a breath */
    bool again;      /* something happened after node_pump: do not sleep */
    bool stopping;
    int exit_code;

    struct listener listeners[2 * NET_BIND_MAX];
    uint32_t n_listeners;
    bool accept_paused, accept_trouble_said;
    struct watch watches[WATCHES_MAX];
    uint32_t n_watches;

    struct number_map clients; /* number -> struct client */
    struct list all_clients, dirty_clients;
    uint64_t last_client;

    struct number_map links; /* number -> struct link; neither closing nor dead ones */
    struct list all_links, dirty_links;
    struct list timed_links;  /* dialling or closing */
    struct list failed_links; /* the node is yet to be told */
    struct list dead_links;   /* freed at the end of the turn */
    uint64_t last_accepted_link;
    uint32_t n_accepted_links;

    struct list all_outs; /* out.c */
    struct buf out_room;  /* for what they read */

    struct net_figures figures;
    char scratch[READ_BYTES_MIN]; /* for what dialled links read, and for draining */
};

void net_logf(struct net *net, enum log_level level, const char *format, ...) SF_PRINTF(3, 4);

/* client.c */
void client_accept(struct net *net, int fd, const struct sockaddr_storage *remote);
void clients_flush(struct net *net);
void clients_free(struct net *net);

/* link.c */
void link_accept(struct net *net, int fd, const struct sockaddr_storage *remote);
void links_tell_failed(struct net *net);
void links_deliver_held(struct net *net);
void links_flush(struct net *net);
int64_t links_next_deadline_us(const struct net *net);
void links_bury(struct net *net); /* frees what died in this turn */
void links_free(struct net *net);

/* out.c */
void outs_turn(struct net *net);
void outs_flush(struct net *net);
int64_t outs_next_deadline_us(const struct net *net);
void outs_free(struct net *net);

/* listen.c */
void listeners_start(struct net *net);
void listeners_free(struct net *net);

#endif
