"""A process that runs simulations: orders come as lines of JSON, outcomes go back as lines.

Why it exists: a plant must be put in before anything is imported, runs use more than one core, a
hash seed and a build belong to a process, and a run that hangs is ended with its process. It must
not know why a run is wanted.
"""

import sys
import time
from pathlib import Path

import msgspec


def main(arguments: list[str]) -> int:
    """`arguments`: the plant's name, or an empty one."""
    from adapters import core_build, parent_death  # noqa: PLC0415 - see the first paragraph

    parent_death.end_with_parent()
    core_build.use_sources_if_asked()
    if arguments and arguments[0]:
        from sim.planting import install  # noqa: PLC0415 - before what it changes
        from sim.plants import plant_named  # noqa: PLC0415

        install(plant_named(arguments[0]))
    return _serve()


def _serve() -> int:
    from sim.order import Order  # noqa: PLC0415 - after the plant
    from sim.picture import page  # noqa: PLC0415
    from sim.simulation import Simulation  # noqa: PLC0415

    decode = msgspec.json.Decoder(Order).decode
    for line in sys.stdin.buffer:
        text, _, html = line.partition(b"\t")
        plan = decode(text).plan()
        began_s = time.perf_counter()
        run = Simulation(plan, keeps_trace=bool(html.strip()))
        outcome = run.run()
        outcome.wall_seconds = time.perf_counter() - began_s
        if html.strip():
            Path(html.decode().strip()).write_text(page(plan, outcome, run.records), "utf-8")
        sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")
        sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
