/* What the commands of lists and sorted sets share: values looked up by type, values that are
 * changed, numbers within bounds. A function that returns false has replied with the error. */
#ifndef SF_COMMANDS_VALUE_H
#define SF_COMMANDS_VALUE_H

#include "commands/call.h"

#define TEXT_NOT_POSITIVE "ERR value is out of range, must be positive"

/* The value of a key for reading; false with WRONGTYPE. out->value is NULL where there is no key.
 */
bool call_value(struct call *call, struct slice key, enum object_type type, struct collection *out);
/* The same of what a command that writes only wants to read. */
bool call_read_value(
    struct call *call, struct slice key, enum object_type type, struct collection *out);

/* A value about to change. */
struct edit {
    struct slice key;
    struct object *object;   /* NULL: there is none yet */
    struct collection value; /* value.value NULL: to be set before edit_end, or there stays none */
};
bool edit_begin(struct call *call, struct slice key, enum object_type type, struct edit *edit);
/* The value has changed: enters it where it is new, removes the key where it is empty. event: as
 * what it is told (call_changed). */
void edit_end(struct call *call, struct edit *edit, const char *event);

/* Puts a value in the place of whatever the key holds; an empty one removes the key. */
void call_store(struct call *call, struct slice key, struct collection *value, const char *event);

/* Whether an element can be held; the limit is that of a string, and of what a listpack takes. */
bool call_element_fits(struct call *call, struct slice text);

/* Cuts [start, stop], counted from the end where negative, down to what n elements have; false: to
 * nothing. */
bool range_clip(int64_t *start, int64_t *stop, uint64_t n);

/* -- list.c ---------------------------------------------------------------------------------- */

/* Replies with n elements from index `from` on, towards the front where backward. */
void reply_list_range(
    struct call *call, const struct collection *list, uint64_t from, uint64_t n, bool backward);

#endif
