/* Caches of clients (CLIENT TRACKING): the keys that a client has read at this node are remembered,
 * and whatever changes one of them when it is applied here invalidates it, whoever wrote it and
 * wherever. A read is answered and remembered in one go, and what changes a key comes behind that
 * answer: so no cached value outlives the invalidation that follows it. A node that loses its
 * leader, or comes by another state, has everything dropped.
 *
 * While a session's reply is being made, nothing is put into its output: it waits for the end of
 * the turn. */
#include "node/internal.h"

#include <stdlib.h>

enum {
    ITEMS_A_KEY = 16,    /* pairs of key and client, on average: that bounds the table too */
    EVICT_A_TURN = 2000, /* keys, after tracking-table-max-keys was lowered */
    FREE_A_TURN = 2000,  /* keys of tables that were dropped */
    FREE_AT_ONCE = 500,
};

struct discarded {
    struct list in_tracking;
    struct tracked *tracked;
};

/* To a session whose reply was being made. */
struct late {
    struct list in_tracking;
    struct tracker *tracker;
    size_t len;
    char key[];
};

struct tracking {
    struct hash_secret secret;
    struct tracked *tracked;
    struct list discarded;
    struct list clients; /* struct tracking_client */
    uint32_t n_clients, n_prefixes;
    struct list prefixes, late;
    bool drop_all; /* everybody is told so at the end of the turn */
};

/* -- whose reply is being made --------------------------------------------------------------- */

/* Whose command runs: who reads, and who writes. */
static struct pending *running(const struct node *node) {
    void *holder;
    if (node->engine != NULL && engine_serves_waiter(node->engine, &holder)) return holder;
    return node->running;
}

static bool is_being_answered(const struct node *node, const struct session *session) {
    const struct pending *served = running(node);
    return (served != NULL && served->session == session) ||
           (node->running != NULL && node->running->session == session);
}

/* -- messages -------------------------------------------------------------------------------- */

/* NULL: nobody hears it; a redirection's target has gone, which is said. */
static struct session *receiver_of(struct tracking_client *client) {
    if (client->redirect == 0) return client->session;
    if (client->redirect_to != NULL) return client->redirect_to;
    client->flags |= TRACKING_BROKEN;
    struct session *session = client->session;
    if (session->proto < 3 || session->close_now) return NULL;
    struct reply reply = {&session->output, session->proto};
    reply_push(&reply, 2);
    reply_bulk_text(&reply, "tracking-redir-broken");
    reply_integer(&reply, (int64_t)client->redirect);
    session_pushed(session);
    return NULL;
}

/* keys NULL: everything. */
static void tell(struct tracking_client *client, uint64_t n, const struct slice *keys) {
    struct session *receiver = receiver_of(client);
    if (receiver == NULL || receiver->close_now) return;
    struct reply reply = {&receiver->output, receiver->proto};
    if (receiver->proto > 2) {
        reply_push(&reply, 2);
        reply_bulk_text(&reply, "invalidate");
    } else if (client->redirect != 0 && session_is_subscriber(receiver)) {
        reply_array(&reply, 3);
        reply_bulk_text(&reply, "message");
        reply_bulk_text(&reply, "__redis__:invalidate");
    } else {
        return; /* RESP2 has no way to say it in between */
    }
    if (keys == NULL) {
        reply_null(&reply);
    } else {
        reply_array(&reply, n);
        for (uint64_t i = 0; i < n; i++) reply_bulk(&reply, keys[i]);
    }
    session_pushed(receiver);
}

static void tell_late(struct tracking *tracking, struct tracker *tracker, struct slice key) {
    struct late *late = sf_alloc(sizeof *late + key.len);
    *late = (struct late){.tracker = tracker, .len = key.len};
    tracker->n_refs++;
    if (key.len > 0) memcpy(late->key, key.data, key.len);
    list_init(&late->in_tracking);
    list_push_back(&tracking->late, &late->in_tracking);
}

static void late_free(struct late *late) {
    list_remove(&late->in_tracking);
    tracker_release(late->tracker);
    sf_free(late);
}

static void invalidate(void *context, struct slice key, struct tracker *tracker) {
    struct node *node = context;
    struct session *session = tracker->session;
    if (session == NULL) return;
    struct tracking_client *client = session->tracking;
    const struct pending *writer = running(node);
    bool own = writer != NULL && writer->session == session;
    if (own && (client->flags & TRACKING_NOLOOP) != 0) return;
    const struct session *receiver = client->redirect != 0 ? client->redirect_to : session;
    if ((receiver != NULL && is_being_answered(node, receiver)) ||
        is_being_answered(node, session)) {
        tell_late(node->tracking, tracker, key);
        node_wake(node);
    } else {
        tell(client, 1, &key);
    }
}

/* Evicted from the table. The reader's own NOLOOP is about its writes, not about this. */
static void invalidate_evicted(void *context, struct slice key, struct tracker *tracker) {
    struct node *node = context;
    if (tracker->session == NULL) return;
    tell_late(node->tracking, tracker, key);
    node_wake(node);
}

/* -- what changes, what is read -------------------------------------------------------------- */

static void note_prefixes(struct node *node, struct slice key) {
    const struct pending *writer = running(node);
    LIST_FOR_EACH(link, &node->tracking->prefixes) {
        struct prefix *prefix = SF_CONTAINER(link, struct prefix, in_tracking);
        if (key.len < prefix->len || memcmp(key.data, prefix->text, prefix->len) != 0) continue;
        put_u64(&prefix->changed, writer == NULL ? 0 : writer->session->id);
        put_string(&prefix->changed, key);
        prefix->n_changed++;
        node_wake(node);
    }
}

void tracking_on_changed(void *context, uint32_t db, struct slice key) {
    struct node *node = context;
    (void)db; /* keys of all databases are tracked by their names alone */
    if (!list_empty(&node->tracking->prefixes)) note_prefixes(node, key);
    tracked_take(node->tracking->tracked, key, invalidate, node);
}

static bool is_over(const struct node *node, const struct tracked *tracked) {
    uint64_t max = node->settings.tracking_max_keys;
    if (max == 0) return false;
    return tracked_keys(tracked) > max || tracked_items(tracked) / ITEMS_A_KEY > max;
}

static void evict(struct node *node, uint64_t budget) {
    struct tracked *tracked = node->tracking->tracked;
    while (budget-- > 0 && is_over(node, tracked)) {
        tracked_take_any(tracked, invalidate_evicted, node);
    }
}

void tracking_on_read(
    void *context, const struct command *command, uint32_t argc, const struct slice *argv) {
    struct node *node = context;
    const struct pending *reader = running(node);
    if (reader == NULL || reader->session->tracking == NULL) return;
    const struct tracking_client *client = reader->session->tracking;
    if ((client->flags & TRACKING_BCAST) != 0) return;
    if ((client->flags & TRACKING_OPTIN) != 0 && !reader->caching) return;
    if ((client->flags & TRACKING_OPTOUT) != 0 && reader->caching) return;
    uint32_t few[16], *places = few, n;
    n = command_key_positions(command, argc, argv, few, SF_LENGTH(few));
    if (n > SF_LENGTH(few)) {
        places = sf_alloc(n * sizeof *places);
        n = command_key_positions(command, argc, argv, places, n);
    }
    for (uint32_t i = 0; i < n; i++) {
        tracked_add(node->tracking->tracked, argv[places[i]], client->tracker);
        evict(node, 2);
    }
    if (places != few) sf_free(places);
}

/* -- everything ------------------------------------------------------------------------------ */

static void discard(struct tracking *tracking) {
    struct tracked *old = tracking->tracked;
    tracking->tracked = tracked_new(&tracking->secret);
    if (tracked_free_some(old, FREE_AT_ONCE)) return;
    struct discarded *discarded = sf_alloc(sizeof *discarded);
    discarded->tracked = old;
    list_init(&discarded->in_tracking);
    list_push_back(&tracking->discarded, &discarded->in_tracking);
}

void tracking_drop_all(struct node *node) {
    struct tracking *tracking = node->tracking;
    if (tracking->n_clients == 0) return;
    discard(tracking);
    tracking->drop_all = true;
    node_wake(node);
}

void tracking_on_replaced(void *context, uint32_t db) {
    (void)db;
    tracking_drop_all(context);
}

/* The engine is another one, or the first client came, or the last one went. */
void tracking_follow_engine(struct node *node) {
    if (node->engine != NULL) engine_watch_keys(node->engine, node->tracking->n_clients > 0);
}

/* -- the end of the turn --------------------------------------------------------------------- */

struct changed {
    struct slice key;
    uint64_t writer; /* 0: somebody else, or several */
};

static int compare_changed(const void *a, const void *b) {
    return slice_compare(((const struct changed *)a)->key, ((const struct changed *)b)->key);
}

/* In the order of the keys, each once; returns how many. */
static uint64_t read_changed(const struct prefix *prefix, struct changed *out) {
    struct reader in = reader_of(buf_slice(&prefix->changed));
    for (uint64_t i = 0; i < prefix->n_changed; i++) {
        out[i].writer = read_u64(&in);
        out[i].key = read_string(&in);
    }
    qsort(out, prefix->n_changed, sizeof *out, compare_changed);
    uint64_t n = 0;
    for (uint64_t i = 0; i < prefix->n_changed; i++) {
        bool again = n > 0 && slice_equal(out[n - 1].key, out[i].key);
        if (!again) {
            out[n++] = out[i];
        } else if (out[n - 1].writer != out[i].writer) {
            out[n - 1].writer = 0; /* both must hear of the other's */
        }
    }
    return n;
}

static void tell_member(
    struct tracking_client *client, const struct changed *changed, uint64_t n, struct slice *keys) {
    bool noloop = (client->flags & TRACKING_NOLOOP) != 0;
    uint64_t n_told = 0;
    for (uint64_t i = 0; i < n; i++) {
        if (noloop && changed[i].writer == client->session->id) continue;
        keys[n_told++] = changed[i].key;
    }
    if (n_told > 0) tell(client, n_told, keys);
}

static void tell_prefix(struct prefix *prefix) {
    if (prefix->n_changed == 0) return;
    struct changed *changed = sf_alloc(prefix->n_changed * sizeof *changed);
    uint64_t n = read_changed(prefix, changed);
    struct slice *keys = sf_alloc(n * sizeof *keys);
    LIST_FOR_EACH(link, &prefix->members) {
        tell_member(SF_CONTAINER(link, struct membership, in_prefix)->client, changed, n, keys);
    }
    sf_free(keys);
    sf_free(changed);
    buf_clear(&prefix->changed);
    buf_shrink(&prefix->changed, 4096);
    prefix->n_changed = 0;
}

void tracking_pump(struct node *node) {
    struct tracking *tracking = node->tracking;
    LIST_FOR_EACH(link, &tracking->late) {
        struct late *late = SF_CONTAINER(link, struct late, in_tracking);
        struct slice key = slice_of(late->key, late->len);
        if (late->tracker->session != NULL) tell(late->tracker->session->tracking, 1, &key);
        late_free(late);
    }
    LIST_FOR_EACH(link, &tracking->prefixes) {
        tell_prefix(SF_CONTAINER(link, struct prefix, in_tracking));
    }
    if (tracking->drop_all) {
        tracking->drop_all = false;
        LIST_FOR_EACH(link, &tracking->clients) {
            tell(SF_CONTAINER(link, struct tracking_client, in_tracking), 0, NULL);
        }
    }
    evict(node, EVICT_A_TURN);
    if (is_over(node, tracking->tracked)) node_wake(node);
    LIST_FOR_EACH(link, &tracking->discarded) {
        struct discarded *discarded = SF_CONTAINER(link, struct discarded, in_tracking);
        node_wake(node);
        if (!tracked_free_some(discarded->tracked, FREE_A_TURN)) break;
        list_remove(&discarded->in_tracking);
        sf_free(discarded);
    }
}

/* -- clients --------------------------------------------------------------------------------- */

struct tracking_client *tracking_begin(struct session *session) {
    struct tracking *tracking = session->node->tracking;
    if (session->tracking != NULL) return session->tracking;
    struct tracking_client *client = sf_alloc_zero(1, sizeof *client);
    client->session = session;
    client->tracker = sf_alloc_zero(1, sizeof *client->tracker);
    *client->tracker = (struct tracker){.n_refs = 1, .session = session};
    list_init(&client->in_tracking);
    list_init(&client->in_redirected);
    list_init(&client->prefixes);
    list_push_back(&tracking->clients, &client->in_tracking);
    session->tracking = client;
    if (tracking->n_clients++ == 0) tracking_follow_engine(session->node);
    return client;
}

void tracking_redirect(struct tracking_client *client, struct session *to) {
    list_remove(&client->in_redirected);
    client->redirect_to = to;
    client->redirect = to == NULL ? 0 : to->id;
    if (to != NULL) list_push_back(&to->redirected, &client->in_redirected);
}

static struct prefix *prefix_get(struct tracking *tracking, struct slice text) {
    LIST_FOR_EACH(link, &tracking->prefixes) {
        struct prefix *prefix = SF_CONTAINER(link, struct prefix, in_tracking);
        if (slice_equal(slice_of(prefix->text, prefix->len), text)) return prefix;
    }
    struct prefix *prefix = sf_alloc_zero(1, sizeof *prefix + text.len);
    prefix->len = text.len;
    if (text.len > 0) memcpy(prefix->text, text.data, text.len);
    list_init(&prefix->in_tracking);
    list_init(&prefix->members);
    list_push_back(&tracking->prefixes, &prefix->in_tracking);
    tracking->n_prefixes++;
    return prefix;
}

void tracking_add_prefix(struct tracking_client *client, struct slice text) {
    LIST_FOR_EACH(link, &client->prefixes) {
        const struct prefix *prefix = SF_CONTAINER(link, struct membership, in_client)->prefix;
        if (slice_equal(slice_of(prefix->text, prefix->len), text)) return;
    }
    struct membership *membership = sf_alloc_zero(1, sizeof *membership);
    membership->client = client;
    membership->prefix = prefix_get(client->session->node->tracking, text);
    list_init(&membership->in_prefix);
    list_init(&membership->in_client);
    list_push_back(&membership->prefix->members, &membership->in_prefix);
    list_push_back(&client->prefixes, &membership->in_client);
}

static void leave_prefixes(struct tracking *tracking, struct tracking_client *client) {
    LIST_FOR_EACH(link, &client->prefixes) {
        struct membership *membership = SF_CONTAINER(link, struct membership, in_client);
        struct prefix *prefix = membership->prefix;
        list_remove(&membership->in_client);
        list_remove(&membership->in_prefix);
        sf_free(membership);
        if (!list_empty(&prefix->members)) continue;
        list_remove(&prefix->in_tracking);
        buf_free(&prefix->changed);
        sf_free(prefix);
        tracking->n_prefixes--;
    }
}

void tracking_end(struct session *session) {
    struct tracking *tracking = session->node->tracking;
    struct tracking_client *client = session->tracking;
    session->caching = false;
    if (client == NULL) return;
    leave_prefixes(tracking, client);
    list_remove(&client->in_redirected);
    list_remove(&client->in_tracking);
    client->tracker->session = NULL;
    tracker_release(client->tracker);
    sf_free(client);
    session->tracking = NULL;
    if (--tracking->n_clients > 0) return;
    discard(tracking);
    tracking_follow_engine(session->node);
}

void tracking_session_closes(struct session *session) {
    tracking_end(session);
    LIST_FOR_EACH(link, &session->redirected) {
        struct tracking_client *client = SF_CONTAINER(link, struct tracking_client, in_redirected);
        list_remove(&client->in_redirected);
        client->redirect_to = NULL; /* it hears of that with the next invalidation */
    }
}

/* -- life ------------------------------------------------------------------------------------ */

void tracking_open(struct node *node) {
    struct tracking *tracking = sf_alloc_zero(1, sizeof *tracking);
    tracking->secret = (struct hash_secret){random_next(&node->random), random_next(&node->random)};
    tracking->tracked = tracked_new(&tracking->secret);
    list_init(&tracking->discarded);
    list_init(&tracking->clients);
    list_init(&tracking->prefixes);
    list_init(&tracking->late);
    node->tracking = tracking;
}

/* The sessions have gone. */
void tracking_close(struct node *node) {
    struct tracking *tracking = node->tracking;
    SF_ASSERT(tracking->n_clients == 0 && tracking->n_prefixes == 0);
    LIST_FOR_EACH(link, &tracking->late) {
        late_free(SF_CONTAINER(link, struct late, in_tracking));
    }
    LIST_FOR_EACH(link, &tracking->discarded) {
        struct discarded *discarded = SF_CONTAINER(link, struct discarded, in_tracking);
        list_remove(&discarded->in_tracking);
        tracked_free(discarded->tracked);
        sf_free(discarded);
    }
    tracked_free(tracking->tracked);
    sf_free(tracking);
    node->tracking = NULL;
}

struct tracking_figures tracking_figures(const struct node *node) {
    const struct tracking *tracking = node->tracking;
    return (struct tracking_figures){.n_clients = tracking->n_clients,
        .n_prefixes = tracking->n_prefixes,
        .n_keys = tracked_keys(tracking->tracked),
        .n_items = tracked_items(tracking->tracked)};
}
