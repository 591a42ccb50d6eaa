/* Many seeds, each in a process of its own, so that a failed assertion ends a seed and not the
 * series; and one seed again, in this process. Both return the exit status. */
#ifndef SF_SIM_SERIES_H
#define SF_SIM_SERIES_H

#include "sim/world.h"

enum { SERIES_JOBS_MAX = 64, SERIES_LONG = 1000 };

struct series_options {
    uint64_t seeds, first, jobs, seed, nodes, seconds;
    const char *list; /* a file whose lines begin with a seed; '#' begins a comment */
    bool replay, quiet, coverage, messages, until_failure;
};

int series_run(const struct series_options *options);
int series_replay(const struct series_options *options);

#endif
