/* Publish and subscribe: pubsub.c. Included by internal.h, where its types are known. */
#ifndef SF_NODE_PUBSUB_H
#define SF_NODE_PUBSUB_H

void pubsub_open(struct node *node);
void pubsub_close(struct node *node);
void pubsub_reset(struct node *node); /* entries are counted anew */
void pubsub_pump(struct node *node);
int64_t pubsub_deadline_us(const struct node *node);
void pubsub_link_lost(struct node *node, raft_id peer);
void pubsub_drop(struct node *node, struct pending *held);
void pubsub_figures(const struct node *node, uint32_t out[TOPIC_KINDS]);
/* To this node's subscribers, now. */
int64_t pubsub_publish(void *node, bool shard, struct slice name, struct slice message);
/* Messages of members; false: not understood. */
bool pubsub_on_publish(struct node *node, raft_id from, uint32_t argc, const struct slice *argv);
bool pubsub_on_published(struct node *node, raft_id from, uint32_t argc, const struct slice *argv);
bool pubsub_on_ask(struct node *node, raft_id from, uint32_t argc, const struct slice *argv);
bool pubsub_on_answer(struct node *node, raft_id from, uint32_t argc, const struct slice *argv);
/* PUBSUB in a transaction: whether it needs to hear the other nodes; asks them for all of its
 * places (in places, numbered where the db would stand), and the EXEC is done once they were heard.
 */
bool pubsub_asks(const struct command *command, uint32_t argc, const struct slice *argv);
void pubsub_ask_for_places(
    struct node *node, struct pending *exec, const struct sub_batch_header *places);
void local_publish(struct local_call *call);
void local_pubsub(struct local_call *call);
void local_subscribe(struct local_call *call);
void local_unsubscribe(struct local_call *call);
bool session_is_subscriber(const struct session *session);
/* In RESP2 a subscriber may send little else. */
bool session_may_run_subscribed(const struct session *session, const struct command *command);
void session_unsubscribe(struct session *session); /* from everything, silently */

#endif
