"""The command line: one module per command, and the only place where rooms are put together."""
