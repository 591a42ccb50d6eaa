/* The beginning of a replication link: greeting, PSYNC, and the dump of a full resynchronisation.
 *
 *   PING, AUTH, REPLCONF listening-port, REPLCONF capa, PSYNC replid offset | ? -1
 *   +FULLRESYNC replid offset, then `$length` or `$EOF:mark` and the dump (and the mark)
 *   +CONTINUE [replid]
 *
 * The dump goes into the log in pieces, behind a word that empties the state and in front of one
 * that says that all was there (engine/source.c). A leader that dies in between leaves half of a
 * dump, which is never served: the next one begins anew. */
#include "node/follow.h"

#include "node/internal.h"
#include "resp/parse.h"

#include <stdio.h>

enum { LINE_BYTES_MAX = 4096 };

/* -- asking ---------------------------------------------------------------------------------- */

/* What is asked for is kept: while the master answers, the state may move by what an earlier
 * connection, or another leader, has put into the log. */
static void ask_psync(struct node *node) {
    struct follow *follow = node->follow;
    const struct source *source = engine_source(node->engine);
    char offset[INT_TEXT_MAX + 1] = "-1";
    const char *words[3] = {"PSYNC", "?", offset};
    if (source->phase == SOURCE_STREAMING) {
        memcpy(follow->replid, source->replid, sizeof follow->replid);
        follow->offset = source->offset;
        follow->db = source->db;
        follow->import = source->import;
        words[1] = follow->replid;
        offset[uint_print(follow->offset + 1, offset)] = '\0';
    }
    follow_send(node, 3, words);
}

static void ask_auth(struct node *node) {
    const struct node_settings *settings = &node->settings;
    const char *words[3] = {"AUTH", settings->masteruser, settings->masterauth};
    if (settings->masteruser[0] == '\0') words[1] = settings->masterauth;
    follow_send(node, settings->masteruser[0] == '\0' ? 2 : 3, words);
}

static void ask(struct node *node, enum follow_state state) {
    struct follow *follow = node->follow;
    if (state == FOLLOW_AUTH && node->settings.masterauth[0] == '\0') state = FOLLOW_PORT;
    follow->state = state;
    if (state == FOLLOW_PING) {
        follow_send(node, 1, (const char *const[]){"PING"});
    } else if (state == FOLLOW_AUTH) {
        ask_auth(node);
    } else if (state == FOLLOW_PORT) {
        char port[INT_TEXT_MAX + 1];
        port[uint_print(node->settings.port, port)] = '\0';
        follow_send(node, 3, (const char *const[]){"REPLCONF", "listening-port", port});
    } else if (state == FOLLOW_CAPA) {
        follow_send(node, 5, (const char *const[]){"REPLCONF", "capa", "eof", "capa", "psync2"});
    } else if (state == FOLLOW_PSYNC) {
        ask_psync(node);
    }
}

bool follow_on_open(struct node *node, uint64_t out) {
    struct follow *follow = node->follow;
    if (follow->out != out) return false;
    if (follow->is_file) {
        follow->state = FOLLOW_HEAD;
    } else {
        ask(node, FOLLOW_PING);
    }
    return true;
}

bool follow_on_closed(struct node *node, uint64_t out, const char *why) {
    struct follow *follow = node->follow;
    if (follow->out != out) return false;
    if (follow->is_file && why[0] == '\0') { /* its last bytes may still be here */
        follow->has_ended = true;
        return true;
    }
    follow->out = 0;
    if (follow->is_file)
        follow_fail(node, false, "%s", why);
    else
        follow_fail(node, false, "the connection to %s is lost: %s",
            engine_source(node->engine)->host, why);
    return true;
}

/* -- the dump -------------------------------------------------------------------------------- */

static void dump_begins(struct node *node) {
    struct follow *follow = node->follow;
    follow->importer = importer_new(node->engine);
    follow->step = follow->dump_bytes = 0;
    follow->state = FOLLOW_DUMP;
}

/* The state is emptied, unless somebody else has imported since. */
static void log_import(struct node *node, const char *replid, uint64_t offset) {
    struct follow *follow = node->follow;
    struct source_words words;
    follow_head(
        node, follow->is_file ? "file" : "import", engine_source(node->engine)->import, &words);
    do {
        follow->import = random_next(&node->random);
    } while (follow->import == 0);
    source_words_number(&words, follow->import);
    if (!follow->is_file) {
        source_words_text(&words, slice_text(replid));
        source_words_number(&words, offset);
    }
    follow_log(node, &words, 0);
    if (follow->is_file) follow->generation++;
}

static void log_piece(struct node *node) {
    struct follow *follow = node->follow;
    struct source_words words;
    if (follow->piece.len == 0) return;
    follow_head(node, "keys", follow->import, &words);
    source_words_number(&words, ++follow->step);
    source_words_text(&words, buf_slice(&follow->piece));
    follow_log(node, &words, follow->piece.len);
    buf_clear(&follow->piece);
}

static void log_imported(struct node *node) {
    struct follow *follow = node->follow;
    struct source_words words;
    follow_head(node, "imported", follow->import, &words);
    source_words_number(&words, ++follow->step);
    source_words_number(&words, importer_stream_db(follow->importer));
    follow_log(node, &words, 0);
    node_log(node, LOG_NOTICE, "%s: the dump is read, %llu keys",
        follow->is_file ? "import-rdb" : "replicaof",
        (unsigned long long)importer_n_keys(follow->importer));
}

static void dump_ends(struct node *node) {
    struct follow *follow = node->follow;
    log_piece(node);
    log_imported(node);
    struct slice rest = importer_rest(follow->importer);
    struct buf in = {0};
    buf_append_slice(&in, rest); /* of a length: nothing, what follows it is still in `in` */
    buf_append_slice(&in, buf_slice(&follow->in));
    buf_free(&follow->in);
    follow->in = in;
    uint32_t db = importer_stream_db(follow->importer);
    importer_free(follow->importer);
    follow->importer = NULL;
    if (follow->is_file) {
        follow_drop(node);
        return;
    }
    follow_stream_begin(node, follow->offset, db);
    if (follow->by_mark) follow->state = FOLLOW_MARK;
}

static void dump_feed(struct node *node) {
    struct follow *follow = node->follow;
    size_t n = follow->in.len;
    if (!follow->by_mark && !follow->is_file) n = SF_MIN(n, follow->dump_left);
    importer_feed(follow->importer, slice_of(buf_slice(&follow->in).data, n));
    buf_consume(&follow->in, n);
    follow->dump_bytes += n;
    follow->dump_left -= SF_MIN((uint64_t)n, follow->dump_left);
}

/* false: nothing more can be done now. */
static bool dump_goes_on(struct node *node) {
    struct follow *follow = node->follow;
    if (follow->n_in_flight + 2 > FOLLOW_IN_FLIGHT_MAX || !follow_has_room(node)) return false;
    switch (importer_next(follow->importer, &follow->piece)) {
    case IMPORTER_MORE:
        if (follow->in.len == 0 && follow->has_ended) {
            follow_fail(node, true, "the file ends too early");
            return false;
        }
        if (!follow->by_mark && !follow->is_file && follow->dump_left == 0) {
            follow_fail(node, true, "the dump does not end with its length");
            return false;
        }
        if (follow->in.len == 0) return false;
        dump_feed(node);
        return true;
    case IMPORTER_PIECE:
        log_piece(node);
        return true;
    case IMPORTER_END:
        if (!follow->by_mark && !follow->is_file &&
            (follow->dump_left > 0 || importer_rest(follow->importer).len > 0)) {
            follow_fail(node, true, "the dump ends before its length");
            return false;
        }
        dump_ends(node);
        return false;
    case IMPORTER_FAILED:
        follow_fail(node, true, "the dump cannot be taken: %s", importer_why(follow->importer));
        return false;
    }
    return false;
}

/* -- what is answered ------------------------------------------------------------------------ */

/* `$length` or `$EOF:mark`; blank lines say that the master is still at it. */
static bool on_head(struct node *node, struct slice line) {
    struct follow *follow = node->follow;
    if (line.len == 0) return true;
    if (line.data[0] != '$') {
        follow_fail(node, false, "the master answers %.*s", (int)line.len, line.data);
        return false;
    }
    struct slice rest = slice_of(line.data + 1, line.len - 1);
    follow->by_mark = rest.len == 4 + FOLLOW_MARK_CHARS && memcmp(rest.data, "EOF:", 4) == 0;
    if (follow->by_mark) {
        memcpy(follow->mark, rest.data + 4, FOLLOW_MARK_CHARS);
    } else if (!uint_parse(rest, &follow->dump_left)) {
        follow_fail(node, false, "the master announces no dump: %.*s", (int)line.len, line.data);
        return false;
    }
    log_import(node, follow->replid, follow->offset);
    dump_begins(node);
    return true;
}

/* It stands in the state, in INFO and in the next PSYNC. */
static bool is_replid(const char *text) {
    for (int i = 0; i < SOURCE_REPLID_CHARS; i++) {
        char c = text[i];
        bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!good) return false;
    }
    return true;
}

static bool on_full(struct node *node, struct slice rest) {
    struct follow *follow = node->follow;
    bool good = rest.len > SOURCE_REPLID_CHARS + 1 && rest.data[SOURCE_REPLID_CHARS] == ' ' &&
                is_replid(rest.data);
    if (good) {
        memcpy(follow->replid, rest.data, SOURCE_REPLID_CHARS);
        good = uint_parse(
            slice_of(rest.data + SOURCE_REPLID_CHARS + 1, rest.len - SOURCE_REPLID_CHARS - 1),
            &follow->offset);
    }
    if (!good) {
        follow_fail(node, false, "the master's FULLRESYNC makes no sense");
        return false;
    }
    node_log(node, LOG_NOTICE, "replicaof: full resynchronisation with %.*s:%llu",
        SOURCE_REPLID_CHARS, follow->replid, (unsigned long long)follow->offset);
    follow->state = FOLLOW_HEAD;
    return true;
}

static bool on_continue(struct node *node, struct slice rest) {
    struct follow *follow = node->follow;
    if (follow->replid[0] == '\0') {
        follow_fail(node, false, "the master goes on where nothing was begun");
        return false;
    }
    if (rest.len == SOURCE_REPLID_CHARS + 1 && is_replid(rest.data + 1)) /* under another name */
        memcpy(follow->replid, rest.data + 1, SOURCE_REPLID_CHARS);
    node_log(node, LOG_NOTICE, "replicaof: goes on at %.*s:%llu", SOURCE_REPLID_CHARS,
        follow->replid, (unsigned long long)follow->offset);
    follow_stream_begin(node, follow->offset, follow->db);
    return false;
}

static bool on_psync(struct node *node, struct slice line) {
    static const struct slice full = {"+FULLRESYNC ", 12}, again = {"+CONTINUE", 9};
    if (line.len == 0) return true;
    if (line.len > full.len && memcmp(line.data, full.data, full.len) == 0)
        return on_full(node, slice_of(line.data + full.len, line.len - full.len));
    if (line.len >= again.len && memcmp(line.data, again.data, again.len) == 0)
        return on_continue(node, slice_of(line.data + again.len, line.len - again.len));
    follow_fail(
        node, false, "the master answers PSYNC with %.*s", (int)SF_MIN(line.len, 150), line.data);
    return false;
}

static bool says(struct slice line, const char *prefix) {
    size_t n = strlen(prefix);
    return line.len >= n && memcmp(line.data, prefix, n) == 0;
}

/* false: the connection has ended, or lines do. */
static bool on_line(struct node *node, struct slice line) {
    switch (node->follow->state) {
    case FOLLOW_PING:
        if (!says(line, "+") && !says(line, "-NOAUTH") && !says(line, "-NOPERM") &&
            !says(line, "-ERR operation not permitted")) {
            break;
        }
        ask(node, FOLLOW_AUTH);
        return true;
    case FOLLOW_AUTH:
        if (!says(line, "+")) break;
        ask(node, FOLLOW_PORT);
        return true;
    case FOLLOW_PORT: /* old ones do not know these */
        ask(node, FOLLOW_CAPA);
        return true;
    case FOLLOW_CAPA:
        ask(node, FOLLOW_PSYNC);
        return true;
    case FOLLOW_PSYNC:
        return on_psync(node, line);
    case FOLLOW_HEAD:
        return on_head(node, line);
    case FOLLOW_NOT:
    case FOLLOW_DIALING:
    case FOLLOW_DUMP:
    case FOLLOW_MARK:
    case FOLLOW_STREAM:
        return false;
    }
    follow_fail(node, false, "the master answers %.*s", (int)SF_MIN(line.len, 150), line.data);
    return false;
}

/* One line, copied out of `in`; false: there is none yet. */
static bool take_line(struct node *node, char line[LINE_BYTES_MAX], size_t *len) {
    struct buf *in = &node->follow->in;
    struct slice all = buf_slice(in);
    const char *end = all.len == 0 ? NULL : memchr(all.data, '\n', all.len);
    if (end == NULL || end - all.data >= LINE_BYTES_MAX) {
        if (all.len >= LINE_BYTES_MAX) follow_fail(node, false, "the master speaks no RESP");
        return false;
    }
    *len = (size_t)(end - all.data);
    memcpy(line, all.data, *len);
    buf_consume(in, *len + 1);
    if (*len > 0 && line[*len - 1] == '\r') --*len;
    return true;
}

static bool take_mark(struct node *node) {
    struct follow *follow = node->follow;
    if (follow->in.len < FOLLOW_MARK_CHARS) return false;
    if (memcmp(buf_slice(&follow->in).data, follow->mark, FOLLOW_MARK_CHARS) != 0) {
        follow_fail(node, true, "the dump does not end with its mark");
        return false;
    }
    buf_consume(&follow->in, FOLLOW_MARK_CHARS);
    follow->state = FOLLOW_STREAM;
    return false;
}

void follow_link_consume(struct node *node) {
    struct follow *follow = node->follow;
    bool goes_on = true;
    if (follow->is_file && follow->state == FOLLOW_HEAD) {
        node_log(node, LOG_NOTICE, "import-rdb: %s is being imported", node->settings.import_rdb);
        log_import(node, "", 0);
        dump_begins(node);
    }
    while (goes_on && follow->state >= FOLLOW_PING && follow->state <= FOLLOW_HEAD) {
        char line[LINE_BYTES_MAX];
        size_t len;
        goes_on = take_line(node, line, &len) && on_line(node, slice_of(line, len));
    }
    while (follow->state == FOLLOW_DUMP && dump_goes_on(node)) continue;
    if (follow->state == FOLLOW_MARK) take_mark(node);
}
