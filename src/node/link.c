/* Links to other nodes. A node writes its messages only on links that it dialled, two for each
 * member (control: small and urgent; bulk: appends and forwarded batches), and reads messages only
 * from links that it accepted. Only the greeting runs both ways:
 *
 *   dialler   hello      1 nonce
 *   acceptor  challenge  nonce proof('A', id) id
 *   dialler   prove      proof('D', purpose, wanted id, greeting) purpose wanted-id greeting
 *   acceptor  welcome    greeting host-as-seen        or an error, and it closes
 *
 * Nothing else is read before the proof. A challenge names who made it: a stranger who listens at a
 * dead member's address may pass on another member's, but then it is that one's word only. */
#include "node/old_copy.h"

#include <openssl/crypto.h>
#include <stdio.h>

enum {
    HANDSHAKE_US = 2000000,
    BACKOFF_FIRST_US = 20000,
    BACKOFF_MAX_US = 500000,
    LEAVING_US = 3000000, /* a removed member is told its removal over the old links */
    GREETING_VERSION = 2,
    SELF_AGAIN_US =
        10000000, /* this node lives at the address of a former self that is still listed */
    REFUSED_AGAIN_US = 10000000, /* the same refusal is logged that often */
};

/* -- greetings ------------------------------------------------------------------------------- */

static bool holds_no_key(const struct node *node) {
    if (node->engine == NULL) return true;
    struct keyspace *keyspace = engine_keyspace(node->engine);
    for (uint32_t i = 0; i < keyspace_n_dbs(keyspace); i++) {
        if (db_size(keyspace_db(keyspace, i)) > 0) return false;
    }
    return true;
}

void greeting_of(struct node *node, struct greeting *out) {
    *out = (struct greeting){
        .id = node->identity.id,
        .incarnation = node->incarnation,
        .state = node->identity.state,
        .empty = holds_no_key(node),
        .databases = node->settings.databases,
        .address = node->settings.announce,
        .feature_level = node->settings.feature_level,
    };
    memcpy(out->cluster_id, node->identity.cluster_id, sizeof out->cluster_id);
    if (out->address.port == 0) out->address.port = node->settings.port;
    if (out->address.bus_port == 0) out->address.bus_port = node->settings.bus_port;
    if (node->raft == NULL) return;
    const struct raft_configuration *configuration = raft_configuration(node->raft);
    out->n_members = configuration->n;
    out->last_index = raft_synced_index(node->raft);
    out->damaged = raft_is_damaged(node->raft);
    skips_words(node, &out->skips);
    out->leader = raft_leader(node->raft);
    const struct raft_member *leader = configuration_find(configuration, out->leader);
    if (leader != NULL) out->leader_address = leader->address;
}

static void put_address(struct buf *out, const struct raft_address *address) {
    put_string(out, slice_text(address->host));
    put_varint(out, address->port);
    put_varint(out, address->bus_port);
}

static void read_address(struct reader *in, struct raft_address *out) {
    *out = (struct raft_address){.port = 0};
    struct slice host = read_string(in);
    uint64_t port = read_varint(in), bus_port = read_varint(in);
    if (host.len > RAFT_HOST_MAX || port > UINT16_MAX || bus_port > UINT16_MAX) in->failed = true;
    if (host.len > 0 && memchr(host.data, 0, host.len) != NULL) in->failed = true;
    if (in->failed) return;
    if (host.len > 0) memcpy(out->host, host.data, host.len);
    out->port = (uint16_t)port;
    out->bus_port = (uint16_t)bus_port;
}

void greeting_put(const struct greeting *greeting, struct buf *out) {
    put_varint(out, GREETING_VERSION);
    put_u64(out, greeting->id);
    put_varint(out, greeting->incarnation.counter);
    put_u64(out, greeting->incarnation.nonce);
    put_string(out, slice_text(greeting->cluster_id));
    put_u8(out, (uint8_t)greeting->state);
    put_u8(out, greeting->empty);
    put_varint(out, greeting->n_members);
    put_varint(out, greeting->databases);
    put_address(out, &greeting->address);
    put_u64(out, greeting->leader);
    put_address(out, &greeting->leader_address);
    put_varint(out, greeting->last_index);
    put_u8(out, greeting->damaged);
    put_varint(out, greeting->feature_level);
    skips_put(&greeting->skips, out);
}

enum sf_status greeting_read(struct slice bytes, struct greeting *out) {
    struct reader in = reader_of(bytes);
    *out = (struct greeting){.id = 0};
    if (read_varint(&in) != GREETING_VERSION) return SF_ERR_CORRUPT;
    out->id = out->incarnation.node = read_u64(&in);
    out->incarnation.counter = read_varint(&in);
    out->incarnation.nonce = read_u64(&in);
    struct slice cluster = read_string(&in);
    uint8_t state = read_u8(&in);
    out->empty = read_u8(&in) != 0;
    uint64_t n_members = read_varint(&in), databases = read_varint(&in);
    read_address(&in, &out->address);
    out->leader = read_u64(&in);
    read_address(&in, &out->leader_address);
    out->last_index = read_varint(&in);
    out->damaged = read_u8(&in) != 0;
    out->feature_level = read_varint(&in);
    skips_read(&in, &out->skips);
    if (in.failed || in.rest.len > 0 || out->id == NOBODY) return SF_ERR_CORRUPT;
    if (cluster.len != 0 && cluster.len != CLUSTER_ID_CHARS) return SF_ERR_CORRUPT;
    if (cluster.len != 0 && memchr(cluster.data, 0, cluster.len) != NULL) return SF_ERR_CORRUPT;
    if (state > IDENTITY_JOINING || n_members > RAFT_MEMBERS_MAX || databases > UINT32_MAX) {
        return SF_ERR_CORRUPT;
    }
    if (cluster.len > 0) memcpy(out->cluster_id, cluster.data, cluster.len);
    out->state = (enum identity_state)state;
    out->n_members = (uint32_t)n_members;
    out->databases = (uint32_t)databases;
    return SF_OK;
}

/* -- finding and sending --------------------------------------------------------------------- */

struct link *link_find(struct node *node, uint64_t number) {
    if (number == 0) return NULL;
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        if (node->links[i].number == number) return &node->links[i];
    }
    return NULL;
}

/* A free place. Where all are taken, the oldest accepted link that has proven nothing makes room:
 * strangers must not keep members out. */
static struct link *link_place(struct node *node) {
    struct link *oldest = NULL;
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        struct link *link = &node->links[i];
        if (link->number == 0) return link;
        if (link->dialled || link->state == LINK_READY) continue;
        if (oldest == NULL || link->since_us < oldest->since_us) oldest = link;
    }
    if (oldest == NULL) return NULL;
    node->ports.link_close(node->ports.context, oldest->number);
    oldest->number = 0;
    return oldest;
}

void link_send_words(struct node *node, uint64_t number, uint32_t argc, const struct slice *argv) {
    struct buf out = {0};
    resp_write_command(&out, argc, argv);
    node->ports.link_send(node->ports.context, number, buf_slice(&out));
    buf_free(&out);
}

static void link_send_error(struct node *node, uint64_t number, const char *text) {
    struct buf out = {0};
    struct reply reply = {&out, 2};
    reply_error(&reply, text);
    node->ports.link_send(node->ports.context, number, buf_slice(&out));
    buf_free(&out);
}

/* -- opening and closing --------------------------------------------------------------------- */

struct link *link_dial(struct node *node, enum link_purpose purpose, raft_id peer,
    const struct raft_address *address) {
    struct link *link = link_place(node);
    if (link == NULL) return NULL;
    *link = (struct link){
        .number = node->next_link++,
        .dialled = true,
        .purpose = purpose,
        .state = LINK_DIALING,
        .peer = peer,
        .address = *address,
        .since_us = node->now_us,
    };
    node->ports.dial(node->ports.context, link->number, address->host, address->bus_port);
    return link;
}

/* What has to be known wherever a link ends, whoever ended it. */
static void link_gone(struct node *node, struct link *link) {
    struct link was = *link;
    link->number = 0;
    struct peer *peer = was.peer == NOBODY ? NULL : peer_of(node, was.peer);
    if (was.dialled && peer != NULL && was.purpose != LINK_GREET) {
        uint64_t *ours = was.purpose == LINK_BULK ? &peer->bulk : &peer->control;
        bool counted = *ours == was.number;
        if (counted) *ours = 0;
        int64_t wait = BACKOFF_FIRST_US;
        for (uint32_t i = 0; i < peer->failures && wait < BACKOFF_MAX_US; i++) wait *= 2;
        wait = SF_MIN(wait, (int64_t)BACKOFF_MAX_US);
        if (was.state != LINK_READY) peer->failures++;
        if (was.is_ours) wait = SELF_AGAIN_US;
        peer->dial_again_us = node->now_us + wait;
        if (was.purpose == LINK_BULK && was.state == LINK_READY) {
            stream_link_lost(node, was.peer);
            pubsub_link_lost(node, was.peer);
        }
    }
    bool proven = was.state == LINK_READY && was.purpose != LINK_GREET;
    if (proven && node->raft != NULL && !node->identity_switching) {
        raft_step_link_lost(node->raft, was.peer, node->now_us);
    }
    if (was.dialled && was.purpose == LINK_GREET && was.ask != NULL) {
        join_on_failed(node, &was, "the connection was closed");
    }
}

void link_close(struct node *node, struct link *link) {
    node->ports.link_close(node->ports.context, link->number);
    link_gone(node, link);
}

void links_close_all(struct node *node) {
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        struct link *link = &node->links[i];
        if (link->number == 0 || link->purpose == LINK_GREET) continue;
        node->ports.link_close(node->ports.context, link->number);
        link->number = 0;
    }
    node->n_peers = 0;
}

static void refuse(struct node *node, struct link *link, const char *error, const char *why) {
    /* a stranger that knocks for ever must not fill the log */
    if (why != node->refused_why || node->now_us - node->refused_us > REFUSED_AGAIN_US) {
        node_log(node, LOG_NOTICE, "a link from %s is refused: %s", link->remote_host, why);
        node->refused_why = why;
        node->refused_us = node->now_us;
    }
    link_send_error(node, link->number, error);
    link_close(node, link);
}

/* -- members --------------------------------------------------------------------------------- */

void peers_follow_configuration(struct node *node) {
    const struct raft_configuration *configuration = raft_configuration(node->raft);
    node->peers_of_configuration = raft_configuration_index(node->raft);
    for (uint32_t i = 0; i < node->n_peers; i++) {
        struct peer *peer = &node->peers[i];
        if (configuration_find(configuration, peer->id) != NULL) {
            peer->leaves_us = 0;
        } else if (peer->leaves_us == 0 && configuration->n > 0) {
            peer->leaves_us = node->now_us + LEAVING_US;
        }
    }
    for (uint32_t i = 0; i < configuration->n; i++) {
        const struct raft_member *member = &configuration->members[i];
        if (member->id == node->identity.id) continue;
        struct peer *peer = peer_of(node, member->id);
        if (peer == NULL) {
            if (node->n_peers == SF_LENGTH(node->peers)) continue; /* leaving ones first */
            peer = &node->peers[node->n_peers++];
            *peer = (struct peer){.id = member->id};
        }
        peer->address = member->address;
    }
    membership_follow(node);
}

static void dial_member(struct node *node, struct peer *peer) {
    if (node->now_us < peer->dial_again_us || peer->address.host[0] == '\0') return;
    if (membership_was_removed(node, peer->id)) return; /* a new node may live there by now */
    if (peer->control != 0 && peer->bulk != 0) return;
    for (int bulk = 0; bulk < 2; bulk++) {
        uint64_t *place = bulk ? &peer->bulk_dialling : &peer->control_dialling;
        uint64_t ready = bulk ? peer->bulk : peer->control;
        if (ready != 0 || link_find(node, *place) != NULL) continue;
        struct link *link =
            link_dial(node, bulk ? LINK_BULK : LINK_CONTROL, peer->id, &peer->address);
        *place = link == NULL ? 0 : link->number;
    }
}

/* Its links end; so that a removed node which has not learned it dials anew, and is told. */
static void drop_peer(struct node *node, struct peer *peer) {
    uint64_t numbers[4] = {peer->control, peer->bulk, peer->control_dialling, peer->bulk_dialling};
    for (int k = 0; k < 4; k++) {
        struct link *link = link_find(node, numbers[k]);
        if (link != NULL) link_close(node, link);
    }
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        struct link *link = &node->links[i];
        bool its = link->number != 0 && !link->dialled && link->state == LINK_READY &&
                   link->purpose != LINK_GREET && link->peer == peer->id;
        if (its) link_close(node, link);
    }
    *peer = node->peers[--node->n_peers];
}

/* One that speaks to us stays: it may lead, and our log be behind. */
static bool is_to_leave(struct node *node, const struct peer *peer) {
    if (peer->leaves_us == 0 || node->now_us < peer->leaves_us) return false;
    return membership_was_removed(node, peer->id) ||
           node->now_us - peer->last_heard_us >= LEAVING_US;
}

static void drop_left_peers(struct node *node) {
    bool any = false;
    for (uint32_t i = 0; i < node->n_peers;) {
        if (is_to_leave(node, &node->peers[i])) {
            drop_peer(node, &node->peers[i]);
            any = true;
        } else {
            i++;
        }
    }
    if (any) peers_follow_configuration(node); /* somebody may have found no place before */
}

void links_pump(struct node *node) {
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        struct link *link = &node->links[i];
        if (link->number != 0 && link->cut) link_close(node, link);
        if (link->number == 0 || node->now_us - link->since_us < HANDSHAKE_US) continue;
        if (link->state != LINK_READY) {
            link_close(node, link);
        } else if (link->purpose == LINK_GREET && !link->dialled &&
                   node->now_us - link->since_us > 5 * HANDSHAKE_US) {
            link_close(node, link);
        }
    }
    if (node->identity_switching || node->raft == NULL) return;
    drop_left_peers(node);
    for (uint32_t i = 0; i < node->n_peers; i++) dial_member(node, &node->peers[i]);
}

int64_t links_deadline_us(const struct node *node) {
    int64_t deadline = INT64_MAX;
    for (uint32_t i = 0; i < node->n_peers; i++) {
        const struct peer *peer = &node->peers[i];
        if (peer->control == 0 || peer->bulk == 0) {
            deadline = SF_MIN(deadline, SF_MAX(peer->dial_again_us, node->now_us + 5000));
        }
    }
    return deadline;
}

/* -- the greeting: dialler ------------------------------------------------------------------- */

static void hex_encode(const uint8_t *bytes, size_t n, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

static bool hex_decode(struct slice text, uint8_t *out, size_t n) {
    if (text.len != 2 * n) return false;
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(text.data[2 * i]), low = hex_digit(text.data[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        out[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

void node_on_link_open(struct node *node, uint64_t number, int64_t now_us) {
    node->now_us = now_us;
    struct link *link = link_find(node, number);
    if (link == NULL) return;
    link->state = LINK_HELLO;
    link->since_us = now_us;
    node->ports.random_bytes(node->ports.context, link->nonce_dialler, 16);
    char nonce[32];
    hex_encode(link->nonce_dialler, 16, nonce);
    struct slice argv[3] = {SLICE("hello"), SLICE("1"), slice_of(nonce, sizeof nonce)};
    link_send_words(node, number, 3, argv);
}

static const char *const purposes[] = {"control", "bulk", "greet"};

/* What the proof covers besides the nonces: it cannot be moved to another purpose or greeting. */
static void proof_of_words(const struct node *node, const struct link *link, char role,
    struct slice purpose, struct slice wanted, struct slice greeting, uint8_t out[32]) {
    struct buf more = {0};
    put_string(&more, purpose);
    put_string(&more, wanted);
    put_string(&more, greeting);
    proof_of_secret(node->settings.cluster_secret, role, link->nonce_dialler, link->nonce_acceptor,
        buf_slice(&more), out);
    buf_free(&more);
}

static void on_challenge(
    struct node *node, struct link *link, uint32_t argc, const struct slice *argv) {
    uint8_t theirs[32], expected[32];
    struct slice none = slice_of(NULL, 0);
    bool good = argc == 4 && hex_decode(argv[1], link->nonce_acceptor, 16) &&
                hex_decode(argv[2], theirs, 32) && uint_parse(argv[3], &link->challenger);
    if (good) {
        proof_of_words(node, link, 'A', argv[3], none, none, expected);
        good = CRYPTO_memcmp(theirs, expected, 32) == 0;
    }
    if (!good) {
        node_log(node, LOG_WARNING, "%s:%u does not hold this cluster's secret", link->address.host,
            link->address.bus_port);
        if (link->ask != NULL) {
            struct link was = *link;
            link->ask = NULL;
            join_on_failed(node, &was, "it does not hold the same cluster-secret");
        }
        link_close(node, link);
        return;
    }
    struct greeting ours;
    greeting_of(node, &ours);
    struct buf greeting = {0};
    greeting_put(&ours, &greeting);
    char wanted[INT_TEXT_MAX], proof[64];
    struct slice purpose = slice_text(purposes[link->purpose]);
    struct slice wanted_text = slice_of(wanted, uint_print(link->peer, wanted));
    uint8_t digest[32];
    proof_of_words(node, link, 'D', purpose, wanted_text, buf_slice(&greeting), digest);
    hex_encode(digest, 32, proof);
    struct slice words[5] = {
        SLICE("prove"), slice_of(proof, sizeof proof), purpose, wanted_text, buf_slice(&greeting)};
    link_send_words(node, link->number, 5, words);
    buf_free(&greeting);
    link->state = LINK_CHALLENGED;
}

static void on_welcome(
    struct node *node, struct link *link, uint32_t argc, const struct slice *argv) {
    if (argc != 3 || argv[2].len > RAFT_HOST_MAX ||
        greeting_read(argv[1], &link->theirs) != SF_OK) {
        link_close(node, link);
        return;
    }
    memset(link->remote_host, 0, sizeof link->remote_host);
    if (argv[2].len > 0) memcpy(link->remote_host, argv[2].data, argv[2].len); /* as it sees us */
    link->state = LINK_READY;
    if (link->purpose == LINK_GREET) {
        join_on_ready(node, link);
        return;
    }
    struct peer *peer = peer_of(node, link->peer);
    if (peer == NULL || link->theirs.id != link->peer || link->challenger != link->peer) {
        link_close(node, link);
        return;
    }
    if (old_copy_judge(node, &link->theirs) != NULL) {
        link_close(node, link);
        old_copy_found(node, peer->id); /* it is told when it dials */
        return;
    }
    peer->failures = 0;
    peer->feature_level = link->theirs.feature_level;
    if (link->purpose == LINK_BULK) {
        peer->bulk = link->number;
        peer->silent = false; /* it lives: pubsub.c waits for it again */
    } else {
        peer->control = link->number;
        skips_tell(node, link->peer); /* perhaps not yet so when this link greeted */
    }
    skips_heard(node, link->peer, &link->theirs.skips);
    node_wake(node);
}

static void on_dialled_message(
    struct node *node, struct link *link, uint32_t argc, const struct slice *argv) {
    if (slice_equal(argv[0], SLICE("error"))) {
        struct slice text = argc > 1 ? argv[1] : slice_of("", 0);
        node_log(node, LOG_VERBOSE, "%s:%u refuses the link: %.*s", link->address.host,
            link->address.bus_port, (int)text.len, text.data);
        /* CHALLENGED: it has proven that it holds the secret and who it is; anybody may listen at a
         * dead member's address */
        bool is_word =
            link->state == LINK_CHALLENGED && link->purpose != LINK_GREET && text.len >= 7;
        bool by_member = is_word && link->challenger == link->peer;
        bool by_us = is_word && link->challenger == node->identity.id;
        if (by_member && memcmp(text.data, "REMOVED", 7) == 0) membership_on_removed(node);
        if (by_member && memcmp(text.data, "OLDCOPY", 7) == 0) old_copy_told(node, text);
        link->is_ours = by_us && memcmp(text.data, "ITSELF ", 7) == 0;
        if (link->ask != NULL) {
            char why[160];
            size_t len = SF_MIN(text.len, sizeof why - 1);
            memcpy(why, text.data, len);
            why[len] = '\0';
            struct link was = *link;
            link->ask = NULL;
            join_on_failed(node, &was, why);
        }
        link_close(node, link);
        return;
    }
    if (link->state == LINK_HELLO && slice_equal(argv[0], SLICE("challenge"))) {
        on_challenge(node, link, argc, argv);
    } else if (link->state == LINK_CHALLENGED && slice_equal(argv[0], SLICE("welcome"))) {
        on_welcome(node, link, argc, argv);
    } else if (link->state == LINK_READY && link->purpose == LINK_GREET) {
        join_on_answer(node, link, argc, argv);
    } else {
        link_close(node, link);
    }
}

/* -- the greeting: acceptor ------------------------------------------------------------------ */

void node_on_link_accepted(struct node *node, uint64_t number, const char *remote_host,
    const char *local_host, int64_t now_us) {
    node->now_us = now_us;
    struct link *link = link_place(node);
    /* while it loads it cannot say who it is: what its log holds is part of that */
    if (link == NULL || node->loading != NULL) {
        node->ports.link_close(node->ports.context, number);
        return;
    }
    *link = (struct link){.number = number, .state = LINK_HELLO, .since_us = now_us};
    snprintf(link->remote_host, sizeof link->remote_host, "%s", remote_host);
    snprintf(link->local_host, sizeof link->local_host, "%s", local_host);
}

static void on_hello(
    struct node *node, struct link *link, uint32_t argc, const struct slice *argv) {
    if (argc != 3 || !slice_equal(argv[1], SLICE("1")) ||
        !hex_decode(argv[2], link->nonce_dialler, 16)) {
        refuse(node, link, "ERR not a hello of this protocol", "its hello is malformed");
        return;
    }
    node->ports.random_bytes(node->ports.context, link->nonce_acceptor, 16);
    uint8_t digest[32];
    char nonce[32], proof[64], id[INT_TEXT_MAX];
    struct slice none = slice_of(NULL, 0);
    struct slice id_text = slice_of(id, uint_print(node->identity.id, id));
    proof_of_words(node, link, 'A', id_text, none, none, digest);
    hex_encode(link->nonce_acceptor, 16, nonce);
    hex_encode(digest, 32, proof);
    struct slice words[4] = {
        SLICE("challenge"), slice_of(nonce, sizeof nonce), slice_of(proof, sizeof proof), id_text};
    link_send_words(node, link->number, 4, words);
    link->state = LINK_CHALLENGED;
}

/* A cluster lists this address for a node that this one is not: it was wiped, or moved here. */
static void on_mistaken(struct node *node, const struct greeting *theirs) {
    bool singleton = node->identity.state == IDENTITY_FRESH ||
                     (node->raft != NULL && raft_configuration(node->raft)->n <= 1 &&
                         node->identity.state == IDENTITY_MEMBER);
    if (!singleton || strcmp(theirs->cluster_id, node->identity.cluster_id) == 0) return;
    if (!holds_no_key(node)) {
        node_log(node, LOG_WARNING,
            "another cluster lists this address as one of its members, but this node holds keys of "
            "its own: two clusters behind one address");
        return;
    }
    if (node->fenced) return;
    SF_MARK("link: a node finds that its address is another's");
    node->fenced = true;
    memcpy(node->fenced_by, theirs->cluster_id, sizeof node->fenced_by);
    node_log(node, LOG_WARNING,
        "this address belongs to a member of a cluster that this node is not part of: it serves "
        "nothing. CLUSTER MEET one of the members to join in its place");
}

/* NULL: welcome. Else the error; *why for the log. */
static const char *judge(struct node *node, struct link *link, uint64_t wanted, const char **why) {
    const struct greeting *theirs = &link->theirs;
    if (theirs->id == node->identity.id) {
        *why = "it is this node itself, or a copy of its directory";
        return "ITSELF this is the node that asks, or a copy of its directory";
    }
    if (link->purpose == LINK_GREET) return NULL;
    if (wanted != node->identity.id) {
        SF_MARK("link: somebody looks for another node here");
        on_mistaken(node, theirs);
        *why = "it looks for another node";
        return "WRONGNODE another node lives at this address";
    }
    if (strcmp(theirs->cluster_id, node->identity.cluster_id) != 0) {
        *why = "it belongs to another cluster";
        return "ERR this node belongs to another cluster";
    }
    if (theirs->databases != node->settings.databases) {
        *why = "its `databases` differs from this node's";
        return "ERR the directive databases differs between the nodes";
    }
    if (membership_has_removed(node, theirs)) {
        SF_MARK("link: a removed node is told so");
        *why = "it was removed from the cluster";
        return "REMOVED this node was removed from the cluster";
    }
    *why = "its directory is an old copy";
    return old_copy_judge(node, theirs);
}

struct raft_address link_peer_address(const struct link *link) {
    struct raft_address address = link->theirs.address;
    if (address.host[0] == '\0') memcpy(address.host, link->remote_host, sizeof address.host);
    return address;
}

/* A member that our log does not list yet speaks to us (we are joining, or far behind): it has to
 * be answered, so it is dialled where it says it lives, until the log knows better. */
static void meet_unlisted(struct node *node, const struct link *link) {
    if (link->purpose == LINK_GREET || peer_of(node, link->peer) != NULL) return;
    if (membership_was_removed(node, link->peer)) return;
    if (node->raft == NULL || node->n_peers == SF_LENGTH(node->peers)) return;
    struct peer *peer = &node->peers[node->n_peers++];
    *peer = (struct peer){.id = link->peer, .address = link_peer_address(link)};
    if (raft_configuration(node->raft)->n > 0) peer->leaves_us = node->now_us + LEAVING_US;
}

static void on_prove(
    struct node *node, struct link *link, uint32_t argc, const struct slice *argv) {
    uint8_t theirs[32], expected[32];
    uint64_t wanted;
    bool good = argc == 5 && hex_decode(argv[1], theirs, 32);
    if (good) {
        proof_of_words(node, link, 'D', argv[2], argv[3], argv[4], expected);
        good = CRYPTO_memcmp(theirs, expected, 32) == 0;
    }
    if (!good) {
        refuse(node, link, "NOAUTH the proof of the cluster-secret is wrong",
            "it does not hold the cluster-secret");
        return;
    }
    link->purpose = LINK_GREET;
    for (int i = 0; i < 3; i++) {
        if (slice_is(argv[2], purposes[i])) link->purpose = (enum link_purpose)i;
    }
    if (!uint_parse(argv[3], &wanted) || greeting_read(argv[4], &link->theirs) != SF_OK) {
        refuse(node, link, "ERR the greeting is not understood: another version?",
            "its greeting is not understood");
        return;
    }
    const char *why = NULL;
    bool not_now = node->identity_switching || node->identity.id == NOBODY;
    const char *error = not_now ? "ERR not now" : judge(node, link, wanted, &why);
    if (error != NULL) {
        refuse(node, link, error, why == NULL ? "this node changes its identity" : why);
        return;
    }
    link->peer = link->theirs.id;
    link->state = LINK_READY;
    struct greeting ours;
    greeting_of(node, &ours);
    struct buf greeting = {0};
    greeting_put(&ours, &greeting);
    struct slice words[3] = {SLICE("welcome"), buf_slice(&greeting), slice_text(link->remote_host)};
    link_send_words(node, link->number, 3, words);
    buf_free(&greeting);
    meet_unlisted(node, link);
    struct peer *peer = peer_of(node, link->peer);
    if (peer != NULL) { /* it lives: dial it at once */
        peer->feature_level = link->theirs.feature_level;
        peer->dial_again_us = node->now_us;
        peer->failures = 0;
        skips_heard(node, link->peer, &link->theirs.skips);
        node_wake(node);
    }
}

/* -- messages -------------------------------------------------------------------------------- */

static void on_raft_message(
    struct node *node, struct link *link, uint32_t argc, const struct slice *argv) {
    struct raft_message message;
    if (raft_message_decode(argc, argv, &message) != SF_OK) {
        node_log(node, LOG_WARNING, "node %016llx sends what cannot be decoded: its link is cut",
            (unsigned long long)link->peer);
        link_close(node, link);
        return;
    }
    if (message.from == link->peer && message.to == node->identity.id) {
        if (message.type == RAFT_HEARTBEAT_ANSWER) {
            clock_heard(node, link->peer, message.wall_ms);
        }
        raft_step_message(node->raft, &message, node->now_us);
        follow_leadership(node);
    }
    raft_message_clear(&message);
}

static void on_member_message(
    struct node *node, struct link *link, uint32_t argc, const struct slice *argv) {
    if (node->raft == NULL || node->identity_switching) return;
    meet_unlisted(node, link); /* again, where it was dropped since it was silent for long */
    struct peer *peer = peer_of(node, link->peer);
    if (peer != NULL) peer->last_heard_us = node->now_us;
    bool known = true;
    if (raft_message_is_name(argv[0])) {
        on_raft_message(node, link, argc, argv);
    } else if (slice_equal(argv[0], SLICE("batch"))) {
        stream_on_batch(node, link->peer, argc, argv);
    } else if (slice_equal(argv[0], SLICE("publish"))) {
        known = pubsub_on_publish(node, link->peer, argc, argv);
    } else if (slice_equal(argv[0], SLICE("published"))) {
        known = pubsub_on_published(node, link->peer, argc, argv);
    } else if (slice_equal(argv[0], SLICE("pubsub-ask"))) {
        known = pubsub_on_ask(node, link->peer, argc, argv);
    } else if (slice_equal(argv[0], SLICE("pubsub-answer"))) {
        known = pubsub_on_answer(node, link->peer, argc, argv);
    } else if (slice_equal(argv[0], SLICE("applied-ask"))) {
        known = everywhere_on_ask(node, link->peer, argc, argv);
    } else if (slice_equal(argv[0], SLICE("applied"))) {
        known = everywhere_on_applied(node, link->peer, argc, argv);
    } else if (slice_equal(argv[0], SLICE("read-ask"))) {
        reads_on_ask(node, link->peer, argc, argv);
    } else if (slice_equal(argv[0], SLICE("read-answer"))) {
        reads_on_answer(node, argc, argv);
    } else if (slice_equal(argv[0], SLICE("stream-ask"))) {
        stream_on_ask(node, link->peer, argc, argv);
    } else if (slice_equal(argv[0], SLICE("stream-open"))) {
        stream_on_open(node, link->peer, argc, argv);
    } else if (slice_equal(argv[0], SLICE("synced-ask"))) {
        waits_on_ask(node, link->peer);
    } else if (slice_equal(argv[0], SLICE("synced"))) {
        waits_on_synced(node, argc, argv);
    } else if (slice_equal(argv[0], SLICE("skips"))) {
        skips_on_message(node, link->peer, argc, argv);
    } else if (slice_equal(argv[0], SLICE("digest"))) {
        known = digest_on_word(node, link->peer, argc, argv);
    } else if (slice_equal(argv[0], SLICE("digest-ranges-ask"))) {
        known = digest_on_ranges_ask(node, link->peer, argc, argv);
    } else if (slice_equal(argv[0], SLICE("digest-ranges"))) {
        known = digest_on_ranges(node, link->peer, argc, argv);
    } else if (slice_equal(argv[0], SLICE("verify"))) {
        known = digest_on_verify(node, link->peer, argc, argv);
    } else if (slice_equal(argv[0], SLICE("rebuild"))) {
        known = fence_on_rebuild(node, link->peer, argc, argv);
    } else if (slice_equal(argv[0], SLICE("rebuild-may"))) {
        known = fence_on_may(node, argc, argv);
    } else if (slice_equal(argv[0], SLICE("forget"))) {
        membership_on_forget(node, link->peer, argc, argv);
    } else if (slice_equal(argv[0], SLICE("forget-refused"))) {
        membership_on_forget_refused(node, argc, argv);
    } else if (slice_equal(argv[0], SLICE("take-over"))) {
        membership_on_take_over(node, link->peer);
    } else {
        known = false;
    }
    if (!known) {
        node_log(node, LOG_WARNING, "node %016llx sends an unknown message: its link is cut",
            (unsigned long long)link->peer);
        link_close(node, link);
    }
}

void node_on_link_message(
    struct node *node, uint64_t number, uint32_t argc, const struct slice *argv, int64_t now_us) {
    node->now_us = now_us;
    struct link *link = link_find(node, number);
    if (link == NULL || argc == 0) return;
    if (link->dialled) {
        on_dialled_message(node, link, argc, argv);
    } else if (link->state == LINK_HELLO && slice_equal(argv[0], SLICE("hello"))) {
        on_hello(node, link, argc, argv);
    } else if (link->state == LINK_CHALLENGED && slice_equal(argv[0], SLICE("prove"))) {
        on_prove(node, link, argc, argv);
    } else if (link->state != LINK_READY) {
        refuse(node, link, "NOAUTH this is the port between nodes: clients connect elsewhere",
            "it speaks before it has proven the cluster-secret");
    } else if (link->purpose == LINK_GREET) {
        join_on_question(node, link, argc, argv);
    } else {
        on_member_message(node, link, argc, argv);
    }
}

void node_on_link_closed(struct node *node, uint64_t number, int64_t now_us) {
    node->now_us = now_us;
    struct link *link = link_find(node, number);
    if (link != NULL) link_gone(node, link);
    node_wake(node);
}

uint64_t node_link_limit_bytes(const struct node *node, uint64_t number) {
    for (uint32_t i = 0; i < LINKS_MAX; i++) {
        const struct link *link = &node->links[i];
        if (link->number != number) continue;
        return link->state == LINK_READY ? LINK_LIMIT_BYTES : LINK_IDLE_LIMIT_BYTES;
    }
    return LINK_IDLE_LIMIT_BYTES;
}
