/* Which forms there are, and what is the same for all of them. */
#include "keyspace/collection.h"

#include "keyspace/element.h"
#include "util/number.h"

#define N_TYPES (OBJECT_STREAM + 1)
#define N_ENCODINGS (ENCODING_HASHTABLE_DUE + 1)

const struct collection_form *collection_form(
    enum object_type type, enum object_encoding encoding) {
    static const struct collection_form *const forms[N_TYPES][N_ENCODINGS] = {
        [OBJECT_LIST] = {[ENCODING_LISTPACK] = &list_listpack_form,
            [ENCODING_QUICKLIST] = &list_quicklist_form},
        [OBJECT_ZSET] =
            {[ENCODING_LISTPACK] = &zset_listpack_form, [ENCODING_SKIPLIST] = &zset_skiplist_form},
        [OBJECT_SET] = {[ENCODING_INTSET] = &set_intset_form,
            [ENCODING_LISTPACK] = &set_listpack_form,
            [ENCODING_HASHTABLE] = &set_table_form},
        [OBJECT_HASH] = {[ENCODING_LISTPACK] = &hash_listpack_form,
            [ENCODING_HASHTABLE] = &hash_table_form,
            [ENCODING_LISTPACK_DUE] = &hash_due_listpack_form,
            [ENCODING_HASHTABLE_DUE] = &hash_due_table_form},
        [OBJECT_STREAM] = {[ENCODING_STREAM] = &stream_form},
    };
    if ((unsigned)type >= N_TYPES || (unsigned)encoding >= N_ENCODINGS) return NULL;
    return forms[type][encoding];
}

const char *object_encoding_name(enum object_encoding encoding) {
    switch (encoding) {
    case ENCODING_RAW:
        return "raw";
    case ENCODING_EMBSTR:
        return "embstr";
    case ENCODING_INT:
        return "int";
    case ENCODING_LISTPACK:
        return "listpack";
    case ENCODING_INTSET:
        return "intset";
    case ENCODING_LISTPACK_DUE:
        return "listpackex";
    case ENCODING_HASHTABLE:
    case ENCODING_HASHTABLE_DUE:
        return "hashtable";
    case ENCODING_QUICKLIST:
        return "quicklist";
    case ENCODING_SKIPLIST:
        return "skiplist";
    case ENCODING_STREAM:
        return "stream";
    }
    SF_ASSERT(false);
    return NULL;
}

static const struct collection_form *form_of(const struct collection *collection) {
    const struct collection_form *form = collection_form(collection->type, collection->encoding);
    SF_ASSERT(form != NULL);
    return form;
}

uint64_t collection_size(const struct collection *collection) {
    return form_of(collection)->size(collection->value);
}

struct collection collection_copy(const struct collection *collection) {
    struct collection copy = *collection;
    copy.value = form_of(collection)->copy(collection->types, collection->value);
    copy.is_inline = false;
    copy.db = NULL;
    copy.unchanged = NULL;
    return copy;
}

void collection_free(struct collection *collection) {
    bool is_own = collection->value != NULL && !collection->is_inline;
    if (is_own) form_of(collection)->free(collection->value);
    collection->value = NULL;
    collection->is_inline = false;
}

void collection_take_out(struct collection *collection) {
    collection->value = form_of(collection)->copy(collection->types, collection->value);
    collection->is_inline = false;
}

/* -- thresholds ------------------------------------------------------------------------------ */

struct slice setting_name(struct slice name) {
    static const struct {
        const char *old, *name;
    } renamed[] = {
        {"hash-max-ziplist-entries", "hash-max-listpack-entries"},
        {"hash-max-ziplist-value", "hash-max-listpack-value"},
        {"list-max-ziplist-size", "list-max-listpack-size"},
        {"zset-max-ziplist-entries", "zset-max-listpack-entries"},
        {"zset-max-ziplist-value", "zset-max-listpack-value"},
    };
    for (size_t i = 0; i < SF_LENGTH(renamed); i++) {
        if (slice_is(name, renamed[i].old)) return slice_text(renamed[i].name);
    }
    return name;
}

bool thresholds_set(struct thresholds *thresholds, struct slice name, struct slice value) {
    const struct {
        const char *name;
        int64_t *at;
    } all[] = {
        {"hash-max-listpack-entries", &thresholds->hash_max_listpack_entries},
        {"hash-max-listpack-value", &thresholds->hash_max_listpack_value},
        {"set-max-intset-entries", &thresholds->set_max_intset_entries},
        {"set-max-listpack-entries", &thresholds->set_max_listpack_entries},
        {"set-max-listpack-value", &thresholds->set_max_listpack_value},
        {"list-max-listpack-size", &thresholds->list_max_listpack_size},
        {"list-compress-depth", &thresholds->list_compress_depth},
        {"zset-max-listpack-entries", &thresholds->zset_max_listpack_entries},
        {"zset-max-listpack-value", &thresholds->zset_max_listpack_value},
        {"stream-node-max-bytes", &thresholds->stream_node_max_bytes},
        {"stream-node-max-entries", &thresholds->stream_node_max_entries},
        {"hll-sparse-max-bytes", &thresholds->hll_sparse_max_bytes},
    };
    for (size_t i = 0; i < SF_LENGTH(all); i++) {
        if (slice_is(name, all[i].name))
            return int_parse(value, all[i].at) || memory_parse(value, all[i].at);
    }
    return false;
}

/* -- what packed forms share ----------------------------------------------------------------- */

size_t packed_bytes(const void *value) {
    return size_class(listpack_bytes(value));
}

void packed_free(void *value) {
    listpack_free(value);
}

void *packed_copy(const struct collection_types *types, const void *value) {
    (void)types;
    return listpack_copy(value);
}

void packed_put(const void *value, struct buf *out) {
    put_string(out, listpack_image(value));
}

struct listpack *packed_read(struct reader *in) {
    struct slice bytes = read_string(in);
    struct listpack *listpack = in->failed ? NULL : listpack_load(bytes);
    if (listpack == NULL || listpack_first(listpack) != 0) return listpack;
    listpack_free(listpack);
    return NULL;
}

bool packed_is_distinct(
    const struct collection_types *types, const struct listpack *listpack, uint32_t stride) {
    struct element_table *seen = element_table_new(types, false);
    bool is_good = true;
    char scratch[INT_TEXT_MAX];
    uint64_t n = 0;
    for (size_t at = listpack_first(listpack); at != 0 && is_good; n++) {
        struct slice text = listpack_text(listpack, at, scratch);
        if (n % stride == 0) is_good = element_table_put(seen, text, slice_of(NULL, 0));
        at = listpack_next(listpack, at);
    }
    element_form_free(seen);
    return is_good && n % stride == 0;
}
