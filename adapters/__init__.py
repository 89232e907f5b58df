"""Everything that touches the outside: disks, sockets, databases, clocks, the command line.

A module here implements a port of one room, or is a composition root under `cli`. No business
rule stands here.
"""
