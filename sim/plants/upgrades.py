"""Plants in upgrades: versions that are put in force too early, too late, or not everywhere."""

from typing import Final

from sim.planting import Edit, Plant

_MACHINE: Final = "core.machine"
_STATE: Final = "core.state"
_CHECKPOINTS: Final = "replication.checkpoints"

PLANTS: Final = (
    Plant(
        name="version-raised-unasked", expected=("UPG",), profile="upgrade",
        what="a version is put in force without asking what the members' programs know",
        edits=(Edit(_CHECKPOINTS, "        if not lacking:\n", "        if True:\n"),),
    ),
    Plant(
        name="silent-member-knows-all", expected=("UPG",), profile="upgrade",
        what="a member that has not said what its program knows counts as one that knows it",
        edits=(
            Edit(
                _CHECKPOINTS,
                "for member, version in known.items() if version < wanted)",
                "for member, version in known.items() if 0 < version < wanted)",
            ),
        ),
    ),
    Plant(
        name="rule-of-the-program", expected=("HASH", "LIN", "REC"), profile="upgrade",
        what="a new rule is in force where the program knows it, and not where the log says so",
        edits=(
            Edit(
                _MACHINE,
                "state.version >= VERSION_KEYED_MODES",
                "self.known_version >= VERSION_KEYED_MODES",
            ),
        ),
    ),
    Plant(
        name="version-not-in-snapshot", expected=("HASH", "LIN", "REC", "LIVE"), profile="upgrade",
        what="a snapshot does not say which version is in force, nor does its seal",
        edits=(
            Edit(
                _STATE,
                "        later: list[int] = [] if self.version == VERSION_FIRST else "
                "[self.version]\n        if self.version >= VERSION_ORDER_TERMS:\n",
                "        later: list[int] = []\n        if self.version < VERSION_FIRST:\n",
            ),
            Edit(
                _STATE,
                "        if version < VERSION_ORDER_TERMS:\n            return first\n",
                "        if version >= VERSION_FIRST:\n            return first\n",
            ),
        ),
    ),
    Plant(
        name="old-program-goes-on", expected=("HASH", "LIN", "REC"), profile="upgrade",
        what="a program that does not know a version takes it and goes on with the rules it has",
        edits=(
            Edit(
                _MACHINE,
                "                raise UnknownVersion(version, self.known_version, self.index)\n"
                "            state.set_version(version)\n",
                "                return\n            state.set_version(version)\n",
            ),
        ),
    ),
)  # fmt: skip
