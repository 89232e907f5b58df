"""From the machine's events to the public typed envelopes.

Why it exists: a follower that is not ours (another language, a Kafka topic) reads events by name
and with its causes: ids that recognise a duplicate anywhere, and the names that the sender gave
its command. It must not know calls, nor fold anything: one event in, one envelope out.
"""

from collections.abc import Callable, Iterator
from typing import Final, cast

from adapters.rpc_codec import hash_bytes
from adapters.rpc_metadata import Metadata, decode
from adapters.rpc_rules import limits_message, rules_message, tier_messages
from contracts.gen.exchange.v1 import admin_pb2 as admin
from contracts.gen.exchange.v1 import events_pb2 as pb
from contracts.gen.exchange.v1 import trading_pb2 as trading
from contracts.gen.exchange.v1 import types_pb2 as types
from core import events as ev
from core.commands import FLAG_PEG_OTHER, FLAG_SLIDE, FLAG_TRAIL_BPS
from replication.ports import Committed

EVENT_VERSION: Final = 1


def envelopes(
    entry: Committed, partition: int, symbol_name: Callable[[int], str]
) -> Iterator[pb.EventEnvelope]:
    """The events of one log entry, in order. `symbol_name` knows every id but 0."""
    metadata: Metadata = decode(entry.metadata)
    place = f"{partition}-{entry.index}"
    for ordinal, event in enumerate(ev.decode_events(entry.events)):
        command, correlation, trace = metadata.get(event.cause, (b"", b"", b""))
        causation = _text(command) or f"{place}-c{event.cause}"
        envelope = pb.EventEnvelope(
            event_id=f"{place}-{ordinal}", event_version=EVENT_VERSION,
            symbol=symbol_name(event.symbol) if event.symbol else "",
            seq=event.seq, occurred_at=entry.ts_ns,
            correlation_id=_text(correlation) or _text(trace) or causation,
            causation_id=causation, partition=partition,
            index=entry.index, epoch=entry.term, trace_id=_text(trace),
        )  # fmt: skip
        if not _set_order_event(envelope, event) and not _set_rules_event(envelope, event):
            _set_other_event(envelope, event)
        yield envelope


def _text(name: bytes) -> str:
    """A sender's name. The door of packed batches bounds only its length, and one batch with
    other bytes must not end every typed tail for ever: what is no text is shown in hexadecimal."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.hex()


def _side(side: int) -> types.Side:
    return cast("types.Side", side + 1)


def _mode(mode: int) -> types.SymbolMode:
    return cast("types.SymbolMode", mode + 1)


def _set_order_event(envelope: pb.EventEnvelope, event: ev.AnyEvent) -> bool:
    """Fills in the events about an order and its trades; False for the others."""
    if isinstance(event, ev.OrderAccepted):
        envelope.order_accepted.CopyFrom(_accepted(event))
    elif isinstance(event, ev.TradeExecuted):
        envelope.trade_executed.CopyFrom(_trade(event))
    elif isinstance(event, ev.OrderCanceled):
        envelope.order_canceled.CopyFrom(pb.OrderCanceled(
            order_id=event.order_id, user_id=str(event.account), side=_side(event.side),
            reason=cast("types.CancelReason", event.reason), price_ticks=event.price,
            qty_lots=event.qty, released_units=event.released,
        ))  # fmt: skip
    elif isinstance(event, ev.OrderRejected):
        envelope.order_rejected.CopyFrom(pb.OrderRejected(
            code=cast("types.RejectCode", event.code), user_id=str(event.account),
            bound=event.bound, order_id=event.order_id,
            client_order_hash=hash_bytes(event.client_hi, event.client_lo),
        ))  # fmt: skip
    elif isinstance(event, ev.CancelRejected):
        envelope.cancel_rejected.CopyFrom(pb.CancelRejected(
            code=cast("types.RejectCode", event.code), order_id=event.order_id,
            user_id=str(event.account),
        ))  # fmt: skip
    elif isinstance(event, ev.OrderAmended):
        envelope.order_amended.CopyFrom(pb.OrderAmended(
            order_id=event.order_id, user_id=str(event.account), side=_side(event.side),
            price_ticks=event.price, qty_lots=event.qty, remaining_lots=event.remaining,
            hold_delta_units=event.hold_delta, kept_priority=bool(event.kept_priority),
        ))  # fmt: skip
    elif isinstance(event, ev.OrderTermsAccepted):
        envelope.order_terms_accepted.CopyFrom(pb.OrderTermsAccepted(
            order_id=event.order_id, user_id=str(event.account), terms=_terms(event),
            list_id=event.list_id,
        ))  # fmt: skip
    elif isinstance(event, ev.OrderTriggered):
        envelope.order_triggered.CopyFrom(pb.OrderTriggered(
            order_id=event.order_id, user_id=str(event.account), side=_side(event.side),
            code=cast("types.RejectCode", event.code), last_price_ticks=event.price,
            hold_delta_units=event.hold_delta, qty_lots=event.qty,
            waits=event.area != 0,
        ))  # fmt: skip
    else:
        return False
    return True


def _terms(event: ev.OrderTermsAccepted) -> trading.OrderTerms:
    return trading.OrderTerms(
        trigger_ticks=event.trigger, trail=event.trail,
        trail_is_bps=bool(event.flags & FLAG_TRAIL_BPS), display_lots=event.display,
        min_lots=event.min_qty, expire_ns=event.expire_ns, peg_offset_ticks=event.peg_offset,
        peg_to_other_side=bool(event.flags & FLAG_PEG_OTHER), slide=bool(event.flags & FLAG_SLIDE),
        self_trade=cast("types.SelfTrade", event.stp + 1),
        self_trade_by_group=bool(event.by_group),
    )  # fmt: skip


def _accepted(event: ev.OrderAccepted) -> pb.OrderAccepted:
    return pb.OrderAccepted(
        order_id=event.order_id, user_id=str(event.account), side=_side(event.side),
        type=cast("types.OrderType", event.order_type + 1),
        time_in_force=cast("types.TimeInForce", event.time_in_force + 1),
        price_ticks=event.price, qty_lots=event.qty, quote_units=event.quote_qty,
        hold_units=event.hold, client_order_hash=hash_bytes(event.client_hi, event.client_lo),
    )  # fmt: skip


def _trade(event: ev.TradeExecuted) -> pb.TradeExecuted:
    return pb.TradeExecuted(
        trade_id=event.trade_id, side=_side(event.side), price_ticks=event.price,
        qty_lots=event.qty, maker_order_id=event.maker_order, taker_order_id=event.taker_order,
        maker_user_id=str(event.maker_account), taker_user_id=str(event.taker_account),
        quote_units=event.quote_units, maker_fee_units=event.maker_fee,
        taker_fee_units=event.taker_fee, maker_remaining_lots=event.maker_remaining,
        taker_remaining_lots=event.taker_remaining, taker_release_units=event.taker_release,
    )  # fmt: skip


def _set_other_event(envelope: pb.EventEnvelope, event: ev.AnyEvent) -> None:
    if isinstance(event, ev.BookDelta):
        envelope.book_delta.CopyFrom(pb.BookDelta(
            side=_side(event.side), price_ticks=event.price, total_lots=event.total,
            orders=event.orders,
        ))  # fmt: skip
    elif isinstance(event, ev.SymbolModeChanged):
        envelope.symbol_mode_changed.CopyFrom(
            pb.SymbolModeChanged(mode=_mode(event.mode), old_mode=_mode(event.old_mode))
        )
    elif isinstance(event, ev.BalanceChanged):
        envelope.balance_changed.CopyFrom(pb.BalanceChanged(
            reason=cast("types.BalanceReason", event.reason), user_id=str(event.account),
            asset_id=event.asset, delta_units=event.delta, available_units=event.available,
            hold_units=event.hold, reference_hash=hash_bytes(event.ref_hi, event.ref_lo),
        ))  # fmt: skip
    elif isinstance(event, ev.TransferChanged):
        envelope.transfer_changed.CopyFrom(pb.TransferChanged(
            transfer_id=hash_bytes(event.transfer_hi, event.transfer_lo),
            state=cast("types.TransferState", event.transfer_state), user_id=str(event.account),
            asset_id=event.asset, amount_units=event.amount, available_units=event.available,
            hold_units=event.hold, partner=event.partner, partner_user_id=str(event.their_account),
            deadline_ns=event.deadline_ns, proof=event.proof,
        ))  # fmt: skip
    elif isinstance(event, ev.EngineCheckpoint):
        envelope.engine_checkpoint.CopyFrom(pb.EngineCheckpoint(
            index=event.index, digest=event.digest, balances_digest=event.balances_digest,
        ))  # fmt: skip
    elif isinstance(event, ev.AccountOpened):
        envelope.account_opened.CopyFrom(pb.AccountOpened(
            user_id=str(event.account), reference_hash=hash_bytes(event.ref_hi, event.ref_lo)
        ))  # fmt: skip
    elif isinstance(event, ev.AssetListed):
        envelope.asset_listed.CopyFrom(
            pb.AssetListed(asset_id=event.asset, name=event.name, scale=event.scale)
        )
    elif isinstance(event, ev.SymbolListed):
        envelope.symbol_listed.CopyFrom(_symbol_listed(event))
    elif isinstance(event, ev.VersionChanged):
        envelope.version_changed.CopyFrom(
            pb.VersionChanged(version=event.version, old_version=event.old_version)
        )
    else:
        assert isinstance(event, ev.LimitsChanged), "every event has its public message"
        envelope.limits_changed.CopyFrom(pb.LimitsChanged(
            open_orders=event.open_orders, dedup_window_ns=event.dedup_window_ns,
            dedup_rows=event.dedup_rows,
        ))  # fmt: skip


def _set_list_event(envelope: pb.EventEnvelope, event: ev.AnyEvent) -> bool:
    """Lists, switches, groups and auctions; False for the others."""
    if isinstance(event, ev.OrderListChanged):
        ids = (event.first, event.second, event.third)
        envelope.order_list_changed.CopyFrom(pb.OrderListChanged(
            list_id=event.list_id, user_id=str(event.account),
            kind=cast("types.ListKind", event.list_kind),
            state=cast("types.ListState", event.list_state),
            order_ids=[order_id for order_id in ids if order_id],
            client_list_hash=hash_bytes(event.client_hi, event.client_lo),
        ))  # fmt: skip
    elif isinstance(event, ev.CancelAfterSet):
        envelope.cancel_after_set.CopyFrom(
            pb.CancelAfterSet(user_id=str(event.account), deadline_ns=event.deadline_ns)
        )
    elif isinstance(event, ev.GroupChanged):
        envelope.group_changed.CopyFrom(pb.GroupChanged(
            user_id=str(event.account), group=event.group, old_group=event.old_group
        ))  # fmt: skip
    elif isinstance(event, ev.AuctionCalled):
        envelope.auction_called.CopyFrom(pb.AuctionCalled(until_ns=event.until_ns))
    elif isinstance(event, ev.AuctionIndicated):
        envelope.auction_indicated.CopyFrom(pb.AuctionIndicated(
            price_ticks=event.price, volume_lots=event.volume, surplus_lots=event.surplus
        ))  # fmt: skip
    elif isinstance(event, ev.AuctionEnded):
        envelope.auction_ended.CopyFrom(
            pb.AuctionEnded(price_ticks=event.price, volume_lots=event.volume)
        )
    else:
        return False
    return True


def _set_rules_event(envelope: pb.EventEnvelope, event: ev.AnyEvent) -> bool:
    """Rules and what they lead to; False for the others."""
    if isinstance(event, ev.RulesChanged):
        envelope.rules_changed.CopyFrom(pb.RulesChanged(rules=rules_message(event)))
    elif isinstance(event, ev.DeskChanged):
        envelope.desk_changed.CopyFrom(pb.DeskChanged(
            user_id=str(event.account), limits=limits_message(event), killed=bool(event.killed)
        ))  # fmt: skip
    elif isinstance(event, ev.AccountRestricted):
        envelope.account_restricted.CopyFrom(pb.AccountRestricted(
            user_id=str(event.account), state=cast("admin.AccountState", event.state + 1),
            withdrawals_halted=bool(event.withdrawals_halted),
        ))  # fmt: skip
    elif isinstance(event, ev.ReferenceSet):
        envelope.reference_set.CopyFrom(pb.ReferenceSet(price_ticks=event.price))
    elif isinstance(event, ev.FeesChanged):
        envelope.fees_changed.CopyFrom(pb.FeesChanged(
            user_id=str(event.account), version=event.version, tiers=tier_messages(event.tiers)
        ))  # fmt: skip
    elif isinstance(event, ev.FeesApplied):
        envelope.fees_applied.CopyFrom(pb.FeesApplied(
            trade_id=event.trade_id, maker_version=event.maker_version, maker_ppm=event.maker_ppm,
            taker_version=event.taker_version, taker_ppm=event.taker_ppm,
        ))  # fmt: skip
    elif isinstance(event, ev.MarketProtected):
        envelope.market_protected.CopyFrom(pb.MarketProtected(
            tripped_by=event.tripped_by, action=_mode(event.action), price_ticks=event.price,
            begin_ticks=event.begin,
        ))  # fmt: skip
    else:
        return _set_list_event(envelope, event)
    return True


def _symbol_listed(event: ev.SymbolListed) -> pb.SymbolListed:
    return pb.SymbolListed(
        symbol_id=event.symbol, name=event.name, base_asset_id=event.base,
        quote_asset_id=event.quote, tick_units=event.tick_units, lot_units=event.lot_units,
        tick_value=event.tick_value, min_price_ticks=event.min_price,
        max_price_ticks=event.max_price, max_qty_lots=event.max_qty,
        min_notional_units=event.min_notional, max_notional_units=event.max_notional,
        maker_ppm=event.maker_ppm, taker_ppm=event.taker_ppm,
    )  # fmt: skip
