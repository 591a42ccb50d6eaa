/* Accounts whose sum is 0 in every state: what WATCH, MULTI and scripts are for. A client asks for
 * two balances, and writes what it made of them; or adds and takes without asking. */
#include "sim/client_internal.h"
#include "sim/drills.h"
#include "sim/exec.h"

#include <stdio.h>
#include <stdlib.h>

static void account(char out[8], uint64_t number) {
    snprintf(out, 8, "a%llu", (unsigned long long)number);
}

static void two_accounts(struct world *world, char one[8], char other[8]) {
    uint64_t first = world_below(world, ACCOUNTS);
    account(one, first);
    account(other, (first + 1 + world_below(world, ACCOUNTS - 1)) % ACCOUNTS);
}

static void queue(struct world *world, struct client *client, struct buf *packet,
    struct exec_words *words, const char *name, const char *key, int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    struct slice argv[] = {slice_text(name), slice_text(key), slice_text(text)};
    transaction_queue(world, client, packet, words, 3, argv);
}

static void move(struct world *world, struct client *client, struct buf *packet, const char *name,
    const char *const keys[2], const int64_t values[2]) {
    struct exec_words words;
    transaction_open(world, client, packet, &words);
    for (int i = 0; i < 2; i++) queue(world, client, packet, &words, name, keys[i], values[i]);
    transaction_exec(world, client, packet, &words, true);
}

bool bank_begin(struct world *world, struct client *client, struct buf *packet) {
    char one[8], other[8];
    if (world->evicts) return false; /* an account may go */
    if (drill_is_quiet(world) || !world_chance(world, 8)) return false;
    two_accounts(world, one, other);
    if (world_chance(world, 25)) {
        const char *const keys[] = {one, other};
        int64_t amount = world_between(world, 1, 9);
        move(world, client, packet, "INCRBY", keys, (int64_t[]){amount, -amount});
        return true;
    }
    struct slice watch[] = {SLICE("WATCH"), slice_text(one), slice_text(other)};
    struct slice ask[] = {SLICE("MGET"), slice_text(one), slice_text(other)};
    struct client_call first = {.kind = CALL_READ}, second = {.kind = CALL_READ};
    call_set_words(&first, 3, watch);
    client_put(world, client, &first, packet);
    call_set_words(&second, 3, ask);
    client_put(world, client, &second, packet);
    client->banks = !client->stale; /* who reads the past must not write from it */
    return true;
}

/* An array of whole numbers, nil as 0. false: it is another reply. */
static bool balances(struct slice reply, uint32_t n, int64_t *out) {
    char text[512];
    if (reply.len >= sizeof text || reply.data[0] != '*') return false;
    memcpy(text, reply.data, reply.len);
    text[reply.len] = 0;
    char *at = strchr(text, '\n');
    for (uint32_t i = 0; i < n; i++) {
        if (at == NULL || at[1] != '$') return false;
        bool nil = at[2] == '-';
        at = strchr(at + 1, '\n');
        if (at == NULL) return false;
        out[i] = nil ? 0 : strtoll(at + 1, NULL, 10);
        if (!nil) at = strchr(at + 1, '\n');
    }
    return true;
}

bool bank_goes_on(struct world *world, struct client *client, size_t n) {
    int64_t values[2];
    if (!client->banks || n != 2) return false;
    client->banks = false;
    const struct client_call *asked = &world->history->calls[client->first + 1];
    if (asked->outcome != OUTCOME_ANSWERED || !balances(bytes_slice(asked->reply), 2, values))
        return false;
    char one[8], other[8];
    snprintf(one, sizeof one, "%.*s", (int)asked->argv[1].len, asked->argv[1].data);
    snprintf(other, sizeof other, "%.*s", (int)asked->argv[2].len, asked->argv[2].data);
    const char *const keys[] = {one, other};
    int64_t amount = world_between(world, 1, 9);
    struct buf packet = {0};
    move(world, client, &packet, "SET", keys, (int64_t[]){values[0] - amount, values[1] + amount});
    client_dispatch(world, client, &packet);
    buf_free(&packet);
    world->coverage[COVER_BANK]++;
    return true;
}

void bank_check(struct world *world, const struct client_call *call) {
    int64_t values[ACCOUNTS], sum = 0;
    if (call->kind != CALL_READ || call->argc != ACCOUNTS + 1) return;
    if (!slice_is(call->argv[0], "MGET") || !slice_equal(call->argv[1], SLICE("a0"))) return;
    if (!balances(bytes_slice(call->reply), ACCOUNTS, values)) return;
    for (uint32_t i = 0; i < ACCOUNTS; i++) sum += values[i];
    if (sum == 0) return;
    char text[300];
    call_describe(call, text, sizeof text);
    world_fail(world, "the accounts are %lld in sum: %s", (long long)sum, text);
}
