/* The closed list of outcomes. Every function that can fail returns one of these; a switch over
 * them has no default, so that a new one is seen by the compiler wherever it matters. */
#ifndef SF_UTIL_STATUS_H
#define SF_UTIL_STATUS_H

#define SF_STATUSES(X)                                                                             \
    X(SF_OK, "ok")                                                                                 \
    X(SF_ERR_NOT_LEADER, "this node is not the leader")                                            \
    X(SF_ERR_LOG_INCONSISTENCY, "the logs do not match here")                                      \
    X(SF_ERR_SNAPSHOT, "snapshot failed")                                                          \
    X(SF_ERR_STORAGE, "storage failed")                                                            \
    X(SF_ERR_RPC, "the peer could not be asked")                                                   \
    X(SF_ERR_CORRUPT, "stored or received bytes are bad")                                          \
    X(SF_ERR_NO_SPACE, "no space left")                                                            \
    X(SF_ERR_TOO_LARGE, "larger than allowed")                                                     \
    X(SF_ERR_TIMED_OUT, "timed out")                                                               \
    X(SF_ERR_NOT_EXECUTED, "not executed")                                                         \
    X(SF_ERR_UNCERTAIN, "outcome unknown")                                                         \
    X(SF_ERR_BUSY, "another one is under way")                                                     \
    X(SF_ERR_REFUSED, "refused")                                                                   \
    X(SF_ERR_NOT_FOUND, "not found")                                                               \
    X(SF_ERR_INVALID, "not valid")

enum sf_status {
#define X(name, text) name,
    SF_STATUSES(X)
#undef X
};

/* The text of a status: static, never NULL. */
const char *sf_status_text(enum sf_status status);

#endif
