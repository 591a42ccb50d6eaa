/* What the files of scripts and functions share. */
#ifndef SF_COMMANDS_SCRIPT_H
#define SF_COMMANDS_SCRIPT_H

#include "commands/call.h"
#include "script/store.h"

/* A script or function that is about to run for a call, which is EVAL or one of its kin. */
struct script_job {
    struct slice name; /* in error texts */
    struct slice body;
    uint32_t flags;
    bool is_function;
    bool read_only; /* the command is one of the _RO kind */
    uint32_t n_keys;
};

/* argv[2] as the number of keys behind it; false: replied. */
bool script_keys(struct call *call, const char *not_a_number, uint32_t *n_keys);
/* Judges the flags, runs it, replies; sets must_wait where a read met a key that is due. */
void script_start(struct call *call, const struct script_job *job);
/* The units of work for the elements that the command will touch beyond its arguments and reply. */
uint64_t script_cost(
    struct call *call, const struct command *command, uint32_t argc, const struct slice *argv);
/* FUNCTION LOAD of a text: adds it to *library. false: replied. */
bool library_load(struct call *call, struct slice code, struct library *library);

#endif
