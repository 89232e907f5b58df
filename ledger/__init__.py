"""The books: the core's events as double entry, checked against the core at every checkpoint."""
