#include "sim/series.h"

#include "sim/marks.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define STUCK_S 300 /* of real time: a seed that loops */

enum { COUNTS = COVER_KINDS + MARKS_MAX };

/* Shared with the processes of one slot, one after another. */
struct slot {
    pid_t pid; /* 0: idle */
    uint64_t seed;
    int errors; /* a file that takes what the process says on stderr */
    bool failed, done;
    char failure[600];
    uint64_t counts[COUNTS]; /* coverage, then marks */
    uint64_t seeds[COUNTS];  /* how many seeds counted anything there */
};

struct series {
    const struct series_options *options;
    struct slot *slots;
    uint64_t n_slots;
    uint64_t *seeds; /* all that are to be run */
    uint64_t n_seeds, next;
    uint64_t passed, failed;
    uint64_t first_failed; /* place in seeds; n_seeds: none */
};

static void count(struct slot *slot, size_t at, uint64_t n) {
    slot->counts[at] += n;
    slot->seeds[at] += n > 0;
}

static void run_seed(const struct series_options *options, uint64_t seed, struct slot *slot) {
    struct world *world = sf_alloc_zero(1, sizeof *world);
    struct world_options world_options = {
        .seed = seed,
        .n_nodes = (uint32_t)options->nodes,
        .transcript = options->replay && !options->quiet,
        .messages = options->replay && options->messages,
        .duration_us = (int64_t)options->seconds * 1000000,
    };
    world_run(world, &world_options);
    slot->failed = world->failed;
    snprintf(slot->failure, sizeof slot->failure, "%s", world->failure);
    for (size_t i = 0; i < COVER_KINDS; i++) count(slot, i, world->coverage[i]);
    for (size_t i = 0; i < marks_count(); i++) count(slot, COVER_KINDS + i, marks_hits(i));
    slot->done = true;
    world_clear(world);
    sf_free(world);
}

/* -- one process ------------------------------------------------------------------------------ */

static void slot_start(struct series *series, struct slot *slot, uint64_t seed) {
    slot->seed = seed;
    slot->done = slot->failed = false;
    if (ftruncate(slot->errors, 0) != 0) perror("simulator");
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        perror("simulator");
        exit(2);
    }
    if (child == 0) {
        alarm(STUCK_S);
        lseek(slot->errors, 0, SEEK_SET);
        dup2(slot->errors, STDERR_FILENO);
        run_seed(series->options, seed, slot);
        exit(0);
    }
    slot->pid = child;
}

/* What ended a process that did not end by itself: its last line, or the signal. */
static void describe_death(struct slot *slot, int status) {
    char text[512];
    ssize_t n = pread(slot->errors, text, sizeof text - 1, 0);
    text[SF_MAX(n, (ssize_t)0)] = 0;
    text[strcspn(text, "\n")] = 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(text, sizeof text, "stuck: too much real time");
    else if (text[0] == 0 && WIFSIGNALED(status))
        snprintf(text, sizeof text, "%s", strsignal(WTERMSIG(status)));
    else if (text[0] == 0)
        snprintf(text, sizeof text, "exited with status %d", WEXITSTATUS(status));
    snprintf(slot->failure, sizeof slot->failure, "%s", text);
}

static uint64_t place_of(const struct series *series, uint64_t seed) {
    uint64_t at = 0;
    while (series->seeds[at] != seed) at++;
    return at;
}

static void slot_ended(struct series *series, struct slot *slot, int status) {
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0 && slot->done;
    slot->pid = 0;
    if (!good && !(slot->done && slot->failed)) describe_death(slot, status);
    slot->failed = slot->failed || !good;
    series->passed += !slot->failed;
    series->failed += slot->failed;
    if (!slot->failed) return;
    uint64_t place = place_of(series, slot->seed);
    if (place < series->first_failed) {
        series->first_failed = place;
    } else if (series->options->until_failure) {
        return; /* an earlier one has failed already */
    }
    printf("seed %" PRIu64 " failed %s\n  replay: make sim SEED=%" PRIu64, slot->seed,
        slot->failure, slot->seed);
    if (series->options->nodes > 0) printf(" (with --nodes %" PRIu64 ")", series->options->nodes);
    printf("\n");
    fflush(stdout);
}

/* -- all of them ------------------------------------------------------------------------------ */

static void seeds_list(struct series *series) {
    const struct series_options *options = series->options;
    char line[300];
    if (options->list == NULL) {
        series->n_seeds = options->seeds;
        series->seeds = sf_alloc_zero(options->seeds + 1, sizeof *series->seeds);
        for (uint64_t i = 0; i < options->seeds; i++) series->seeds[i] = options->first + i;
        printf("simulator: first seed %" PRIu64 "\n", options->first);
        return;
    }
    FILE *file = fopen(options->list, "r");
    if (file == NULL) {
        perror(options->list);
        exit(2);
    }
    while (fgets(line, sizeof line, file) != NULL) {
        char *end;
        uint64_t seed = strtoull(line, &end, 10);
        if (end == line) continue;
        series->seeds = sf_realloc(series->seeds, (series->n_seeds + 1) * sizeof *series->seeds);
        series->seeds[series->n_seeds++] = seed;
    }
    fclose(file);
    printf("simulator: %" PRIu64 " seeds of %s\n", series->n_seeds, options->list);
}

static struct slot *slot_of(struct series *series, pid_t pid) {
    for (uint64_t i = 0; i < series->n_slots; i++)
        if (series->slots[i].pid == pid) return &series->slots[i];
    return NULL;
}

/* Where the first failure ends the series, what precedes it still has to end. */
static bool wants_more(const struct series *series) {
    if (series->next == series->n_seeds) return false;
    return !series->options->until_failure || series->first_failed == series->n_seeds;
}

static void run_all(struct series *series) {
    for (uint64_t running = 0;;) {
        for (struct slot *idle; wants_more(series) && (idle = slot_of(series, 0)) != NULL;
             running++)
            slot_start(series, idle, series->seeds[series->next++]);
        if (running == 0) return;
        int status;
        pid_t pid = wait(&status);
        struct slot *slot = pid > 0 ? slot_of(series, pid) : NULL;
        if (slot == NULL) continue;
        slot_ended(series, slot, status);
        running--;
    }
}

static const char *count_text(size_t i) {
    return i < COVER_KINDS ? coverage_text((enum sim_coverage)i) : marks_name(i - COVER_KINDS);
}

static bool ends_with(const char *text, const char *end) {
    size_t len = strlen(text), end_len = strlen(end);
    return len > end_len && strcmp(text + len - end_len, end) == 0;
}

/* What chance may leave out even in a long series (a second line of defence, mostly), or what the
 * README says is not simulated. */
static bool may_be_missed(const char *text) {
    return ends_with(text, "(rare)") || ends_with(text, "(not simulated)");
}

/* Returns how many were never hit that should have been. */
static uint64_t print_coverage(const struct slot *slots, uint64_t n_slots) {
    uint64_t missed = 0;
    printf("%12s %7s\n", "times", "seeds");
    for (size_t i = 0; i < COVER_KINDS + marks_count(); i++) {
        uint64_t n = 0, seeds = 0;
        for (uint64_t k = 0; k < n_slots; k++) {
            n += slots[k].counts[i];
            seeds += slots[k].seeds[i];
        }
        printf("%12" PRIu64 " %7" PRIu64 "  %s%s\n", n, seeds, count_text(i),
            n == 0 ? "   <-- never" : "");
        missed += n == 0 && !may_be_missed(count_text(i));
    }
    return missed;
}

static struct slot *slots_new(uint64_t n) {
    struct slot *slots =
        mmap(NULL, n * sizeof *slots, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (slots == MAP_FAILED) {
        perror("simulator");
        exit(2);
    }
    for (uint64_t i = 0; i < n; i++) slots[i].errors = memfd_create("errors", 0);
    return slots;
}

int series_run(const struct series_options *options) {
    struct series series = {.options = options, .n_slots = options->jobs};
    series.slots = slots_new(series.n_slots);
    seeds_list(&series);
    series.first_failed = series.n_seeds;
    fflush(stdout);
    run_all(&series);
    bool is_long = series.n_seeds >= SERIES_LONG;
    uint64_t missed = 0;
    if (options->coverage || is_long) missed = print_coverage(series.slots, series.n_slots);
    if (is_long && missed > 0)
        printf("simulator: %" PRIu64 " faults, events or marks were never hit\n", missed);
    if (options->until_failure && series.failed > 0)
        printf("simulator: caught by seed number %" PRIu64 "\n", series.first_failed + 1);
    else
        printf("simulator: %" PRIu64 " passed, %" PRIu64 " failed\n", series.passed, series.failed);
    sf_free(series.seeds);
    return series.failed > 0 || (is_long && missed > 0);
}

int series_replay(const struct series_options *options) {
    struct slot *slot = slots_new(1);
    run_seed(options, options->seed, slot);
    if (slot->failed) printf("seed %" PRIu64 " failed %s\n", options->seed, slot->failure);
    if (options->coverage) (void)print_coverage(slot, 1);
    printf("simulator: %d passed, %d failed\n", !slot->failed, slot->failed);
    return slot->failed;
}
