"""Subcommands of `lockstep admin` that have actions of their own, such as `cluster add`.

Why it exists: each action changes something and wants a reason and a ticket, or only reads; that is
said once for all groups. It must not know what an action does.
"""

import argparse
from collections.abc import Callable, Collection
from typing import Any

Adder = Callable[[str, str], argparse.ArgumentParser]
"""Adds an action by its name and what it does."""


def add_group(
    commands: Any, name: str, text: str, reads: Collection[str], common: argparse.ArgumentParser,
    audited: argparse.ArgumentParser,
) -> Adder:  # fmt: skip
    """The group `name`; of its actions those in `reads` change nothing."""
    group = commands.add_parser(name, help=text, description=text)
    actions = group.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, text: str) -> argparse.ArgumentParser:
        parents = [common] if name in reads else [audited]
        found: argparse.ArgumentParser = actions.add_parser(
            name, help=text, description=text, parents=parents
        )
        return found

    return action
