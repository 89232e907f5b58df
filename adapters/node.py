"""One node: its data folder, log, snapshots, machine, driver and gRPC server, put together.

Why it exists: the parts know ports only; somebody has to choose the real ones, start them in
order and stop them in the reverse order. The node lives on trio in the main thread, the log's
writer has a thread, gRPC has an asyncio thread. Nothing is decided here beyond start and stop.
"""

import asyncio
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Final, Protocol

import msgspec
import trio
import uvloop

from adapters.addresses import Address, OptionalAddress, split
from adapters.evidence import keep_evidence
from adapters.lmdb_folder import DataFolder, DataFolderRefused, snapshot_path
from adapters.lmdb_log import LmdbLog, identity_of, lmdb_facts
from adapters.node_bridge import NodeBridge
from adapters.node_metrics import NodeMetrics, log_line
from adapters.peer_certificates import PeerTls
from adapters.peer_transport import PeerTransport
from adapters.snapshot_files import SnapshotFiles
from core.limits import BATCH_COMMANDS_MAX
from core.machine import Diverged, Machine
from replication.batching import Limits
from replication.checkpoints import OddOneOut
from replication.driver import Driver
from replication.membership import Configuration, founding
from replication.messages import NODE_BITS, node_number
from replication.node import Node
from replication.ports import Clock, Entropy
from replication.record import CLUSTER_ID_BYTES
from replication.recovery import recover, refuse_damage
from replication.replica_state import ReplicaSettings
from replication.settings import NodeSettings

SWITCH_INTERVAL_S: Final = 0.0005
"""A thread that waits for the interpreter gets it after half a millisecond; Python's own five
would be felt in every acknowledgement when gRPC is busy."""

Positive = Annotated[int, msgspec.Meta(ge=1)]


class NodeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one node: `[node]` in the file, `LOCKSTEP_NODE_...` in the environment."""

    data: Path = Path("lockstep-data/node-1")
    listen: Address = "127.0.0.1:7401"
    metrics_listen: OptionalAddress = ""
    node_id: Positive = 1
    cluster_id: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{32})?$")] = ""
    partition: Annotated[int, msgspec.Meta(ge=0)] = 0
    map_bytes: Annotated[int, msgspec.Meta(ge=256 << 20)] = 64 << 30
    batch_commands_max: Annotated[int, msgspec.Meta(ge=1, le=BATCH_COMMANDS_MAX)] = 8192
    batch_delay_us: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 1000
    waiting_commands_max: Annotated[int, msgspec.Meta(ge=1, le=1 << 20)] = 65_536
    checkpoint_entries: Positive = 10_000
    checkpoint_commands: Positive = 50_000
    checkpoint_ms: Annotated[int, msgspec.Meta(ge=10)] = 10_000
    snapshot_entries: Positive = 200_000
    snapshot_on_stop: bool = False
    retain_entries: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Records kept below the snapshots; 0 keeps the whole log, from which gateways fold."""
    peers: dict[str, Address] = {}
    """Where each node listens for its peers, by number; this node's own too. Empty: alone."""
    election_timeout_ms: Annotated[int, msgspec.Meta(ge=50, le=60_000)] = 300
    heartbeat_ms: Annotated[int, msgspec.Meta(ge=5, le=10_000)] = 60
    peer_certificate: Path | None = None
    peer_key: Path | None = None
    peer_authority: Path | None = None

    def __post_init__(self) -> None:
        if self.peers and str(self.node_id) not in self.peers:
            raise ValueError(f"peers: node {self.node_id} itself is missing")
        if any(not number.isdecimal() or int(number) < 1 for number in self.peers):
            raise ValueError(f"peers: {list(self.peers)} are not all node numbers")
        if 2 * self.heartbeat_ms > self.election_timeout_ms:
            raise ValueError("heartbeat_ms: must be at most half of election_timeout_ms")
        given = [self.peer_certificate, self.peer_key, self.peer_authority]
        if any(given) and not all(given):
            raise ValueError("peer_certificate, peer_key, peer_authority: all three, or none")

    @property
    def peer_addresses(self) -> dict[int, str]:
        return {int(number): address for number, address in self.peers.items()}

    @property
    def tls(self) -> PeerTls | None:
        if self.peer_certificate is None or self.peer_key is None or self.peer_authority is None:
            return None
        return PeerTls(self.peer_certificate, self.peer_key, self.peer_authority)


class SystemClock:
    """Keeps `replication.ports.Clock` with trio's scale and the machine's wall clock."""

    def monotonic_s(self) -> float:
        return trio.current_time()

    def wall_ns(self) -> int:
        return time.time_ns()


class SystemEntropy:
    """Keeps `replication.ports.Entropy` with the kernel's generator."""

    def random_bytes(self, count: int) -> bytes:
        return os.urandom(count)


class Server(Protocol):
    """What a node starts to be reached by; `adapters.rpc_server.RpcServer` is one."""

    @property
    def address(self) -> str: ...

    async def stop(self, grace_s: float = ...) -> None: ...


Serve = Callable[[NodeBridge[Machine], str], Coroutine[Any, Any, Server]]


def run_node(config: NodeConfig, serve: Serve) -> None:
    """Runs until SIGTERM or SIGINT and returns after a clean stop.

    Raises `DataFolderRefused`, `CorruptRecord`, `CorruptRow` or `ResultDiffers` if the folder
    cannot be used, `OSError` if the addresses cannot, `Diverged` if the machine found that it
    differs from its log.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        trio.run(_run, config, serve, SystemClock(), SystemEntropy())
    except BaseExceptionGroup as group:
        raise _only_cause(group) from group


def _only_cause(group: BaseException) -> BaseException:
    """trio wraps what a task raised in a group; where it is alone, callers want it bare."""
    while isinstance(group, BaseExceptionGroup) and len(group.exceptions) == 1:
        group = group.exceptions[0]
    return group


async def _run(config: NodeConfig, serve: Serve, clock: Clock, entropy: Entropy) -> None:
    started_s = clock.monotonic_s()
    folder = DataFolder.open(config.data)
    try:
        metrics = NodeMetrics()
        log = _open_log(config, entropy)
        log.on_commit = metrics.committed
        try:
            snapshots = SnapshotFiles(
                snapshot_path(folder.path), log.cluster, _warn, log.result_index
            )
            parts = _parts(config, log, snapshots, clock, entropy, metrics)
            snapshots.clear_up()
            gc.collect()
            gc.freeze()  # what recovery built lives as long as the node: no need to look again
            _watch(metrics, parts, log)
            status = parts.driver.status()
            log_line("info", "recovered", index=status.index, durable=status.durable_index,
                     damaged=parts.node.replica.damaged, member=parts.node.replica.member,
                     seconds=round(clock.monotonic_s() - started_s, 3), **lmdb_facts())  # fmt: skip
            await _serve_until_stopped(config, parts, metrics, serve)
        except (OddOneOut, Diverged) as error:
            kept = keep_evidence(config.data, log, error, parts.node.machine)
            log_line("error", "evidence", kept=kept, why=str(error))
            raise
        finally:
            log.close()
    finally:
        folder.close()


class SecretMachines:
    """`replication.ports.MachineKind`: machines whose clients cannot tell where a key is kept."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __call__(self) -> Machine:
        return Machine(secret=self._secret)

    def restore(self, data: bytes) -> Machine:
        return Machine.restore(data, secret=self._secret)


class Parts(msgspec.Struct, frozen=True):
    """What runs: the node, what drives it, and its way to its peers."""

    node: Node[Machine]
    driver: Driver[Machine]
    transport: PeerTransport | None


def format_folder(
    config: NodeConfig, cluster: bytes, voters: tuple[int, ...], warn: Callable[[str], None]
) -> None:
    """Makes an empty folder a founder's of a cluster. Once, for all founders at the same time.

    Raises `DataFolderRefused` if the folder has a log already.
    """
    folder = DataFolder.open(config.data)
    try:
        if identity_of(config.data) is not None:
            raise DataFolderRefused(f"data folder {config.data}: has a log already")
        LmdbLog.create_or_open(
            config.data, cluster, config.node_id, config.map_bytes, warn, voters=voters
        ).close()
    finally:
        folder.close()


def _open_log(config: NodeConfig, entropy: Entropy) -> LmdbLog:
    wanted = bytes.fromhex(config.cluster_id)
    member, voters = config.node_id, None
    if config.peers and identity_of(config.data) is None:
        # Not formatted, in a cluster: new, or it lost its disk. Either way it has promised
        # nothing under its new name, and learns who belongs from whoever leads.
        if not wanted:
            raise DataFolderRefused(
                f"data folder {config.data}: is empty; to join a cluster, set cluster_id"
            )
        incarnation = int.from_bytes(entropy.random_bytes(4), "little") >> 1 or 1
        member, voters = incarnation << NODE_BITS | config.node_id, ()
    log = LmdbLog.create_or_open(
        config.data, wanted or entropy.random_bytes(CLUSTER_ID_BYTES), member,
        config.map_bytes, _warn, voters=voters,
    )  # fmt: skip
    if wanted and wanted != log.cluster:
        log.close()
        raise DataFolderRefused(
            f"data folder {config.data}: belongs to cluster {log.cluster.hex()}, "
            f"cluster_id says {config.cluster_id}"
        )
    return log


def _parts(
    config: NodeConfig, log: LmdbLog, snapshots: SnapshotFiles, clock: Clock, entropy: Entropy,
    metrics: NodeMetrics,
) -> Parts:  # fmt: skip
    founders: Configuration | None = None
    if log.identity.founders:
        founders = founding(log.identity.founders)
    kind = SecretMachines(entropy.random_bytes(16))
    recovered = recover(log, snapshots, kind, _warn, founders)
    member = log.identity.node_id
    if recovered.configurations[-1][1].members == (member,):
        refuse_damage(recovered)
    node = Node(
        settings_of(config), member, log.cluster, recovered, kind, log, clock, entropy,
        _warn, metrics,
    )  # fmt: skip
    transport = None
    if config.peers:
        addresses = config.peer_addresses
        node.replica.nodes = tuple(sorted(addresses))
        transport = PeerTransport(
            member, log.cluster, addresses[node_number(member)], addresses, _warn, config.tls
        )
    driver = Driver(node, log, snapshots, clock, metrics, transport)
    return Parts(node, driver, transport)


def settings_of(config: NodeConfig) -> NodeSettings:
    return NodeSettings(
        limits=Limits(
            batch_commands_max=config.batch_commands_max,
            waiting_commands_max=config.waiting_commands_max,
        ),
        replica=ReplicaSettings(
            election_timeout_s=config.election_timeout_ms / 1e3,
            heartbeat_s=config.heartbeat_ms / 1e3,
        ),
        batch_delay_s=config.batch_delay_us / 1e6,
        unapplied_entries_max=16 if config.peers else 4,
        checkpoint_entries=config.checkpoint_entries,
        checkpoint_commands=config.checkpoint_commands,
        checkpoint_s=config.checkpoint_ms / 1e3,
        snapshot_entries=config.snapshot_entries,
        retain_entries=config.retain_entries,
        partition=config.partition,
    )


async def _serve_until_stopped(
    config: NodeConfig, parts: Parts, metrics: NodeMetrics, serve: Serve
) -> None:
    gates = _AsyncioThread()
    driver = parts.driver
    bridge = NodeBridge(driver, gates.loop, parts.transport)
    exporter = None
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_stop_on_signal, driver)
            nursery.start_soon(bridge.run)
            if parts.transport is not None:
                await nursery.start(parts.transport.run)

            async def drive() -> None:
                if config.snapshot_on_stop:
                    driver.on_drained = driver.snapshot
                await driver.run()
                nursery.cancel_scope.cancel()

            nursery.start_soon(drive)
            await driver.running()
            server = await gates.call(serve(bridge, config.listen))
            gates.on_stop(server.stop)
            scraped_at = "none"
            if config.metrics_listen:
                host, port = split(config.metrics_listen)
                exporter = metrics.serve(host, port)
                scraped_at = f"{host}:{exporter.server_port}"
            log_line("info", "ready", address=server.address, metrics=scraped_at, pid=os.getpid(),
                     term=driver.status().term, index=driver.status().index)  # fmt: skip
    finally:
        if exporter is not None:
            exporter.shutdown()
            exporter.server_close()
        gates.stop(bridge.fail_all)
    log_line("info", "stopped", index=driver.status().index)


async def _stop_on_signal(driver: Driver[Machine]) -> None:
    """Drains on the first signal. A second one is not needed: everything has a bound."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            log_line("info", "draining", signal=signal.Signals(number).name)
            driver.stop()


def _watch(metrics: NodeMetrics, parts: Parts, log: LmdbLog) -> None:
    driver, replica = parts.driver, parts.node.replica
    metrics.watch(
        "lockstep_waiting_commands", "Admitted, not answered.", lambda: driver.waiting_commands
    )
    metrics.watch("lockstep_applied_index", "Last applied.", lambda: driver.status().index)
    metrics.watch("lockstep_term", "Current term.", lambda: driver.status().term)
    metrics.watch(
        "lockstep_unstored_results", "Applied entries whose results are not stored yet.",
        lambda: driver.unstored_results,
    )  # fmt: skip
    metrics.watch("lockstep_commit_index", "Last decided.", lambda: replica.commit_index)
    metrics.watch("lockstep_leads", "1 while this node leads.", lambda: float(replica.may_propose))
    metrics.watch("lockstep_damaged_records", "In repair.", lambda: replica.damaged)
    keys = "Idempotency keys: rows"
    metrics.watch("lockstep_machine_keys", f"{keys} used.", lambda: parts.node.machine.keys[0])
    metrics.watch(
        "lockstep_machine_keys_max", f"{keys} allowed.", lambda: parts.node.machine.keys[1]
    )
    metrics.watch("lockstep_log_room_bytes", "What may still be admitted.", log.room_bytes)
    metrics.watch("lockstep_log_used_bytes", "Of LMDB's map.", log.used_bytes)


def _warn(text: str) -> None:
    log_line("warning", "recovery", text=text)


class _AsyncioThread:
    """A thread with an event loop, for libraries that need asyncio."""

    def __init__(self) -> None:
        self.loop = uvloop.new_event_loop()
        self._stops: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._thread = threading.Thread(target=self._run, name="asyncio", daemon=True)
        self._thread.start()

    async def call(self, work: Coroutine[Any, Any, Server]) -> Server:
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        return await trio.to_thread.run_sync(future.result, abandon_on_cancel=True)

    def on_stop(self, stop: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._stops.append(stop)

    def stop(self, first: Callable[[], None]) -> None:
        """Runs `first` in the loop, then what was registered, then ends the thread."""

        async def stop_all() -> None:
            first()
            for stop in self._stops:
                await stop()

        asyncio.run_coroutine_threadsafe(stop_all(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
