"""Addresses as settings write them, HOST:PORT: one form, one way to listen, one sentence if not.

Why it exists: every process takes such a setting, and a typing error or a taken port must be told
with the setting's name before anything starts. It must not know what is served at an address.
"""

import socket
from typing import Annotated

import msgspec

Address = Annotated[str, msgspec.Meta(pattern=r"^[^\s:/]+:[0-9]{1,5}$")]
"""A name or an IPv4 address, and a port; port 0 = any free one."""
OptionalAddress = Annotated[str, msgspec.Meta(pattern=r"^([^\s:/]+:[0-9]{1,5})?$")]
"""An `Address`, or empty for "none"."""


class CannotListen(OSError):
    """The environment's fault: nobody can listen there. The message names the setting."""


def split(address: str) -> tuple[str, int]:
    """Host and port of an `Address`, whose form was checked when the setting was read."""
    host, _, port = address.rpartition(":")
    return host, int(port)


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
