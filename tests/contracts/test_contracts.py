"""The public interface stays what it is: stubs fresh, examples readable, numbers unmoved."""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message_factory import GetMessageClass

from contracts import generate, lint
from contracts.gen.exchange.v1 import types_pb2
from core import codes
from tests.contracts.golden import descriptors, examples, render

FOLDER = generate.HERE / "examples"
MESSAGES = descriptors()


def _rewrite_asked(config: pytest.Config) -> bool:
    asked = config.getoption("--golden-rewrite", default=False)
    return bool(asked) or os.environ.get("LOCKSTEP_GOLDEN_REWRITE", "") not in ("", "0")


def test_the_stubs_are_a_fresh_generation(tmp_path: Path) -> None:
    generate.generate(tmp_path)
    assert generate.stale(tmp_path) == []


def test_a_stub_that_was_edited_is_stale(tmp_path: Path) -> None:
    generate.generate(tmp_path)
    stub = tmp_path / generate.PACKAGE / "types_pb2.py"
    stub.write_text(stub.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")
    assert generate.stale(tmp_path) == ["exchange/v1/types_pb2.py"]


@pytest.mark.parametrize("descriptor", MESSAGES, ids=lambda d: d.name)
def test_the_examples_of_a_message_come_back_from_json_and_from_bytes(
    descriptor: Descriptor, request: pytest.FixtureRequest
) -> None:
    path = FOLDER / f"{descriptor.name}.json"
    if _rewrite_asked(request.config):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(render(examples(descriptor)), encoding="utf-8")
    kind = GetMessageClass(descriptor)
    covered = set()
    for row in json.loads(path.read_text(encoding="utf-8")):
        message = json_format.ParseDict(row["message"], kind())
        wire = bytes.fromhex(row["wire"])
        assert message.SerializeToString(deterministic=True) == wire
        assert kind.FromString(wire) == message
        covered |= {field.name for field, _ in message.ListFields()}
    assert covered == {field.name for field in descriptor.fields}


def test_every_example_has_its_message() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {d.name for d in MESSAGES}


def _numbers(enum: Any, prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): number for name, number in enum.items()}


@pytest.mark.parametrize(
    ("enum", "names", "first"),
    [
        ("Side", codes.SIDE_NAMES, 1),
        ("OrderType", codes.ORDER_TYPE_NAMES, 1),
        ("TimeInForce", codes.TIME_IN_FORCE_NAMES, 1),
        ("SymbolMode", codes.MODE_NAMES, 1),
        ("OrderStatus", codes.STATUS_NAMES, 0),
        ("CancelReason", codes.CANCEL_REASON_NAMES, 0),
        ("BalanceReason", codes.BALANCE_REASON_NAMES, 0),
        ("CommandKind", codes.COMMAND_NAMES, 0),
        ("TransferState", codes.TRANSFER_STATE_NAMES, 0),
        ("RejectCode", codes.REJECT_NAMES, 0),
    ],
)
def test_the_enums_are_the_cores_codes(enum: str, names: tuple[str, ...], first: int) -> None:
    """Where the core's 0 means something, the public number is one more; else it is the same."""
    prefix = "".join("_" + c if c.isupper() and at else c for at, c in enumerate(enum)).upper()
    public = _numbers(getattr(types_pb2, enum), prefix + "_")
    assert public.pop("UNSPECIFIED") == 0
    inside = {name: number for number, name in enumerate(names, first) if number > 0}
    assert public == inside


def _buf() -> str:
    buf = lint.find_buf()
    if buf is None:
        pytest.skip("buf is not installed: set BUF, or run contracts/lint.py --fetch")
    return buf


def test_buf_finds_nothing() -> None:
    assert lint.run(_buf()) == 0


def test_buf_sees_a_renumbered_field() -> None:
    buf = _buf()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for path in [*generate.PROTO.rglob("*.proto"), lint.HERE / "buf.yaml", generate.BASELINE]:
            target = copy / path.relative_to(lint.HERE)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
        proto = copy / "proto" / generate.PACKAGE / "trading.proto"
        text = proto.read_text(encoding="utf-8")
        assert "int64 available_units = 3;" in text
        proto.write_text(text.replace("available_units = 3;", "available_units = 33;"), "utf-8")
        assert subprocess.run([buf, "lint"], cwd=copy, check=False).returncode == 0
        assert lint.run(buf, copy) == 1
