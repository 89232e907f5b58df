"""A naive, obviously right twin of the machine, written from docs/machine.md alone.

Why it exists: the machine is fast because its state is packed, and packed state is where mistakes
hide. The twin does the same in plain dictionaries, lists and whole-number arithmetic without
bounds, as slowly as it likes; tests drive both and compare every event and every reply. It must
not know how the machine is built: of `core` it uses the codes, limits and record layouts only.
"""
