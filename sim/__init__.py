"""The simulator: the production code of a whole exchange in a world whose every fault is drawn."""
