#include "node/internal.h"

enum { IDENTITY_VERSION = 4 }; /* 1: without databases; 2: without skips; 3: without a fence */

void identity_encode(const struct node_identity *identity, struct buf *out) {
    put_varint(out, IDENTITY_VERSION);
    put_u64(out, identity->id);
    put_u8(out, (uint8_t)identity->state);
    put_u8(out, identity->was_reset);
    put_string(out, slice_text(identity->cluster_id));
    put_varint(out, identity->n_join);
    for (uint32_t i = 0; i < identity->n_join; i++) {
        put_string(out, slice_text(identity->join[i].host));
        put_varint(out, identity->join[i].port);
        put_varint(out, identity->join[i].bus_port);
    }
    put_varint(out, identity->databases);
    put_varint(out, identity->n_skips);
    for (uint32_t i = 0; i < identity->n_skips; i++) {
        put_varint(out, identity->skips[i].index);
        put_u32(out, identity->skips[i].crc);
    }
    put_varint(out, identity->fence_index);
    put_u8(out, identity->fence_leaves);
}

static void read_skips(struct reader *in, struct node_identity *out) {
    uint64_t n = read_varint(in);
    if (n > SKIPS_MAX) in->failed = true;
    for (uint64_t i = 0; !in->failed && i < n; i++) {
        out->skips[i].index = read_varint(in);
        out->skips[i].crc = read_u32(in);
    }
    out->n_skips = in->failed ? 0 : (uint32_t)n;
}

static bool has_zero_byte(struct slice text) {
    return text.len > 0 && memchr(text.data, 0, text.len) != NULL;
}

enum sf_status identity_decode(struct slice bytes, struct node_identity *out) {
    struct reader in = reader_of(bytes);
    *out = (struct node_identity){.id = 0};
    uint64_t version = read_varint(&in);
    if (version == 0 || version > IDENTITY_VERSION) return SF_ERR_CORRUPT;
    out->id = read_u64(&in);
    uint8_t state = read_u8(&in);
    out->was_reset = read_u8(&in) != 0;
    struct slice cluster = read_string(&in);
    uint64_t n = read_varint(&in);
    if (in.failed || state > IDENTITY_JOINING || n > JOIN_ADDRESSES_MAX || out->id == NOBODY) {
        return SF_ERR_CORRUPT;
    }
    if (cluster.len != 0 && cluster.len != CLUSTER_ID_CHARS) return SF_ERR_CORRUPT;
    if (has_zero_byte(cluster)) return SF_ERR_CORRUPT;
    out->state = (enum identity_state)state;
    if (cluster.len > 0) memcpy(out->cluster_id, cluster.data, cluster.len);
    out->n_join = (uint32_t)n;
    for (uint32_t i = 0; i < out->n_join; i++) {
        struct slice host = read_string(&in);
        uint64_t port = read_varint(&in), bus_port = read_varint(&in);
        if (in.failed || host.len > RAFT_HOST_MAX || port > UINT16_MAX || bus_port > UINT16_MAX) {
            return SF_ERR_CORRUPT;
        }
        if (has_zero_byte(host)) return SF_ERR_CORRUPT;
        if (host.len > 0) memcpy(out->join[i].host, host.data, host.len);
        out->join[i].port = (uint16_t)port;
        out->join[i].bus_port = (uint16_t)bus_port;
    }
    uint64_t databases = version >= 2 ? read_varint(&in) : 0;
    if (version >= 3) read_skips(&in, out);
    if (version >= 4) {
        out->fence_index = read_varint(&in);
        out->fence_leaves = read_u8(&in) != 0;
    }
    if (in.failed || in.rest.len > 0 || databases > UINT32_MAX) return SF_ERR_CORRUPT;
    out->databases = (uint32_t)databases;
    return SF_OK;
}
