"""JSON bodies: decoded strictly, and explained when they are wrong.

Why it exists: the fast decoder takes the last of two equal keys and says little about numbers,
while a client needs the field and the rule. So a good body is decoded once, fast; only a bad one
is parsed again, slowly, to say what is wrong. Bodies here are flat objects of strings.
"""

import json
import re
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import UNSET

from gateway.problems import Problem, Refused, invalid

BODY_BYTES_MAX: Final = 16 * 1024
STRING_RULE: Final = "must be a JSON string; numbers are sent as decimal strings"

_PATH: Final = re.compile(r" - at `\$\.?(?:\.\.\.)?([A-Za-z_]*)")
_UNKNOWN: Final = re.compile(r"unknown field `(.*)`", re.DOTALL)
_MISSING: Final = re.compile(r"missing required field `([A-Za-z]+)`")
_CHOICE: Final = re.compile(r"Invalid enum value")

StructT = TypeVar("StructT", bound=msgspec.Struct)


class BodyReader(Generic[StructT]):
    """Reads one kind of body. `choices`: what an enumerated field may be, for the message."""

    def __init__(self, kind: type[StructT], choices: dict[str, tuple[str, ...]]) -> None:
        self._decode = msgspec.json.Decoder(kind).decode
        self._fields = kind.__struct_fields__
        self._choices = choices

    def read(self, body: bytes) -> StructT:
        """Raises `Refused`, naming the field and the rule."""
        try:
            value = self._decode(body)
        except msgspec.ValidationError as error:
            raise Refused(self._explain(str(error))) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refused(_diagnose(body, str(error))) from None
        given = 0
        for name in self._fields:
            if getattr(value, name) is not UNSET:
                given += 1
        # Flat, strings only: each member has exactly four quotes unless one is escaped or a
        # member stands twice, and then the slow parser decides.
        if body.count(b'"') != 4 * given or b"\\" in body:
            _refuse_duplicates(body)
        return value

    def _explain(self, message: str) -> Problem:
        unknown = _UNKNOWN.search(message)
        if unknown:
            return invalid(_shown(unknown[1]), "is not a field of this request")
        missing = _MISSING.search(message)
        if missing:
            return invalid(missing[1], "must be given")
        path = _PATH.search(message)
        field = path[1] if path else ""
        if not field:
            return invalid("body", "must be a JSON object")
        if _CHOICE.search(message) and field in self._choices:
            return invalid(field, f"must be one of {', '.join(self._choices[field])}")
        return invalid(field, STRING_RULE)


def _shown(text: str) -> str:
    return text if len(text) <= 64 else text[:64] + "..."


class _NotJson:
    """Stands for NaN and the infinities, which are not JSON, so that their field is found."""


def _members(body: bytes) -> list[tuple[str, Any]] | None:
    """The members of the outermost object as they stand, duplicates too; None: no object."""
    value = json.loads(
        body, object_pairs_hook=list, parse_constant=lambda _: _NotJson(), parse_int=str,
        parse_float=str,
    )  # fmt: skip
    return value if isinstance(value, list) and body.lstrip()[:1] == b"{" else None


def _diagnose(body: bytes, message: str) -> Problem:
    """Why a body is no JSON: a field with NaN if there is one, else where the parser stopped."""
    if not body:
        return invalid("body", "must be a JSON object; it is empty")
    try:
        for name, value in _members(body) or []:
            if isinstance(value, _NotJson):
                return invalid(_shown(name), STRING_RULE)
    except (ValueError, RecursionError):
        pass
    return invalid("body", f"must be well-formed JSON: {message[:120]}")


def _refuse_duplicates(body: bytes) -> None:
    """Raises `Refused` also for what stands in a member that is read later, and is no JSON."""
    seen: set[str] = set()
    try:
        members = _members(body) or []
    except (ValueError, RecursionError) as error:
        raise Refused(_diagnose(body, str(error))) from None
    for name, _ in members:
        if name in seen:
            raise Refused(invalid(_shown(name), "must be given once"))
        seen.add(name)
