"""Plants in the machine and between it and the log: determinism, idempotency, answers, money."""

from typing import Final

from sim.planting import Edit, Plant

_MACHINE: Final = "core.machine"
_STATE: Final = "core.state"
_CANCEL: Final = "core.mass_cancel"
_REPLICA_STATE: Final = "replication.replica_state"
_NODE: Final = "replication.node"
_SUBMISSIONS: Final = "replication.node_submissions"
_BATCHING: Final = "replication.batching"

PLANTS: Final = (
    Plant(
        name="wall-clock-in-apply", expected=("HASH", "DET", "REC"),
        what="the machine looks at the wall clock instead of the log's time",
        edits=(
            Edit(
                _MACHINE,
                "        answer.begin(self.ts_ns)\n",
                "        import time\n        answer.begin(time.time_ns())\n",
            ),
        ),
    ),
    Plant(
        name="identity-in-apply", expected=("HASH", "DET", "REC"),
        what="an object's address leaks into the output",
        edits=(
            Edit(
                _MACHINE,
                "        link.update(self.events)\n",
                "        link.update(self.events)\n"
                "        link.update(b'x' * (id(self) // 4096 % 7))\n",
            ),
        ),
    ),
    Plant(
        name="set-order-in-mass-cancel", expected=("DET", "LIN"),
        what="a mass cancel takes the orders in the order of a set of strings",
        edits=(
            Edit(
                _CANCEL,
                "            slot = self.store.find(self._chosen[at])\n",
                "            ids = {str(self._chosen[i]) for i in range(self._count)}\n"
                "            slot = self.store.find(int([*ids][at]))\n",
            ),
        ),
    ),
    Plant(
        name="hash-in-chain", expected=("DET",),
        what="the chain of states contains Python's own hash of a string",
        edits=(
            Edit(
                _MACHINE,
                "        link.update(self.events)\n",
                "        link.update(self.events)\n"
                "        link.update(b'x' * (hash(str(index)) % 7))\n",
            ),
        ),
    ),
    Plant(
        name="applies-before-decided", expected=("SMS", "HASH", "AD", "ASSERT", "REC"),
        what="the machine applies what may still be cut",
        edits=(
            Edit(
                _REPLICA_STATE,
                "        limit = min(self._commit_index, self._log.sound_index)\n",
                "        limit = min(self._log.last_index, self._log.sound_index)\n",
            ),
        ),
    ),
    Plant(
        name="no-idempotency", expected=("LIN", "EO"),
        what="a repeated command is carried out again",
        edits=(Edit(_MACHINE, "        if known != NIL:\n", "        if known < NIL:\n"),),
    ),
    Plant(
        name="key-without-account", expected=("LIN", "EO"),
        what="two accounts that use one key get one answer",
        edits=(
            Edit(
                _MACHINE,
                "        scope = account << 16 | symbol\n",
                "        scope = symbol\n",
            ),
        ),
    ),
    Plant(
        name="reply-not-stored", expected=("LIN",),
        what="a repeated command is answered with half of its first reply",
        edits=(
            Edit(
                _MACHINE,
                "            self._out[at + i] = rows[from_ + i]\n",
                "            self._out[at + i] = rows[from_ + i] if i < 3 else 0\n",
            ),
        ),
    ),
    Plant(
        name="snapshot-without-keys", expected=("LIN", "EO", "HASH", "REC", "ASSERT"),
        what="what is remembered for repeats is not restored from a snapshot",
        edits=(Edit(_STATE, "        self.replies.rebuild()\n", ""),),
    ),
    Plant(
        name="keys-expire-at-once", expected=("LIN", "EO"),
        what="what is remembered for repeats is forgotten after a moment",
        edits=(
            Edit(
                _MACHINE,
                "        state.replies.begin_entry(ts_ns, count)\n",
                "        state.replies.begin_entry(ts_ns + 3_600_000_000_000 * 24 * 365, count)\n",
            ),
        ),
    ),
    Plant(
        name="refused-though-proposed", expected=("LIN", "AD"),
        what="a leader that steps down tells all who wait that nothing was taken",
        edits=(
            Edit(
                _SUBMISSIONS,
                "        while self._intake:\n            "
                "self._refuse(self._intake.cut(), leader, reason, code)\n",
                "        while self._intake:\n            "
                "self._refuse(self._intake.cut(), leader, reason, code)\n"
                "        for at in list(self._proposed):\n"
                "            self._refuse(self._proposed.pop(at)[1], leader, reason, code)\n",
            ),
        ),
    ),
    Plant(
        name="anothers-answer", expected=("LIN",),
        what="who waits for an index gets the replies of whatever was decided there",
        edits=(
            Edit(
                _SUBMISSIONS,
                "        if of_hash != record.hash:\n",
                "        if not of_hash:\n",
            ),
        ),
    ),
    Plant(
        name="answers-swapped", expected=("LIN",),
        what="in a batch the answers go to the wrong submissions",
        edits=(
            Edit(
                _SUBMISSIONS,
                "            submission.done(answer)\n        return batch.commands",
                "            waiting.append(answer) if isinstance(waiting, list) else None\n"
                "        return batch.commands",
            ),
            Edit(
                _SUBMISSIONS,
                "        for submission, answer in answers(\n",
                "        given = answers(\n"
                "            batch.submissions, replies, record.index, record.term, record.ts_ns\n"
                "        )\n"
                "        given = list(given)\n"
                "        told = [answer for _, answer in given]\n"
                "        for (submission, own), other in zip(given, told[1:] + told[:1]):\n"
                "            same = len(own.replies) == len(other.replies)\n"
                "            submission.done(other if same else own)\n"
                "        for submission, answer in answers(\n",
            ),
        ),
    ),
    Plant(
        name="money-from-nothing", expected=("MONEY", "LIN", "EO", "HASH", "ASSERT"),
        what="a withdrawal adds",
        edits=(
            Edit(
                _MACHINE,
                "            operators.move(kind, account, hi, "
                "read_i64_le(commands, at + 24), w4, w5)\n",
                "            operators.move(CMD_DEPOSIT, account, hi, "
                "read_i64_le(commands, at + 24), w4, w5)\n",
            ),
        ),
    ),
)  # fmt: skip
