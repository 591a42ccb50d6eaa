#include "sim/model_internal.h"

const struct model_value *value_ref(const struct model_value *value) {
    struct model_value *own = (struct model_value *)(uintptr_t)value;
    if (own != NULL) own->references++;
    return value;
}

void value_unref(const struct model_value *value) {
    struct model_value *own = (struct model_value *)(uintptr_t)value;
    if (own == NULL || --own->references > 0) return;
    for (uint32_t i = 0; i < own->n; i++) {
        bytes_unref(own->elements[i].name);
        bytes_unref(own->elements[i].value);
    }
    sf_free(own->elements);
    sf_free(own);
}

struct model_value *value_new(enum model_type type) {
    struct model_value *value = sf_alloc_zero(1, sizeof *value);
    value->references = 1;
    value->type = type;
    return value;
}

struct model_value *value_edit(const struct model_value *value, enum model_type type) {
    struct model_value *copy = value_new(type);
    if (value == NULL) return copy;
    SF_ASSERT(value->type == type);
    copy->n = value->n;
    copy->cap = value->n + 4;
    copy->elements = sf_alloc(copy->cap * sizeof *copy->elements);
    for (uint32_t i = 0; i < value->n; i++) {
        copy->elements[i] = value->elements[i];
        bytes_ref(copy->elements[i].name);
        bytes_ref(copy->elements[i].value);
    }
    return copy;
}

uint32_t value_find(const struct model_value *value, struct slice name) {
    if (value == NULL) return 0;
    for (uint32_t i = 0; i < value->n; i++)
        if (slice_equal(bytes_slice(value->elements[i].name), name)) return i;
    return value->n;
}

struct model_element *value_insert(struct model_value *value, uint32_t at, struct slice name) {
    SF_ASSERT(at <= value->n);
    if (value->n == value->cap) {
        value->cap = SF_MAX(8u, value->cap * 2);
        value->elements = sf_realloc(value->elements, value->cap * sizeof *value->elements);
    }
    struct model_element *element = &value->elements[at];
    memmove(element + 1, element, (value->n++ - at) * sizeof *element);
    *element = (struct model_element){.name = bytes_new(name.data, name.len)};
    return element;
}

void value_remove(struct model_value *value, uint32_t at) {
    SF_ASSERT(at < value->n);
    struct model_element *element = &value->elements[at];
    bytes_unref(element->name);
    bytes_unref(element->value);
    memmove(element, element + 1, (--value->n - at) * sizeof *element);
}

void value_set_text(struct bytes **text, struct slice to) {
    struct bytes *new = bytes_new(to.data, to.len);
    bytes_unref(*text);
    *text = new;
}
