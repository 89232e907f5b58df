"""`lockstep up` as a person uses it: ready, the README's own commands, and nothing left behind.

One data folder lives through the whole module: started with the demonstration, stopped by Ctrl-C,
started again, bereaved of its node, and at last killed itself. The tests build on each other.
"""

import asyncio
import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from adapters.addresses import free_ports
from adapters.cli import main
from adapters.cluster_client import connect
from core.versions import VERSION_KNOWN

ROOT = Path(__file__).resolve().parent.parent.parent
DEADLINE_S = 120.0
"""For whatever must happen at all; how fast it is belongs to the benchmarks."""

pytestmark = pytest.mark.e2e


class Up:
    """A running `lockstep up`, and what it says."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self.http, grpc, ledger = (f"127.0.0.1:{port}" for port in free_ports(3))
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "adapters.cli.main", "up", "--data", str(data),
                "--http", self.http, "--grpc", grpc, "--ledger", ledger, *options,
            ],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.said = self._until("Ctrl-C stops everything.")

    def _until(self, words: str) -> str:
        """What it printed up to these words. A timer, not a sleep, ends a start that hangs."""
        watchdog = threading.Timer(DEADLINE_S, self.process.kill)
        watchdog.start()
        said = ""
        for line in lines_of(self.process.stdout):
            said += line
            if words in line:
                watchdog.cancel()
                return said
        watchdog.cancel()
        raise AssertionError(f"up ended before it was ready: {said} {self.ended()}")

    def ended(self) -> tuple[int, str]:
        """Exit code and standard error, after its end."""
        _, err = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, err


def lines_of(stream: IO[str] | None) -> Iterator[str]:
    assert stream is not None
    yield from iter(stream.readline, "")


def processes_of(data: Path) -> dict[int, str]:
    """Every process whose command line names the data folder or a folder that it points to."""
    names = [str(data)]
    location = data / "postgres" / "LOCATION"
    if location.exists():
        names.append(location.read_text().strip())
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if any(name in line for name in names) and int(entry.name) != os.getpid():
                    found[int(entry.name)] = line
    return found


async def version_in_force(addresses: str) -> str:
    async with connect(addresses) as core:
        return (await core.status()).machine_version


def wait_for_end(pids: list[int]) -> None:
    """Of processes that are not our children: the kernel tells, nobody sleeps."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            ended, _, _ = select.select([handle], [], [], DEADLINE_S)
            os.close(handle)
            assert ended, f"process {pid} is still there"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("up") / "lockstep-data"
    yield folder
    location = folder / "postgres" / "LOCATION"  # as root, the database may lie elsewhere
    if location.exists():
        shutil.rmtree(location.read_text().strip())


@pytest.fixture(scope="module")
def first(data: Path) -> Iterator[Up]:
    up = Up(data, "--demo")
    yield up
    if up.process.poll() is None:
        up.process.terminate()
        up.ended()


def test_it_says_where_everything_is(first: Up) -> None:
    assert f"http://{first.http}/v1/markets" in first.said
    assert str(first.data / "demo-accounts.json") in first.said


def test_keys_are_their_owners_alone(first: Up) -> None:
    accounts = json.loads((first.data / "demo-accounts.json").read_text())
    assert [sorted(a) for a in accounts] == [["api_key", "balances", "secret", "user_id"]] * 5
    assert accounts[0]["balances"]["KRW"] == "500000000"
    for name in ("demo-accounts.json", "lockstep.toml"):
        assert (first.data / name).stat().st_mode & 0o777 == 0o600


def test_the_readmes_five_minutes(first: Up, tmp_path: Path) -> None:
    """The commands of the README as they stand there, against this exchange."""
    if not all(shutil.which(program) for program in ("bash", "curl", "openssl")):
        pytest.skip("the README uses bash, curl and openssl")
    text = (ROOT / "README.md").read_text().partition("## Five minutes of curl")[2]
    script = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    assert "127.0.0.1:8080" in script
    (tmp_path / "lockstep-data").symlink_to(first.data)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace("127.0.0.1:8080", first.http)],
        cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE_S, check=True,
    )  # fmt: skip
    decoder = json.JSONDecoder()
    answers, rest = [], done.stdout.lstrip()
    while rest:
        answer, end = decoder.raw_decode(rest)
        answers.append(answer)
        rest = rest[end:].lstrip()
    markets, book, trades, balances, placed, again, canceled, order = answers
    assert "BTC-KRW" in [m["symbol"] for m in markets["markets"]]
    assert book["bids"]
    assert trades["symbol"] == "BTC-KRW"
    assert {b["asset"]: b["total"] for b in balances["balances"]}["KRW"] == "500000000"
    assert placed == again
    assert placed["status"] == "NEW"
    assert canceled["status"] == order["status"] == "CANCELED"
    assert order["orderId"] == placed["orderId"]


def test_a_second_up_on_the_same_folder_is_refused(
    first: Up, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["up", "--data", str(first.data)]) == 3
    assert f"`lockstep up`, process {first.process.pid}" in capsys.readouterr().err


def test_an_address_in_use_is_refused(
    first: Up, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["up", "--data", str(tmp_path), "--http", first.http]) == 3
    assert f"--http: cannot listen on {first.http}" in capsys.readouterr().err


def test_ctrl_c_leaves_no_process(first: Up) -> None:
    kinds = " ".join(processes_of(first.data).values())
    assert all(f"main {part}" in kinds for part in ("node", "ledger", "gateway", "demo-flow"))
    assert "postgres" in kinds
    first.process.send_signal(signal.SIGINT)
    exit_code, err = first.ended()
    assert exit_code == 0, err
    assert "Traceback" not in err
    assert processes_of(first.data) == {}


def test_a_restart_keeps_keys_and_money_and_a_dead_part_ends_all(first: Up) -> None:
    before = json.loads((first.data / "demo-accounts.json").read_text())
    up = Up(first.data, "--demo")
    after = json.loads((first.data / "demo-accounts.json").read_text())
    assert after == before
    (node,) = (pid for pid, line in processes_of(first.data).items() if "main node" in line)
    os.kill(node, signal.SIGKILL)
    exit_code, err = up.ended()
    assert exit_code == 1
    assert "node was ended by SIGKILL; stopping everything" in err
    assert processes_of(first.data) == {}


def test_kill_9_of_up_itself_leaves_no_process(first: Up) -> None:
    up = Up(first.data)
    assert "listed: `lockstep admin markets`" in up.said, "those of the demonstration"
    others = processes_of(first.data)
    up.process.kill()
    up.process.wait()
    wait_for_end(list(others))
    assert processes_of(first.data) == {}
    again = Up(first.data)  # what it left on disk is good
    again.process.terminate()
    assert again.ended()[0] == 0


def test_of_three_nodes_one_may_end(tmp_path: Path) -> None:
    up = Up(tmp_path / "three", "--nodes", "3")
    assert "No market is listed yet" in up.said
    nodes = [pid for pid, line in processes_of(up.data).items() if " node " in line]
    assert len(nodes) == 3
    os.kill(nodes[0], signal.SIGKILL)
    wait_for_end(nodes[:1])
    done = subprocess.run(
        ["curl", "-s", "--retry", "20", "--retry-all-errors", f"http://{up.http}/v1/markets"],
        capture_output=True, text=True, check=False, timeout=DEADLINE_S,
    )  # fmt: skip
    assert json.loads(done.stdout)["markets"] == []
    assert up.process.poll() is None, "the others go on"
    table = tomllib.loads((up.data / "lockstep.toml").read_text())
    assert asyncio.run(version_in_force(table["gateway"]["core"])) == str(VERSION_KNOWN)
    up.process.terminate()
    up.ended()
    assert processes_of(up.data) == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--kafka", "127.0.0.1:9092"], "--kafka: this version does not publish"),
        (["--http", "8080"], "--http: '8080' is not HOST:PORT"),
        (["--http", "127.0.0.1:80800"], "--http: cannot listen on 127.0.0.1:80800: no such port"),
    ],
)
def test_what_cannot_be_done_is_said(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["up", "--data", str(tmp_path), *options]) in (2, 3)
    assert message in capsys.readouterr().err
