/* What every file of the project may assume: assertions that stay on in release builds, memory
 * that never runs out quietly, and the attribute that makes a status impossible to drop. */
#ifndef SF_UTIL_BASE_H
#define SF_UTIL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SF_MUST_CHECK __attribute__((warn_unused_result))
#define SF_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#define SF_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define SF_MIN(a, b) ((a) < (b) ? (a) : (b))
#define SF_MAX(a, b) ((a) > (b) ? (a) : (b))
#define SF_CONTAINER(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
#define SF_LIKELY(x) __builtin_expect(!!(x), 1)
#define SF_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Asserts an invariant of our own code (never of input), in every build. */
#define SF_ASSERT(condition)                                                                       \
    (SF_LIKELY(condition) ? (void)0 : sf_assert_failed(#condition, __FILE__, __LINE__))
_Noreturn void sf_assert_failed(const char *condition, const char *file, int line);

/* Memory. All abort the process when the system has none left: a node that cannot allocate must
 * stop rather than diverge. Sizes in bytes; a size of 0 is allowed. */
void *sf_alloc(size_t size);
void *sf_alloc_zero(size_t count, size_t size);
/* At a multiple of alignment, a power of two that divides size. sf_free frees it. */
void *sf_alloc_aligned(size_t alignment, size_t size);
void *sf_realloc(void *memory, size_t size);
void sf_free(void *memory);
char *sf_strdup(const char *text);

#endif
