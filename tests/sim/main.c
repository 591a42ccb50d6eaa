/* The simulator's command line. A replay runs in this process, for a debugger; a series runs in
 * many (series.c). */
#include "sim/series.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "simulator [--seeds N] [--first S] [--seed S] [--jobs J] [--nodes K] [--seconds T] ...\n"
    "  --seeds N     how many seeds (100), from --first S (1), on --jobs J processes (all cores)\n"
    "  --list FILE   the seeds that begin the lines of a file instead\n"
    "  --until-failure  the series ends with the first seed that fails\n"
    "  --coverage    how often each fault, event and mark occurred; a series of 1000 seeds and "
    "more\n"
    "                always says so, and fails where one never did\n"
    "  --seed S      replays one seed with a transcript; --quiet: without\n"
    "  --messages    with --seed: messages between nodes too\n"
    "  --nodes K     1 to 7 nodes instead of by chance\n"
    "  --seconds T   of virtual time with faults (60)\n";

static bool text_option(int argc, char **argv, int *at, const char *name, const char **out) {
    if (strcmp(argv[*at], name) != 0) return false;
    if (*at + 1 >= argc) {
        fputs(usage, stderr);
        exit(2);
    }
    *out = argv[++*at];
    return true;
}

static bool number_option(int argc, char **argv, int *at, const char *name, uint64_t *out) {
    const char *text;
    if (!text_option(argc, argv, at, name, &text)) return false;
    *out = strtoull(text, NULL, 10);
    return true;
}

static bool flag_option(const char *argument, const char *name, bool *out) {
    if (strcmp(argument, name) != 0) return false;
    *out = true;
    return true;
}

static struct series_options parse(int argc, char **argv) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct series_options line = {
        .seeds = 100, .first = 1, .jobs = cores > 0 ? (uint64_t)cores : 1, .seconds = 60};
    for (int i = 1; i < argc; i++) {
        if (number_option(argc, argv, &i, "--seeds", &line.seeds)) continue;
        if (number_option(argc, argv, &i, "--first", &line.first)) continue;
        if (number_option(argc, argv, &i, "--jobs", &line.jobs)) continue;
        if (number_option(argc, argv, &i, "--nodes", &line.nodes)) continue;
        if (number_option(argc, argv, &i, "--seconds", &line.seconds)) continue;
        if (text_option(argc, argv, &i, "--list", &line.list)) continue;
        if (flag_option(argv[i], "--coverage", &line.coverage)) continue;
        if (flag_option(argv[i], "--messages", &line.messages)) continue;
        if (flag_option(argv[i], "--quiet", &line.quiet)) continue;
        if (flag_option(argv[i], "--until-failure", &line.until_failure)) continue;
        if (number_option(argc, argv, &i, "--seed", &line.seed)) {
            line.replay = true;
            continue;
        }
        fputs(usage, stderr);
        exit(2);
    }
    line.nodes = SF_MIN(line.nodes, (uint64_t)NODES_MAX);
    line.jobs = SF_MIN(SF_MAX(line.jobs, (uint64_t)1), (uint64_t)SERIES_JOBS_MAX);
    return line;
}

int main(int argc, char **argv) {
    struct series_options line = parse(argc, argv);
    return line.replay ? series_replay(&line) : series_run(&line);
}
