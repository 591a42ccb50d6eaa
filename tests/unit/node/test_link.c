#include "unit/node/bus.h"

/* -- strangers ------------------------------------------------------------------------------- */

static struct handshake good_handshake(struct place *place, raft_id id) {
    return (struct handshake){.secret = BUS_SECRET,
        .purpose = "control",
        .wanted = place->node->identity.id,
        .greeting = greeting_like(place, id)};
}

static struct bus *one_node(struct place **place) {
    struct bus *bus = bus_new();
    *place = bus_node(bus, BOOTSTRAP_YES);
    bus_run(bus, 300 * MS);
    return bus;
}

static void test_a_member_with_the_secret_is_welcome(void **context) {
    (void)context;
    struct place *place;
    struct bus *bus = one_node(&place);
    struct handshake how = good_handshake(place, 77);
    how.purpose = "greet";
    struct wire *wire = peer_dial(place, &how);
    assert_true(wire_heard(wire, "welcome"));
    bus_free(bus);
}

static void check_refused(struct place *place, struct wire *wire) {
    raft_term term = raft_current_term(place->node->raft);
    bus_run(place->bus, 100 * MS);
    assert_true(wire_is_closed(wire));
    assert_false(wire_heard(wire, "welcome"));
    assert_true(place_leads(place));
    assert_int_equal(raft_current_term(place->node->raft), term);
}

static void test_a_wrong_secret_is_refused(void **context) {
    (void)context;
    struct place *place;
    struct bus *bus = one_node(&place);
    struct handshake how = good_handshake(place, 77);
    how.secret = "another secret";
    struct wire *wire = peer_dial(place, &how);
    assert_true(wire_heard(wire, "NOAUTH"));
    check_refused(place, wire);
    bus_free(bus);
}

static void test_a_hello_of_another_cluster_is_refused_and_logged(void **context) {
    (void)context;
    struct place *place;
    struct bus *bus = one_node(&place);
    struct handshake how = good_handshake(place, 77);
    memset(how.greeting.cluster_id, 'f', CLUSTER_ID_CHARS);
    struct wire *wire = peer_dial(place, &how);
    assert_true(logged(place, "another cluster"));
    check_refused(place, wire);
    bus_free(bus);
}

static void test_no_word_before_the_proof_reaches_raft(void **context) {
    (void)context;
    static const char *const firsts[] = {
        "*1\r\n$4\r\njoin\r\n",
        "*2\r\n$6\r\nforget\r\n$1\r\n1\r\n",
        "*1\r\n$9\r\ntake-over\r\n",
        "*5\r\n$5\r\nprove\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n",
        "*3\r\n$7\r\nwelcome\r\n$1\r\na\r\n$1\r\nb\r\n",
        "*3\r\n$9\r\nchallenge\r\n$1\r\na\r\n$1\r\nb\r\n",
        "PING\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "*1\r\n$5\r\nhello\r\n",
        "*3\r\n$5\r\nhello\r\n$1\r\n2\r\n$32\r\n00000000000000000000000000000000\r\n",
        "*3\r\n$5\r\nhello\r\n$1\r\n1\r\n$32\r\n0000000000000000000000000000000G\r\n",
        "*3\r\n$5\r\nhello\r\n$1\r\n1\r\n$31\r\n0000000000000000000000000000000\r\n",
        "-ERR x\r\n",
        "-REMOVED x\r\n",
        "*1\r\n$5\r\nerror\r\n",
        "*2\r\n$5\r\nerror\r\n$9\r\nREMOVED x\r\n",
    };
    struct place *place;
    struct bus *bus = one_node(&place);
    for (size_t i = 0; i < SF_LENGTH(firsts); i++) {
        struct wire *wire = stranger_dial(place);
        wire_say_text(wire, firsts[i]);
        check_refused(place, wire);
        assert_false(place->node->self_removed);
    }
    bus_free(bus);
}

static void test_a_second_hello_is_no_proof(void **context) {
    (void)context;
    struct place *place;
    struct bus *bus = one_node(&place);
    struct wire *wire = stranger_dial(place);
    static const char hello[] =
        "*3\r\n$5\r\nhello\r\n$1\r\n1\r\n$32\r\n00000000000000000000000000000000\r\n";
    wire_say_text(wire, hello);
    bus_settle(bus);
    assert_true(wire_heard(wire, "challenge"));
    wire_say_text(wire, hello);
    check_refused(place, wire);
    bus_free(bus);
}

static void test_a_stranger_may_not_send_a_large_message(void **context) {
    (void)context;
    struct place *place;
    struct bus *bus = one_node(&place);
    struct wire *wire = stranger_dial(place);
    wire_say_text(wire, "*2\r\n$5\r\nhello\r\n$1000000\r\n");
    check_refused(place, wire);
    bus_free(bus);
}

static void test_a_proof_is_good_for_one_purpose_and_one_node_only(void **context) {
    (void)context;
    /* The same words with another purpose, wanted id or greeting than the proof covers. */
    struct place *place;
    struct bus *bus = one_node(&place);
    for (int what = 0; what < 4; what++) {
        struct wire *wire = stranger_dial(place);
        wire_say_text(
            wire, "*3\r\n$5\r\nhello\r\n$1\r\n1\r\n$32\r\n00000000000000000000000000000000\r\n");
        bus_settle(bus);
        struct resp_parser *parser = resp_parser_new();
        struct buf keep = {0}, more = {0}, greeting = {0};
        uint32_t argc;
        const struct slice *argv;
        assert_true(wire_take(wire, parser, &argc, &argv, &keep));
        uint8_t zero[16] = {0}, theirs[16], digest[32];
        from_hex(argv[1], theirs);
        struct greeting said = greeting_like(place, 77);
        greeting_put(&said, &greeting);
        char wanted[INT_TEXT_MAX], proof[65];
        struct slice id = slice_of(wanted, uint_print(place->node->identity.id, wanted));
        put_string(&more, what == 0 ? SLICE("greet") : SLICE("control"));
        put_string(&more, what == 1 ? SLICE("5") : id);
        put_string(&more, what == 2 ? SLICE("x") : buf_slice(&greeting));
        proof_of_secret(BUS_SECRET, what == 3 ? 'A' : 'D', zero, theirs, buf_slice(&more), digest);
        to_hex(digest, 32, proof);
        struct slice words[5] = {
            SLICE("prove"), slice_text(proof), SLICE("control"), id, buf_slice(&greeting)};
        wire_say(wire, 5, words);
        check_refused(place, wire);
        resp_parser_free(parser);
        buf_free(&keep);
        buf_free(&more);
        buf_free(&greeting);
    }
    bus_free(bus);
}

static void test_a_proof_cannot_be_replayed_on_another_link(void **context) {
    (void)context;
    struct place *place;
    struct bus *bus = one_node(&place);
    struct wire *one = stranger_dial(place), *two = stranger_dial(place);
    static const char hello[] =
        "*3\r\n$5\r\nhello\r\n$1\r\n1\r\n$32\r\n00000000000000000000000000000000\r\n";
    wire_say_text(one, hello);
    wire_say_text(two, hello);
    bus_settle(bus);
    struct slice a = buf_slice(&one->ends[0].in), b = buf_slice(&two->ends[0].in);
    assert_false(slice_equal(a, b)); /* the acceptor's nonce is its own each time */
    bus_free(bus);
}

/* The node is made to dial the test; what it sends is sent back to it on another link. */
static void test_a_node_cannot_be_made_to_answer_its_own_challenge(void **context) {
    (void)context;
    struct place *place;
    struct bus *bus = one_node(&place);
    bus->listens = 7777;
    ask_node(place, "CLUSTER MEET 10.9.9.9 6379 7777");
    bus_run(bus, 2 * MS);
    struct wire *dialled = stranger_accepted(bus);
    assert_non_null(dialled);
    struct wire *back = stranger_dial(place);
    for (int i = 0; i < 6; i++) { /* a mirror */
        struct buf *from = &dialled->ends[1].in;
        if (from->len > 0) buf_append_slice(&back->ends[1].in, buf_slice(from));
        buf_clear(from);
        bus_settle(bus);
        from = &back->ends[0].in;
        if (from->len > 0 && dialled->used) buf_append_slice(&dialled->ends[0].in, buf_slice(from));
        buf_clear(from);
        bus_settle(bus);
        if (!dialled->used || !back->used) break;
    }
    bus_run(bus, 100 * MS);
    assert_true(logged(place, "it is this node itself"));
    assert_true(place_leads(place));
    bus_free(bus);
}

static void test_an_acceptor_without_the_secret_learns_no_proof(void **context) {
    (void)context;
    struct place *place;
    struct bus *bus = one_node(&place);
    bus->listens = 7777;
    struct client *client = ask_node(place, "CLUSTER MEET 10.9.9.9 6379 7777");
    bus_run(bus, 2 * MS);
    struct wire *wire = stranger_accepted(bus);
    assert_non_null(wire);
    struct slice words[4] = {SLICE("challenge"), SLICE("00000000000000000000000000000000"),
        SLICE("0000000000000000000000000000000000000000000000000000000000000000"), SLICE("77")};
    wire_say(wire, 4, words);
    bus_settle(bus);
    assert_false(wire_heard(wire, "prove"));
    assert_true(wire_is_closed(wire));
    bus_run(bus, 10 * MS);
    assert_non_null(strstr(client_text(client), "cluster-secret"));
    bus_free(bus);
}

static void test_a_stranger_at_a_members_address_cannot_say_that_this_node_was_removed(
    void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = bus_cluster(3, places);
    place_kill(places[2]);
    for (int i = 0; i < 200; i++) {
        bus_run(bus, 10 * MS);
        for (int n = 0; n < 2; n++)
            for (uint32_t k = 0; k < LINKS_MAX; k++) {
                struct link *link = &places[n]->node->links[k];
                if (link->number == 0 || !link->dialled || link->state == LINK_READY) continue;
                uint64_t number = link->number; /* somebody listens at the dead one's address */
                struct slice words[2] = {SLICE("error"), SLICE("REMOVED you were removed")};
                node_on_link_open(places[n]->node, number, bus->now_us);
                node_on_link_message(places[n]->node, number, 2, words, bus->now_us);
            }
    }
    for (int n = 0; n < 2; n++) assert_false(places[n]->node->self_removed);
    bus_free(bus);
}

/* A stranger at a dead member's address shows the first node a challenge that it got from the
 * second one by passing the first one's hello on, and then says `what` in the dead one's name. */
static void pass_on_a_challenge(
    struct place *asked, struct place *answers, struct link *link, const char *what) {
    struct bus *bus = asked->bus;
    uint64_t number = link->number;
    node_on_link_open(asked->node, number, bus->now_us);
    char nonce[33];
    to_hex(link->nonce_dialler, 16, nonce);
    struct slice hello[3] = {SLICE("hello"), SLICE("1"), slice_of(nonce, 32)};
    struct wire *wire = stranger_dial(answers);
    wire_say(wire, 3, hello);
    bus_settle(bus);
    struct resp_parser *parser = resp_parser_new();
    struct buf keep = {0}, greeting = {0};
    uint32_t argc;
    const struct slice *argv;
    assert_true(wire_take(wire, parser, &argc, &argv, &keep));
    raft_id dead = link->peer;
    node_on_link_message(asked->node, number, argc, argv, bus->now_us);
    assert_int_equal(link->state, LINK_CHALLENGED);
    struct greeting said = greeting_like(answers, dead);
    greeting_put(&said, &greeting);
    struct slice words[3] = {SLICE("error"), slice_text(what), SLICE("10.9.9.9")};
    if (strcmp(what, "welcome") == 0) {
        words[0] = SLICE("welcome");
        words[1] = buf_slice(&greeting);
    }
    node_on_link_message(asked->node, number, words[0].len == 5 ? 2 : 3, words, bus->now_us);
    const struct peer *peer = peer_of(asked->node, dead);
    assert_true(peer->control != number && peer->bulk != number);
    resp_parser_free(parser);
    buf_free(&keep);
    buf_free(&greeting);
}

static void test_a_challenge_that_is_passed_on_proves_nothing_about_a_dead_member(void **context) {
    (void)context;
    static const char *const words[] = {"REMOVED you were removed", "OLDCOPY your directory is old",
        "ITSELF this is the node that asks", "welcome"};
    struct place *places[3];
    struct bus *bus = bus_cluster(3, places);
    raft_id dead = places[2]->node->identity.id;
    places[2]->cut = true; /* dials to it hang, until this test says that they are open */
    for (uint32_t k = 0; k < LINKS_MAX; k++) {
        if (places[0]->node->links[k].peer == dead) places[0]->node->links[k].cut = true;
    }
    uint32_t said = 0;
    for (int i = 0; i < 400 && said < SF_LENGTH(words); i++) {
        bus_run(bus, 5 * MS);
        for (uint32_t k = 0; k < LINKS_MAX; k++) {
            struct link *link = &places[0]->node->links[k];
            if (link->number == 0 || !link->dialled || link->state == LINK_READY) continue;
            if (link->peer != dead || said == SF_LENGTH(words)) continue;
            pass_on_a_challenge(places[0], places[1], link, words[said++]);
            assert_false(link->is_ours);
        }
    }
    assert_int_equal(said, SF_LENGTH(words));
    assert_false(places[0]->node->self_removed);
    assert_false(places[0]->stopped);
    bus_free(bus);
}

/* -- places ---------------------------------------------------------------------------------- */

static void test_strangers_that_say_nothing_do_not_keep_members_out(void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = bus_cluster(2, places);
    place_kill(places[1]);
    for (int i = 0; i < 20; i++) {
        for (int k = 0; k < 20; k++) stranger_dial(places[0]);
        bus_run(bus, 10 * MS);
    }
    place_start(places[1]);
    for (int i = 0; i < 40; i++) {
        for (int k = 0; k < 4; k++) stranger_dial(places[0]);
        bus_run(bus, 25 * MS);
    }
    assert_true(is_one_cluster(places, 2, 2));
    assert_string_equal(call_node(places[1], "SET a 1"), "+OK\r\n");
    bus_free(bus);
}

static void test_a_link_that_says_nothing_is_closed(void **context) {
    (void)context;
    struct place *place;
    struct bus *bus = one_node(&place);
    struct wire *wire = stranger_dial(place);
    bus_run(bus, 4 * SECONDS);
    assert_true(wire_is_closed(wire));
    bus_free(bus);
}

static void test_a_greeting_link_is_not_kept_for_ever(void **context) {
    (void)context;
    struct place *place;
    struct bus *bus = one_node(&place);
    struct handshake how = good_handshake(place, 77);
    how.purpose = "greet";
    struct wire *wire = peer_dial(place, &how);
    bus_run(bus, 15 * SECONDS);
    assert_true(wire_is_closed(wire));
    bus_free(bus);
}

/* -- members --------------------------------------------------------------------------------- */

static void test_a_member_that_was_away_for_long_is_back_within_a_second(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = bus_cluster(3, places);
    place_kill(places[2]);
    bus_run(bus, 60 * SECONDS);
    place_start(places[2]);
    bus_run(bus, 1000 * MS);
    assert_true(is_one_cluster(places, 3, 3));
    bus_free(bus);
}

static void test_links_come_back_after_every_kind_of_break(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = bus_cluster(3, places);
    for (int i = 0; i < 30; i++) {
        for (uint32_t k = 0; k < bus->n_wires; k++) { /* both ends learn it, or only one */
            struct wire *wire = &bus->wires[k];
            if (!wire->used || wire->opening || (k + (uint32_t)i) % 3 == 0) continue;
            for (int side = 0; side < 2; side++)
                if (wire->ends[side].open) wire->ends[side].fin = true;
        }
        bus_run(bus, 30 * MS);
    }
    bus_run(bus, SECONDS);
    assert_true(is_one_cluster(places, 3, 3));
    for (int i = 0; i < 3; i++)
        for (uint32_t k = 0; k < places[i]->node->n_peers; k++) {
            assert_true(places[i]->node->peers[k].control != 0);
            assert_true(places[i]->node->peers[k].bulk != 0);
        }
    bus_free(bus);
}

static void test_a_dial_that_is_never_answered_is_tried_again(void **context) {
    (void)context;
    struct place *places[3];
    struct bus *bus = bus_cluster(3, places);
    place_kill(places[2]);
    places[2]->cut = true;
    place_start(places[2]);
    bus_run(bus, 30 * SECONDS);
    places[2]->cut = false;
    bus_run(bus, 5 * SECONDS);
    assert_true(is_one_cluster(places, 3, 3));
    bus_free(bus);
}

static void test_a_peer_that_does_not_read_is_cut_after_the_turn(void **context) {
    (void)context;
    struct place *places[2];
    struct bus *bus = bus_cluster(2, places);
    struct node *node = places[0]->node;
    struct peer *peer = &node->peers[0];
    uint64_t bulk = peer->bulk;
    places[0]->backlog = LINK_BACKLOG_MAX + 1;
    assert_false(peer_send_bytes(node, peer->id, true, SLICE("*1\r\n$1\r\nx\r\n")));
    assert_non_null(link_find(node, bulk)); /* the core's messages may still refer to it */
    assert_int_equal(peer->bulk, 0);
    places[0]->backlog = 0;
    bus_run(bus, 300 * MS);
    assert_null(link_find(node, bulk));
    assert_true(peer->bulk != 0);
    assert_string_equal(call_node(places[1], "SET a 1"), "+OK\r\n");
    bus_free(bus);
}

static void test_a_peer_that_speaks_on_is_answered_although_our_log_does_not_list_it(
    void **context) {
    (void)context;
    struct place *place;
    struct bus *bus = one_node(&place);
    bus->listens = 7777;
    struct handshake how = good_handshake(place, 77);
    how.greeting.state = IDENTITY_MEMBER;
    how.greeting.last_index = 1000000;              /* it knows what we do not */
    place->node->identity.state = IDENTITY_JOINING; /* or else we, a leader, know better */
    struct wire *wire = peer_dial(place, &how);
    assert_true(wire_heard(wire, "welcome"));
    for (int i = 0; i < 100; i++) {
        struct slice words[3] = {SLICE("read-ask"), SLICE("1"), SLICE("1")};
        wire_say(wire, 3, words);
        bus_run(bus, 100 * MS);
        assert_non_null(peer_of(place->node, 77));
    }
    bus_free(bus);
}

static void test_a_node_in_the_middle_of_a_switch_says_not_now(void **context) {
    (void)context;
    struct place *place;
    struct bus *bus = one_node(&place);
    twin_stall(place->twin, bus->now_us + 500 * MS);
    ask_node(place, "CLUSTER RESET");
    bus_settle(bus);
    assert_true(place->node->identity_switching);
    struct handshake how = good_handshake(place, 77);
    struct wire *wire = peer_dial(place, &how);
    assert_true(wire_heard(wire, "not now"));
    bus_free(bus);
}

static void test_a_proven_peer_that_sends_nonsense_loses_its_link_only(void **context) {
    (void)context;
    static const char *const words[] = {"*1\r\n$7\r\nnothing\r\n", "*1\r\n$4\r\nvote\r\n",
        "*2\r\n$6\r\nappend\r\n$1\r\nx\r\n", "*1\r\n$5\r\nhello\r\n"};
    struct place *place;
    struct bus *bus = one_node(&place);
    place->node->identity.state = IDENTITY_JOINING; /* takes strangers to its log */
    for (size_t i = 0; i < SF_LENGTH(words); i++) {
        struct handshake how = good_handshake(place, 77 + i);
        struct wire *wire = peer_dial(place, &how);
        assert_true(wire_heard(wire, "welcome"));
        wire_say_text(wire, words[i]);
        bus_run(bus, 10 * MS);
        assert_true(wire_is_closed(wire));
    }
    bus_free(bus);
}

/* A peer that holds the secret and has gone mad: any words, on links of every purpose. */
static void test_no_words_of_a_proven_peer_bring_a_node_down(void **context) {
    (void)context;
    static const char *const vocabulary[] = {"batch", "read-ask", "read-answer", "stream-ask",
        "stream-open", "forget", "take-over", "may-join", "join", "invite", "yes", "ok", "redirect",
        "hello", "prove", "welcome", "challenge", "error", "", "0", "1", "2", "77",
        "18446744073709551615", "-1", "x", "10.0.0.1", "127.0.0.1",
        "0123456789abcdef0123456789abcdef01234567"};
    static const char *const purposes[] = {"control", "bulk", "greet", "other"};
    struct random random = random_from(11);
    struct place *places[2];
    struct bus *bus = bus_cluster(2, places);
    for (int i = 0; i < 4000; i++) {
        struct place *place = places[i % 2];
        struct handshake how = good_handshake(place, 77 + random_below(&random, 3));
        how.purpose = purposes[random_below(&random, 4)];
        how.greeting.state = (enum identity_state)random_below(&random, 3);
        how.greeting.last_index = random_below(&random, 2) * 1000000;
        if (random_below(&random, 3) == 0) /* as the other member */
            how.greeting.id = places[1 - i % 2]->node->identity.id;
        struct wire *wire = peer_dial(place, &how);
        for (int k = 0; k < 5 && !wire_is_closed(wire); k++) {
            struct slice words[6];
            uint32_t argc = 1 + (uint32_t)random_below(&random, 6);
            for (uint32_t w = 0; w < argc; w++) {
                uint64_t limit =
                    w == 0 && random_below(&random, 10) > 0 ? 13 : SF_LENGTH(vocabulary);
                words[w] = slice_text(vocabulary[random_below(&random, limit)]);
            }
            if (argc == 2 && slice_is(words[0], "forget")) continue; /* it would be obeyed */
            wire_say(wire, argc, words);
            bus_settle(bus);
        }
        if (wire->used && wire->ends[0].open) wire_close(wire, 0);
        bus_run(bus, 2 * MS);
    }
    bus_run(bus, 12 * SECONDS);
    assert_false(places[0]->stopped || places[1]->stopped);
    bus_free(bus);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_member_with_the_secret_is_welcome),
        cmocka_unit_test(test_a_wrong_secret_is_refused),
        cmocka_unit_test(test_a_hello_of_another_cluster_is_refused_and_logged),
        cmocka_unit_test(test_no_word_before_the_proof_reaches_raft),
        cmocka_unit_test(test_a_second_hello_is_no_proof),
        cmocka_unit_test(test_a_stranger_may_not_send_a_large_message),
        cmocka_unit_test(test_a_proof_is_good_for_one_purpose_and_one_node_only),
        cmocka_unit_test(test_a_proof_cannot_be_replayed_on_another_link),
        cmocka_unit_test(test_a_node_cannot_be_made_to_answer_its_own_challenge),
        cmocka_unit_test(test_an_acceptor_without_the_secret_learns_no_proof),
        cmocka_unit_test(
            test_a_stranger_at_a_members_address_cannot_say_that_this_node_was_removed),
        cmocka_unit_test(test_a_challenge_that_is_passed_on_proves_nothing_about_a_dead_member),
        cmocka_unit_test(test_strangers_that_say_nothing_do_not_keep_members_out),
        cmocka_unit_test(test_a_link_that_says_nothing_is_closed),
        cmocka_unit_test(test_a_greeting_link_is_not_kept_for_ever),
        cmocka_unit_test(test_a_member_that_was_away_for_long_is_back_within_a_second),
        cmocka_unit_test(test_links_come_back_after_every_kind_of_break),
        cmocka_unit_test(test_a_dial_that_is_never_answered_is_tried_again),
        cmocka_unit_test(test_a_peer_that_does_not_read_is_cut_after_the_turn),
        cmocka_unit_test(test_a_peer_that_speaks_on_is_answered_although_our_log_does_not_list_it),
        cmocka_unit_test(test_a_node_in_the_middle_of_a_switch_says_not_now),
        cmocka_unit_test(test_a_proven_peer_that_sends_nonsense_loses_its_link_only),
        cmocka_unit_test(test_no_words_of_a_proven_peer_bring_a_node_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
