"""The benchmarks: each measures one part, several times in one run, and reports medians.

They are composition roots, as the command line is: they put real parts together and time them.
A benchmark is not a test, and no test depends on a time.
"""
