/* What nodes say of themselves when they meet, and the identity file: any bytes are either refused
 * or survive being written and read again. */
#include "fuzz/fuzz.h"

#include "node/internal.h"

static const struct slice seeds[] = {
    SLICE("\1\7\0\0\0\0\0\0\0\1\5\0\0\0\0\0\0\0\0\1\1\0\20\0\1\2\0\0\0\0\0\0\0\0\0\0\0\0"),
    SLICE("\1\7\0\0\0\0\0\0\0\2\0\50aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\1\1h\1\2"),
    SLICE("hello"),
};

static void check_greeting(struct slice input) {
    struct greeting greeting, again;
    if (greeting_read(input, &greeting) != SF_OK) return;
    SF_ASSERT(greeting.id != NOBODY && greeting.n_members <= RAFT_MEMBERS_MAX);
    struct buf first = {0}, second = {0};
    greeting_put(&greeting, &first);
    SF_ASSERT(greeting_read(buf_slice(&first), &again) == SF_OK);
    greeting_put(&again, &second);
    SF_ASSERT(slice_equal(buf_slice(&first), buf_slice(&second)));
    buf_free(&first);
    buf_free(&second);
}

static void check_identity(struct slice input) {
    struct node_identity identity, again;
    if (identity_decode(input, &identity) != SF_OK) return;
    SF_ASSERT(identity.id != NOBODY && identity.n_join <= JOIN_ADDRESSES_MAX);
    struct buf first = {0}, second = {0};
    identity_encode(&identity, &first);
    SF_ASSERT(identity_decode(buf_slice(&first), &again) == SF_OK);
    identity_encode(&again, &second);
    SF_ASSERT(slice_equal(buf_slice(&first), buf_slice(&second)));
    buf_free(&first);
    buf_free(&second);
}

int main(int argc, char **argv) {
    struct fuzz fuzz = fuzz_begin(argc, argv, "greeting", seeds, SF_LENGTH(seeds));
    while (fuzz_next(&fuzz)) {
        check_greeting(fuzz.input);
        check_identity(fuzz.input);
    }
    return fuzz_end(&fuzz);
}
