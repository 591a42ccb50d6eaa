/* What every fuzzer shares: inputs made by mutating seeds, each run replayable from a number.
 *
 *   int main(int argc, char **argv) {
 *       struct fuzz fuzz = fuzz_begin(argc, argv, "resp", seeds, SF_LENGTH(seeds));
 *       while (fuzz_next(&fuzz)) one_input(&fuzz.random, fuzz.input);
 *       return fuzz_end(&fuzz);
 *   }
 *
 * argv[1] is the number of runs, argv[2] the seed. Run i draws from seed + i alone, so a failure in
 * it is replayed by runs 1 and that sum. */
#ifndef SF_TESTS_FUZZ_FUZZ_H
#define SF_TESTS_FUZZ_FUZZ_H

#include "util/base.h"
#include "util/buf.h"
#include "util/random.h"
#include "util/slice.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FUZZ_SEEDS_MAX = 256, FUZZ_INPUT_MAX = 4096 };

struct fuzz {
    const char *name;
    struct buf seeds[FUZZ_SEEDS_MAX];
    size_t n_seeds;
    uint64_t runs, seed, next;
    struct random random; /* of this run */
    struct slice input; /* of this run: memory of exactly its length, so that sanitizers see more */
    struct buf draft;
};

static uint64_t fuzz_running; /* for the signal handler only */

static inline void fuzz_on_crash(int number) {
    char text[96];
    int len = snprintf(text, sizeof(text), "fuzz: crashed; replay with runs 1, seed %llu\n",
        (unsigned long long)fuzz_running);
    if (len > 0 && write(STDERR_FILENO, text, (size_t)len) < 0) _exit(3);
    signal(number, SIG_DFL);
    raise(number);
}

/* The address sanitizer shall raise a signal too. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "abort_on_error=1:detect_leaks=1";
}

static inline void fuzz_read_file(struct fuzz *fuzz, const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fuzz->n_seeds == FUZZ_SEEDS_MAX) {
        if (file != NULL) fclose(file);
        return;
    }
    struct buf *seed = &fuzz->seeds[fuzz->n_seeds++];
    char block[FUZZ_INPUT_MAX];
    buf_append(seed, block, fread(block, 1, sizeof(block), file));
    fclose(file);
}

static inline int fuzz_is_file(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

/* Files in the order of their names, so that a seed means the same on every machine. */
static inline void fuzz_read_corpus(struct fuzz *fuzz) {
    char folder[256], path[600];
    snprintf(folder, sizeof(folder), "tests/fuzz/corpus/%s", fuzz->name);
    struct dirent **entries;
    int n = scandir(folder, &entries, fuzz_is_file, alphasort);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        fuzz_read_file(fuzz, path);
        free(entries[i]);
    }
    if (n >= 0) free(entries);
}

static inline struct fuzz fuzz_begin(
    int argc, char **argv, const char *name, const struct slice *seeds, size_t n_seeds) {
    struct fuzz fuzz = {.name = name, .runs = 1000, .seed = 1};
    if (argc > 1) fuzz.runs = strtoull(argv[1], NULL, 10);
    if (argc > 2) fuzz.seed = strtoull(argv[2], NULL, 10);
    for (size_t i = 0; i < n_seeds; i++) buf_append_slice(&fuzz.seeds[fuzz.n_seeds++], seeds[i]);
    fuzz_read_corpus(&fuzz);
    SF_ASSERT(fuzz.n_seeds > 0);
    signal(SIGABRT, fuzz_on_crash);
    signal(SIGSEGV, fuzz_on_crash);
    return fuzz;
}

static inline struct slice fuzz_any_seed(struct fuzz *fuzz) {
    return buf_slice(&fuzz->seeds[random_below(&fuzz->random, fuzz->n_seeds)]);
}

/* Replaces removed bytes at at by others. */
static inline void fuzz_splice(struct buf *draft, size_t at, size_t removed, struct slice added) {
    struct buf out = {0};
    buf_append(&out, buf_slice(draft).data, at);
    buf_append_slice(&out, added);
    buf_append(&out, buf_slice(draft).data + at + removed, draft->len - at - removed);
    buf_free(draft);
    *draft = out;
}

static inline void fuzz_mutate(struct fuzz *fuzz) {
    static const char *const numbers[] = {"0", "-1", "1", "00", "-0", "+1", "31", "33", "255",
        "256", "65535", "65536", "1048577", "2147483647", "2147483648", "4294967296", "536870913",
        "9223372036854775807", "-9223372036854775808", "18446744073709551616", "1e400", "nan"};
    static const char bytes[] = "\r\n\0 \t\"'\\*$:+-%~>|=#_,(!{}[]^?\xff\x80\x7f";
    struct random *random = &fuzz->random;
    struct buf *draft = &fuzz->draft;
    size_t at = random_below(random, draft->len + 1), left = draft->len - at;
    size_t some = left == 0 ? 0 : 1 + random_below(random, SF_MIN(left, 16));
    char byte = bytes[random_below(random, sizeof(bytes) - 1)];
    struct slice seed = fuzz_any_seed(fuzz);
    switch (random_below(random, 8)) {
    case 0:
        if (left > 0) draft->data[draft->start + at] ^= (char)(1 << random_below(random, 8));
        break;
    case 1:
        if (left > 0) draft->data[draft->start + at] = byte;
        break;
    case 2:
        fuzz_splice(draft, at, 0, slice_of(&byte, 1));
        break;
    case 3:
        fuzz_splice(draft, at, some, slice_of(NULL, 0));
        break;
    case 4: {
        struct buf copy = {0};
        buf_append(&copy, buf_slice(draft).data + at, some);
        fuzz_splice(draft, at, 0, buf_slice(&copy));
        buf_free(&copy);
        break;
    }
    case 5:
        while (left > 0 && strchr("0123456789", buf_slice(draft).data[at]) == NULL) at++, left--;
        fuzz_splice(
            draft, at, left > 0, slice_text(numbers[random_below(random, SF_LENGTH(numbers))]));
        break;
    case 6:
        fuzz_splice(draft, at, 0, slice_of(seed.data, random_below(random, seed.len + 1)));
        break;
    default:
        buf_truncate(draft, SF_MAX(at, draft->len / 2));
        break;
    }
}

static inline bool fuzz_next(struct fuzz *fuzz) {
    free((void *)(uintptr_t)fuzz->input.data);
    fuzz->input = slice_of(NULL, 0);
    if (fuzz->next == fuzz->runs) return false;
    fuzz_running = fuzz->seed + fuzz->next++;
    fuzz->random = random_from(fuzz_running);
    buf_clear(&fuzz->draft);
    for (uint64_t n = 1 + random_below(&fuzz->random, 3); n > 0; n--)
        buf_append_slice(&fuzz->draft, fuzz_any_seed(fuzz));
    for (uint64_t n = random_below(&fuzz->random, 8); n > 0; n--) fuzz_mutate(fuzz);
    if (fuzz->draft.len > FUZZ_INPUT_MAX) buf_truncate(&fuzz->draft, FUZZ_INPUT_MAX);
    if (fuzz->draft.len > 0) {
        char *input = malloc(fuzz->draft.len);
        SF_ASSERT(input != NULL);
        memcpy(input, buf_slice(&fuzz->draft).data, fuzz->draft.len);
        fuzz->input = slice_of(input, fuzz->draft.len);
    }
    return true;
}

static inline int fuzz_end(struct fuzz *fuzz) {
    for (size_t i = 0; i < fuzz->n_seeds; i++) buf_free(&fuzz->seeds[i]);
    buf_free(&fuzz->draft);
    printf("fuzz_%s: %llu runs from seed %llu\n", fuzz->name, (unsigned long long)fuzz->runs,
        (unsigned long long)fuzz->seed);
    return 0;
}

#endif
