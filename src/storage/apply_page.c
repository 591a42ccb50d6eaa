#include "storage/apply_page.h"

#include "storage/file.h"
#include "util/hash.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, LOOK_MS = 100 };
#define PAGE_MAGIC UINT64_C(0x32796c7070614653) /* "SFapply2" */

struct layout {
    uint64_t magic, node, index, died_at, deaths, check;
};

struct apply_page {
    struct layout *mapped;
    _Atomic uint64_t node, index, died_at, deaths; /* the note */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stops;
};

void apply_page_note(struct apply_page *page, const struct applying_note *note) {
    atomic_store_explicit(&page->node, note->node, memory_order_relaxed);
    atomic_store_explicit(&page->died_at, note->died_at, memory_order_relaxed);
    atomic_store_explicit(&page->deaths, note->deaths, memory_order_relaxed);
    atomic_store_explicit(&page->index, note->index, memory_order_release);
}

/* Nothing but arithmetic: signal handlers call it. */
static uint64_t check_of(uint64_t node, uint64_t index, uint64_t died_at, uint64_t deaths) {
    uint64_t check = PAGE_MAGIC;
    const uint64_t words[] = {node, index, died_at, deaths};
    for (size_t i = 0; i < SF_LENGTH(words); i++) check = hash_mix(check ^ words[i]);
    return check;
}

static void copy(struct apply_page *page, uint64_t index) {
    volatile struct layout *mapped = page->mapped;
    uint64_t node = atomic_load_explicit(&page->node, memory_order_relaxed);
    uint64_t died_at = atomic_load_explicit(&page->died_at, memory_order_relaxed);
    uint64_t deaths = atomic_load_explicit(&page->deaths, memory_order_relaxed);
    mapped->node = node;
    mapped->died_at = died_at;
    mapped->deaths = deaths;
    mapped->check = check_of(node, index, died_at, deaths);
    mapped->index = index;
}

void apply_page_last_words(struct apply_page *page) {
    if (page != NULL) copy(page, atomic_load_explicit(&page->index, memory_order_acquire));
}

static bool is_news(struct apply_page *page, uint64_t index) {
    const volatile struct layout *mapped = page->mapped;
    return mapped->index != index || mapped->node != atomic_load(&page->node) ||
           mapped->died_at != atomic_load(&page->died_at) ||
           mapped->deaths != atomic_load(&page->deaths);
}

static bool wait_a_while(struct apply_page *page) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&page->lock);
    if (!page->stops) pthread_cond_timedwait(&page->wake, &page->lock, &until);
    bool goes_on = !page->stops;
    pthread_mutex_unlock(&page->lock);
    return goes_on;
}

/* An index counts once it was seen twice in a row: that entry takes long. */
static void *copier(void *context) {
    struct apply_page *page = context;
    uint64_t before = 0;
    while (wait_a_while(page)) {
        uint64_t index = atomic_load_explicit(&page->index, memory_order_acquire);
        uint64_t lasting = index == before ? index : 0;
        before = index;
        if (is_news(page, lasting)) copy(page, lasting);
    }
    return NULL;
}

static bool page_map(struct apply_page *page, const char *path, struct buf *error) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        (void)errno_report(error, path, "open", errno);
        return false;
    }
    /* really there: a store into a hole of a full disk would be a fault */
    int failed = posix_fallocate(fd, 0, PAGE_BYTES);
    if (failed == 0) {
        page->mapped = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (page->mapped == MAP_FAILED) failed = errno;
    }
    if (failed != 0) (void)errno_report(error, path, "map", failed);
    close(fd);
    return failed == 0;
}

struct apply_page *apply_page_open(
    const char *directory, struct applying_note *found, struct buf *error) {
    struct apply_page *page = sf_alloc_zero(1, sizeof *page);
    char *path = path_join(directory, "applying");
    bool is_ok = page_map(page, path, error);
    sf_free(path);
    *found = (struct applying_note){.node = 0};
    if (!is_ok) {
        sf_free(page);
        return NULL;
    }
    const struct layout *was = page->mapped;
    if (was->magic == PAGE_MAGIC &&
        was->check == check_of(was->node, was->index, was->died_at, was->deaths))
        *found = (struct applying_note){was->node, was->index, was->died_at, was->deaths};
    page->mapped->magic = PAGE_MAGIC;
    apply_page_note(page, found);
    copy(page, found->index);
    pthread_mutex_init(&page->lock, NULL);
    pthread_condattr_t monotonic; /* a wall clock set back must not put the copier to sleep */
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&page->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int failed = pthread_create(&page->thread, NULL, copier, page);
    SF_ASSERT(failed == 0);
    return page;
}

void apply_page_close(struct apply_page *page) {
    if (page == NULL) return;
    pthread_mutex_lock(&page->lock);
    page->stops = true;
    pthread_cond_signal(&page->wake);
    pthread_mutex_unlock(&page->lock);
    pthread_join(page->thread, NULL);
    apply_page_last_words(page);
    pthread_cond_destroy(&page->wake);
    pthread_mutex_destroy(&page->lock);
    munmap(page->mapped, PAGE_BYTES);
    sf_free(page);
}
