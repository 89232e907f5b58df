"""A real node in a process of its own, for tests that stop it, kill it and start it again."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path
from typing import Self

from adapters.parent_death import PARENT_VARIABLE

READY = re.compile(r"event=ready address=(\S+) metrics=(\S+)")
DEADLINE_S = 60.0
"""Generous: it bounds a hang, and is never what a test waits for."""


class NodeProcess:
    """`lockstep node` on a free port. `start` returns when it says that it is ready."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._environment = {
            **os.environ,
            PARENT_VARIABLE: str(os.getpid()),  # a test that fails leaves nobody behind
            "LOCKSTEP_NODE_DATA": str(folder),
            "LOCKSTEP_NODE_LISTEN": "127.0.0.1:0",
            "LOCKSTEP_NODE_MAP_BYTES": str(1 << 30),
            **{f"LOCKSTEP_NODE_{name.upper()}": value for name, value in settings.items()},
        }
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self.address = ""
        self.metrics_address = ""
        self.lines: list[str] = []

    async def start(self) -> Self:
        await self.launch()
        ready = await self.line(READY)
        self.address, self.metrics_address = ready[1], ready[2]
        self._reader = asyncio.create_task(self._read_on())
        return self

    async def launch(self) -> None:
        """Starts the process and returns at once; `line` reads what it says."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "adapters.cli.main", "node",
            env=self._environment, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def line(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """The next line that matches. Fails when the process ends without one."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                text = await self._next_line()
                assert text is not None, f"the node ended: {''.join(self.lines)}"
                found = pattern.search(text)
                if found is not None:
                    return found

    async def kill(self) -> None:
        """SIGKILL: nothing is flushed, nothing is said."""
        assert self._process is not None
        self._process.kill()
        await self._ended()

    async def stop(self) -> int:
        """SIGTERM; gives the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return await self._ended()

    async def exit_code(self) -> int:
        """Of a node that ends by itself."""
        await self._read_on()
        return await self._ended()

    async def _ended(self) -> int:
        assert self._process is not None
        async with asyncio.timeout(DEADLINE_S):
            code = await self._process.wait()
            if self._reader is not None:
                await self._reader
        return code

    async def _read_on(self) -> None:
        while await self._next_line() is not None:
            pass

    async def _next_line(self) -> str | None:
        assert self._process is not None
        assert self._process.stderr is not None
        raw = await self._process.stderr.readline()
        if not raw:
            return None
        self.lines.append(raw.decode())
        return self.lines[-1]


async def lockstep(*arguments: str, **environment: str) -> tuple[int, bytes, bytes]:
    """Runs the command line; exit code, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "adapters.cli.main", *arguments,
        env=os.environ | environment, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(DEADLINE_S):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out, err
