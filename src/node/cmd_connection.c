/* Commands about the connection itself. */
#include "node/internal.h"
#include "node/version.h"

#include <stdio.h>

/* -- authentication -------------------------------------------------------------------------- */

static const char wrongpass[] = "WRONGPASS invalid username-password pair or user is disabled.";

void local_auth(struct local_call *call) {
    if (call->argc > 3) {
        reply_error(call->reply, "ERR syntax error");
        return;
    }
    if (call->argc == 2) {
        const struct acl_user *user = acl_find_id(node_acl(call->node), ACL_DEFAULT_ID);
        if (!acl_user_needs_password(user)) {
            reply_error(call->reply,
                "ERR AUTH <password> called without any password configured for the default user. "
                "Are you sure your configuration is correct?");
            return;
        }
    }
    struct slice user = call->argc == 3 ? call->argv[1] : SLICE("default");
    bool in_exec = call->node->running != NULL;
    if (access_log_in(call->session, call->argv[0], user, call->argv[call->argc - 1], in_exec)) {
        reply_status(call->reply, "OK");
    } else {
        reply_error(call->reply, wrongpass);
    }
}

/* -- HELLO ----------------------------------------------------------------------------------- */

bool client_name_is_valid(struct slice name) {
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] < '!' || name.data[i] > '~') return false;
    }
    return true;
}

static void set_text(struct buf *out, struct slice value) {
    buf_clear(out);
    buf_append_slice(out, value);
}

static const char bad_name[] =
    "ERR Client names cannot contain spaces, newlines or special characters.";

static void hello_reply(struct local_call *call) {
    struct reply *reply = call->reply;
    reply->proto = call->session->proto;
    reply_map(reply, 7);
    reply_bulk_text(reply, "server");
    reply_bulk_text(reply, "redis");
    reply_bulk_text(reply, "version");
    reply_bulk_text(reply, REDIS_VERSION);
    reply_bulk_text(reply, "proto");
    reply_integer(reply, call->session->proto);
    reply_bulk_text(reply, "id");
    reply_integer(reply, (int64_t)call->session->id);
    reply_bulk_text(reply, "mode");
    reply_bulk_text(reply, "standalone");
    reply_bulk_text(reply, "role");
    reply_bulk_text(reply, "master");
    reply_bulk_text(reply, "modules");
    reply_array(reply, 0);
}

struct hello_options {
    int64_t proto;
    bool has_auth, has_name;
    struct slice user, password, name;
};

static bool hello_parse(struct local_call *call, struct hello_options *out) {
    if (call->argc > 1) {
        if (!int_parse(call->argv[1], &out->proto)) {
            reply_error(call->reply, "ERR Protocol version is not an integer or out of range");
            return false;
        }
        if (out->proto < 2 || out->proto > 3) {
            reply_error(call->reply, "NOPROTO unsupported protocol version");
            return false;
        }
    }
    for (uint32_t i = 2; i < call->argc; i++) {
        uint32_t more = call->argc - 1 - i;
        if (slice_is(call->argv[i], "auth") && more >= 2) {
            out->has_auth = true;
            out->user = call->argv[i + 1];
            out->password = call->argv[i + 2];
            i += 2;
        } else if (slice_is(call->argv[i], "setname") && more >= 1) {
            out->has_name = true;
            out->name = call->argv[++i];
            if (!client_name_is_valid(out->name)) {
                reply_error(call->reply, bad_name);
                return false;
            }
        } else {
            reply_errorf(call->reply, "ERR Syntax error in HELLO option '%.*s'",
                shown_bytes(call->argv[i], INT_MAX), call->argv[i].data);
            return false;
        }
    }
    return true;
}

void local_hello(struct local_call *call) {
    struct session *session = call->session;
    struct hello_options options = {0};
    if (!hello_parse(call, &options)) return;
    bool in_exec = call->node->running != NULL;
    if (options.has_auth &&
        !access_log_in(session, call->argv[0], options.user, options.password, in_exec)) {
        reply_error(call->reply, wrongpass);
        return;
    }
    if (!session->is_admitted) {
        reply_error(call->reply, "NOAUTH HELLO must be called with the client already "
                                 "authenticated, otherwise the HELLO "
                                 "<proto> AUTH <user> <pass> option can be used to authenticate "
                                 "the client and select the "
                                 "RESP protocol version at the same time");
        return;
    }
    if (options.has_name) set_text(&session->name, options.name);
    if (options.proto != 0) session->proto = (uint8_t)options.proto;
    hello_reply(call);
}

/* -- small ones ------------------------------------------------------------------------------ */

void local_ping(struct local_call *call) {
    if (call->argc > 2) {
        reply_error(call->reply, "ERR wrong number of arguments for 'ping' command");
    } else if (call->session->proto == 2 && session_is_subscriber(call->session)) {
        reply_array(call->reply, 2); /* in the form of what is pushed */
        reply_bulk_text(call->reply, "pong");
        reply_bulk(call->reply, call->argc == 2 ? call->argv[1] : SLICE(""));
    } else if (call->argc == 2) {
        reply_bulk(call->reply, call->argv[1]);
    } else {
        reply_status(call->reply, "PONG");
    }
}

void local_echo(struct local_call *call) {
    reply_bulk(call->reply, call->argv[1]);
}

void local_time(struct local_call *call) {
    reply_array(call->reply, 2);
    reply_bulk_integer(call->reply, call->node->wall_ms / 1000);
    int64_t micros = call->node->wall_ms % 1000 * 1000 + call->node->now_us % 1000;
    reply_bulk_integer(call->reply, micros);
}

void local_quit(struct local_call *call) {
    reply_status(call->reply, "OK");
    call->session->no_more = true;
    call->session->quitting = true;
}

void session_reset_state(struct session *session) {
    transaction_forget(session);
    session->db = 0;
    session->proto = 2;
    session->stale_reads = false;
    session->reply_off = session->reply_skip = session->reply_skip_next = false;
    session->no_evict = session->no_touch = false;
    buf_free(&session->name);
    list_remove(&session->in_monitors);
    session_unsubscribe(session);
    tracking_end(session);
    access_session_begins(session);
}

void local_reset(struct local_call *call) {
    session_reset_state(call->session);
    call->reply->proto = 2;
    reply_status(call->reply, "RESET");
}

void local_select(struct local_call *call) {
    int64_t number;
    if (!int_parse(call->argv[1], &number)) {
        reply_error(call->reply, "ERR value is not an integer or out of range");
    } else if (number < INT32_MIN || number > INT32_MAX) {
        reply_error(call->reply,
            "ERR value is out of range, value must between -2147483648 and 2147483647");
    } else if (number < 0 || number >= call->node->settings.databases) {
        reply_error(call->reply, "ERR DB index is out of range");
    } else {
        call->session->db = (uint32_t)number;
        reply_status(call->reply, "OK");
    }
}

void local_readonly(struct local_call *call) {
    call->session->stale_reads = true;
    reply_status(call->reply, "OK");
}

void local_readwrite(struct local_call *call) {
    call->session->stale_reads = false;
    reply_status(call->reply, "OK");
}

enum { CLIENT_FLAGS_MAX = 16 };

/* -- CLIENT ---------------------------------------------------------------------------------- */

static const char *client_flags(const struct session *session, char out[CLIENT_FLAGS_MAX]) {
    char *at = out;
    if (!list_empty(&session->in_monitors)) *at++ = 'O';
    if (session_is_subscriber(session)) *at++ = 'P';
    if (session_is_blocked(session)) *at++ = 'b';
    if (transaction_queued(session) >= 0) *at++ = 'x';
    at = tracking_letters(session, at);
    if (session->stale_reads) *at++ = 'r';
    if (session->no_evict) *at++ = 'e';
    if (session->no_touch) *at++ = 'T';
    if (at == out) *at++ = 'N';
    *at = '\0';
    return out;
}

size_t session_bytes(const struct session *session) {
    return sizeof *session + session->input.cap + session->output.cap + session->pending_bytes +
           transaction_bytes(session);
}

void session_describe(const struct session *session, struct buf *out) {
    int64_t now = session->node->now_us;
    char flags[CLIENT_FLAGS_MAX];
    const uint32_t *subscribed = session->subscriber.n;
    struct slice name = buf_slice(&session->name), lib = buf_slice(&session->lib_name),
                 version = buf_slice(&session->lib_version);
    buf_printf(out, "id=%llu addr=%s laddr=%s fd=%d name=%.*s age=%lld idle=%lld flags=%s db=%u ",
        (unsigned long long)session->id, session->remote, session->local, session->fd,
        (int)name.len, name.data == NULL ? "" : name.data,
        (long long)((now - session->opened_us) / 1000000),
        (long long)((now - session->last_us) / 1000000), client_flags(session, flags), session->db);
    buf_printf(out,
        "sub=%u psub=%u ssub=%u multi=%lld qbuf=%zu qbuf-free=%zu argv-mem=%zu multi-mem=%zu "
        "rbs=%zu rbp=0 "
        "obl=%zu oll=0 omem=%zu tot-mem=%zu events=r cmd=%s user=",
        subscribed[TOPIC_CHANNEL], subscribed[TOPIC_PATTERN], subscribed[TOPIC_SHARD],
        (long long)transaction_queued(session), session->input.len,
        session->input.cap - session->input.len, session->pending_bytes, transaction_bytes(session),
        session->output.cap, session->output.len, session->output.cap, session_bytes(session),
        session->last_command == NULL ? "NULL" : session->last_command->name);
    const struct acl_user *user = access_user(session);
    buf_append_slice(out, user == NULL ? SLICE("(superuser)") : acl_user_name(user));
    buf_printf(
        out, " redir=%lld resp=%u ", (long long)tracking_redirection(session), session->proto);
    buf_printf(out, "lib-name=%.*s lib-ver=%.*s\n", (int)lib.len, lib.data == NULL ? "" : lib.data,
        (int)version.len, version.data == NULL ? "" : version.data);
}

static bool id_is_listed(const struct local_call *call, uint32_t first, uint64_t id) {
    uint64_t wanted;
    for (uint32_t i = first; i < call->argc; i++) {
        if (uint_parse(call->argv[i], &wanted) && wanted == id) return true;
    }
    return false;
}

enum client_type { CLIENT_TYPE_NORMAL, CLIENT_TYPE_PUBSUB, CLIENT_TYPE_NONE, CLIENT_TYPE_ANY };

static enum client_type client_type_of(const struct session *session) {
    return session_is_subscriber(session) ? CLIENT_TYPE_PUBSUB : CLIENT_TYPE_NORMAL;
}

/* false: the error was replied. There are no replicas and no master among clients. */
static bool client_type_parse(struct local_call *call, struct slice text, enum client_type *out) {
    bool is_none = slice_is(text, "master") || slice_is(text, "replica") || slice_is(text, "slave");
    *out = is_none                    ? CLIENT_TYPE_NONE
           : slice_is(text, "pubsub") ? CLIENT_TYPE_PUBSUB
                                      : CLIENT_TYPE_NORMAL;
    if (*out != CLIENT_TYPE_NORMAL || slice_is(text, "normal")) return true;
    reply_errorf(
        call->reply, "ERR Unknown client type '%.*s'", shown_bytes(text, INT_MAX), text.data);
    return false;
}

static bool has_type(const struct session *session, enum client_type type) {
    return type == CLIENT_TYPE_ANY || client_type_of(session) == type;
}

static void client_list(struct local_call *call) {
    bool by_id = call->argc > 3 && slice_is(call->argv[2], "id");
    enum client_type type = CLIENT_TYPE_ANY;
    if (call->argc == 4 && slice_is(call->argv[2], "type")) {
        if (!client_type_parse(call, call->argv[3], &type)) return;
    } else if (by_id) {
        for (uint32_t i = 3; i < call->argc; i++) {
            int64_t id;
            if (!int_parse(call->argv[i], &id)) {
                reply_error(call->reply, "ERR Invalid client ID");
                return;
            }
        }
    } else if (call->argc != 2) {
        reply_error(call->reply, "ERR syntax error");
        return;
    }
    struct buf out = {0};
    LIST_FOR_EACH(link, &call->node->sessions) {
        const struct session *session = SF_CONTAINER(link, struct session, in_node);
        bool is_listed = !by_id || id_is_listed(call, 3, session->id);
        if (is_listed && has_type(session, type)) session_describe(session, &out);
    }
    reply_verbatim(call->reply, "txt", buf_slice(&out));
    buf_free(&out);
}

static void client_setinfo(struct local_call *call) {
    struct slice value = call->argv[3];
    bool is_name = slice_is(call->argv[2], "lib-name");
    if (!is_name && !slice_is(call->argv[2], "lib-ver")) {
        reply_errorf(call->reply, "ERR Unrecognized option '%.*s'",
            shown_bytes(call->argv[2], INT_MAX), call->argv[2].data);
        return;
    }
    if (!client_name_is_valid(value)) {
        reply_errorf(call->reply, "ERR %.*s cannot contain spaces, newlines or special characters.",
            (int)call->argv[2].len, call->argv[2].data);
        return;
    }
    set_text(is_name ? &call->session->lib_name : &call->session->lib_version, value);
    reply_status(call->reply, "OK");
}

/* In a transaction it tears the array of replies, as in Redis: the places behind OFF are not heard,
 * those behind ON are, whatever became of the array's head. */
static void client_reply(struct local_call *call) {
    struct session *session = call->session;
    bool in_exec = call->node->running != NULL;
    if (slice_is(call->argv[2], "on")) {
        if (in_exec && session->reply_off && !session->close_now)
            call->reply->out = &session->output;
        session->reply_off = false; /* before the reply was begun: session.c */
        reply_status(call->reply, "OK");
    } else if (slice_is(call->argv[2], "off")) {
        session->reply_off = true;
        if (in_exec) call->reply->out = NULL;
    } else if (slice_is(call->argv[2], "skip")) {
        if (!session->reply_off) session->reply_skip_next = true;
    } else {
        reply_error(call->reply, "ERR syntax error");
    }
}

static bool on_or_off(struct local_call *call, bool *out) {
    *out = slice_is(call->argv[2], "on");
    if (*out || slice_is(call->argv[2], "off")) {
        reply_status(call->reply, "OK");
        return true;
    }
    reply_error(call->reply, "ERR syntax error");
    return false;
}

/* -- CLIENT KILL ----------------------------------------------------------------------------- */

struct kill_filter {
    bool has_id, has_addr, has_laddr, skip_me;
    enum client_type type;
    uint64_t id;
    uint64_t user; /* ACL_NOBODY: any */
    struct slice addr, laddr;
};

static bool kill_parse(struct local_call *call, struct kill_filter *filter) {
    for (uint32_t i = 2; i < call->argc; i += 2) {
        struct slice option = call->argv[i];
        if (i + 1 >= call->argc) {
            reply_error(call->reply, "ERR syntax error");
            return false;
        }
        struct slice value = call->argv[i + 1];
        int64_t id;
        if (slice_is(option, "id")) {
            if (!int_parse(value, &id) || id < 1) {
                reply_error(call->reply, "ERR client-id should be greater than 0");
                return false;
            }
            filter->has_id = true;
            filter->id = (uint64_t)id;
        } else if (slice_is(option, "addr")) {
            filter->has_addr = true;
            filter->addr = value;
        } else if (slice_is(option, "laddr")) {
            filter->has_laddr = true;
            filter->laddr = value;
        } else if (slice_is(option, "user")) {
            const struct acl_user *user = acl_find(node_acl(call->node), value);
            if (user != NULL) filter->user = acl_user_id(user);
            if (user == NULL) {
                reply_errorf(call->reply, "ERR No such user '%.*s'", shown_bytes(value, INT_MAX),
                    value.data);
                return false;
            }
        } else if (slice_is(option, "type")) {
            if (!client_type_parse(call, value, &filter->type)) return false;
        } else if (slice_is(option, "skipme")) {
            filter->skip_me = slice_is(value, "yes");
            if (!filter->skip_me && !slice_is(value, "no")) {
                reply_error(call->reply, "ERR syntax error");
                return false;
            }
        } else {
            reply_error(call->reply, "ERR syntax error");
            return false;
        }
    }
    return true;
}

static bool kill_matches(
    const struct kill_filter *filter, const struct session *session, const struct session *self) {
    if (filter->skip_me && session == self) return false;
    if (!has_type(session, filter->type)) return false;
    if (filter->has_id && session->id != filter->id) return false;
    if (filter->user != ACL_NOBODY && session->user != filter->user) return false;
    if (filter->has_addr && !slice_equal(filter->addr, slice_text(session->remote))) return false;
    return !filter->has_laddr || slice_equal(filter->laddr, slice_text(session->local));
}

static void client_kill(struct local_call *call) {
    struct kill_filter filter = {.skip_me = true, .type = CLIENT_TYPE_ANY};
    bool old_form = call->argc == 3;
    if (old_form) {
        filter =
            (struct kill_filter){.has_addr = true, .addr = call->argv[2], .type = CLIENT_TYPE_ANY};
    } else if (!kill_parse(call, &filter)) {
        return;
    }
    int64_t killed = 0;
    LIST_FOR_EACH(link, &call->node->sessions) {
        struct session *session = SF_CONTAINER(link, struct session, in_node);
        if (session->close_now || !kill_matches(&filter, session, call->session)) continue;
        killed++;
        session->no_more = true;
        if (session == call->session) {
            session->quitting = true; /* it hears the answer first */
        } else {
            session->close_now = true;
            session_changed(session);
        }
    }
    if (!old_form) {
        reply_integer(call->reply, killed);
    } else if (killed == 0) {
        reply_error(call->reply, "ERR No such client");
    } else {
        reply_status(call->reply, "OK");
    }
}

static const char *const client_help[] = {"CACHING (YES|NO)",
    "    Whether the keys of the next request are tracked.", "GETREDIR",
    "    The id of the connection that hears this one's invalidations.", "GETNAME",
    "    The name of this connection.", "ID", "    The id of this connection.", "INFO",
    "    One line about this connection.", "KILL <ip:port>",
    "    Closes the connection from that address.", "KILL <option> <value> [...]",
    "    Closes the connections that match all of ID, ADDR, LADDR, USER, TYPE, SKIPME.",
    "LIST [TYPE (NORMAL|PUBSUB|MASTER|REPLICA) | ID <id> ...]",
    "    A line for each connection of this node.", "NO-EVICT (ON|OFF)",
    "    Keeps this connection out of client eviction.", "NO-TOUCH (ON|OFF)",
    "    Whether reads of this connection count as accesses.", "PAUSE <timeout> [WRITE|ALL]",
    "    Lets the clients of this node wait, all or those that write.", "REPLY (ON|OFF|SKIP)",
    "    Whether replies are sent to this connection.", "SETINFO (LIB-NAME|LIB-VER) <value>",
    "    What the client library says of itself.", "SETNAME <name>", "    Names this connection.",
    "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]] [OPTIN] [OPTOUT] [NOLOOP]",
    "    Whether this connection hears of changes of keys that it has read.", "TRACKINGINFO",
    "    How this connection is tracked.", "UNBLOCK <clientid> [TIMEOUT|ERROR]",
    "    Ends the waiting of a connection of this node.", "UNPAUSE", "    Ends a pause.", NULL};

void local_client(struct local_call *call) {
    struct session *session = call->session;
    struct reply *reply = call->reply;
    if (call->command->id == COMMAND_CLIENT_ID) {
        reply_integer(reply, (int64_t)session->id);
    } else if (call->command->id == COMMAND_CLIENT_GETNAME) {
        if (session->name.len == 0) {
            reply_null(reply);
        } else {
            reply_bulk(reply, buf_slice(&session->name));
        }
    } else if (call->command->id == COMMAND_CLIENT_SETNAME) {
        if (!client_name_is_valid(call->argv[2])) {
            reply_error(reply, bad_name);
        } else {
            set_text(&session->name, call->argv[2]);
            reply_status(reply, "OK");
        }
    } else if (call->command->id == COMMAND_CLIENT_INFO) {
        struct buf out = {0};
        session_describe(session, &out);
        reply_verbatim(reply, "txt", buf_slice(&out));
        buf_free(&out);
    } else if (call->command->id == COMMAND_CLIENT_LIST) {
        client_list(call);
    } else if (call->command->id == COMMAND_CLIENT_SETINFO) {
        client_setinfo(call);
    } else if (call->command->id == COMMAND_CLIENT_REPLY) {
        client_reply(call);
    } else if (call->command->id == COMMAND_CLIENT_NO_EVICT) {
        on_or_off(call, &session->no_evict);
    } else if (call->command->id == COMMAND_CLIENT_NO_TOUCH) {
        on_or_off(call, &session->no_touch);
    } else if (call->command->id == COMMAND_CLIENT_KILL) {
        client_kill(call);
    } else {
        reply_help(call->reply, "CLIENT", client_help);
    }
}
