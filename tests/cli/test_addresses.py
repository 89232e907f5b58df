"""HOST:PORT as every process reads it: its form, and what is said when nobody can listen there."""

import msgspec
import pytest

from adapters.addresses import Address, CannotListen, OptionalAddress, free_ports, listen, split


@pytest.mark.parametrize("text", ["127.0.0.1:0", "localhost:8080", "node-1.example:65535"])
def test_good_addresses(text: str) -> None:
    assert msgspec.convert(text, Address) == text
    host, port = split(text)
    assert f"{host}:{port}" == text


@pytest.mark.parametrize("text", ["", "8080", ":8080", "host:", "host:http", "a b:1", "http://h:1"])
def test_bad_addresses(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, Address)


def test_no_address_is_said_by_nothing() -> None:
    assert msgspec.convert("", OptionalAddress) == ""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert("none", OptionalAddress)


def test_a_taken_port_is_named_with_its_setting() -> None:
    with listen("127.0.0.1:0", "first.listen") as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CannotListen, match=f"second.listen: cannot listen on {address}: "):
            listen(address, "second.listen")


def test_a_port_beyond_all_ports_is_no_bug_of_ours() -> None:
    with pytest.raises(CannotListen, match=r"--http: cannot listen on .*:99999: no such port"):
        listen("127.0.0.1:99999", "--http")


def test_free_ports_differ_and_can_be_taken() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    for port in ports:
        listen(f"127.0.0.1:{port}", "test").close()
