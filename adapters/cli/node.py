"""`lockstep node`: one replica in the foreground, until it is told to stop.

Why it exists: it joins the node with its gRPC server, which know each other's port only, and
turns what can be wrong with a data folder into one line and an exit code.
"""

import argparse
from pathlib import Path

from adapters import config
from adapters.cli.errors import EXIT_CHECK_FAILED, CliError, environment_error
from adapters.lmdb_folder import DataFolderRefused
from adapters.lmdb_rows import CorruptRow
from adapters.node import NodeConfig, run_node
from adapters.node_bridge import NodeBridge
from adapters.rpc_server import RpcServer, serve
from core.machine import Diverged, Machine
from core.versions import UnknownVersion
from replication.checkpoints import OddOneOut
from replication.node_results import ResultDiffers
from replication.record import CorruptRecord
from replication.recovery import LogWithoutSnapshot

HELP = "Runs one replica: its log, its machine, its gRPC server. Ctrl-C drains and stops it."
EXAMPLE = "lockstep node --config lockstep.toml\n  LOCKSTEP_NODE_DATA=data lockstep node"


def add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("--config", type=Path, metavar="FILE", help="TOML; the table is [node]")


def run(a: argparse.Namespace) -> int:
    settings = config.load(NodeConfig, a.config, "node")
    try:
        run_node(settings, _serve)
    except (DataFolderRefused, UnknownVersion) as error:
        raise environment_error(str(error)) from error
    except (CorruptRecord, CorruptRow, ResultDiffers) as error:
        raise environment_error(
            f"data folder {settings.data}: the log is corrupt and this node is alone: {error}"
        ) from error
    except LogWithoutSnapshot as error:
        raise environment_error(
            f"data folder {settings.data}: {error}; empty it, and the node joins its cluster anew"
        ) from error
    except (Diverged, OddOneOut) as error:
        raise CliError(EXIT_CHECK_FAILED, f"the machine has diverged: {error}") from error
    return 0


async def _serve(bridge: NodeBridge[Machine], address: str) -> RpcServer:
    return await serve(bridge, address, bridge.take_snapshot, bridge)
