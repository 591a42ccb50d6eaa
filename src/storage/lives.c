#include "storage/lives.h"

void log_lives_add(struct log_lives *lives, struct bytes *payload) {
    if (lives->n == LOG_LIVES_MAX) {
        bytes_unref(lives->payloads[0]);
        lives->n--;
        memmove(lives->payloads, lives->payloads + 1, lives->n * sizeof *lives->payloads);
    }
    lives->payloads[lives->n++] = payload;
}

void log_lives_clear(struct log_lives *lives) {
    for (uint32_t i = 0; i < lives->n; i++) bytes_unref(lives->payloads[i]);
    *lives = (struct log_lives){0};
}
