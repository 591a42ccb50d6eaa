/* What server.c and ports.c share; nobody else includes it. */
#ifndef SF_SERVER_INTERNAL_H
#define SF_SERVER_INTERNAL_H

#include "net/net.h"
#include "server/config.h"
#include "server/logger.h"
#include "storage/apply_page.h"
#include "storage/storage.h"

struct server {
    struct config *config;
    struct logger *logger;
    struct net *net;
    struct storage *storage;
    struct apply_page *apply_page; /* NULL: it could not be made */
    struct node *node;
    bool settings_changed; /* the node is told in the next turn */
    int64_t started_us;
    uint64_t used_memory_peak, used_memory_startup;
    char pidfile[CONFIG_PATH_MAX]; /* written by us; "" otherwise */
    char executable[CONFIG_PATH_MAX];
};

/* ports.c: the node's ports, bound to the parts above. */
void server_ports(struct server *server, struct node_ports *out);
void server_tell_settings(struct server *server);

#endif
