"""One target under Atheris; the process that `tests.fuzz.guided` starts for it.

Why it exists: libFuzzer takes the process it runs in for itself and ends it. The modules that
guide are imported first, from their sources, and instrumented then, function by function: the
fuzzer's own import hook would take a compiled module where one lies beside its source.
"""

import inspect
import sys
from types import FunctionType, ModuleType

import atheris

from tests.fuzz.targets import TARGETS, Target


def functions_of(module: ModuleType) -> list[FunctionType]:
    """Functions and methods that the module's own source defines."""
    found: list[FunctionType] = []
    for value in list(vars(module).values()):
        if inspect.isclass(value) and value.__module__ == module.__name__:
            found += [member for raw in vars(value).values() for member in _plain(raw)]
        else:
            found += _plain(value)
    return [one for one in found if one.__module__ == module.__name__]


def _plain(value: object) -> list[FunctionType]:
    """The functions in what may be a method, a static one or a property."""
    if isinstance(value, FunctionType):
        return [value]
    if isinstance(value, staticmethod | classmethod):
        return _plain(value.__func__)
    if isinstance(value, property):
        return [one for one in (value.fget, value.fset) if isinstance(one, FunctionType)]
    return []


def instrument(target: Target) -> int:
    """How many functions the fuzzer sees from now on."""
    count = 0
    for name, module in sorted(sys.modules.items()):
        if name.startswith(tuple(f"{guide}." for guide in target.guides)) or name in target.guides:
            for function in functions_of(module):
                atheris.instrument_func(function)
                count += 1
    return count


def main() -> None:
    name, *options = sys.argv[1:]
    target = TARGETS[name]
    target.run(target.seeds()[0])  # what is imported late is imported now
    count = instrument(target)
    print(f"{name}: {count} functions are instrumented", file=sys.stderr)
    assert count > 0, f"{name}: nothing to be guided by"
    atheris.Setup([sys.argv[0], f"-max_len={target.bytes_max}", *options], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
