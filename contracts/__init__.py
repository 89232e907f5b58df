"""The public interface as protobuf: `proto/` is written by hand, `gen/` by `generate.py`.

Why it exists: other processes and other languages speak to the exchange through these messages
alone. Nothing here knows how a command is applied; the packed records stand in `core`.
"""
