/* Commands about the server: CONFIG, SHUTDOWN, ROLE, LOLWUT. */
#include "node/internal.h"
#include "node/version.h"

#include <stdio.h>

/* -- CONFIG ---------------------------------------------------------------------------------- */

struct config_reply {
    struct reply *reply;
    uint64_t n;
};

static void visit_config(void *visitor, const char *name, const char *value) {
    struct config_reply *out = visitor;
    reply_bulk_text(out->reply, name);
    reply_bulk_text(out->reply, value);
    out->n++;
}

static void config_get(struct local_call *call) {
    struct node *node = call->node;
    struct config_reply out = {call->reply, 0};
    struct reply_open open = reply_begin(call->reply);
    node->ports.config_get(node->ports.context, call->argc - 2, call->argv + 2, visit_config, &out);
    reply_end(call->reply, open, REPLY_MAP, out.n);
}

/* Judges all pairs before any is set. false: the error was replied. */
static bool config_judge(struct local_call *call, uint32_t *n_replicated) {
    struct node *node = call->node;
    if (call->argc % 2 != 0) {
        reply_error(call->reply, "ERR syntax error");
        return false;
    }
    for (uint32_t i = 2; i < call->argc; i += 2) {
        struct slice name = call->argv[i];
        int shown = shown_bytes(name, INT_MAX);
        struct buf error = {0};
        enum config_verdict verdict =
            node->ports.config_check(node->ports.context, name, call->argv[i + 1], &error);
        bool doubled = false;
        for (uint32_t k = 2; k < i; k += 2) {
            doubled = doubled || (call->argv[k].len == name.len &&
                                     strncasecmp(call->argv[k].data, name.data, name.len) == 0);
        }
        if (verdict == CONFIG_UNKNOWN) {
            reply_errorf(call->reply,
                "ERR Unknown option or number of arguments for CONFIG SET - '%.*s'", shown,
                name.data);
        } else if (verdict == CONFIG_IMMUTABLE) {
            reply_errorf(call->reply,
                "ERR CONFIG SET failed (possibly related to argument '%.*s') - can't set immutable "
                "config",
                shown, name.data);
        } else if (verdict == CONFIG_INVALID || doubled) {
            struct slice why = doubled ? SLICE("duplicate parameter") : buf_slice(&error);
            reply_errorf(call->reply,
                "ERR CONFIG SET failed (possibly related to argument '%.*s') - %.*s", shown,
                name.data, (int)why.len, why.data);
            verdict = CONFIG_INVALID;
        }
        buf_free(&error);
        if (verdict == CONFIG_REPLICATED) (*n_replicated)++;
        if (verdict != CONFIG_REPLICATED && verdict != CONFIG_LOCAL) return false;
    }
    return true;
}

/* Settings of the cluster go through the log as one command: all of them or none. words: the
 * command, to be freed by the caller; names is what it borrows from besides argv. */
static uint32_t config_words(struct node *node, uint32_t argc, const struct slice *argv,
    struct slice **words, struct buf *names) {
    *words = sf_alloc(argc * sizeof **words); /* CONFIG SET and the pairs: more than is needed */
    size_t name_bytes = 0;
    for (uint32_t i = 2; i < argc; i += 2) name_bytes += argv[i].len;
    char *at = buf_reserve(names, name_bytes); /* in lower case */
    uint32_t n = 0;
    (*words)[n++] = SLICE("shardforge.setting");
    for (uint32_t i = 2; i + 1 < argc; i += 2) {
        struct slice name = argv[i];
        struct buf error = {0};
        enum config_verdict verdict =
            node->ports.config_check(node->ports.context, name, argv[i + 1], &error);
        buf_free(&error);
        if (verdict != CONFIG_REPLICATED) continue;
        for (size_t k = 0; k < name.len; k++) {
            char c = name.data[k];
            at[k] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        }
        (*words)[n++] = slice_of(at, name.len);
        (*words)[n++] = argv[i + 1];
        at += name.len;
    }
    return n;
}

static void config_replicate(struct local_call *call) {
    struct node *node = call->node;
    struct slice *words;
    struct buf names = {0};
    uint32_t argc = config_words(node, call->argc, call->argv, &words, &names);
    call->pending->kind = PENDING_WRITE;
    stream_add(node, call->pending, 0, argc, words);
    buf_free(&names);
    sf_free(words);
}

bool config_set_as_entry(struct node *node, uint32_t argc, const struct slice *argv,
    uint32_t *words_argc, struct slice **words, struct buf *names) {
    struct reply nowhere = {NULL, 2};
    struct local_call judged = {.node = node, .argc = argc, .argv = argv, .reply = &nowhere};
    uint32_t n_replicated = 0;
    if (!config_judge(&judged, &n_replicated)) return false;
    if (n_replicated == 0 || 2 + 2 * n_replicated != argc) return false;
    *words_argc = config_words(node, argc, argv, words, names);
    return true;
}

static void config_set(struct local_call *call) {
    struct node *node = call->node;
    uint32_t n_replicated = 0;
    if (!config_judge(call, &n_replicated)) return;
    if (n_replicated > 0 && call->pending == NULL) {
        reply_error(call->reply,
            "ERR CONFIG SET failed - in a transaction, settings of the cluster "
            "and of this node cannot be set by one command");
        return;
    }
    for (uint32_t i = 2; i < call->argc; i += 2) {
        struct buf error = {0};
        enum config_verdict verdict =
            node->ports.config_check(node->ports.context, call->argv[i], call->argv[i + 1], &error);
        bool good = verdict != CONFIG_LOCAL || node->ports.config_set(node->ports.context,
                                                   call->argv[i], call->argv[i + 1], &error);
        if (!good) {
            reply_errorf(call->reply,
                "ERR CONFIG SET failed (possibly related to argument '%.*s') - %.*s",
                shown_bytes(call->argv[i], INT_MAX), call->argv[i].data, (int)error.len,
                buf_slice(&error).data);
        }
        buf_free(&error);
        if (!good) return;
    }
    if (n_replicated > 0) {
        config_replicate(call);
    } else {
        reply_status(call->reply, "OK");
    }
}

static const char *const config_help[] = {"GET <pattern> [<pattern> ...]",
    "    The directives whose names match, with their values.", "SET <directive> <value> [...]",
    "    Changes directives; those of the cluster change on all nodes.", "RESETSTAT",
    "    Sets the counters of INFO back.", "REWRITE", "    Writes the values into the file.", NULL};

void local_config(struct local_call *call) {
    struct node *node = call->node;
    if (call->command->id == COMMAND_CONFIG_GET) {
        config_get(call);
    } else if (call->command->id == COMMAND_CONFIG_SET) {
        config_set(call);
    } else if (call->command->id == COMMAND_CONFIG_RESETSTAT) {
        observe_reset(node);
        evictions_reset_figures(node);
        acl_log_reset_figures(node);
        if (node->engine != NULL) engine_reset_counts(node->engine);
        reply_status(call->reply, "OK");
    } else if (call->command->id == COMMAND_CONFIG_REWRITE) {
        struct buf error = {0};
        if (node->ports.config_rewrite(node->ports.context, &error)) {
            reply_status(call->reply, "OK");
        } else {
            reply_errorf(call->reply, "ERR %.*s", (int)error.len, buf_slice(&error).data);
        }
        buf_free(&error);
    } else {
        reply_help(call->reply, "CONFIG", config_help);
    }
}

/* -- the rest -------------------------------------------------------------------------------- */

static void role_of_leader(struct local_call *call, const struct raft_configuration *now) {
    struct raft *raft = call->node->raft;
    reply_array(call->reply, 3);
    reply_bulk_text(call->reply, "master");
    reply_integer(call->reply, (int64_t)raft_commit_index(raft));
    reply_array(call->reply, now->n - (configuration_find(now, raft_self(raft)) != NULL));
    for (uint32_t i = 0; i < now->n; i++) {
        const struct raft_member *member = &now->members[i];
        struct raft_peer_status status = {0};
        if (member->id == raft_self(raft)) continue;
        if (!raft_peer(raft, member->id, &status)) status.match = 0;
        reply_array(call->reply, 3);
        reply_bulk_text(call->reply, member->address.host);
        reply_bulk_integer(call->reply, member->address.port);
        reply_bulk_integer(call->reply, (int64_t)status.match);
    }
}

void local_role(struct local_call *call) {
    struct node *node = call->node;
    if (node->raft == NULL) {
        reply_array(call->reply, 3);
        reply_bulk_text(call->reply, "master");
        reply_integer(call->reply, 0);
        reply_array(call->reply, 0);
        return;
    }
    const struct source *source = engine_source(node->engine);
    if (source->kind == SOURCE_REDIS) {
        const char *states[] = {"connect", "sync", "connected"};
        reply_array(call->reply, 5);
        reply_bulk_text(call->reply, "slave");
        reply_bulk_text(call->reply, source->host);
        reply_integer(call->reply, source->port);
        reply_bulk_text(call->reply, follow_is_up(node)                  ? "connected"
                                     : source->phase == SOURCE_STREAMING ? "connect"
                                                                         : states[source->phase]);
        reply_integer(call->reply, (int64_t)source->offset);
        return;
    }
    const struct raft_configuration *now = raft_configuration(node->raft);
    if (raft_leads(node)) {
        role_of_leader(call, now);
        return;
    }
    const struct raft_member *leader = configuration_find(now, raft_leader(node->raft));
    reply_array(call->reply, 5);
    reply_bulk_text(call->reply, "slave");
    reply_bulk_text(call->reply, leader == NULL ? "" : leader->address.host);
    reply_integer(call->reply, leader == NULL ? 0 : leader->address.port);
    reply_bulk_text(call->reply, leader == NULL ? "connect" : "connected");
    reply_integer(call->reply, (int64_t)engine_applied(node->engine));
}

/* A forge seen from the side: as many sparks as the cluster has members. */
void local_lolwut(struct local_call *call) {
    struct node *node = call->node;
    uint32_t members = node->raft == NULL ? 1 : raft_configuration(node->raft)->n;
    struct buf out = {0};
    for (int row = 0; row < 4; row++) {
        char line[40];
        memset(line, ' ', sizeof line);
        for (uint32_t i = 0; i < members * 2; i++) {
            line[hash_mix((uint64_t)row * 131 + i * 17 + members) % sizeof line] =
                row % 2 ? '\'' : '*';
        }
        buf_append(&out, line, sizeof line);
        buf_append_char(&out, '\n');
    }
    buf_append_text(&out, "         ________________\n"
                          "   _____/               |\n"
                          "  |_____                |\n"
                          "        \\_    ________/\n"
                          "          |  |\n"
                          "        __|  |__\n"
                          "       |________|\n\n"
                          "Struck in agreement. ShardForge ver. " SHARDFORGE_VERSION "\n");
    reply_verbatim(call->reply, "txt", buf_slice(&out));
    buf_free(&out);
}
