"""Which core is fuzzed: compiled, interpreted, or interpreted with a bug put in on purpose.

Why it exists: a fuzzer is worth what it finds, so its tests give it a bug to find, and that must
be there before `core` is imported. `LOCKSTEP_PURE=1` means the sources, as everywhere;
`LOCKSTEP_FUZZ_PLANT=NAME` also means them, with that plant. Nothing here imports `core`.
"""

import os
from functools import cache
from typing import Final

from adapters import core_build
from sim.planting import Edit, Plant, install

PLANTS: Final = (
    Plant(
        name="length-unchecked", expected=("decoder", "batch"),
        what="a command that is cut at the end of its batch passes the decoder",
        edits=(
            Edit(
                "core.commands",
                "if length != _words_of(kind) or at + length > words:",
                "if length != _words_of(kind):",
            ),
        ),
    ),
    Plant(
        name="magic-account", expected=("decoder",),
        what="a command of one account of 2**64 counts twice: no random input finds it",
        edits=(
            Edit(
                "core.commands",
                "        at += length\n        count += 1\n",
                "        at += length\n        count += 1\n"
                "        if read_i64_le(commands, (at - length + 1) * 8) == 0x5EED_1E55_5EED:\n"
                "            count += 1\n",
            ),
        ),
    ),
    Plant(
        name="sudden-death", expected=("campaign",),
        what="the process ends without a word, as compiled code may",
        edits=(
            Edit(
                "core.machine",
                "        self.checkpoint_sections = state.digest_sections()\n",
                "        import os\n        os.kill(os.getpid(), 9)\n",
            ),
        ),
    ),
    Plant(
        name="slot-unchecked", expected=("bulk",),
        what="an order id whose slot was never given out is looked up all the same",
        edits=(
            Edit(
                "core.order_store",
                "if order_id < 0 or slot >= self.orders.count:",
                "if order_id < 0:",
            ),
        ),
    ),
    Plant(
        name="rate-overflow", expected=("bulk",),
        what="a desk's next moment leaves 64 bits at the end of time",
        edits=(
            Edit(
                "core.risk",
                "next_ns + gap if next_ns <= TIME_END - gap else TIME_END",
                "next_ns + gap",
            ),
        ),
    ),
    Plant(
        name="rate-generous", expected=("builds", "differential"),
        what="a desk may do one command more at once: nothing is wrong but the answer",
        edits=(
            Edit(
                "core.risk",
                "if next_ns - now > (burst - 1 if burst > 0 else 0) * gap:",
                "if next_ns - now > (burst if burst > 0 else 1) * gap:",
            ),
        ),
    ),
    Plant(
        name="rule-unmarked", expected=("bulk",),
        what="a rule that changes is not marked for hashing, so the digest is an old one",
        edits=(
            Edit(
                "core.rules",
                "        self.table.rows[symbol * RULE_WORDS + rule] = value\n"
                "        self.table.touch(symbol)\n",
                "        self.table.rows[symbol * RULE_WORDS + rule] = value\n",
            ),
        ),
    ),
)  # fmt: skip


@cache
def choose() -> None:
    """Every script calls it before it imports `core`; only the first call of a process counts."""
    name = os.environ.get("LOCKSTEP_FUZZ_PLANT", "")
    if not name:
        core_build.use_sources_if_asked()
        return
    os.environ["LOCKSTEP_PURE"] = "1"
    core_build.use_sources_if_asked()
    install(next(plant for plant in PLANTS if plant.name == name))
