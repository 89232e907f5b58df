"""The answer to the command in hand, before it is written as a reply.

Why it exists: the parts that carry a command out leave their result in one place, in plain
fields, and the machine writes the reply from it once. It knows no rule.
"""

from mypy_extensions import i64

from core.codes import OK, STATUS_NONE, STATUS_REJECTED


class Answer:
    """One command's result; the fields are those of a reply in `core.events`."""

    def __init__(self) -> None:
        self.code: i64 = OK
        self.status: i64 = STATUS_NONE
        self.duplicate: bool = False
        self.id: i64 = 0
        self.seq: i64 = 0
        self.ts_ns: i64 = 0
        self.filled: i64 = 0
        self.filled_quote: i64 = 0
        self.remaining: i64 = 0
        self.detail: i64 = 0

    def begin(self, ts_ns: i64) -> None:
        self.code = OK
        self.status = STATUS_NONE
        self.duplicate = False
        self.id = 0
        self.seq = 0
        self.ts_ns = ts_ns
        self.filled = 0
        self.filled_quote = 0
        self.remaining = 0
        self.detail = 0

    def reject(self, code: i64, detail: i64) -> bool:
        """Always False, so that a check can end with it."""
        self.code = code
        self.status = STATUS_REJECTED
        self.detail = detail
        return False
