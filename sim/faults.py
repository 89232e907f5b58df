"""What the faults of a plan do, when their time comes, and what they must not do together.

Why it exists: a fault that can never be survived proves nothing, so each passes a budget first:
only a minority of the voters may have a damaged or lost disk at one time, so no record is damaged
on a majority and no quorum of disks is ever lost. What the budget refuses is counted apart, and
what really struck is counted by kind, so that nobody believes in faults that never happened. It
must not judge: the checkers do.
"""

import random
from collections.abc import Callable
from typing import Final

from replication import membership
from replication.membership import BadConfiguration
from replication.messages import NODE_BITS
from replication.replica import ChangeRefused, Role
from sim import network as nets
from sim.ambush import Ambushes
from sim.budget import Budget
from sim.network import Network, NetworkRates
from sim.pipeline import Pipeline
from sim.plan import FOR_EVER_MS, Fault, Plan
from sim.process import Host, State
from sim.programs import NEW, OLD
from sim.stories import Stories
from sim.world import NS_PER_MS, NS_PER_S, World

RECENT_RECORDS: Final = 40
"""Damage strikes among the newest records, where somebody reads."""

UPGRADE_MS: Final = 300
INCARNATION_MAX: Final = (1 << 31) - 1


class Injector:
    """Does the faults of one plan."""

    def __init__(
        self, plan: Plan, world: World, network: Network, hosts: dict[int, Host],
        pipeline: Pipeline, rng: Callable[[str], random.Random],
        restart_gateway: Callable[[], None], raise_version: Callable[[], None],
    ) -> None:  # fmt: skip
        self._plan = plan
        self._world = world
        self._network = network
        self._hosts = hosts
        self._pipeline = pipeline
        self._stream = rng
        self._restart_gateway = restart_gateway
        self._raise_version = raise_version
        self.fired: dict[str, int] = {}
        self.over_budget: dict[str, int] = {}
        self.is_over = False
        self.client_loss = 0.0
        self.added: list[int] = []
        self._draining: list[tuple[Host, int]] = []
        """Processes that were told to stop; who is told so does end."""
        self._identities = rng("identities")
        self.budget = Budget(hosts, self.founders)
        self.ambushes = Ambushes(plan, world, self._spring)
        stories = Stories(self, plan, network, hosts)
        self._do: dict[str, Callable[[Fault, random.Random], bool]] = {
            "crash": self._crash, "crash_all": self._crash_all, "pause": self._pause,
            "partition": self._partition, "clog": self._clog, "clock_jump": self._clock_jump,
            "drift_change": self._drift_change, "bitrot": self._damage,
            "misdirect": self._damage, "lost_write": self._damage,
            "failed_fsync": self._failed_fsync, "disk_full": self._disk_full,
            "slow_disk": self._slow_disk, "wipe": self._wipe, "transfer": self._transfer,
            "add_member": self._add_member, "remove_member": self._remove_member,
            "drain": self._drain, "upgrade": self._upgrade, "rollback": self._upgrade,
            "raise_version": self._ask_for_version, "ambush": self.ambushes.lay,
            "blink": stories.blink, "orphan": stories.orphan, "freeze_all": stories.freeze_all,
            "figure_8": stories.figure_8, "lonely_leader": stories.lonely_leader,
            "snapshot": self._snapshot,
            "broker_outage": self._broker_outage, "broker_lag": self._broker_lag,
            "zombie_producer": self._zombie_producer, "ledger_crash": self._ledger_crash,
            "gateway_restart": self._gateway_restart,
        }  # fmt: skip

    def schedule(self) -> None:
        """Ambient faults now, the others when their time comes."""
        for fault in self._plan.faults:
            if fault.duration_ms >= FOR_EVER_MS:
                self._begin_ambient(fault)
            else:
                self._world.at(fault.at_ms * NS_PER_MS, self._strike, fault)

    def end(self) -> None:
        """No new fault from now on; what is in force is healed by who calls this."""
        for host, life in self._draining:
            host.resume()
            self._restart_drained(host, life)
        self.is_over = self.ambushes.is_over = True
        self.client_loss = 0.0

    # --- ambient ----------------------------------------------------------------------------

    def _begin_ambient(self, fault: Fault) -> None:
        rates, amount = self._network.rates, fault.amount
        rng = self._stream(f"ambient/{fault.kind}")
        values = {name: getattr(rates, name) for name in NetworkRates.__struct_fields__}
        match fault.kind:
            case "loss" | "duplicate" | "reorder" | "bitflip":
                values[fault.kind] = amount
                self._network.rates = NetworkRates(**values)
            case "client_loss":
                self.client_loss = amount
            case "broker_duplicates":
                self._pipeline.duplicates = amount
            case "broker_loss":
                self._pipeline.loss = amount
            case _:
                for number in sorted(self._hosts):
                    self._begin_ambient_of(self._hosts[number], fault.kind, amount, rng)

    def _begin_ambient_of(
        self, host: Host, kind: str, amount: float, rng: random.Random
    ) -> None:  # fmt: skip
        match kind:
            case "drift":
                host.clock.set_drift(int(rng.uniform(-amount, amount) * 1_000_000))
                self._count("drift")
            case "disk_latency":
                host.disk_factor = rng.uniform(1.0, amount)
            case "torn_on_crash":
                host.storage.torn_chance = amount
            case "buggify":
                host.applies_slowly = amount
            case "bitrot_on_crash":
                host.rot_on_crash = amount
            case _:
                raise ValueError(f"kind: {kind!r} is no ambient fault")

    # --- striking ---------------------------------------------------------------------------

    def _strike(self, fault: Fault) -> None:
        if self.is_over:
            return
        rng = self._stream(f"fault/{fault.ordinal}")
        if self._do[fault.kind](fault, rng):
            self._count(fault.kind)
            self._world.trace.note(
                self._world.now_ns, "fault", 0, 0, fault.ordinal, 0, fault.kind + fault.detail
            )

    def after(self, fault: Fault, callback: Callable[..., None], *arguments: object) -> None:
        self._world.after(fault.duration_ms * NS_PER_MS, self._undo, callback, arguments)

    def _undo(self, callback: Callable[..., None], arguments: tuple[object, ...]) -> None:
        if not self.is_over:
            callback(*arguments)

    def _target(self, fault: Fault) -> Host | None:
        """A running host: the leader, or the one of that number."""
        if fault.target == "leader":
            return self.leader()
        host = self._hosts.get(int(fault.target or 0))
        return host if host is not None and host.state is State.UP else None

    def leader(self) -> Host | None:
        """Of the highest term."""
        leading = [
            (host.node.replica.term, host.number)
            for host in self._hosts.values()
            if host.node is not None and host.node.replica.role is Role.LEADER
        ]
        return self._hosts[max(leading)[1]] if leading else None

    @property
    def founders(self) -> list[int]:
        return list(range(1, self._plan.nodes + 1))

    def _count(self, kind: str) -> None:
        self.fired[kind] = self.fired.get(kind, 0) + 1

    # --- processes --------------------------------------------------------------------------

    def _crash(self, fault: Fault, rng: random.Random) -> bool:
        host = self._target(fault)
        if host is None:
            return False
        if fault.detail:
            host.crash_in(fault.detail, lambda: self._undo(self._struck, (host, fault, rng)))
            return False  # and counted when it strikes
        self.crash_now(host, fault, rng)
        return True

    def _struck(self, host: Host, fault: Fault, rng: random.Random) -> None:
        self._count(f"crash_{fault.detail}")
        self.crash_now(host, fault, rng)

    def crash_now(self, host: Host, fault: Fault, rng: random.Random) -> None:
        if host.state is State.DOWN:
            return
        host.crash()
        if host.rot_on_crash and rng.random() < host.rot_on_crash:
            if self.damage_one("bitrot", host, rng):
                self._count("bitrot_on_crash")
        self.after(fault, self.start, host)

    def _crash_all(self, fault: Fault, rng: random.Random) -> bool:
        """Power loss: everybody at once, back at different times."""
        for number in sorted(self._hosts):
            host = self._hosts[number]
            if host.state is not State.DOWN:
                host.crash()
                delay_ms = int(fault.duration_ms * rng.uniform(0.5, 1.5)) + 1
                self._world.after(delay_ms * NS_PER_MS, self._undo, self.start, (host,))
        return True

    def start(self, host: Host) -> None:
        """If it is down. A disk that cannot start any more is replaced, within the budget."""
        if host.state is not State.DOWN:
            return
        host.start()
        if host.is_refused and self._plan.nodes > 1 and self.budget.may_impair(host):
            self._wipe_and_start(host)

    def _pause(self, fault: Fault, rng: random.Random) -> bool:
        host = self._target(fault)
        if host is None:
            return False
        host.pause()
        self.after(fault, host.resume)
        return True

    def _drain(self, fault: Fault, rng: random.Random) -> bool:
        """The process is asked to stop, hands over and finishes, and is started again."""
        host = self._target(fault)
        if host is None or host.node is None:
            return False
        host.call(host.node.stop)
        self._draining.append((host, host.life))
        self.after(fault, self._restart_drained, host, host.life)
        return True

    def _restart_drained(self, host: Host, life: int) -> None:
        if host.life == life and host.state is State.UP:
            host.crash()
            self.start(host)

    def _upgrade(self, fault: Fault, rng: random.Random) -> bool:
        """Another release is installed, and the process restarted: drained, or killed."""
        host = self._target(fault)
        program = NEW if fault.kind == "upgrade" else OLD
        if host is None or host.program is program:
            return False
        host.program = program
        host.came_late = host.came_late or program is OLD
        return self._drain(fault, rng) if rng.random() < 0.5 else self._crash(fault, rng)

    def _ask_for_version(self, fault: Fault, rng: random.Random) -> bool:
        self._raise_version()
        return True

    def outdated(self, host: Host) -> None:
        """Its operator reads why it stopped, and installs the newer release."""
        self._count("outdated")
        host.program = NEW
        self._world.after(UPGRADE_MS * NS_PER_MS, self._start_newer, host)

    def _start_newer(self, host: Host) -> None:
        if host.state is State.DOWN and not host.is_refused:
            host.start()

    # --- network ----------------------------------------------------------------------------

    def _partition(self, fault: Fault, rng: random.Random) -> bool:
        host = self._target(fault)
        nodes = sorted(self._hosts)
        number = rng.choice(nodes) if host is None else host.number
        clients = self._pipeline.addresses
        pairs = self._pairs(fault.detail, number, nodes, rng)
        if fault.detail == "isolate" and rng.random() < 0.5:
            # Half of the time the clients still reach the one that the others do not.
            cut_off = [address for address in clients if rng.random() < 0.7]
            pairs = [*pairs, *nets.isolating(number, [number, *cut_off])]
        self._network.cut(pairs)
        self.after(fault, self._network.mend, pairs)
        return True

    def _spring(self, host: Host, fault: Fault, rng: random.Random) -> None:
        """What an ambush does to who walked into it."""
        self._count(f"ambush_{fault.target}")
        if fault.detail == "crash":
            self.crash_now(host, fault, rng)
            return
        nodes = sorted(self._hosts)
        others = [number for number in nodes if number != host.number]
        if fault.detail == "one" and others:  # of all others only one is left
            nodes.remove(rng.choice(others))
        pairs = nets.isolating(host.number, nodes)
        self._network.cut(pairs)
        self.after(fault, self._network.mend, pairs)

    def _pairs(
        self, kind: str, number: int, nodes: list[int], rng: random.Random
    ) -> list[tuple[int, int]]:  # fmt: skip
        match kind:
            case "isolate":
                return nets.isolating(number, nodes)
            case "deaf":
                return nets.deafening(number, nodes)
            case "mute":
                return nets.muting(number, nodes)
            case "bridge":
                return nets.bridging(number, nodes)
            case "ring":
                shuffled = rng.sample(nodes, len(nodes))
                return nets.ringing(shuffled)
            case "halves":
                return nets.halving(rng.sample(nodes, len(nodes) // 2), nodes)
            case _:
                others = [other for other in nodes if other != number]
                return [(number, rng.choice(others))] if others else []

    def _clog(self, fault: Fault, rng: random.Random) -> bool:
        sender, to = int(fault.target), int(fault.detail)
        if sender == to:
            return False
        until_ns = self._world.now_ns + fault.duration_ms * NS_PER_MS
        self._network.clog(sender, to, until_ns)
        return True

    # --- clocks -----------------------------------------------------------------------------

    def _clock_jump(self, fault: Fault, rng: random.Random) -> bool:
        self._hosts[int(fault.target)].clock.jump_wall(int(fault.amount * NS_PER_S))
        return True

    def _drift_change(self, fault: Fault, rng: random.Random) -> bool:
        host = self._hosts[int(fault.target)]
        host.clock.set_drift(int(fault.amount * 1_000_000))
        host.clock_changed()
        return True

    # --- disks ------------------------------------------------------------------------------

    def _damage(self, fault: Fault, rng: random.Random) -> bool:
        host = self._hosts[int(fault.target)]
        if not self.damage_one(fault.kind, host, rng):
            return False
        if fault.detail == "crash" and host.state is State.UP:
            host.crash()
            self.after(fault, self.start, host)
        return True

    def damage_one(self, kind: str, host: Host, rng: random.Random) -> bool:
        if self._plan.nodes == 1 or not self.budget.may_impair(host):
            self.over_budget[kind] = self.over_budget.get(kind, 0) + 1
            return False
        log = host.storage.log
        last, first = log.anchor.last_index, log.start.index + 1
        if last < first:
            return False
        index = rng.randint(max(first, last - RECENT_RECORDS), last)
        if rng.random() < 0.3:
            index = last  # nothing after it says which it must be
        replaced = [older for older in sorted(log.older) if first <= older <= last]
        if kind == "lost_write" and replaced and rng.random() < 0.7:
            index = rng.choice(
                replaced
            )  # what stands there still is a sound record, of another log
        return host.storage.damage(kind, index)

    def _failed_fsync(self, fault: Fault, rng: random.Random) -> bool:
        host = self._target(fault)
        if host is None:
            return False
        host.storage.fails_next_sync = True
        self.after(fault, self.start, host)
        return True

    def _disk_full(self, fault: Fault, rng: random.Random) -> bool:
        host = self._hosts[int(fault.target)]
        host.storage.log.is_full = True
        self.after(fault, self._has_room_again, host)
        return True

    def _has_room_again(self, host: Host) -> None:
        host.storage.log.is_full = False

    def _slow_disk(self, fault: Fault, rng: random.Random) -> bool:
        host = self._hosts[int(fault.target)]
        host.disk_factor *= fault.amount
        self.after(fault, self._fast_again, host, fault.amount)
        return True

    def _fast_again(self, host: Host, amount: float) -> None:
        host.disk_factor /= amount

    def _wipe(self, fault: Fault, rng: random.Random) -> bool:
        host = self._hosts[int(fault.target)]
        if self._plan.nodes == 1 or not self.budget.may_impair(host):
            self.over_budget["wipe"] = self.over_budget.get("wipe", 0) + 1
            return False
        host.crash()
        self.after(fault, self._replace_disk, host, fault, rng)
        return True

    def _replace_disk(self, host: Host, fault: Fault, rng: random.Random) -> None:
        self._wipe_and_start(host)
        if fault.detail and host.state is State.UP:
            host.crash_in(fault.detail, lambda: self._undo(self._struck, (host, fault, rng)))

    def _wipe_and_start(self, host: Host) -> None:
        if host.state is not State.DOWN or not self.budget.may_impair(host):
            return
        incarnation = self._identities.randint(1, INCARNATION_MAX)
        host.wipe(incarnation << NODE_BITS | host.number)
        host.start()

    # --- operators --------------------------------------------------------------------------

    def _transfer(self, fault: Fault, rng: random.Random) -> bool:
        host = self._target(fault)
        if host is None or host.node is None or int(fault.detail) == host.number:
            return False
        host.call(_ignoring_refusal, host.node.transfer, int(fault.detail))
        return True

    def _snapshot(self, fault: Fault, rng: random.Random) -> bool:
        host = self._target(fault)
        if host is None or host.node is None:
            return False
        host.call(host.node.snapshot_soon)
        return True

    def _add_member(self, fault: Fault, rng: random.Random) -> bool:
        """A node that was never there is invited, and starts with an empty disk."""
        leader = self.leader()
        spare = [n for n, h in sorted(self._hosts.items()) if n not in self.founders]
        if leader is None or leader.node is None or not spare or spare[0] in self.added:
            return False
        number = spare[0]
        leader.call(
            _ignoring_refusal, leader.node.change_members,
            lambda now: membership.inviting(now, number, "", b"invited"),
        )  # fmt: skip
        self.added.append(number)
        self._world.after(NS_PER_S // 2, self._undo, self.start, (self._hosts[number],))
        return True

    def _remove_member(self, fault: Fault, rng: random.Random) -> bool:
        """Only one that was added, so that the founders' disks stay the budget's."""
        leader = self.leader()
        if leader is None or leader.node is None or not self.added:
            return False
        number = self.added[0]
        leader.call(
            _ignoring_refusal, leader.node.change_members,
            lambda now: membership.without(now, number, b"removed"),
        )  # fmt: skip
        return True

    # --- pipeline ---------------------------------------------------------------------------

    def _broker_outage(self, fault: Fault, rng: random.Random) -> bool:
        self._pipeline.outage(fault.duration_ms)
        return True

    def _broker_lag(self, fault: Fault, rng: random.Random) -> bool:
        self._pipeline.lag(fault.duration_ms)
        return True

    def _zombie_producer(self, fault: Fault, rng: random.Random) -> bool:
        return self._pipeline.raise_zombie(rng)

    def _ledger_crash(self, fault: Fault, rng: random.Random) -> bool:
        self._pipeline.crash_ledger()
        return True

    def _gateway_restart(self, fault: Fault, rng: random.Random) -> bool:
        self._restart_gateway()
        return True


def _ignoring_refusal(callback: Callable[..., object], *arguments: object) -> None:
    """An operator whose wish is refused asks again some other day."""
    try:
        callback(*arguments)
    except (ChangeRefused, BadConfiguration):
        return
