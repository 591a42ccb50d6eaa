/* An old copy of a data directory is refused, where that is certain. */
#include "unit/node/harness.h"

#include "node/old_copy.h"

static int a_follower(struct world *world) {
    return (world_leader(world) + 1) % world->n;
}

static void write_some(struct world *world, int n) {
    struct client *client = client_open(world, world_leader(world));
    for (int i = 0; i < n; i++) client_send(client, "INCR n\r\n");
    world_run(world, 200);
}

static void lose_tail(struct seat *seat, uint64_t n) {
    SF_ASSERT(seat->node == NULL && n < seat->n_log);
    for (; n > 0; n--) {
        struct bytes *payload = seat->log[--seat->n_log].payload;
        if (payload != NULL) bytes_unref(payload);
    }
}

static void test_a_log_that_lost_what_it_acknowledged_is_refused(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int follower = a_follower(world);
    write_some(world, 5);
    seat_kill(world->seats[follower]);
    lose_tail(world->seats[follower], 1);
    seat_start(world->seats[follower]);
    world_run(world, 1000);
    assert_true(world->seats[follower]->stopped);
    assert_int_equal(world->seats[follower]->stop_code, 1);
    client_ask(client_open(world, world_leader(world)), "INCR n\r\n", ":6\r\n");
    seat_kill(world->seats[follower]); /* and again at its next start */
    seat_start(world->seats[follower]);
    world_run(world, 1000);
    assert_true(world->seats[follower]->stopped);
    world_free(world);
}

static void test_a_whole_log_is_welcome_after_any_number_of_restarts(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int follower = a_follower(world);
    for (int round = 0; round < 4; round++) {
        write_some(world, 3);
        seat_kill(world->seats[follower]);
        write_some(world, 2);
        seat_start(world->seats[follower]);
        world_run(world, 500);
    }
    world_check_equal(world);
    for (int i = 0; i < 3; i++) assert_false(world->seats[i]->stopped);
    world_free(world);
}

static void test_a_boot_counter_that_went_back_is_refused(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int follower = a_follower(world);
    for (int i = 0; i < 2; i++) {
        seat_kill(world->seats[follower]);
        seat_start(world->seats[follower]);
        world_run(world, 500);
    }
    seat_kill(world->seats[follower]);
    world->seats[follower]->boot_counter = 0; /* the next start is number 1 */
    seat_start(world->seats[follower]);
    world_run(world, 1000);
    assert_true(world->seats[follower]->stopped);
    world_free(world);
}

/* Taken in the life before the last one, so that its start has the last one's number. */
static void test_a_copy_from_before_the_last_start_is_refused(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int follower = a_follower(world);
    struct seat *seat = world->seats[follower];
    write_some(world, 5);
    uint64_t counter = seat->boot_counter, had = seat->n_log;
    seat_kill(seat);
    seat_start(seat);
    world_run(world, 500);
    write_some(world, 5);
    seat_kill(seat);
    seat->boot_counter = counter;
    lose_tail(seat, seat->n_log - had);
    seat_start(seat);
    world_run(world, 1000);
    assert_true(seat->stopped);
    world_free(world);
}

/* Nobody has heard of its later start, but for what the state says of it. */
static void test_a_copy_is_refused_though_all_begin_anew(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int follower = a_follower(world);
    struct seat *seat = world->seats[follower];
    write_some(world, 5);
    uint64_t counter = seat->boot_counter, had = seat->n_log;
    seat_kill(seat);
    seat_start(seat);
    world_run(world, 500);
    write_some(world, 5);
    for (int i = 0; i < 3; i++) seat_kill(world->seats[i]);
    seat->boot_counter = counter;
    lose_tail(seat, seat->n_log - had);
    for (int i = 0; i < 3; i++) seat_start(world->seats[i]);
    world_run(world, 3000);
    assert_true(seat->stopped);
    assert_int_equal(seat->stop_code, 1);
    for (int i = 0; i < 3; i++) assert_true(i == follower || !world->seats[i]->stopped);
    client_ask(client_open(world, world_leader(world)), "INCR n\r\n", ":11\r\n");
    world_free(world);
}

/* Of its later start the others know by their logs alone, which nobody leads to apply them yet. */
static void test_a_copy_is_given_no_vote_by_who_has_its_later_start_in_the_log(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int follower = a_follower(world), other = (follower + 1) % 3, away = (follower + 2) % 3;
    struct seat *seat = world->seats[follower];
    write_some(world, 5);
    uint64_t counter = seat->boot_counter, had = seat->n_log;
    seat_kill(seat);
    seat_start(seat);
    world_run(world, 500);
    write_some(world, 5);
    for (int i = 0; i < 3; i++) seat_kill(world->seats[i]);
    seat->boot_counter = counter;
    lose_tail(seat, seat->n_log - had);
    raft_term before = world->seats[other]->hard_state.term;
    seat_start(seat);
    seat_start(world->seats[other]);
    world_run(world, 3000);
    assert_true(seat->stopped);
    assert_int_equal(world->seats[other]->hard_state.term, before);
    seat_start(world->seats[away]);
    world_run(world, 3000);
    client_ask(client_open(world, world_leader(world)), "INCR n\r\n", ":11\r\n");
    world_free(world);
}

/* Two of five hold entries that the others never saw; one of them loses them to another leader, is
 * restarted, and meets the one to which it had acknowledged them. */
static void test_a_tail_that_another_leader_took_away_is_no_old_copy(void **state) {
    (void)state;
    struct world *world = world_ready(5);
    int old = world_leader(world), with = (old + 1) % 5;
    for (int i = 0; i < 5; i++) {
        if (i == old || i == with) continue;
        world_cut(world, old, i);
        world_cut(world, with, i);
    }
    struct client *client = client_open(world, old);
    for (int i = 0; i < 5; i++) client_send(client, "INCR lost\r\n");
    world_run(world, 50);
    struct raft_peer_status status = {0};
    assert_true(raft_peer(world->seats[old]->node->raft, seat_id(with), &status));
    assert_true(status.match > raft_commit_index(world->seats[old]->node->raft));
    for (int i = 0; i < 5; i++) {
        if (i == old) continue;
        world->cut[with][i] = world->cut[i][with] = false;
    }
    world_cut(world, old, with);
    world_run(world, 1500);
    seat_kill(world->seats[with]);
    seat_start(world->seats[with]);
    world_run(world, 500);
    world_heal(world);
    world_run(world, 1500);
    for (int i = 0; i < 5; i++) assert_false(world->seats[i]->stopped);
    world_check_equal(world);
    world_free(world);
}

static void test_only_what_is_certain_is_refused(void **state) {
    (void)state;
    struct world *world = world_ready(3);
    int leader = world_leader(world), follower = a_follower(world);
    struct node *node = world->seats[leader]->node;
    struct greeting greeting;
    greeting_of(world->seats[follower]->node, &greeting);
    greeting.last_index = 1;
    assert_null(old_copy_judge(node, &greeting)); /* of this life: written before its last words */
    greeting.incarnation.counter++;
    greeting.damaged = true;
    assert_null(old_copy_judge(node, &greeting)); /* it knows, and will be mended */
    greeting.incarnation.counter++;
    greeting.damaged = false;
    assert_non_null(strstr(old_copy_judge(node, &greeting), "its log ends at 1, and it had"));
    greeting.last_index = raft_commit_index(node->raft);
    assert_null(old_copy_judge(node, &greeting));
    greeting.id = 0xabcdef; /* of whom nothing is known */
    assert_null(old_copy_judge(node, &greeting));
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_log_that_lost_what_it_acknowledged_is_refused),
        cmocka_unit_test(test_a_whole_log_is_welcome_after_any_number_of_restarts),
        cmocka_unit_test(test_a_boot_counter_that_went_back_is_refused),
        cmocka_unit_test(test_a_copy_is_refused_though_all_begin_anew),
        cmocka_unit_test(test_a_copy_is_given_no_vote_by_who_has_its_later_start_in_the_log),
        cmocka_unit_test(test_a_copy_from_before_the_last_start_is_refused),
        cmocka_unit_test(test_a_tail_that_another_leader_took_away_is_no_old_copy),
        cmocka_unit_test(test_only_what_is_certain_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
