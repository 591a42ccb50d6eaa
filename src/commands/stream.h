/* What the files of the stream commands share. Functions that return false have replied with the
 * error. */
#ifndef SF_COMMANDS_STREAM_H
#define SF_COMMANDS_STREAM_H

#include "commands/value.h"
#include "keyspace/stream_group.h"

#define STREAM_ID_TEXT_MAX (2 * INT_TEXT_MAX + 1)
/* A text's bytes for %.*s in an error, up to its first zero byte. */
#define SHOWN(text) shown_bytes(text, INT32_MAX), (text).data

/* -- ids (stream_id.c) ----------------------------------------------------------------------- */

/* "ms", "ms-seq"; unless strict "-" and "+" too. any_seq not NULL: "ms-*" too, which sets it. A
 * missing seq is missing_seq. Numbers are read as strtoull reads them, as Redis does. */
bool stream_id_parse(
    struct slice text, bool strict, uint64_t missing_seq, struct stream_id *out, bool *any_seq);
size_t stream_id_print(struct stream_id id, char out[STREAM_ID_TEXT_MAX]);

bool call_stream_id(struct call *call, struct slice text, struct stream_id *out); /* strict */
/* The borders of an interval, "(" in front excluding them. */
bool call_stream_start(struct call *call, struct slice text, struct stream_id *out);
bool call_stream_end(struct call *call, struct slice text, struct stream_id *out);
/* argv[at .. end) as ids; sf_free *out, which is NULL when false. */
bool call_stream_ids(struct call *call, uint32_t at, uint32_t end, struct stream_id **out);

void reply_stream_id(struct reply *reply, struct stream_id id);
/* An id with fields and values. */
void reply_stream_entry(struct reply *reply, const struct stream_entry *entry);

/* -- look-ups (stream_id.c) ------------------------------------------------------------------ */

/* false with WRONGTYPE; *out NULL where there is no key. */
bool call_stream(struct call *call, struct slice key, const struct stream **out);
/* A stream whose groups are about to change; NULL where there is no key. */
struct stream_edit {
    struct object *object;
    struct collection value;
    struct stream *stream;
    struct stream_group *group; /* NULL: none of that name */
};
bool stream_edit_begin(
    struct call *call, struct slice key, struct slice group, struct stream_edit *edit);
/* Counts the bytes of what changed; the key keeps its revision. */
void stream_edit_end(struct call *call, struct stream_edit *edit);
/* The group's consumer, made where there is none; its last command is this one. */
struct stream_consumer *stream_edit_consumer(
    struct call *call, struct stream_edit *edit, struct slice name);

/* "unknown subcommand or wrong number of arguments" */
void reply_subcommand_error(struct call *call);

#endif
