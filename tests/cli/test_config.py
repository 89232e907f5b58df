"""Settings: who wins over whom, and how a wrong one is refused."""

from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from adapters.config import ConfigError, load


class NodeLike(msgspec.Struct, frozen=True, kw_only=True):
    listen: str = "127.0.0.1:7401"
    batch_wait_ms: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 1
    fsync: bool = True
    data: Path = Path("lockstep-data")
    peers: list[str] = []


class WithSecret(msgspec.Struct, frozen=True, kw_only=True):
    database_url: str


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "lockstep.toml"
    path.write_text(text)
    return path


def test_defaults_file_environment_in_that_order(tmp_path: Path) -> None:
    path = file(tmp_path, '[node]\nlisten = "127.0.0.1:1"\nbatch_wait_ms = 2\n[gateway]\nx = 1\n')
    loaded = load(NodeLike, path, "node", {"LOCKSTEP_NODE_BATCH_WAIT_MS": "3"})
    assert loaded == NodeLike(listen="127.0.0.1:1", batch_wait_ms=3)
    assert load(NodeLike, None, "node", {}) == NodeLike()


def test_types_of_the_environment() -> None:
    environ = {
        "LOCKSTEP_NODE_FSYNC": "false",
        "LOCKSTEP_NODE_DATA": "there",
        "LOCKSTEP_NODE_PEERS": "a:1, b:2",
    }
    loaded = load(NodeLike, None, "node", environ)
    assert (loaded.fsync, loaded.data, loaded.peers) == (False, Path("there"), ["a:1", "b:2"])
    assert load(NodeLike, None, "node", {"LOCKSTEP_NODE_PEERS": ""}).peers == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[node]\nbatch_wait_ms = 1001\n", r"\[node\] batch_wait_ms: .*<= 1000"),
        ('[node]\nbatch_wait_ms = "1"\n', r"\[node\] batch_wait_ms: Expected `int`, got `str`"),
        ("[node]\nbatch_wait = 1\n", r"\[node\] batch_wait: unknown setting; known are batch_"),
        ("[nodes]\n", "nodes: unknown; tables are"),
        ("node = 1\n", r"node: must be a table, written \[node\]"),
        ("[node\n", "is not TOML"),
    ],
)
def test_a_wrong_file_names_place_field_and_rule(tmp_path: Path, text: str, message: str) -> None:
    path = file(tmp_path, text)
    with pytest.raises(ConfigError, match=f"lockstep.toml: {message}"):
        load(NodeLike, path, "node", {})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("LOCKSTEP_NODE_BATCH_WAIT_MS", "-1", ">= 0"),
        ("LOCKSTEP_NODE_BATCH_WAIT_MS", "soon", "Expected `int`"),
        ("LOCKSTEP_NODE_FSYNC", "perhaps", "Expected `bool`"),
        ("LOCKSTEP_NODE_LISTENS", "x", "unknown setting"),
    ],
)
def test_a_wrong_variable_names_itself(name: str, value: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: .*{message}"):
        load(NodeLike, None, "node", {name: value})


def test_a_required_setting_says_both_ways_to_give_it() -> None:
    message = r"set LOCKSTEP_LEDGER_DATABASE_URL or \[ledger\] database_url"
    with pytest.raises(ConfigError, match=message):
        load(WithSecret, None, "ledger", {})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read"):
        load(NodeLike, tmp_path / "none.toml", "node", {})
