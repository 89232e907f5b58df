"""The words of the rows of accounts and balances.

Why it exists: the parts that move money and the one that hashes it read the same rows.
"""

from typing import Final

# Words of an account's row. Row 0 stands for "no account".
AC_ORDERS_HEAD: Final = 0  # open orders, oldest first; slots of the order store
AC_ORDERS_TAIL: Final = 1
AC_OPEN_ORDERS: Final = 2
AC_BALANCES: Final = 3  # first balance row, sorted by asset
ACCOUNT_WORDS: Final = 4

# Words of a balance's row.
B_ACCOUNT: Final = 0
B_ASSET: Final = 1
B_AVAILABLE: Final = 2
B_HOLD: Final = 3
B_NEXT: Final = 4
BALANCE_WORDS: Final = 5
