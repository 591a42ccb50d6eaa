/* One directive's value from words, with Redis' error texts. */
#ifndef SF_SERVER_CONFIG_PARSE_H
#define SF_SERVER_CONFIG_PARSE_H

#include "server/config.h"

/* Stores the value; on failure nothing is stored and the reason is appended to error. n may be 0.
 */
bool config_parse(const struct config_directive *directive, uint32_t n, const struct slice *words,
    struct config_values *values, struct buf *error);

/* "10.0.0.1:6379", "10.0.0.1 6379", "[::1]:6379": an IP address and the port of its clients. */
bool config_address_parse(uint32_t n, const struct slice *words, struct raft_address *out);

bool config_is_ip(const char *host); /* an address of digits: nothing here asks a name server */

#endif
