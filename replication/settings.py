"""How a node weighs latency against throughput, how often it takes stock, and how much it keeps.

Why it exists: one list of every number that a node can be run with, for the shells that make
nodes; the simulator draws them, production reads them from a file. Values only.
"""

import msgspec

from replication.batching import Limits
from replication.replica_state import ReplicaSettings


class NodeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds of the node's monotonic clock, the rest in entries, commands and bytes."""

    limits: Limits = Limits()
    replica: ReplicaSettings = ReplicaSettings()
    batch_delay_s: float = 0.001
    busy_commands: int = 32
    """The delay buys larger batches; after an entry smaller than this there is nothing to buy."""
    unapplied_entries_max: int = 4
    """No more entries are made while so many are not committed and applied yet."""
    entries_per_write_max: int = 4
    result_flush_s: float = 0.05
    checkpoint_entries: int = 10_000
    checkpoint_commands: int = 50_000
    """A checkpoint hashes what changed since the one before, on the machine's thread, so under load
    it comes more often: 50,000 commands leave some 10 MB, a few milliseconds."""
    checkpoint_s: float = 10.0
    snapshot_entries: int = 200_000
    snapshot_step_bytes: int = 256 << 10
    """Copied after each entry while a snapshot is being taken: less than 0.2 ms."""
    retain_entries: int = 0
    """Records kept below the newest snapshot; what is older goes. 0: the whole log is kept."""
    feed_bytes_max: int = 64 << 20
    partition: int = 0
