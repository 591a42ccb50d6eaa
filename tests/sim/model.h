/* What the commands of the workload mean, written a second time and apart from src: a plain list of
 * keys, each with every version it ever had. Writes run at the end; reads run at any step. */
#ifndef SF_SIM_MODEL_H
#define SF_SIM_MODEL_H

#include "util/buf.h"
#include "util/bytes.h"
#include "util/slice.h"

#define MODEL_NEVER INT64_MAX

struct model_version {
    uint64_t step;       /* from this step on */
    struct bytes *value; /* NULL: absent */
    int64_t due_ms;      /* MODEL_NEVER without expiry */
};

struct model_key {
    uint32_t db;
    struct bytes *name;
    struct model_version *versions;
    size_t n, cap;
};

/* Each command carried out and each move of state time is a step. */
struct model {
    struct model_key *keys;
    size_t n, cap;
    uint64_t step;
    int64_t *times; /* state time at each step */
    size_t times_cap;
    uint64_t n_expired;
};

struct model *model_new(void);
void model_free(struct model *model);

/* State time becomes max(before, now_ms): one step, in which due keys go. */
void model_advance(struct model *model, int64_t now_ms);
int64_t model_time(const struct model *model, uint64_t step);

/* Whether the model knows the command as a write. */
bool model_is_write(struct slice name);
/* Carries a write out as one step; its reply, in RESP2, is appended. */
void model_write(
    struct model *model, uint32_t db, uint32_t argc, const struct slice *argv, struct buf *reply);

/* The reply of a read at `step`. PTTL with a positive answer is special: the reader's clock may be
 * later than state time, so *most_ms is set to the highest answer that fits; else it is -1. */
void model_read(const struct model *model, uint64_t step, uint32_t db, uint32_t argc,
    const struct slice *argv, struct buf *reply, int64_t *most_ms);
/* The next step after `step` at which one of the command's keys changes; UINT64_MAX: none. */
uint64_t model_next_change(
    const struct model *model, uint64_t step, uint32_t db, uint32_t argc, const struct slice *argv);

#endif
