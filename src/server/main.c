#include "server/options.h"
#include "server/server.h"
#include "util/numbers_check.h"

#include <stdio.h>

/* Where numbers are others than on the other replicas, nothing may be applied (DESIGN 7). */
static bool numbers_are_good(void) {
    const char *problem = numbers_check();
    if (problem == NULL) return true;
    fprintf(stderr, "shardforge-server: cannot run on this machine: %s\n", problem);
    return false;
}

int main(int argc, char **argv) {
    struct config *config = config_new();
    struct buf text = {0};
    struct start_options options;
    int code = 0;
    switch (options_read(argc, argv, config, &options, &text)) {
    case OPTIONS_RUN:
        code = numbers_are_good() ? server_run(config, &options) : 1;
        break;
    case OPTIONS_DONE:
        fwrite(text.data, 1, text.len, stdout);
        break;
    case OPTIONS_FAILED:
        fprintf(stderr, "shardforge-server: %.*s\n", (int)text.len, text.data);
        code = 1;
        break;
    }
    buf_free(&text);
    config_free(config);
    return code;
}
