/* Keyspace notifications: the classes of events, and the text of notify-keyspace-events. */
#ifndef SF_COMMANDS_EVENTS_H
#define SF_COMMANDS_EVENTS_H

#include "util/base.h"
#include "util/slice.h"

enum event_class {
    EVENT_KEYSPACE = 1 << 0, /* K: told in the channel of the key */
    EVENT_KEYEVENT = 1 << 1, /* E: told in the channel of the event */
    EVENT_GENERIC = 1 << 2,
    EVENT_STRING = 1 << 3,
    EVENT_LIST = 1 << 4,
    EVENT_SET = 1 << 5,
    EVENT_HASH = 1 << 6,
    EVENT_ZSET = 1 << 7,
    EVENT_EXPIRED = 1 << 8,
    EVENT_EVICTED = 1 << 9,
    EVENT_STREAM = 1 << 10,
    EVENT_MISS = 1 << 11,
    EVENT_MODULE = 1 << 12,
    EVENT_NEW = 1 << 13,
    EVENT_READS = 1 << 14, /* no class of Redis's: the reads themselves (struct call_watcher) */
};

/* false: a letter is none. */
bool event_classes_parse(struct slice text, uint32_t *out);
/* As CONFIG GET shows them; ends with a zero byte. */
#define EVENT_CLASSES_TEXT_MAX 20
void event_classes_print(uint32_t classes, char out[EVENT_CLASSES_TEXT_MAX]);
/* Those of which somebody can hear: none where neither K nor E is chosen. */
uint32_t event_classes_told(uint32_t classes);

#endif
