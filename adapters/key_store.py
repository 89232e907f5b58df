"""API keys on disk, sealed; in memory, ready. Implements `gateway.ports.KeyStore`.

Why it exists: an HMAC secret cannot be hashed, because the server must compute with it. So each
secret is sealed with AES-256-GCM under a key-encryption key in a file of its own (mode 0600), and
what the key may do is bound to the seal: whoever edits a key's account or permissions in its file
makes it unreadable. The secret itself is shown once, by `create_key`, and never again. It must not
know requests or signatures.

    KEYS/kek          32 bytes, hexadecimal, mode 0600
    KEYS/<id>.json    one key: who, what it may do, nonce, sealed secret
    KEYS/created.log  which operator made which key, and why: one JSON object a line

A file is written whole and renamed into place, so a reader sees all of a key or none of it. New
files are found while the gateway runs: a miss looks at the folder again, once a second at most.
"""

import base64
import os
import re
import secrets
import time
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.ports import PERMISSION_NAMES, Key

KEK_BYTES: Final = 32
NONCE_BYTES: Final = 12
SECRET_BYTES: Final = 32
KEYS_MAX: Final = 100_000
KEY_FILE_BYTES_MAX: Final = 8 * 1024
RESCAN_S: Final = 1.0

_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class KeyStoreError(Exception):
    """The operator's fault, or damage on disk: names the file and what is wrong with it."""


class _Sealed(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    key_id: str
    account: int
    permissions: list[str]
    ips: list[str]
    nonce: bytes
    sealed: bytes

    def associated_data(self) -> bytes:
        """What the seal binds: everything but the nonce and itself."""
        bound = (self.version, self.key_id, self.account, self.permissions, self.ips)
        return msgspec.json.encode(bound)


def create_key(
    data_dir: Path, account: int, permissions: tuple[str, ...] = ("READ", "TRADE"),
    ips: tuple[str, ...] = (),
) -> tuple[str, str]:  # fmt: skip
    """A new key for `account`: (api_key, secret). The secret exists nowhere else in the clear.

    Signatures use the secret's text as bytes: `secret.encode()`.
    """
    for name in permissions:
        if name not in PERMISSION_NAMES:
            raise ValueError(f"permissions: {name!r} is not one of {', '.join(PERMISSION_NAMES)}")
    if not permissions or account < 1:
        raise ValueError("permissions: must not be empty; account: must be at least 1")
    folder = _folder(data_dir)
    kek = _load_or_make_kek(folder)
    key_id = "lk_" + secrets.token_hex(12)
    secret = base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).decode().rstrip("=")
    key = _Sealed(1, key_id, account, list(permissions), list(ips), os.urandom(NONCE_BYTES), b"")
    key.sealed = AESGCM(kek).encrypt(key.nonce, secret.encode(), key.associated_data())
    _write_whole(folder / f"{key_id}.json", msgspec.json.encode(key))
    return key_id, secret


def note_creation(data_dir: Path, key_id: str, account: int, note: dict[str, str]) -> None:
    """Who made the key, and why: one line of JSON in `KEYS/created.log`, durable on return.

    A key is no command of the machine, so this note cannot stand in the replicated log.
    """
    row = {"at_ms": time.time_ns() // 1_000_000, "api_key": key_id, "account": account} | note
    path = _folder(data_dir) / "created.log"
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, msgspec.json.encode(row) + b"\n")
        os.fsync(fd)
    finally:
        os.close(fd)


class FileKeyStore:
    """All keys of a data folder in memory. Raises `KeyStoreError` for a folder it cannot trust."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = _folder(data_dir)
        self._kek = _load_or_make_kek(self._folder)
        self._keys: dict[str, Key] = {}
        self._seen_mtime_ns = 0
        self._next_scan_s = 0.0
        self._scan()

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, key_id: str) -> Key | None:
        key = self._keys.get(key_id)
        if key is None and time.monotonic() >= self._next_scan_s:
            self._next_scan_s = time.monotonic() + RESCAN_S
            if self._folder.stat().st_mtime_ns != self._seen_mtime_ns:
                self._scan()
                key = self._keys.get(key_id)
        return key

    def _scan(self) -> None:
        self._seen_mtime_ns = self._folder.stat().st_mtime_ns
        paths = sorted(self._folder.glob("*.json"))
        if len(paths) > KEYS_MAX:
            raise KeyStoreError(f"{self._folder}: more than {KEYS_MAX} keys")
        for path in paths:
            if path.stem not in self._keys:
                self._keys[path.stem] = _open_key(path, self._kek)


def _open_key(path: Path, kek: bytes) -> Key:
    try:
        raw = path.read_bytes()
        key = msgspec.json.decode(raw[:KEY_FILE_BYTES_MAX], type=_Sealed)
        if key.key_id != path.stem or key.version != 1 or not _KEY_ID.fullmatch(key.key_id):
            raise KeyStoreError(f"{path}: is not the file of the key that it names")
        secret = AESGCM(kek).decrypt(key.nonce, key.sealed, key.associated_data())
        permissions = sum({PERMISSION_NAMES[name] for name in key.permissions})
    except (InvalidTag, ValueError, KeyError) as error:
        raise KeyStoreError(
            f"{path}: cannot be unsealed: changed, damaged, or sealed under another kek"
        ) from error
    return Key(key.key_id, key.account, secret, permissions, tuple(key.ips))


def _folder(data_dir: Path) -> Path:
    folder = data_dir / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _load_or_make_kek(folder: Path) -> bytes:
    path = folder / "kek"
    if not path.exists():
        # Written aside and linked: of two first users one wins, and both read the winner's.
        fresh = folder / f"kek.{os.getpid()}.{secrets.token_hex(4)}"
        _write_private(fresh, secrets.token_hex(KEK_BYTES).encode())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise KeyStoreError(f"{path}: mode is {mode:04o}; must be 0600, its owner's alone")
    try:
        kek = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError as error:
        raise KeyStoreError(f"{path}: is not hexadecimal") from error
    if len(kek) != KEK_BYTES:
        raise KeyStoreError(f"{path}: holds {len(kek)} bytes; must be {KEK_BYTES}")
    return kek


def _write_whole(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(f".{os.getpid()}.tmp")
    _write_private(fresh, data)
    fresh.replace(path)


def _write_private(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
