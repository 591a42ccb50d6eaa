#include "net/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

int64_t clock_boot_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_run_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_wall_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void net_logf(struct net *net, enum log_level level, const char *format, ...) {
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    net->hooks.log(net->hooks.context, level, line);
}

/* -- the turn -------------------------------------------------------------------------------- */

/* ev_check at the highest priority: before any socket's handler. */
static void woken(struct ev_loop *loop, ev_check *watcher, int events) {
    (void)loop, (void)events;
    struct net *net = watcher->data;
    net->now_us = net->woken_us = clock_boot_us();
}

static void set_deadline(struct net *net) {
    net->now_us = clock_boot_us(); /* the turn may have run a long entry */
    int64_t due_us = SF_MIN(node_next_deadline_us(net->node), links_next_deadline_us(net));
    due_us = SF_MIN(due_us, outs_next_deadline_us(net));
    /* Far deadlines are cut: a wake-up an hour costs nothing and keeps the arithmetic small. */
    int64_t delay_us = net->again ? 0 : SF_MIN(due_us - net->now_us, (int64_t)3600 * 1000000);
    ev_timer_stop(net->loop, &net->deadline);
    ev_now_update(net->loop);
    ev_timer_set(&net->deadline, delay_us <= 0 ? 0. : (double)delay_us / 1e6, 0.);
    ev_timer_start(net->loop, &net->deadline);
}

/* Where the handlers took long (a message of many megabytes), sockets hold by now what decides
 * whether a timer has run out, a leader's heartbeat above all: they are looked at once more before.
 */
static bool looks_again(struct net *net) {
    bool slow = net->now_us - net->woken_us > SLOW_HANDLERS_US;
    if (!slow || net->n_looks == LOOKS_MAX || net->stopping) {
        net->n_looks = 0;
        return false;
    }
    net->n_looks++;
    return true;
}

static int64_t clock_thread_us(void) {
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

/* A node that catches up leaves the processor to others that wait for it (node/pace.c). What the
 * turn lost is the time in which it ran but this thread did not; a rest that ends late is lost
 * too. */
static void rest(struct net *net) {
    if (net->stopping || !node_catches_up(net->node)) {
        net->rested_us = 0;
        return;
    }
    int64_t thread_us = clock_thread_us(), now_us = clock_boot_us();
    int64_t rest_us = 0;
    if (net->rested_us != 0) {
        int64_t used_us = thread_us - net->rested_thread_us;
        int64_t ran_us = now_us - SF_MAX(net->woken_us, net->rested_us);
        int64_t lost_us = SF_MAX(ran_us - used_us, 0) + net->rest_late_us;
        rest_us = node_rest_us(net->node, used_us, lost_us);
    }
    net->rest_late_us = 0;
    if (rest_us > 0) {
        struct timespec rests = {.tv_nsec = rest_us * 1000};
        nanosleep(&rests, NULL);
        int64_t late_us = clock_boot_us() - now_us - rest_us;
        if (late_us > REST_SLACK_US) net->rest_late_us = late_us;
    }
    net->rested_us = clock_boot_us();
    net->rested_thread_us = clock_thread_us();
}

/* ev_prepare: after the last handler of the previous iteration, before this one sleeps. Timers are
 * judged here, by node_pump, after the sockets were drained (DESIGN 3). */
static void turn(struct ev_loop *loop, ev_prepare *watcher, int events) {
    (void)events;
    struct net *net = watcher->data;
    net->now_us = clock_boot_us();
    if (net->woken_us != 0 && looks_again(net)) {
        ev_timer_stop(loop, &net->deadline);
        ev_timer_set(&net->deadline, 0., 0.);
        ev_timer_start(loop, &net->deadline);
        return;
    }
    net->again = false;
    if (net->links_hold) links_deliver_held(net);
    links_tell_failed(net);
    outs_turn(net);
    if (net->hooks.before_pump != NULL) net->hooks.before_pump(net->hooks.context, net->now_us);
    node_pump(net->node, net->now_us, clock_wall_ms());
    clients_flush(net);
    links_flush(net);
    outs_flush(net);
    links_bury(net);
    if (net->stopping) {
        ev_break(loop, EVBREAK_ALL);
        net->again = true; /* the iteration still polls once */
    }
    rest(net);
    set_deadline(net);
}

static void deadline_passed(struct ev_loop *loop, ev_timer *watcher, int events) {
    (void)loop, (void)watcher, (void)events; /* it has woken the loop: the turn does the rest */
}

static void watch_readable(struct ev_loop *loop, ev_io *watcher, int events) {
    (void)loop, (void)events;
    struct watch *watch = watcher->data;
    watch->on_readable(watch->context);
}

/* -- life ------------------------------------------------------------------------------------ */

struct net *net_new(const struct net_settings *settings, const struct net_hooks *hooks) {
    struct net *net = sf_alloc_zero(1, sizeof(*net));
    net->settings = *settings;
    net->hooks = *hooks;
    net->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
    SF_ASSERT(net->loop != NULL);
    list_init(&net->all_clients);
    list_init(&net->dirty_clients);
    list_init(&net->all_links);
    list_init(&net->all_outs);
    list_init(&net->dirty_links);
    list_init(&net->timed_links);
    list_init(&net->failed_links);
    list_init(&net->dead_links);
    net->last_accepted_link = LINK_ACCEPTED_BASE - 1;
    net->now_us = clock_boot_us();
    ev_check_init(&net->on_woken, woken);
    ev_set_priority(&net->on_woken, EV_MAXPRI);
    ev_prepare_init(&net->on_turn, turn);
    ev_timer_init(&net->deadline, deadline_passed, 0., 0.);
    net->on_woken.data = net->on_turn.data = net;
    return net;
}

void net_free(struct net *net) {
    if (net == NULL) return;
    clients_free(net);
    links_free(net);
    outs_free(net);
    listeners_free(net);
    for (uint32_t i = 0; i < net->n_watches; i++) {
        ev_io_stop(net->loop, &net->watches[i].watcher);
    }
    ev_loop_destroy(net->loop);
    sf_free(net);
}

void net_watch(struct net *net, int fd, void (*on_readable)(void *context), void *context) {
    SF_ASSERT(net->n_watches < WATCHES_MAX);
    struct watch *watch = &net->watches[net->n_watches++];
    *watch = (struct watch){.fd = fd, .on_readable = on_readable, .context = context};
    ev_io_init(&watch->watcher, watch_readable, fd, EV_READ);
    watch->watcher.data = watch;
    ev_io_start(net->loop, &watch->watcher);
}

int net_run(struct net *net, struct node *node) {
    net->node = node;
    ev_check_start(net->loop, &net->on_woken);
    ev_prepare_start(net->loop, &net->on_turn);
    listeners_start(net);
    ev_run(net->loop, 0);
    ev_prepare_stop(net->loop, &net->on_turn);
    ev_check_stop(net->loop, &net->on_woken);
    ev_timer_stop(net->loop, &net->deadline);
    net->node = NULL;
    return net->exit_code;
}

void net_stop(struct net *net, int exit_code) {
    if (net->stopping) return;
    net->stopping = true;
    net->exit_code = exit_code;
    net_wake(net);
}

void net_wake(struct net *net) {
    net->again = true;
}

void net_set_keepalive(struct net *net, int seconds) {
    net->settings.tcp_keepalive_s = seconds;
}

struct net_figures net_figures(const struct net *net) {
    return net->figures;
}
