"""Signed answers: orders and balances of the caller's account, and nobody else's.

Why it exists: every lookup here is by account first, so that another's order is an order that
does not exist (404, never 403). A read that follows an acknowledged write, anybody's, waits until
the folds contain that write's log entry: who was told of a trade finds it in both orders.
"""

from typing import Final

from core import codes
from core.commands import NO_KEY, Key
from core.events import Reply, decode_reply
from gateway import mass_orders, order_lists, orders
from gateway.asked import Asked, Case
from gateway.decimals import format_units, shortest
from gateway.fold import ReadModel
from gateway.http import Call, Response, Route, retry_headers, whole_number
from gateway.list_view import OrderList
from gateway.mass_orders import FILTERS
from gateway.order_view import Order
from gateway.ports import (
    READ,
    TRADE,
    CommandIds,
    CorePort,
    CoreUnavailable,
    Entropy,
    LedgerQueries,
    LedgerUnavailable,
    Progress,
)  # fmt: skip
from gateway.problems import CONTENT_TYPE, Problem, Refused, encode_problem
from gateway.rejects import BY_RULES, list_problem, reject_problem
from gateway.symbols import Symbol

READ_YOUR_WRITES_S: Final = 2.0
ORDERS_DEFAULT: Final = 500
ORDERS_MAX: Final = 1_000
WORDS_WAIT_S: Final = 0.2
"""How long a refusal may wait to be said well: the outcome is known, and a client waits for it."""
LISTS_DEFAULT: Final = 100
LISTS_MAX: Final = 300
"""Of up to three orders each."""

REPLAYED: Final = (b"idempotency-replayed", b"true")


class PrivateApi:
    def __init__(
        self, model: ReadModel, core: CorePort, progress: Progress, entropy: Entropy,
        ledger: LedgerQueries | None,
    ) -> None:  # fmt: skip
        self._model = model
        self._core = core
        self._progress = progress
        self._entropy = entropy
        self._ledger = ledger
        self._acked_index = 0
        """The newest log entry that any client was told of: no later read may be older."""

    def routes(self) -> list[Route]:
        one = "/v1/orders/{}"
        return [
            Route("POST", "/v1/orders", self.place, TRADE, has_body=True),
            Route("GET", "/v1/orders", self.open_orders, READ, params=("symbol", "limit")),
            Route("DELETE", "/v1/orders", self.cancel_all, TRADE, params=("symbol", *FILTERS)),
            Route("PUT", "/v1/cancel-after", self.cancel_after, TRADE, has_body=True),
            Route("GET", one, self.order, READ),
            Route("DELETE", one, self.cancel, TRADE),
            Route("PATCH", one, self.amend, TRADE, has_body=True),
            Route("POST", "/v1/order-lists", self.place_list, TRADE, has_body=True),
            Route("GET", "/v1/order-lists", self.open_lists, READ, params=("symbol", "limit")),
            Route("GET", "/v1/order-lists/{}", self.order_list, READ),
            Route("DELETE", "/v1/order-lists/{}", self.cancel_list, TRADE),
            Route("GET", "/v1/account/balances", self.core_balances, READ),
            Route("GET", "/v1/balances", self.ledger_balances, READ),
        ]

    # --- writes --------------------------------------------------------------------------------

    async def place(self, call: Call) -> Response:
        key = orders.idempotency_key(call.request.headers.get(b"idempotency-key"))
        placing = orders.place_command(call.request.body, self._model.symbols, call.account, key)
        reply = await self._submit(call, placing.command, placing.client_text)
        if reply.code:
            return await self._rejected(call, reply, placing.symbol, placing.asked)
        body = orders.placed_body(reply, placing.symbol, placing.client_text)
        location = (b"location", b"/v1/orders/%d" % reply.id)
        headers = (location, REPLAYED) if reply.duplicate else (location,)
        return Response(201, body, headers=headers)

    async def place_list(self, call: Call) -> Response:
        """Two or three orders, or none; the answer shows them as they stand after it."""
        model = self._model
        key = orders.idempotency_key(call.request.headers.get(b"idempotency-key"))
        placing = order_lists.place_list_command(
            call.request.body, model.symbols, model.version, call.account, key
        )
        reply = await self._submit(call, placing.command, placing.texts)
        if reply.code:
            case = await self._case(call, reply, placing.symbol, None)
            problem = list_problem(case, placing.kind, placing.legs)
            return self._problem(call, problem, reply.duplicate)
        await self._caught_up()
        body = orders.encode(self._list_body(self._own_list(reply.id, call.account)))
        location = (b"location", b"/v1/order-lists/%d" % reply.id)
        headers = (location, REPLAYED) if reply.duplicate else (location,)
        return Response(201, body, headers=headers)

    async def cancel_list(self, call: Call) -> Response:
        """By any leg that is open: the machine takes the others with it."""
        list_id = order_lists.list_id_of(call.argument)
        await self._caught_up()
        found = self._own_list(list_id, call.account)
        keys = order_lists.cancel_keys(self._write_key(call))
        for leg, key in zip(found.legs, keys, strict=False):
            reply = await self._submit(call, orders.cancel_command(leg, call.account, key))
            if reply.code != codes.UNKNOWN_ORDER:
                break
        else:
            raise Refused(order_lists.unknown_list())
        if reply.code:
            return await self._rejected(call, reply, self._model.symbols.by_id[found.symbol])
        await self._caught_up()
        return self._accepted(reply, orders.encode(self._list_body(found)))

    async def cancel(self, call: Call) -> Response:
        order_id = orders.order_id_of(call.argument)
        command = orders.cancel_command(order_id, call.account, self._write_key(call))
        reply = await self._submit(call, command)
        if reply.code in (codes.UNKNOWN_ORDER, codes.NOT_OWNER):
            raise Refused(orders.unknown_order())
        if reply.code:
            known = self._model.orders.find(order_id)
            mine = known is not None and known.account == call.account
            where = self._model.symbols.by_id[known.symbol] if known and mine else None
            return await self._rejected(call, reply, where)
        symbol = await self._symbol_of(order_id, call.account)
        return self._accepted(reply, orders.canceled_body(reply, symbol))

    async def cancel_all(self, call: Call) -> Response:
        symbol = self._symbol_param(call)
        command = mass_orders.cancel_all_command(
            call.params, symbol, self._model.version, call.account, self._write_key(call)
        )
        reply = await self._submit(call, command)
        if reply.code:
            return await self._rejected(call, reply, symbol)
        return self._accepted(reply, mass_orders.mass_canceled_body(reply))

    async def cancel_after(self, call: Call) -> Response:
        """The dead man's switch: set it again in time, or everything is canceled."""
        command, symbol = mass_orders.cancel_after_command(
            call.request.body, self._model.symbols, self._model.version, call.account,
            self._write_key(call),
        )  # fmt: skip
        reply = await self._submit(call, command)
        if reply.code:
            return await self._rejected(call, reply, symbol)
        return self._accepted(reply, mass_orders.switch_body(reply))

    async def amend(self, call: Call) -> Response:
        order_id = orders.order_id_of(call.argument)
        await self._caught_up()
        order = self._own(order_id, call.account)
        symbol = self._model.symbols.by_id[order.symbol]
        amending = orders.amend_command(
            call.request.body, symbol, order, call.account, self._write_key(call)
        )
        reply = await self._submit(call, amending.command)
        if reply.code:
            return await self._rejected(call, reply, symbol, amending.asked)
        return self._accepted(reply, orders.placed_body(reply, symbol, ""))

    async def _submit(self, call: Call, command: bytes, client_text: str = "") -> Reply:
        ids = CommandIds(self._entropy.bytes16(), client_text.encode(), call.trace_id)
        answer = await self._core.submit(command, ids)
        self._acked_index = max(self._acked_index, answer.log_index)
        return decode_reply(answer.reply)

    def _write_key(self, call: Call) -> Key:
        """Every write has a key in the machine, so that neither a replay nor the gateway's own
        retry after a broken connection can have a second effect."""
        headers = call.request.headers
        key = orders.idempotency_key(headers.get(b"idempotency-key"))
        if key != NO_KEY:
            return key
        return orders.signature_key(headers[b"x-signature"].decode())

    def _accepted(self, reply: Reply, body: bytes) -> Response:
        return Response(200, body, headers=(REPLAYED,) if reply.duplicate else ())

    async def _rejected(
        self, call: Call, reply: Reply, symbol: Symbol | None, asked: Asked | None = None
    ) -> Response:
        case = await self._case(call, reply, symbol, asked)
        return self._problem(call, reject_problem(case), reply.duplicate)

    async def _case(
        self, call: Call, reply: Reply, symbol: Symbol | None, asked: Asked | None
    ) -> Case:
        """Words by the rules that were in force; if the fold is late, by those that it knows."""
        if reply.code in BY_RULES and self._model.index < self._acked_index:
            await self._progress.reached(self._acked_index, WORDS_WAIT_S)
        return Case(reply, self._model, call.account, symbol, asked)

    def _problem(self, call: Call, problem: Problem, replayed: bool) -> Response:
        body = encode_problem(problem, call.request.path, call.trace_id.hex())
        headers = retry_headers(problem) + ((REPLAYED,) if replayed else ())
        return Response(problem.status, body, CONTENT_TYPE, headers)

    # --- reads ---------------------------------------------------------------------------------

    async def order(self, call: Call) -> Response:
        order_id = orders.order_id_of(call.argument)
        await self._caught_up()
        order = self._own(order_id, call.account)
        symbol = self._model.symbols.by_id[order.symbol]
        return Response(200, orders.encode(orders.order_body(order, symbol)))

    async def open_orders(self, call: Call) -> Response:
        """Open orders, oldest first; `more` true when there are more than `limit`."""
        symbol = self._symbol_param(call)
        limit = whole_number(call.params, "limit", ORDERS_DEFAULT, ORDERS_MAX)
        await self._caught_up()
        found = self._model.orders.open_orders(call.account, symbol.id if symbol else 0)
        by_id = self._model.symbols.by_id
        rows = [orders.order_body(o, by_id[o.symbol]) for o in found[:limit]]
        body = {"orders": rows, "more": len(found) > limit, "asOfIndex": self._model.index}
        return Response(200, orders.encode(body))

    async def order_list(self, call: Call) -> Response:
        list_id = order_lists.list_id_of(call.argument)
        await self._caught_up()
        found = self._own_list(list_id, call.account)
        return Response(200, orders.encode(self._list_body(found)))

    async def open_lists(self, call: Call) -> Response:
        """Lists that are not over, oldest first; `more` true when there are more than `limit`."""
        symbol = self._symbol_param(call)
        limit = whole_number(call.params, "limit", LISTS_DEFAULT, LISTS_MAX)
        await self._caught_up()
        found = self._model.lists.open_lists(call.account, symbol.id if symbol else 0)
        rows = [self._list_body(one) for one in found[:limit]]
        body = {"orderLists": rows, "more": len(found) > limit, "asOfIndex": self._model.index}
        return Response(200, orders.encode(body))

    async def core_balances(self, call: Call) -> Response:
        """What the account can use now, as the core has it."""
        index, balances = await self._core.balances(call.account)
        if any(b.asset not in self._model.symbols.assets for b in balances):
            await self._wait_for(index)
        assets = self._model.symbols.assets
        rows = [
            _balance_row(assets[b.asset].name, assets[b.asset].scale, b.available, b.hold)
            for b in balances
        ]
        return Response(200, orders.encode({"balances": rows, "asOfIndex": index}))

    async def ledger_balances(self, call: Call) -> Response:
        """What the ledger's books say, and up to which log entry."""
        if self._ledger is None:
            raise LedgerUnavailable("this gateway has no ledger configured")
        found = await self._ledger.balances(call.account)
        rows = [
            {
                "asset": b.asset,
                "available": shortest(b.available),
                "hold": shortest(b.hold),
                "total": shortest(b.total),
            }
            for b in found.balances
        ]
        body = {"balances": rows, "asOfIndex": found.last_index}
        return Response(200, orders.encode(body))

    # --- shared --------------------------------------------------------------------------------

    def _own(self, order_id: int, account: int) -> Order:
        order = self._model.orders.find(order_id)
        if order is None or order.account != account:
            raise Refused(orders.unknown_order())
        return order

    def _own_list(self, list_id: int, account: int) -> OrderList:
        found = self._model.lists.find(list_id)
        if found is None or found.account != account:
            raise Refused(order_lists.unknown_list())
        return found

    def _list_body(self, found: OrderList) -> order_lists.ListOrdersBody:
        symbol = self._model.symbols.by_id[found.symbol]
        legs = (self._model.orders.find(leg) for leg in found.legs)
        kept = tuple(orders.order_body(leg, symbol) for leg in legs if leg is not None)
        return order_lists.list_body(found, symbol, kept)

    async def _symbol_of(self, order_id: int, account: int) -> Symbol:
        """The symbol of an order that the core knows; the fold may not have it yet."""
        if self._model.orders.find(order_id) is None:
            await self._caught_up()
        return self._model.symbols.by_id[self._own(order_id, account).symbol]

    async def _caught_up(self) -> None:
        await self._wait_for(self._acked_index)

    async def _wait_for(self, index: int) -> None:
        if self._model.index >= index:
            return
        if not await self._progress.reached(index, READ_YOUR_WRITES_S):
            behind = index - self._model.index
            raise CoreUnavailable(codes.OVERLOADED, f"the read side is {behind} log entries behind")

    def _symbol_param(self, call: Call) -> Symbol | None:
        name = call.params.get("symbol")
        return None if name is None else self._model.symbols.named(name)


def _balance_row(name: str, scale: int, available: int, hold: int) -> dict[str, str]:
    return {
        "asset": name,
        "available": format_units(available, scale),
        "hold": format_units(hold, scale),
        "total": format_units(available + hold, scale),
    }
