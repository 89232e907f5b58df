"""Plants in the membership: who counts, and when."""

from typing import Final

from sim.planting import Edit, Plant

_MEMBERSHIP: Final = "replication.membership"
_LEADING: Final = "replication.leading"

PLANTS: Final = (
    Plant(
        name="joint-majority-of-the-union", expected=("AD", "ES", "LC", "SMS", "LM"),
        profile="members",
        what="while the members change, a majority of old and new together decides",
        edits=(
            Edit(
                _MEMBERSHIP,
                "return _has(self.voters, members) and (not self.outgoing or "
                "_has(self.outgoing, members))",
                "return _has(tuple({*self.voters, *self.outgoing}), members)",
            ),
            Edit(
                _MEMBERSHIP,
                "        if self.outgoing:\n            old = durable_on_majority("
                "[value_of.get(member, 0) for member in self.outgoing])\n"
                "            reached = min(reached, old)\n",
                "        if self.outgoing:\n            union = {*self.voters, *self.outgoing}\n"
                "            reached = durable_on_majority([value_of.get(m, 0) for m in union])\n",
            ),
        ),
    ),
    Plant(
        name="outgoing-do-not-count", expected=("AD", "ES", "LC", "SMS", "LM"),
        profile="members",
        what="while the members change, the new ones decide alone",
        edits=(
            Edit(
                _MEMBERSHIP,
                "        if self.outgoing:\n            old = durable_on_majority("
                "[value_of.get(member, 0) for member in self.outgoing])\n"
                "            reached = min(reached, old)\n",
                "",
            ),
            Edit(
                _MEMBERSHIP,
                "return _has(self.voters, members) and (not self.outgoing or "
                "_has(self.outgoing, members))",
                "return _has(self.voters, members)",
            ),
        ),
    ),
    Plant(
        name="learner-counts", expected=("AD", "LC", "SMS", "ES", "LM"),
        profile="members",
        what="a learner's copy counts as a voter's",
        edits=(
            Edit(
                _MEMBERSHIP,
                "reached = durable_on_majority("
                "[value_of.get(member, 0) for member in self.voters])",
                "most = sorted((value_of.get(m, 0) for m in self.members), reverse=True)\n"
                "        reached = most[len(self.voters) // 2]",
            ),
        ),
    ),
    Plant(
        name="learner-never-promoted", expected=("LIVE",), profile="members",
        what="a member that lost its disk learns for ever",
        edits=(
            Edit(
                _LEADING,
                "        for member in self.configuration.learners:\n"
                "            progress = self._progress.get(member)\n",
                "        for member in ():\n            progress = self._progress.get(member)\n",
            ),
        ),
    ),
)  # fmt: skip
