"""Addresses as settings write them, HOST:PORT: one form, one way to listen, one sentence if not.

Why it exists: every process takes such a setting, and a typing error or a taken port must be told
with the setting's name before anything starts; and a peer's address that stands in the log once is
dialled by every node for ever. It must not know what is served at an address.
"""

import re
import socket
from typing import Annotated, Final

import msgspec

Address = Annotated[str, msgspec.Meta(pattern=r"^[^\s:/]+:[0-9]{1,5}$")]
"""A name or an IPv4 address, and a port; port 0 = any free one."""
OptionalAddress = Annotated[str, msgspec.Meta(pattern=r"^([^\s:/]+:[0-9]{1,5})?$")]
"""An `Address`, or empty for "none"."""


_FORM: Final = re.compile(r"([^\s:/]+):([0-9]{1,5})")
_HOST_CHARACTERS_MAX: Final = 253
PORT_MAX: Final = 65_535


class CannotListen(OSError):
    """The environment's fault: nobody can listen there. The message names the setting."""


def split(address: str) -> tuple[str, int]:
    """Host and port of an `Address`, whose form was checked when the setting was read."""
    host, _, port = address.rpartition(":")
    return host, int(port)


def dialled(address: str, what: str) -> str:
    """The same, if somebody may listen there. Raises `ValueError`; `what` is what it is called."""
    form = _FORM.fullmatch(address)
    if form is None:
        raise ValueError(f"{what}: {address[:80]!r} is not HOST:PORT")
    host, port = form[1], int(form[2])
    try:
        host.encode("idna")  # as the resolver will
    except UnicodeError as error:
        raise ValueError(f"{what}: {host[:80]!r} is no host's name: {error}") from error
    if not host.isprintable() or len(host) > _HOST_CHARACTERS_MAX:
        raise ValueError(f"{what}: {host[:80]!r} is no host's name")
    if not 1 <= port <= PORT_MAX:
        raise ValueError(f"{what}: port {port} is outside 1..{PORT_MAX}")
    return address


def listen(address: str, setting: str) -> socket.socket:
    """A listening TCP socket. Raises `CannotListen`; `setting` is what the message calls it."""
    try:
        return socket.create_server(split(address), backlog=128)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no such port"
        raise CannotListen(f"{setting}: cannot listen on {address}: {reason}") from error


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on at this moment, for tests and benchmarks.

    Nothing keeps them free: whoever is given one should take it soon.
    """
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
