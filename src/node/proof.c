/* The proof that a node holds the cluster's secret: HMAC-SHA-256 (RFC 2104) over role and both
 * nonces, so that neither side can be made to produce the other's answer. */
#include "node/internal.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

void proof_of_secret(const char *secret, char role, const uint8_t nonce_dialler[16],
    const uint8_t nonce_acceptor[16], struct slice more, uint8_t out[32]) {
    struct buf message = {0};
    buf_append_char(&message, role);
    buf_append(&message, nonce_dialler, 16);
    buf_append(&message, nonce_acceptor, 16);
    buf_append_slice(&message, more);
    unsigned len = 0;
    const unsigned char *made = HMAC(EVP_sha256(), secret, (int)strlen(secret),
        (const unsigned char *)buf_slice(&message).data, message.len, out, &len);
    SF_ASSERT(made != NULL && len == 32);
    buf_free(&message);
}

/* The key of the hash tables: the same on all nodes of a cluster, never shown to clients. */
void secret_of_cluster(const char *cluster_id, struct hash_secret *out) {
    uint8_t digest[32];
    unsigned len = 0;
    int made = EVP_Digest(cluster_id, strlen(cluster_id), digest, &len, EVP_sha256(), NULL);
    SF_ASSERT(made == 1 && len == 32);
    out->k0 = load_u64(digest);
    out->k1 = load_u64(digest + 8);
}
