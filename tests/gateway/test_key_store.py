"""Keys on disk: sealed, bound to their rights, found without a restart, refused when touched."""

from pathlib import Path

import pytest

from adapters.key_store import FileKeyStore, KeyStoreError, create_key
from gateway.ports import READ, TRADE


def test_a_created_key_is_found_with_its_secret_and_rights(tmp_path: Path) -> None:
    api_key, secret = create_key(tmp_path, 7, ("READ",), ("10.0.0.1",))
    key = FileKeyStore(tmp_path).find(api_key)
    assert key is not None
    assert (key.account, key.secret, key.permissions) == (7, secret.encode(), READ)
    assert key.ips == ("10.0.0.1",)


def test_no_file_holds_the_secret_in_the_clear_or_is_open_to_others(tmp_path: Path) -> None:
    _, secret = create_key(tmp_path, 7)
    files = list((tmp_path / "keys").iterdir())
    assert len(files) == 2
    for path in files:
        assert secret.encode() not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0


def test_a_key_made_while_the_store_is_open_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [100.0]
    monkeypatch.setattr("adapters.key_store.time.monotonic", lambda: now_s[0])
    store = FileKeyStore(tmp_path)
    assert store.find("lk_none") is None
    api_key, _ = create_key(tmp_path, 9)
    assert store.find(api_key) is None, "a miss looks once a second at most"
    now_s[0] += 1.0
    found = store.find(api_key)
    assert found is not None
    assert found.permissions == READ | TRADE


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b'"account":7', b'"account":8'),
        (b'["READ"]', b'["READ","TRADE"]'),
        (b'"ips":[', b'"ips":["x"'),
    ],
)
def test_a_key_whose_rights_were_edited_is_refused_by_name(
    tmp_path: Path, was: bytes, becomes: bytes
) -> None:
    api_key, _ = create_key(tmp_path, 7, ("READ",))
    path = tmp_path / "keys" / f"{api_key}.json"
    assert was in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(was, becomes))
    with pytest.raises(KeyStoreError, match=api_key):
        FileKeyStore(tmp_path)


def test_damage_and_wrong_modes_are_told(tmp_path: Path) -> None:
    api_key, _ = create_key(tmp_path, 7)
    path, kek = tmp_path / "keys" / f"{api_key}.json", tmp_path / "keys" / "kek"
    good = path.read_bytes()
    for bad in (b"", b"{}", good[:-10], good.replace(api_key.encode(), b"lk_other")):
        path.write_bytes(bad)
        with pytest.raises(KeyStoreError, match=api_key):
            FileKeyStore(tmp_path)
    path.write_bytes(good)
    kek.chmod(0o644)
    with pytest.raises(KeyStoreError, match="mode is 0644"):
        FileKeyStore(tmp_path)
    kek.chmod(0o600)
    kek.write_text("00" * 31)
    with pytest.raises(KeyStoreError, match="31 bytes"):
        FileKeyStore(tmp_path)


def test_what_cannot_be_a_key_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="permissions"):
        create_key(tmp_path, 7, ("ADMIN",))
    with pytest.raises(ValueError, match="account"):
        create_key(tmp_path, 0)
    assert not (tmp_path / "keys").exists()
