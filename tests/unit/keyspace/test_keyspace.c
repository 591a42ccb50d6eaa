/* The keyspace against a naive model of it, through random operations. */
#include "keyspace/keyspace.h"

#include "util/number.h"

#include "unit/check.h"
#include <stdio.h>

enum { N_DBS = 4, N_KEYS = 400, N_CELLS = 65536, VALUE_MAX = 2600 };

static const struct hash_secret secret = {0x0123456789abcdefULL, 0xfedcba9876543210ULL};

/* -- the model --------------------------------------------------------------------------------- */

struct model_key {
    bool present;
    enum object_encoding encoding;
    int64_t due_ms;
    uint64_t revision;
    struct buf value;
};

struct model_db {
    struct model_key keys[N_KEYS];
    uint64_t floor;
    uint64_t *cells;
};

struct model {
    uint64_t revision;
    struct model_db dbs[N_DBS];
    char names[N_KEYS][600];
    size_t name_lens[N_KEYS];
    uint64_t hashes[N_KEYS];
};

static struct slice name(const struct model *model, uint32_t key) {
    return slice_of(model->names[key], model->name_lens[key]);
}

static struct model *model_new(void) {
    struct model *model = sf_alloc_zero(1, sizeof *model);
    for (uint32_t i = 0; i < N_KEYS; i++) {
        int len = snprintf(model->names[i], sizeof model->names[i], "key:%u", i);
        model->name_lens[i] = (size_t)len;
        if (i % 50 == 1) { /* longer than one byte's length */
            memset(model->names[i] + len, 'x', 500);
            model->name_lens[i] += i % 100 == 1 ? 500 : (size_t)(255 - len);
        }
        if (i == 0) model->name_lens[i] = 0;
        model->hashes[i] = hash_keyed(&secret, name(model, i));
    }
    for (uint32_t i = 0; i < N_DBS; i++)
        model->dbs[i].cells = sf_alloc_zero(N_CELLS, sizeof(uint64_t));
    return model;
}

static void model_free(struct model *model) {
    for (uint32_t i = 0; i < N_DBS; i++) {
        for (uint32_t key = 0; key < N_KEYS; key++) buf_free(&model->dbs[i].keys[key].value);
        sf_free(model->dbs[i].cells);
    }
    sf_free(model);
}

static void model_raise(struct model *model, uint32_t db, uint32_t key, uint64_t revision) {
    uint64_t *cell = &model->dbs[db].cells[model->hashes[key] >> 48];
    if (revision > *cell) *cell = revision;
}

static void model_leave(struct model *model, uint32_t db, uint32_t key) {
    struct model_key *held = &model->dbs[db].keys[key];
    if (held->present && held->due_ms != NO_DUE) model_raise(model, db, key, held->revision);
}

static void model_set(
    struct model *model, uint32_t db, uint32_t key, struct slice value, int64_t due_ms) {
    struct model_key *held = &model->dbs[db].keys[key];
    int64_t integer;
    model_leave(model, db, key);
    held->present = true;
    held->encoding = int_parse(value, &integer) ? ENCODING_INT
                     : value.len <= 44          ? ENCODING_EMBSTR
                                                : ENCODING_RAW;
    held->due_ms = due_ms;
    held->revision = ++model->revision;
    buf_clear(&held->value);
    buf_append_slice(&held->value, value);
}

static bool model_alive(const struct model_key *key, int64_t now_ms) {
    return key->present && key->due_ms > now_ms;
}

static uint64_t model_watched(const struct model *model, uint32_t db, uint32_t key, int64_t now) {
    const struct model_db *in = &model->dbs[db];
    const struct model_key *held = &in->keys[key];
    uint64_t absent = SF_MAX(in->floor, in->cells[model->hashes[key] >> 48]);
    if (model_alive(held, now)) return SF_MAX(held->revision, in->floor);
    if (held->present) absent = SF_MAX(absent, held->revision);
    return absent | (uint64_t)1 << 48;
}

static void model_floor(struct model *model, uint32_t db) {
    struct model_db *in = &model->dbs[db];
    in->floor = ++model->revision;
    memset(in->cells, 0, N_CELLS * sizeof(uint64_t));
}

static uint32_t model_size(const struct model_db *db) {
    uint32_t n = 0;
    for (uint32_t key = 0; key < N_KEYS; key++) n += db->keys[key].present;
    return n;
}

/* The next to be reclaimed: the smallest (due, hash, db). */
static bool model_next_due(const struct model *model, uint32_t *db_out, uint32_t *key_out) {
    const struct model_key *best = NULL;
    for (uint32_t db = 0; db < N_DBS; db++) {
        for (uint32_t key = 0; key < N_KEYS; key++) {
            const struct model_key *held = &model->dbs[db].keys[key];
            if (!held->present || held->due_ms == NO_DUE) continue;
            if (best != NULL && held->due_ms > best->due_ms) continue;
            if (best != NULL && held->due_ms == best->due_ms &&
                (model->hashes[key] > model->hashes[*key_out] ||
                    (model->hashes[key] == model->hashes[*key_out] && db > *db_out)))
                continue;
            best = held;
            *db_out = db;
            *key_out = key;
        }
    }
    return best != NULL;
}

/* -- comparing --------------------------------------------------------------------------------- */

static void check_key(const struct model *model, struct keyspace *keyspace, uint32_t number,
    uint32_t key, int64_t now_ms) {
    const struct model_key *held = &model->dbs[number].keys[key];
    struct db *db = keyspace_db(keyspace, number);
    struct slice key_name = name(model, key);
    assert_true(db_revision(db, key_name, now_ms) == model_watched(model, number, key, now_ms));
    struct object *object = db_find_even_dead(db, key_name);
    assert_true((object != NULL) == held->present);
    assert_ptr_equal(db_find(db, key_name, now_ms), model_alive(held, now_ms) ? object : NULL);
    if (object == NULL) return;
    char scratch[OBJECT_TEXT_MAX];
    int64_t integer, expected;
    assert_true(slice_equal(object_key(object), key_name));
    assert_true(slice_equal(object_string(object, scratch), buf_slice(&held->value)));
    assert_int_equal(object_encoding(object), held->encoding);
    assert_int_equal(object_type(object), OBJECT_STRING);
    assert_true(object_due_ms(object) == held->due_ms);
    assert_true(object_revision(object) == held->revision);
    assert_true(object_integer(object, &integer) == (held->encoding == ENCODING_INT));
    if (held->encoding == ENCODING_INT)
        assert_true(int_parse(buf_slice(&held->value), &expected) && expected == integer);
}

static void check_all(const struct model *model, struct keyspace *keyspace, int64_t now_ms) {
    assert_int_equal(keyspace_revision(keyspace), model->revision);
    for (uint32_t i = 0; i < N_DBS; i++) {
        struct db *db = keyspace_db(keyspace, i);
        uint64_t expiring = 0;
        for (uint32_t key = 0; key < N_KEYS; key++) {
            const struct model_key *held = &model->dbs[i].keys[key];
            check_key(model, keyspace, i, key, now_ms);
            expiring += held->present && held->due_ms != NO_DUE;
        }
        assert_int_equal(db_size(db), model_size(&model->dbs[i]));
        assert_int_equal(db_expiring_size(db), expiring);
    }
    uint32_t db, key;
    int64_t next = model_next_due(model, &db, &key) ? model->dbs[db].keys[key].due_ms : NO_DUE;
    assert_true(keyspace_next_due(keyspace) == next);
}

static bool add_to_transcript(void *context, struct object *object) {
    struct buf *out = context;
    buf_append_slice(out, object_key(object));
    buf_append_char(out, '\n');
    return true;
}

/* Everything that commands could see of order and chance. */
static void transcript(struct keyspace *keyspace, int64_t now_ms, struct buf *out) {
    for (uint32_t i = 0; i < N_DBS; i++) {
        struct db *db = keyspace_db(keyspace, i);
        uint64_t cursor = 0;
        do {
            cursor = db_scan(db, cursor, 7, add_to_transcript, out);
            buf_printf(out, "cursor %llu\n", (unsigned long long)cursor);
        } while (cursor != 0);
        db_walk(db, add_to_transcript, out);
        struct random random = random_from(i);
        for (int pick = 0; pick < 50; pick++) {
            struct object *object = db_random(db, now_ms, &random);
            if (object != NULL) add_to_transcript(out, object);
        }
        buf_printf(out, "%lld\n", (long long)db_average_ttl_ms(db, now_ms));
    }
}

static void check_reloaded(struct keyspace *keyspace, int64_t now_ms) {
    struct buf image = {0}, again = {0}, seen = {0}, seen_again = {0};
    uint8_t digest[20], digest_again[20];
    keyspace_dump(keyspace, &image);
    struct keyspace *reloaded = keyspace_new(N_DBS, &secret);
    assert_int_equal(keyspace_load(reloaded, buf_slice(&image)), SF_OK);
    keyspace_dump(reloaded, &again);
    assert_true(slice_equal(buf_slice(&image), buf_slice(&again)));
    assert_true(keyspace_digest(keyspace) == keyspace_digest(reloaded));
    keyspace_redis_digest(keyspace, now_ms, digest);
    keyspace_redis_digest(reloaded, now_ms, digest_again);
    assert_memory_equal(digest, digest_again, 20);
    transcript(keyspace, now_ms, &seen);
    transcript(reloaded, now_ms, &seen_again);
    assert_true(slice_equal(buf_slice(&seen), buf_slice(&seen_again)));
    keyspace_free(reloaded);
    buf_free(&image), buf_free(&again), buf_free(&seen), buf_free(&seen_again);
}

/* -- random operations ------------------------------------------------------------------------- */

struct run {
    struct model *model;
    struct keyspace *keyspace;
    struct random random;
    int64_t now_ms;
    struct buf value;
};

static uint64_t below(struct run *run, uint64_t bound) {
    return random_below(&run->random, bound);
}

static int64_t random_due(struct run *run) {
    if (below(run, 2) == 0) return NO_DUE;
    return run->now_ms + (int64_t)below(run, 40) - 3;
}

static struct slice random_value(struct run *run) {
    static const uint64_t lens[] = {0, 8, 20, 44, 45, 100, 255, 256, 1024, 1025, VALUE_MAX};
    buf_clear(&run->value);
    if (below(run, 3) == 0) {
        buf_printf(&run->value, "%lld", (long long)(random_next(&run->random) >> below(run, 64)));
    } else {
        uint64_t len = lens[below(run, SF_LENGTH(lens))] + below(run, 2);
        for (uint64_t i = 0; i < len; i++) buf_append_char(&run->value, (char)below(run, 256));
    }
    return buf_slice(&run->value);
}

static void do_set(struct run *run, uint32_t db, uint32_t key) {
    struct db *in = keyspace_db(run->keyspace, db);
    struct model_key *held = &run->model->dbs[db].keys[key];
    int64_t due_ms = held->present && below(run, 3) > 0 ? held->due_ms : random_due(run);
    struct object *object;
    if (below(run, 4) > 0) {
        struct slice value = random_value(run);
        object = db_set_string(in, name(run->model, key), value, due_ms);
        model_set(run->model, db, key, value, due_ms);
    } else {
        char text[INT_TEXT_MAX];
        int64_t integer = (int64_t)(random_next(&run->random) >> below(run, 64));
        object = db_set_integer(in, name(run->model, key), integer, due_ms);
        model_set(run->model, db, key, slice_of(text, int_print(integer, text)), due_ms);
    }
    assert_ptr_equal(object, db_find_even_dead(in, name(run->model, key)));
}

static void do_write_in_place(struct run *run, uint32_t db, uint32_t key) {
    struct model_key *held = &run->model->dbs[db].keys[key];
    struct object *object =
        db_find(keyspace_db(run->keyspace, db), name(run->model, key), run->now_ms);
    if (object == NULL) return;
    size_t old_len = held->value.len, len = old_len + below(run, 90);
    if (below(run, 3) == 0) len = below(run, VALUE_MAX);
    char *bytes = db_string_writable(keyspace_db(run->keyspace, db), &object, len);
    if (len > old_len) {
        memset(buf_reserve(&held->value, len - old_len), 0, len - old_len);
        buf_commit(&held->value, len - old_len);
    }
    buf_truncate(&held->value, len);
    assert_true(slice_equal(slice_of(bytes, len), buf_slice(&held->value)));
    if (len > 0) {
        size_t at = below(run, len);
        bytes[at] = held->value.data[held->value.start + at] = (char)below(run, 256);
    }
    held->encoding = ENCODING_RAW;
    held->revision = ++run->model->revision;
}

static void do_due(struct run *run, uint32_t db, uint32_t key) {
    struct model_key *held = &run->model->dbs[db].keys[key];
    struct db *in = keyspace_db(run->keyspace, db);
    struct object *object = db_find(in, name(run->model, key), run->now_ms);
    if (object == NULL) return;
    held->due_ms = random_due(run);
    held->revision = ++run->model->revision;
    db_set_due(in, &object, held->due_ms);
    assert_ptr_equal(object, db_find_even_dead(in, name(run->model, key)));
}

static void do_delete(struct run *run, uint32_t db, uint32_t key) {
    struct model_key *held = &run->model->dbs[db].keys[key];
    bool alive = model_alive(held, run->now_ms);
    assert_true(
        db_delete(keyspace_db(run->keyspace, db), name(run->model, key), run->now_ms) == alive);
    if (alive) model_raise(run->model, db, key, ++run->model->revision);
    if (held->present && !alive) model_raise(run->model, db, key, held->revision);
    held->present = false;
}

static void do_move(struct run *run, uint32_t db, uint32_t key) {
    uint32_t to_db = (uint32_t)below(run, N_DBS), to = (uint32_t)below(run, N_KEYS);
    struct model *model = run->model;
    struct model_key *from = &model->dbs[db].keys[key], *target = &model->dbs[to_db].keys[to];
    if (!model_alive(from, run->now_ms)) return;
    db_move(keyspace_db(run->keyspace, db), name(model, key), keyspace_db(run->keyspace, to_db),
        name(model, to));
    if (from == target) return;
    model_raise(model, db, key, ++model->revision);
    model_leave(model, to_db, to);
    struct buf spare = target->value;
    *target = *from;
    target->revision = ++model->revision;
    *from = (struct model_key){.value = spare};
}

static void do_swap(struct run *run) {
    uint32_t a = (uint32_t)below(run, N_DBS), b = (uint32_t)below(run, N_DBS);
    struct model_db *one = &run->model->dbs[a], *other = &run->model->dbs[b];
    keyspace_swap(run->keyspace, a, b);
    if (a == b || model_size(one) + model_size(other) == 0) return;
    for (uint32_t key = 0; key < N_KEYS; key++) {
        struct model_key was = one->keys[key];
        one->keys[key] = other->keys[key];
        other->keys[key] = was;
    }
    model_floor(run->model, a);
    model_floor(run->model, b);
}

static void do_flush(struct run *run, uint32_t db) {
    db_flush(keyspace_db(run->keyspace, db));
    if (model_size(&run->model->dbs[db]) == 0) return;
    for (uint32_t key = 0; key < N_KEYS; key++) run->model->dbs[db].keys[key].present = false;
    model_floor(run->model, db);
}

struct expected_expiry {
    struct run *run;
    uint64_t n;
};

static void on_expired(void *context, uint32_t db_number, struct slice key) {
    struct expected_expiry *expected = context;
    struct model *model = expected->run->model;
    uint32_t db, index;
    assert_true(model_next_due(model, &db, &index));
    assert_int_equal(db, db_number);
    assert_true(slice_equal(key, name(model, index)));
    struct model_key *held = &model->dbs[db].keys[index];
    assert_true(held->due_ms <= expected->run->now_ms);
    model_raise(model, db, index, held->revision);
    held->present = false;
    expected->n++;
}

static void do_reclaim(struct run *run, uint64_t budget) {
    struct expected_expiry expected = {run, 0};
    uint64_t n = keyspace_reclaim(run->keyspace, run->now_ms, budget, on_expired, &expected);
    assert_int_equal(n, expected.n);
    assert_true(n <= budget);
    if (n < budget) assert_true(keyspace_next_due(run->keyspace) > run->now_ms);
}

static void do_something(struct run *run) {
    uint32_t db = (uint32_t)below(run, N_DBS), key = (uint32_t)below(run, N_KEYS);
    uint64_t kind = below(run, 1000);
    if (kind < 450) {
        do_set(run, db, key);
    } else if (kind < 600) {
        do_write_in_place(run, db, key);
    } else if (kind < 700) {
        do_due(run, db, key);
    } else if (kind < 850) {
        do_delete(run, db, key);
    } else if (kind < 930) {
        do_move(run, db, key);
    } else if (kind < 990) {
        do_reclaim(run, below(run, 5));
    } else if (kind < 995) {
        do_swap(run);
    } else if (below(run, 4) == 0) {
        do_flush(run, db);
    }
    check_key(run->model, run->keyspace, db, key, run->now_ms);
    if (below(run, 20) == 0) run->now_ms++;
}

static void test_every_answer_equals_a_naive_model_s_and_survives_a_reload(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct run run = {.model = model_new(),
            .keyspace = keyspace_new(N_DBS, &secret),
            .random = random_from(seed),
            .now_ms = 1000};
        for (int i = 0; i < 6000; i++) {
            do_something(&run);
            if (i % 500 == 0) check_all(run.model, run.keyspace, run.now_ms);
            if (i % 1500 == 0) check_reloaded(run.keyspace, run.now_ms);
        }
        check_all(run.model, run.keyspace, run.now_ms);
        check_reloaded(run.keyspace, run.now_ms);
        do_reclaim(&run, UINT64_MAX);
        check_all(run.model, run.keyspace, run.now_ms);
        for (uint32_t db = 0; db < N_DBS; db++) do_flush(&run, db);
        while (keyspace_free_some(run.keyspace, 10)) {
        }
        assert_int_equal(keyspace_used_bytes(run.keyspace), 0);
        check_all(run.model, run.keyspace, run.now_ms);
        check_reloaded(run.keyspace, run.now_ms);
        keyspace_reset(run.keyspace);
        struct keyspace *fresh = keyspace_new(N_DBS, &secret);
        assert_true(keyspace_digest(fresh) == keyspace_digest(run.keyspace));
        keyspace_free(fresh);
        keyspace_free(run.keyspace);
        model_free(run.model);
        buf_free(&run.value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_answer_equals_a_naive_model_s_and_survives_a_reload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
