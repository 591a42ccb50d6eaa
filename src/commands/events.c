#include "commands/events.h"

/* In the order in which they are shown. */
static const struct {
    char letter;
    uint32_t class;
} letters[] = {
    {'g', EVENT_GENERIC},
    {'$', EVENT_STRING},
    {'l', EVENT_LIST},
    {'s', EVENT_SET},
    {'h', EVENT_HASH},
    {'z', EVENT_ZSET},
    {'x', EVENT_EXPIRED},
    {'e', EVENT_EVICTED},
    {'t', EVENT_STREAM},
    {'d', EVENT_MODULE},
    {'n', EVENT_NEW},
    {'K', EVENT_KEYSPACE},
    {'E', EVENT_KEYEVENT},
    {'m', EVENT_MISS},
};

/* A: everything but key misses and new keys, which are too many for most. */
static const uint32_t usual = EVENT_GENERIC | EVENT_STRING | EVENT_LIST | EVENT_SET | EVENT_HASH |
                              EVENT_ZSET | EVENT_EXPIRED | EVENT_EVICTED | EVENT_STREAM |
                              EVENT_MODULE;

static uint32_t class_of(char letter) {
    if (letter == 'A') return usual;
    for (size_t i = 0; i < SF_LENGTH(letters); i++) {
        if (letters[i].letter == letter) return letters[i].class;
    }
    return 0;
}

bool event_classes_parse(struct slice text, uint32_t *out) {
    uint32_t classes = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint32_t class = class_of(text.data[i]);
        if (class == 0) return false;
        classes |= class;
    }
    *out = classes;
    return true;
}

void event_classes_print(uint32_t classes, char out[EVENT_CLASSES_TEXT_MAX]) {
    if ((classes & usual) == usual) {
        *out++ = 'A';
        classes &= ~usual;
    }
    for (size_t i = 0; i < SF_LENGTH(letters); i++) {
        if ((classes & letters[i].class) != 0) *out++ = letters[i].letter;
    }
    *out = '\0';
}

uint32_t event_classes_told(uint32_t classes) {
    return (classes & (EVENT_KEYSPACE | EVENT_KEYEVENT)) != 0 ? classes : 0;
}
