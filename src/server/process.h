/* What the system says about this process. */
#ifndef SF_SERVER_PROCESS_H
#define SF_SERVER_PROCESS_H

#include "node/ports.h"

uint64_t process_used_memory(void);        /* bytes that the allocator has given out */
uint64_t process_allocator_active(void);   /* bytes of the pages in which those lie ... */
uint64_t process_allocator_resident(void); /* ... and of all that it holds */
void process_purge_memory(void);
/* Freed pages go back to the system on a thread of the allocator's own: where the loop did it, a
 * client waited 5 to 17 ms for it after a flush. */
void process_purge_aside(void);
void process_report_memory(struct buf *out);
uint64_t process_rss(void); /* bytes of it in memory */
uint64_t process_system_memory(void);
void process_executable(char *out, size_t size); /* its path; "" where it is not known */
void process_cpu_seconds(double *user_s, double *sys_s);
void process_random_bytes(void *out, size_t len); /* from the kernel; aborts where there are none */

/* Raises the limit of open files so that max_clients fit beside what the process itself needs.
 * Returns how many clients do fit: max_clients, or less where the system forbids more. */
uint32_t process_fit_clients(uint32_t max_clients);

#endif
