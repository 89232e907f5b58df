"""Load on a running exchange: a market to trade on, and a generator that signs and sends.

Why it exists: a benchmark's client must not be the thing that is measured, so it is a process of
its own with a hand-made HTTP client. It knows the public interface only.
"""
