#include "sim/hostile.h"

#include "node/internal.h"
#include "util/number.h"

enum { FRAMES_MAX = 2048 };

enum frame_kind { FRAME_BATCH, FRAME_READ_ANSWER };

struct frame {
    enum frame_kind kind;
    uint32_t to;
    raft_id from;
    uint64_t stream, sequence; /* batch */
    uint64_t nonce, round;     /* read-answer */
    struct buf bytes;
};

struct hostile {
    struct frame frames[FRAMES_MAX]; /* a ring */
    uint64_t n;
};

struct hostile *hostile_new(void) {
    return sf_alloc_zero(1, sizeof(struct hostile));
}

void hostile_free(struct hostile *hostile) {
    for (uint32_t i = 0; i < FRAMES_MAX; i++) buf_free(&hostile->frames[i].bytes);
    sf_free(hostile);
}

void hostile_note(struct hostile *hostile, const struct process *to, raft_id from, uint32_t argc,
    const struct slice *argv, struct slice bytes) {
    struct frame frame = {.to = to->number, .from = from};
    bool good = false;
    if (argc == 5 && slice_equal(argv[0], SLICE("batch"))) {
        frame.kind = FRAME_BATCH;
        good = uint_parse(argv[1], &frame.stream) && uint_parse(argv[2], &frame.sequence);
    } else if (argc == 5 && slice_equal(argv[0], SLICE("read-answer"))) {
        frame.kind = FRAME_READ_ANSWER;
        good = uint_parse(argv[1], &frame.nonce) && uint_parse(argv[2], &frame.round);
    }
    if (!good) return;
    struct frame *place = &hostile->frames[hostile->n++ % FRAMES_MAX];
    buf_free(&place->bytes);
    *place = frame;
    buf_append_slice(&place->bytes, bytes);
}

static bool fits_stream(const struct node *node, const struct frame *frame) {
    for (uint32_t i = 0; i < node->n_streams; i++) {
        const struct in_stream *stream = &node->streams[i];
        if (stream->node == frame->from && stream->open)
            return frame->sequence == stream->highest + 1 && frame->stream != stream->number;
    }
    return false;
}

/* An answer to a question of the receiver's own earlier life, whose number it uses again now. */
static bool fits_round(const struct node *node, const struct frame *frame) {
    if (node->rounds_n == 0 || frame->nonce == node->incarnation.nonce) return false;
    uint64_t first = node->rounds[node->rounds_first].id;
    return frame->round >= first && frame->round < first + node->rounds_n;
}

static uint64_t link_from(const struct node *node, const struct frame *frame) {
    enum link_purpose purpose = frame->kind == FRAME_BATCH ? LINK_BULK : LINK_CONTROL;
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        const struct link *link = &node->links[i];
        if (link->number != 0 && !link->dialled && link->state == LINK_READY &&
            link->peer == frame->from && link->purpose == purpose)
            return link->number;
    }
    return 0;
}

void hostile_act(struct world *world, struct hostile *hostile) {
    uint64_t n = SF_MIN(hostile->n, (uint64_t)FRAMES_MAX);
    for (uint64_t i = 0; i < n; i++) {
        struct frame *frame = &hostile->frames[i];
        struct process *process = world->processes[frame->to];
        if (frame->bytes.len == 0 || !process->up) continue;
        const struct node *node = process->node;
        if (frame->kind == FRAME_BATCH ? !fits_stream(node, frame) : !fits_round(node, frame))
            continue;
        uint64_t link = link_from(node, frame);
        if (link == 0) continue;
        process_arrive(process, ARRIVE_LINK_REPLAY, link, buf_slice(&frame->bytes));
        world->coverage[COVER_MESSAGE_FITTING]++;
        buf_free(&frame->bytes);
    }
}
