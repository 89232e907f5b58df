# Lockstep's tasks. Bare `just` lists them; `just check` is what CI runs.

set shell := ["bash", "-euo", "pipefail", "-c"]

python := "python"

_default:
    @just --list --unsorted

# Lint, types and all tests: what CI runs, in CI's order
[group('every day')]
check: lint types test-pure test

# All tests; arguments go to pytest: `just test tests/core -k amend`
[group('every day')]
test *ARGS: _current
    {{python}} -m pytest {{ARGS}}

# The tests of the core and the golden scenarios, interpreted
[group('every day')]
test-pure *ARGS="tests/core tests/golden":
    LOCKSTEP_PURE=1 {{python}} -m pytest {{ARGS}}

# Format the code
[group('every day')]
fmt:
    ruff format .

# Style, bugs that a linter sees, formatting
[group('every day')]
lint:
    ruff check .
    ruff format --check .

# mypy, strict, over everything
[group('every day')]
types:
    mypy .

# Compile the core in place (about half a minute)
[group('build')]
build:
    {{python}} setup.py --quiet build_ext --inplace

# Compile for this machine's speed: build, watch the benchmarks, build again (gcc; 5 minutes)
[group('build')]
build-tuned:
    rm -rf build
    LOCKSTEP_PROFILE=record:"$PWD/build/profile" {{python}} setup.py --quiet build_ext --inplace
    lockstep bench machine --runs 1 --json >build/machine.json
    lockstep bench matching --runs 1 --orders 300000 --json >build/matching.json
    rm -rf build/temp.* build/lib.*
    LOCKSTEP_PROFILE=use:"$PWD/build/profile" {{python}} setup.py --quiet build_ext --inplace

# Back to the interpreted core: remove every compiled file
[group('build')]
pure:
    {{python}} -m adapters.core_build remove

# Build again only if the compiled core is missing or older than its sources
[private]
_current:
    @{{python}} -m adapters.core_build current || just build

# Generate the stubs in contracts/gen from contracts/proto
[group('build')]
proto:
    {{python}} -m contracts.generate

# Lint the protobuf with buf, and compare it with the last release's; `--fetch` gets buf by npm
[group('build')]
proto-check *ARGS:
    {{python}} contracts/lint.py {{ARGS}}

# Remove what builds and tests leave behind (not lockstep-data, nor what the fuzzers found)
[group('build')]
clean: pure
    rm -rf build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache *.egg-info
    find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

# The whole exchange on this machine, with accounts and market makers
[group('run')]
up *ARGS="--demo": _current
    lockstep up {{ARGS}}

# One benchmark: matching, machine, growth, wal, recovery, grpc, rest, ledger, cluster, sim
[group('run')]
bench NAME *ARGS: _current
    lockstep bench {{NAME}} {{ARGS}}

# What this machine has and lacks
[group('run')]
doctor:
    lockstep doctor

# Real processes, HTTP, WebSocket and PostgreSQL, end to end
[group('proof')]
e2e *ARGS: _current
    {{python}} -m pytest tests/e2e {{ARGS}}

# The seeds that CI runs, each twice: other hash seeds, some interpreted
[group('proof')]
sim *ARGS="--seeds 200 --jobs 2 --twice": _current
    lockstep sim {{ARGS}}

# Many more seeds, of every profile
[group('proof')]
sim-nightly: _current
    lockstep sim --seeds 10000 --start 1000000 --jobs 2
    for profile in network disk members upgrade pipeline churn; do \
        lockstep sim --seeds 2000 --start 1000000 --jobs 2 --profile "$profile"; \
    done

# Look for every planted bug, and write docs/plants.md
[group('proof')]
plants *ARGS: _current
    {{python}} -m adapters.cli.sim_table docs/plants.md --jobs 2 {{ARGS}}

# Three nodes, faults, load; many cycles
[group('proof')]
cluster-faults CYCLES="20": _current
    LOCKSTEP_CLUSTER_CYCLES={{CYCLES}} {{python}} -m pytest tests/cluster -x -s

# Kill the node with SIGKILL 1,000 times under load
[group('proof')]
kill-1000: _current
    LOCKSTEP_KILL_CYCLES=1000 {{python}} -m pytest tests/node/test_kill.py -x

# The fuzzers, two minutes: millions of commands, the twin, both builds, all decoders
[group('proof')]
fuzz START="0": _current
    {{python}} -m tests.fuzz.bulk --seeds 20 --start {{START}} --jobs 2
    {{python}} -m tests.fuzz.differential --seeds 10 --start {{START}} --jobs 2
    {{python}} -m tests.fuzz.builds --seeds 4 --start {{START}} --jobs 2
    {{python}} -m tests.fuzz.guided --runs 1000
    {{python}} -m tests.fuzz.corpus

# The same for an hour: eighty million commands, three million beside the twin
[group('proof')]
fuzz-nightly START="1000000": _current
    {{python}} -m tests.fuzz.bulk --seeds 200 --start {{START}} --jobs 2
    {{python}} -m tests.fuzz.differential --seeds 100 --start {{START}} --commands 30000 --jobs 2
    {{python}} -m tests.fuzz.builds --seeds 40 --start {{START}} --jobs 2
    {{python}} -m tests.fuzz.guided --seconds 180
    {{python}} -m tests.fuzz.corpus

# Everything, with many more and fresh random examples, more seeds and more kills; then the fuzzers
[group('proof')]
nightly: _current && fuzz-nightly
    LOCKSTEP_HYPOTHESIS_PROFILE=nightly LOCKSTEP_KILL_CYCLES=200 \
        {{python}} -m pytest

# Draw the lives of orders into docs/orders.
[group('proof')]
diagrams: _current
    {{python}} -m sim.lives docs/orders

# Rewrite expected output of golden scenarios, add missing snapshots: read the diff before a commit
[group('proof')]
golden-rewrite: _current
    LOCKSTEP_GOLDEN_REWRITE=1 {{python}} -m pytest tests/golden tests/contracts -q
