/* Versions that users and clients see. */
#ifndef SF_NODE_VERSION_H
#define SF_NODE_VERSION_H

#define SHARDFORGE_VERSION "0.1.0"
#define REDIS_VERSION "7.2.4" /* whose behaviour this is; clients decide by it */

#endif
