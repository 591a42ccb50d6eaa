/* What the command functions share: looking keys up, reading arguments, common replies. A function
 * that returns false has replied with the error. */
#ifndef SF_COMMANDS_CALL_H
#define SF_COMMANDS_CALL_H

#include "commands/command.h"
#include "util/number.h"

#define TEXT_SYNTAX "ERR syntax error"
#define TEXT_NOT_INTEGER "ERR value is not an integer or out of range"
#define TEXT_NOT_FLOAT "ERR value is not a valid float"
#define TEXT_WRONG_TYPE "WRONGTYPE Operation against a key holding the wrong kind of value"
#define TEXT_READONLY "READONLY You can't write against a read only replica."
#define TEXT_NO_KEY "ERR no such key"
#define TEXT_DB_RANGE "ERR DB index is out of range"
#define TEXT_OUT_OF_RANGE "ERR value is out of range"
#define TEXT_SAME_OBJECT "ERR source and destination objects are the same"

/* Whether an object that is in the table lives for this call. Sets must_wait where that depends on
 * a time that the state has not reached yet (struct call, read_clock_ms); it is dead then. */
bool call_is_alive(struct call *call, const struct object *object);
bool call_lives(struct call *call, int64_t due_ms); /* the same of any due time */
/* The living object of a key in the call's db, or NULL, which is told where a command reads. */
struct object *call_find(struct call *call, struct slice key);
struct object *call_find_in(struct call *call, struct db *db, struct slice key);
/* The same, but no access: for those who ask about a key, not for its value. call_look_at tells
 * nothing of a miss either. */
struct object *call_find_untouched(struct call *call, struct slice key);
struct object *call_look_at(struct call *call, struct db *db, struct slice key);
/* The same, and false with WRONGTYPE when it is no string; *out NULL when there is none. */
bool call_find_string(struct call *call, struct slice key, struct object **out);
/* The same for any type. */
bool call_find_type(
    struct call *call, struct slice key, enum object_type type, struct object **out);
/* The same of what a command that writes only wants to read. */
bool call_read_type(
    struct call *call, struct slice key, enum object_type type, struct object **out);
/* The time against which times to live are counted. */
int64_t call_clock_ms(const struct call *call);
/* Whether a key that is to be due then is dead at once. */
bool call_is_past(const struct call *call, int64_t due_ms);
/* The due time as the keyspace takes it: NO_DUE itself means never. */
int64_t due_clamp(int64_t due_ms);

bool call_integer(struct call *call, struct slice text, int64_t *out);
/* An int in C's sense, as Redis takes database numbers; error NULL: Redis's texts. */
bool call_int(struct call *call, struct slice text, const char *error, int *out);
/* false with "string exceeds maximum allowed size" when len + more bytes are too many. */
bool call_string_fits(struct call *call, uint64_t len, uint64_t more);

/* A number of a range; error NULL: Redis's texts. */
bool call_range(struct call *call, struct slice text, int64_t min, int64_t max, const char *error,
    int64_t *out);
/* Whether what was replied since `before` (reply_bytes) is not too much for one reply; otherwise it
 * was taken back and replaced by an error. For replies that a small request can make endless. */
size_t reply_bytes(const struct reply *reply);
bool call_count_fits(struct call *call, uint64_t n); /* before n elements are replied */
bool call_reply_fits(struct call *call, size_t before);

/* Tells who wants to hear of it (notify-keyspace-events), behind the change. name: as in Redis. */
void call_event_in(
    struct call *call, uint32_t db, enum event_class class, const char *name, struct slice key);
static inline void call_event(
    struct call *call, enum event_class class, const char *name, struct slice key) {
    if ((call->told & class) != 0) call_event_in(call, call->db_number, class, name, key);
}
/* A command that writes looked a key up where it only wanted to read; of those that read call_find
 * says so. */
void call_looked_up(struct call *call, struct slice key, bool found);
/* For the figures alone: of what nobody is told. */
void call_count_lookup(struct call *call, bool found);
enum event_class event_class_of(enum object_type type);
/* A value of this key was changed; where its key has gone with it, "del" follows. */
void call_changed(struct call *call, enum object_type type, const char *name, struct slice key,
    bool is_still_there);

/* So much was done in a loop that a request can make long (util/breath.h): an element, or 256
 * bytes, is one. */
static inline void call_work(const struct call *call, uint64_t units) {
    breath_spend(call->breath, units);
}

const char *object_type_name(enum object_type type);

void reply_ok(struct reply *reply);
void reply_object_string(struct reply *reply, const struct object *object);
void reply_arity_error(struct call *call);
void reply_expire_error(struct call *call);

#endif
