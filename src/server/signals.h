/* Signals: SIGTERM and SIGINT ask for a clean stop (a second one ends the process at once), SIGPIPE
 * and SIGHUP are ignored, fatal ones leave a line and a backtrace. Handlers have no context but
 * what is static in signals.c: there is one process. */
#ifndef SF_SERVER_SIGNALS_H
#define SF_SERVER_SIGNALS_H

#include "server/logger.h"
#include "storage/apply_page.h"

/* How long a clean stop may take before the process stops anyway. */
#define SIGNALS_STOP_LIMIT_S 10

/* Returns a descriptor that becomes readable when signals_take has something; -1 on failure. */
int signals_install(void);
void signals_set_logger(struct logger *logger); /* where a crash is told; NULL: standard error */

void signals_set_apply_page(struct apply_page *page); /* gets a crash's last words; NULL: none */

struct signals_taken {
    bool stop;        /* SIGTERM or SIGINT came */
    bool out_of_time; /* the stop took longer than SIGNALS_STOP_LIMIT_S */
    const char *name; /* of the stopping signal */
};
struct signals_taken signals_take(void);

#endif
