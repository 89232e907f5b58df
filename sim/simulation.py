"""One run: a plan becomes a world, the world runs, heals, and is judged.

Why it exists: here the parts are joined and the two phases are kept apart. In the first, faults
strike and safety is checked after every event. In the second, a bare majority with sound disks is
healed, everything else stays broken for ever, and within ten simulated seconds there must be a
leader, every request answered, equal logs and states, and the ledger caught up (LIVE). A run that
does not get there says why.
"""

import hashlib
import traceback
from typing import Final

import msgspec

from core.versions import UnknownVersion
from replication.batching import Limits
from replication.messages import Message, node_number
from replication.ports import Committed
from replication.record import COMMANDS
from replication.replica import ReplicaSettings
from replication.settings import NodeSettings
from sim.budget import sound_majority
from sim.checkers import Checkers
from sim.clients import CLIENTS, Clients
from sim.clocks import SimClock
from sim.faults import Injector
from sim.gateway import GATEWAYS, Gateway
from sim.history import Entry, History
from sim.network import Network, NetworkRates, halving
from sim.pipeline import BROKER, Pipeline
from sim.plan import Plan
from sim.process import Host, ProcessFailed, State
from sim.programs import NEW, OLD
from sim.seeds import Streams
from sim.storage import Storage
from sim.tally import CheckFailed, Tally
from sim.world import NS_PER_MS, NS_PER_S, Storm, Trace, TraceRecord, World

LIVE_S: Final = 10
LOOK_MS: Final = 50
STABLE_TIMEOUTS: Final = 4
"""Election timeouts for which the healed core must keep its leader."""
SKEW_NS: Final = 5 * NS_PER_MS
SPARE_NODES: Final = 1


class Outcome(msgspec.Struct, kw_only=True):
    """What a run was and how it ended. `checker` is empty if all is well."""

    seed: int
    profile: str
    checker: str = ""
    what: str = ""
    why: str = ""
    trace_hash: str = ""
    events: int = 0
    commands: int = 0
    unknown: int = 0
    entries: int = 0
    sim_ns: int = 0
    leader_changes: int = 0
    snapshot_transfers: int = 0
    repairs: int = 0
    retries: int = 0
    wall_seconds: float = 0.0
    faults: dict[str, int] = msgspec.field(default_factory=dict)
    over_budget: dict[str, int] = msgspec.field(default_factory=dict)
    checks: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        return not self.checker


class Simulation:
    """Use once: `run`."""

    def __init__(self, plan: Plan, *, keeps_trace: bool = False) -> None:
        self.plan = plan
        self.streams = Streams(plan.seed, "run")
        self.world = World(Trace(keeps=keeps_trace))
        self.tally = Tally()
        self.hosts: dict[int, Host] = {}
        rates = NetworkRates(delay_min_us=plan.delay_min_us, delay_mean_us=plan.delay_mean_us)
        self.network = Network(self.world, self.streams.of("network"), rates, self._deliver)
        self.checkers = Checkers(self.hosts, self.tally)
        self.history = History(self.tally)
        self.checkers.on_decided = self._decided
        self.pipeline = Pipeline(
            self.world, self.network, self.checkers, self.streams.of("pipeline")
        )
        self.pipeline.addresses.extend((*GATEWAYS, CLIENTS))
        self._make_hosts()
        self.gateways = [
            Gateway(
                address, self.world, self.network, self.hosts,
                self.streams.of(f"gateway/{address}"), plan.election_timeout_ms,
                plan.request_timeout_ms, self._answered,
            )
            for address in GATEWAYS
        ]  # fmt: skip
        self.clients = Clients(
            plan, self.world, self.network, self.gateways, self.tally, self.streams.of
        )
        self.injector = Injector(
            plan, self.world, self.network, self.hosts, self.pipeline,
            self.streams.of, self._restart_gateways, self.clients.raise_version,
        )  # fmt: skip
        self.checkers.on_moment = self.injector.ambushes.reached
        self.core: list[Host] = []
        self.is_whole = False
        """All nodes are healed at the end, and not only a majority."""
        self.snapshot_transfers = 0
        self.repairs = 0

    def run(self) -> Outcome:
        """Both phases; what fails is in the outcome, and nothing is raised."""
        outcome = Outcome(seed=self.plan.seed, profile=self.plan.profile)
        try:
            self._safety()
            self._liveness()
        except CheckFailed as failure:
            outcome.checker, outcome.what = failure.checker, failure.what
            outcome.why = self._state_text()
        except ProcessFailed as failure:
            outcome.checker = _checker_of(failure.error)
            outcome.what = str(failure)
            lines = traceback.format_exception(failure.error)
            outcome.why = "".join(lines[-9:]) + "\n" + self._state_text()
        except Storm as failure:
            outcome.checker, outcome.what = "BOUND", str(failure)
            outcome.why = self._state_text()
        except Exception as failure:  # noqa: BLE001 - a bug of the simulator, or of the ledger
            outcome.checker = "ASSERT"
            outcome.what = f"{type(failure).__name__}: {failure}"
            outcome.why = "".join(traceback.format_exception(failure)[-9:])
        if outcome.checker:
            self.world.trace.note(self.world.now_ns, "failed", 0, text=outcome.checker)
        self._fill(outcome)
        return outcome

    @property
    def records(self) -> list[TraceRecord]:
        return self.world.trace.records

    # --- the two phases ---------------------------------------------------------------------

    def _safety(self) -> None:
        self.injector.schedule()
        self.clients.set_loss(self.injector.client_loss)
        for number in range(1, self.plan.nodes + 1):
            self.hosts[number].start()
        if self.plan.commands:
            self.world.after(self.plan.election_timeout_ms * NS_PER_MS, self.clients.begin)
        self.world.run(self.plan.run_ms * NS_PER_MS)

    def _liveness(self) -> None:
        """Heal a core, break the rest for ever, wait."""
        self.injector.end()
        self.network.heal()
        self.pipeline.heal()
        for number in sorted(self.hosts):
            host = self.hosts[number]
            host.disk_factor = 1.0
            host.disk_mean_us = min(host.disk_mean_us, 2000)
            host.applies_slowly = 0.0
            host.storage.fails_next_sync = False
            host.storage.log.is_full = False
            host.clock.set_drift(0)
            host.clock_changed()
        if not self._choose_core():
            return
        self.clients.end()
        calm_ns = STABLE_TIMEOUTS * self.plan.election_timeout_ms * NS_PER_MS
        # What a client sent just before was lost, and is repeated only when its patience ends.
        deadline_ns = self.world.now_ns + self.clients.again_ns + LIVE_S * NS_PER_S + calm_ns
        led, since_ns, lacks = (0, 0), self.world.now_ns, ""
        while self.world.now_ns < deadline_ns:
            self.world.run(self.world.now_ns + LOOK_MS * NS_PER_MS)
            self.tally.counts["LIVE"] += 1
            lacks = self._what_lacks()
            if lacks or led != self._lead():
                led, since_ns = self._lead(), self.world.now_ns
            elif self.world.now_ns - since_ns >= calm_ns:
                self._judge()
                return
        self.history.judge(self.clients.history, self.gateway_refusals)
        what = lacks or "no stable leader: it changes though nothing is broken any more"
        self.tally.check("LIVE", is_good=False, what=what)

    def _lead(self) -> tuple[int, int]:
        """Who leads, and in which term."""
        leader = self.injector.leader()
        if leader is None or leader.node is None:
            return (0, 0)
        return (leader.number, leader.node.replica.term)

    @property
    def gateway_refusals(self) -> set[int]:
        return set().union(*(gateway.refused for gateway in self.gateways))

    def _choose_core(self) -> bool:
        """False: a lone node whose disk is damaged has rightly refused to start."""
        rng = self.streams.of("core")
        if self.plan.nodes == 1 and self.hosts[1].is_refused:
            return False
        hosts = [self.hosts[number] for number in sorted(self.hosts)]
        groups = self.injector.budget.groups()
        core = sound_majority(hosts, groups, rng)
        self.is_whole = core is None or rng.random() < 0.5
        if core is None or self.is_whole:
            wanted = {node_number(member) for group in groups for member in group}
            wanted |= set(self.injector.founders)
            core = [host for host in hosts if host.number in wanted]
        self.core = sorted(core, key=lambda host: host.number)
        if not self.is_whole:
            inside = [*(host.number for host in self.core), *self.pipeline.addresses]
            pairs = halving(inside, [*sorted(self.hosts), *self.pipeline.addresses])
            if rng.random() < 0.5:  # who is outside is heard, and hears nobody
                pairs = [pair for pair in pairs if pair[0] in inside]
            self.network.cut(pairs)
        for host in self.core:
            host.resume()
            self.injector.is_over = False
            self.injector.start(host)
            self.injector.is_over = True
        return True

    def _what_lacks(self) -> str:
        """ "" when the core is done; else the first thing that it lacks."""
        down = [host.number for host in self.core if host.node is None]
        if down:
            return f"no quorum: nodes {down} do not run"
        leader = self.injector.leader()
        if leader is None or leader not in self.core or leader.node is None:
            return "no leader"
        # What rots where nobody reads is found by the next start, or the next read.
        damaged = [h.number for h in self.core if h.node is not None and h.node.replica.damaged]
        if damaged:
            return f"no repair: the logs of nodes {damaged} are still damaged"
        if self.clients.waiting:
            return f"no progress: {self.clients.waiting} requests are not answered"
        last = self.checkers.last_decided
        configuration = leader.node.replica.configuration
        members = configuration.members
        founders = [host for host in self.core if host.number in self.injector.founders]
        strangers = [host.number for host in founders if host.member not in configuration.voters]
        if self.is_whole and (configuration.is_joint or strangers):
            return f"no membership: nodes {strangers} do not vote, {configuration}"
        behind = [
            host.number for host in self.core
            if host.member in members and host.node is not None
            and min(host.node.machine.index, host.storage.log.anchor.last_index) < last
        ]  # fmt: skip
        if behind:
            return f"no progress: nodes {behind} are behind index {last}"
        if self.pipeline.published < last or self.pipeline.booked < last:
            return (
                f"no progress: decided are {last}, published {self.pipeline.published}, "
                f"booked {self.pipeline.booked}"
            )
        return ""

    def _judge(self) -> None:
        """Everything has arrived: what must now be equal is equal."""
        leader = self.injector.leader()
        assert leader is not None
        assert leader.node is not None
        members = leader.node.replica.configuration.members
        core = [host for host in self.core if host.member in members]
        self.checkers.check_equal(core)
        for host in core:
            self.checkers.check_survivors(self.clients.acknowledged, host)
            assert host.node is not None
            self.checkers.check_money(host.node.machine)
        self.checkers.check_network(self.network.in_flight_peak)
        self.pipeline.check_books()
        self.history.judge(self.clients.history, self.gateway_refusals)

    # --- parts ------------------------------------------------------------------------------

    def _make_hosts(self) -> None:
        plan = self.plan
        cluster = hashlib.sha256(f"cluster {plan.seed}".encode()).digest()[:16]
        voters = tuple(range(1, plan.nodes + 1))
        settings = settings_of(plan)
        count = plan.nodes + (SPARE_NODES if plan.nodes > 1 else 0)
        for number in range(1, count + 1):
            rng = self.streams.of(f"clock/{number}")
            clock = SimClock(self.world, 0, rng.randint(-SKEW_NS, SKEW_NS))
            is_founder = number <= plan.nodes
            member = number if is_founder else (7 << 16 | number)
            host = Host(
                number, member, cluster, voters if is_founder else (), settings, self.world,
                self.network, clock, Storage(cluster, self.streams.of(f"disk/{number}")),
                self.streams.of(f"host/{number}"), self.streams.of(f"entropy/{number}"),
                self.checkers,
            )  # fmt: skip
            host.nodes = tuple(range(1, count + 1))
            host.disk_mean_us = plan.disk_mean_us
            host.on_role = self.pipeline.look
            host.on_outdated = self._outdated
            host.came_late = not is_founder
            host.program = OLD if is_founder and number > plan.nodes - plan.old_programs else NEW
            self.hosts[number] = host

    def _decided(self, host: Host, entry: Committed) -> None:
        record = self.checkers.record_of(host, entry.index)
        payload = record.payload if record.kind == COMMANDS else b""
        self.history.decided(Entry(entry.index, entry.ts_ns, payload, entry.events))

    def _deliver(self, to: int, message: Message) -> None:
        kind = type(message).__name__
        if kind == "SnapshotReply" and message.done:  # type: ignore[attr-defined]
            self.snapshot_transfers += 1
        elif kind == "RepairReply" and message.record:  # type: ignore[attr-defined]
            self.repairs += 1
        host = self.hosts.get(to)
        if host is not None:
            host.receive(message)

    def _outdated(self, host: Host, error: UnknownVersion) -> None:
        self.checkers.outdated(host, error)
        self.injector.outdated(host)

    def _restart_gateways(self) -> None:
        for gateway in self.gateways:
            gateway.restart()

    def _answered(self, request: object, answer: object) -> None:
        self.clients.answered(request, answer)  # type: ignore[arg-type]

    # --- the report -------------------------------------------------------------------------

    def _fill(self, outcome: Outcome) -> None:
        faults = dict(self.injector.fired)
        parts = [self.network.fired, self.pipeline.fired]
        parts += [host.storage.fired for host in self.hosts.values()]
        for fired in parts:
            for kind, count in fired.items():
                if kind in ("bitrot", "misdirect", "lost_write", "wipe") and kind in faults:
                    continue
                faults[kind] = faults.get(kind, 0) + count
        outcome.faults = dict(sorted(faults.items()))
        outcome.over_budget = dict(sorted(self.injector.over_budget.items()))
        outcome.checks = self.tally.counts
        outcome.trace_hash = self.world.trace.hexdigest()
        outcome.events = self.world.events
        outcome.commands = sum(op.count for op in self.clients.history if op.returned_ns)
        outcome.unknown = self.clients.unknown
        outcome.entries = self.checkers.last_decided
        outcome.sim_ns = self.world.now_ns
        outcome.leader_changes = self.checkers.leader_changes
        outcome.snapshot_transfers = self.snapshot_transfers
        outcome.repairs = self.repairs
        outcome.retries = sum(gateway.retries for gateway in self.gateways)

    def _state_text(self) -> str:
        """Where every node stands, for whoever has to find out why."""
        lines = [f"at {self.world.now_ns / NS_PER_S:.3f} s, decided {self.checkers.last_decided}"]
        for number in sorted(self.hosts):
            host = self.hosts[number]
            log = host.storage.log
            line = (
                f"  node {number} member {host.member} {host.state.value}: disk term "
                f"{log.anchor.term} vote {log.anchor.vote} last {log.anchor.last_index} base "
                f"{log.start.index} damaged {sorted(log.damaged)[:5]}"
            )
            if host.node is not None:
                replica = host.node.replica
                line += (
                    f"; {replica.role.value} term {replica.term} last {replica.last_index} commit "
                    f"{replica.commit_index} applied {host.node.machine.index} leader "
                    f"{replica.leader} {replica.configuration}"
                )
            lines.append(line)
        lines.append(f"  core {[host.number for host in self.core]}")
        return "\n".join(lines)


def settings_of(plan: Plan) -> NodeSettings:
    """Production's settings with the plan's knobs."""
    return NodeSettings(
        limits=Limits(batch_commands_max=max(plan.batch_commands_max, plan.commands_per_request)),
        replica=ReplicaSettings(
            election_timeout_s=plan.election_timeout_ms / 1000,
            heartbeat_s=plan.heartbeat_ms / 1000, lease_reads=plan.lease_reads,
            append_records_max=plan.append_records_max,
            in_flight_messages_max=plan.in_flight_messages_max,
            snapshot_chunk_bytes=plan.snapshot_chunk_bytes, cache_bytes_max=plan.cache_bytes_max,
            clock_drift=0.1,
        ),
        entries_per_write_max=plan.entries_per_write_max,
        checkpoint_entries=plan.checkpoint_entries,
        checkpoint_commands=plan.checkpoint_commands, checkpoint_s=5.0,
        snapshot_entries=plan.snapshot_entries, snapshot_step_bytes=_step_bytes(plan),
        retain_entries=plan.keep_entries, feed_bytes_max=64 << 10,
    )  # fmt: skip


def _step_bytes(plan: Plan) -> int:
    """Of a snapshot: small steps in some plans, all at once in others."""
    return plan.snapshot_entries * 128 if plan.snapshot_entries in (20, 200) else 1 << 20


def _checker_of(error: BaseException) -> str:
    """Production's own checks have names too."""
    if isinstance(error, CheckFailed):
        return error.checker
    name = type(error).__name__
    if name in ("Diverged", "ResultDiffers", "OddOneOut"):
        return "HASH"
    if name.endswith(("Record", "Corrupt", "Chain")) or name == "LogWithoutSnapshot":
        return "REC"
    return "ASSERT"


__all__ = ["BROKER", "Outcome", "Simulation", "State"]
