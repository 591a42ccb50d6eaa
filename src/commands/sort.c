/* SORT and SORT_RO: elements of a list, a set or a sorted set, by themselves or by what other keys
 * hold for them. */
#include "commands/acl.h"
#include "commands/functions.h"
#include "commands/value.h"
#include "keyspace/hash.h"
#include "keyspace/list.h"
#include "keyspace/set.h"
#include "keyspace/zset.h"

#include <float.h>
#include <math.h>

struct sort_options {
    bool backward, alpha, store, unsorted;
    int64_t offset, limit;
    struct slice by;           /* data NULL: the elements themselves */
    struct slice target;       /* of STORE */
    const struct slice **gets; /* the patterns of GET */
    uint32_t n_gets;
};

/* An element; its texts lie in the sorting's arena. */
struct sort_item {
    struct slice text;
    struct slice weight; /* data NULL: there is none */
    double score;
};

struct sorting {
    struct call *call;
    struct sort_options options;
    struct sort_item *items;
    uint64_t n, room;
    char *arena; /* a chain of blocks: the first bytes of each are the address of the one before */
    size_t arena_used, arena_size;
    uint64_t looked_up_bytes, result_bytes; /* of BY and GET; of several GETs */
};

/* A small request can make a list with a long value for each element, or with a million GETs. */
#define MADE_BYTES_MAX ((uint64_t)512 << 20)
#define RESULT_OVERHEAD_BYTES 16

/* The same on each replica: whether anybody hears the reply does not count. */
static bool is_too_much(const struct sorting *sorting) {
    return sorting->looked_up_bytes > MADE_BYTES_MAX || sorting->result_bytes > MADE_BYTES_MAX;
}

static void reply_too_much(struct sorting *sorting) {
    reply_error(sorting->call->reply, "ERR SORT would make more than 512 MiB of BY and GET");
}

/* -- texts that are kept until the end -------------------------------------------------------- */

enum { ARENA_BLOCK = 64 << 10 };

static struct slice keep(struct sorting *sorting, struct slice text) {
    if (sorting->arena == NULL || text.len > sorting->arena_size - sorting->arena_used) {
        size_t size = SF_MAX(text.len + sizeof(char *), (size_t)ARENA_BLOCK);
        char *block = sf_alloc(size);
        memcpy(block, &sorting->arena, sizeof sorting->arena);
        sorting->arena = block;
        sorting->arena_used = sizeof(char *);
        sorting->arena_size = size;
    }
    char *at = sorting->arena + sorting->arena_used;
    if (text.len > 0) memcpy(at, text.data, text.len);
    sorting->arena_used += text.len;
    return slice_of(at, text.len);
}

static struct slice keep_found(struct sorting *sorting, struct slice text) {
    sorting->looked_up_bytes += text.len;
    return keep(sorting, text);
}

static void sorting_free(struct sorting *sorting) {
    while (sorting->arena != NULL) {
        char *block = sorting->arena;
        memcpy(&sorting->arena, block, sizeof block);
        sf_free(block);
    }
    sf_free(sorting->items);
    sf_free(sorting->options.gets);
}

static void add_item(struct sorting *sorting, struct slice text) {
    call_work(sorting->call, 1);
    if (sorting->n == sorting->room) {
        sorting->room = SF_MAX(sorting->room * 2, (uint64_t)64);
        sorting->items = sf_realloc(sorting->items, sorting->room * sizeof *sorting->items);
    }
    sorting->items[sorting->n++] = (struct sort_item){.text = keep(sorting, text)};
}

/* -- options --------------------------------------------------------------------------------- */

/* One option, at argv[*at]; false: it is none. */
static bool parse_option(struct call *call, struct sort_options *options, uint32_t *at) {
    struct slice word = call->argv[*at];
    uint32_t left = call->argc - *at - 1;
    if (slice_is(word, "asc")) {
        options->backward = false;
    } else if (slice_is(word, "desc")) {
        options->backward = true;
    } else if (slice_is(word, "alpha")) {
        options->alpha = true;
    } else if (left >= 1 && slice_is(word, "by")) {
        options->by = call->argv[++*at];
        if (options->by.len == 0 || memchr(options->by.data, '*', options->by.len) == NULL)
            options->unsorted = true;
    } else if (left >= 1 && slice_is(word, "get")) {
        options->gets[options->n_gets++] = &call->argv[++*at];
    } else if (left >= 1 && (call->command->flags & CMD_WRITE) != 0 && slice_is(word, "store")) {
        options->store = true;
        options->target = call->argv[++*at];
    } else {
        return false;
    }
    return true;
}

/* BY and GET name keys by what they find, which no key specification can tell: who uses them must
 * be allowed to read every key. */
static const char *pattern_denial(const struct call *call, uint32_t at) {
    if (call->user == NULL || at + 1 == call->argc) return NULL;
    bool by = slice_is(call->argv[at], "by"), get = slice_is(call->argv[at], "get");
    struct slice pattern = call->argv[at + 1];
    by = by && pattern.len > 0 && memchr(pattern.data, '*', pattern.len) != NULL;
    if (!by && !get) return NULL;
    if (acl_reads_all_keys(call->user, call->command, call->argc, call->argv)) return NULL;
    return by ? "ERR BY option of SORT denied due to insufficient ACL permissions."
              : "ERR GET option of SORT denied due to insufficient ACL permissions.";
}

static bool parse_options(struct call *call, struct sort_options *options) {
    options->limit = -1;
    options->gets = sf_alloc(call->argc * sizeof *options->gets);
    for (uint32_t at = 2; at < call->argc; at++) {
        if (slice_is(call->argv[at], "limit") && call->argc - at > 2) {
            if (!call_integer(call, call->argv[at + 1], &options->offset)) return false;
            if (!call_integer(call, call->argv[at + 2], &options->limit)) return false;
            at += 2;
        } else if (pattern_denial(call, at) != NULL) {
            reply_error(call->reply, pattern_denial(call, at));
            return false;
        } else if (!parse_option(call, options, &at)) {
            reply_error(call->reply, TEXT_SYNTAX);
            return false;
        }
    }
    return true;
}

/* -- elements -------------------------------------------------------------------------------- */

/* Where nothing is sorted DESC turns a list or a sorted set round. */
static bool loads_backward(const struct sorting *sorting) {
    return sorting->options.unsorted && sorting->options.backward;
}

static void load_list(struct sorting *sorting, const struct collection *list) {
    struct list_cursor cursor;
    char scratch[INT_TEXT_MAX];
    bool backward = loads_backward(sorting);
    uint64_t from = backward ? list_length(list) - 1 : 0;
    for (bool more = list_seek(list, from, &cursor); more; more = list_step(&cursor, backward))
        add_item(sorting, list_text(&cursor, scratch));
}

static void load_set(struct sorting *sorting, const struct collection *set) {
    struct set_iterator iterator = set_iterate(set);
    for (struct slice member; set_next(&iterator, &member);) add_item(sorting, member);
}

static void load_zset(struct sorting *sorting, const struct collection *zset) {
    struct zset_cursor cursor;
    char scratch[INT_TEXT_MAX];
    bool backward = loads_backward(sorting);
    uint64_t from = backward ? zset_size(zset) - 1 : 0;
    for (bool more = zset_seek(zset, from, &cursor); more; more = zset_step(&cursor, backward))
        add_item(sorting, zset_member(&cursor, scratch));
}

static bool load(struct sorting *sorting) {
    struct call *call = sorting->call;
    const struct object *object = call_find(call, call->argv[1]);
    call_looked_up(call, call->argv[1], object != NULL);
    if (object == NULL) return true;
    enum object_type type = object_type(object);
    if (type != OBJECT_LIST && type != OBJECT_SET && type != OBJECT_ZSET) {
        reply_error(call->reply, TEXT_WRONG_TYPE);
        return false;
    }
    struct collection value = db_collection(call->db, object);
    if (type == OBJECT_LIST) {
        load_list(sorting, &value);
    } else if (type == OBJECT_ZSET) {
        load_zset(sorting, &value);
    } else {
        if (sorting->options.unsorted &&
            sorting->options.store) { /* sets have no order of theirs */
            sorting->options.unsorted = false;
            sorting->options.alpha = true;
            sorting->options.by = slice_of(NULL, 0);
        }
        load_set(sorting, &value);
    }
    return true;
}

/* -- what other keys hold -------------------------------------------------------------------- */

/* Where "->" stands behind a star and names a field; the pattern's length where it does not. */
static size_t arrow_at(struct slice pattern, size_t star) {
    for (size_t i = star + 1; i + 2 < pattern.len; i++) {
        if (pattern.data[i] == '-' && pattern.data[i + 1] == '>') return i;
    }
    return pattern.len;
}

/* The value that a pattern means for an element, kept; data NULL: there is none. */
static struct slice look_up(struct sorting *sorting, struct slice pattern, struct slice text) {
    if (slice_equal(pattern, SLICE("#"))) return text;
    struct slice none = {NULL, 0};
    const char *star = pattern.len == 0 ? NULL : memchr(pattern.data, '*', pattern.len);
    if (star == NULL) return none;
    size_t before = (size_t)(star - pattern.data), arrow = arrow_at(pattern, before);
    struct buf key = {0};
    buf_append(&key, pattern.data, before);
    buf_append_slice(&key, text);
    buf_append(&key, star + 1, arrow - before - 1);
    const struct object *object = call_find(sorting->call, buf_slice(&key));
    call_looked_up(sorting->call, buf_slice(&key), object != NULL);
    buf_free(&key);
    char scratch[OBJECT_TEXT_MAX];
    struct slice value;
    if (object == NULL) return none;
    if (arrow == pattern.len) {
        if (object_type(object) != OBJECT_STRING) return none;
        return keep_found(sorting, object_string(object, scratch));
    }
    if (object_type(object) != OBJECT_HASH) return none;
    struct slice field = slice_of(pattern.data + arrow + 2, pattern.len - arrow - 2);
    struct collection hash = db_collection(sorting->call->db, object);
    int64_t due_ms;
    if (!hash_get_due(&hash, field, scratch, &value, &due_ms)) return none;
    return call_lives(sorting->call, due_ms) ? keep_found(sorting, value) : none;
}

/* As C's strtod reads it: white space in front is skipped, nothing at all is 0, a zero byte ends
 * it; out of range is an error here. */
static bool parse_weight(struct slice text, double *out) {
    const char *zero = text.len == 0 ? NULL : memchr(text.data, '\0', text.len);
    if (zero != NULL) text.len = (size_t)(zero - text.data);
    *out = 0;
    if (text.len == 0) return true;
    while (text.len > 0 && strchr(" \t\n\v\f\r", text.data[0]) != NULL)
        text = slice_of(text.data + 1, text.len - 1);
    return double_parse(text, out) && (*out == 0 || fabs(*out) >= DBL_MIN);
}

static bool weigh(struct sorting *sorting) {
    const struct sort_options *options = &sorting->options;
    bool good = true;
    for (uint64_t i = 0; i < sorting->n; i++) {
        struct sort_item *item = &sorting->items[i];
        call_work(sorting->call, 1);
        item->weight =
            options->by.data == NULL ? item->text : look_up(sorting, options->by, item->text);
        if (options->alpha && !options->store && item->weight.len > 0) /* as C's strings compare */
            item->weight.len = strnlen(item->weight.data, item->weight.len);
        if (!options->alpha && item->weight.data != NULL)
            good = parse_weight(item->weight, &item->score) && good;
        if (is_too_much(sorting)) {
            reply_too_much(sorting);
            return false;
        }
    }
    if (!good)
        reply_error(sorting->call->reply, "ERR One or more scores can't be converted into double");
    return good;
}

/* -- sorting --------------------------------------------------------------------------------- */

static int compare_weights(const struct sort_item *a, const struct sort_item *b) {
    if (a->weight.data == NULL || b->weight.data == NULL)
        return (a->weight.data != NULL) - (b->weight.data != NULL);
    return slice_compare(a->weight, b->weight);
}

static int compare_items(
    const struct sort_options *options, const struct sort_item *a, const struct sort_item *b) {
    int order;
    if (options->alpha)
        order = compare_weights(a, b);
    else if (a->score != b->score)
        order = a->score < b->score ? -1 : 1;
    else
        order = slice_compare(a->text, b->text);
    return options->backward ? -order : order;
}

/* Stable, from runs of one upwards. */
static void sort_items(struct sorting *sorting) {
    uint64_t n = sorting->n;
    struct sort_item *from = sorting->items, *to = sf_alloc(n * sizeof *to);
    for (uint64_t width = 1; width < n; width *= 2) {
        for (uint64_t low = 0; low < n; low += 2 * width) {
            uint64_t middle = SF_MIN(low + width, n), high = SF_MIN(low + 2 * width, n);
            uint64_t left = low, right = middle;
            call_work(sorting->call, high - low);
            for (uint64_t at = low; at < high; at++) {
                bool takes_left =
                    right == high || (left < middle && compare_items(&sorting->options, &from[left],
                                                           &from[right]) <= 0);
                to[at] = from[takes_left ? left++ : right++];
            }
        }
        struct sort_item *swapped = from;
        from = to;
        to = swapped;
    }
    sorting->items = from;
    sf_free(to);
}

/* -- results --------------------------------------------------------------------------------- */

/* What LIMIT leaves: from *first on; returns how many. */
static uint64_t limited(const struct sorting *sorting, uint64_t *first) {
    const struct sort_options *options = &sorting->options;
    *first = options->offset < 0 ? 0 : SF_MIN((uint64_t)options->offset, sorting->n);
    uint64_t n = sorting->n - *first;
    return options->limit < 0 ? n : SF_MIN(n, (uint64_t)options->limit);
}

/* The result of one GET. */
static struct slice get_one(struct sorting *sorting, uint32_t j, struct slice text) {
    const struct sort_options *options = &sorting->options;
    struct slice value = look_up(sorting, *options->gets[j], text);
    if (options->n_gets > 1) sorting->result_bytes += value.len + RESULT_OVERHEAD_BYTES;
    return value;
}

static void reply_items(struct sorting *sorting, uint64_t first, uint64_t n) {
    struct reply *reply = sorting->call->reply;
    const struct sort_options *options = &sorting->options;
    size_t before = reply_bytes(reply);
    reply_array(reply, n * SF_MAX(options->n_gets, 1u));
    for (uint64_t i = first; i < first + n; i++) {
        struct slice text = sorting->items[i].text;
        call_work(sorting->call, 1);
        if (options->n_gets == 0) reply_bulk(reply, text);
        for (uint32_t j = 0; j < options->n_gets; j++) {
            struct slice value = get_one(sorting, j, text);
            if (value.data == NULL)
                reply_null(reply);
            else
                reply_bulk(reply, value);
            if (!is_too_much(sorting)) continue;
            if (reply->out != NULL) buf_truncate(reply->out, before);
            reply_too_much(sorting);
            return;
        }
    }
}

static void push_result(struct sorting *sorting, struct collection *list, struct slice text) {
    const struct thresholds *thresholds = sorting->call->thresholds;
    list_grow(list, thresholds, text.len, 1);
    list_push(list, thresholds, false, text);
}

/* false: it would be too large. */
static bool make_list(
    struct sorting *sorting, uint64_t first, uint64_t n, struct collection *list) {
    const struct sort_options *options = &sorting->options;
    for (uint64_t i = first; i < first + n; i++) {
        struct slice text = sorting->items[i].text;
        call_work(sorting->call, 1);
        if (options->n_gets == 0) push_result(sorting, list, text);
        for (uint32_t j = 0; j < options->n_gets; j++) {
            struct slice value = get_one(sorting, j, text);
            if (is_too_much(sorting)) return false;
            push_result(sorting, list, value);
        }
    }
    return true;
}

static void store_items(struct sorting *sorting, uint64_t first, uint64_t n) {
    struct call *call = sorting->call;
    struct collection list = list_new(db_collection_types(call->db));
    if (!make_list(sorting, first, n, &list)) {
        collection_free(&list);
        reply_too_much(sorting);
        return;
    }
    list_settle(&list, call->thresholds);
    reply_integer(call->reply, (int64_t)list_length(&list));
    call_store(call, sorting->options.target, &list, "sortstore");
}

void cmd_sort(struct call *call) {
    struct sorting sorting = {.call = call};
    bool good = parse_options(call, &sorting.options) && load(&sorting);
    if (good && !sorting.options.unsorted) {
        good = weigh(&sorting);
        if (good) sort_items(&sorting);
    }
    uint64_t first, n = limited(&sorting, &first);
    if (good && sorting.options.store)
        store_items(&sorting, first, n);
    else if (good)
        reply_items(&sorting, first, n);
    sorting_free(&sorting);
}
