/* What the model's files share: values, and the commands of each type. */
#ifndef SF_SIM_MODEL_INTERNAL_H
#define SF_SIM_MODEL_INTERNAL_H

#include "sim/model.h"

enum model_type { MODEL_STRING, MODEL_HASH, MODEL_LIST, MODEL_SET, MODEL_ZSET };

struct model_element {
    struct bytes *name;  /* a string's text, a list's element, a member, a field */
    struct bytes *value; /* a field's; else NULL */
    int64_t score;       /* of a field: when it is due, 0: never */
};

/* Shared by versions and never changed then: value_edit gives a copy. Sets, hashes and sorted sets
 * keep what they hold in the order in which it came: nobody may see it. */
struct model_value {
    uint32_t references;
    enum model_type type;
    uint32_t n, cap;
    struct model_element *elements;
};

const struct model_value *value_ref(const struct model_value *value);
void value_unref(const struct model_value *value);
struct model_value *value_new(enum model_type type);
/* A copy of its own; of NULL: an empty one of that type. */
struct model_value *value_edit(const struct model_value *value, enum model_type type);
bool value_equal(const struct model_value *a, const struct model_value *b);
uint32_t value_find(const struct model_value *value, struct slice name); /* n: not there */
struct model_element *value_insert(struct model_value *value, uint32_t at, struct slice name);
void value_remove(struct model_value *value, uint32_t at);
void value_set_text(struct bytes **text, struct slice to);
/* A copy without the fields that are due; NULL: there are none. */
struct model_value *value_without_dead(const struct model_value *value, int64_t now_ms);

/* -- a command being carried out ------------------------------------------------------------- */

struct run {
    struct model *model;
    const struct model_question *question;
    uint32_t argc;
    const struct slice *argv;
    struct buf *reply;
    int64_t now_ms;
    int64_t *most_ms;
};

const struct model_version *version_of(const struct run *run, struct slice key);
/* The argument's key if it is of that type or absent (then NULL); false: WRONGTYPE was said. */
bool value_open(
    const struct run *run, uint32_t arg, enum model_type type, const struct model_value **out);
/* Takes the value over; NULL or an empty collection: the key is gone. */
void store(
    const struct run *run, struct slice key, const struct model_value *value, int64_t due_ms);
/* ... in place: the time to live stays. */
void store_edit(const struct run *run, uint32_t arg, struct model_value *value);
bool number_of(struct slice text, int64_t *out);
int64_t number_at(const struct run *run, uint32_t arg); /* the workload's: well-formed */
bool is_command(const struct run *run, const char *name);

void say_bulk(const struct run *run, struct slice text);
void say_null(const struct run *run);
void say_array(const struct run *run, uint64_t n);
void say_integer(const struct run *run, int64_t value);
void say_score(const struct run *run, int64_t score);
void say_line(const struct run *run, const char *line); /* "+OK" */

/* A sorted set's copy in the order of ranks. */
struct model_value *value_ranked(const struct model_value *value);
void run_lmove(const struct run *run);
/* Whether a key holds such a value now. */
bool model_holds(const struct model *model, uint32_t db, struct slice name, int type);

/* -- the table ------------------------------------------------------------------------------- */

enum { MODEL_READS = 0, MODEL_WRITES = 1, MODEL_UNORDERED = 2, MODEL_PAIRS = 4 };

struct model_command {
    const char *name;
    void (*run)(const struct run *run);
    int flags;
};

extern const struct model_command model_string_commands[], model_key_commands[],
    model_hash_commands[], model_field_commands[], model_list_commands[], model_set_commands[],
    model_zset_commands[], model_blocking_commands[], model_script_commands[],
    model_user_commands[];

#endif
