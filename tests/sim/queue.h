/* What happens next: a heap of events by (virtual time, order of asking). */
#ifndef SF_SIM_QUEUE_H
#define SF_SIM_QUEUE_H

#include "util/base.h"

typedef void queue_run(void *context, uint64_t a, uint64_t b);

struct queue_event {
    int64_t at_us;
    uint64_t order; /* equal times run in the order they were asked for */
    queue_run *run;
    void *context; /* borrowed; must outlive the queue or be freed by run */
    uint64_t a, b;
};

struct queue {
    struct queue_event *heap;
    size_t n, cap;
    uint64_t next_order;
    int64_t now_us;
};

void queue_free(struct queue *queue);
/* A time in the past means now. */
void queue_put(
    struct queue *queue, int64_t at_us, queue_run *run, void *context, uint64_t a, uint64_t b);
/* Runs the next event not later than until_us; false: there is none, and now is until_us. */
bool queue_step(struct queue *queue, int64_t until_us);

#endif
