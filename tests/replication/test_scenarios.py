"""Plays the stories of `scenarios/`: see its README for the steps."""

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from core import codes
from replication.messages import Append, Message, node_number
from replication.ports import Submitted, Unknown
from replication.settings import NodeSettings
from tests.replication.cluster import Cluster

SCENARIOS = sorted((Path(__file__).parent / "scenarios").glob("*.txt"))


class Story:
    """One method a step; numbers are nodes."""

    def __init__(self) -> None:
        self._settings = NodeSettings()
        self._cluster: Cluster | None = None
        self._answers: dict[str, list[Submitted | Unknown]] = {}
        self._caught: list[Message] = []
        self._sent = 0

    def play(self, line: str) -> None:
        name, *words = line.split()
        step: Callable[..., None] | None = getattr(self, f"do_{name.replace('-', '_')}", None)
        assert step is not None, f"no such step: {name}"
        wanted = inspect.signature(step).parameters.values()
        if all(each.kind is not each.VAR_POSITIONAL for each in wanted):
            assert len(wanted) == len(words), f"{name}: {len(words)} words"
        step(*words)

    @property
    def cluster(self) -> Cluster:
        assert self._cluster is not None, "a story begins with `cluster`"
        return self._cluster

    def member(self, node: str) -> int:
        """The newest identity on that node; `leader` is whoever leads."""
        if node == "leader":
            (leader,) = self.cluster.leaders
            return leader
        return max(m for m in self.cluster.hosts if node_number(m) == int(node))

    # --- what happens -----------------------------------------------------------------------

    def do_keep(self, count: str) -> None:
        self._settings = NodeSettings(retain_entries=int(count), snapshot_entries=5)

    def do_cluster(self, count: str) -> None:
        self._cluster = Cluster(int(count), self._settings)

    def do_elect(self, node: str) -> None:
        self.cluster.wire.clear()
        self.cluster.elect(self.member(node))

    def do_send(self, node: str, word: str) -> None:
        self._sent += 1
        self._answers[word] = self.cluster.send(self.member(node), first=self._sent)

    def do_isolate(self, *nodes: str) -> None:
        self.cluster.isolate(*(self.member(node) for node in nodes))

    def do_heal(self) -> None:
        self.cluster.heal()
        self.cluster.drop = lambda message: False

    def do_deaf(self, speaker: str, listener: str) -> None:
        self.cluster.deaf.add((int(speaker), int(listener)))

    def do_crash(self, node: str) -> None:
        node_ = self.cluster[self.member(node)]
        node_.end()
        self.cluster.crash(self.member(node))

    def do_start(self, node: str) -> None:
        self.cluster.start(self.member(node))

    def do_wipe(self, node: str, incarnation: str) -> None:
        old = self.member(node)
        self.cluster.crash(old)
        del self.cluster.hosts[old]
        self.cluster.join(int(incarnation) << 16 | int(node))

    def do_hold(self, node: str) -> None:
        self.cluster.hold_disk(self.member(node))

    def do_release(self, node: str) -> None:
        self.cluster.release_disk(self.member(node))

    def do_transfer(self, node: str, to: str) -> None:
        self.cluster[self.member(node)].transfer(int(to))
        self.cluster.settle(self.member(node))

    def do_catch(self, node: str) -> None:
        def caught(message: Message) -> bool:
            if node_number(message.sender) != int(node):
                return False
            self._caught.append(message)
            return True

        self.cluster.drop = caught

    def do_lose_appends(self, node: str) -> None:
        number = int(node)
        self.cluster.drop = lambda m: isinstance(m, Append) and node_number(m.sender) == number

    def do_replay(self) -> None:
        self.cluster.drop = lambda message: False
        caught, self._caught = self._caught, []
        for message in caught:
            self.cluster.deliver_one(message)
        self.cluster.deliver()

    def do_deliver(self) -> None:
        self.cluster.deliver()

    def do_run(self, seconds: str) -> None:
        self.cluster.run(float(seconds))

    # --- what must be so --------------------------------------------------------------------

    def do_leader(self, node: str) -> None:
        leaders = [node_number(member) for member in self.cluster.leaders]
        assert leaders == ([] if node == "none" else [int(node)])

    def do_terms(self, node: str, *terms: str) -> None:
        assert self.cluster.terms(self.member(node)) == [int(term) for term in terms]

    def do_begins(self, node: str, *terms: str) -> None:
        found = self.cluster.terms(self.member(node))
        assert found[: len(terms)] == [int(term) for term in terms], found

    def do_answered(self, word: str, code: str) -> None:
        answers = self._answers[word]
        if code == "open":
            assert answers == []
            return
        (answer,) = answers
        if isinstance(answer, Unknown):
            assert code == "UNKNOWN", answer
        else:
            assert answer.code == getattr(codes, code), answer

    def do_voters(self, node: str, *nodes: str) -> None:
        voters = self.cluster[self.member(node)].replica.configuration.voters
        assert sorted(map(node_number, voters)) == [int(each) for each in nodes]

    def do_base(self, node: str, above: str, index: str) -> None:
        assert above == "above"
        assert self.cluster[self.member(node)].replica.base.index > int(index)

    def do_equal(self) -> None:
        self.cluster.assert_equal()


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(path: Path) -> None:
    story = Story()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        step = line.partition("#")[0].strip()
        if not step:
            continue
        try:
            story.play(step)
        except AssertionError as error:
            raise AssertionError(f"{path.name}, line {number}: {line}\n{error}") from error


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) >= 9
