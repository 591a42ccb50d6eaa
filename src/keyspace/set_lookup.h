/* Many questions to one set whether it has a member: SINTER and SDIFF go through one set and ask
 * the others. A listpack is searched from its beginning for each; from a few questions on, an index
 * of its entries by checksum is cheaper, which lives only for the command. */
#ifndef SF_KEYSPACE_SET_LOOKUP_H
#define SF_KEYSPACE_SET_LOOKUP_H

#include "keyspace/set.h"

struct set_lookup {
    const struct collection *set;
    uint32_t *places; /* where entries begin, 0: free; NULL: the set is asked itself */
    uint32_t mask;
};

/* n_questions: about how many will be asked. The set is borrowed and must not change meanwhile. */
void set_lookup_begin(
    struct set_lookup *lookup, const struct collection *set, uint64_t n_questions);
void set_lookup_end(struct set_lookup *lookup);
bool set_lookup_has(const struct set_lookup *lookup, struct slice member);

#endif
