/* A transaction as one call. Its words say all that it does, so that it is found in the log as any
 * other write is:
 *
 *   EXEC  { db:argc word ... }*      "void": a command that only its own node answers (PING) */
#ifndef SF_SIM_EXEC_H
#define SF_SIM_EXEC_H

#include "sim/model.h"

struct exec_words {
    uint32_t argc, cap;
    size_t *starts;
    struct buf text;
    struct slice *argv; /* once finished */
};

void exec_begin(struct exec_words *words);
void exec_add(struct exec_words *words, uint32_t db, uint32_t argc, const struct slice *argv);
void exec_add_void(struct exec_words *words);
void exec_finish(struct exec_words *words); /* argv is there now */
void exec_free(struct exec_words *words);

/* Its commands again, one after another. */
struct exec_reader {
    uint32_t argc, at;
    const struct slice *argv;
    uint32_t db, n; /* the command's; n 0: void */
    const struct slice *words;
};
bool exec_next(struct exec_reader *reader);

bool is_exec(struct slice name);
/* Runs all of it at question->step. given: the array that was answered; own: with the answers of
 * void places in it. The reply that a client must get is appended. false: given is another. */
bool model_exec(
    struct model *model, const struct model_question *question, bool own, struct buf *reply);
/* Whether two replies are one, but for how many heard what it published: every node says so for
 * itself. */
bool exec_alike(uint32_t argc, const struct slice *argv, struct slice one, struct slice other);
/* The next step after `step` at which a key of any of its commands changes. */
uint64_t exec_next_change(
    const struct model *model, uint64_t step, uint32_t argc, const struct slice *argv);

#endif
