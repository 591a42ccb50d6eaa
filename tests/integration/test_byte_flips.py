"""One turned bit on a node's disk is never believed (make byte-flips: many more)."""
import random

import byte_flips

FLIPS = 26


def test_a_turned_bit_never_becomes_wrong_data(context):
    seed = random.randrange(10 ** 6)
    context.say(f"seed {seed}")
    outcomes = byte_flips.run(context.server, FLIPS, seed, 0, context.directory, lambda text: None)
    context.say("; ".join(f"{how} {kind}: {dict(counts)}" for (how, kind), counts in sorted(outcomes.items())))
