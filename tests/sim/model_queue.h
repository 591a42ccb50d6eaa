/* Who waits for keys, in the model: one list in the order of arrival, and what became ready.
 * Serving is said in src/engine/README.md, and written here a second time. */
#ifndef SF_SIM_MODEL_QUEUE_H
#define SF_SIM_MODEL_QUEUE_H

#include "sim/model.h"

void queue_clear_answers(struct model_queue *queue);
void model_queue_free(struct model_queue *queue);

bool model_blocks(struct slice name); /* a command that may wait */
/* The moment until which its words let it wait, when it runs now. */
int64_t model_deadline(const struct model *model, uint32_t argc, const struct slice *argv);
void model_wait(struct model *model, const struct model_waiter *waiter);
/* Whoever waits for what has become ready. */
void model_serve(struct model *model);
/* Whoever's deadline has come. */
void model_time_out(struct model *model);
struct model_waiter *model_waiter_at(struct model *model, const struct model_waiter *place);
/* Takes one out: the reply is his answer; NULL: he gets none. */
void model_end_wait(struct model *model, struct model_waiter *waiter, const char *reply);
void model_remove_waiters(struct model *model, uint64_t node);
/* One that was taken out, with these words and this incarnation: *out. false: there is none. */
bool model_take_loose(struct model *model, uint64_t node, uint64_t nonce, uint32_t db,
    uint32_t argc, const struct slice *argv, struct model_waiter *out);
/* A key came to hold a value of this type, and did not before. */
void model_became(struct model *model, uint32_t db, struct bytes *key, int type);

#endif
