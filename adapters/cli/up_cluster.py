"""The nodes of `lockstep up`: one, or three that found a cluster once and are the same ever after.

Why it exists: a cluster is founded by formatting its members' folders at the same time, and never
again: a node whose folder is empty later has lost its disk, and must join under a new identity
instead of voting as if it remembered. It must not know processes, nor the other parts.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from adapters.addresses import split
from adapters.cli.errors import usage_error
from adapters.cluster_client import addresses_of
from adapters.lmdb_folder import DataFolderRefused
from adapters.lmdb_log import identity_of
from adapters.lmdb_rows import Identity
from adapters.node import NodeConfig, format_folder
from replication.record import CLUSTER_ID_BYTES

SETTINGS_FILE: Final = "lockstep.toml"
PORT_STEP: Final = 10
PEER_PORTS_ABOVE: Final = 100


class Cluster:
    """Where the nodes live and listen. `found` formats their folders, the first time."""

    def __init__(self, data: Path, count: int, grpc: str, peers: str) -> None:
        self._data = data
        self._count = count
        self._grpc = _spread(grpc, count, "--grpc", PORT_STEP)
        self._peers: dict[int, str] = {}
        if count > 1:
            host, port = split(self._grpc[1])
            first = f"{host}:{port + PEER_PORTS_ABOVE}"
            self._peers = _spread(peers or first, count, "--peers", PORT_STEP)
        self._cluster_id = ""

    @property
    def core(self) -> str:
        """The setting by which everybody else finds the nodes."""
        if self._count == 1:
            return self._grpc[1]
        return ",".join(f"{node}={address}" for node, address in self._grpc.items())

    def listening(self) -> list[tuple[str, str]]:
        """Every address, with the option that says it."""
        return [("--grpc", at) for at in self._grpc.values()] + [
            ("--peers", at) for at in self._peers.values()
        ]

    def found(self) -> None:
        """Formats the folders if none is. Raises `DataFolderRefused` for those of another size."""
        identities = {node: identity_of(self._folder(node)) for node in self._grpc}
        formatted = {node: found for node, found in identities.items() if found is not None}
        if formatted:
            self._check_size(formatted)
            self._cluster_id = next(iter(formatted.values())).cluster
            return
        if self._count == 1:
            return  # a lone node formats its folder itself
        self._cluster_id = secrets.token_hex(CLUSTER_ID_BYTES)
        for node in self._grpc:
            self._folder(node).parent.mkdir(parents=True, exist_ok=True)
            config = NodeConfig(data=self._folder(node), node_id=node)
            format_folder(config, bytes.fromhex(self._cluster_id), tuple(self._grpc), _no_warning)

    def nodes(self) -> Iterator[tuple[str, Path, str]]:
        """Name, file of settings and gRPC address of each."""
        for node, address in self._grpc.items():
            name = "node" if self._count == 1 else f"node-{node}"
            yield name, self._file(node), address

    def settings(self) -> Iterator[tuple[Path, dict[str, object]]]:
        """The file and the table of each."""
        for node, address in self._grpc.items():
            table: dict[str, object] = {"data": str(self._folder(node)), "listen": address}
            if self._count > 1:
                table |= {
                    "node_id": node,
                    "cluster_id": self._cluster_id,
                    "peers": {str(peer): at for peer, at in self._peers.items()},
                }
            yield self._file(node), table

    def _folder(self, node: int) -> Path:
        return self._data / f"node-{node}"

    def _file(self, node: int) -> Path:
        return self._data / (SETTINGS_FILE if self._count == 1 else f"node-{node}.toml")

    def _check_size(self, formatted: dict[int, Identity]) -> None:
        founders = [len(found.founders) for found in formatted.values() if found.founders]
        if founders and founders[0] != self._count:
            raise DataFolderRefused(
                f"data folder {self._data}: was founded with {founders[0]} nodes, --nodes says "
                f"{self._count}; take that number, or another --data"
            )


def _spread(addresses: str, count: int, option: str, step: int) -> dict[int, str]:
    """Node -> address: as many as are needed, or the first and ports at equal steps above it."""
    try:
        found = addresses_of(addresses)
    except ValueError as error:
        raise usage_error(f"{option}: {error}") from error
    if len(found) == 1 and count > 1:
        host, port = split(next(iter(found.values())))
        found = {node: f"{host}:{port + step * (node - 1)}" for node in range(1, count + 1)}
    if sorted(found) != list(range(1, count + 1)):
        raise usage_error(f"{option}: {addresses!r} names {len(found)} nodes, there are {count}")
    return found


def write_table_file(path: Path, tables: dict[str, dict[str, Any]]) -> None:
    """TOML; it may hold a database password, so only its owner reads it."""
    text = "# Written by `lockstep up` at each start: changes made here are lost.\n"
    for name, table in tables.items():
        text += f"\n[{name}]\n"
        inner = {key: value for key, value in table.items() if isinstance(value, dict)}
        for key, value in table.items():
            if key not in inner:
                text += f"{key} = {_basic(value)}\n"
        for key, value in inner.items():
            text += f"\n[{name}.{key}]\n"
            text += "".join(f"{_basic(k)} = {_basic(v)}\n" for k, v in value.items())
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _basic(value: object) -> str:
    """A JSON string of printable text, or a number, is TOML as well."""
    return msgspec.json.encode(value).decode()


def _no_warning(text: str) -> None:
    raise AssertionError(f"an empty folder gave a warning: {text}")
