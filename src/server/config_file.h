/* Configuration files: reading (with include), and rewriting what CONFIG SET changed. */
#ifndef SF_SERVER_CONFIG_FILE_H
#define SF_SERVER_CONFIG_FILE_H

#include "server/config.h"

#define CONFIG_FILE_BYTES_MAX (4 * 1024 * 1024)
#define CONFIG_INCLUDE_DEPTH_MAX 8

/* Carries out every line of text. name stands in error lines: 'name:3: "port abc": reason'. */
bool config_read_text(
    struct config *config, const char *name, struct slice text, struct buf *error);

/* The file becomes the one that config_rewrite writes. "-": standard input, which cannot be. */
bool config_read_file(struct config *config, const char *path, struct buf *error);

/* A small text file as a whole; what went wrong is appended to error, with the name. */
bool config_load_text(const char *path, struct buf *out, struct buf *error);
/* Written aside, synced, renamed, the directory synced. false: errno says why. */
bool config_replace_file(const char *path, struct slice bytes);

/* Writes the current values into the main file: comments, blank lines and order stay; a directive
 * that occurs has its line changed in place, one changed meanwhile is added at the end. The file is
 * replaced atomically, synced. */
bool config_rewrite(struct config *config, struct buf *error);

#endif
