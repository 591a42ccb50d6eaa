/* What COMMAND DOCS and COMMAND INFO tell about a command beyond its row in the table: data only.
 * Lists end with a member whose first field is NULL (or begin_index 0). */
#ifndef SF_COMMANDS_COMMAND_DOCS_H
#define SF_COMMANDS_COMMAND_DOCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum argument_type {
    ARG_STRING,
    ARG_INTEGER,
    ARG_DOUBLE,
    ARG_KEY,
    ARG_PATTERN,
    ARG_UNIX_TIME,
    ARG_TOKEN, /* a word alone, such as NX */
    ARG_ONEOF,
    ARG_BLOCK,
};

enum argument_flags {
    ARG_OPTIONAL = 1 << 0,
    ARG_MULTIPLE = 1 << 1,
    ARG_MULTIPLE_TOKEN = 1 << 2,
};

struct slice;

struct argument {
    const char *name; /* shown as display_text too */
    enum argument_type type;
    int32_t key_spec;  /* ARG_KEY: which of the key specifications, from 0 */
    const char *token; /* the word in front of the value */
    const char *since, *deprecated_since;
    uint32_t flags;
    const struct argument *arguments; /* of ARG_ONEOF and ARG_BLOCK */
};

/* What a command does to the keys of a specification, in the order in which Redis prints them. */
enum key_flags {
    KEY_RO = 1 << 0, /* reads the value or its metadata */
    KEY_RW = 1 << 1, /* changes what is there */
    KEY_OW = 1 << 2, /* overwrites without looking */
    KEY_RM = 1 << 3, /* removes */
    KEY_ACCESS = 1 << 4,
    KEY_UPDATE = 1 << 5,
    KEY_INSERT = 1 << 6,
    KEY_DELETE = 1 << 7,
    KEY_NOT_KEY = 1 << 8,
    KEY_INCOMPLETE = 1 << 9,
    KEY_VARIABLE_FLAGS = 1 << 10,
};

/* Keys at argv[begin_index], + step ... up to begin_index + last; last < 0 counts from the end of
 * argv (-1: the last argument). Of a counted one argv[begin_index] is the number of keys.
 * Of one with KEY_ANYWHERE nothing can be told, unless behind names the word that a key follows. */
#define KEY_ANYWHERE (-1)
struct key_spec {
    int32_t begin_index; /* 0 ends a list */
    int32_t last;
    int32_t step;
    uint32_t flags;
    const char *notes;
    bool counted; /* argv[begin_index] says how many keys stand behind it; last and step unused */
    const char *behind; /* KEY_ANYWHERE: the last such word among SORT's options, or NULL */
    /* The key stands behind the first such word from argv[begin_index] on; with last -1 keys are
     * the first half of what stands there. */
    const char *keyword;
};

/* Writes at most max positions to out; returns how many there are. */
uint32_t key_spec_positions(const struct key_spec *spec, uint32_t argc, const struct slice *argv,
    uint32_t *out, uint32_t max);

/* What the command does to those keys, with these words. */
struct command;
uint32_t command_key_flags(const struct command *command, const struct key_spec *spec,
    uint32_t argc, const struct slice *argv);

struct reply;
void reply_key_flags(struct reply *reply, uint32_t flags); /* as COMMAND prints them */

enum docs_flags {
    DOC_DEPRECATED = 1 << 0,
    DOC_SYSCMD = 1 << 1,
};

struct command_docs {
    const char *summary, *since, *group;
    const char *complexity; /* may be NULL, like all that follows */
    uint32_t flags;
    const char *deprecated_since, *replaced_by;
    const char *const *tips;
    const struct key_spec *key_specs;
    const struct argument *arguments;
};

/* The words in which docs_*.c is written. */
#define ARGUMENTS(...)                                                                             \
    (const struct argument[]) {                                                                    \
        __VA_ARGS__, {                                                                             \
            .name = NULL                                                                           \
        }                                                                                          \
    }
#define ARGUMENT(of_type, ...)                                                                     \
    { .type = of_type, .name = __VA_ARGS__ }
#define KEY(...) ARGUMENT(ARG_KEY, __VA_ARGS__)
#define STRING(...) ARGUMENT(ARG_STRING, __VA_ARGS__)
#define INTEGER(...) ARGUMENT(ARG_INTEGER, __VA_ARGS__)
#define DOUBLE(...) ARGUMENT(ARG_DOUBLE, __VA_ARGS__)
#define PATTERN(...) ARGUMENT(ARG_PATTERN, __VA_ARGS__)
#define UNIX_TIME(...) ARGUMENT(ARG_UNIX_TIME, __VA_ARGS__)
#define ONEOF(...) ARGUMENT(ARG_ONEOF, __VA_ARGS__)
#define BLOCK(...) ARGUMENT(ARG_BLOCK, __VA_ARGS__)
#define TOKEN(its_name, ...)                                                                       \
    { .type = ARG_TOKEN, .name = its_name, .token = __VA_ARGS__ }
#define TIPS(...)                                                                                  \
    (const char *const[]) {                                                                        \
        __VA_ARGS__, NULL                                                                          \
    }
#define KEY_SPECS(...)                                                                             \
    (const struct key_spec[]) {                                                                    \
        __VA_ARGS__, {                                                                             \
            .begin_index = 0                                                                       \
        }                                                                                          \
    }
#define KEY_SPEC(at, to, by, ...)                                                                  \
    { .begin_index = at, .last = to, .step = by, .flags = __VA_ARGS__ }

#define KEY_SPEC_COUNTED(at, ...)                                                                  \
    { .begin_index = at, .step = 1, .counted = true, .flags = __VA_ARGS__ }

#define KEY_SPEC_HALF(word, at, ...)                                                               \
    { .begin_index = at, .last = -1, .step = 1, .keyword = word, .flags = __VA_ARGS__ }

#define KEY_SPEC_UNKNOWN(...)                                                                      \
    { .begin_index = KEY_ANYWHERE, .flags = __VA_ARGS__ }

#define KEY_SPEC_KEYWORD(word, from, ...)                                                          \
    { .begin_index = from, .step = 1, .keyword = word, .flags = __VA_ARGS__ }

/* NX | XX | GT | LT behind the expiry commands. */
#define EXPIRE_CONDITION                                                                           \
    ONEOF("condition", .since = "7.0.0", .flags = ARG_OPTIONAL,                                    \
        .arguments =                                                                               \
            ARGUMENTS(TOKEN("nx", "NX"), TOKEN("xx", "XX"), TOKEN("gt", "GT"), TOKEN("lt", "LT")))

#endif
