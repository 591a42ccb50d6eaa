/* The simulator's command line. Each seed of a series runs in a process of its own, so that a
 * failed assertion ends one seed and not the series; a replay runs in this one, for a debugger. */
#include "sim/world.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define DURATION_US 20000000
#define STUCK_S 120 /* of real time: a seed that loops */

struct command_line {
    uint64_t seeds, first, seed;
    bool replay, coverage, messages;
    uint32_t nodes;
    int64_t duration_us;
};

/* Shared with the process of a seed. */
struct result {
    bool failed, done;
    char failure[600];
    uint64_t coverage[COVER_KINDS];
};

static const char usage[] =
    "simulator [--seeds N] [--first S] [--seed S] [--nodes K] [--seconds T] [--coverage]\n"
    "  --seeds N    how many seeds (100), from --first S (1)\n"
    "  --seed S     replays one seed with a transcript\n"
    "  --messages   with --seed: messages between nodes too\n"
    "  --nodes K    1 to 7 nodes instead of by chance\n"
    "  --seconds T  of virtual time with faults (20)\n"
    "  --coverage   how often each fault and event occurred\n";

static bool number_option(int argc, char **argv, int *at, const char *name, uint64_t *out) {
    if (strcmp(argv[*at], name) != 0) return false;
    if (*at + 1 >= argc) {
        fputs(usage, stderr);
        exit(2);
    }
    *out = strtoull(argv[++*at], NULL, 10);
    return true;
}

static struct command_line parse(int argc, char **argv) {
    struct command_line line = {.seeds = 100, .first = 1, .duration_us = DURATION_US};
    for (int i = 1; i < argc; i++) {
        uint64_t number;
        if (number_option(argc, argv, &i, "--seeds", &line.seeds)) continue;
        if (number_option(argc, argv, &i, "--first", &line.first)) continue;
        if (number_option(argc, argv, &i, "--seed", &line.seed)) {
            line.replay = true;
        } else if (number_option(argc, argv, &i, "--nodes", &number)) {
            line.nodes = (uint32_t)SF_MIN(SF_MAX(number, (uint64_t)1), (uint64_t)NODES_MAX);
        } else if (number_option(argc, argv, &i, "--seconds", &number)) {
            line.duration_us = (int64_t)number * 1000000;
        } else if (strcmp(argv[i], "--coverage") == 0) {
            line.coverage = true;
        } else if (strcmp(argv[i], "--messages") == 0) {
            line.messages = true;
        } else {
            fputs(usage, stderr);
            exit(2);
        }
    }
    return line;
}

static void run_seed(const struct command_line *line, uint64_t seed, struct result *result) {
    struct world *world = sf_alloc_zero(1, sizeof *world);
    struct world_options options = {
        .seed = seed,
        .n_nodes = line->nodes,
        .transcript = line->replay,
        .messages = line->replay && line->messages,
        .duration_us = line->duration_us,
    };
    world_run(world, &options);
    result->failed = world->failed;
    snprintf(result->failure, sizeof result->failure, "%s", world->failure);
    for (int i = 0; i < COVER_KINDS; i++) result->coverage[i] += world->coverage[i];
    result->done = true;
    world_clear(world);
    sf_free(world);
}

static void run_apart(const struct command_line *line, uint64_t seed, struct result *result) {
    result->done = result->failed = false;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(STUCK_S);
        run_seed(line, seed, result);
        exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("simulator");
        exit(2);
    }
    if (result->done && WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    result->failed = true;
    if (WIFSIGNALED(status))
        snprintf(result->failure, sizeof result->failure, "%s",
            WTERMSIG(status) == SIGALRM ? "stuck: too much real time"
                                        : strsignal(WTERMSIG(status)));
    else if (!result->done || result->failure[0] == 0)
        snprintf(
            result->failure, sizeof result->failure, "exited with status %d", WEXITSTATUS(status));
}

static void print_coverage(const struct result *result) {
    for (int i = 0; i < COVER_KINDS; i++)
        printf("%10" PRIu64 "  %s\n", result->coverage[i], coverage_text((enum sim_coverage)i));
}

static int replay(const struct command_line *line, struct result *result) {
    run_seed(line, line->seed, result);
    if (result->failed) printf("seed %" PRIu64 " failed %s\n", line->seed, result->failure);
    if (line->coverage) print_coverage(result);
    printf("simulator: %d passed, %d failed\n", !result->failed, result->failed);
    return result->failed;
}

int main(int argc, char **argv) {
    struct command_line line = parse(argc, argv);
    struct result *result =
        mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (result == MAP_FAILED) {
        perror("simulator");
        return 2;
    }
    if (line.replay) return replay(&line, result);
    uint64_t passed = 0, failed = 0;
    printf("simulator: first seed %" PRIu64 "\n", line.first);
    for (uint64_t seed = line.first; seed < line.first + line.seeds; seed++) {
        run_apart(&line, seed, result);
        passed += !result->failed;
        failed += result->failed;
        if (!result->failed) continue;
        printf("seed %" PRIu64 " failed %s\n", seed, result->failure);
        printf("  replay: make sim SEED=%" PRIu64, seed);
        if (line.nodes > 0) printf(" (with --nodes %u)", line.nodes);
        printf("\n");
    }
    if (line.coverage) print_coverage(result);
    printf("simulator: %" PRIu64 " passed, %" PRIu64 " failed\n", passed, failed);
    return failed > 0;
}
