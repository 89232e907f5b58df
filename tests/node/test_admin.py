"""`lockstep admin` as an operator types it, against a node's real process."""

from pathlib import Path

import msgspec
import pytest

from adapters.cli.admin import READS
from adapters.key_store import FileKeyStore
from tests.node.process import NodeProcess, lockstep

pytestmark = [pytest.mark.asyncio, pytest.mark.e2e]
AUDITED = ("--reason", "because", "--ticket", "OPS-1", "--json")


class Operator:
    def __init__(self, address: str) -> None:
        self._url = f"grpc://{address}"

    async def __call__(self, *words: str) -> tuple[int, dict[str, object]]:
        """Exit code and what it printed; a refusal of the arguments under "said"."""
        audited = ("--json",) if words[0] in READS else AUDITED
        code, out, err = await lockstep("admin", *words, "--url", self._url, *audited)
        if code in (0, 1):
            return code, msgspec.json.decode(out, type=dict[str, object])
        assert out == b""
        return code, {"said": err.decode()}


async def _list_market(admin: Operator) -> None:
    for asset in ("BTC", "KRW"):
        await admin("list-asset", asset, "--scale", "0")
    await admin(
        "list-symbol", "BTC-KRW", "--tick", "1", "--lot", "1", "--max-price", "100",
        "--max-qty", "100", "--max-notional", "10000",
    )  # fmt: skip


async def _market_with_alice(folder: Path) -> tuple[NodeProcess, Operator, tuple[str, str]]:
    """A node with a market, its operator, and the option that names an account there."""
    node = await NodeProcess(folder / "node-1").start()
    admin = Operator(node.address)
    await _list_market(admin)
    _, opened = await admin("open-account", "--reference", "alice")
    return node, admin, ("--account", str(opened["id"]))


async def test_money_and_keys_as_an_operator_makes_them(tmp_path: Path) -> None:
    node = await NodeProcess(tmp_path / "node-1").start()
    admin = Operator(node.address)
    assert (await admin("list-asset", "BTC", "--scale", "8"))[0] == 0
    _, opened = await admin("open-account", "--reference", "alice")
    account = str(opened["id"])
    move = ("--account", account, "--asset", "BTC")
    _, paid = await admin("deposit", *move, "--amount", "1.5", "--reference", "wire-1")
    assert (paid["available"], paid["duplicate"]) == ("1.5", False)
    _, again = await admin("deposit", *move, "--amount", "1.5", "--reference", "wire-1")
    assert (again["available"], again["duplicate"]) == ("1.5", True)

    (tmp_path / "keys").mkdir(mode=0o700)
    code, key = await admin("create-key", "--account", account, "--data", str(tmp_path))
    assert (code, key["permissions"]) == (0, ["READ", "TRADE"])
    found = FileKeyStore(tmp_path).find(str(key["api_key"]))
    assert found is not None
    assert (str(found.account), found.secret.decode()) == (account, key["secret"])
    note = msgspec.json.decode((tmp_path / "keys" / "created.log").read_bytes())
    assert (note["api_key"], note["reason"], note["ticket"]) == (
        key["api_key"], "because", "OPS-1",
    )  # fmt: skip
    assert str(key["secret"]) not in str(note)
    assert await node.stop() == 0


async def test_what_an_operator_gets_wrong_is_said_in_his_own_words(tmp_path: Path) -> None:
    node = await NodeProcess(tmp_path / "node-1").start()
    admin = Operator(node.address)
    await admin("list-asset", "BTC", "--scale", "8")
    _, opened = await admin("open-account", "--reference", "alice")
    mine = ("--account", str(opened["id"]), "--asset", "BTC", "--amount", "1")
    await admin("deposit", *mine, "--reference", "wire-1")

    code, answer = await admin("list-asset", "BTC", "--scale", "9")
    assert (code, answer["code"]) == (1, "VALIDATION")
    assert "name: 1 to 16 characters" in str(answer["rule"])
    code, answer = await admin("list-asset", "X", "--scale", "13")
    assert (code, answer["rule"]) == (1, "scale: 0 to 12")
    nobody = ("--account", "99", "--asset", "BTC", "--amount", "1", "--reference", "wire-2")
    code, answer = await admin("deposit", *nobody)
    assert (code, answer["rule"]) == (1, "account: must be open")
    code, answer = await admin("deposit", *mine[:-1], "2", "--reference", "wire-1")
    assert (code, answer["code"]) == (1, "IDEMPOTENCY_MISMATCH")
    assert "reference" in str(answer["rule"])
    code, answer = await admin("withdraw", *mine[:-1], "2", "--reference", "out-1")
    assert (code, answer["code"], answer["available"]) == (1, "INSUFFICIENT_FUNDS", "1")

    for words, said in (
        (("deposit", "--account", "x", *nobody[2:]), "--account: 'x' must be an account id"),
        (("cancel-all",), "symbol: required when user_id is 0"),
        (("mode", "X-Y", "NORMAL"), "symbol: 'X-Y' is not a listed symbol"),
        (("create-key", "--account", "99", "--data", str(tmp_path)), "--account: 99 is not open"),
        (("create-key", "--account", "2", "--data", str(tmp_path)), "holds no keys"),
        (("list-asset", "X", "--scale", str(1 << 40)), f"--scale: {1 << 40} must be 0 to 12"),
        (("set-limits", "--open-orders", "1", "--dedup-window-s", str(10**12), "--dedup-rows", "1"),
         f"--dedup-window-s: {10**12} must be 1 to 4611686018"),
        (("cluster", "add", "2", "--address", "nonsense"), "--address: 'nonsense' is not HOST:P"),
    ):  # fmt: skip
        code, answer = await admin(*words)
        assert code == 2
        assert said in str(answer["said"]), words
    assert await node.stop() == 0


async def test_a_machine_version_is_raised_once_and_never_beyond_the_program(
    tmp_path: Path,
) -> None:
    node = await NodeProcess(tmp_path / "node-1").start()
    admin = Operator(node.address)
    assert (await admin("status"))[1]["machine_version"] == "1"
    code, refused = await admin("version", "--to", "65535")
    assert (code, refused["code"]) == (1, "VALIDATION")
    assert "a member's program does not know it" in str(refused["rule"])
    assert (await admin("version", "--to", "2"))[1]["duplicate"] is False
    assert (await admin("version", "--to", "2"))[1]["duplicate"] is True
    _, back = await admin("version", "--to", "1")
    assert back["rule"] == "to: not below the version in force, at most 65535"
    assert "--to: 0 must be 1 to 65535" in str((await admin("version", "--to", "0"))[1]["said"])
    assert (await admin("status"))[1]["machine_version"] == "2"
    assert await node.stop() == 0


async def test_a_mode_with_a_key_is_set_once(tmp_path: Path) -> None:
    node = await NodeProcess(tmp_path / "node-1").start()
    admin = Operator(node.address)
    await _list_market(admin)
    await admin("version", "--to", "2")
    halt = ("mode", "BTC-KRW", "HARD_HALT", "--key", "k1")
    assert (await admin(*halt))[1]["duplicate"] is False
    await admin("mode", "BTC-KRW", "NORMAL")
    assert (await admin(*halt))[1]["duplicate"] is True
    _, markets = await admin("markets")
    (symbol,) = msgspec.convert(markets["symbol"], list[dict[str, object]])
    assert symbol["mode"] == "NORMAL"
    assert await node.stop() == 0


async def test_limits_of_markets_and_accounts(tmp_path: Path) -> None:
    node, admin, account = await _market_with_alice(tmp_path)
    code, early = await admin("reference", "BTC-KRW", "50")
    assert code == 1
    assert "version 5" in str(early["rule"])
    await admin("version", "--to", "5")

    assert (await admin("reference", "BTC-KRW", "50"))[0] == 0
    bands = ("rules", "BTC-KRW", "--buy-up-bps", "1000", "--rate", "5", "--burst", "9")
    assert (await admin(*bands))[0] == 0
    breaker = ("--move-bps", "500", "--window-ns", "1000000000")
    code, refused = await admin(*bands, *breaker)
    assert (code, str(refused["rule"])[:20]) == (1, "action: CANCEL_ONLY ")
    assert (await admin(*bands, *breaker, "--action", "AUCTION"))[0] == 0
    assert (await admin("limits", "BTC-KRW", *account, "--max-position", "-1", "--kill"))[0] == 0
    code, refused = await admin("limits", "BTC-KRW", *account, "--open-orders", "-2")
    assert (code, refused["rule"]) == (1, "open-orders: -1 to 16777216")
    for words in (
        ("rules", "NOPE"), ("limits", "NOPE", *account), ("reference", "NOPE", "1"),
        ("cancel-all", "--symbol", "NOPE"),
    ):  # fmt: skip
        code, refused = await admin(*words)
        assert (code, refused["code"], "detail" in refused) == (1, "UNKNOWN_SYMBOL", False)
        assert str(refused["rule"]).startswith("symbol: must be a listed symbol"), words
    assert (await admin("group", *account, "--group", "7"))[0] == 0
    assert await node.stop() == 0


async def test_states_of_accounts(tmp_path: Path) -> None:
    node, admin, account = await _market_with_alice(tmp_path)
    await admin("version", "--to", "5")
    assert (await admin("restrict", *account, "--state", "FROZEN"))[0] == 2
    frozen = ("--state", "FROZEN", "--withdrawals", "open")
    assert (await admin("restrict", *account, *frozen))[0] == 0
    move = ("--asset", "BTC", "--amount", "1", "--reference", "r")
    await admin("deposit", *account, *move)
    code, refused = await admin("withdraw", *account, *move)
    assert (code, refused["code"]) == (1, "MARKET_HALTED")
    assert refused["rule"] == "account: must not be FROZEN (restrict)"
    code, refused = await admin("cancel-all", *account)
    assert (code, refused["code"]) == (1, "MARKET_HALTED")
    assert "make it CANCEL_ONLY first" in str(refused["rule"])
    assert (await admin("restrict", *account, "--no-withdrawals"))[0] == 2
    active = ("--state", "ACTIVE", "--withdrawals", "open")
    assert (await admin("restrict", *account, *active))[0] == 0
    assert (await admin("withdraw", *account, *move))[0] == 0
    assert (await admin("restrict", "--account", "0", "--no-withdrawals"))[0] == 0
    code, refused = await admin("withdraw", *account, *move[:-1], "r2")
    assert (code, refused["code"]) == (1, "MARKET_HALTED")
    assert "withdrawals are halted" in str(refused["rule"])
    assert await node.stop() == 0


async def test_schedules_of_fees(tmp_path: Path) -> None:
    node, admin, account = await _market_with_alice(tmp_path)
    await admin("version", "--to", "5")
    tiers = ("--tier", "0:1000:2000", "--tier", "500:-100:1500")
    code, early = await admin("fees", "BTC-KRW", *tiers)
    assert code == 1
    assert "version 7" in str(early["rule"])
    await admin("version", "--to", "7")
    assert (await admin("fees", "BTC-KRW", *tiers))[1]["id"] == 1
    assert (await admin("fees", *account, "--tier", "0:0:5"))[1]["id"] == 2
    _, refused = await admin("fees", "BTC-KRW", "--tier", "0:-10:5")
    assert str(refused["rule"]).startswith("tier maker:")
    code, refused = await admin("fees", "BTC-KRW", *("--tier", "0:1:1") * 7)
    assert "tiers: must be at most 6" in str(refused)
    code, refused = await admin("fees", "BTC-KRW", "--tier", "0:1")
    assert "0:1: must be VOLUME:MAKER:TAKER" in str(refused)
    code, refused = await admin("fees", "BTC-USD", "--tier", "0:1:1")
    assert "must be a listed symbol" in str(refused)
    code, refused = await admin("fees", "--tier", "0:1:1")
    assert refused["rule"] == "symbol: must be a listed symbol, or --account must be given"
    assert (await admin("fees", "BTC-KRW"))[1]["id"] == 3
    assert await node.stop() == 0
