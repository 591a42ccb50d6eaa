/* A load generator for one or several servers at once: every connection keeps `pipeline` commands
 * in flight as one batch, the next batch follows the last reply of the one before.
 *
 * What it writes to standard output, one "name value" a line:
 *   replies, throughput     acknowledged commands, and those a second
 *   latency_us_p50 ...      from the batch's write to the reply
 *   second <n> <replies>    acknowledged in that second of the run
 *   pause_ms <node> <ms>    longest time without a successful reply at that address
 *   unknown                 commands whose connection broke before they were answered
 *   error <count> <text>    each error reply and each broken connection
 *
 * With --rate the batches leave at even times, whether the server keeps up or not, and a latency
 * counts from when its batch was due: a stall is seen by all that would have been sent in it.
 *
 * A journal holds what was acknowledged, one a line: "set <key> <value>", "incr <key> <value>"; and
 * "unknown set|incr <key>" for what got no answer or an uncertain one. With a journal every SET has
 * a key of its own. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { NODES_MAX = 16, PIPELINE_MAX = 1024, SECONDS_MAX = 3600, ERRORS_MAX = 64, ERROR_CHARS = 96 };
enum { VALUE_MAX = 1 << 20, KEY_MAX = 64, MIX_MAX = 100 };
/* Latencies: 32 linear steps in each power of two of microseconds. */
enum { STEP_BITS = 5, BUCKETS = 32 << STEP_BITS };

enum operation { OP_SET, OP_GET, OP_INCR };

struct node {
    struct sockaddr_in address;
    char name[64];
    uint64_t last_success_ns, longest_pause_ns;
};

struct request {
    enum operation operation;
    uint64_t number; /* of the key */
};

struct connection {
    int fd; /* -1: not connected */
    uint32_t number;
    struct node *node;
    redisReader *reader;
    char *out;
    size_t out_length, out_sent;
    struct request batch[PIPELINE_MAX];
    uint32_t batch_size, answered;
    uint64_t sent_ns;
    uint64_t next_write; /* numbers its own keys in a journal run */
    uint64_t retry_ns;
    uint64_t due_ns; /* of the next batch, with a rate */
    bool wants_write;
};

struct error_count {
    char text[ERROR_CHARS];
    uint64_t count;
};

struct load {
    /* what to do */
    struct node nodes[NODES_MAX];
    uint32_t n_nodes, n_connections, pipeline, value_bytes, timeout_ms;
    enum operation mix[MIX_MAX];
    uint32_t n_mix;
    uint64_t keys, count, rate;
    double seconds;
    bool reconnect, in_order;
    FILE *journal;
    /* how it went */
    struct connection *connections;
    int epoll;
    char *value;
    uint64_t random, started_ns, ends_ns, n_sent, replies, unknown;
    uint64_t interval_ns; /* from batch to batch of one connection; 0: as replies come */
    uint64_t per_second[SECONDS_MAX], buckets[BUCKETS], latency_max_us;
    struct error_count errors[ERRORS_MAX];
    uint32_t n_errors, n_open;
};

static volatile sig_atomic_t stop_asked;

static void on_signal(int number) {
    (void)number;
    stop_asked = 1;
}

static uint64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void fail(const char *text, const char *what) {
    fprintf(stderr, "load: %s %s\n", text, what);
    exit(2);
}

static void *allocate(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (memory == NULL) fail("out of", "memory");
    return memory;
}

static uint64_t random_next(struct load *load) {
    load->random ^= load->random << 13;
    load->random ^= load->random >> 7;
    load->random ^= load->random << 17;
    return load->random;
}

/* -- counting --------------------------------------------------------------------------------- */

static void count_error(struct load *load, const char *text) {
    char kept[ERROR_CHARS];
    /* Numbers (terms, indexes) would make every text another one. */
    size_t length = 0;
    for (const char *c = text; *c != '\0' && *c != '\r' && length + 1 < sizeof(kept); c++)
        if (*c < '0' || *c > '9')
            kept[length++] = *c;
        else if (length == 0 || kept[length - 1] != '#')
            kept[length++] = '#';
    kept[length] = '\0';
    for (uint32_t i = 0; i < load->n_errors; i++)
        if (strcmp(load->errors[i].text, kept) == 0) {
            load->errors[i].count++;
            return;
        }
    if (load->n_errors == ERRORS_MAX) return;
    memcpy(load->errors[load->n_errors].text, kept, sizeof(kept));
    load->errors[load->n_errors++].count = 1;
}

static uint32_t bucket_of(uint64_t us) {
    if (us < (1u << STEP_BITS)) return (uint32_t)us;
    uint32_t power = 63u - (uint32_t)__builtin_clzll(us);
    uint32_t step = (uint32_t)(us >> (power - STEP_BITS)) & ((1u << STEP_BITS) - 1);
    uint32_t bucket = ((power - STEP_BITS + 1) << STEP_BITS) + step;
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static uint64_t bucket_us(uint32_t bucket) {
    if (bucket < (1u << STEP_BITS)) return bucket;
    uint32_t power = (bucket >> STEP_BITS) + STEP_BITS - 1;
    uint64_t step = bucket & ((1u << STEP_BITS) - 1);
    return ((1ull << STEP_BITS) + step) << (power - STEP_BITS);
}

static void count_success(struct load *load, struct connection *c, uint64_t now_ns) {
    uint64_t us = (now_ns - c->sent_ns) / 1000;
    uint64_t second = (now_ns - load->started_ns) / 1000000000u;
    uint64_t pause_ns = now_ns - c->node->last_success_ns;
    load->buckets[bucket_of(us)]++;
    if (us > load->latency_max_us) load->latency_max_us = us;
    if (second < SECONDS_MAX) load->per_second[second]++;
    if (pause_ns > c->node->longest_pause_ns) c->node->longest_pause_ns = pause_ns;
    c->node->last_success_ns = now_ns;
    load->replies++;
}

static uint64_t percentile_us(const struct load *load, double share) {
    uint64_t wanted = (uint64_t)((double)load->replies * share), seen = 0;
    for (uint32_t i = 0; i < BUCKETS; i++) {
        seen += load->buckets[i];
        if (seen > wanted) return bucket_us(i);
    }
    return load->latency_max_us;
}

/* -- the journal ------------------------------------------------------------------------------- */

static void write_key(const struct load *load, const struct connection *c,
    const struct request *request, char key[KEY_MAX]) {
    if (request->operation == OP_INCR)
        snprintf(key, KEY_MAX, "load:counter:%" PRIu32, c->number);
    else if (load->journal != NULL && request->operation == OP_SET)
        snprintf(key, KEY_MAX, "load:own:%" PRIu32 ":%" PRIu64, c->number, request->number);
    else
        snprintf(key, KEY_MAX, "load:%012" PRIu64, request->number);
}

static void journal_success(struct load *load, const struct connection *c,
    const struct request *request, const redisReply *reply) {
    if (load->journal == NULL || request->operation == OP_GET) return;
    char key[KEY_MAX];
    write_key(load, c, request, key);
    if (request->operation == OP_INCR)
        fprintf(load->journal, "incr %s %lld\n", key, reply->integer);
    else
        fprintf(load->journal, "set %s %" PRIu64 "\n", key, request->number);
}

static void journal_unknown(
    struct load *load, const struct connection *c, const struct request *request) {
    load->unknown++;
    if (load->journal == NULL || request->operation == OP_GET) return;
    char key[KEY_MAX];
    write_key(load, c, request, key);
    fprintf(load->journal, "unknown %s %s\n", request->operation == OP_INCR ? "incr" : "set", key);
}

/* -- connections ------------------------------------------------------------------------------- */

static void watch(struct load *load, struct connection *c, int operation) {
    struct epoll_event event = {
        .events = EPOLLIN | (c->wants_write ? EPOLLOUT : 0u), .data.ptr = c};
    if (epoll_ctl(load->epoll, operation, c->fd, &event) != 0) fail("epoll:", strerror(errno));
}

static void open_connection(struct load *load, struct connection *c) {
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0) fail("socket:", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(c->fd, (struct sockaddr *)&c->node->address, sizeof(c->node->address)) != 0) {
        count_error(load, "(connection refused)");
        close(c->fd);
        c->fd = -1;
        c->retry_ns = clock_ns() + 20000000u;
        return;
    }
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    c->reader = redisReaderCreate();
    c->batch_size = c->answered = 0;
    c->out_length = c->out_sent = 0;
    c->wants_write = false;
    load->n_open++;
    watch(load, c, EPOLL_CTL_ADD);
}

static void close_connection(struct load *load, struct connection *c, const char *why) {
    if (why != NULL) count_error(load, why);
    for (uint32_t i = c->answered; i < c->batch_size; i++) journal_unknown(load, c, &c->batch[i]);
    c->batch_size = c->answered = 0;
    close(c->fd);
    c->fd = -1;
    redisReaderFree(c->reader);
    c->reader = NULL;
    load->n_open--;
    c->retry_ns = clock_ns() + 20000000u;
}

static size_t append_command(
    const struct load *load, struct connection *c, const struct request *request) {
    char key[KEY_MAX], *out = c->out + c->out_length;
    write_key(load, c, request, key);
    size_t room = KEY_MAX * 3 + load->value_bytes, key_length = strlen(key);
    int length = 0;
    if (request->operation == OP_GET)
        length = snprintf(out, room, "*2\r\n$3\r\nGET\r\n$%zu\r\n%s\r\n", key_length, key);
    else if (request->operation == OP_INCR)
        length = snprintf(out, room, "*2\r\n$4\r\nINCR\r\n$%zu\r\n%s\r\n", key_length, key);
    else if (load->journal != NULL) {
        char number[24];
        int digits = snprintf(number, sizeof(number), "%" PRIu64, request->number);
        length = snprintf(out, room, "*3\r\n$3\r\nSET\r\n$%zu\r\n%s\r\n$%d\r\n%s\r\n", key_length,
            key, digits, number);
    } else
        length = snprintf(out, room, "*3\r\n$3\r\nSET\r\n$%zu\r\n%s\r\n$%" PRIu32 "\r\n%s\r\n",
            key_length, key, load->value_bytes, load->value);
    return (size_t)length;
}

static void flush_out(struct load *load, struct connection *c) {
    while (c->out_sent < c->out_length) {
        ssize_t n = send(c->fd, c->out + c->out_sent, c->out_length - c->out_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) break;
        if (n < 0) {
            close_connection(load, c, "(connection closed)");
            return;
        }
        c->out_sent += (size_t)n;
    }
    bool wants_write = c->out_sent < c->out_length;
    if (wants_write != c->wants_write) {
        c->wants_write = wants_write;
        watch(load, c, EPOLL_CTL_MOD);
    }
}

static uint64_t next_key(struct load *load) {
    return load->in_order ? load->n_sent % load->keys : random_next(load) % load->keys;
}

/* The next batch; none when the run is over, or when it is not due. */
static void send_batch(struct load *load, struct connection *c, uint64_t now_ns) {
    c->batch_size = c->answered = 0;
    c->out_length = c->out_sent = 0;
    if (stop_asked || now_ns >= load->ends_ns || now_ns < c->due_ns) return;
    while (c->batch_size < load->pipeline && load->n_sent < load->count) {
        struct request *request = &c->batch[c->batch_size++];
        request->operation = load->mix[random_next(load) % load->n_mix];
        bool own_key = load->journal != NULL && request->operation == OP_SET;
        request->number = own_key ? c->next_write++ : next_key(load);
        c->out_length += append_command(load, c, request);
        load->n_sent++;
    }
    c->sent_ns = load->interval_ns > 0 ? c->due_ns : now_ns;
    if (load->interval_ns > 0) c->due_ns += load->interval_ns;
    flush_out(load, c);
}

/* -- replies ----------------------------------------------------------------------------------- */

static void take_reply(
    struct load *load, struct connection *c, const redisReply *reply, uint64_t now_ns) {
    const struct request *request = &c->batch[c->answered++];
    if (reply->type == REDIS_REPLY_ERROR) {
        count_error(load, reply->str);
        if (strncmp(reply->str, "UNCERTAIN", 9) == 0) journal_unknown(load, c, request);
        return;
    }
    count_success(load, c, now_ns);
    journal_success(load, c, request, reply);
}

static void on_readable(struct load *load, struct connection *c) {
    char bytes[65536];
    ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        close_connection(load, c, "(connection closed)");
        return;
    }
    redisReaderFeed(c->reader, bytes, (size_t)n);
    uint64_t now_ns = clock_ns();
    for (;;) {
        void *reply = NULL;
        if (redisReaderGetReply(c->reader, &reply) != REDIS_OK) {
            close_connection(load, c, "(no RESP)");
            return;
        }
        if (reply == NULL) break;
        if (c->answered == c->batch_size) fail("a reply too many at", c->node->name);
        take_reply(load, c, reply, now_ns);
        freeReplyObject(reply);
    }
    if (c->batch_size > 0 && c->answered == c->batch_size) send_batch(load, c, now_ns);
}

/* -- the run ----------------------------------------------------------------------------------- */

/* Requests unanswered for too long, connections to be opened again. */
static void look_after(struct load *load, uint64_t now_ns) {
    for (uint32_t i = 0; i < load->n_connections; i++) {
        struct connection *c = &load->connections[i];
        bool waits = c->fd >= 0 && c->batch_size > 0;
        if (waits && now_ns > c->sent_ns + load->timeout_ms * 1000000ull)
            close_connection(load, c, "(no reply in time)");
        if (c->fd < 0 && load->reconnect && now_ns >= c->retry_ns && now_ns < load->ends_ns &&
            !stop_asked) {
            open_connection(load, c);
            if (c->fd >= 0) send_batch(load, c, now_ns);
        }
    }
}

/* Sends what is due; returns the time until the next. */
static uint64_t send_due(struct load *load, uint64_t now_ns) {
    uint64_t next_ns = now_ns + 20000000u;
    if (load->interval_ns == 0) return 20000000u;
    for (uint32_t i = 0; i < load->n_connections; i++) {
        struct connection *c = &load->connections[i];
        if (c->fd < 0 || c->batch_size > 0) continue;
        if (c->due_ns <= now_ns) send_batch(load, c, now_ns);
        if (c->due_ns > now_ns && c->due_ns < next_ns) next_ns = c->due_ns;
    }
    return next_ns - now_ns;
}

static bool is_over(const struct load *load, uint64_t now_ns) {
    bool ended = stop_asked || now_ns >= load->ends_ns || load->n_sent >= load->count ||
                 (load->n_open == 0 && !load->reconnect);
    if (!ended) return false;
    for (uint32_t i = 0; i < load->n_connections; i++)
        if (load->connections[i].fd >= 0 && load->connections[i].batch_size > 0) return false;
    return true;
}

static void run(struct load *load) {
    struct epoll_event events[256];
    uint64_t now_ns = clock_ns(), looked_ns = now_ns;
    load->started_ns = now_ns;
    load->ends_ns = load->seconds > 0 ? now_ns + (uint64_t)(load->seconds * 1e9) : UINT64_MAX;
    for (uint32_t i = 0; i < load->n_nodes; i++) load->nodes[i].last_success_ns = now_ns;
    if (load->rate > 0)
        load->interval_ns = 1000000000ull * load->n_connections * load->pipeline / load->rate;
    for (uint32_t i = 0; i < load->n_connections; i++) {
        struct connection *c = &load->connections[i];
        if (load->interval_ns > 0) c->due_ns = now_ns + load->interval_ns * i / load->n_connections;
        if (c->fd >= 0) send_batch(load, c, now_ns);
    }
    while (!is_over(load, now_ns)) {
        uint64_t wait_ns = send_due(load, now_ns);
        struct timespec wait = {.tv_nsec = (long)wait_ns};
        int n = epoll_pwait2(load->epoll, events, 256, &wait, NULL);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (c->fd >= 0 && (events[i].events & EPOLLOUT)) flush_out(load, c);
            if (c->fd >= 0 && (events[i].events & ~(uint32_t)EPOLLOUT)) on_readable(load, c);
        }
        now_ns = clock_ns();
        if (now_ns - looked_ns > 10000000u) {
            look_after(load, now_ns);
            looked_ns = now_ns;
        }
    }
}

static void report(struct load *load) {
    uint64_t end_ns = clock_ns();
    double took_s = (double)(end_ns - load->started_ns) / 1e9;
    printf("seconds %.3f\nreplies %" PRIu64 "\nthroughput %.0f\n", took_s, load->replies,
        (double)load->replies / took_s);
    printf("latency_us_p50 %" PRIu64 "\nlatency_us_p90 %" PRIu64 "\n", percentile_us(load, 0.5),
        percentile_us(load, 0.9));
    printf("latency_us_p99 %" PRIu64 "\nlatency_us_p999 %" PRIu64 "\nlatency_us_max %" PRIu64 "\n",
        percentile_us(load, 0.99), percentile_us(load, 0.999), load->latency_max_us);
    for (uint32_t i = 0; i < (uint32_t)took_s && i < SECONDS_MAX; i++)
        printf("second %" PRIu32 " %" PRIu64 "\n", i, load->per_second[i]);
    for (uint32_t i = 0; i < load->n_nodes && i < load->n_connections; i++) {
        struct node *node = &load->nodes[i];
        uint64_t last_ns = end_ns - node->last_success_ns;
        if (last_ns > node->longest_pause_ns) node->longest_pause_ns = last_ns;
        printf("pause_ms %s %.1f\n", node->name, (double)node->longest_pause_ns / 1e6);
    }
    printf("unknown %" PRIu64 "\n", load->unknown);
    for (uint32_t i = 0; i < load->n_errors; i++)
        printf("error %" PRIu64 " %s\n", load->errors[i].count, load->errors[i].text);
}

/* -- the command line -------------------------------------------------------------------------- */

static void parse_addresses(struct load *load, char *text) {
    char *rest = NULL;
    for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        char *colon = strrchr(word, ':');
        if (load->n_nodes == NODES_MAX) fail("too many addresses:", word);
        if (colon == NULL) fail("not host:port:", word);
        struct node *node = &load->nodes[load->n_nodes++];
        snprintf(node->name, sizeof(node->name), "%s", word);
        *colon = '\0';
        struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
        if (getaddrinfo(word, colon + 1, &hints, &found) != 0) fail("no address:", word);
        memcpy(&node->address, found->ai_addr, sizeof(node->address));
        freeaddrinfo(found);
    }
}

/* "set:3,get:1": three SETs to a GET. */
static void parse_mix(struct load *load, char *text) {
    static const char *const names[] = {"set", "get", "incr"};
    char *rest = NULL;
    for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        char *colon = strchr(word, ':');
        long weight = colon != NULL ? strtol(colon + 1, NULL, 10) : 1;
        if (colon != NULL) *colon = '\0';
        uint32_t operation = 0;
        while (operation < 3 && strcmp(names[operation], word) != 0) operation++;
        if (operation == 3 || weight < 1) fail("not of set, get, incr:", word);
        for (; weight > 0 && load->n_mix < MIX_MAX; weight--)
            load->mix[load->n_mix++] = (enum operation)operation;
    }
}

static uint64_t parse_number(const char *text, uint64_t least, uint64_t most) {
    char *end;
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || number < least || number > most)
        fail("number out of range:", text);
    return number;
}

static const struct option options[] = {
    {"at", required_argument, NULL, 'a'},
    {"connections", required_argument, NULL, 'c'},
    {"pipeline", required_argument, NULL, 'P'},
    {"mix", required_argument, NULL, 'm'},
    {"count", required_argument, NULL, 'n'},
    {"seconds", required_argument, NULL, 's'},
    {"keys", required_argument, NULL, 'k'},
    {"value-bytes", required_argument, NULL, 'd'},
    {"timeout-ms", required_argument, NULL, 't'},
    {"seed", required_argument, NULL, 'r'},
    {"journal", required_argument, NULL, 'j'},
    {"reconnect", no_argument, NULL, 'R'},
    {"rate", required_argument, NULL, 'p'},
    {"in-order", no_argument, NULL, 'o'},
    {NULL, 0, NULL, 0},
};

static void parse_option(struct load *load, int option) {
    switch (option) {
    case 'a':
        parse_addresses(load, optarg);
        break;
    case 'c':
        load->n_connections = (uint32_t)parse_number(optarg, 1, 20000);
        break;
    case 'P':
        load->pipeline = (uint32_t)parse_number(optarg, 1, PIPELINE_MAX);
        break;
    case 'm':
        parse_mix(load, optarg);
        break;
    case 'n':
        load->count = parse_number(optarg, 1, UINT64_MAX);
        break;
    case 's':
        load->seconds = strtod(optarg, NULL);
        break;
    case 'k':
        load->keys = parse_number(optarg, 1, 1000000000);
        break;
    case 'd':
        load->value_bytes = (uint32_t)parse_number(optarg, 1, VALUE_MAX);
        break;
    case 't':
        load->timeout_ms = (uint32_t)parse_number(optarg, 1, 3600000);
        break;
    case 'r':
        load->random = parse_number(optarg, 1, UINT64_MAX);
        break;
    case 'j':
        load->journal = fopen(optarg, "w");
        if (load->journal == NULL) fail("journal:", strerror(errno));
        break;
    case 'R':
        load->reconnect = true;
        break;
    case 'p':
        load->rate = parse_number(optarg, 1, 10000000);
        break;
    case 'o':
        load->in_order = true;
        break;
    default:
        fail("usage: load --at HOST:PORT[,...] [--connections N] [--pipeline N] [--mix "
             "set:1,get:1,incr]",
            "[--count N | --seconds S] [--keys N] [--value-bytes N] [--timeout-ms N] [--reconnect] "
            "[--rate N] [--in-order] [--journal FILE]");
    }
}

int main(int argc, char **argv) {
    struct load *load = allocate(1, sizeof(*load));
    load->n_connections = 50;
    load->pipeline = 1;
    load->value_bytes = 64;
    load->timeout_ms = 5000;
    load->keys = 100000;
    load->count = UINT64_MAX;
    load->random = 0x9e3779b97f4a7c15u;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        parse_option(load, option);
    if (load->n_nodes == 0) fail("no", "--at HOST:PORT");
    if (load->seconds <= 0 && load->count == UINT64_MAX) load->seconds = 5;
    if (load->n_mix == 0) load->mix[load->n_mix++] = OP_SET;
    load->value = allocate(load->value_bytes + 1, 1);
    memset(load->value, 'v', load->value_bytes);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    load->connections = allocate(load->n_connections, sizeof(*load->connections));
    for (uint32_t i = 0; i < load->n_connections; i++) {
        struct connection *c = &load->connections[i];
        c->number = i;
        c->node = &load->nodes[i % load->n_nodes];
        c->out = allocate(load->pipeline, KEY_MAX * 3 + load->value_bytes);
        open_connection(load, c);
    }
    run(load);
    if (load->journal != NULL && fclose(load->journal) != 0) fail("journal:", strerror(errno));
    report(load);
    return 0;
}
