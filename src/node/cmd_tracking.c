/* CLIENT TRACKING, CACHING, TRACKINGINFO, GETREDIR. */
#include "node/internal.h"

#define TEXT_NOT_INTEGER "ERR value is not an integer or out of range"

struct asked {
    uint32_t flags;
    struct session *redirect_to;
    uint32_t n_prefixes;
    struct slice *prefixes;
};

static bool fail(struct local_call *call, const char *text) {
    reply_error(call->reply, text);
    return false;
}

static struct session *session_by_id(struct node *node, int64_t id) {
    LIST_FOR_EACH(link, &node->sessions) {
        struct session *session = SF_CONTAINER(link, struct session, in_node);
        if (id > 0 && session->id == (uint64_t)id && !session->close_now) return session;
    }
    return NULL;
}

static bool parse_redirect(struct local_call *call, struct slice text, struct asked *asked) {
    int64_t id;
    if (asked->redirect_to != NULL)
        return fail(call, "ERR A client can only redirect to a single other client");
    if (!int_parse(text, &id)) return fail(call, TEXT_NOT_INTEGER);
    asked->redirect_to = session_by_id(call->node, id);
    if (asked->redirect_to != NULL) return true;
    return fail(call, "ERR The client ID you want redirect to does not exist");
}

static uint32_t flag_of(struct slice word) {
    static const struct {
        const char *word;
        uint32_t flag;
    } flags[] = {{"bcast", TRACKING_BCAST}, {"optin", TRACKING_OPTIN}, {"optout", TRACKING_OPTOUT},
        {"noloop", TRACKING_NOLOOP}};
    for (size_t i = 0; i < SF_LENGTH(flags); i++) {
        if (slice_is(word, flags[i].word)) return flags[i].flag;
    }
    return 0;
}

static bool parse_options(struct local_call *call, struct asked *asked) {
    for (uint32_t i = 3; i < call->argc; i++) {
        struct slice word = call->argv[i];
        bool has_more = i + 1 < call->argc;
        if (slice_is(word, "redirect") && has_more) {
            if (!parse_redirect(call, call->argv[++i], asked)) return false;
        } else if (slice_is(word, "prefix") && has_more) {
            asked->prefixes[asked->n_prefixes++] = call->argv[++i];
        } else if (flag_of(word) != 0) {
            asked->flags |= flag_of(word);
        } else {
            return fail(call, "ERR syntax error");
        }
    }
    return true;
}

/* -- what fits together ---------------------------------------------------------------------- */

static bool overlap(struct slice a, struct slice b) {
    size_t shared = SF_MIN(a.len, b.len);
    return shared == 0 || memcmp(a.data, b.data, shared) == 0;
}

static bool refuse_overlap(
    struct local_call *call, struct slice prefix, const char *with, struct slice other) {
    reply_errorf(call->reply,
        "ERR Prefix '%.*s' overlaps with %s prefix '%.*s'. Prefixes for a single client must not "
        "overlap.",
        shown_bytes(prefix, INT_MAX), prefix.data, with, shown_bytes(other, INT_MAX), other.data);
    return false;
}

static bool prefixes_fit(struct local_call *call, const struct asked *asked) {
    struct tracking_client *client = call->session->tracking;
    for (uint32_t i = 0; i < asked->n_prefixes; i++) {
        struct slice prefix = asked->prefixes[i];
        if (client != NULL) {
            LIST_FOR_EACH(link, &client->prefixes) {
                const struct prefix *held =
                    SF_CONTAINER(link, struct membership, in_client)->prefix;
                struct slice text = slice_of(held->text, held->len);
                if (overlap(text, prefix)) return refuse_overlap(call, prefix, "an existing", text);
            }
        }
        for (uint32_t j = i + 1; j < asked->n_prefixes; j++) {
            if (overlap(prefix, asked->prefixes[j]))
                return refuse_overlap(call, prefix, "another provided", asked->prefixes[j]);
        }
    }
    return true;
}

static bool options_fit(struct local_call *call, const struct asked *asked) {
    const struct tracking_client *client = call->session->tracking;
    uint32_t held = client == NULL ? 0 : client->flags, flags = asked->flags;
    if ((flags & TRACKING_BCAST) == 0 && asked->n_prefixes > 0)
        return fail(call, "ERR PREFIX option requires BCAST mode to be enabled");
    if (client != NULL && ((held ^ flags) & TRACKING_BCAST) != 0)
        return fail(call, "ERR You can't switch BCAST mode on/off before disabling tracking for "
                          "this client, and then re-enabling it with a different mode.");
    bool optin = (flags & TRACKING_OPTIN) != 0, optout = (flags & TRACKING_OPTOUT) != 0;
    if ((flags & TRACKING_BCAST) != 0 && (optin || optout))
        return fail(call, "ERR OPTIN and OPTOUT are not compatible with BCAST");
    if (optin && optout) return fail(call, "ERR You can't specify both OPTIN mode and OPTOUT mode");
    if ((optin && (held & TRACKING_OPTOUT) != 0) || (optout && (held & TRACKING_OPTIN) != 0))
        return fail(call, "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for "
                          "this client, and then re-enabling it with a different mode.");
    return (flags & TRACKING_BCAST) == 0 || prefixes_fit(call, asked);
}

/* -- the commands ---------------------------------------------------------------------------- */

static void turn_on(struct local_call *call, const struct asked *asked) {
    struct tracking_client *client = tracking_begin(call->session);
    client->flags = asked->flags;
    tracking_redirect(client, asked->redirect_to);
    for (uint32_t i = 0; i < asked->n_prefixes; i++)
        tracking_add_prefix(client, asked->prefixes[i]);
    if ((asked->flags & TRACKING_BCAST) != 0 && asked->n_prefixes == 0)
        tracking_add_prefix(client, SLICE(""));
}

static void tracking(struct local_call *call) {
    struct asked asked = {.prefixes = sf_alloc(call->argc * sizeof *asked.prefixes)};
    bool on = slice_is(call->argv[2], "on"), off = slice_is(call->argv[2], "off");
    bool good = parse_options(call, &asked);
    if (good && !on && !off) good = fail(call, "ERR syntax error");
    if (good && on) good = options_fit(call, &asked);
    if (good && on) turn_on(call, &asked);
    if (good && off) tracking_end(call->session);
    if (good) reply_status(call->reply, "OK");
    sf_free(asked.prefixes);
}

static void caching(struct local_call *call) {
    struct session *session = call->session;
    bool yes = slice_is(call->argv[2], "yes"), no = slice_is(call->argv[2], "no");
    if (session->tracking == NULL) {
        reply_error(call->reply, "ERR CLIENT CACHING can be called only when the client is in "
                                 "tracking mode with OPTIN or OPTOUT mode enabled");
    } else if (!yes && !no) {
        reply_error(call->reply, "ERR syntax error");
    } else if (yes && (session->tracking->flags & TRACKING_OPTIN) == 0) {
        reply_error(call->reply,
            "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
    } else if (no && (session->tracking->flags & TRACKING_OPTOUT) == 0) {
        reply_error(call->reply,
            "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
    } else {
        session->caching = true;
        if (call->node->running != NULL) call->node->running->caching = true; /* in EXEC */
        reply_status(call->reply, "OK");
    }
}

static void reply_flags(struct local_call *call) {
    const struct session *session = call->session;
    const char *words[8];
    uint32_t n = 0, flags = session->tracking == NULL ? 0 : session->tracking->flags;
    words[n++] = session->tracking == NULL ? "off" : "on";
    if ((flags & TRACKING_BCAST) != 0) words[n++] = "bcast";
    if ((flags & TRACKING_OPTIN) != 0) words[n++] = "optin";
    if ((flags & TRACKING_OPTIN) != 0 && session->caching) words[n++] = "caching-yes";
    if ((flags & TRACKING_OPTOUT) != 0) words[n++] = "optout";
    if ((flags & TRACKING_OPTOUT) != 0 && session->caching) words[n++] = "caching-no";
    if ((flags & TRACKING_NOLOOP) != 0) words[n++] = "noloop";
    if ((flags & TRACKING_BROKEN) != 0) words[n++] = "broken_redirect";
    reply_set(call->reply, n);
    for (uint32_t i = 0; i < n; i++) reply_bulk_text(call->reply, words[i]);
}

static void info(struct local_call *call) {
    struct tracking_client *client = call->session->tracking;
    uint64_t n = 0;
    reply_map(call->reply, 3);
    reply_bulk_text(call->reply, "flags");
    reply_flags(call);
    reply_bulk_text(call->reply, "redirect");
    reply_integer(call->reply, tracking_redirection(call->session));
    reply_bulk_text(call->reply, "prefixes");
    struct reply_open open = reply_begin(call->reply);
    if (client != NULL) {
        LIST_FOR_EACH(link, &client->prefixes) {
            const struct prefix *prefix = SF_CONTAINER(link, struct membership, in_client)->prefix;
            reply_bulk(call->reply, slice_of(prefix->text, prefix->len));
            n++;
        }
    }
    reply_end(call->reply, open, REPLY_ARRAY, n);
}

int64_t tracking_redirection(const struct session *session) {
    return session->tracking == NULL ? -1 : (int64_t)session->tracking->redirect;
}

char *tracking_letters(const struct session *session, char *out) {
    if (session->tracking == NULL) return out;
    *out++ = 't';
    if ((session->tracking->flags & TRACKING_BROKEN) != 0) *out++ = 'R';
    if ((session->tracking->flags & TRACKING_BCAST) != 0) *out++ = 'B';
    return out;
}

void local_tracking(struct local_call *call) {
    if (call->command->id == COMMAND_CLIENT_TRACKING) {
        tracking(call);
    } else if (call->command->id == COMMAND_CLIENT_CACHING) {
        caching(call);
    } else if (call->command->id == COMMAND_CLIENT_TRACKINGINFO) {
        info(call);
    } else {
        reply_integer(call->reply, tracking_redirection(call->session));
    }
}
