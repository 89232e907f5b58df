"""Plants from the client's retry to the posted entry: gateway, outbox, sinks, ledger."""

from typing import Final

from sim.planting import Edit, Plant

_RETRY: Final = "gateway.retry"
_OUTBOX: Final = "replication.outbox"
_LEADING: Final = "replication.leading"
_PROJECTOR: Final = "ledger.projector"
_FEED: Final = "replication.node"

PLANTS: Final = (
    Plant(
        name="unknown-told-as-refused", expected=("LIN", "AD"),
        what="a request without an answer is reported as not taken",
        edits=(
            Edit(
                _RETRY,
                '        """It was sent and no answer came: taken, or not."""\n'
                "        self._in_doubt = True\n",
                "",
            ),
        ),
    ),
    Plant(
        name="sink-takes-any-token", expected=("FEN", "EO"), profile="pipeline",
        what="a sink does not look at the fencing token",
        edits=(
            Edit(
                _OUTBOX,
                "        return epoch < self.epoch or (epoch == self.epoch and "
                "holder != self.holder)",
                "        return False",
            ),
            Edit(
                _OUTBOX,
                "if self.refuses(request.epoch, request.holder) or request.epoch != self.epoch:",
                "if self.refuses(request.epoch, request.holder):",
            ),
        ),
    ),
    Plant(
        name="equal-token-of-another", expected=("FEN",), profile="pipeline",
        what="a sink takes the token that it knows from another holder too",
        edits=(
            Edit(
                _OUTBOX,
                "        return epoch < self.epoch or (epoch == self.epoch and "
                "holder != self.holder)",
                "        return epoch < self.epoch",
            ),
        ),
    ),
    Plant(
        name="cursor-moves-when-sent", expected=("EO", "LIVE"), profile="pipeline",
        what="after a failure the outbox goes on behind what it sent, not what was acknowledged",
        edits=(
            Edit(
                _OUTBOX,
                "        self._published = self._sent = last_index\n        self._due_s = math.inf",
                "        self._published = self._sent = max(self._sent, last_index)\n"
                "        self._due_s = math.inf",
            ),
        ),
    ),
    Plant(
        name="sink-accepts-gaps", expected=("EO",), profile="pipeline",
        what="a sink takes entries behind a gap, and the outbox does not wait for its word",
        edits=(
            Edit(
                _OUTBOX,
                "        if request.first_index > self.last_index + 1:\n",
                "        if request.first_index < 0:\n",
            ),
        ),
    ),
    Plant(
        name="sink-takes-copies", expected=("EO",), profile="pipeline",
        what="a sink takes what it holds already once more",
        edits=(
            Edit(
                _OUTBOX,
                "        new = request.entries[self.last_index + 1 - request.first_index :]\n",
                "        new = request.entries\n",
            ),
        ),
    ),
    Plant(
        name="outbox-without-bounds", expected=("BOUND",), profile="pipeline",
        what="the outbox sends on however little the sink acknowledges",
        edits=(
            Edit(
                _OUTBOX,
                "            self._sent - self._published < self._window_entries\n"
                "            and self._in_flight_bytes < self._window_bytes\n",
                "            self._sent >= 0\n",
            ),
        ),
    ),
    Plant(
        name="outbox-stops-at-outage", expected=("LIVE",), profile="pipeline",
        what="an outbox whose sink was away does not try again",
        edits=(
            Edit(
                _OUTBOX,
                "        self._due_s = now_s + self._retry_s\n",
                "        self._due_s = math.inf\n",
            ),
        ),
    ),
    Plant(
        name="window-without-bounds", expected=("BOUND",),
        what="a leader sends on however little a follower acknowledges",
        edits=(
            Edit(
                _LEADING,
                "                progress.in_flight >= settings.in_flight_messages_max\n"
                "                or progress",
                "                progress",
            ),
        ),
    ),
    Plant(
        name="events-of-another-term", expected=("EO", "SMS", "ASSERT", "HASH"),
        what="events carry the term in which a node applied them, not their own",
        edits=(
            Edit(
                _FEED,
                "        self.feed.publish(\n            Committed(\n"
                "                index=record.index, term=record.term,",
                "        self.feed.publish(\n            Committed(\n"
                "                index=record.index, term=self.replica.term,",
            ),
        ),
    ),
    Plant(
        name="ledger-books-copies", expected=("EO", "ASSERT"), profile="pipeline",
        what="the ledger books what is delivered again",
        edits=(
            Edit(
                _PROJECTOR,
                "        if log.index <= self._head.log_index:\n",
                "        if log.index < self._head.log_index:\n",
            ),
        ),
    ),
)  # fmt: skip
