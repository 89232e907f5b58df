"""`lockstep COMMAND`: a table of commands, each in a module loaded only when it is asked for.

Why it exists: `lockstep --help` answers at once and works on a machine where one command's
libraries are missing. A command's module has `HELP`, `EXAMPLE`, `add_arguments(parser)` and
`run(arguments) -> exit code`; this one knows nothing else about it.

Exit codes: 0 good, 1 a check failed, 2 usage, 3 environment, 130 interrupted.
"""

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final, NoReturn, Protocol, cast

from adapters import core_build, parent_death
from adapters.cli.errors import (
    EXIT_ENVIRONMENT,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_USAGE,
    CliError,
)  # fmt: skip
from adapters.config import ConfigError

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "up": ("adapters.cli.up", "the whole exchange on this machine"),
    "node": ("adapters.cli.node", "one replica: log, machine, gRPC"),
    "gateway": ("adapters.cli.gateway", "REST, WebSocket and market data"),
    "ledger": ("adapters.cli.ledger", "projects events into PostgreSQL and checks them"),
    "demo-flow": ("adapters.cli.demo_flow", "market makers and takers for a demonstration"),
    "feed": ("adapters.cli.feed", "pushes recorded order flow through the public interface"),
    "match": ("adapters.cli.match", "runs an orderflow file through the bare order book"),
    "replay": ("adapters.cli.replay", "re-executes the log and prints its hashes"),
    "audit": ("adapters.cli.audit", "verifies one node's data, or finds where two differ"),
    "sim": ("adapters.cli.sim", "fault-injection runs in virtual time"),
    "bench": ("adapters.cli.bench", "the benchmarks"),
    "doctor": ("adapters.cli.doctor", "what this machine has and lacks"),
    "admin": ("adapters.cli.admin", "listings, deposits, modes: audited"),
}

OVERVIEW_EXAMPLE: Final = "example:\n  lockstep up --demo\n"


class Command(Protocol):
    """What each command's module offers."""

    HELP: str
    EXAMPLE: str

    def add_arguments(self, p: argparse.ArgumentParser, /) -> None:
        """Declare the command's options."""

    def run(self, a: argparse.Namespace, /) -> int:
        """Do it, and answer with the exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """The console script's entry point."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parent_death.end_with_parent()
    core_build.use_sources_if_asked()
    try:
        return _dispatch(arguments)
    except CliError as error:
        return _fail(arguments, error.exit_code, error.message)
    except ConfigError as error:
        return _fail(arguments, EXIT_USAGE, str(error))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`| head`): silence the interpreter's own flush too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except OSError as error:
        if os.environ.get("LOCKSTEP_TRACEBACK"):
            raise
        return _fail(arguments, EXIT_ENVIRONMENT, str(error))


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        _overview().print_help()
        return EXIT_OK if arguments else EXIT_USAGE
    name = arguments[0]
    if name not in COMMANDS:
        _overview().error(f"unknown command {name!r}; known are {', '.join(COMMANDS)}")
    if core_build.state() == "stale":
        print(f"lockstep: {core_build.STALE_MESSAGE}", file=sys.stderr)
    command = _load(name)
    parser = argparse.ArgumentParser(
        prog=f"lockstep {name}",
        description=command.HELP,
        epilog=f"example:\n  {command.EXAMPLE}\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_arguments(parser)
    parsed = parser.parse_args(arguments[1:])
    return command.run(parsed)


def _load(name: str) -> Command:
    module_name = COMMANDS[name][0]
    try:
        return cast("Command", importlib.import_module(module_name))
    except ModuleNotFoundError as error:
        if error.name is not None and module_name.startswith(error.name):
            message = "this build does not have the command"
        else:
            message = f"needs the Python package {error.name!r}, which is not installed"
        raise CliError(EXIT_ENVIRONMENT, message) from error


class _Overview(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise CliError(EXIT_USAGE, message)


def _overview() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS)) + 2
    rows = "".join(f"  {name:<{width}}{text}\n" for name, (_, text) in COMMANDS.items())
    return _Overview(
        prog="lockstep",
        usage="lockstep COMMAND [--help] ...",
        description=f"A spot exchange in lockstep.\n\ncommands:\n{rows}",
        epilog=OVERVIEW_EXAMPLE + "\n`lockstep COMMAND --help` has an example of each.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _fail(arguments: list[str], exit_code: int, message: str) -> int:
    name = arguments[0] if arguments and arguments[0] in COMMANDS else ""
    print(f"lockstep {name}".rstrip() + f": {message}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
