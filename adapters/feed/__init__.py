"""Recorded order flow: what a file says, and what of it can be known. Pure; `adapters/cli/feed.py`
sends it."""
