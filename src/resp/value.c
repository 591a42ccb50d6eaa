#include "resp/value.h"

#include "util/number.h"

enum { DEPTH_MAX = 32, ELEMENT_BYTES = 3 /* the shortest element: "_" CRLF */ };

/* Private to this file: how far one value was read. */
enum outcome { READ, INCOMPLETE, MALFORMED };

static enum outcome read_value(struct slice in, size_t *at, int depth, struct resp_value *out);

/* The line behind the type byte, without CRLF. */
static enum outcome take_line(struct slice in, size_t *at, struct slice *line) {
    const char *start = in.data + *at;
    size_t left = in.len - *at;
    const char *end = left == 0 ? NULL : memchr(start, '\r', left);
    if (end == NULL || (size_t)(end - start) + 2 > left) return INCOMPLETE;
    if (end[1] != '\n') return MALFORMED;
    *line = slice_of(start, (size_t)(end - start));
    *at += line->len + 2;
    return READ;
}

/* len bytes and CRLF. */
static enum outcome take_bytes(struct slice in, size_t *at, int64_t len, struct slice *bytes) {
    if ((uint64_t)(in.len - *at) < (uint64_t)len + 2) return INCOMPLETE;
    *bytes = slice_of(in.data + *at, (size_t)len);
    if (memcmp(in.data + *at + len, "\r\n", 2) != 0) return MALFORMED;
    *at += (size_t)len + 2;
    return READ;
}

static bool is_double(struct slice text) {
    double value;
    return slice_is(text, "nan") || double_parse(text, &value);
}

static bool is_big_number(struct slice text) {
    size_t sign = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');
    for (size_t i = sign; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
    }
    return text.len > sign;
}

static enum outcome read_bytes_of(
    struct slice in, size_t *at, struct slice line, struct resp_value *out) {
    int64_t len;
    if (!int_parse(line, &len) || len < -1) return MALFORMED;
    if (len == -1) {
        out->is_null = true;
        return out->type == '$' ? READ : MALFORMED;
    }
    enum outcome outcome = take_bytes(in, at, len, &out->text);
    if (outcome != READ || out->type != '=') return outcome;
    return out->text.len >= 4 && out->text.data[3] == ':' ? READ : MALFORMED;
}

/* An element, and the attributes in front of it, which are dropped. */
static enum outcome read_element(struct slice in, size_t *at, int depth, struct resp_value *out) {
    enum outcome outcome = read_value(in, at, depth, out);
    while (outcome == READ && out->type == '|') {
        resp_value_free(out);
        outcome = read_value(in, at, depth, out);
    }
    return outcome;
}

static enum outcome read_elements(
    struct slice in, size_t *at, int depth, struct slice line, struct resp_value *out) {
    int64_t n;
    if (!int_parse(line, &n) || n < -1 || n > INT32_MAX) return MALFORMED;
    if (n == -1) {
        out->is_null = true;
        return out->type == '*' ? READ : MALFORMED;
    }
    if (depth >= DEPTH_MAX) return MALFORMED;
    uint32_t total = (uint32_t)n * (out->type == '%' || out->type == '|' ? 2 : 1);
    uint32_t cap = 0;
    while (out->n < total) {
        if (out->n == cap) {
            if ((in.len - *at) / ELEMENT_BYTES < total - out->n) return INCOMPLETE;
            cap = SF_MIN(total, cap == 0 ? 4 : cap * 2);
            out->elements = sf_realloc(out->elements, cap * sizeof(*out->elements));
        }
        struct resp_value *element = &out->elements[out->n++];
        enum outcome outcome = read_element(in, at, depth + 1, element);
        if (outcome != READ) return outcome;
    }
    return READ;
}

static enum outcome read_line_of(struct slice line, struct resp_value *out) {
    out->text = line;
    switch (out->type) {
    case ':':
        return int_parse(line, &out->integer) ? READ : MALFORMED;
    case ',':
        return is_double(line) ? READ : MALFORMED;
    case '(':
        return is_big_number(line) ? READ : MALFORMED;
    case '_':
        out->is_null = true;
        return line.len == 0 ? READ : MALFORMED;
    case '#':
        if (line.len != 1 || (line.data[0] != 't' && line.data[0] != 'f')) return MALFORMED;
        out->integer = line.data[0] == 't';
        return READ;
    default:
        return memchr(line.data, '\n', line.len) == NULL ? READ : MALFORMED;
    }
}

/* Leaves in *out what was read, also when the outcome is not READ. */
static enum outcome read_value(struct slice in, size_t *at, int depth, struct resp_value *out) {
    *out = (struct resp_value){0};
    if (*at == in.len) return INCOMPLETE;
    char type = in.data[*at];
    if (type == 0 || strchr("+-:$*_#,%~>(=!|", type) == NULL) return MALFORMED;
    ++*at;
    struct slice line;
    enum outcome outcome = take_line(in, at, &line);
    if (outcome != READ) return outcome;
    out->type = type;
    switch (type) {
    case '$':
    case '=':
    case '!':
        return read_bytes_of(in, at, line, out);
    case '*':
    case '%':
    case '~':
    case '>':
    case '|':
        return read_elements(in, at, depth, line, out);
    default:
        return read_line_of(line, out);
    }
}

enum sf_status resp_value_parse(struct slice in, size_t *consumed, struct resp_value *out) {
    size_t at = 0;
    *consumed = 0;
    enum outcome outcome = read_value(in, &at, 0, out);
    if (outcome == READ) {
        *consumed = at;
        return SF_OK;
    }
    resp_value_free(out);
    return outcome == INCOMPLETE ? SF_OK : SF_ERR_CORRUPT;
}

/* No deeper than the parser went. */
void resp_value_free(struct resp_value *value) {
    for (uint32_t i = 0; i < value->n; i++) resp_value_free(&value->elements[i]);
    sf_free(value->elements);
    *value = (struct resp_value){0};
}
