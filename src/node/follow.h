/* Following a live Redis, and importing a dump file (DESIGN 12, "Migration in"). The state says
 * whom and from where (engine/source.h); the leader keeps the connection, and puts what comes into
 * the log; a new leader begins at what is applied. */
#ifndef SF_NODE_FOLLOW_H
#define SF_NODE_FOLLOW_H

#include "engine/source.h"
#include "node/node.h"

struct importer;

enum follow_state {
    FOLLOW_NOT,     /* no connection: again at again_us, if this node is to follow */
    FOLLOW_DIALING, /* until node_on_out_open */
    FOLLOW_PING,    /* what was sent, whose answer is awaited: */
    FOLLOW_AUTH,
    FOLLOW_PORT,
    FOLLOW_CAPA,
    FOLLOW_PSYNC,
    FOLLOW_HEAD, /* the dump's length or mark */
    FOLLOW_DUMP,
    FOLLOW_MARK, /* that stands behind the dump */
    FOLLOW_STREAM,
};

#define TEXT_LOADING "LOADING Redis is loading the dataset in memory"
#define FOLLOW_IN_FLIGHT_MAX 16
#define FOLLOW_MARK_CHARS 40

struct follow {
    enum follow_state state;
    uint64_t out;        /* the connection's number; 0: none */
    uint64_t link;       /* says in the log which connection it came by */
    uint64_t generation; /* of the state that it was begun for */
    bool is_file;
    bool has_ended; /* a file: no more comes */
    bool broken;    /* something of it was void: begin again from the state */
    int64_t again_us, heard_us, ack_us;
    char why[256]; /* why the latest connection ended; "" while all is well */
    struct buf in; /* came and not used yet */
    bool paused;

    /* the dump */
    struct importer *importer;
    struct buf piece;
    uint64_t import, step;
    bool by_mark;
    char mark[FOLLOW_MARK_CHARS];
    uint64_t dump_left, dump_bytes;

    /* the stream: offset is of what was read, put of what was logged */
    struct resp_parser *parser;
    char replid[SOURCE_REPLID_CHARS + 1];
    uint64_t offset, put_offset, ready_offset;
    uint32_t db, ready_db;
    struct buf commands; /* encoded, of which the first are ready to be logged: */
    size_t ready_bytes;  /* all but those of an open MULTI */
    uint32_t n_commands, n_ready;
    bool in_multi;
    uint64_t ack_wanted; /* GETACK was said there; 0: not */
    uint64_t acked;

    /* logged and not applied yet, oldest first */
    uint32_t in_flight_first, n_in_flight;
    size_t in_flight[FOLLOW_IN_FLIGHT_MAX];
    size_t in_flight_bytes;
};

void follow_open(struct node *node);
void follow_close(struct node *node);
void follow_drop(struct node *node); /* the state goes: nothing of it may be kept */
void follow_pump(struct node *node);
int64_t follow_deadline_us(const struct node *node);
void follow_ran(void *node, const struct source_ran *ran); /* engine_watcher's */
/* Half of a dump is no state to show: data commands are refused. */
bool follow_refuses(const struct node *node);
void follow_info(struct node *node, struct buf *out); /* INFO replication; only if it follows */
bool follow_is_up(const struct node *node);

/* what the connection says: false: not ours */
bool follow_on_open(struct node *node, uint64_t out);
bool follow_on_bytes(struct node *node, uint64_t out, struct slice bytes);
bool follow_on_closed(struct node *node, uint64_t out, const char *why);

/* -- between follow.c, follow_link.c and follow_stream.c -------------------------------------- */

/* Ends the connection; it is tried again after a while. patience: the fault is likely to last. */
void follow_fail(struct node *node, bool patience, const char *format, ...) SF_PRINTF(3, 4);
void follow_send(struct node *node, uint32_t argc, const char *const *words);
bool follow_has_room(const struct node *node);
/* Puts words into the log; bytes: what that holds of memory until it is applied. */
void follow_log(struct node *node, const struct source_words *words, size_t bytes);
void follow_head(
    const struct node *node, const char *verb, uint64_t import, struct source_words *words);
void follow_link_consume(struct node *node); /* handshake and dump */
void follow_stream_begin(struct node *node, uint64_t offset, uint32_t db);
void follow_stream_consume(struct node *node);
void follow_stream_ack(struct node *node, bool at_once);

#endif
