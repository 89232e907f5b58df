"""The program that a computer runs: a release of the exchange, which knows so many versions.

Why it exists: during an upgrade nodes of two releases form one cluster. All releases share one
source here, as they must: a newer program keeps the old rules for the log before the raise. So an
old program is the same machine that refuses to go further than it was taught. It must not know
who runs it, nor when it is exchanged: `sim/faults.py` does.
"""

from typing import Final

from core.machine import Machine
from core.versions import VERSION_FIRST, VERSION_KNOWN


class Program:
    """`replication.ports.MachineKind` of one release."""

    def __init__(self, known_version: int) -> None:
        self.known_version = known_version

    def __call__(self) -> Machine:
        return Machine(self.known_version)

    def restore(self, data: bytes) -> Machine:
        return Machine.restore(data, self.known_version)


OLD: Final = Program(VERSION_FIRST)
NEW: Final = Program(VERSION_KNOWN)
