/* Lines into words and back, as in redis.conf: words are separated by white space; "..." with the
 * escapes \n \r \t \a \b \\ \" \xHH, '...' with \' only; a closing quote ends its word. */
#ifndef SF_SERVER_CONFIG_WORDS_H
#define SF_SERVER_CONFIG_WORDS_H

#include "server/config.h"

struct config_words {
    uint32_t n;
    struct slice words[CONFIG_WORDS_MAX]; /* in text */
    struct buf text;
};

/* False: unbalanced quotes, or more words than CONFIG_WORDS_MAX. Cleared by the caller either way.
 */
bool config_words_split(struct slice line, struct config_words *out);
void config_words_clear(struct config_words *words);

/* The word, quoted where a line would not give it back otherwise. */
void config_word_print(struct slice word, struct buf *out);

#endif
