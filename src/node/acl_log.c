/* ACL LOG: what was denied to this node's clients of late. Like entries within a minute are one. */
#include "node/internal.h"
#include "util/number.h"

enum { GROUPED_MS = 60000, LOOKED_AT = 10, OBJECT_BYTES_MAX = 1024 };

struct access_denial {
    struct list in_log;
    uint64_t id, count;
    enum acl_verdict verdict;
    const char *context;
    int64_t created_ms, updated_ms;
    struct buf object, user, client;
};

static void denial_free(struct node *node, struct access_denial *denial) {
    list_remove(&denial->in_log);
    node->access.n_denials--;
    buf_free(&denial->object);
    buf_free(&denial->user);
    buf_free(&denial->client);
    sf_free(denial);
}

static void trim(struct node *node, uint64_t kept) {
    while (node->access.n_denials > kept)
        denial_free(node, SF_CONTAINER(node->access.denials.prev, struct access_denial, in_log));
}

void acl_log_close(struct node *node) {
    trim(node, 0);
}

static struct access_denial *find_like(struct node *node, enum acl_verdict verdict,
    const char *context, struct slice object, struct slice user) {
    int left = LOOKED_AT;
    LIST_FOR_EACH(link, &node->access.denials) {
        struct access_denial *denial = SF_CONTAINER(link, struct access_denial, in_log);
        if (left-- == 0) break;
        int64_t apart_ms = node->wall_ms - denial->updated_ms;
        if (denial->verdict != verdict || strcmp(denial->context, context) != 0) continue;
        if (apart_ms > GROUPED_MS || apart_ms < -GROUPED_MS) continue;
        if (slice_equal(buf_slice(&denial->object), object) &&
            slice_equal(buf_slice(&denial->user), user)) {
            return denial;
        }
    }
    return NULL;
}

void acl_log_add(struct session *session, enum acl_verdict verdict, const char *context,
    struct slice object, struct slice user) {
    struct node *node = session->node;
    node->access.denied[verdict]++;
    object.len = SF_MIN(object.len, (size_t)OBJECT_BYTES_MAX);
    user.len = SF_MIN(user.len, (size_t)OBJECT_BYTES_MAX);
    struct access_denial *denial = find_like(node, verdict, context, object, user);
    if (denial == NULL) {
        denial = sf_alloc_zero(1, sizeof *denial);
        denial->id = node->access.next_denial++;
        denial->verdict = verdict;
        denial->context = context;
        denial->created_ms = node->wall_ms;
        buf_append_slice(&denial->object, object);
        buf_append_slice(&denial->user, user);
        list_init(&denial->in_log);
        node->access.n_denials++;
    } else {
        list_remove(&denial->in_log);
    }
    list_push_back(node->access.denials.next, &denial->in_log); /* in front of all */
    denial->count++;
    denial->updated_ms = node->wall_ms;
    buf_clear(&denial->client);
    session_describe(session, &denial->client);
    if (denial->client.len > 0) buf_truncate(&denial->client, denial->client.len - 1); /* newline */
    trim(node, node->settings.acl_log_max_len);
}

void acl_log_figures(const struct node *node, uint64_t out[ACL_DENIED_CHANNEL + 1]) {
    memcpy(out, node->access.denied, sizeof node->access.denied);
}

void acl_log_reset_figures(struct node *node) {
    memset(node->access.denied, 0, sizeof node->access.denied);
}

static void field(struct reply *reply, const char *name, struct slice value) {
    reply_bulk_text(reply, name);
    reply_bulk(reply, value);
}

static void number_field(struct reply *reply, const char *name, int64_t value) {
    reply_bulk_text(reply, name);
    reply_integer(reply, value);
}

static void denial_reply(
    const struct node *node, const struct access_denial *denial, struct reply *reply) {
    static const char *const reasons[] = {"", "command", "key", "auth", "channel"};
    reply_map(reply, 10);
    number_field(reply, "count", (int64_t)denial->count);
    field(reply, "reason", slice_text(reasons[denial->verdict]));
    field(reply, "context", slice_text(denial->context));
    field(reply, "object", buf_slice(&denial->object));
    field(reply, "username", buf_slice(&denial->user));
    reply_bulk_text(reply, "age-seconds");
    reply_double(reply, (double)(node->wall_ms - denial->updated_ms) / 1000);
    field(reply, "client-info", buf_slice(&denial->client));
    number_field(reply, "entry-id", (int64_t)denial->id);
    number_field(reply, "timestamp-created", denial->created_ms);
    number_field(reply, "timestamp-last-updated", denial->updated_ms);
}

void local_acl_log(struct local_call *call) {
    struct node *node = call->node;
    int64_t wanted = 10;
    if (call->argc > 3) {
        reply_errorf(call->reply,
            "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try ACL HELP.",
            shown_bytes(call->argv[1], 128), call->argv[1].data);
        return;
    }
    if (call->argc == 3 && slice_is(call->argv[2], "reset")) {
        trim(node, 0);
        reply_status(call->reply, "OK");
        return;
    }
    if (call->argc == 3 && !int_parse(call->argv[2], &wanted)) {
        reply_error(call->reply, "ERR value is not an integer or out of range");
        return;
    }
    uint64_t n = wanted < 0 ? 0 : SF_MIN((uint64_t)wanted, node->access.n_denials);
    reply_array(call->reply, n);
    LIST_FOR_EACH(link, &node->access.denials) {
        if (n-- == 0) break;
        denial_reply(node, SF_CONTAINER(link, struct access_denial, in_log), call->reply);
    }
}
