"""Events, replies and queries as the golden scenarios show them: one line each, names for ids.

Why it exists: expected output is proof only if a person can check it by eye. Everything that an
event carries is shown, or follows from what is shown on the same line; zeros that say "nothing"
are left out. It must not know how scenarios are written or run.
"""

import textwrap
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from core.codes import (
    ACCOUNT_STATE_NAMES,
    BALANCE_REASON_NAMES,
    BUY,
    CANCEL_REASON_NAMES,
    CMD_AMEND,
    CMD_CANCEL,
    CMD_CANCEL_AFTER,
    CMD_PLACE,
    CMD_PLACE_LIST,
    CMD_PLACE_TERMS,
    DUPLICATE_ORDER_ID,
    LIST_KIND_NAMES,
    LIST_STATE_NAMES,
    MODE_NAMES,
    ORDER_TYPE_NAMES,
    REJECT_NAMES,
    SIDE_NAMES,
    STATUS_NAMES,
    STATUS_NONE,
    STP_NAMES,
    TIME_IN_FORCE_NAMES,
    TRANSFER_STATE_NAMES,
    TRIP_NAMES,
)
from core.commands import FLAG_PEG_OTHER, FLAG_SLIDE, FLAG_TRAIL_BPS, RULE_NAMES
from core.events import (
    AccountOpened,
    AccountRestricted,
    AnyEvent,
    AssetListed,
    AuctionCalled,
    AuctionEnded,
    AuctionIndicated,
    BalanceChanged,
    BookDelta,
    CancelAfterSet,
    CancelRejected,
    DeskChanged,
    EngineCheckpoint,
    FeesApplied,
    FeesChanged,
    GroupChanged,
    LimitsChanged,
    MarketProtected,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderListChanged,
    OrderRejected,
    OrderTermsAccepted,
    OrderTriggered,
    ReferenceSet,
    Reply,
    RulesChanged,
    SymbolListed,
    SymbolModeChanged,
    TradeExecuted,
    TransferChanged,
    VersionChanged,
)
from core.limits import SLOT_BITS
from sim.twin.machine import BookRow, OrderRow
from tests.golden.script import Registry

LINE_MAX = 100
AREAS = ("rests", "waits for", "trails at", "waits for its list")


def wrapped(lines: Iterable[str]) -> list[str]:
    """Long lines folded, so that a scenario can be read beside its diff."""
    return [
        part
        for line in lines
        for part in textwrap.wrap(
            line, LINE_MAX, subsequent_indent=" " * 4, drop_whitespace=True,
            break_on_hyphens=False,
        )
    ]  # fmt: skip


class Renderer:
    def __init__(self, registry: Registry) -> None:
        self._names = registry

    # --- names --------------------------------------------------------------------------------

    def _order(self, order_id: int) -> str:
        return self._names.name(self._names.orders, order_id)

    def _account(self, account: int) -> str:
        return self._names.name(self._names.accounts, account)

    def _money(self, units: int, asset: int) -> str:
        return f"{units} {self._names.name(self._names.assets, asset)}"

    def _quote(self, symbol: int, units: int) -> str:
        return self._money(units, self._names.specs[symbol].quote)

    def _base(self, symbol: int, units: int) -> str:
        return self._money(units, self._names.specs[symbol].base)

    def _hold(self, symbol: int, side: int, units: int) -> str:
        return self._quote(symbol, units) if side == BUY else self._base(symbol, units)

    def _client(self, hi: int, lo: int) -> str:
        return f" client={self._key(hi, lo)}" if (hi, lo) != (0, 0) else ""

    def _key(self, hi: int, lo: int) -> str:
        return self._names.keys.get((hi, lo), f"{hi}:{lo}")

    # --- events -------------------------------------------------------------------------------

    def event(self, event: AnyEvent) -> str:
        stream = self._names.name(self._names.symbols, event.symbol) if event.symbol else "-"
        return f"{stream}/{event.seq} {self._body(event)}"

    def _body(self, event: AnyEvent) -> str:
        method: Callable[[Renderer, AnyEvent], str] = self._BODIES[type(event)]
        return method(self, event)

    def _accepted(self, e: OrderAccepted) -> str:
        slot = e.order_id & (1 << SLOT_BITS) - 1
        what = f"{SIDE_NAMES[e.side]} {ORDER_TYPE_NAMES[e.order_type]}"
        price = f"{e.price} x " if e.price else "x "
        quote = f" for {self._quote(e.symbol, e.quote_qty)}" if e.quote_qty else ""
        return (
            f"accepted {self._order(e.order_id)} (slot {slot}.{e.order_id >> SLOT_BITS}) "
            f"{self._account(e.account)} {what} {TIME_IN_FORCE_NAMES[e.time_in_force]} "
            f"{price}{e.qty}{quote}, hold {self._hold(e.symbol, e.side, e.hold)}"
            f"{self._client(e.client_hi, e.client_lo)}"
        )

    def _rejected(self, e: OrderRejected) -> str:
        order = f" {self._order(e.order_id)}" if e.order_id else ""
        bound = self._order(e.bound) if e.code == DUPLICATE_ORDER_ID else e.bound
        return (
            f"rejected{order} {self._account(e.account)} {REJECT_NAMES[e.code]}, bound {bound}"
            f"{self._client(e.client_hi, e.client_lo)}"
        )

    def _canceled(self, e: OrderCanceled) -> str:
        return (
            f"canceled {self._order(e.order_id)} {self._account(e.account)} "
            f"{SIDE_NAMES[e.side]} {e.price} x {e.qty} by {CANCEL_REASON_NAMES[e.reason]}, "
            f"released {self._hold(e.symbol, e.side, e.released)}"
        )

    def _cancel_rejected(self, e: CancelRejected) -> str:
        return (
            f"cancel-rejected {self._order(e.order_id)} {self._account(e.account)} "
            f"{REJECT_NAMES[e.code]}"
        )

    def _amended(self, e: OrderAmended) -> str:
        place = "keeps its place" if e.kept_priority else "requeued"
        return (
            f"amended {self._order(e.order_id)} {self._account(e.account)} "
            f"{SIDE_NAMES[e.side]} {e.price} x {e.qty}, {e.remaining} left, {place}, "
            f"hold {e.hold_delta:+d} {self._hold(e.symbol, e.side, 0).split()[1]}"
        )

    def _trade(self, e: TradeExecuted) -> str:
        maker_receives, taker_receives = self._base, self._quote
        if e.side == BUY:
            maker_receives, taker_receives = taker_receives, maker_receives
        fees = ""
        if e.maker_fee or e.taker_fee:
            fees = (
                f", fees maker {maker_receives(e.symbol, e.maker_fee)} "
                f"taker {taker_receives(e.symbol, e.taker_fee)}"
            )
        release = f", release {self._quote(e.symbol, e.taker_release)}" if e.taker_release else ""
        return (
            f"trade {e.trade_id}: taker {self._order(e.taker_order)} "
            f"{self._account(e.taker_account)} {SIDE_NAMES[e.side]} {e.price} x {e.qty} "
            f"for {self._quote(e.symbol, e.quote_units)}, {e.taker_remaining} left; "
            f"maker {self._order(e.maker_order)} {self._account(e.maker_account)}, "
            f"{e.maker_remaining} left{fees}{release}"
        )

    def _delta(self, e: BookDelta) -> str:
        level = f"level {SIDE_NAMES[e.side]} {e.price}"
        return f"{level}: {e.total} in {e.orders}" if e.orders or e.total else f"{level}: gone"

    def _mode(self, e: SymbolModeChanged) -> str:
        return f"mode {MODE_NAMES[e.old_mode]} -> {MODE_NAMES[e.mode]}"

    def _balance(self, e: BalanceChanged) -> str:
        return (
            f"{BALANCE_REASON_NAMES[e.reason].lower()} {self._account(e.account)} "
            f"{e.delta:+d} -> {self._money(e.available, e.asset)} available, {e.hold} hold, "
            f"ref={self._key(e.ref_hi, e.ref_lo)}"
        )

    def _checkpoint(self, e: EngineCheckpoint) -> str:
        return f"checkpoint at index {e.index}, balances {e.balances_digest.hex()[:16]}"

    def _opened(self, e: AccountOpened) -> str:
        return f"opened {self._key(e.ref_hi, e.ref_lo)} as account {e.account}"

    def _asset_listed(self, e: AssetListed) -> str:
        return f"listed asset {e.asset}: {e.name}, scale {e.scale}"

    def _symbol_listed(self, e: SymbolListed) -> str:
        base, quote = self._names.name(self._names.assets, e.base), self._quote(e.symbol, 0)
        return (
            f"listed symbol {e.symbol}: {e.name} = {base}/{quote.split()[1]}, "
            f"tick {e.tick_units} lot {e.lot_units} value {e.tick_value}, "
            f"price {e.min_price}..{e.max_price}, qty ..{e.max_qty}, "
            f"notional {e.min_notional}..{e.max_notional}, fees {e.maker_ppm}/{e.taker_ppm} ppm"
        )

    def _limits(self, e: LimitsChanged) -> str:
        return (
            f"limits: {e.open_orders} open orders, window {e.dedup_window_ns} ns, "
            f"{e.dedup_rows} rows"
        )

    def _terms(self, e: OrderTermsAccepted) -> str:
        bps = "bps" if e.flags & FLAG_TRAIL_BPS else ""
        parts = [
            f"{name} {value}"
            for name, value in (
                ("trigger", str(e.trigger or "")), ("trail", f"{e.trail}{bps}" if e.trail else ""),
                ("shows", str(e.display or "")), ("min", str(e.min_qty or "")),
                ("until", f"{self._ms(e.expire_ns)} ms" if e.expire_ns else ""),
                ("peg", f"{e.peg_offset:+d}" if e.peg_offset else ""),
                ("stp", STP_NAMES[e.stp] + " by group" * e.by_group if e.stp else ""),
                ("of", self._names.name(self._names.lists, e.list_id) if e.list_id else ""),
            )
            if value
        ]  # fmt: skip
        words = ((FLAG_SLIDE, "slides"), (FLAG_PEG_OTHER, "pegged to the other side"))
        parts += [word for flag, word in words if e.flags & flag]
        order, owner = self._order(e.order_id), self._account(e.account)
        return f"terms {order} {owner}: {', '.join(parts) or 'none'}"

    def _ms(self, ns: int) -> str:
        """Since the scenario's clock began; with what is finer only where there is something."""
        whole, rest = divmod(ns - self._names.start_ns, 10**6)
        return f"{whole}.{rest:06}" if rest else str(whole)

    def _triggered(self, e: OrderTriggered) -> str:
        what = f"triggered {self._order(e.order_id)} {self._account(e.account)}"
        last = f"last {e.price}" if e.price else "nothing traded yet"
        if e.code:
            return f"{what}: {REJECT_NAMES[e.code]}, {last}"
        hold = self._hold(e.symbol, e.side, 0).split()[1]
        return f"{what}: {SIDE_NAMES[e.side]} x {e.qty}, {last}, hold {e.hold_delta:+d} {hold}"

    def _list(self, e: OrderListChanged) -> str:
        legs = [self._order(leg) for leg in (e.first, e.second, e.third) if leg]
        name = self._names.name(self._names.lists, e.list_id)
        client = self._client(e.client_hi, e.client_lo)
        what = f"list {name} {LIST_KIND_NAMES[e.list_kind]} {self._account(e.account)}"
        return f"{what}: {' '.join(legs) or LIST_STATE_NAMES[e.list_state]}{client}"

    def _cancel_after(self, e: CancelAfterSet) -> str:
        at = f"at {self._ms(e.deadline_ns)} ms" if e.deadline_ns else "off"
        return f"cancel-after {self._account(e.account)}: {at}"

    def _group(self, e: GroupChanged) -> str:
        return f"group {self._account(e.account)}: {e.group}, was {e.old_group}"

    def _called(self, e: AuctionCalled) -> str:
        return (
            f"auction called, until {self._ms(e.until_ns)} ms" if e.until_ns else "auction called"
        )

    def _indicated(self, e: AuctionIndicated) -> str:
        if not e.volume:
            return "auction: nothing would trade"
        return f"auction: {e.volume} would trade at {e.price}, surplus {e.surplus:+d}"

    def _ended(self, e: AuctionEnded) -> str:
        return f"auction ended: {e.volume} at {e.price}" if e.volume else "auction ended: no trade"

    def _rules(self, e: RulesChanged | DeskChanged) -> str:
        who = f" of {self._account(e.account)}" if isinstance(e, DeskChanged) else ""
        fields = RULE_NAMES[-6:] if isinstance(e, DeskChanged) else RULE_NAMES
        named = {name: getattr(e, name) for name in fields}
        if isinstance(e, RulesChanged) and e.action:
            named["action"] = MODE_NAMES[e.action]
        told = [f"{name}={value}" for name, value in named.items() if value]
        told += ["killed"] if isinstance(e, DeskChanged) and e.killed else []
        return f"rules{who}: {' '.join(told) or 'none'}"

    def _restricted(self, e: AccountRestricted) -> str:
        halted = ", no withdrawals" if e.withdrawals_halted else ""
        return f"{self._account(e.account)} is {ACCOUNT_STATE_NAMES[e.state]}{halted}"

    def _reference(self, e: ReferenceSet) -> str:
        return f"reference {e.price}"

    def _fees(self, e: FeesChanged) -> str:
        who = f" of {self._account(e.account)}" if e.account else ""
        tiers = ", ".join(f"from {volume} {m}/{t} ppm" for volume, m, t in e.tiers)
        return f"fees{who}, version {e.version}: {tiers or 'none'}"

    def _applied(self, e: FeesApplied) -> str:
        maker = f"maker {e.maker_ppm} ppm by {e.maker_version}"
        return f"fees of trade {e.trade_id}: {maker}, taker {e.taker_ppm} ppm by {e.taker_version}"

    def _protected(self, e: MarketProtected) -> str:
        why = f"{TRIP_NAMES[e.tripped_by]}, {e.begin} -> {e.price}"
        return f"protected: {why}, into {MODE_NAMES[e.action]}"

    def _transfer(self, e: TransferChanged) -> str:
        what = f"transfer {self._key(e.transfer_hi, e.transfer_lo)}"
        what = f"{what} {TRANSFER_STATE_NAMES[e.transfer_state]}, partition {e.partner}"
        what += f", account {e.their_account}" if e.their_account else ""
        if not e.account:
            return what
        proof = f", by its event {e.proof}" if e.proof else ""
        return (
            f"{what}{proof}: {self._account(e.account)} {self._money(e.amount, e.asset)}"
            f" by {self._ms(e.deadline_ns)} ms -> {e.available} available, {e.hold} hold"
        )

    def _version(self, e: VersionChanged) -> str:
        return f"version: {e.version}, was {e.old_version}"

    _BODIES: ClassVar[dict[type, Any]] = {
        OrderAccepted: _accepted, OrderRejected: _rejected, OrderCanceled: _canceled,
        CancelRejected: _cancel_rejected, OrderAmended: _amended, TradeExecuted: _trade,
        BookDelta: _delta, SymbolModeChanged: _mode, BalanceChanged: _balance,
        EngineCheckpoint: _checkpoint, AccountOpened: _opened, AssetListed: _asset_listed,
        SymbolListed: _symbol_listed, LimitsChanged: _limits, VersionChanged: _version,
        OrderTermsAccepted: _terms, OrderTriggered: _triggered, OrderListChanged: _list,
        CancelAfterSet: _cancel_after, GroupChanged: _group, AuctionCalled: _called,
        AuctionIndicated: _indicated, AuctionEnded: _ended, RulesChanged: _rules,
        DeskChanged: _rules, AccountRestricted: _restricted, ReferenceSet: _reference,
        MarketProtected: _protected, FeesChanged: _fees, FeesApplied: _applied,
        TransferChanged: _transfer,
    }  # fmt: skip

    # --- replies and queries ------------------------------------------------------------------

    def reply(self, r: Reply, now_ns: int, start_ns: int) -> str:
        parts = []
        if r.status != STATUS_NONE:
            parts.append(STATUS_NAMES[r.status])
        if r.code:
            parts.append(REJECT_NAMES[r.code])
        if r.id:
            if r.command in (CMD_PLACE, CMD_CANCEL, CMD_AMEND, CMD_PLACE_TERMS):
                parts.append(self._order(r.id))
            elif r.command == CMD_PLACE_LIST:
                parts.append(self._names.name(self._names.lists, r.id))
            else:
                parts.append(f"id {r.id}")
        if r.filled or r.filled_quote:
            parts.append(f"filled {r.filled} for {r.filled_quote}")
        if r.command == CMD_CANCEL_AFTER and not r.code and r.detail:
            parts.append(f"at {self._ms(r.detail)} ms, seq {r.seq}")
            return "-> " + ", ".join(parts)
        parts += [
            f"{name} {value}"
            for name, value in (("left", r.remaining), ("detail", r.detail), ("seq", r.seq))
            if value
        ]
        if r.duplicate:
            parts.append("duplicate")
        if r.ts_ns != now_ns:
            parts.append(f"first at {(r.ts_ns - start_ns) // 10**6} ms")
        return "-> " + ", ".join(parts or ["done"])

    def book(self, row: BookRow) -> list[str]:
        asks = [f"  ask {price}: {lots} in {orders}" for price, lots, orders in row.asks[::-1]]
        bids = [f"  bid {price}: {lots} in {orders}" for price, lots, orders in row.bids]
        name = self._names.name(self._names.symbols, row.symbol)
        return [f"{name} at seq {row.seq}", *asks, *bids]

    def order_row(self, row: OrderRow) -> str:
        symbol = self._names.name(self._names.symbols, row.symbol)
        text = (
            f"{self._order(row.order_id)} {self._account(row.account)} {symbol} "
            f"{SIDE_NAMES[row.side]} {TIME_IN_FORCE_NAMES[row.time_in_force]} {row.price} x "
            f"{row.remaining}, {row.filled} filled{self._client(row.client_hi, row.client_lo)}"
        )
        terms = row.terms
        if terms.order_type:
            text += f", {ORDER_TYPE_NAMES[terms.order_type]}"
        if terms.area:
            text += f", {AREAS[terms.area]} {terms.trigger or ''}".rstrip()
            text += f", holds {terms.held}"
        return text + f", {terms.hidden} hidden" * bool(terms.hidden)

    def balance(self, account: int, asset: int, available: int, hold: int) -> str:
        return f"{self._account(account)} {self._money(available, asset)} available, {hold} hold"
