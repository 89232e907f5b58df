"""What a run will be: every knob and every fault, drawn from the seed before anything happens.

Why it exists: runs should differ in kind and not only in luck, so each seed draws one value for
each knob (swarm testing); and a failing run is shrunk by leaving faults out, so the faults are a
list with ordinals. It must not know how a fault is done: `sim/faults.py` does. A plan is a value:
the same seed and profile give the same plan for ever, as far as this file does not change.
"""

import random
from typing import Final

import msgspec

from sim.seeds import Streams

FOR_EVER_MS: Final = 1 << 40

AMBIENT: Final = (
    "loss", "duplicate", "reorder", "bitflip", "drift", "disk_latency", "bitrot_on_crash",
    "torn_on_crash", "client_loss", "broker_duplicates", "broker_loss", "buggify",
)  # fmt: skip
"""Faults that last for the whole run; in the list like the others, so that they can be dropped."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault. `target` is a node's number, or a word that is resolved when its time comes."""

    ordinal: int
    at_ms: int
    kind: str
    target: str = ""
    duration_ms: int = 0
    amount: float = 0.0
    detail: str = ""

    def text(self) -> str:
        """One line for a person."""
        when = "all along" if self.at_ms == 0 and self.duration_ms >= FOR_EVER_MS else (
            f"at {self.at_ms / 1000:.3f} s"
        )  # fmt: skip
        parts = [f"{self.ordinal:>3}  {when:<14} {self.kind}"]
        if self.target:
            parts.append(f"of {self.target}")
        if self.detail:
            parts.append(f"({self.detail})")
        if self.amount:
            parts.append(f"amount {self.amount:.4g}")
        if 0 < self.duration_ms < FOR_EVER_MS:
            parts.append(f"for {self.duration_ms} ms")
        return " ".join(parts)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One run. Times in the names' units; what is not named here keeps production's default."""

    seed: int
    profile: str
    nodes: int
    run_ms: int
    commands: int
    """How many commands the clients send in all."""
    clients: int
    client_gap_ms: int
    """Mean pause of a client between two requests."""
    query_share: float
    commands_per_request: int
    delay_min_us: int
    delay_mean_us: int
    disk_mean_us: int
    election_timeout_ms: int
    heartbeat_ms: int
    lease_reads: bool
    snapshot_entries: int
    checkpoint_entries: int
    checkpoint_commands: int
    keep_entries: int
    append_records_max: int
    in_flight_messages_max: int
    snapshot_chunk_bytes: int
    cache_bytes_max: int
    entries_per_write_max: int
    batch_commands_max: int
    request_timeout_ms: int
    old_programs: int
    """How many of the founders begin with the program of the release before."""
    faults: tuple[Fault, ...]

    def text(self) -> str:
        """The plan as a person reads it."""
        knobs = [
            f"{name}={getattr(self, name)}"
            for name in self.__struct_fields__
            if name not in ("faults", "seed", "profile")
        ]
        lines = [f"seed {self.seed}, profile {self.profile}", "  " + ", ".join(knobs)]
        return "\n".join([*lines, *(fault.text() for fault in self.faults)])


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Which faults a run may have, and how dense they are."""

    mean_gap_ms: int = 900
    kinds: dict[str, int] = msgspec.field(default_factory=dict)
    ambient: tuple[str, ...] = AMBIENT
    node_counts: tuple[int, ...] = (3, 3, 3, 3, 3, 3, 3, 5, 5, 1)
    run_ms: tuple[int, int] = (15_000, 40_000)
    command_rate: tuple[float, float] = (6.0, 16.0)
    election_ms: tuple[int, ...] = (150, 300, 500, 500, 1000)
    append_records: tuple[int, ...] = (1, 2, 16, 256)


KINDS: Final = {
    "crash": 22, "crash_leader": 14, "crash_all": 3, "pause": 8, "pause_leader": 5,
    "partition": 20, "clog": 8, "clock_jump": 5, "drift_change": 2,
    "bitrot": 6, "misdirect": 4, "lost_write": 4, "failed_fsync": 4, "disk_full": 3,
    "slow_disk": 6, "wipe": 4, "transfer": 5, "add_member": 1, "remove_member": 1,
    "drain": 3, "upgrade": 5, "rollback": 1, "raise_version": 4, "ambush": 12, "blink": 3,
    "freeze_all": 3, "orphan": 3, "figure_8": 2, "lonely_leader": 3, "snapshot": 6,
    "broker_outage": 4, "broker_lag": 3, "zombie_producer": 3, "ledger_crash": 5,
    "gateway_restart": 2,
}  # fmt: skip
"""Kind -> weight in the default profile."""

_NETWORK: Final = """crash crash_leader ambush blink freeze_all lonely_leader pause pause_leader
    partition clog clock_jump drift_change transfer snapshot"""
_DISK: Final = """crash crash_leader ambush orphan crash_all bitrot misdirect lost_write
    failed_fsync disk_full slow_disk wipe snapshot"""
_MEMBERS: Final = """crash crash_leader partition pause wipe transfer add_member remove_member drain
    snapshot"""
_UPGRADE: Final = """crash crash_leader partition drain wipe transfer add_member snapshot upgrade
    rollback raise_version"""
_PIPELINE: Final = """crash_leader partition transfer broker_outage broker_lag zombie_producer
    ledger_crash gateway_restart pause_leader"""
_CHURN: Final = """crash crash_leader ambush blink freeze_all figure_8 lonely_leader pause_leader
    partition clog transfer drift_change"""


def _only(kinds: str) -> dict[str, int]:
    return {kind: max(3, KINDS[kind]) for kind in kinds.split()}


PROFILES: Final = {
    "default": Profile(kinds=KINDS),
    "network": Profile(kinds=_only(_NETWORK) | {"lonely_leader": 10}, node_counts=(3, 3, 5)),
    "disk": Profile(
        kinds=_only(_DISK) | {"orphan": 10, "lost_write": 16, "figure_8": 10},
        node_counts=(3, 3, 3, 5, 1),
    ),
    "members": Profile(
        kinds=_only(_MEMBERS) | {"wipe": 12, "add_member": 5, "remove_member": 5},
        node_counts=(3, 3, 5),
    ),
    "upgrade": Profile(
        kinds=_only(_UPGRADE) | {"upgrade": 12, "raise_version": 12}, node_counts=(3, 3, 5),
    ),
    "pipeline": Profile(kinds=_only(_PIPELINE), node_counts=(3, 3, 1)),
    "churn": Profile(
        kinds=_only(_CHURN) | {"ambush": 40, "blink": 15, "freeze_all": 10, "figure_8": 30},
        node_counts=(3, 5, 5), mean_gap_ms=350, run_ms=(15_000, 25_000),
        command_rate=(20.0, 40.0), election_ms=(150, 150, 300), append_records=(1, 1, 2, 16),
    ),
    "calm": Profile(
        kinds={"snapshot": 1}, mean_gap_ms=20_000, ambient=(), node_counts=(3,),
        run_ms=(60_000, 60_000), command_rate=(10.0, 10.0),
    ),
    "idle": Profile(
        kinds={}, ambient=(), node_counts=(3,), run_ms=(600_000, 600_000),
        command_rate=(0.0, 0.0), election_ms=(500,),
    ),
}  # fmt: skip


class UnknownProfile(ValueError):
    """The caller's fault: no profile of that name."""


def draw_plan(seed: int, profile: str = "default") -> Plan:
    """The plan of a seed. Each concern draws from its own stream."""
    if profile not in PROFILES:
        raise UnknownProfile(f"profile: {profile!r} is none of {', '.join(sorted(PROFILES))}")
    wanted = PROFILES[profile]
    streams = Streams(seed, f"plan/{profile}")
    rng = streams.of("knobs")
    nodes = rng.choice(wanted.node_counts)
    run_ms = rng.randint(*wanted.run_ms)
    rate = rng.uniform(*wanted.command_rate)
    clients = rng.randint(1, 6)
    per_request = rng.choice((1, 1, 1, 2, 5))
    commands = int(rate * run_ms / 1000)
    election_ms = rng.choice(wanted.election_ms)
    snapshot_entries = rng.choice((8, 20, 40, 200))
    plan = Plan(
        seed=seed, profile=profile, nodes=nodes, run_ms=run_ms, commands=commands,
        clients=clients, client_gap_ms=max(1, int(1000 * clients * per_request / max(0.1, rate))),
        query_share=rng.choice((0.0, 0.1, 0.5)), commands_per_request=per_request,
        delay_min_us=rng.choice((20, 100, 1000)),
        delay_mean_us=rng.choice((100, 500, 2000, 10_000, 40_000)) * election_ms // 500,
        disk_mean_us=rng.choice((100, 500, 2000, 8000)),
        election_timeout_ms=election_ms, heartbeat_ms=election_ms // rng.choice((4, 5, 10)),
        lease_reads=rng.random() < 0.7, snapshot_entries=snapshot_entries,
        checkpoint_entries=rng.choice((10, 25, 100)),
        checkpoint_commands=streams.of("checkpoints").choice((20, 100, 50_000)),
        keep_entries=rng.choice((4, 20, 60, 200)),
        append_records_max=rng.choice(wanted.append_records),
        in_flight_messages_max=rng.choice((1, 2, 8, 64)),
        snapshot_chunk_bytes=rng.choice((4096, 32_768, 1 << 20)),
        cache_bytes_max=rng.choice((2_000, 20_000, 1 << 20)),
        entries_per_write_max=rng.choice((1, 4, 16)),
        batch_commands_max=rng.choice((3, 16, 4096)) if per_request < 3 else 4096,
        request_timeout_ms=rng.choice((1, 2, 4, 8)) * election_ms,
        old_programs=streams.of("programs").choice((0, 0, 1, nodes, nodes)),
        faults=(),
    )  # fmt: skip
    faults = _ambient(wanted, streams) + _scheduled(wanted, plan, streams)
    numbered = tuple(
        msgspec.structs.replace(fault, ordinal=ordinal) for ordinal, fault in enumerate(faults, 1)
    )
    return msgspec.structs.replace(plan, faults=numbered)


def shortened(
    plan: Plan, *, keep: tuple[int, ...] | None = None, commands: int | None = None,
    run_ms: int | None = None,
) -> Plan:  # fmt: skip
    """The same run with only the faults of these ordinals, fewer commands, or less time."""
    faults = plan.faults
    if keep is not None:
        faults = tuple(fault for fault in faults if fault.ordinal in keep)
    if run_ms is not None:
        faults = tuple(fault for fault in faults if fault.at_ms < run_ms)
    return msgspec.structs.replace(
        plan, faults=faults,
        commands=plan.commands if commands is None else min(commands, plan.commands),
        run_ms=plan.run_ms if run_ms is None else run_ms,
    )  # fmt: skip


def _ambient(profile: Profile, streams: Streams) -> list[Fault]:
    """Each is on in about half of the runs, at a strength of its own."""
    faults: list[Fault] = []
    for kind in profile.ambient:
        rng = streams.of(f"ambient/{kind}")
        is_on, amount = rng.random() < 0.5, _strength(kind, rng)
        if is_on:
            faults.append(
                Fault(ordinal=0, at_ms=0, kind=kind, duration_ms=FOR_EVER_MS, amount=amount)
            )
    return faults


def _strength(kind: str, rng: random.Random) -> float:
    match kind:
        case "loss" | "client_loss":
            return rng.choice((0.005, 0.02, 0.1, 0.3))
        case "duplicate" | "broker_duplicates":
            return rng.choice((0.01, 0.1, 0.5))
        case "reorder":
            return rng.choice((0.05, 0.5, 1.0))
        case "bitflip":
            return rng.choice((0.001, 0.01))
        case "drift":
            return rng.choice((0.002, 0.01, 0.05))
        case "disk_latency":
            return rng.choice((2.0, 5.0, 20.0))  # times the mean
        case "torn_on_crash":
            return rng.uniform(0.5, 1.0)
        case "bitrot_on_crash":
            return rng.uniform(0.1, 0.5)
        case "broker_loss":
            return rng.choice((0.02, 0.2))
        case _:
            return rng.choice((0.01, 0.1))


def _scheduled(profile: Profile, plan: Plan, streams: Streams) -> list[Fault]:
    if not profile.kinds:
        return []
    times = streams.of("times")
    # Swarm: some kinds are left out of this run altogether, so that others come in numbers.
    chosen = streams.of("swarm")
    kinds = {kind: weight for kind, weight in profile.kinds.items() if chosen.random() < 0.65}
    kinds = kinds or dict(profile.kinds)
    gap_ms = profile.mean_gap_ms * times.choice((0.6, 1.0, 1.0, 2.0))
    faults: list[Fault] = []
    at_ms = 800.0
    while True:
        at_ms += times.expovariate(1 / gap_ms)
        if at_ms >= plan.run_ms:
            return faults + _last(kinds, plan, streams.of("last"))
        kind = times.choices(list(kinds), list(kinds.values()))[0]
        rng = streams.of(f"fault/{len(faults)}")
        faults.append(_fault(kind, int(at_ms), plan, rng))


def _last(kinds: dict[str, int], plan: Plan, rng: random.Random) -> list[Fault]:
    """What the healing finds: often a cluster in the middle of an election."""
    kind = rng.choice(("blink", "blink", "blink", "freeze_all", "ambush", "", "", ""))
    at_ms = plan.run_ms - int(2.2 * plan.election_timeout_ms)
    return [_fault(kind, at_ms, plan, rng)] if kind in kinds and at_ms > 0 else []


TIMEOUTS: Final = {
    "blink": (0.9, 2.1),  # as followers need to stand, and the leader to give up
    "freeze_all": (0.5, 4.0),
    "lonely_leader": (1.5, 5.0),
    "figure_8": (5.0, 10.0),  # time for three elections
}
"""Duration of a story, in election timeouts."""

_DAMAGE: Final = ("crash", "crash", "live")
DETAILS: Final = {
    "crash": ("", "", "", "writing", "writing", "saving", "installing"),
    "ambush": ("crash", "crash", "isolate", "one"),
    "wipe": ("", "installing"),
    "partition": ("isolate", "halves", "bridge", "ring", "deaf", "mute", "one_way"),
    # With a crash the damage is found by recovery, without by a read.
    "bitrot": _DAMAGE, "misdirect": _DAMAGE, "lost_write": _DAMAGE,
}  # fmt: skip
AMOUNTS: Final = {
    "clock_jump": (-3600.0, -1.0, -0.01, 0.5, 30.0, 3600.0),
    "slow_disk": (5.0, 50.0),
}


def _fault(kind: str, at_ms: int, plan: Plan, rng: random.Random) -> Fault:
    timeout_ms = plan.election_timeout_ms
    target = str(rng.randint(1, plan.nodes))
    duration_ms = int(rng.expovariate(1 / (3.0 * timeout_ms))) + 1
    detail = rng.choice(DETAILS[kind]) if kind in DETAILS else ""
    amount = rng.choice(AMOUNTS[kind]) if kind in AMOUNTS else 0.0
    if kind in TIMEOUTS:
        duration_ms = int(timeout_ms * rng.uniform(*TIMEOUTS[kind]))
    match kind:
        case "ambush":
            target = rng.choice(("leader", "candidate", "decides", "decides"))
        case "crash_leader" | "pause_leader":
            kind, target = kind.removesuffix("_leader"), "leader"
            detail = "writing" if kind == "crash" and rng.random() < 0.5 else ""
        case "blink" | "figure_8" | "lonely_leader":
            target = "leader"
        case (
            "crash_all"
            | "freeze_all"
            | "broker_outage"
            | "broker_lag"
            | "ledger_crash"
            | ("gateway_restart")
        ):
            target = ""
        case "partition" | "zombie_producer":
            target = rng.choice((target, "leader"))
        case "clog":
            detail = str(rng.randint(1, plan.nodes))
            duration_ms = min(duration_ms, 5000)
        case "drift_change":
            amount = rng.uniform(-0.05, 0.05)
        case "transfer":
            detail, target = target, "leader"
    return Fault(
        ordinal=0, at_ms=at_ms, kind=kind, target=target, duration_ms=duration_ms, amount=amount,
        detail=detail,
    )  # fmt: skip
