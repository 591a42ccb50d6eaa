#include "server/config_parse.h"

#include "commands/events.h"
#include "server/config_words.h"
#include "util/number.h"

#include <arpa/inet.h>

static bool fail(struct buf *error, const char *text) {
    buf_append_text(error, text);
    return false;
}

static void *place(struct config_values *values, const struct config_directive *directive) {
    return (char *)values + directive->offset;
}

static bool parse_number(
    const struct config_directive *directive, struct slice word, int64_t *out, struct buf *error) {
    int64_t number;
    if (directive->type == TYPE_MEMORY) {
        if (!memory_parse(word, &number)) {
            return fail(error, "argument must be a memory value");
        }
    } else if (!int_parse(word, &number)) {
        return fail(error, "argument couldn't be parsed into an integer");
    }
    if (number < directive->min || number > directive->max) {
        buf_printf(error, "argument must be between %lld and %lld inclusive",
            (long long)directive->min, (long long)directive->max);
        return false;
    }
    *out = number;
    return true;
}

static bool parse_word(
    const struct config_directive *directive, struct slice word, int64_t *out, struct buf *error) {
    for (int64_t i = 0; directive->words[i] != NULL; i++) {
        if (slice_is(word, directive->words[i])) {
            *out = i;
            return true;
        }
    }
    buf_append_text(error, "argument(s) must be one of the following: ");
    for (int64_t i = 0; directive->words[i] != NULL; i++) {
        buf_printf(error, "%s%s", i == 0 ? "" : ", ", directive->words[i]);
    }
    return false;
}

static bool parse_bool(struct slice word, int64_t *out, struct buf *error) {
    if (!slice_is(word, "yes") && !slice_is(word, "no")) {
        return fail(error, "argument must be 'yes' or 'no'");
    }
    *out = slice_is(word, "yes");
    return true;
}

static bool parse_events(struct slice word, int64_t *out, struct buf *error) {
    uint32_t classes;
    if (!event_classes_parse(word, &classes))
        return fail(error, "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    *out = classes;
    return true;
}

static bool parse_text(
    const struct config_directive *directive, struct slice word, char *out, struct buf *error) {
    if (word.len > (size_t)directive->max) {
        if (directive->max == 0) return fail(error, "argument must be \"\"");
        buf_printf(error, "argument must be at most %lld bytes long", (long long)directive->max);
        return false;
    }
    if (memchr(word.data, '\0', word.len) != NULL) {
        return fail(error, "argument must not contain a zero byte");
    }
    memcpy(out, word.data, word.len);
    out[word.len] = '\0';
    return true;
}

static bool parse_bind(
    uint32_t n, const struct slice *words, struct config_bind *out, struct buf *error) {
    struct config_bind bind = {.n = n};
    if (n == 0) return fail(error, "wrong number of arguments");
    if (n > CONFIG_BIND_MAX) return fail(error, "Too many bind addresses specified.");
    for (uint32_t i = 0; i < n; i++) {
        if (words[i].len == 0 || words[i].len >= CONFIG_HOST_MAX ||
            memchr(words[i].data, '\0', words[i].len) != NULL) {
            return fail(error, "an address must have 1 to 63 characters");
        }
        memcpy(bind.hosts[i], words[i].data, words[i].len);
    }
    *out = bind;
    return true;
}

/* -- cluster-join ---------------------------------------------------------------------------- */

bool config_is_ip(const char *host) {
    unsigned char address[16];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* Splits at the last colon, so that IPv6 addresses need no brackets (but may have them). */
static bool split_address(struct slice word, struct slice *host, struct slice *port) {
    const char *colon = memrchr(word.data, ':', word.len);
    if (colon == NULL) return false;
    *host = slice_of(word.data, (size_t)(colon - word.data));
    *port = slice_of(colon + 1, word.len - host->len - 1);
    if (host->len >= 2 && host->data[0] == '[' && host->data[host->len - 1] == ']') {
        *host = slice_of(host->data + 1, host->len - 2);
    }
    return true;
}

bool config_address_parse(uint32_t n, const struct slice *words, struct raft_address *out) {
    struct slice host, port;
    if (n == 2) {
        host = words[0];
        port = words[1];
    } else if (n != 1 || !split_address(words[0], &host, &port)) {
        return false;
    }
    int64_t number;
    struct raft_address address = {0};
    if (!int_parse(port, &number) || number < 1 || number > 65535) return false;
    if (host.len == 0 || host.len > RAFT_HOST_MAX) return false;
    memcpy(address.host, host.data, host.len);
    if (!config_is_ip(address.host)) return false;
    address.port = (uint16_t)number;
    /* As CLUSTER MEET without a bus port: the default distance. */
    address.bus_port = (uint16_t)(number + 10000 <= 65535 ? number + 10000 : 0);
    *out = address;
    return true;
}

static bool parse_join(
    uint32_t n, const struct slice *words, struct config_join *out, struct buf *error) {
    struct raft_address address;
    /* A third word is the bus port, where it is not the usual one. */
    int64_t bus_port = 0;
    bool has_bus_port = n == 3 && int_parse(words[2], &bus_port);
    if (!config_address_parse(has_bus_port ? 2 : n, words, &address)) {
        return fail(error, "argument must be <ip>:<port>, or <ip> <port> [bus-port]");
    }
    if (has_bus_port)
        address.bus_port = (uint16_t)(bus_port >= 1 && bus_port <= 65535 ? bus_port : 0);
    if (address.bus_port == 0) return fail(error, "the bus port must be between 1 and 65535");
    if (out->n == JOIN_ADDRESSES_MAX) return fail(error, "too many addresses to join");
    out->addresses[out->n++] = address;
    return true;
}

/* -- client-output-buffer-limit -------------------------------------------------------------- */

static int class_of(struct slice word) {
    if (slice_is(word, "normal")) return CLASS_NORMAL;
    if (slice_is(word, "replica") || slice_is(word, "slave")) return CLASS_REPLICA;
    return slice_is(word, "pubsub") ? CLASS_PUBSUB : -1;
}

static bool parse_limits(
    uint32_t n, const struct slice *words, struct config_limit *out, struct buf *error) {
    struct config_limit limits[CLIENT_CLASSES];
    memcpy(limits, out, sizeof(limits));
    if (n == 0 || n % 4 != 0) {
        return fail(error, "Wrong number of arguments in buffer limit configuration.");
    }
    for (uint32_t i = 0; i < n; i += 4) {
        int class = class_of(words[i]);
        if (class < 0) {
            return fail(error, "Invalid client class specified in buffer limit configuration.");
        }
        struct config_limit *limit = &limits[class];
        if (!memory_parse(words[i + 1], &limit->hard_bytes) ||
            !memory_parse(words[i + 2], &limit->soft_bytes) ||
            !int_parse(words[i + 3], &limit->soft_seconds) || limit->soft_seconds < 0 ||
            limit->soft_seconds > INT32_MAX) { /* it is counted in microseconds */
            return fail(error, "Error in hard, soft or soft_seconds setting in buffer limit "
                               "configuration.");
        }
    }
    memcpy(out, limits, sizeof(limits));
    return true;
}

/* -- latency-tracking-info-percentiles ------------------------------------------------------- */

/* No word, or an empty one: INFO shows none. */
static bool parse_percentiles(
    uint32_t n, const struct slice *words, struct config_percentiles *out, struct buf *error) {
    struct config_percentiles percentiles = {0};
    if (n == 1 && words[0].len == 0) n = 0;
    if (n > PERCENTILES_MAX) return fail(error, "too many percentiles");
    for (uint32_t i = 0; i < n; i++) {
        double value = 0;
        if (!double_parse(words[i], &value)) {
            return fail(error, "Invalid latency-tracking-info-percentiles parameters");
        }
        if (value < 0 || value > 100) {
            return fail(error, "latency-tracking-info-percentiles parameters should sit between "
                               "[0.0,100.0]");
        }
        percentiles.values[percentiles.n++] = value;
    }
    *out = percentiles;
    return true;
}

/* -- save ------------------------------------------------------------------------------------ */

/* No word, or an empty one: no snapshot because of time. */
static bool parse_save(
    uint32_t n, const struct slice *words, struct config_saves *out, struct buf *error) {
    struct config_saves saves = {0};
    if (n == 1 && words[0].len == 0) n = 0;
    if (n % 2 != 0 || n / 2 > SAVE_POINTS_MAX) return fail(error, "Invalid save parameters");
    for (uint32_t i = 0; i < n; i += 2) {
        int64_t seconds, changes;
        if (!int_parse(words[i], &seconds) || !int_parse(words[i + 1], &changes) || seconds < 1 ||
            changes < 0)
            return fail(error, "Invalid save parameters");
        saves.points[saves.n++] = (struct save_point){seconds, (uint64_t)changes};
    }
    *out = saves;
    return true;
}

bool config_parse(const struct config_directive *directive, uint32_t n, const struct slice *words,
    struct config_values *values, struct buf *error) {
    void *out = place(values, directive);
    switch (directive->type) {
    case TYPE_BIND:
        return parse_bind(n, words, out, error);
    case TYPE_JOIN:
        return parse_join(n, words, out, error);
    case TYPE_LIMITS:
        return parse_limits(n, words, out, error);
    case TYPE_PERCENTILES:
        return parse_percentiles(n, words, out, error);
    case TYPE_SAVE:
        return parse_save(n, words, out, error);
    case TYPE_INTEGER:
    case TYPE_MEMORY:
    case TYPE_BOOL:
    case TYPE_WORD:
    case TYPE_TEXT:
    case TYPE_EVENTS:
        break;
    }
    if (n != 1) return fail(error, "wrong number of arguments");
    if (directive->type == TYPE_EVENTS) return parse_events(words[0], out, error);
    if (directive->type == TYPE_TEXT) return parse_text(directive, words[0], out, error);
    if (directive->type == TYPE_BOOL) return parse_bool(words[0], out, error);
    if (directive->type == TYPE_WORD) return parse_word(directive, words[0], out, error);
    return parse_number(directive, words[0], out, error);
}
