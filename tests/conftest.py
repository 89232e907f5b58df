"""What holds for every test: which core runs, how examples are drawn, and that a skip is honest.

- A compiled core that is older than its sources stops the run: its results would be about code
  that nobody reads any more. LOCKSTEP_REQUIRE_COMPILED=1 also refuses the interpreted core.
- LOCKSTEP_REQUIRE_SERVERS=1 turns every skip into a failure: a test that was not run proves
  nothing, and on a machine that should have the server, its absence is the news.
- Hypothesis never judges by the clock; its examples are the same on each run unless the profile
  `nightly` asks for new ones.
"""

import os
from collections.abc import Generator

import hypothesis
import pytest

from adapters import core_build

core_build.use_sources_if_asked()

hypothesis.settings.register_profile(
    "ci", deadline=None, derandomize=True, database=None, print_blob=True
)
hypothesis.settings.register_profile("dev", deadline=None, print_blob=True)
hypothesis.settings.register_profile(
    "nightly", deadline=None, max_examples=2000, stateful_step_count=200, print_blob=True
)
hypothesis.settings.load_profile(os.environ.get("LOCKSTEP_HYPOTHESIS_PROFILE", "ci"))


RECORDED_DATA = "../shared/data"
"""A skip whose reason names this folder stays a skip."""


def _asked(name: str) -> bool:
    return os.environ.get(name, "") not in ("", "0")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--golden-rewrite` is read by the golden scenarios' test."""
    parser.addoption(
        "--golden-rewrite", action="store_true", help="write what the twin answers into the files"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to test a core that is not the one in the sources."""
    state = core_build.state()
    if state == "stale":
        pytest.exit(core_build.STALE_MESSAGE, returncode=3)
    if state != "compiled" and _asked("LOCKSTEP_REQUIRE_COMPILED"):
        pytest.exit("LOCKSTEP_REQUIRE_COMPILED is set and the core is not compiled", returncode=3)


def pytest_report_header(config: pytest.Config) -> str:
    return f"lockstep: core {core_build.state()}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    missing_server = report.skipped and not hasattr(report, "wasxfail")
    if missing_server and RECORDED_DATA in str(report.longrepr):
        return report  # not ours to ship: a clone without it is a whole clone
    if missing_server and _asked("LOCKSTEP_REQUIRE_SERVERS"):
        report.outcome = "failed"
        report.longrepr = f"skipped although LOCKSTEP_REQUIRE_SERVERS is set: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and _asked("LOCKSTEP_REQUIRE_SERVERS"):
        report.outcome = "failed"
        report.longrepr = f"skipped although LOCKSTEP_REQUIRE_SERVERS is set: {report.longrepr}"
    return report
