"""From the market-data fold to WebSocket messages: who gets what, when, encoded once.

    book    snapshot at subscription, then conflated deltas of absolute levels; `prevSeq` is the
            `seq` of the message before it on this connection and symbol, so conflation never
            looks like a gap
    trades  the newest trades at subscription, then every trade, as soon as it is in the log

    {"n", "ch", "symbol", "type": "snapshot" | "delta", "seq", "prevSeq", "ts", "data"}

The caller's duties: 1. `publish` after each log entry that the fold took. 2. `flush_books` every
conflation interval. 3. After either, and after `receive`, send what the sessions in `woken`
hold, and close those with `closing`. All of it on one thread, in this order.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from core.codes import BUY
from gateway.fold import ReadModel
from gateway.market_data import Market, Trade
from gateway.problems import Refused, invalid
from gateway.public import level_texts, trade_body
from gateway.sessions import (
    CLOSE_TRY_AGAIN,
    MESSAGE_BYTES_MAX,
    SUBSCRIPTIONS_MAX,
    BookPosition,
    Inbound,
    Level,
    Session,
)  # fmt: skip
from gateway.symbols import Symbol

CONNECTIONS_MAX: Final = 1_000
CONNECTIONS_PER_ADDRESS_MAX: Final = 100
SNAPSHOT_LEVELS: Final = 5_000
SNAPSHOT_TRADES: Final = 50
CONFLATE_MS_MIN: Final = 50
CONFLATE_MS_MAX: Final = 200
LATE_LEVELS_MAX: Final = 2_000
"""More levels kept back than this, and a new snapshot is shorter than the delta."""

CHANNELS: Final = ("trades", "book")
OPERATIONS: Final = ("subscribe", "unsubscribe", "ping")

_encode: Final = msgspec.json.Encoder().encode
_inbound: Final = msgspec.json.Decoder(Inbound)


class HubFull(Exception):
    """Too many connections, in all or from one address: refused before the handshake."""


class FeedHub:
    def __init__(
        self, model: ReadModel, connections_max: int = CONNECTIONS_MAX,
        per_address_max: int = CONNECTIONS_PER_ADDRESS_MAX,
    ) -> None:  # fmt: skip
        self._model = model
        self._connections_max = connections_max
        self._per_address_max = per_address_max
        self._addresses: dict[str, int] = {}
        self._sessions: set[Session] = set()
        self._book_readers: dict[int, dict[Session, BookPosition]] = {}
        self._trade_readers: dict[int, dict[Session, None]] = {}
        self.woken: set[Session] = set()

    def __len__(self) -> int:
        return len(self._sessions)

    # --- connections ---------------------------------------------------------------------------

    def connect(self, client_ip: str, now_s: float) -> Session:
        """Raises `HubFull`."""
        here = self._addresses.get(client_ip, 0)
        if len(self._sessions) >= self._connections_max or here >= self._per_address_max:
            raise HubFull(client_ip)
        session = Session(client_ip, now_s)
        self._sessions.add(session)
        self._addresses[client_ip] = here + 1
        return session

    def disconnect(self, session: Session) -> None:
        if session not in self._sessions:
            return
        self._sessions.remove(session)
        self.woken.discard(session)
        left = self._addresses[session.client_ip] - 1
        if left:
            self._addresses[session.client_ip] = left
        else:
            del self._addresses[session.client_ip]
        for symbol in session.books:
            del self._book_readers[symbol][session]
        for symbol in session.trades:
            del self._trade_readers[symbol][session]

    def close_all(self) -> None:
        """The process is stopping: clients should connect again, elsewhere."""
        for session in self._sessions:
            session.close(CLOSE_TRY_AGAIN, "GOING_AWAY")
        self.woken.update(self._sessions)

    # --- from the client -----------------------------------------------------------------------

    def receive(self, session: Session, message: bytes, now_s: float) -> None:
        """One message from the client. Wrong ones are answered; too many close the session."""
        self.woken.add(session)
        if session.closing is not None or not session.admit(now_s):
            return
        try:
            self._obey(session, _decode(message))
        except Refused as refused:
            problem = refused.problem
            errors = [{"field": e.field, "rule": e.rule} for e in problem.errors]
            _say(session, {"type": "error", "detail": problem.detail, "errors": errors})

    def _obey(self, session: Session, said: Inbound) -> None:
        if said.op == "ping":
            _say(session, {"type": "pong", "id": said.id})
            return
        if said.op not in OPERATIONS:
            raise Refused(invalid("op", f"must be one of {', '.join(OPERATIONS)}"))
        if said.ch not in CHANNELS:
            raise Refused(invalid("ch", f"must be one of {', '.join(CHANNELS)}"))
        symbol = self._model.symbols.named(said.symbol)
        answer = {"ch": said.ch, "symbol": symbol.name, "id": said.id}
        if said.op == "unsubscribe":
            self._unsubscribe(session, said.ch, symbol.id)
            _say(session, {"type": "unsubscribed"} | answer)
            return
        if session.subscriptions >= SUBSCRIPTIONS_MAX:
            rule = f"must leave at most {SUBSCRIPTIONS_MAX} subscriptions"
            raise Refused(invalid("ch", rule))
        _say(session, {"type": "subscribed"} | answer)
        if said.ch == "book":
            self._subscribe_book(session, symbol)
        else:
            self._subscribe_trades(session, symbol)

    def _subscribe_book(self, session: Session, symbol: Symbol) -> None:
        """Also when subscribed already: a client that lost its place asks again."""
        position = BookPosition(0)
        session.books[symbol.id] = position
        self._book_readers.setdefault(symbol.id, {})[session] = position
        self._send_snapshot(session, symbol, position)

    def _subscribe_trades(self, session: Session, symbol: Symbol) -> None:
        market = self._model.market_data.markets[symbol.id]
        newest = list(market.trades)[-SNAPSHOT_TRADES:]
        seq = newest[-1].seq if newest else 0
        session.trades[symbol.id] = seq
        self._trade_readers.setdefault(symbol.id, {})[session] = None
        ts_ns = newest[-1].ts_ns if newest else self._model.ts_ns
        rows = [trade_body(symbol, trade) for trade in newest]
        session.push(b'"prevSeq":0,' + _tail("trades", symbol, "snapshot", seq, ts_ns, rows))

    def _unsubscribe(self, session: Session, channel: str, symbol: int) -> None:
        if channel == "book" and session.books.pop(symbol, None) is not None:
            del self._book_readers[symbol][session]
        if channel == "trades" and session.trades.pop(symbol, None) is not None:
            del self._trade_readers[symbol][session]

    # --- from the log --------------------------------------------------------------------------

    def publish(self) -> None:
        """Send the trades that the fold took since the last call."""
        market_data = self._model.market_data
        if not market_data.new_trades:
            return
        by_symbol: dict[int, list[Trade]] = {}
        for symbol_id, trade in market_data.new_trades:
            by_symbol.setdefault(symbol_id, []).append(trade)
        market_data.new_trades.clear()
        for symbol_id, trades in by_symbol.items():
            readers = self._trade_readers.get(symbol_id)
            if not readers:
                continue
            symbol = self._model.symbols.by_id[symbol_id]
            seq = trades[-1].seq
            rows = [trade_body(symbol, trade) for trade in trades]
            tail = _tail("trades", symbol, "delta", seq, trades[-1].ts_ns, rows)
            for session in readers:
                session.push(b'"prevSeq":%d,%b' % (session.trades[symbol_id], tail))
                session.trades[symbol_id] = seq
            self.woken.update(readers)

    def flush_books(self) -> None:
        """Send each changed book, merged since the last call, to those who can take it."""
        for symbol_id, market in self._model.market_data.markets.items():
            readers = self._book_readers.get(symbol_id)
            changed = market.changed
            if not readers:
                changed.clear()
                continue
            symbol = self._model.symbols.by_id[symbol_id]
            tail = _book_tail(symbol, market, changed) if changed else b""
            for session, position in readers.items():
                if session.closing is None:
                    self._send_delta(session, position, symbol, market, changed, tail)
            self.woken.update(readers)
            market.changed = set()

    def _send_delta(
        self, session: Session, position: BookPosition, symbol: Symbol, market: Market,
        changed: set[Level], tail: bytes,
    ) -> None:  # fmt: skip
        if session.busy:
            if market.book_seq > position.sent_seq:
                position.late.update(changed)
            return
        if position.late:
            late = position.late | changed
            position.late = set()
            if len(late) > LATE_LEVELS_MAX:
                self._send_snapshot(session, symbol, position)
                return
            tail = _book_tail(symbol, market, late)
        if tail and market.book_seq > position.sent_seq:
            session.push(b'"prevSeq":%d,%b' % (position.sent_seq, tail))
            position.sent_seq = market.book_seq

    def _send_snapshot(self, session: Session, symbol: Symbol, position: BookPosition) -> None:
        """`seq` is that of the newest book change, so the next delta is always newer."""
        market = self._model.market_data.markets[symbol.id]
        bids, asks = market.depth(SNAPSHOT_LEVELS)
        data = {"bids": level_texts(symbol, bids), "asks": level_texts(symbol, asks)}
        seq = market.book_seq
        tail = _tail("book", symbol, "snapshot", seq, market.book_ts_ns, data)
        session.push(b'"prevSeq":%d,%b' % (position.sent_seq, tail))
        position.sent_seq = seq
        position.late = set()


def _tail(
    channel: str, symbol: Symbol, kind: str, seq: int, ts_ns: int, data: object
) -> bytes:  # fmt: skip
    """A message from its `ch` on: what all its readers share."""
    return b'"ch":"%b","symbol":%b,"type":"%b","seq":%d,"ts":%d,"data":%b}' % (
        channel.encode(), _encode(symbol.name), kind.encode(), seq, ts_ns // 1_000_000,
        _encode(data),
    )  # fmt: skip


def _book_tail(symbol: Symbol, market: Market, levels: set[Level]) -> bytes:
    """The levels as they stand now, "0" for one that is gone; best prices first."""
    bids = [(p, market.bids.totals.get(p, 0)) for side, p in levels if side == BUY]
    asks = [(p, market.asks.totals.get(p, 0)) for side, p in levels if side != BUY]
    bids.sort(reverse=True)
    asks.sort()
    data = {"bids": level_texts(symbol, bids), "asks": level_texts(symbol, asks)}
    return _tail("book", symbol, "delta", market.book_seq, market.book_ts_ns, data)


def _say(session: Session, answer: Mapping[str, object]) -> None:
    session.push(_encode({k: v for k, v in answer.items() if v != ""})[1:])


def _decode(message: bytes) -> Inbound:
    if len(message) > MESSAGE_BYTES_MAX:
        raise Refused(invalid("message", f"must be at most {MESSAGE_BYTES_MAX} bytes"))
    try:
        return _inbound.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        rule = f"must be an object with op, ch, symbol and id: {str(error)[:120]}"
        raise Refused(invalid("message", rule)) from None
