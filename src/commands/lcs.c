/* LCS: the longest common subsequence of two strings.
 *
 * Let L[i][j] be its length for the first i bytes of a and the first j of b. In a row L grows by 0
 * or 1 from each j to the next, so a row is kept as bits: a zero in `flat` where it grows. A row
 * follows from the one above it by an addition over words of 64 columns (Crochemore and others, "A
 * fast and practical bit-vector algorithm for the longest common subsequence problem", 2001):
 *
 *   flat' = (flat + (flat & match)) | (flat & ~match)       match: where b has the row's byte
 *
 * Going back from the last corner, which of two ways is taken where bytes differ shows in the
 * result: up where L[i-1][j] > L[i][j-1], which is where row i grows at j, else to the left. */
#include "commands/call.h"
#include "commands/functions.h"

struct lcs_options {
    bool length, ranges, with_length;
    int64_t least; /* bytes of a range, to be told */
};

struct lcs {
    struct slice a, b;
    size_t n_words;       /* of a row */
    bool keeps_rows;      /* all of them, not only the last */
    uint64_t *rows;       /* the row above the first included */
    uint64_t *matches;    /* of the bytes that a contains */
    uint64_t *match[256]; /* their places there; NULL: the byte is not in a */
};

static bool parse_options(struct call *call, struct lcs_options *options) {
    *options = (struct lcs_options){0};
    for (uint32_t at = 3; at < call->argc; at++) {
        struct slice word = call->argv[at];
        if (slice_is(word, "idx")) {
            options->ranges = true;
        } else if (slice_is(word, "len")) {
            options->length = true;
        } else if (slice_is(word, "withmatchlen")) {
            options->with_length = true;
        } else if (slice_is(word, "minmatchlen") && at + 1 < call->argc) {
            if (!call_integer(call, call->argv[++at], &options->least)) return false;
        } else {
            reply_error(call->reply, TEXT_SYNTAX);
            return false;
        }
    }
    if (!options->ranges || !options->length) return true;
    reply_error(call->reply, "ERR If you want both the length and indexes, please just use IDX.");
    return false;
}

/* Redis keeps a table of L as numbers of 32 bits; we need a thirty-second of that, but refuse what
 * it refuses, which bounds the work too. */
static bool fits(struct call *call, struct slice a, struct slice b) {
    if (a.len >= UINT32_MAX - 1 || b.len >= UINT32_MAX - 1) {
        reply_error(call->reply, "ERR String too long for LCS");
        return false;
    }
    uint64_t cells = ((uint64_t)a.len + 1) * ((uint64_t)b.len + 1);
    if (cells <= call->proto_max_bulk_len / sizeof(uint32_t)) return true;
    reply_error(call->reply,
        "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
    return false;
}

/* -- the rows -------------------------------------------------------------------------------- */

static void find_matches(struct lcs *lcs) {
    size_t n = 0;
    bool in_a[256] = {false};
    for (size_t i = 0; i < lcs->a.len; i++) {
        n += !in_a[(uint8_t)lcs->a.data[i]];
        in_a[(uint8_t)lcs->a.data[i]] = true;
    }
    lcs->matches = sf_alloc_zero(SF_MAX(n * lcs->n_words, (size_t)1), sizeof(uint64_t));
    uint64_t *next = lcs->matches;
    for (size_t byte = 0; byte < 256; byte++) {
        if (!in_a[byte]) continue;
        lcs->match[byte] = next;
        next += lcs->n_words;
    }
    for (size_t j = 0; j < lcs->b.len; j++) {
        uint64_t *match = lcs->match[(uint8_t)lcs->b.data[j]];
        if (match != NULL) match[j / 64] |= (uint64_t)1 << j % 64;
    }
}

static uint64_t *row_at(const struct lcs *lcs, size_t i) {
    return lcs->rows + (lcs->keeps_rows ? i * lcs->n_words : 0);
}

static void next_row(const uint64_t *above, const uint64_t *match, uint64_t *row, size_t n_words) {
    uint64_t carry = 0;
    for (size_t k = 0; k < n_words; k++) {
        uint64_t flat = above[k], met = flat & match[k], sum;
        uint64_t overflow = __builtin_add_overflow(flat, met, &sum);
        overflow |= __builtin_add_overflow(sum, carry, &sum);
        row[k] = sum | (flat & ~match[k]);
        carry = overflow;
    }
}

static void lcs_open(
    const struct call *call, struct lcs *lcs, struct slice a, struct slice b, bool keeps_rows) {
    *lcs = (struct lcs){.a = a, .b = b, .n_words = (b.len + 63) / 64, .keeps_rows = keeps_rows};
    find_matches(lcs);
    size_t n_rows = keeps_rows ? a.len + 1 : 1, words = n_rows * lcs->n_words;
    lcs->rows = sf_alloc(SF_MAX(words, (size_t)1) * sizeof(uint64_t));
    memset(lcs->rows, 0xff, lcs->n_words * sizeof(uint64_t));
    for (size_t i = 0; i < a.len; i++) {
        call_work(call, 1 + lcs->n_words / 32);
        next_row(row_at(lcs, i), lcs->match[(uint8_t)a.data[i]], row_at(lcs, i + 1), lcs->n_words);
    }
}

static void lcs_close(struct lcs *lcs) {
    sf_free(lcs->rows);
    sf_free(lcs->matches);
}

static bool grows_at(const struct lcs *lcs, size_t i, size_t j) {
    return (row_at(lcs, i)[(j - 1) / 64] >> (j - 1) % 64 & 1) == 0;
}

static size_t lcs_length(const struct lcs *lcs) {
    size_t n = 0;
    for (size_t k = 0; k < lcs->n_words; k++)
        n += (unsigned)__builtin_popcountll(~row_at(lcs, lcs->a.len)[k]);
    return n; /* columns behind the last never meet a match: they stay flat */
}

/* -- the way back ---------------------------------------------------------------------------- */

static void reply_span(struct call *call, size_t first, size_t len) {
    reply_array(call->reply, 2);
    reply_integer(call->reply, (int64_t)first);
    reply_integer(call->reply, (int64_t)(first + len - 1));
}

/* A range of len bytes that begins at a[i] and b[j]; returns whether it was told. */
static uint64_t reply_range(
    struct call *call, const struct lcs_options *options, size_t i, size_t j, size_t len) {
    if ((int64_t)len < options->least) return 0;
    reply_array(call->reply, options->with_length ? 3 : 2);
    reply_span(call, i, len);
    reply_span(call, j, len);
    if (options->with_length) reply_integer(call->reply, (int64_t)len);
    return 1;
}

static void reply_ranges(
    struct call *call, const struct lcs *lcs, const struct lcs_options *options) {
    reply_map(call->reply, 2);
    reply_bulk_text(call->reply, "matches");
    struct reply_open open = reply_begin(call->reply);
    uint64_t n = 0;
    size_t i = lcs->a.len, j = lcs->b.len, run = 0;
    while (i > 0 && j > 0) {
        bool same = lcs->a.data[i - 1] == lcs->b.data[j - 1];
        if (!same && run > 0) {
            n += reply_range(call, options, i, j, run);
            run = 0;
        }
        run += same;
        bool up = same || grows_at(lcs, i, j), left = same || !up;
        i -= up;
        j -= left;
    }
    if (run > 0) n += reply_range(call, options, i, j, run);
    reply_end(call->reply, open, REPLY_ARRAY, n);
    reply_bulk_text(call->reply, "len");
    reply_integer(call->reply, (int64_t)lcs_length(lcs));
}

static void reply_subsequence(struct call *call, const struct lcs *lcs) {
    size_t len = lcs_length(lcs), at = len, i = lcs->a.len, j = lcs->b.len;
    char *text = sf_alloc(len + 1);
    while (at > 0) { /* then what is left of either has no match */
        bool same = lcs->a.data[i - 1] == lcs->b.data[j - 1];
        bool up = same || grows_at(lcs, i, j), left = same || !up;
        if (same) text[--at] = lcs->a.data[i - 1];
        i -= up;
        j -= left;
    }
    reply_bulk(call->reply, slice_of(text, len));
    sf_free(text);
}

void cmd_lcs(struct call *call) {
    struct object *objects[2];
    struct slice texts[2];
    char scratch[2][OBJECT_TEXT_MAX];
    struct lcs_options options;
    for (size_t i = 0; i < 2; i++) {
        objects[i] = call_find(call, call->argv[1 + i]);
        if (objects[i] != NULL && object_type(objects[i]) != OBJECT_STRING) {
            reply_error(call->reply, "ERR The specified keys must contain string values");
            return;
        }
        texts[i] = objects[i] == NULL ? SLICE("") : object_string(objects[i], scratch[i]);
    }
    if (!parse_options(call, &options) || !fits(call, texts[0], texts[1])) return;
    struct lcs lcs;
    lcs_open(call, &lcs, texts[0], texts[1], !options.length);
    if (options.ranges)
        reply_ranges(call, &lcs, &options);
    else if (options.length)
        reply_integer(call->reply, (int64_t)lcs_length(&lcs));
    else
        reply_subsequence(call, &lcs);
    lcs_close(&lcs);
}
