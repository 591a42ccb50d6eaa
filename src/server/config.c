#include "server/config.h"

#include "commands/acl.h"
#include "commands/events.h"
#include "server/config_parse.h"
#include "server/config_words.h"
#include "util/number.h"

#include <stdio.h>

/* -- setting --------------------------------------------------------------------------------- */

/* value's words, as a line with that value would have them: one for single values even when it
 * contains spaces, split where the directive takes several. */
static bool parse_value(const struct config_directive *directive, struct slice value,
    struct config_values *values, struct buf *error) {
    bool takes_several = directive->type == TYPE_BIND || directive->type == TYPE_LIMITS ||
                         directive->type == TYPE_JOIN || directive->type == TYPE_PERCENTILES ||
                         directive->type == TYPE_SAVE;
    if (!takes_several) return config_parse(directive, 1, &value, values, error);
    struct config_words words;
    bool is_ok = config_words_split(value, &words);
    if (!is_ok) buf_append_text(error, "Unbalanced quotes in configuration line");
    if (is_ok) is_ok = config_parse(directive, words.n, words.words, values, error);
    config_words_clear(&words);
    return is_ok;
}

struct config *config_new(void) {
    struct config *config = sf_alloc_zero(1, sizeof(*config));
    struct buf error = {0};
    for (uint32_t i = 0; i < config_directive_count(); i++) {
        const struct config_directive *directive = &config_directives[i];
        if (directive->type == TYPE_JOIN) continue; /* none */
        bool is_ok =
            parse_value(directive, slice_text(directive->default_text), &config->values, &error);
        SF_ASSERT(is_ok);
    }
    buf_free(&error);
    return config;
}

void config_free(struct config *config) {
    if (config == NULL) return;
    for (uint32_t i = 0; i < CONFIG_DIRECTIVES_MAX; i++) sf_free(config->where[i]);
    for (uint32_t i = 0; i < CONFIG_INERT_MAX; i++) sf_free(config->inert[i]);
    buf_free(&config->users);
    sf_free(config->file);
    sf_free(config);
}

/* -- parameters that change nothing ---------------------------------------------------------- */

static void inert_set(struct config *config, int place, struct slice value) {
    const char *standard = config_inert_at((uint32_t)place)->value;
    sf_free(config->inert[place]);
    config->inert[place] = NULL;
    if (slice_equal(value, slice_text(standard))) return;
    config->inert[place] = sf_alloc(value.len + 1);
    if (value.len > 0) memcpy(config->inert[place], value.data, value.len);
    config->inert[place][value.len] = '\0';
}

static bool inert_apply(
    struct config *config, uint32_t n, const struct slice *words, struct buf *error) {
    int place = config_inert_find(words[0]);
    struct buf value = {0}; /* all words of the line */
    for (uint32_t i = 1; i < n; i++) {
        if (i > 1) buf_append_char(&value, ' ');
        buf_append_slice(&value, words[i]);
    }
    const char *reason = config_refusal(words[0]);
    struct buf ignored = {0};
    bool is_ok = place >= 0 && n > 1 &&
                 config_inert_accepts(config_inert_at((uint32_t)place), buf_slice(&value),
                     reason != NULL ? &ignored : error);
    if (is_ok)
        inert_set(config, place, buf_slice(&value));
    else if (reason != NULL || place < 0)
        buf_append_text(error, reason != NULL ? reason : "unknown directive");
    else if (n == 1)
        buf_append_text(error, "wrong number of arguments");
    buf_free(&ignored);
    buf_free(&value);
    return is_ok;
}

/* Remembered as a line of an aclfile; wrong rules are found now. */
static bool user_apply(
    struct config *config, uint32_t n, const struct slice *words, struct buf *error) {
    struct acl *trial = acl_new();
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) buf_append_char(&config->users, ' ');
        buf_append_slice(&config->users, i == 0 ? SLICE("user") : words[i]);
    }
    buf_append_char(&config->users, '\n');
    config->values.users = buf_slice(&config->users);
    struct buf reasons = {0};
    bool is_ok = acl_text_read(trial, config->values.users, "user", &reasons);
    if (!is_ok) buf_append_text(error, "Error in user declaration: ");
    if (!is_ok) buf_append(error, buf_slice(&reasons).data, reasons.len - 1);
    buf_free(&reasons);
    acl_free(trial);
    return is_ok;
}

bool config_apply(struct config *config, uint32_t n, const struct slice *words, const char *where,
    struct buf *error) {
    SF_ASSERT(n > 0);
    const struct config_directive *directive = config_directive_find(words[0]);
    if (slice_is(words[0], "user")) return user_apply(config, n, words, error);
    if (directive == NULL) return inert_apply(config, n, words, error);
    if (!config_parse(directive, n - 1, words + 1, &config->values, error)) return false;
    size_t at = (size_t)(directive - config_directives);
    sf_free(config->where[at]);
    config->where[at] = where == NULL ? NULL : sf_strdup(where);
    return true;
}

/* -- judging together ------------------------------------------------------------------------ */

struct complaint {
    const char *directive; /* the one to change */
    char reason[160];
};

static bool complain(struct complaint *out, const char *directive, const char *reason) {
    out->directive = directive;
    snprintf(out->reason, sizeof(out->reason), "%s", reason);
    return false;
}

static bool judge_ports(const struct config_values *values, struct complaint *out) {
    if (values->cluster_port == 0 && values->port + 10000 > 65535) {
        return complain(out, "port", "cluster-port must be set for ports above 55535");
    }
    if (values->cluster_port == values->port) {
        return complain(out, "cluster-port", "must differ from port");
    }
    return true;
}

static bool judge_timing(const struct config_values *values, struct complaint *out) {
    if (values->election_timeout_min >= values->election_timeout_max) {
        complain(out, "election-timeout-max", "");
        snprintf(out->reason, sizeof(out->reason),
            "must be greater than election-timeout-min (%lld)",
            (long long)values->election_timeout_min);
        return false;
    }
    if (values->heartbeat_interval * 3 > values->election_timeout_min) {
        complain(out, "heartbeat-interval", "");
        snprintf(out->reason, sizeof(out->reason),
            "must be at most a third of election-timeout-min (%lld)",
            (long long)values->election_timeout_min);
        return false;
    }
    return true;
}

static bool judge(const struct config_values *values, struct complaint *out) {
    if (!judge_ports(values, out) || !judge_timing(values, out)) return false;
    if (values->replication_batch_bytes > values->replication_window_bytes) {
        return complain(out, "replication-batch-bytes", "must not exceed replication-window-bytes");
    }
    if (values->cluster_bootstrap == BOOTSTRAP_YES && values->cluster_join.n > 0) {
        return complain(out, "cluster-bootstrap", "yes contradicts cluster-join");
    }
    /* The others dial it, and print it in CLUSTER NODES. */
    if (values->cluster_announce_ip[0] != '\0' && !config_is_ip(values->cluster_announce_ip)) {
        return complain(out, "cluster-announce-ip", "must be an IP address");
    }
    return true;
}

bool config_validate(const struct config *config, struct buf *error) {
    struct complaint complaint;
    if (judge(&config->values, &complaint)) return true;
    const struct config_directive *directive =
        config_directive_find(slice_text(complaint.directive));
    const char *where = config->where[directive - config_directives];
    buf_printf(error, "%s: %s", where != NULL ? where : complaint.directive, complaint.reason);
    return false;
}

/* -- CONFIG GET and SET ---------------------------------------------------------------------- */

static void print_join(const struct config_join *join, struct buf *out) {
    for (uint32_t i = 0; i < join->n; i++) {
        const struct raft_address *address = &join->addresses[i];
        buf_printf(out, "%s%s:%u", i == 0 ? "" : " ", address->host, (unsigned)address->port);
    }
}

static void print_events(int64_t classes, struct buf *out) {
    char text[EVENT_CLASSES_TEXT_MAX];
    event_classes_print((uint32_t)classes, text);
    buf_append_text(out, text);
}

static void print_limits(const struct config_limit *limits, struct buf *out) {
    static const char *const names[] = {"normal", "slave", "pubsub"};
    for (int i = 0; i < CLIENT_CLASSES; i++) {
        buf_printf(out, "%s%s %lld %lld %lld", i == 0 ? "" : " ", names[i],
            (long long)limits[i].hard_bytes, (long long)limits[i].soft_bytes,
            (long long)limits[i].soft_seconds);
    }
}

static void print_percentiles(const struct config_percentiles *percentiles, struct buf *out) {
    char text[DOUBLE_TEXT_MAX];
    for (uint32_t i = 0; i < percentiles->n; i++) {
        if (i > 0) buf_append_char(out, ' ');
        buf_append(out, text, double_print(percentiles->values[i], text));
    }
}

static void print_saves(const struct config_saves *saves, struct buf *out) {
    for (uint32_t i = 0; i < saves->n; i++) {
        buf_printf(out, "%s%lld %llu", i == 0 ? "" : " ", (long long)saves->points[i].seconds,
            (unsigned long long)saves->points[i].changes);
    }
}

void config_print(
    const struct config_values *values, const struct config_directive *directive, struct buf *out) {
    const void *at = (const char *)values + directive->offset;
    const struct config_bind *bind = at;
    switch (directive->type) {
    case TYPE_INTEGER:
    case TYPE_MEMORY:
        buf_printf(out, "%lld", (long long)*(const int64_t *)at);
        return;
    case TYPE_BOOL:
        buf_append_text(out, *(const int64_t *)at != 0 ? "yes" : "no");
        return;
    case TYPE_WORD:
        buf_append_text(out, directive->words[*(const int64_t *)at]);
        return;
    case TYPE_TEXT:
        buf_append_text(out, at);
        return;
    case TYPE_BIND:
        for (uint32_t i = 0; i < bind->n; i++) {
            buf_printf(out, "%s%s", i == 0 ? "" : " ", bind->hosts[i]);
        }
        return;
    case TYPE_JOIN:
        print_join(at, out);
        return;
    case TYPE_LIMITS:
        print_limits(at, out);
        return;
    case TYPE_PERCENTILES:
        print_percentiles(at, out);
        break;
    case TYPE_SAVE:
        print_saves(at, out);
        break;
    case TYPE_EVENTS:
        print_events(*(const int64_t *)at, out);
        return;
    }
}

static bool matches_any(const char *name, uint32_t n, const struct slice *patterns) {
    for (uint32_t i = 0; i < n; i++) {
        if (glob_match(patterns[i], slice_text(name), true)) return true;
    }
    return false;
}

/* The pattern that is this very name, in whatever case; NULL: none. */
static const struct slice *plain_pattern(
    const char *name, uint32_t n, const struct slice *patterns) {
    for (uint32_t i = 0; i < n; i++) {
        if (slice_is(patterns[i], name)) return &patterns[i];
    }
    return NULL;
}

/* A plain name comes back as it was written, as in Redis. */
static void visit_as_asked(const char *name, const char *value, uint32_t n,
    const struct slice *patterns, void (*visit)(void *visitor, const char *name, const char *value),
    void *visitor) {
    const struct slice *plain = plain_pattern(name, n, patterns);
    char as_written[64];
    snprintf(as_written, sizeof as_written, "%.*s", plain == NULL ? 0 : (int)plain->len,
        plain == NULL ? "" : plain->data);
    visit(visitor, plain == NULL ? name : as_written, value);
}

void config_visit(const struct config *config, uint32_t n, const struct slice *patterns,
    void (*visit)(void *visitor, const char *name, const char *value), void *visitor) {
    struct buf text = {0};
    for (uint32_t i = 0; i < config_directive_count(); i++) {
        const struct config_directive *directive = &config_directives[i];
        if ((directive->flags & FLAG_HIDDEN) != 0) continue;
        if (!matches_any(directive->name, n, patterns)) continue;
        buf_clear(&text);
        config_print(&config->values, directive, &text);
        buf_append_char(&text, '\0');
        visit_as_asked(directive->name, text.data, n, patterns, visit, visitor);
    }
    buf_free(&text);
    for (uint32_t i = 0; i < config_inert_count(); i++) {
        const struct config_inert *inert = config_inert_at(i);
        if (config_directive_find(slice_text(inert->name)) != NULL) continue;
        if (!matches_any(inert->name, n, patterns)) continue;
        const char *value = config->inert[i] != NULL ? config->inert[i] : inert->value;
        visit_as_asked(inert->name, value, n, patterns, visit, visitor);
    }
}

enum config_verdict config_judge(
    const struct config *config, struct slice name, struct slice value, struct buf *error) {
    const struct config_directive *directive = config_directive_find(name);
    if (directive == NULL) {
        int place = config_inert_find(name);
        if (place < 0) return CONFIG_UNKNOWN;
        const struct config_inert *inert = config_inert_at((uint32_t)place);
        if (inert->kind == INERT_START) return CONFIG_IMMUTABLE;
        return config_inert_accepts(inert, value, error) ? CONFIG_LOCAL : CONFIG_INVALID;
    }
    if ((directive->flags & FLAG_RUNTIME) == 0) return CONFIG_IMMUTABLE;
    struct config_values trial = config->values;
    if (!parse_value(directive, value, &trial, error)) return CONFIG_INVALID;
    struct complaint complaint;
    if (!judge(&trial, &complaint)) {
        bool is_this = slice_is(name, complaint.directive);
        buf_printf(error, "%s%s%s", is_this ? "" : complaint.directive, is_this ? "" : " ",
            complaint.reason);
        return CONFIG_INVALID;
    }
    return (directive->flags & FLAG_REPLICATED) != 0 ? CONFIG_REPLICATED : CONFIG_LOCAL;
}

bool config_change(
    struct config *config, struct slice name, struct slice value, struct buf *error) {
    const struct config_directive *directive = config_directive_find(name);
    if (directive == NULL) {
        struct slice words[2] = {name, value};
        if (!inert_apply(config, 2, words, error)) return false;
        config->inert_is_changed[config_inert_find(name)] = true;
        return true;
    }
    /* Not judged together again: a cluster-wide value holds whatever this node's file says. */
    if (!parse_value(directive, value, &config->values, error)) return false;
    config->is_changed[directive - config_directives] = true;
    return true;
}
