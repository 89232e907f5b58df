"""Events and replies as one line of text each, for people, golden files and evidence.

Why it exists: what is compared by eye must show every field, by name. It decides nothing.
"""

from typing import Final

from core.codes import (
    ACCOUNT_STATE_NAMES, BALANCE_REASON_NAMES, CANCEL_REASON_NAMES, COMMAND_NAMES, LIST_KIND_NAMES,
    LIST_STATE_NAMES, MODE_NAMES, ORDER_TYPE_NAMES, REJECT_NAMES, SIDE_NAMES, STATUS_NAMES,
    STP_NAMES, TIME_IN_FORCE_NAMES, TRANSFER_STATE_NAMES, TRIP_NAMES,
)  # fmt: skip
from core.events import AnyEvent, Reply

_NAMES: Final = {
    "side": SIDE_NAMES, "order_type": ORDER_TYPE_NAMES, "time_in_force": TIME_IN_FORCE_NAMES,
    "mode": MODE_NAMES, "old_mode": MODE_NAMES, "code": REJECT_NAMES, "status": STATUS_NAMES,
    "command": COMMAND_NAMES, "stp": STP_NAMES, "list_kind": LIST_KIND_NAMES,
    "list_state": LIST_STATE_NAMES, "transfer_state": TRANSFER_STATE_NAMES,
    "action": MODE_NAMES, "tripped_by": TRIP_NAMES, "state": ACCOUNT_STATE_NAMES,
}  # fmt: skip


def text(event: AnyEvent | Reply) -> str:
    """One line for people and golden files: the type's name, then `field=value` in order."""
    kind = type(event).__name__
    parts = [kind]
    for field in event.__struct_fields__:
        value = getattr(event, field)
        names = _NAMES.get(field)
        if field == "reason":
            names = BALANCE_REASON_NAMES if kind == "BalanceChanged" else CANCEL_REASON_NAMES
        if isinstance(value, tuple):
            shown = ",".join(":".join(map(str, tier)) for tier in value) or "none"
        elif names is not None:
            shown = names[value]
        else:
            shown = value.hex() if isinstance(value, bytes) else str(value)
        parts.append(f"{field}={shown}")
    return " ".join(parts)
