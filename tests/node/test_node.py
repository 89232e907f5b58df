"""A node as its operator and its clients see it: real processes, real sockets, real files."""

import asyncio
import itertools
import mmap
import os
import re
import shutil
import urllib.request
from pathlib import Path
from typing import Any, cast

import lmdb
import msgspec
import pytest

from adapters.lmdb_environment import DATABASES
from adapters.lmdb_folder import log_path
from adapters.lmdb_rows import index_key
from adapters.rpc_client import CoreClient, TailGone
from contracts.gen.exchange.v1 import admin_pb2 as pb
from core.codes import BUY, GTC, LIMIT, NOT_LEADER, OK, OVERLOADED
from core.commands import place
from core.events import decode_reply
from replication.ports import Submitted
from tests.node.market import SYMBOL_ID, open_market, operator_of
from tests.node.process import DEADLINE_S, NodeProcess, lockstep

pytestmark = [pytest.mark.asyncio, pytest.mark.e2e]
DRAINING = re.compile("event=draining")


def order(account: int, number: int) -> bytes:
    return place(account, SYMBOL_ID, BUY, LIMIT, GTC, 1000 + number, 1, key=(number, 1))


async def fill(folder: Path, orders: int, *, snapshot: bool = False) -> None:
    """A folder with a market and `orders` resting orders, one entry each, of a stopped node."""
    node = await NodeProcess(folder).start()
    async with CoreClient(node.address) as core:
        accounts = await open_market(core, 1)
        for number in range(1, orders + 1):
            assert (await core.submit(order(accounts[0], number), 1)).code == OK
            if snapshot and number == orders // 2:
                taken = await core.admin.Snapshot(pb.SnapshotRequest(audit=operator_of(core).audit))
                assert taken.index > 0
    assert await node.stop() == 0


async def report(*arguments: str) -> tuple[int, dict[str, object]]:
    code, out, err = await lockstep(*arguments, "--json")
    assert out, err
    return code, msgspec.json.decode(out, type=dict[str, object])


async def test_snapshot_and_tail_give_the_digest_of_a_full_replay(tmp_path: Path) -> None:
    await fill(tmp_path, 10, snapshot=True)
    node = await NodeProcess(tmp_path).start()
    async with CoreClient(node.address) as core:
        status = await core.status(with_digest=True)
    assert await node.stop() == 0
    code, replayed = await report("replay", "--data", str(tmp_path), "--to", str(status.index))
    assert code == 0
    assert replayed["digest"] == status.digest.hex()
    assert replayed["chain_hash"] == status.chain.hex()
    assert set(replayed) == {"index", "chain_hash", "digest", "sections"}
    code, audited = await report("audit", str(tmp_path))
    assert code == 0
    folders = audited["folders"]
    assert isinstance(folders, dict)
    assert len(folders[str(tmp_path)]["snapshots"]) == 1
    assert status.term == 2


async def test_everything_accepted_is_answered_before_a_stop(tmp_path: Path) -> None:
    node = await NodeProcess(tmp_path).start()
    async with CoreClient(node.address) as core:
        accounts = await open_market(core, 1)
        calls = [
            asyncio.create_task(core.submit(order(accounts[0], number), 1)) for number in range(200)
        ]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED, timeout=DEADLINE_S)
        assert await node.stop() == 0
        answers = await asyncio.gather(*calls, return_exceptions=True)
    answered = [a for a in answers if isinstance(a, Submitted)]
    assert any(answer.code == OK for answer in answered)
    assert {answer.code for answer in answered} <= {OK, NOT_LEADER}
    again = await NodeProcess(tmp_path).start()
    async with CoreClient(again.address) as core:
        for number, answer in enumerate(answers):
            if isinstance(answer, Submitted) and answer.code == OK:
                repeated = await core.submit(order(accounts[0], number), 1)
                assert decode_reply(repeated.replies).duplicate
    assert await again.stop() == 0


async def test_a_second_node_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    node = await NodeProcess(tmp_path).start()
    second = NodeProcess(tmp_path)
    await second.launch()
    assert await second.exit_code() == 3
    assert "in use by process" in second.lines[-1]
    assert await node.stop() == 0


async def test_an_address_in_use_is_named(tmp_path: Path) -> None:
    node = await NodeProcess(tmp_path / "one").start()
    second = NodeProcess(tmp_path / "two", listen=node.address)
    await second.launch()
    assert await second.exit_code() == 3
    assert f"cannot listen on {node.address}" in second.lines[-1]
    assert await node.stop() == 0


async def test_a_corrupt_record_is_named_and_the_node_does_not_start(tmp_path: Path) -> None:
    await fill(tmp_path, 5)
    whole = tmp_path.with_name("whole")
    shutil.copytree(tmp_path, whole)
    env = lmdb.open(str(log_path(tmp_path)), map_size=1 << 30, max_dbs=len(DATABASES))
    with env.begin(write=True) as txn:
        records = env.open_db(b"records", txn=txn)
        value = bytearray(txn.get(index_key(4), b"", db=records))
        value[-1] ^= 1
        txn.put(index_key(4), bytes(value), db=records)
    env.close()
    node = NodeProcess(tmp_path)
    await node.launch()
    assert await node.exit_code() == 3
    assert "the log is corrupt and this node is alone: record 4: the payload" in node.lines[-1]
    code, audited = await report("audit", str(tmp_path))
    assert (code, audited["ok"], audited["index"]) == (1, False, 3)
    code, _, said = await lockstep("replay", "--data", str(tmp_path))
    assert code == 1
    assert b"record 4: the payload does not match its hash" in said
    code, audited = await report("audit", str(whole), str(tmp_path))
    difference = audited["first_difference"]
    assert isinstance(difference, dict)
    told = (code, difference["index"], difference["section"], difference["a"])
    assert told == (1, 4, "record", "holds")
    assert difference["b"] == "the payload does not match its hash"


async def test_a_log_that_lost_its_end_is_a_finding_in_json_too(tmp_path: Path) -> None:
    await fill(tmp_path, 5)
    path = log_path(tmp_path) / "data.mdb"
    os.truncate(path, path.stat().st_size // 2 // mmap.PAGESIZE * mmap.PAGESIZE)
    code, audited = await report("audit", str(tmp_path))
    assert (code, audited["ok"], audited["index"]) == (1, False, 0)
    [found] = cast("dict[str, Any]", audited["folders"]).values()
    assert "pages are damaged" in found["problems"][0]["what"]


async def test_the_folder_of_up_stands_for_the_one_node_in_it(tmp_path: Path) -> None:
    await fill(tmp_path / "node-1", 3)
    code, by_node = await report("replay", "--data", str(tmp_path / "node-1"))
    assert (code, await report("replay", "--data", str(tmp_path))) == (0, (0, by_node))
    code, audited = await report("audit", str(tmp_path))
    assert (code, audited["index"]) == (0, by_node["index"])
    code, _, said = await lockstep("audit", str(tmp_path), str(tmp_path / "node-1"))
    assert (code, b"the same folder" in said) == (2, True)
    await fill(tmp_path / "node-2", 3)
    code, _, said = await lockstep("audit", str(tmp_path))
    assert (code, b"holds node-1, node-2; name one" in said) == (3, True)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("map_bytes", "1000", "LOCKSTEP_NODE_MAP_BYTES"),
        ("batch_commands_max", "0", "LOCKSTEP_NODE_BATCH_COMMANDS_MAX"),
        ("cluster_id", "xyz", "LOCKSTEP_NODE_CLUSTER_ID"),
        ("colour", "red", "LOCKSTEP_NODE_COLOUR: unknown setting"),
    ],
)
async def test_a_bad_setting_is_named(tmp_path: Path, name: str, value: str, said: str) -> None:
    node = NodeProcess(tmp_path, **{name: value})
    await node.launch()
    assert await node.exit_code() == 2
    assert said in node.lines[-1]


async def test_another_clusters_folder_is_refused(tmp_path: Path) -> None:
    node = await NodeProcess(tmp_path, cluster_id="0" * 31 + "1").start()
    assert await node.stop() == 0
    other = NodeProcess(tmp_path, cluster_id="0" * 31 + "2")
    await other.launch()
    assert await other.exit_code() == 3
    assert "belongs to cluster 00000000000000000000000000000001" in other.lines[-1]


async def test_the_tail_gives_every_entry_and_refuses_what_is_not_there(tmp_path: Path) -> None:
    node = await NodeProcess(tmp_path).start()
    async with CoreClient(node.address) as core:
        accounts = await open_market(core, 1)
        await core.submit(order(accounts[0], 1), 1)
        last = (await core.status()).index
        seen = []
        async for entry in core.tail(1):
            seen.append(entry.index)
            if entry.index == last:
                break
        assert seen == list(range(1, last + 1))
        with pytest.raises(TailGone):
            async for _ in core.tail(last + 100):
                pass
    assert await node.stop() == 0


async def test_a_full_door_says_overloaded_and_opens_again(tmp_path: Path) -> None:
    node = await NodeProcess(tmp_path, waiting_commands_max="50").start()
    async with CoreClient(node.address) as core:
        accounts = await open_market(core, 1)
        orders = [order(accounts[0], number) for number in range(51)]
        refused = await core.submit(b"".join(orders), 51)
        assert (refused.code, refused.replies) == (OVERLOADED, b"")
        assert (await core.submit(orders[0], 1)).code == OK
    assert await node.stop() == 0


async def test_metrics_can_be_scraped(tmp_path: Path) -> None:
    node = await NodeProcess(tmp_path, metrics_listen="127.0.0.1:0").start()
    address = node.metrics_address
    page = await asyncio.to_thread(
        lambda: urllib.request.urlopen(f"http://{address}/metrics", timeout=DEADLINE_S).read()
    )
    assert b"lockstep_applied_index 1.0" in page
    assert b"lockstep_fsync_seconds_count" in page
    assert b"lockstep_machine_keys 0.0" in page
    assert b"lockstep_machine_keys_max 4.194304e+06" in page
    assert await node.stop() == 0


async def test_audit_and_replay_work_beside_a_running_node(tmp_path: Path) -> None:
    node = await NodeProcess(tmp_path).start()
    async with CoreClient(node.address) as core:
        accounts = await open_market(core, 1)
        load = asyncio.create_task(_keep_sending(core, accounts[0]))
        code, audited = await report("audit", str(tmp_path))
        assert (code, audited["ok"]) == (0, True), audited
        code, replayed = await report("replay", "--data", str(tmp_path))
        assert code == 0
        assert isinstance(replayed["index"], int)
        load.cancel()
        entry = await anext(core.tail(replayed["index"]))
        assert entry.chain.hex() == replayed["chain_hash"]
    assert await node.stop() == 0


async def _keep_sending(core: CoreClient, account: int) -> None:
    for number in itertools.count(1):
        assert (await core.submit(order(account, number), 1)).code == OK


async def test_audit_finds_where_two_logs_part(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    cluster = "0" * 31 + "1"
    for folder, first in ((one, 1), (other, 2)):
        node = await NodeProcess(folder, cluster_id=cluster).start()
        async with CoreClient(node.address) as core:
            accounts = await open_market(core, 1)
            await core.submit(order(accounts[0], first), 1)
        assert await node.stop() == 0
    code, audited = await report("audit", str(one), str(other))
    assert code == 1
    difference = audited["first_difference"]
    assert isinstance(difference, dict)
    assert difference["index"] > 1
    assert set(difference) == {"index", "section", "key", "field", "a", "b"}
    code, audited = await report("audit", str(one))
    assert (code, audited["ok"], audited["first_difference"]) == (0, True, None)


async def test_replay_names_what_it_cannot_do(tmp_path: Path) -> None:
    code, _, said = await lockstep("replay", "--data", str(tmp_path / "none"))
    assert code == 3
    assert b"there is no log in it" in said
    await fill(tmp_path, 1)
    code, _, said = await lockstep("replay", "--data", str(tmp_path), "--to", "999")
    assert code == 2
    assert b"--to: 999 is beyond the log" in said
