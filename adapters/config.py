"""Settings of one process: defaults in a struct, a TOML file over them, the environment on top.

Why it exists: every setting has one name, one type and one range, written once as a field of a
`msgspec.Struct`; a typing error in a file or a variable must stop the process before it starts,
naming the place, the field and the rule. It knows no room's settings: callers bring the struct.

    class NodeConfig(msgspec.Struct, frozen=True, kw_only=True):
        listen: str = "127.0.0.1:7401"
        batch_wait_ms: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 1

    load(NodeConfig, Path("lockstep.toml"), "node")

reads the table `[node]` of the file and `LOCKSTEP_NODE_LISTEN`, `LOCKSTEP_NODE_BATCH_WAIT_MS`.
Lists in the environment are separated by commas; an empty variable is an empty value, not "unset".
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)

FILE_BYTES_MAX: Final = 1 << 20
SECTION_NAMES: Final = ("archive", "demo", "gateway", "ledger", "node", "stream", "up")
"""Tables that one file may hold, so that all processes can share it."""


class ConfigError(ValueError):
    """The operator's fault: a setting that cannot be used. The message says where and why."""


def load(
    cls: type[T],
    path: Path | None,
    section: str,
    environ: Mapping[str, str] = os.environ,
) -> T:
    """The settings of `section`. Raises `ConfigError`."""
    if section not in SECTION_NAMES:
        raise AssertionError(f"section {section!r} is not one of {SECTION_NAMES}")
    fields = {f.encode_name: f for f in msgspec.structs.fields(cls)}
    values: dict[str, Any] = {}
    if path is not None:
        for key, value in _table(path, section).items():
            where = f"{path}: [{section}] {key}"
            values[key] = _convert(fields, key, value, where, strict=True)
    prefix = f"LOCKSTEP_{section.upper()}_"
    for name in sorted(environ):
        if name.startswith(prefix):
            key = name.removeprefix(prefix).lower()
            values[key] = _convert(fields, key, environ[name], name, strict=False)
    for key, field in fields.items():
        if field.required and key not in values:
            raise ConfigError(
                f"{section}.{key}: has no default; set {prefix}{key.upper()} or [{section}] {key}"
            )
    try:
        return cls(**{fields[key].name: value for key, value in values.items()})
    except (ValueError, TypeError) as error:  # a rule over several fields, in __post_init__
        raise ConfigError(f"{path or 'environment'}: [{section}]: {error}") from error


def _table(path: Path, section: str) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > FILE_BYTES_MAX:
        raise ConfigError(f"{path}: is larger than {FILE_BYTES_MAX} bytes")
    try:
        document = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    for name, value in document.items():
        if name not in SECTION_NAMES:
            raise ConfigError(f"{path}: {name}: unknown; tables are {', '.join(SECTION_NAMES)}")
        if not isinstance(value, dict):
            raise ConfigError(f"{path}: {name}: must be a table, written [{name}]")
    table: dict[str, Any] = document.get(section, {})
    return table


def _convert(
    fields: Mapping[str, "msgspec.structs.FieldInfo"],
    key: str,
    value: object,
    where: str,
    *,
    strict: bool,
) -> object:
    field = fields.get(key)
    if field is None:
        raise ConfigError(f"{where}: unknown setting; known are {', '.join(sorted(fields))}")
    if not strict and isinstance(value, str) and _is_sequence(field.type):
        value = [item.strip() for item in value.split(",")] if value else []
    try:
        return msgspec.convert(value, field.type, strict=strict, dec_hook=_decode_path)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}") from error


def _is_sequence(annotation: object) -> bool:
    info = msgspec.inspect.type_info(annotation)
    return isinstance(
        info,
        msgspec.inspect.ListType | msgspec.inspect.VarTupleType | msgspec.inspect.TupleType,
    )


def _decode_path(wanted: type, value: object) -> object:
    if wanted is Path and isinstance(value, str):
        return Path(value)
    raise ValueError(f"expected {wanted.__name__}")
