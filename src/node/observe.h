/* What operators see of this node: MONITOR, SLOWLOG, INFO's command and error figures, LATENCY.
 * Counted where the client is: the node that runs a command for one of its own sessions counts it,
 * with the time that it took here (waiting for the log, for others and for keys is not in it).
 *
 * The clock is read once a command: consecutive commands share readings (laps). A lap ends with
 * whatever else the node does; the next command begins with a reading of its own. */
#ifndef SF_NODE_OBSERVE_H
#define SF_NODE_OBSERVE_H

#include "commands/command.h"
#include "node/histogram.h"
#include "node/ports.h"
#include "util/list.h"

struct local_call;
struct node;
struct pending;
struct session;

#define RATE_SAMPLES 16 /* of 100 ms each: what instantaneous_* are the average of */
#define ERROR_CODES_MAX 128
#define ERROR_CODE_BYTES 32
#define LATENCY_SAMPLES 160
#define SYNCS_MAX 64

struct command_stats {
    uint64_t calls, ns, rejected, failed;
    struct histogram *histogram; /* NULL: none counted yet */
};

struct error_stats {
    char code[ERROR_CODE_BYTES + 1];
    uint64_t n;
};

enum rate_kind { RATE_COMMANDS, RATE_INPUT, RATE_OUTPUT, RATE_TURNS, RATE_KINDS };
struct rate {
    uint64_t last;
    double samples[RATE_SAMPLES]; /* a second */
};

enum latency_event {
    LATENCY_COMMAND,
    LATENCY_FAST_COMMAND,
    LATENCY_SYNC,     /* of the log's disk: append request to answer */
    LATENCY_APPLY,    /* a turn's committed entries */
    LATENCY_ELECTION, /* from the loss of a leader to the next one */
    LATENCY_EVENTS
};
struct latency_series {
    uint32_t first, n; /* a ring, one a second at most */
    int64_t max_ms;    /* since the last LATENCY RESET */
    struct latency_sample {
        int64_t at_s, ms;
    } samples[LATENCY_SAMPLES];
};

struct observe {
    int64_t lap_ns;         /* the latest reading, if nothing but commands came since; else 0 */
    int64_t top_ns;         /* when the command that a client sent began: EXEC, whatever is in it */
    uint64_t n_calls;       /* total_commands_processed */
    uint64_t n_errors;      /* error replies */
    uint64_t errors_judged; /* of them, up to the end of the command before */
    uint64_t n_turns;
    int64_t script_call_ns;  /* when the command began that a script called */
    bool script_is_shown;    /* the script that runs, to monitors */
    bool script_heard_error; /* one that a command of its gave, which is counted */
    struct command_stats commands[COMMANDS_TOTAL];
    uint32_t n_error_codes;
    struct error_stats errors[ERROR_CODES_MAX]; /* ascending by code */
    struct rate rates[RATE_KINDS];
    uint32_t rate_at;
    int64_t rate_us; /* of the latest sample */

    struct list monitors; /* sessions */
    struct buf feed;      /* for them, from the latest flush on */

    struct list slow; /* entries, the newest last */
    uint64_t n_slow, next_slow_id;

    struct latency_series events[LATENCY_EVENTS];
    struct {
        uint64_t request; /* 0: free */
        int64_t since_us;
    } syncs[SYNCS_MAX];
    uint32_t next_sync;
    int64_t leaderless_us; /* since when; 0: there is a leader, or never was one */
};

/* -- stats.c --------------------------------------------------------------------------------- */

void observe_open(struct node *node);
void observe_close(struct node *node);
void observe_reset(struct node *node); /* CONFIG RESETSTAT */
void observe_pump(struct node *node);  /* once a turn */

int64_t observe_clock_ns(const struct node *node);
/* A request without a pending one ran, while it was parsed or inside a transaction. */
void observe_local_ran(const struct local_call *call, size_t before);
/* Its client heard that it has not run, or (unknown) that nobody knows: the error is behind
 * `before` in the output. */
void observe_lost(struct pending *pending, size_t before, bool unknown);
/* Before a command. */
void observe_begins(struct node *node);
/* Something else comes in between. */
void observe_break(struct node *node);

/* A command that has run for one of this node's sessions. */
struct observed {
    struct session *session;
    const struct command *command;
    uint32_t db;
    uint32_t argc;
    const struct slice *argv;
    struct slice reply; /* what it said; empty where that is not known */
    bool in_exec;       /* inside a transaction: its time counts from the place before */
    bool was_shown;     /* to monitors, when it began to wait */
    int64_t spent_ns;   /* before it had to wait */
    bool in_script;     /* called by one of the session's */
};
void observe_ran(struct node *node, const struct observed *ran);
/* The same of a request whose words the session has kept; its reply is what `out` has behind
 * `before`. out NULL: it said nothing. */
void observe_pending_ran(struct pending *pending, const struct buf *out, size_t before);
/* It waits for a key: it is counted when it is answered. words: kept for then. */
void observe_waits(struct pending *pending, uint32_t argc, const struct slice *argv);
void observe_answer_begins(struct pending *pending, const struct buf *out);
void observe_answer_ends(struct pending *pending, const struct buf *out);
void observe_forget(struct pending *pending); /* it is about to be freed */
/* The engine ran a command of the session whose request it is (node->running). */
void observe_in_engine(void *node, const struct command_ran *ran);
void observe_script_calls(void *node, const struct command_ran *script);

void observe_error(struct node *node, struct slice reply); /* an error that no command gave */
/* A request was refused before it ran; command NULL: there is none such. */
void observe_rejected(struct node *node, const struct command *command, struct slice reply);
/* What a command that was counted when it began answers at last. */
void observe_held(struct node *node, const struct command *command, struct slice reply);

/* The words as they may be shown: passwords are left out. out: argc of them, or NULL, where argv
 * itself may be shown. */
struct slice *observe_redacted(
    const struct command *command, uint32_t argc, const struct slice *argv);

/* -- stats_info.c: INFO's sections ------------------------------------------------------------ */

void info_stats(struct node *node, struct buf *out);
void info_commandstats(struct node *node, struct buf *out);
void info_errorstats(struct node *node, struct buf *out);
void info_latencystats(struct node *node, struct buf *out);

bool observe_is_script(const struct command *command); /* it calls others */

/* -- monitor.c --------------------------------------------------------------------------------- */

void local_monitor(struct local_call *call);
bool monitor_refuses(const struct command *command); /* what a monitor may not ask for */
void monitor_feed(struct node *node, const struct observed *ran);
void monitor_pace(struct node *node);  /* between two commands: sends if much is gathered */
void monitor_flush(struct node *node); /* no reply may be half written */

/* -- slowlog.c --------------------------------------------------------------------------------- */

void local_slowlog(struct local_call *call);
void slowlog_add(struct node *node, const struct observed *ran, int64_t took_us);
void slowlog_free(struct node *node);

/* -- latency.c --------------------------------------------------------------------------------- */

void local_latency(struct local_call *call);
void latency_add(struct node *node, enum latency_event event, int64_t ms); /* if beyond the limit */
void latency_append_begins(struct node *node, uint64_t request);
void latency_append_ends(struct node *node, uint64_t request);
void latency_follow_leader(struct node *node, bool known);
static inline bool latency_is_watched(int64_t threshold_ms) {
    return threshold_ms > 0;
}

#endif
