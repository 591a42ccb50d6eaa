/* From configuration values to what the node and the network take. */
#ifndef SF_SERVER_SETTINGS_H
#define SF_SERVER_SETTINGS_H

#include "net/net.h"
#include "server/config.h"

uint16_t settings_bus_port(const struct config_values *values);

/* net: listening already, where it tells something. */
void settings_for_node(
    const struct config_values *values, const struct net *net, struct node_settings *out);
/* Borrows the addresses of values. */
void settings_for_net(const struct config_values *values, struct net_settings *out);

#endif
