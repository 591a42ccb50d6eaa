"""Builds that are broken on purpose: small replacements in the source, each of which must fit exactly once.

within: of seeds 1, 2, 3 ..., so many at most until the simulator fails. Measured, with margin.

Where an assertion of the product would end the run before a checker saw anything, most mutants take the assertion
out too: what is tested here are the checkers outside.
"""
from collections import namedtuple

Mutant = namedtuple("Mutant", "name within broken changes")

RAFT, NODE, ENGINE, TWIN = "src/raft/", "src/node/", "src/engine/", "src/storage/"

MUTANTS = [
    # -- commitment -------------------------------------------------------------------------------------------------
    Mutant("commit-counts-old-terms", 60, "a leader commits entries of earlier terms by counting (figure 3.7)", [
        (RAFT + "commit.c", " || log_term(&raft->log, reached) != raft->term) return;", ") return;"),
        (RAFT + "commit.c", "SF_ASSERT(log_term(&raft->log, proven) == raft->term);", ";"),
    ]),
    Mutant("commit-past-the-proven", 60, "a heartbeat's commit index counts, whatever was proven (R7)", [
        (RAFT + "follower.c", "commit_advance(raft, SF_MIN(m->commit, raft->proven));",
         "commit_advance(raft, SF_MIN(m->commit, raft->log.last_index));"),
        (RAFT + "replication.c", "raft_index commit = SF_MIN(raft->commit, peer->match);",
         "raft_index commit = raft->commit;"),
        (RAFT + "commit.c", "SF_ASSERT(proven <= raft->proven);", ";"),
    ]),
    Mutant("commit-past-the-append", 60, "an append's commit index counts beyond the entries that it proves (R7)", [
        (RAFT + "follower.c", "commit_advance(raft, SF_MIN(m->commit, proven)); /* R7 */",
         "commit_advance(raft, SF_MIN(m->commit, raft->log.last_index));"),
        (RAFT + "commit.c", "SF_ASSERT(proven <= raft->proven);", ";"),
    ]),
    Mutant("leader-counts-itself-unsynced", 30, "a leader counts itself before its own disk has the entry (R8)", [
        (RAFT + "commit.c", "if (id == raft->self) return raft->log.synced_index;",
         "if (id == raft->self) return raft->log.last_index;"),
    ]),
    Mutant("joint-majority-counted-once", 300, "a joint configuration decides by its new half alone (section 4.3)", [
        (RAFT + "configuration.c", "if (!configuration->joint) return reached;", "return reached;"),
    ]),
    Mutant("learner-counted", 300, "learners count in majorities", [
        (RAFT + "configuration.c", "if (!(old_half ? member->voter_old : member->voter_new)) continue;",
         "if (old_half && !member->voter_old) continue;"),
    ]),
    Mutant("conflict-hint-off-by-one", 60, "after a refusal the leader goes on one entry too late", [
        (RAFT + "replication.c", "peer_probe(raft, peer, SF_MAX(at, peer->match) + 1, true);",
         "peer_probe(raft, peer, SF_MAX(at, peer->match) + 2, true);"),
    ]),
    # -- what waits for the disk ------------------------------------------------------------------------------------
    Mutant("vote-not-synced", 20, "a vote leaves before it is on disk (R8)", [
        (RAFT + "election.c", "send_when_saved(raft, &answer, raft->vote_request);",
         "send_when_saved(raft, &answer, 0);"),
    ]),
    Mutant("acknowledged-before-sync", 20, "a follower acknowledges what it has not synced (R8)", [
        (RAFT + "follower.c", "raft_index match = SF_MIN(raft->proven, raft->log.synced_index);\n    raft->acknowledged",
         "raft_index match = raft->proven;\n    raft->acknowledged"),
    ]),
    Mutant("heartbeat-says-unsynced", 20, "a heartbeat's answer tells as matched what is not synced (R8)", [
        (RAFT + "follower.c", ".match = SF_MIN(raft->proven, raft->log.synced_index),\n        .hint_index",
         ".match = raft->proven,\n        .hint_index"),
    ]),
    Mutant("stale-storage-answer", 150, "the answer to a write from before a truncation counts", [
        (RAFT + "log.c", "if (request <= log->void_through) return false;", ""),
        (RAFT + "log.c", "SF_ASSERT(index <= log->handed_index);\n    SF_ASSERT(index <= log->base_index || "
         "log_term(log, index) == term);", "index = SF_MIN(index, log->handed_index);"),
    ]),
    Mutant("mark-not-lowered", 100, "the mark of what is synced stays where it was when the log is cut", [
        (TWIN + "twin.c", "if (twin->mark_index >= from) {", "if (false) {"),
    ]),
    Mutant("acknowledged-after-failed-write", 30, "a batch whose write failed is answered as if it were on disk", [
        (TWIN + "twin.c", "if (state != SF_OK) twin->lanes[LANE_LOG].in_progress = twin->lanes[LANE_STATE]."
         "in_progress = 0;", ""),
        (TWIN + "twin.c", "    for (uint32_t i = 0; i < work->n; i++) log_put(twin, &work->entries[i]);\n"
         "    event->last_index = log_last(twin);\n    event->last_term = log_term_of(twin, log_last(twin));",
         "    for (uint32_t i = 0; i < work->n && twin->state == SF_OK; i++) log_put(twin, &work->entries[i]);\n"
         "    event->last_index = work->n > 0 ? work->entries[work->n - 1].index : log_last(twin);\n"
         "    event->last_term = work->n > 0 ? work->entries[work->n - 1].term : 0;"),
    ]),
    Mutant("damaged-log-votes", 200, "a node whose log lost its end votes as if it were whole", [
        (RAFT + "raft.c", "if (start->damaged) raft->damage = 1 + random_below(&raft->random, UINT32_MAX);", ""),
    ]),
    # -- elections --------------------------------------------------------------------------------------------------
    Mutant("two-votes-in-a-term", 100, "a node votes for everybody who asks (R1)", [
        (RAFT + "election.c", "if (!is_free || raft->damage != 0", "if (raft->damage != 0"),
        (RAFT + "hard_state.c", "SF_ASSERT(raft->vote == 0 || raft->vote == to);", ";"),
    ]),
    Mutant("vote-without-comparing-logs", 60, "a vote is given whatever the candidate's log holds (section 3.6.1)", [
        (RAFT + "election.c", "return m->log_term > own || (m->log_term == own && m->log_index >= "
         "raft->log.last_index);", "return m->log_term + 1 > 0 || own > 0;"),
    ]),
    Mutant("removed-node-votes", 300, "a candidate asks and counts those of the configuration before the latest", [
        (RAFT + "role.c", "    const struct raft_configuration *configuration = raft_configuration(raft);\n    for",
         "    const struct raft_configuration *configuration = &raft->configurations[0].configuration;\n    for"),
        (RAFT + "election.c", "if (!configuration_is_voter(raft_configuration(raft), from)) return;",
         "if (!configuration_is_voter(&raft->configurations[0].configuration, from)) return;"),
        (RAFT + "election.c", "if (configuration_quorum_value(raft_configuration(raft), vote_of, raft) == 0) return;",
         "if (configuration_quorum_value(&raft->configurations[0].configuration, vote_of, raft) == 0) return;"),
    ]),
    # -- leases and reads -------------------------------------------------------------------------------------------
    Mutant("lease-without-drift", 300, "a lease makes no allowance for clocks that run unevenly (R10)", [
        (RAFT + "read_index.c", "return span_us - span_us / 20;", "return span_us;"),
    ]),
    Mutant("lease-from-answers-arrival", 300, "a lease counts from the arrival of the answer (R10)", [
        (RAFT + "read_index.c", "int64_t until = raft->round_sent_us[m->round % ROUND_HISTORY] + lease_span_us",
         "int64_t until = raft->now_us + lease_span_us"),
    ]),
    Mutant("lease-outlives-transfer", 300, "a leader that has sent TimeoutNow goes on believing in its lease (R10)", [
        (RAFT + "read_index.c", "if (!raft_is_serving(raft) || raft->timeout_now_sent) return 0;",
         "if (!raft_is_serving(raft)) return 0;"),
    ]),
    Mutant("lease-judged-by-an-early-clock", 300, "a lease is judged by a clock read before the turn's sockets were", [
        (NODE + "reads.c", "    raft_judge_lease(node->raft, node->now_us);",
         "    static int64_t early_us[64];\n    int64_t *early = &early_us[node->identity.id % 64];\n"
         "    if (*early > node->now_us || node->now_us - *early > 1000000) *early = node->now_us;\n"
         "    raft_judge_lease(node->raft, *early);\n    *early = node->now_us;"),
        (RAFT + "read_index.c", "if (raft->n_reads > 0 && raft->now_us < raft_lease_until_us(raft))",
         "if (raft->n_reads > 0 && now_us < raft_lease_until_us(raft))"),
    ]),
    Mutant("restart-votes-at-once", 250, "a restarted node forgets that it may have promised (R10)", [
        (RAFT + "raft.c", "raft->sticky_until_us = after_ms(raft->now_us, least_ms);",
         "(void)least_ms;\n        raft->sticky_until_us = RAFT_NEVER_US;"),
    ]),
    Mutant("read-without-own-no-op", 100, "a new leader answers reads before an entry of its own is committed", [
        (RAFT + "raft.c", "return raft->role == RAFT_LEADER && raft->commit >= raft->term_start;",
         "return raft->role == RAFT_LEADER;"),
        (NODE + "node.c", " && node->clock_running &&\n           engine_applied(node->engine) >= "
         "raft_term_start_index(node->raft);", " && node->clock_running;"),
    ]),
    Mutant("read-without-a-round", 100, "a read index is given without asking whether anybody else leads", [
        (RAFT + "read_index.c", "(raft->reads[n].round <= confirmed ||", "(confirmed <= UINT64_MAX ||"),
    ]),
    Mutant("read-before-the-round", 200, "a round of heartbeats confirms reads asked for after it had left", [
        (RAFT + "read_index.c", "raft->commit, raft->round + 1, lease_will_do};",
         "raft->commit, raft->round, lease_will_do};"),
    ]),
    Mutant("read-answer-of-another-life", 300, "a read index that an earlier incarnation asked for counts", [
        (NODE + "reads.c", "if (nonce != node->incarnation.nonce || round >= node->next_round) return;",
         "if (round >= node->next_round) return;"),
    ]),
    Mutant("read-behind-its-index", 60, "a follower answers a read before it has applied the read index", [
        (NODE + "reads.c", "if (!round->resolved || round->index > engine_applied(node->engine)) break;",
         "if (!round->resolved) break;"),
    ]),
    Mutant("reads-lag-their-session", 60, "a session's reads do not run before its next command", [
        (NODE + "apply.c", "session_drain_before(session, pending);", ""),
    ]),
    Mutant("stale-reads-of-all", 60, "every read is answered from the node's own state, as READONLY's are", [
        (NODE + "session.c", "bool stale = !write && session_reads_stale(session);",
         "bool stale = !write;"),
    ]),
    # -- batches ----------------------------------------------------------------------------------------------------
    Mutant("batch-run-twice", 60, "a doubled batch is taken twice", [
        (NODE + "stream.c", "    if (sequence != stream->highest + 1) {", "    if (sequence > stream->highest + 1) {"),
        (NODE + "stream.c", "SF_ASSERT(stream->open && sequence == stream->highest + 1);", ";"),
        (ENGINE + "engine.c", "SF_ASSERT(engine->sub_batch.sequence == row->last_sequence + 1);", ";"),
    ]),
    Mutant("batch-order-lost", 60, "a batch is taken although one before it is missing", [
        (NODE + "stream.c", "    if (sequence != stream->highest + 1) {", "    if (sequence <= stream->highest) {"),
        (NODE + "stream.c", "SF_ASSERT(stream->open && sequence == stream->highest + 1);", ";"),
        (ENGINE + "engine.c", "SF_ASSERT(engine->sub_batch.sequence == row->last_sequence + 1);", ";"),
    ]),
    Mutant("incarnation-reused", 30, "a restarted node speaks with the incarnation of its former life", [
        (NODE + "node.c", "    node->incarnation.counter = start->boot_counter;\n    skips_begin(node, start);\n    ports->random_bytes(ports->"
         "context, &node->incarnation.nonce, sizeof node->incarnation.nonce);",
         "    node->incarnation.counter = 1;\n    skips_begin(node, start);"),
    ]),
    Mutant("late-frame-of-earlier-stream", 300, "a frame of a stream that was opened anew since is taken", [
        (NODE + "stream.c", "if (stream == NULL || !stream->open || stream->number != number) return;",
         "if (stream == NULL || !stream->open || number > stream->number + 1000) return;"),
    ]),
    Mutant("not-executed-though-given", 60, "what was handed to a leader is answered with 'not executed'", [
        (NODE + "session_lost.c", "bool given = head->kind == PENDING_WRITE && head->batch->given;", "bool given = false;"),
    ]),
    Mutant("void-places-run", 100, "a command whose client was told that it did not run is kept in its batch", [
        (NODE + "stream.c", "if (batch->void_at[i] || reader.argc == 0) {", "if (reader.argc == 0) {"),
        (NODE + "stream.c", "        if (!empty) continue;\n", "        continue;\n"),
    ]),
    Mutant("gathered-kept-across-terms", 200, "what a leader gathered and did not propose is proposed in a later term", [
        (NODE + "node.c", "        buf_clear(&node->gathered);\n        node->gathered_commands = 0;\n", ""),
        (NODE + "stream.c", "        buf_clear(&node->gathered);\n        node->n_streams = 0;\n", ""),
    ]),
    Mutant("database-lost-on-the-way", 10, "what SELECT chose does not go with the command", [
        (NODE + "stream.c", "    entry_put_command(&batch->commands, db, argc, argv);",
         "    entry_put_command(&batch->commands, 0, argc, argv);"),
    ]),
    # -- time -------------------------------------------------------------------------------------------------------
    Mutant("time-goes-back", 60, "state time follows the leader's clock backwards", [
        (ENGINE + "engine.c", "engine->now_ms = SF_MAX(engine->now_ms, stamp.now_ms);\n    keyspace_set",
         "engine->now_ms = stamp.now_ms;\n    keyspace_set"),
        (NODE + "clock.c", "    node->clock_base_ms = SF_MAX(engine_now_ms(node->engine), median_wall_ms(node));",
         "    node->clock_base_ms = median_wall_ms(node);"),
        (NODE + "clock.c", "    if (now < state) {", "    if (false) {"),
        (NODE + "clock.c", "    if (now < node->clock_said_ms) {", "    if (false) {"),
    ]),
    Mutant("expiry-by-a-local-clock", 60, "a read judges what has expired by its own node's clock", [
        ("src/commands/call.c", "    call->must_wait = true;\n", ""),
        (NODE + "session.c", "    bool settled = pending->stale || engine_now_ms(node->engine) >= clock_ms;",
         "    bool settled = false;\n    clock_ms = node->wall_ms;"),
    ]),
    Mutant("key-rises-from-expiry", 60, "a read says that a key has expired before state time says so", [
        ("src/commands/call.c", "    call->must_wait = true;\n", ""),
    ]),
    Mutant("clock-read-in-apply", 5, "applying reads a clock (S2)", [
        (ENGINE + "engine.c", "#include \"engine/internal.h\"\n", "#include \"engine/internal.h\"\n\n#include <time.h>\n"),
        (ENGINE + "engine.c", "    engine->now_ms = SF_MAX(engine->now_ms, stamp.now_ms);\n    keyspace_set",
         "    struct timespec clock;\n    clock_gettime(CLOCK_MONOTONIC, &clock);\n"
         "    engine->now_ms = SF_MAX(engine->now_ms, stamp.now_ms) + clock.tv_nsec % 2;\n    keyspace_set"),
    ]),
    # -- the state --------------------------------------------------------------------------------------------------
    Mutant("pointer-in-the-state", 10, "chance depends on an address (S2)", [
        (ENGINE + "engine.c", "return hash_mix(seed + engine->position);",
         "return hash_mix(seed + engine->position + (uintptr_t)engine);"),
    ]),
    Mutant("choice-by-history", 60, "what SPOP takes depends on what this replica has applied since it was loaded (S1)", [
        (ENGINE + "engine.c", "return hash_mix(seed + engine->position);",
         "return hash_mix(seed + engine->position + engine->n_expired);"),
    ]),
    Mutant("row-not-in-the-image", 60, "a snapshot forgets what it has seen of each member's batches", [
        (ENGINE + "side.c", "put_varint(out, engine->rows[i].last_sequence);", "put_varint(out, 0);"),
    ]),
    # -- snapshots --------------------------------------------------------------------------------------------------
    Mutant("snapshot-without-configuration", 100, "a snapshot carries the configuration of the beginning", [
        (RAFT + "snapshot_send.c", "for (uint32_t i = raft->n_configurations; i-- > 0;) {",
         "for (uint32_t i = 0; i < raft->n_configurations; i++) {"),
        (RAFT + "membership.c", "    if (old > 0) {", "    if (old > 1000000) {"),
    ]),
    Mutant("resume-at-a-wrong-offset", 100, "a transfer goes on behind what the receiver has", [
        (RAFT + "snapshot_send.c", "transfer->next = transfer->written = m->offset;",
         "transfer->next = transfer->written = m->offset == 0 ? 0 : SF_MIN(m->offset + 100, "
         "transfer->snapshot.bytes);"),
    ]),
    Mutant("install-goes-back", 100, "a snapshot is installed over what is newer", [
        (RAFT + "snapshot_receive.c", "return snapshot->index <= raft->commit ||\n           log_term(&raft->log, "
         "snapshot->index) == snapshot->term;", "return snapshot->index + 1000000 <= raft->commit;"),
        (RAFT + "snapshot_receive.c", "SF_ASSERT(snapshot.index > raft->commit);", ";"),
    ]),
    # -- transactions, and who waits for keys -----------------------------------------------------------------------
    Mutant("watch-not-checked", 20, "EXEC runs whatever has changed since WATCH", [
        (ENGINE + "transaction.c", "        if (db_revision(db, watch.key, engine->now_ms) != watch.revision) return "
         "false;\n", ""),
    ]),
    Mutant("exec-always-void", 20, "EXEC of a session that watches anything does nothing", [
        (ENGINE + "transaction.c", "        if (db_revision(db, watch.key, engine->now_ms) != watch.revision) return "
         "false;\n", "        if (db_revision(db, watch.key, engine->now_ms) + 1 > 0) return false;\n"),
    ]),
    Mutant("exec-not-atomic", 100, "who waits is served between two commands of a transaction", [
        (ENGINE + "transaction.c", "    run_in_entry(engine, words, seed, reply);\n",
         "    run_in_entry(engine, words, seed, reply);\n    blocked_serve(engine);\n"),
    ]),
    Mutant("waiter-served-twice", 20, "who was served stays in the queue", [
        (ENGINE + "blocked.c", "if (run_in_entry(engine, &words, hash_mix(seed), &reply)) answer_end(engine, "
         "waiter->holder);\n    blocked->serves = false;\n    sf_free(waiter);",
         "bool served = run_in_entry(engine, &words, hash_mix(seed), &reply);\n    blocked->serves = false;\n"
         "    if (served) {\n        answer_end(engine, waiter->holder);\n        waiter->holder = NULL;\n"
         "        waiter_enter(engine, waiter);\n    } else {\n        sf_free(waiter);\n    }"),
    ]),
    Mutant("waiter-of-a-lost-node-kept", 60, "who waited at a node that began anew stays in the queue", [
        (ENGINE + "side.c", "        engine_remove_waiters(engine, incarnation.node); /* the former life's */\n", ""),
    ]),
    Mutant("queue-not-in-the-image", 20, "a snapshot forgets who waits", [
        (ENGINE + "side.c", "    blocked_put(engine, out);", "    put_varint(out, 0);"),
    ]),
    Mutant("deadline-by-a-local-clock", 5, "how long a client waits depends on a clock of the node (S2)", [
        ("src/commands/waiting.c", "#include \"commands/functions.h\"\n", "#include \"commands/functions.h\"\n\n"
         "#include <time.h>\n"),
        ("src/commands/waiting.c", "due_clamp(call->now_ms + timeout_ms);",
         "due_clamp(call->now_ms + timeout_ms + clock() % 5);"),
    ]),
    # -- who listens, who keeps what was read ------------------------------------------------------------------------
    Mutant("publish-answered-at-once", 40, "PUBLISH is answered before the other nodes have the message", [
        (NODE + "pubsub.c", "if (sent && !peer->silent) gather->awaited[gather->n_awaited++] = peer->id;",
         "if (sent && peer->id == 0) gather->awaited[gather->n_awaited++] = peer->id;"),
    ]),
    Mutant("publish-before-its-writes", 40, "a message is delivered before what its session wrote earlier is applied", [
        (NODE + "pubsub.c", "if (head->after > applied) return;", "if (head->after > applied + 1000000) return;"),
    ]),
    Mutant("publish-overtakes", 300, "a message that waits for nothing overtakes those that do", [
        (NODE + "pubsub.c", "if (receivers > 0) queue_add(node, &node->pubsub->said, kind, after, argv[5], argv[6]);",
         "if (receivers > 0 && node->engine != NULL && after <= engine_applied(node->engine))\n"
         "        deliver(node->pubsub, kind, UINT64_MAX, argv[5], argv[6]);\n"
         "    else if (receivers > 0)\n        queue_add(node, &node->pubsub->said, kind, after, argv[5], argv[6]);"),
    ]),
    Mutant("publish-twice-to-its-own", 20, "a publisher's node delivers at once, and again from its queue", [
        (NODE + "pubsub.c", "    queue_add(node, &node->pubsub->said, kind, after, call->argv[1], call->argv[2]);\n    char text",
         "    deliver(node->pubsub, kind, UINT64_MAX, call->argv[1], call->argv[2]);\n"
         "    queue_add(node, &node->pubsub->said, kind, after, call->argv[1], call->argv[2]);\n    char text"),
    ]),
    Mutant("told-behind-what-waits", 40, "what an entry publishes comes behind a message that waited for that entry", [
        (NODE + "pubsub.c", "return said->after >= logged->after || logged->order < said->order ? logged : said;",
         "return logged->order < said->order ? logged : said;"),
    ]),
    Mutant("told-at-its-own-node-only", 40, "what a transaction or script publishes is heard at one node", [
        (NODE + "pubsub.c", "if (n > 0) queue_add(node, &node->pubsub->logged, kind, after, name, message);",
         "if (n > 0 && node->running != NULL) queue_add(node, &node->pubsub->logged, kind, after, name, message);"),
    ]),
    Mutant("redirected-to-nobody", 20, "whose invalidations are redirected hears none of keys that he has read", [
        (NODE + "tracking.c", "    } else {\n        tell(client, 1, &key);", "    } else if (client->redirect == 0) {\n        tell(client, 1, &key);"),
    ]),
    Mutant("redirected-drop-lost", 60, "who is told elsewhere does not hear that everything is dropped", [
        (NODE + "tracking.c", "            tell(SF_CONTAINER(link, struct tracking_client, in_tracking), 0, NULL);",
         "            if (SF_CONTAINER(link, struct tracking_client, in_tracking)->redirect == 0)\n"
         "                tell(SF_CONTAINER(link, struct tracking_client, in_tracking), 0, NULL);"),
    ]),
    # -- users ------------------------------------------------------------------------------------------------------
    Mutant("right-checked-once", 40, "who was allowed when he asked is not checked again where it runs", [
        (ENGINE + "access.c", "if (is_claimed && words->claim.revision == acl_revision(engine->acl)) return true;",
         "if (is_claimed) return true;"),
    ]),
    Mutant("reads-checked-once", 120, "a read is not checked again when its round is there", [
        (ENGINE + "access.c", "    engine->reader = *claim;",
         "    engine->reader = (struct acl_claim){claim->id, acl_revision(engine->acl)};"),
    ]),
    Mutant("denied-by-old-users", 20, "what is forbidden here is refused without asking how far the log goes", [
        (NODE + "access.c", "if ((verdict != ACL_ALLOWED || asks) && may_ask(session)) {", "if (asks && may_ask(session)) {"),
    ]),
    Mutant("login-by-old-users", 20, "a login that fails here fails, though the user may be new", [
        (NODE + "access.c", "if (!found || who_logs_in(session, name, password) != NULL) return false;", "if (true) return false;"),
    ]),
    Mutant("deleted-user-stays", 20, "the connections of a deleted user are not closed", [
        (NODE + "access.c", "if (access_user(session) == NULL) session_end(session);", ";"),
    ]),
    Mutant("users-not-in-the-image", 20, "a snapshot's users have the rights of before their last change", [
        ("src/commands/acl_image.c", "    acl_set_numbers(acl, revision, next_id);", "    acl_set_numbers(acl, revision + 1, next_id);"),
    ]),
    Mutant("claim-left-behind", 60, "a command without a claim keeps something of the one before it (S1)", [
        (ENGINE + "entry.c", "reader->claim = (struct acl_claim){0, 0};", "reader->claim.id = 0;"),
    ]),
    Mutant("events-of-expiry-lost", 40, "nobody is told of keys that expire", [
        (NODE + "notify.c", "    (void)class;\n", "    (void)class;\n    if (strcmp(name, \"expired\") == 0) return;\n"),
    ]),
    Mutant("cache-survives-its-leader", 60, "a node that loses its leader lets clients keep what they have read", [
        (NODE + "node.c", "if (leader == NOBODY && node->known_leader != NOBODY) tracking_drop_all(node);", ""),
    ]),
    Mutant("cache-survives-a-snapshot", 100, "clients keep what they have read of a state that a snapshot replaced", [
        (NODE + "snapshot_peer.c", "    tracking_drop_all(node);\n", ""),
    ]),
    Mutant("noloop-hides-all", 20, "who wants to hear nothing of his own writes hears of nobody's", [
        (NODE + "tracking.c", "bool own = writer != NULL && writer->session == session;", "bool own = writer != NULL;"),
    ]),
    Mutant("read-not-remembered-again", 20, "who was told that a key changed is not told again", [
        (NODE + "tracking.c", "tracked_add(node->tracking->tracked, argv[places[i]], client->tracker);",
         "static uint64_t n;\n        if (n++ % 64 != 0) tracked_add(node->tracking->tracked, argv[places[i]], "
         "client->tracker);"),
    ]),
    # -- who belongs to the cluster ---------------------------------------------------------------------------------
    Mutant("foreign-hello-accepted", 100, "a node of another cluster is welcome, and so is one that looks for another", [
        (NODE + "link.c", "    if (wanted != node->identity.id) {", "    if (false) {"),
        (NODE + "link.c", "    if (strcmp(theirs->cluster_id, node->identity.cluster_id) != 0) {\n        *why = ",
         "    if (false) {\n        *why = "),
        (NODE + "link.c", "if (message.from == link->peer && message.to == node->identity.id) {",
         "message.to = node->identity.id;\n    if (message.from == link->peer) {"),
        (NODE + "link.c", "if (peer == NULL || link->theirs.id != link->peer || link->challenger != link->peer) {",
         "if (peer == NULL) {"),
    ]),
    Mutant("two-changes-at-once", 200, "a change of members begins before the last one is committed (R9)", [
        (RAFT + "membership.c", "if (!raft_is_serving(raft) || record->index > raft->commit || "
         "record->configuration.joint)\n        return SF_ERR_BUSY; /* R9 */",
         "if (record->configuration.joint) return SF_ERR_BUSY;"),
    ]),
    Mutant("old-copy-accepted", 100, "an old copy of a member's directory is welcome", [
        (NODE + "old_copy.c", "if (peer == NULL || node->raft == NULL) return NULL;", "if (why[0] != 1) return NULL;"),
        (NODE + "old_copy.c", "    char why[120];\n", "    char why[120] = \"\";\n"),
    ]),
    Mutant("old-copy-by-hearsay", 150, "of an old copy only those know who heard of the later start themselves", [
        (NODE + "old_copy.c", "    return latest;", "    return peer->seen;"),
    ]),
    # -- memory -----------------------------------------------------------------------------------------------------
    Mutant("eviction-by-own-view", 200, "who applies an eviction decides by figures of its own who goes (S2)", [
        (ENGINE + "evict.c", "    engine->n_evicted++;\n    watch_tell", "    watch_tell"),
        (ENGINE + "evict.c", "    /* one that was changed since", "    if (engine->n_evicted++ % 3 == 1) return;\n"
         "    /* one that was changed since"),
    ]),
    Mutant("eviction-not-published", 250, "nobody is told of keys that are evicted", [
        (ENGINE + "evict.c", "    watch_tell(engine, EVENT_EVICTED, \"evicted\", victim->db, victim->key);\n",
         "    if (engine->n_evicted % 2 == 0)\n        watch_tell(engine, EVENT_EVICTED, \"evicted\", "
         "victim->db, victim->key);\n"),
    ]),
    # -- digests -----------------------------------------------------------------------------------------------------
    Mutant("digest-without-values", 200, "digests say nothing of values: memory that changes by itself is not found", [
        ("src/keyspace/walk_digest.c", "+= digest_absorb(of_key, value);", "+= digest_absorb(of_key, value & 0);"),
    ]),
    Mutant("fenced-by-a-minority", 120, "a node is fenced since any one other node differs from it", [
        (NODE + "digest.c", "return configuration_quorum_value(&round->members, has_total, &question) == 1;",
         "return has_total(&question, round->own.id) != 1 ||\n"
         "           configuration_quorum_value(&round->members, has_total, &question) == 1;"),
    ]),
]
