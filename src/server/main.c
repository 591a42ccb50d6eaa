#include "server/options.h"
#include "server/server.h"

#include <stdio.h>

int main(int argc, char **argv) {
    struct config *config = config_new();
    struct buf text = {0};
    struct start_options options;
    int code = 0;
    switch (options_read(argc, argv, config, &options, &text)) {
    case OPTIONS_RUN:
        code = server_run(config, &options);
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
