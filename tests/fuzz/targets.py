"""What is fuzzed with bytes: each decoder, what it may raise, and inputs to begin with.

Why it exists: "raises only what it says" is one sentence for each door through which bytes come
in, so each has one target here, and the guided fuzzer, the replay of its corpus and the short test
all run the same ones. Where a hash or a checksum stands between the input and the code behind it,
a target may make it good, as a forger would. Seeds are made by code, never kept as files.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from tests.fuzz import machine_targets as machine
from tests.fuzz import wire_targets as wire


class Target(msgspec.Struct, frozen=True):
    """`run` returns, or raises a finding; `guides` are the packages whose branches guide."""

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    guides: tuple[str, ...]
    bytes_max: int = 1_024


NOTICED: Final = "tests.fuzz"
"""The targets themselves: what they make of an answer from C code guides, too."""

TARGETS: Final[dict[str, Target]] = {
    "decoder": Target(machine.run_decoder, machine.seed_decoder, ("core.commands",)),
    "batch": Target(machine.run_batch, machine.seed_batches, ("core",)),
    "commands": Target(machine.run_commands, machine.seed_commands, ("core",), 512),
    "snapshot": Target(
        machine.run_snapshot, machine.seed_snapshots, ("core.state", "core.machine", NOTICED), 8_192
    ),
    "events": Target(machine.run_events, machine.seed_events, ("core.events",)),
    "record": Target(wire.run_record, wire.seed_records, ("replication.record",)),
    "message": Target(wire.run_message, wire.seed_messages, ("replication.messages", NOTICED)),
    "frames": Target(wire.run_frames, wire.seed_frames, ("adapters.peer_frames",), 256),
    "metadata": Target(
        wire.run_metadata, wire.seed_metadata,
        ("adapters.rpc_metadata", "replication.batching", NOTICED),
    ),
    "configuration": Target(
        wire.run_configuration, wire.seed_configurations, ("replication.membership", NOTICED)
    ),
    "body": Target(wire.run_body, wire.seed_bodies, ("gateway",)),
}  # fmt: skip
