"""The names of symbols and assets, and the ids that the machine gave them.

Why it exists: outside a symbol has a name, inside an id. Both are given once and never change or
go away, so what is known stays true, and only a name or id that is new asks the machine. It must
not know calls or messages.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from replication.ports import NodeApi

if TYPE_CHECKING:
    from core.machine import Machine


class Directory:
    """Bounded by the machine's own limits on symbols and assets."""

    def __init__(self, node: "NodeApi[Machine]") -> None:
        self._node = node
        self._symbol_ids: dict[str, int] = {}
        self._symbol_names: dict[int, str] = {}
        self._asset_ids: dict[str, int] = {}
        self._asset_names: dict[int, str] = {}
        self._as_of = -1  # the log index of the last look
        self._looking = asyncio.Lock()

    async def symbol_ids(self, names: Iterable[str] = ()) -> Mapping[str, int]:
        """Every listed symbol's id; `names` are those that the caller is about to ask for."""
        await self._look_for(names, self._symbol_ids)
        return self._symbol_ids

    async def asset_ids(self, names: Iterable[str]) -> Mapping[str, int]:
        await self._look_for(names, self._asset_ids)
        return self._asset_ids

    async def symbol_names(self, ids: Iterable[int]) -> Mapping[int, str]:
        await self._look_for(ids, self._symbol_names)
        return self._symbol_names

    async def asset_names(self, ids: Iterable[int]) -> Mapping[int, str]:
        await self._look_for(ids, self._asset_names)
        return self._asset_names

    async def _look_for(
        self, wanted: Iterable[str] | Iterable[int], known: Mapping[str, int] | Mapping[int, str]
    ) -> None:
        """Asks the machine if something wanted is unknown and the log has moved since."""
        if all(item in known for item in wanted):
            return
        async with self._looking:
            if self._node.status().index == self._as_of:
                return
            index, symbols, assets = await self._node.peek(_names)
            self._as_of = index
            self._symbol_ids.update(symbols)
            self._symbol_names.update((id_, name) for name, id_ in symbols)
            self._asset_ids.update(assets)
            self._asset_names.update((id_, name) for name, id_ in assets)


def _names(machine: "Machine") -> tuple[int, list[tuple[str, int]], list[tuple[str, int]]]:
    symbols = [(symbol.name, symbol.id) for symbol in machine.symbols()]
    assets = [(asset.name, asset.id) for asset in machine.assets()]
    return machine.index, symbols, assets
