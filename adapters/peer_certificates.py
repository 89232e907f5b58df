"""Certificates of the nodes of a cluster: contexts for mutual TLS, and a small authority to make
them where nobody else does.

Why it exists: a peer is believed by its certificate, so which versions, names and authorities are
accepted is decided in one place. A node's certificate names it `node-N`. It must not know what is
said on a connection.
"""

import datetime as dt
import os
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_DAYS: Final = 825
"""The longest that browsers' programmes let a certificate live before they went to a year."""


class PeerTls(msgspec.Struct, frozen=True):
    """Files in PEM: this node's certificate and key, and the authority that signs all nodes'."""

    certificate: Path
    key: Path
    authority: Path


def node_name(node: int) -> str:
    return f"node-{node}"


def server_context(tls: PeerTls) -> ssl.SSLContext:
    """Whoever connects must show a certificate of the authority. Raises `OSError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    return _loaded(context, tls)


def client_context(tls: PeerTls) -> ssl.SSLContext:
    """The node that answers must be the one that was dialled. Raises `OSError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return _loaded(context, tls)


def _loaded(context: ssl.SSLContext, tls: PeerTls) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cafile=tls.authority)
    context.load_cert_chain(tls.certificate, tls.key)
    return context


def make_certificates(folder: Path, nodes: Iterable[int], now: dt.datetime) -> None:
    """An authority of its own and a certificate for each node, readable by their owner only.

    Writes `authority.pem`, and `node-N.pem` and `node-N.key` for each. The authority's key is
    thrown away: to add a node later, make all of them again. Existing files are kept.
    """
    if (folder / "authority.pem").exists():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("lockstep peers", authority_key, "lockstep peers", authority_key, now)
    for node in nodes:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(node_name(node), key, "lockstep peers", authority_key, now)
        _write(folder / f"{node_name(node)}.key", _private(key))
        _write(
            folder / f"{node_name(node)}.pem",
            certificate.public_bytes(serialization.Encoding.PEM),
        )
    _write(folder / "authority.pem", authority.public_bytes(serialization.Encoding.PEM))


def files_of(folder: Path, node: int) -> PeerTls:
    """Where `make_certificates` put them."""
    name = node_name(node)
    return PeerTls(folder / f"{name}.pem", folder / f"{name}.key", folder / "authority.pem")


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey, now: dt.datetime,
) -> x509.Certificate:  # fmt: skip
    is_authority = name == issuer
    usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if not is_authority:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        ).add_extension(x509.ExtendedKeyUsage(usage), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
