/* Commands on their way into the log, exactly once and in order (DESIGN 6).
 *
 * Every node gathers its clients' writes of a loop turn in a batch with the next sequence of its
 * incarnation, and keeps it until it has applied it. Whoever leads accepts sequence = highest + 1
 * of an incarnation, and says `stream-open number highest` when asked, on a gap and after an
 * election; the node goes on from there. A leader treats its own batches alike, without the
 * messages.
 *
 *   node -> leader (control)  stream-ask  counter nonce
 *   leader -> node (control)  stream-open term number counter nonce highest
 *   node -> leader (bulk)     batch       number sequence n_commands commands */
#include "node/old_copy.h"

enum {
    BATCH_COMMANDS_MAX = 4096,
    FORWARD_BACKLOG_BYTES = 4 << 20, /* bytes handed to the link and not yet sent */
    STUCK_US = 500000,
};

/* -- our batches ----------------------------------------------------------------------------- */

static struct out_batch *batch_new(struct node *node) {
    struct out_batch *batch = node->free_batch;
    if (batch != NULL) {
        node->free_batch = NULL;
    } else {
        batch = sf_alloc_zero(1, sizeof *batch);
        list_init(&batch->in_outbox);
    }
    batch->sequence = node->next_sequence++;
    batch->n_commands = batch->n_void = 0;
    batch->given = batch->has_void = false;
    batch->given_term = 0;
    batch->given_index = 0;
    return batch;
}

static void batch_destroy(struct out_batch *batch) {
    buf_free(&batch->commands);
    sf_free(batch->waiting);
    sf_free(batch->void_at);
    sf_free(batch);
}

static void batch_recycle(struct node *node, struct out_batch *batch) {
    if (node->free_batch != NULL || batch->commands.cap > ENTRY_BATCH_TARGET_BYTES) {
        batch_destroy(batch);
        return;
    }
    buf_clear(&batch->commands);
    node->free_batch = batch;
}

static void batch_close(struct node *node) {
    struct out_batch *batch = node->open_batch;
    if (batch == NULL) return;
    node->open_batch = NULL;
    list_push_back(&node->outbox, &batch->in_outbox);
    node->outbox_bytes += batch->commands.len;
}

void stream_add(struct node *node, struct pending *pending, uint32_t db, uint32_t argc,
    const struct slice *argv) {
    if (node->open_batch == NULL) node->open_batch = batch_new(node);
    struct out_batch *batch = node->open_batch;
    if (batch->n_commands == batch->waiting_cap) {
        batch->waiting_cap = batch->waiting_cap == 0 ? 16 : batch->waiting_cap * 2;
        batch->waiting = sf_realloc(batch->waiting, batch->waiting_cap * sizeof(struct pending *));
        batch->void_at = sf_realloc(batch->void_at, batch->waiting_cap * sizeof(bool));
    }
    if (pending != NULL && pending->claim.id != ACL_NOBODY) {
        entry_put_claimed_command(&batch->commands, &pending->claim, db, argc, argv);
    } else {
        entry_put_command(&batch->commands, db, argc, argv);
    }
    batch->waiting[batch->n_commands] = pending;
    batch->void_at[batch->n_commands] = false;
    if (pending != NULL) {
        pending->batch = batch;
        pending->position = batch->n_commands;
    }
    batch->n_commands++;
    if (batch->commands.len >= ENTRY_BATCH_TARGET_BYTES ||
        batch->n_commands >= BATCH_COMMANDS_MAX) {
        batch_close(node);
    }
}

/* Nobody waits for it any more. Where it has not been applied, it becomes a void place in what is
 * sent from now on; a log that already holds it may still run it. */
void stream_forget_waiter(struct pending *pending) {
    struct out_batch *batch = pending->batch;
    if (batch == NULL || batch->waiting[pending->position] != pending) return;
    batch->waiting[pending->position] = NULL;
    if (!batch->applying) {
        batch->void_at[pending->position] = true;
        batch->n_void++;
        batch->has_void = true;
        pending->session->node->outbox_has_void = true;
    }
    pending->batch = NULL;
}

static void batch_encode_anew(struct out_batch *batch) {
    if (!batch->has_void) return;
    struct sub_batch_header header = {
        .n_commands = batch->n_commands, .commands = buf_slice(&batch->commands)};
    struct command_reader reader = {0};
    struct buf out = {0};
    command_reader_begin(&reader, &header);
    for (uint32_t i = 0; command_reader_next(&reader); i++) {
        if (batch->void_at[i] || reader.argc == 0) {
            if (batch->void_at[i]) SF_MARK("stream: a command becomes a void place");
            entry_put_void_command(&out);
        } else {
            command_reader_put(&reader, &out);
        }
    }
    SF_ASSERT(!reader.in.failed);
    command_reader_free(&reader);
    buf_free(&batch->commands);
    batch->commands = out;
    batch->has_void = false;
}

static void batch_refresh(struct node *node, struct out_batch *batch) {
    node->outbox_bytes -= batch->commands.len;
    batch_encode_anew(batch);
    node->outbox_bytes += batch->commands.len;
}

/* Nothing that was given up may keep the outbox full: while nobody leads, commands come and time
 * out. What was given keeps its place and shrinks. Numbers that nobody has seen are free: a batch
 * that was not given vanishes, and those behind it (none was given) move up. */
void stream_trim(struct node *node) {
    if (!node->outbox_has_void) return;
    node->outbox_has_void = false;
    uint64_t dropped = 0;
    LIST_FOR_EACH(link, &node->outbox) {
        struct out_batch *batch = SF_CONTAINER(link, struct out_batch, in_outbox);
        bool empty = batch->n_void == batch->n_commands;
        if (batch->given) {
            SF_ASSERT(dropped == 0); /* what was given stands in front */
            if (empty) batch_refresh(node, batch);
            continue;
        }
        batch->sequence -= dropped;
        if (!empty) continue;
        SF_MARK("stream: a batch that nobody saw vanishes");
        list_remove(link);
        node->outbox_bytes -= batch->commands.len;
        batch_recycle(node, batch);
        dropped++;
    }
    if (node->open_batch != NULL) node->open_batch->sequence -= dropped;
    node->next_sequence -= dropped;
    if (dropped == 0) return;
    LIST_FOR_EACH(link, &node->sessions) {
        struct session *session = SF_CONTAINER(link, struct session, in_node);
        session->settle_sequence = SF_MIN(session->settle_sequence, node->next_sequence - 1);
    }
}

struct out_batch *stream_batch(struct node *node, uint64_t sequence) {
    struct list *first = list_first(&node->outbox);
    if (first == NULL) return NULL;
    struct out_batch *batch = SF_CONTAINER(first, struct out_batch, in_outbox);
    /* applied in order: it is the oldest one, or one that a former life of this object applied */
    if (batch->sequence != sequence) return NULL;
    batch->applying = true;
    return batch;
}

void stream_applied(struct node *node, struct out_batch *batch) {
    for (uint32_t i = 0; i < batch->n_commands; i++) SF_ASSERT(batch->waiting[i] == NULL);
    list_remove(&batch->in_outbox);
    node->outbox_bytes -= batch->commands.len;
    batch->applying = false;
    batch_recycle(node, batch);
}

bool stream_is_full(const struct node *node) {
    return node->outbox_bytes >= OUTBOX_BYTES_MAX;
}

void stream_free(struct node *node) {
    batch_close(node);
    LIST_FOR_EACH(link, &node->outbox) {
        batch_destroy(SF_CONTAINER(link, struct out_batch, in_outbox));
    }
    if (node->free_batch != NULL) batch_destroy(node->free_batch);
}

static void batch_give_up(struct out_batch *batch) {
    for (uint32_t i = 0; i < batch->n_commands; i++) {
        if (batch->waiting[i] != NULL) session_write_lost(batch->waiting[i]);
    }
}

/* A new incarnation begins (new node id): what was not applied in the old cluster waits for the new
 * one, numbered from 1. alone: nobody else has the old log, so nothing more of it is ever applied.
 * Else the others may have run what was given to them: it must not run again. */
void stream_reset(struct node *node, bool alone) {
    batch_close(node);
    node->next_sequence = 1;
    node->stream_leader = NOBODY;
    node->stream_term = 0; /* numbers of another cluster's leader mean nothing here */
    node->stream_number = 0;
    node->stream_ask_us = 0;
    LIST_FOR_EACH(link, &node->outbox) {
        struct out_batch *batch = SF_CONTAINER(link, struct out_batch, in_outbox);
        if (batch->given && !alone) batch_give_up(batch);
        batch_refresh(node, batch);
        batch->sequence = node->next_sequence++;
        batch->given = false;
    }
    stream_trim(node);
}

/* -- the leader's side ----------------------------------------------------------------------- */

/* One entry of what was gathered and, behind it, of the last one's commands. */
static void propose_with(struct node *node, struct slice more) {
    if (node->gathered.len + more.len == 0) return;
    struct buf head = {0};
    bool oom = evictions_make_room(node, node->gathered.len); /* before the write that needs it */
    struct entry_stamp stamp = {clock_now_ms(node), random_next(&node->random), oom};
    entry_put_stamp(&head, &stamp);
    struct slice gathered = buf_slice(&node->gathered);
    struct bytes *payload = bytes_new_empty(head.len + gathered.len + more.len);
    memcpy(payload->data, buf_slice(&head).data, head.len);
    memcpy(payload->data + head.len, gathered.data, gathered.len);
    if (more.len > 0) memcpy(payload->data + head.len + gathered.len, more.data, more.len);
    buf_free(&head);
    buf_clear(&node->gathered);
    buf_shrink(&node->gathered, 4 << 20);
    raft_index index = 0;
    enum sf_status status = raft_propose(node->raft, ENTRY_BATCH, payload, node->now_us, &index);
    evictions_proposed(node, index, payload->len);
    bytes_unref(payload);
    SF_ASSERT(status == SF_OK); /* leader_pump looked: it leads and hands nothing over */
    LIST_FOR_EACH(link, &node->outbox) {
        struct out_batch *batch = SF_CONTAINER(link, struct out_batch, in_outbox);
        if (batch->given && batch->given_index == 0 &&
            batch->given_term == raft_current_term(node->raft)) {
            batch->given_index = index;
        } else if (!batch->given) {
            break;
        }
    }
}

static void propose_gathered(struct node *node) {
    propose_with(node, slice_of(NULL, 0));
}

static void gather(struct node *node, struct in_stream *stream, uint64_t sequence,
    uint32_t n_commands, struct slice commands) {
    SF_ASSERT(stream->open && sequence == stream->highest + 1);
    stream->highest = sequence;
    struct sub_batch_header header = {stream->incarnation, sequence, n_commands, commands};
    if (commands.len >= ENTRY_BATCH_TARGET_BYTES) { /* copied once, straight into the entry */
        entry_put_sub_batch_head(&node->gathered, &header);
        node->gathered_commands = 0;
        propose_with(node, commands);
        return;
    }
    entry_put_sub_batch(&node->gathered, &header);
    node->gathered_commands += n_commands;
    if (node->gathered.len >= ENTRY_BATCH_TARGET_BYTES ||
        node->gathered_commands >= BATCH_COMMANDS_MAX) {
        node->gathered_commands = 0;
        propose_gathered(node);
    }
}

/* Nobody forwards who is no member: neither keeps such a stream its place. */
static void streams_drop_left(struct node *node) {
    const struct raft_configuration *members = raft_configuration(node->raft);
    for (uint32_t i = 0; i < node->n_streams;) {
        if (configuration_find(members, node->streams[i].node) != NULL) {
            i++;
        } else {
            node->streams[i] = node->streams[--node->n_streams];
        }
    }
}

static struct in_stream *stream_of(struct node *node, raft_id id) {
    for (uint32_t i = 0; i < node->n_streams; i++) {
        if (node->streams[i].node == id) return &node->streams[i];
    }
    return NULL;
}

/* Returns the entry's index; 0: not now. */
static raft_index propose_incarnation(struct node *node, const struct incarnation *incarnation) {
    struct buf out = {0};
    struct entry_stamp stamp = {clock_now_ms(node), random_next(&node->random), false};
    entry_put_stamp(&out, &stamp);
    entry_put_incarnation(&out, incarnation);
    struct bytes *payload = bytes_new(buf_slice(&out).data, out.len);
    buf_free(&out);
    raft_index index = 0;
    enum sf_status status =
        raft_propose(node->raft, ENTRY_INCARNATION, payload, node->now_us, &index);
    bytes_unref(payload);
    return status == SF_OK ? index : 0;
}

static void send_open(struct node *node, struct in_stream *stream) {
    stream->number = ++node->next_stream_number;
    stream->asked = false;
    if (stream->node == node->identity.id) return;
    char text[5][INT_TEXT_MAX];
    uint64_t numbers[5] = {raft_current_term(node->raft), stream->number,
        stream->incarnation.counter, stream->incarnation.nonce, stream->highest};
    struct slice argv[6] = {SLICE("stream-open")};
    for (int i = 0; i < 5; i++) {
        argv[i + 1] = slice_of(text[i], uint_print(numbers[i], text[i]));
    }
    peer_send(node, stream->node, false, 6, argv);
}

/* Opens the stream where the applied row says that this incarnation is the node's; else asks the
 * log to say so first. The row tells what the log holds of an incarnation only once everything is
 * applied that this leader had let in when the record began: an earlier record of the same term may
 * have let in sub-batches that are not applied yet. */
static void stream_try_open(struct node *node, struct in_stream *stream) {
    if (!stream->open && engine_applied(node->engine) < stream->opens_at) return;
    struct incarnation row;
    uint64_t last;
    bool known = engine_row(node->engine, stream->node, &row, &last);
    if (known && incarnation_equal(row, stream->incarnation)) {
        if (!stream->open) stream->highest = last;
        stream->open = true;
        send_open(node, stream);
        return;
    }
    if (known && row.counter >= stream->incarnation.counter) {
        if (!stream->refused) {
            node_log(node, LOG_WARNING,
                "node %016llx speaks with a boot counter that the cluster has seen already: an old "
                "copy of its directory? Its writes are refused; wipe it and let it join anew",
                (unsigned long long)stream->node);
            if (stream->node != node->identity.id) old_copy_found(node, stream->node);
        }
        stream->refused = true;
        return;
    }
    /* void when applied, if the node was no member yet at that place: then once more */
    if (engine_applied(node->engine) >= stream->proposed_at) {
        stream->proposed_at = propose_incarnation(node, &stream->incarnation);
    }
}

static struct in_stream *stream_take(struct node *node, const struct incarnation *incarnation) {
    struct in_stream *stream = stream_of(node, incarnation->node);
    if (stream == NULL) {
        if (raft_configuration_index(node->raft) == 0 ||
            configuration_find(raft_configuration(node->raft), incarnation->node) == NULL) {
            return NULL; /* no member */
        }
        if (node->n_streams == RAFT_MEMBERS_MAX) streams_drop_left(node);
        SF_ASSERT(node->n_streams < RAFT_MEMBERS_MAX); /* this member is not among them */
        stream = &node->streams[node->n_streams++];
        *stream = (struct in_stream){.node = incarnation->node, .incarnation = *incarnation};
    } else if (!incarnation_equal(stream->incarnation, *incarnation)) {
        uint64_t counter = stream->incarnation.counter;
        if (incarnation->counter < counter) SF_MARK("stream: an earlier incarnation asks");
        if (incarnation->counter < counter) return NULL;
        if (incarnation->counter == counter && stream->open) return NULL; /* a copy of the node */
        *stream = (struct in_stream){.node = incarnation->node, .incarnation = *incarnation};
    }
    stream->asked = true;
    return stream;
}

void stream_on_ask(struct node *node, raft_id from, uint32_t argc, const struct slice *argv) {
    struct incarnation incarnation = {.node = from};
    if (argc != 3 || !uint_parse(argv[1], &incarnation.counter) ||
        !uint_parse(argv[2], &incarnation.nonce)) {
        return;
    }
    if (!raft_leads(node)) return;
    (void)stream_take(node, &incarnation); /* leader_pump answers */
}

void stream_on_batch(struct node *node, raft_id from, uint32_t argc, const struct slice *argv) {
    uint64_t number, sequence, n_commands;
    if (argc != 5 || !uint_parse(argv[1], &number) || !uint_parse(argv[2], &sequence) ||
        !uint_parse(argv[3], &n_commands) || n_commands == 0 || n_commands > UINT32_MAX) {
        return;
    }
    struct in_stream *stream = raft_leads(node) ? stream_of(node, from) : NULL;
    if (stream != NULL && stream->open && stream->number != number)
        SF_MARK("stream: a frame of an earlier stream");
    if (stream == NULL || !stream->open || stream->number != number) return; /* of an earlier one */
    if (raft_transferring(node->raft) || !node_is_leader_serving(node)) {
        SF_MARK("stream: a batch comes while leadership is handed over");
        stream->asked = true; /* dropped: should the transfer fail, the node hears where to go on */
        return;
    }
    if (sequence != stream->highest + 1) {
        if (sequence > stream->highest) SF_MARK("stream: a gap in a member's batches");
        if (sequence > stream->highest) send_open(node, stream); /* a gap: go on from there */
        return;
    }
    struct sub_batch_header header = {stream->incarnation, sequence, (uint32_t)n_commands, argv[4]};
    if (sub_batch_check(&header, node->settings.databases) != SF_OK) {
        node_log(node, LOG_WARNING, "node %016llx forwarded a batch that is malformed: dropped",
            (unsigned long long)from);
        return;
    }
    gather(node, stream, sequence, header.n_commands, header.commands);
}

static void streams_open(struct node *node) {
    bool begun = false;
    for (uint32_t i = 0; i < node->n_streams; i++) {
        begun = begun || node->streams[i].opens_at == 0;
    }
    if (begun) propose_gathered(node); /* may hold sub-batches of a record's predecessor */
    for (uint32_t i = 0; i < node->n_streams; i++) {
        struct in_stream *stream = &node->streams[i];
        if (stream->opens_at == 0) stream->opens_at = raft_last_index(node->raft);
        if (stream->asked) stream_try_open(node, stream);
    }
}

static void leader_pump(struct node *node) {
    streams_drop_left(node);
    struct in_stream *own = stream_take(node, &node->incarnation);
    if (own == NULL) return; /* our own configuration entry is not there yet */
    own->asked = !own->open;
    if (raft_transferring(node->raft)) return; /* nothing is accepted now */
    blocked_lead(node);                        /* before anything that could serve who is lost */
    streams_open(node);
    if (own->open) {
        LIST_FOR_EACH(link, &node->outbox) {
            struct out_batch *batch = SF_CONTAINER(link, struct out_batch, in_outbox);
            if (batch->sequence <= own->highest) continue;
            batch_refresh(node, batch);
            batch->given = true;
            batch->given_term = raft_current_term(node->raft);
            batch->given_index = 0;
            gather(node, own, batch->sequence, batch->n_commands, buf_slice(&batch->commands));
        }
    }
    node->gathered_commands = 0;
    propose_gathered(node);
}

/* -- the node's side ------------------------------------------------------------------------- */

static void stream_ask(struct node *node, raft_id leader) {
    if (node->now_us < node->stream_ask_us) return;
    char counter[INT_TEXT_MAX], nonce[INT_TEXT_MAX];
    struct slice argv[3] = {SLICE("stream-ask"),
        slice_of(counter, uint_print(node->incarnation.counter, counter)),
        slice_of(nonce, uint_print(node->incarnation.nonce, nonce))};
    bool sent = peer_send(node, leader, false, 3, argv);
    node->stream_ask_us = node->now_us + (sent ? ASK_AGAIN_US : ASK_AGAIN_US / 10);
}

void stream_on_open(struct node *node, raft_id from, uint32_t argc, const struct slice *argv) {
    uint64_t numbers[5];
    if (argc != 6 || node->raft == NULL) return;
    for (int i = 0; i < 5; i++) {
        if (!uint_parse(argv[i + 1], &numbers[i])) return;
    }
    uint64_t term = numbers[0], highest = numbers[4];
    if (term != raft_current_term(node->raft) || from != raft_leader(node->raft)) return;
    if (numbers[2] != node->incarnation.counter || numbers[3] != node->incarnation.nonce) return;
    if (term == node->stream_term && numbers[1] <= node->stream_number)
        return;                                 /* an older answer */
    if (highest >= node->next_sequence) return; /* not ours: it never sent that many */
    node->stream_leader = from;
    node->stream_term = term;
    node->stream_number = numbers[1];
    node->stream_next = highest + 1;
    node_wake(node);
}

static bool forward(struct node *node, raft_id leader, struct out_batch *batch) {
    struct peer *peer = peer_of(node, leader);
    if (peer == NULL || peer->bulk == 0) return false;
    if (node->ports.link_backlog(node->ports.context, peer->bulk) > FORWARD_BACKLOG_BYTES) {
        return false;
    }
    batch_refresh(node, batch);
    struct slice commands = buf_slice(&batch->commands);
    char text[3][INT_TEXT_MAX];
    struct slice argv[5] = {SLICE("batch"),
        slice_of(text[0], uint_print(node->stream_number, text[0])),
        slice_of(text[1], uint_print(batch->sequence, text[1])),
        slice_of(text[2], uint_print(batch->n_commands, text[2])), commands};
    batch->given = true; /* from here on it may be in a log */
    batch->given_term = node->stream_term;
    batch->given_index = 0;
    if (commands.len < RAFT_LARGE_BYTES) return peer_send(node, leader, true, 5, argv);
    /* the one copy that is made of it: the batch stays here until it is applied */
    struct buf head = {0};
    struct bytes *body = bytes_new(commands.data, commands.len);
    buf_append_text(&head, "*5\r\n");
    for (int i = 0; i < 4; i++) {
        buf_printf(&head, "$%zu\r\n%.*s\r\n", argv[i].len, (int)argv[i].len, argv[i].data);
    }
    buf_printf(&head, "$%zu\r\n", commands.len);
    bool sent = peer_send_large(node, leader, true, buf_slice(&head), body);
    bytes_unref(body);
    buf_free(&head);
    return sent;
}

/* A batch that was given and is not applied for long: perhaps its frame was dropped on the way. */
static void ask_when_stuck(struct node *node, raft_id leader) {
    if (node->now_us < node->stream_check_us) return;
    node->stream_check_us = node->now_us + STUCK_US;
    struct list *first = list_first(&node->outbox);
    uint64_t oldest =
        first == NULL ? 0 : SF_CONTAINER(first, struct out_batch, in_outbox)->sequence;
    if (oldest != 0 && oldest == node->stream_checked) {
        SF_MARK("stream: a batch is stuck, the leader is asked");
        node->stream_ask_us = 0;
        stream_ask(node, leader);
    }
    node->stream_checked = oldest;
}

static void follower_pump(struct node *node) {
    raft_id leader = raft_leader(node->raft);
    if (leader == NOBODY || leader == node->identity.id) return;
    if (node->stream_leader != leader || node->stream_term != raft_current_term(node->raft)) {
        node->stream_leader = NOBODY;
        stream_ask(node, leader);
        return;
    }
    LIST_FOR_EACH(link, &node->outbox) {
        struct out_batch *batch = SF_CONTAINER(link, struct out_batch, in_outbox);
        if (batch->sequence < node->stream_next) continue;
        if (batch->sequence > node->stream_next) {
            /* what is between was applied long ago: the leader's word was old; ask anew */
            SF_MARK("stream: the leader's word is old (rare)");
            node->stream_leader = NOBODY;
            break;
        }
        if (!forward(node, leader, batch)) break;
        node->stream_next = batch->sequence + 1;
    }
    ask_when_stuck(node, leader);
}

void stream_link_lost(struct node *node, raft_id peer) {
    if (node->stream_leader != peer) return;
    node->stream_leader = NOBODY; /* frames may be lost: the leader says what it has */
    node->stream_ask_us = 0;
}

void stream_pump(struct node *node) {
    batch_close(node);
    if (node->identity_switching || node->raft == NULL) return;
    if (node->gathered.len > 0 && (!raft_leads(node) || raft_transferring(node->raft))) {
        SF_MARK("stream: gathered batches are dropped with the leadership (rare)");
        /* taken in this turn, leadership gone or going since: as if the frames had been lost */
        buf_clear(&node->gathered);
        node->n_streams = 0;
    }
    if (node_is_leader_serving(node)) {
        leader_pump(node);
    } else if (!raft_leads(node)) {
        follower_pump(node);
    }
}

int64_t stream_deadline_us(const struct node *node) {
    raft_id leader = raft_leader(node->raft);
    bool asks =
        leader != NOBODY && leader != node->identity.id &&
        (node->stream_leader != leader || node->stream_term != raft_current_term(node->raft));
    return asks ? SF_MAX(node->stream_ask_us, node->now_us + 1000) : INT64_MAX;
}
