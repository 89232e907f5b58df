"""Opening LMDB for a log: the environment, its databases, a look at the pages first.

Why it exists: LMDB trusts its file; what is looked at before it maps a page, and with which flags
it is opened, decides whether a damaged file is named or kills the process. It must not know what
is in the databases, but for the identity that every log begins with.
"""

from pathlib import Path
from typing import Final

import lmdb
from lmdb.verify import VerifyError, verify

from adapters.lmdb_folder import DataFolderRefused, is_in_use, log_path
from adapters.lmdb_rows import (
    FORMAT_VERSION,
    IDENTITY_KEY,
    CorruptRow,
    Identity,
    encode_identity,
    key_index,
)

DATABASES: Final = (b"records", b"results", b"anchor", b"meta")
DATABASES_MAX: Final = 16
"""LMDB hides a database beyond this number; a later version's folder should name what it lacks."""
READERS_MAX: Final = 64
Database = lmdb._Database  # noqa: SLF001 - the only name that the library gives the type


def open_environment(folder: Path, map_bytes: int, *, readonly: bool) -> lmdb.Environment:
    path = log_path(folder)
    beside_a_writer = readonly and is_in_use(folder)
    if (path / "data.mdb").exists():
        if not beside_a_writer:
            _check_pages(path)
    elif readonly:
        raise DataFolderRefused(f"log {path}: there is none")
    else:
        path.mkdir(parents=True, exist_ok=True)
    try:
        return lmdb.Environment(
            str(path),
            map_size=map_bytes,
            subdir=True,
            readonly=readonly,
            create=not readonly,
            max_dbs=DATABASES_MAX,
            max_readers=READERS_MAX,
            lock=beside_a_writer or not readonly,  # a stopped node's folder is not written to
            meminit=False,
            readahead=True,
        )
    except lmdb.Error as error:
        raise DataFolderRefused(f"log {path}: LMDB cannot open it: {error}") from error


def _check_pages(path: Path) -> None:
    """LMDB trusts its pages: a damaged one may kill the process that reads it. So look first.

    Only at a file that nobody writes: about ten microseconds for each entry. Content is not
    looked at here; records and rows prove themselves.
    """
    if (path / "data.mdb").stat().st_size == 0:
        return  # a node that was killed while it made the folder
    try:
        problems = verify(str(path))  # type: ignore[no-untyped-call]
    except VerifyError as error:
        problems = [str(error)]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise CorruptRow(f"log: LMDB's own pages are damaged: {problems[0]}{more}")


def create_databases(
    env: lmdb.Environment, cluster: bytes, node_id: int, voters: tuple[int, ...] | None
) -> None:
    """All of them and the identity in one transaction: a folder is whole or empty."""
    with env.begin(write=True) as txn:
        opened = {name: env.open_db(name, txn=txn) for name in DATABASES}
        if txn.get(IDENTITY_KEY, db=opened[b"meta"]) is None:
            if txn.stat(opened[b"records"])["entries"] > 0:
                raise CorruptRow("identity: missing, but there are records")
            identity = Identity(
                format=FORMAT_VERSION, cluster=cluster.hex(), node_id=node_id, voters=voters
            )
            txn.put(IDENTITY_KEY, encode_identity(identity), db=opened[b"meta"])


def delete_from_end(txn: lmdb.Transaction, database: Database, from_index: int) -> None:
    with txn.cursor(database) as cursor:
        while cursor.last() and key_index(bytes(cursor.key())) >= from_index:
            cursor.delete()


def delete_through(txn: lmdb.Transaction, database: Database, index: int) -> None:
    with txn.cursor(database) as cursor:
        while cursor.first() and key_index(bytes(cursor.key())) <= index:
            cursor.delete()
