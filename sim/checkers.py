"""The checkers: what must be true after every event, seen from outside and from above.

Why it exists: production code asserts what one node can know; here all nodes are seen at once. A
checker believes no flag of the code that it checks: it looks at messages that left, at what lies
on the disks, at what was applied and at what was answered. Each looks only at what an event
changed, so that all of them together cost little, and counts how often it looked.

    ES   at most one leader in a term; at most one vote of a member in a term; votes are durable
    LM   logs match: one hash for each (index, term), and the record before it is the same too
    LC   a new leader has every record that was ever decided
    SMS  one decided record for each index, everywhere; decided means: durable on a majority
    AD   what a member acknowledged is on its disk, and what is decided stays on a majority of them
    HASH one state for each index, everywhere
    REC  a start finds no less than what was durable, and continues from there
    MONEY books are not crossed, nothing is negative, sums are what was deposited
    BOUND queues stay bounded
"""

from collections.abc import Callable, Collection
from typing import Final

from core.codes import MODE_NORMAL, MODE_POST_ONLY
from core.machine import Machine
from core.versions import UnknownVersion
from replication.membership import Configuration
from replication.messages import (
    AppendReply,
    Message,
    SnapshotReply,
    VoteReply,
    VoteRequest,
)
from replication.ports import Committed, Write
from replication.record import CorruptRecord, Record
from replication.recovery import Recovered
from replication.replica import Role
from sim.network import IN_FLIGHT_MAX
from sim.process import Host, State
from sim.tally import Tally

NEVER: Final = 1 << 62
UNSTORED_MAX: Final = 5_000
WAITING_MAX: Final = 65_536


class Member:
    """What is known of one member id, which never comes back once its disk is lost."""

    __slots__ = (
        "acked", "durable_term", "durable_vote", "host", "in_repair", "leads_from", "log", "role",
        "term",
    )  # fmt: skip

    def __init__(self, host: Host) -> None:
        self.host = host
        self.log = host.storage.log
        """Its disk's log; of a lost disk what stood there, for what it had promised was true."""
        self.durable_term = self.durable_vote = 0
        self.acked = 0
        """The highest record that it acknowledged to any leader and that was decided."""
        self.in_repair: Collection[int] = ()
        self.leads_from = NEVER
        """What was committed when it began to lead, until it commits more."""
        self.role: Role | None = None
        self.term = 0


class Checkers:
    """`sim.process.Watcher` of a whole cluster."""

    def __init__(self, hosts: dict[int, Host], tally: Tally) -> None:
        self.hosts = hosts
        self.tally = tally
        self.check = tally.check
        self.members: dict[int, Member] = {}
        self.leaders: dict[int, int] = {}
        """Term -> the member that led it."""
        self.votes: dict[tuple[int, int], int] = {}
        """(member, term) -> whom it voted for, as its messages said."""
        self.records: dict[tuple[int, int], tuple[bytes, bytes]] = {}
        """(index, term) -> the hash of the record and of the one before it."""
        self.decided: dict[int, Committed] = {}
        self.decided_hash: dict[int, bytes] = {}
        self.decided_in: dict[int, int] = {}
        """Index -> the term in which it was decided, or a later one."""
        self.last_decided = 0
        self.leader_changes = 0
        self.machines_checked = 0
        self.watch_applied: list[Host] = []
        self.on_moment: Callable[[Host, str], None] = _nothing
        self.on_decided: Callable[[Host, Committed], None] = _nothing
        """Called with (host, entry) the first time that an index is applied anywhere."""

    # --- what a host tells ------------------------------------------------------------------

    def member(self, host: Host) -> Member:
        found = self.members.get(host.member)
        if found is None:
            found = self.members[host.member] = Member(host)
        return found

    def started(self, host: Host, recovered: Recovered[Machine]) -> None:
        """REC: what was durable is what is found."""
        member = self.member(host)
        state = recovered.hard_state
        self.check(
            "REC", state.term >= member.durable_term,
            lambda: f"node {host.number} starts in term {state.term}, it was in "
            f"{member.durable_term}",
        )  # fmt: skip
        self.check(
            "REC",
            state.term > member.durable_term or member.durable_vote in (0, state.vote),
            lambda: f"node {host.number} forgot its vote of term {state.term}",
        )
        self.check(
            "REC", state.last_index >= min(member.acked, self.last_decided),
            lambda: f"node {host.number} starts with records up to {state.last_index}, it had "
            f"acknowledged {member.acked}",
        )  # fmt: skip
        machine = recovered.machine
        known = self.decided.get(machine.index)
        self.check(
            "REC",
            machine.index == 0 or (known is not None and known.chain == machine.chain),
            lambda: f"node {host.number} starts with another state at {machine.index}",
        )
        self.check(
            "REC", recovered.known_index <= self.last_decided,
            lambda: f"node {host.number} starts with results up to {recovered.known_index}, "
            f"decided are {self.last_decided}",
        )  # fmt: skip
        found = {index for index in recovered.damaged if index in host.storage.log.damaged}
        hidden = {index for index in host.storage.log.damaged if index <= state.last_index} - found
        # Which record must stand below a damaged one is known when that one is repaired.
        hidden = {index for index in hidden if index + 1 not in {*recovered.damaged, *hidden}}
        self.check(
            "REC", not hidden,
            lambda: f"node {host.number} did not notice damage at {sorted(hidden)[:5]}",
        )  # fmt: skip
        member.role = None

    def outdated(self, host: Host, error: UnknownVersion) -> None:
        """UPG: no version is put in force that a member's program was known not to know."""
        self.check("UPG", host.came_late, lambda: f"node {host.number} was left behind: {error}")

    def stopped(self, host: Host) -> None:
        self.member(host).role = None

    def sent(self, host: Host, message: Message) -> None:
        """ES and AD: what a message says is so, on the disk of who says it."""
        kind = type(message)
        if kind is VoteRequest and not message.pre:  # type: ignore[attr-defined]
            self._gave_vote(message.sender, message.term, message.sender)
        elif kind is VoteReply:
            self._voted(host, message)
        elif kind is AppendReply and message.ok:  # type: ignore[attr-defined]
            self._acknowledged(host, message.term, message.match)  # type: ignore[attr-defined]
        elif kind is SnapshotReply and message.done:  # type: ignore[attr-defined]
            index = min(message.index, self.last_decided)  # type: ignore[attr-defined]
            self._acknowledged(host, message.term, index)

    def durable(self, host: Host, write: Write) -> None:
        """LM: every record that reaches a disk."""
        member = self.member(host)
        state = write.hard_state
        if state is not None:
            self.check(
                "ES", state.term >= member.durable_term,
                lambda: f"node {host.number}: term {state.term} after {member.durable_term}",
            )  # fmt: skip
            member.durable_term = state.term
            member.durable_vote = state.vote
        records = self.records
        for record in write.records:
            key = (record.index, record.term)
            found = records.get(key)
            if found is None:
                records[key] = (record.hash, record.prev_hash)
            self.check(
                "LM", found is None or found == (record.hash, record.prev_hash),
                lambda key=key: f"two records at index {key[0]} of term {key[1]}",
            )  # fmt: skip
            before = host.storage.log.hashes.get(record.index - 1)
            if record.index - 1 in member.in_repair:
                before = None  # it may be a leader's word that names it, against what stands there
            self.check(
                "LM", before is None or before == record.prev_hash,
                lambda key=key: f"node {host.number}: record {key[0]} does not follow the one "
                "before it",
            )  # fmt: skip
            # An older leader's write may still be under way when others decide, also one whose
            # record is of a later term than the decided one (figure 8); a newer leader's not.
            decided = self.decided.get(record.index)
            self.check(
                "SMS",
                decided is None
                or record.term < self.decided_in[record.index]
                or record.hash == self.decided_hash[record.index],
                lambda key=key: (
                    f"node {host.number} wrote another record at {key[0]}, which is decided"
                ),
            )
        if write.cut_from or write.reset is not None:
            self._check_kept(host, write.cut_from)

    def applied(self, host: Host, entry: Committed) -> None:
        """SMS and HASH; and the first time, that a majority has it on disk."""
        index = entry.index
        known = self.decided.get(index)
        if known is None:
            self._decide(host, entry)
            return
        self.check(
            "SMS", known.term == entry.term and known.ts_ns == entry.ts_ns,
            lambda: f"node {host.number} applied another record at {index}: term {entry.term}, "
            f"others {known.term}",
        )  # fmt: skip
        self.check(
            "HASH", known.chain == entry.chain,
            lambda: f"node {host.number} has another state at {index}",
        )  # fmt: skip

    def changed(self, host: Host) -> None:
        """ES and LC when somebody leads; bounds."""
        node = host.node
        if node is None:
            return
        replica = node.replica
        role, term = replica.role, replica.term
        member = self.member(host)
        counts = self.tally.counts  # after every event: a lambda for each would be a third of a run
        counts["ES"] += 1
        counts["BOUND"] += 1 + len(replica.progress)
        if role is not member.role or term != member.term:
            if role is Role.LEADER:
                self._led(host, term)
                member.leads_from = replica.commit_index
                self.on_moment(host, "leader")
            elif role is Role.CANDIDATE:
                self.on_moment(host, "candidate")
        member.role, member.term, member.in_repair = role, term, replica.in_repair
        if replica.commit_index > member.leads_from:
            member.leads_from = NEVER
            self.on_moment(host, "decides")
        if node.waiting_commands > WAITING_MAX or node.unstored_results > UNSTORED_MAX:
            what = f"{node.waiting_commands} commands, {node.unstored_results} results wait"
            self.check("BOUND", False, f"node {host.number}: {what}")
        window = replica.settings.in_flight_messages_max
        for peer, progress in replica.progress.items():
            if progress.in_flight > window:
                what = f"more than {window} messages to {peer} are not answered"
                self.check("BOUND", False, f"node {host.number}: {what}")

    # --- inside -----------------------------------------------------------------------------

    def _voted(self, host: Host, message: Message) -> None:
        assert isinstance(message, VoteReply)
        if message.pre or not message.granted:
            return
        given = message.to
        self._gave_vote(message.sender, message.term, given)
        state = host.storage.log.anchor
        self.check(
            "ES",
            state.term > message.term or (state.term, state.vote) == (message.term, given),
            lambda: f"member {message.sender} voted before its vote was durable",
        )

    def _gave_vote(self, member: int, term: int, to: int) -> None:
        """A candidate's own vote is one too: who asks for votes has voted for itself."""
        given = self.votes.setdefault((member, term), to)
        self.check(
            "ES", given == to, lambda: f"member {member} voted for {given} and {to} in {term}"
        )

    def _acknowledged(self, host: Host, term: int, match: int) -> None:
        log = host.storage.log
        self.check(
            "AD", log.anchor.last_index >= match,
            lambda: f"node {host.number} acknowledged {match}, its disk ends at "
            f"{log.anchor.last_index}",
        )  # fmt: skip
        decided = min(match, self.last_decided)
        while decided and self.decided_in[decided] > term:
            decided -= 1  # a leader of before may still be told of what others decided differently
        if decided > log.start.index:
            self.check(
                "AD",
                log.hashes.get(decided) == self.decided_hash[decided],
                lambda: f"node {host.number} acknowledged another record at {decided}",
            )
        member = self.member(host)
        member.acked = max(member.acked, decided)

    def _check_kept(self, host: Host, cut_from: int) -> None:
        """A cut removed nothing that this member had acknowledged and that is decided."""
        log = host.storage.log
        kept = max(log.anchor.last_index, log.start.index)
        member = self.member(host)
        self.check(
            "AD",
            kept >= min(member.acked, self.last_decided),
            lambda: f"node {host.number} cut from {cut_from}, it had acknowledged {member.acked}",
        )

    def _decide(self, host: Host, entry: Committed) -> None:
        index = entry.index
        self.check(
            "SMS", index == self.last_decided + 1,
            lambda: f"node {host.number} applied {index} first, decided are {self.last_decided}",
        )  # fmt: skip
        node = host.node
        assert node is not None
        base = node.replica.base
        own = self.record_of(host, index).hash if index > base.index else base.hash
        written = self.records.get((index, entry.term))
        self.check(
            "SMS",
            written is not None and written[0] == own,
            lambda: f"node {host.number} applied record {index}, which is on no disk",
        )
        self._check_on_majority(host, index, own)
        self.decided[index] = entry
        self.decided_hash[index] = own
        self.decided_in[index] = node.replica.term
        self.last_decided = index
        self._check_machine(node.machine)
        self.on_decided(host, entry)

    def record_of(self, host: Host, index: int) -> Record:
        """As the node that applied it has it; if it has rotted there since, as others have it."""
        node = host.node
        assert node is not None
        try:
            return node.replica.record(index)
        except CorruptRecord:
            others = [other.storage.log for other in self.hosts.values() if other is not host]
            hashes = host.storage.log.hashes
            sound = [log for log in others if log.hashes.get(index) == hashes[index]]
            return next(log.record(index) for log in sound if index not in log.damaged)

    def _check_on_majority(self, host: Host, index: int, own: bytes) -> None:
        """Of the voters, and of the outgoing ones, counted here and by nobody else.

        By the configuration at the record, or by a later one: Raft counts by the newest
        configuration in the leader's log, whose safety the one before guarantees.
        """
        node = host.node
        assert node is not None
        replica = node.replica
        leader = self.members.get(self.leaders.get(replica.term, 0))
        rules = [replica.configuration_at(index), replica.configuration]
        if leader is not None and leader.host.node is not None:
            rules.append(leader.host.node.replica.configuration)
        missing = ""
        for rule in rules:
            missing = self._lacks_majority(rule, index, own)
            if not missing:
                break
        self.check("AD", not missing, missing)

    def _lacks_majority(self, rule: Configuration, index: int, own: bytes) -> str:
        for voters in (rule.voters, rule.outgoing):
            holders = [member for member in voters if self._holds(member, index, own)]
            if voters and len(holders) * 2 <= len(voters):
                return (
                    f"record {index} counts as decided, but of {voters} only {holders} have it "
                    "on disk"
                )
        return ""

    def _holds(self, member: int, index: int, own: bytes) -> bool:
        found = self.members.get(member)
        if found is None:
            return False
        log = found.log
        return log.start.index >= index or (
            log.anchor.last_index >= index and log.hashes.get(index) == own
        )

    def _led(self, host: Host, term: int) -> None:
        known = self.leaders.get(term)
        if known is None:
            self.leaders[term] = host.member
            self.leader_changes += 1
            world = host.world
            world.trace.note(world.now_ns, "leads", host.number, host.number, term)
        self.check(
            "ES",
            known in (None, host.member),
            lambda: f"members {known} and {host.member} both lead term {term}",
        )
        anchor = host.storage.log.anchor
        self.check(
            "ES",
            anchor.term > term or (anchor.term, anchor.vote) == (term, host.member),
            lambda: f"node {host.number} leads term {term}, its own vote is not durable",
        )
        node = host.node
        assert node is not None
        replica = node.replica
        last = self.last_decided
        while last and self.decided_in[last] > term:
            last -= 1  # who thaws may lead a term that is long over; what came later it cannot have
        self.check(
            "LC", replica.last_index >= last,
            lambda: f"node {host.number} leads term {term} with records up to "
            f"{replica.last_index}, decided are {last}",
        )  # fmt: skip
        if last > replica.base.index:
            found = host.storage.log.hashes.get(last)
            self.check(
                "LC",
                found == self.decided_hash[last],
                lambda: f"node {host.number} leads term {term} with another record at {last}",
            )

    def _check_machine(self, machine: Machine) -> None:
        """MONEY, the cheap part: no book is crossed where orders trade as they come.

        In a call they do not, and a halt may interrupt one.
        """
        for symbol in machine.symbols():
            if symbol.mode not in (MODE_NORMAL, MODE_POST_ONLY):
                continue
            book = machine.book(symbol.id, 1)
            self.check(
                "MONEY", not book.bids or not book.asks or book.bids[0][0] < book.asks[0][0],
                lambda symbol=symbol: f"the book of {symbol.name} is crossed",
            )  # fmt: skip
        self.machines_checked += 1
        if self.machines_checked % 64 == 0:
            self.check_money(machine)

    def check_money(self, machine: Machine) -> None:
        """MONEY, in full: nothing negative, sums as deposited, holds as the orders need."""
        totals: dict[int, int] = {}
        for balance in machine.all_balances():
            self.check(
                "MONEY", balance.available >= 0 and balance.hold >= 0,
                lambda balance=balance: f"negative: {balance}",
            )  # fmt: skip
            total = balance.available + balance.hold
            totals[balance.asset] = totals.get(balance.asset, 0) + total
        for asset in machine.assets():
            self.check(
                "MONEY", totals.get(asset.id, 0) == asset.supply,
                lambda asset=asset: f"{asset.name}: accounts have {totals.get(asset.id, 0)}, "
                f"deposited are {asset.supply}",
            )  # fmt: skip
        for symbol in machine.symbols():
            book = machine.book(symbol.id, 1000)
            prices = [level[0] for level in book.bids]
            self.check("MONEY", prices == sorted(prices, reverse=True), "bids are not sorted")
            prices = [level[0] for level in book.asks]
            self.check("MONEY", prices == sorted(prices), "asks are not sorted")

    # --- at the end -------------------------------------------------------------------------

    def check_survivors(self, acknowledged: dict[int, int], host: Host) -> None:
        """AD: every index that a client was given an answer for is decided, in that term."""
        for index, term in sorted(acknowledged.items()):
            known = self.decided.get(index)
            self.check(
                "AD", known is not None and known.term == term,
                lambda index=index: f"index {index} was acknowledged, and is not decided",
            )  # fmt: skip
        log = host.storage.log
        for index in range(log.start.index + 1, self.last_decided + 1):
            self.check(
                "AD", log.hashes.get(index) == self.decided_hash[index],
                lambda index=index: f"node {host.number} ends without decided record {index}",
            )  # fmt: skip

    def check_equal(self, hosts: list[Host]) -> None:
        """HASH: at the end all who run have one state, down to the digest."""
        states = {
            host.number: (host.node.machine.index, host.node.machine.digest())
            for host in hosts
            if host.node is not None
        }
        first = next(iter(states.values()), None)
        self.check(
            "HASH", all(state == first for state in states.values()),
            lambda: "final states differ: " + ", ".join(
                f"node {n} at {s[0]} {s[1].hex()[:16]}" for n, s in states.items()
            ),
        )  # fmt: skip

    def check_network(self, in_flight_peak: int) -> None:
        self.check("BOUND", in_flight_peak <= IN_FLIGHT_MAX, f"{in_flight_peak} messages under way")

    @property
    def running(self) -> list[Host]:
        return [h for h in self.hosts.values() if h.state is State.UP and h.node is not None]


def _nothing(host: Host, what: Committed | str) -> None:
    """Nobody wants to know."""
