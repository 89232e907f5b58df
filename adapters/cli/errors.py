"""How a command ends badly on purpose: one line for the reader, and an exit code for scripts.

Why it exists apart from `main`: `python -m adapters.cli.main` loads that module under the name
`__main__`, so an exception class defined there would exist twice.
"""

from typing import Final

EXIT_OK: Final = 0
EXIT_CHECK_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_ENVIRONMENT: Final = 3
EXIT_INTERRUPTED: Final = 130


class CliError(Exception):
    """The caller's or the environment's fault, never ours: shown without a traceback."""

    def __init__(self, exit_code: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.message = message


def usage_error(message: str) -> CliError:
    """What was asked for makes no sense: exit 2."""
    return CliError(EXIT_USAGE, message)


def environment_error(message: str) -> CliError:
    """The machine lacks something, or something is in the way: exit 3."""
    return CliError(EXIT_ENVIRONMENT, message)
