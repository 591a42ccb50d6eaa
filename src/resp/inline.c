#include "resp/inline.h"

/* Where a word may start, and what may follow a closing quote: isspace of the C locale. */
static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* What ends a bare word: vertical tab and form feed do not. */
static bool is_end(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* at: a backslash within double quotes. Returns where to go on. */
static const char *unescape(const char *at, const char *end, char *out) {
    if (end - at >= 4 && at[1] == 'x' && hex_value(at[2]) >= 0 && hex_value(at[3]) >= 0) {
        *out = (char)(hex_value(at[2]) * 16 + hex_value(at[3]));
        return at + 4;
    }
    if (end - at < 2) { /* the line ends: the caller will miss the closing quote */
        *out = *at;
        return at + 1;
    }
    switch (at[1]) {
    case 'n':
        *out = '\n';
        break;
    case 'r':
        *out = '\r';
        break;
    case 't':
        *out = '\t';
        break;
    case 'b':
        *out = '\b';
        break;
    case 'a':
        *out = '\a';
        break;
    default:
        *out = at[1];
        break;
    }
    return at + 2;
}

/* at: behind the opening quote. Returns behind the closing one, NULL when unbalanced. */
static const char *copy_quoted(const char *at, const char *end, char quote, char **out) {
    while (at < end && *at != quote) {
        if (*at == '\\' && quote == '"') {
            at = unescape(at, end, (*out)++);
        } else {
            if (*at == '\\' && end - at >= 2 && at[1] == '\'') at++;
            *(*out)++ = *at++;
        }
    }
    if (at == end) return NULL;
    at++;
    return at == end || is_space(*at) ? at : NULL;
}

enum inline_split inline_next(struct slice *rest, char **scratch, struct slice *word) {
    const char *at = rest->data, *end = at + rest->len;
    while (at < end && is_space(*at)) at++;
    if (at == end) return INLINE_END;
    const char *start = at;
    while (at < end && !is_end(*at) && *at != '"' && *at != '\'') at++;
    *word = slice_of(start, (size_t)(at - start));
    if (at < end && !is_end(*at)) {
        size_t bare = word->len;
        char *out = *scratch;
        word->data = out;
        memcpy(out, start, bare);
        out += bare;
        at = copy_quoted(at + 1, end, *at, &out); /* its end is always the word's end */
        if (at == NULL) return INLINE_UNBALANCED;
        word->len = (size_t)(out - *scratch);
        *scratch = out;
    }
    *rest = slice_of(at, (size_t)(end - at));
    return INLINE_WORD;
}
