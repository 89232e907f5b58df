"""Quorum arithmetic, apart from the protocol that uses it, because an off-by-one here loses data.

Pure functions over counts and indexes; they know no roles, terms or messages.
"""

from collections.abc import Iterable


def majority(voters: int) -> int:
    """The least number of voters such that any two such sets share a member."""
    assert voters > 0, "a cluster without voters decides nothing"
    return voters // 2 + 1


def durable_on_majority(durable_index_of_voters: Iterable[int]) -> int:
    """The highest index that a majority of the voters has on disk."""
    descending = sorted(durable_index_of_voters, reverse=True)
    return descending[majority(len(descending)) - 1]
