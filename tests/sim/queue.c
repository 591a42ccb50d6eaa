#include "sim/queue.h"

void queue_free(struct queue *queue) {
    sf_free(queue->heap);
    *queue = (struct queue){0};
}

static bool earlier(const struct queue_event *a, const struct queue_event *b) {
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void queue_put(
    struct queue *queue, int64_t at_us, queue_run *run, void *context, uint64_t a, uint64_t b) {
    if (queue->n == queue->cap) {
        queue->cap = SF_MAX((size_t)256, queue->cap * 2);
        queue->heap = sf_realloc(queue->heap, queue->cap * sizeof *queue->heap);
    }
    struct queue_event event = {
        SF_MAX(at_us, queue->now_us), queue->next_order++, run, context, a, b};
    size_t at = queue->n++;
    for (; at > 0 && earlier(&event, &queue->heap[(at - 1) / 2]); at = (at - 1) / 2)
        queue->heap[at] = queue->heap[(at - 1) / 2];
    queue->heap[at] = event;
}

static struct queue_event queue_pop(struct queue *queue) {
    struct queue_event first = queue->heap[0], last = queue->heap[--queue->n];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < queue->n; at = child) {
        if (child + 1 < queue->n && earlier(&queue->heap[child + 1], &queue->heap[child])) child++;
        if (!earlier(&queue->heap[child], &last)) break;
        queue->heap[at] = queue->heap[child];
    }
    queue->heap[at] = last;
    return first;
}

bool queue_step(struct queue *queue, int64_t until_us) {
    if (queue->n == 0 || queue->heap[0].at_us > until_us) {
        queue->now_us = SF_MAX(queue->now_us, until_us);
        return false;
    }
    struct queue_event event = queue_pop(queue);
    queue->now_us = event.at_us;
    event.run(event.context, event.a, event.b);
    return true;
}
