/* Places within an area: GEOSEARCH, GEOSEARCHSTORE and the older GEORADIUS family. */
#include "commands/functions.h"
#include "commands/geo.h"

enum search_kind { SEARCH_RADIUS, SEARCH_RADIUS_MEMBER, SEARCH_AREA };
enum search_order { ORDER_NONE, ORDER_NEAREST, ORDER_FURTHEST };

struct search {
    struct call *call;
    enum search_kind kind;
    bool may_store;     /* GEORADIUS and GEORADIUSBYMEMBER take STORE and STOREDIST */
    bool always_stores; /* GEOSEARCHSTORE */
    bool stores, store_distance;
    struct slice target;      /* where to store */
    struct collection source; /* value NULL: there is no such key */
    struct geo_area area;
    bool from_member, from_point, by_radius, by_box;
    bool with_distance, with_score, with_point, any;
    enum search_order order;
    int64_t count; /* 0: all */
};

/* A member within the area; of a cursor what tells the member. */
struct found {
    double distance, score;
    const struct listpack *packed;
    union {
        size_t at;
        const struct sorted_element *element;
    };
};

static struct found found_at(const struct zset_cursor *cursor) {
    struct found found = {.score = zset_score(cursor), .packed = cursor->packed};
    if (found.packed != NULL)
        found.at = cursor->at;
    else
        found.element = cursor->element;
    return found;
}

static struct slice found_member(const struct found *found, char scratch[INT_TEXT_MAX]) {
    struct zset_cursor cursor = {.packed = found->packed};
    if (found->packed != NULL)
        cursor.at = found->at;
    else
        cursor.element = found->element;
    return zset_member(&cursor, scratch);
}

struct findings {
    struct found *all;
    uint64_t n, room;
};

/* -- options --------------------------------------------------------------------------------- */

static bool parse_length(struct call *call, struct slice text, const char *error, double *out) {
    if (double_parse(text, out)) return true;
    reply_error(call->reply, error);
    return false;
}

static bool parse_radius(struct search *search, uint32_t at) {
    struct call *call = search->call;
    struct geo_area *area = &search->area;
    if (!parse_length(call, call->argv[at], "ERR need numeric radius", &area->radius)) return false;
    if (area->radius < 0) {
        reply_error(call->reply, "ERR radius cannot be negative");
        return false;
    }
    area->is_box = false;
    return call_geo_unit(call, call->argv[at + 1], &area->unit);
}

static bool parse_box(struct search *search, uint32_t at) {
    struct call *call = search->call;
    struct geo_area *area = &search->area;
    if (!parse_length(call, call->argv[at], "ERR need numeric width", &area->width) ||
        !parse_length(call, call->argv[at + 1], "ERR need numeric height", &area->height))
        return false;
    if (area->width < 0 || area->height < 0) {
        reply_error(call->reply, "ERR height or width cannot be negative");
        return false;
    }
    area->is_box = true;
    return call_geo_unit(call, call->argv[at + 2], &area->unit);
}

/* Without the key nothing is looked up; the answer is empty anyway. */
static bool parse_member(struct search *search, uint32_t at) {
    double score;
    if (search->source.value == NULL) return true;
    if (!zset_find(&search->source, search->call->argv[at], &score)) {
        reply_error(search->call->reply, "ERR could not decode requested zset member");
        return false;
    }
    search->area.center = geo_point_of(score);
    return true;
}

static bool parse_count(struct search *search, uint32_t at) {
    if (!call_integer(search->call, search->call->argv[at], &search->count)) return false;
    if (search->count > 0) return true;
    reply_error(search->call->reply, "ERR COUNT must be > 0");
    return false;
}

/* Options that are one word; false: it is none. */
static bool parse_word(struct search *search, struct slice word) {
    if (slice_is(word, "withdist"))
        search->with_distance = true;
    else if (slice_is(word, "withhash"))
        search->with_score = true;
    else if (slice_is(word, "withcoord"))
        search->with_point = true;
    else if (slice_is(word, "any"))
        search->any = true;
    else if (slice_is(word, "asc"))
        search->order = ORDER_NEAREST;
    else if (slice_is(word, "desc"))
        search->order = ORDER_FURTHEST;
    else if (search->always_stores && slice_is(word, "storedist"))
        search->store_distance = true;
    else
        return false;
    return true;
}

enum parsed { PARSED_NOTHING, PARSED, PARSED_WRONG };

static enum parsed parsed_if(bool good) {
    return good ? PARSED : PARSED_WRONG;
}

/* FROM... and BY... of GEOSEARCH; *at is left at the last word. */
static enum parsed parse_area(struct search *search, uint32_t *at) {
    struct slice word = search->call->argv[*at];
    uint32_t first = *at + 1, left = search->call->argc - first;
    if (left >= 1 && !search->from_point && slice_is(word, "frommember")) {
        search->from_member = true;
        *at += 1;
        return parsed_if(parse_member(search, first));
    }
    if (left >= 2 && !search->from_member && slice_is(word, "fromlonlat")) {
        search->from_point = true;
        *at += 2;
        return parsed_if(call_geo_point(search->call, first, &search->area.center));
    }
    if (left >= 2 && !search->by_box && slice_is(word, "byradius")) {
        search->by_radius = true;
        *at += 2;
        return parsed_if(parse_radius(search, first));
    }
    if (left >= 3 && !search->by_radius && slice_is(word, "bybox")) {
        search->by_box = true;
        *at += 3;
        return parsed_if(parse_box(search, first));
    }
    return PARSED_NOTHING;
}

static enum parsed parse_option(struct search *search, uint32_t *at) {
    struct slice word = search->call->argv[*at];
    bool has_value = *at + 1 < search->call->argc;
    if (parse_word(search, word)) return PARSED;
    if (has_value && slice_is(word, "count")) return parsed_if(parse_count(search, ++*at));
    bool stores_distance = slice_is(word, "storedist");
    if (has_value && search->may_store && (stores_distance || slice_is(word, "store"))) {
        search->stores = true;
        search->target = search->call->argv[++*at];
        search->store_distance = stores_distance;
        return PARSED;
    }
    return search->kind == SEARCH_AREA ? parse_area(search, at) : PARSED_NOTHING;
}

/* What the options may not be together. */
static bool options_agree(struct search *search) {
    struct call *call = search->call;
    struct slice name = call->argv[0];
    const char *missing = NULL;
    if (search->stores && (search->with_distance || search->with_score || search->with_point)) {
        reply_errorf(call->reply,
            "ERR %s is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
            search->always_stores ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS");
        return false;
    }
    if (search->kind == SEARCH_AREA && !search->from_member && !search->from_point)
        missing = "FROMMEMBER or FROMLONLAT";
    else if (search->kind == SEARCH_AREA && !search->by_radius && !search->by_box)
        missing = "BYRADIUS and BYBOX";
    if (missing != NULL) {
        reply_errorf(call->reply, "ERR exactly one of %s can be specified for %.*s", missing,
            shown_bytes(name, name.len), name.data);
        return false;
    }
    if (!search->any || search->count > 0) return true;
    reply_error(call->reply, "ERR the ANY argument requires COUNT argument");
    return false;
}

static bool parse_options(struct search *search, uint32_t first) {
    for (uint32_t at = first; at < search->call->argc; at++) {
        enum parsed parsed = parse_option(search, &at);
        if (parsed == PARSED) continue;
        if (parsed == PARSED_NOTHING) reply_error(search->call->reply, TEXT_SYNTAX);
        return false;
    }
    return options_agree(search);
}

/* -- searching ------------------------------------------------------------------------------- */

static void findings_add(struct findings *findings, const struct found *found) {
    if (findings->n == findings->room) {
        findings->room = SF_MAX(2 * findings->room, (uint64_t)16);
        findings->all = sf_realloc(findings->all, findings->room * sizeof *findings->all);
    }
    findings->all[findings->n++] = *found;
}

/* false: there are as many as ANY asked for. */
static bool search_cell(
    const struct search *search, const struct geo_cell *cell, struct findings *findings) {
    struct score_range scores = {.min = cell->min, .max = cell->max, .max_open = true};
    struct rank_range ranks = zset_score_range(&search->source, &scores);
    struct zset_cursor cursor;
    if (ranks.n == 0 || !zset_seek(&search->source, ranks.from, &cursor)) return true;
    for (uint64_t i = 0; i < ranks.n; i++) {
        struct found found = found_at(&cursor);
        call_work(search->call, 1);
        if (geo_area_has(&search->area, geo_point_of(found.score), &found.distance))
            findings_add(findings, &found);
        if (search->any && findings->n >= (uint64_t)search->count) return false;
        if (!zset_step(&cursor, false)) break;
    }
    return true;
}

/* Of many only the n nearest (or furthest) are wanted: what is further than the n-th goes, before
 * the sort. A selection by parts (Hoare's); ties with the n-th stay, the sort then decides. After
 * so many rounds, which only distances arranged for it take, more are kept than needed. */
static void keep_nearest(struct findings *findings, enum search_order order, uint64_t n) {
    if (n == 0 || findings->n / 4 <= n) return;
    double *distances = sf_alloc(findings->n * sizeof *distances);
    for (uint64_t i = 0; i < findings->n; i++)
        distances[i] =
            order == ORDER_NEAREST ? findings->all[i].distance : -findings->all[i].distance;
    uint64_t low = 0, high = findings->n - 1;
    for (int round = 0; low < high && round < 64; round++) {
        double pivot = distances[low + (high - low) / 2];
        uint64_t left = low, right = high + 1;
        for (uint64_t i = low; i < right;) { /* below the pivot, equal to it, above it */
            double distance = distances[i];
            if (distance < pivot) {
                distances[i++] = distances[left];
                distances[left++] = distance;
            } else if (distance > pivot) {
                distances[i] = distances[--right];
                distances[right] = distance;
            } else {
                i++;
            }
        }
        if (n - 1 < left)
            high = left - 1;
        else if (n - 1 >= right)
            low = right;
        else
            low = high = n - 1;
    }
    double last = distances[low];
    for (uint64_t i = low; i <= high; i++) last = SF_MAX(last, distances[i]);
    uint64_t kept = 0;
    for (uint64_t i = 0; i < findings->n; i++) {
        double distance = findings->all[i].distance;
        if ((order == ORDER_NEAREST ? distance : -distance) <= last)
            findings->all[kept++] = findings->all[i];
    }
    findings->n = kept;
    sf_free(distances);
}

static bool is_behind(enum search_order order, const struct found *a, const struct found *b) {
    return order == ORDER_NEAREST ? a->distance > b->distance : a->distance < b->distance;
}

/* Stable: what is equally far keeps its order. */
static void sort_findings(struct call *call, struct findings *findings, enum search_order order) {
    uint64_t n = findings->n;
    struct found *from = findings->all, *to = sf_alloc(SF_MAX(n, (uint64_t)1) * sizeof *to);
    for (uint64_t width = 1; width < n; width *= 2) {
        for (uint64_t low = 0; low < n; low += 2 * width) {
            uint64_t middle = SF_MIN(low + width, n), high = SF_MIN(low + 2 * width, n);
            uint64_t left = low, right = middle;
            call_work(call, high - low);
            for (uint64_t at = low; at < high; at++) {
                bool takes_left = right == high ||
                                  (left < middle && !is_behind(order, &from[left], &from[right]));
                to[at] = from[takes_left ? left++ : right++];
            }
        }
        struct found *swapped = from;
        from = to;
        to = swapped;
    }
    findings->all = from;
    sf_free(to);
}

/* -- results --------------------------------------------------------------------------------- */

static void reply_findings(const struct search *search, const struct findings *findings) {
    struct reply *reply = search->call->reply;
    uint64_t extras = (uint64_t)search->with_distance + search->with_score + search->with_point;
    reply_array(reply, findings->n);
    for (uint64_t i = 0; i < findings->n; i++) {
        const struct found *found = &findings->all[i];
        call_work(search->call, 1);
        char scratch[INT_TEXT_MAX];
        if (extras > 0) reply_array(reply, 1 + extras);
        reply_bulk(reply, found_member(found, scratch));
        if (search->with_distance) reply_geo_distance(reply, found->distance / search->area.unit);
        if (search->with_score) reply_integer(reply, (int64_t)found->score);
        if (search->with_point) reply_geo_point(reply, geo_point_of(found->score));
    }
}

static void store_findings(const struct search *search, const struct findings *findings) {
    struct call *call = search->call;
    char scratch[INT_TEXT_MAX];
    size_t longest = 0;
    for (uint64_t i = 0; i < findings->n; i++)
        longest = SF_MAX(longest, found_member(&findings->all[i], scratch).len);
    struct collection result =
        zset_new(db_collection_types(call->db), call->thresholds, findings->n, longest);
    for (uint64_t i = 0; i < findings->n; i++) {
        const struct found *found = &findings->all[i];
        call_work(call, 1);
        double score = search->store_distance ? found->distance / search->area.unit : found->score;
        zset_add(&result, call->thresholds, found_member(found, scratch), score);
    }
    reply_integer(call->reply, (int64_t)findings->n);
    const char *event = search->always_stores ? "geosearchstore" : "georadiusstore";
    call_store(call, search->target, &result, event);
}

static void run_search(struct search *search) {
    struct findings findings = {0};
    struct geo_cell cells[GEO_CELLS_MAX];
    unsigned n_cells = geo_area_cells(&search->area, cells);
    bool goes_on = true;
    for (unsigned i = 0; i < n_cells && goes_on; i++)
        goes_on = search_cell(search, &cells[i], &findings);
    /* The nearest are wanted, unless any will do. */
    if (search->order == ORDER_NONE && search->count > 0 && !search->any)
        search->order = ORDER_NEAREST;
    if (search->order != ORDER_NONE) {
        keep_nearest(&findings, search->order, (uint64_t)search->count);
        sort_findings(search->call, &findings, search->order);
    }
    if (search->count > 0) findings.n = SF_MIN(findings.n, (uint64_t)search->count);
    if (search->stores)
        store_findings(search, &findings);
    else
        reply_findings(search, &findings);
    sf_free(findings.all);
}

static void nothing_found(struct search *search) {
    if (!search->stores) {
        reply_array(search->call->reply, 0);
        return;
    }
    if (db_delete(search->call->db, search->target, search->call->now_ms))
        call_event(search->call, EVENT_GENERIC, "del", search->target);
    reply_integer(search->call->reply, 0);
}

/* source: the index of the key to search; first: of the first option. */
static void run(struct search *search, uint32_t source, uint32_t first) {
    struct call *call = search->call;
    if (!call_read_value(call, call->argv[source], OBJECT_ZSET, &search->source)) return;
    bool has_source = search->source.value != NULL;
    if (search->kind == SEARCH_RADIUS && !call_geo_point(call, 2, &search->area.center)) return;
    if (search->kind == SEARCH_RADIUS_MEMBER && !parse_member(search, 2)) return;
    if ((search->kind == SEARCH_RADIUS || (search->kind == SEARCH_RADIUS_MEMBER && has_source)) &&
        !parse_radius(search, first - 2))
        return;
    if (!parse_options(search, first)) return;
    if (has_source)
        run_search(search);
    else
        nothing_found(search);
}

void cmd_georadius(struct call *call) {
    struct search search = {.call = call, .kind = SEARCH_RADIUS, .may_store = true};
    run(&search, 1, 6);
}

void cmd_georadius_ro(struct call *call) {
    struct search search = {.call = call, .kind = SEARCH_RADIUS};
    run(&search, 1, 6);
}

void cmd_georadiusbymember(struct call *call) {
    struct search search = {.call = call, .kind = SEARCH_RADIUS_MEMBER, .may_store = true};
    run(&search, 1, 5);
}

void cmd_georadiusbymember_ro(struct call *call) {
    struct search search = {.call = call, .kind = SEARCH_RADIUS_MEMBER};
    run(&search, 1, 5);
}

void cmd_geosearch(struct call *call) {
    struct search search = {.call = call, .kind = SEARCH_AREA};
    run(&search, 1, 2);
}

void cmd_geosearchstore(struct call *call) {
    struct search search = {.call = call,
        .kind = SEARCH_AREA,
        .always_stores = true,
        .stores = true,
        .target = call->argv[1]};
    run(&search, 2, 3);
}
