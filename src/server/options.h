/* The command line: shardforge-server [file | -] [--directive value ...] */
#ifndef SF_SERVER_OPTIONS_H
#define SF_SERVER_OPTIONS_H

#include "server/server.h"

#define SHARDFORGE_VERSION "0.1.0"

enum options_outcome {
    OPTIONS_RUN,
    OPTIONS_DONE,   /* --version, --help: text is in out */
    OPTIONS_FAILED, /* one line in out */
};

/* Reads the file, then the directives behind it, into config; judges them together. */
enum options_outcome options_read(
    int argc, char **argv, struct config *config, struct start_options *options, struct buf *out);

#endif
