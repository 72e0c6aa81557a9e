"""What this suite may fail or skip, and why; any other outcome, worse or better, fails the run."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

FILE = Path(__file__).parent / "deviations.toml"
OUTCOMES = ("fails", "skips", "varies")


@dataclass(frozen=True)
class Deviation:
    """Tests that do not pass, by pattern of `Class::test`, with the outcome that is expected and its reason.

    `error` is an expression found in the error of each that must fail, so that none fails for another reason unseen;
    `timeout`, in seconds, ends a test early that can only end so.
    """

    tests: tuple[str, ...]
    outcome: str
    reason: str
    error: str = ""
    timeout: float | None = None

    def covers(self, name: str) -> bool:
        """Whether `name`, a `Class::test`, is one of them."""
        return any(fnmatchcase(name, pattern) for pattern in self.tests)


def load() -> list[Deviation]:
    """Reads the file, refusing outcomes it does not know."""
    rows = tomllib.loads(FILE.read_text()).get("deviation", [])
    found = [Deviation(**row | {"tests": tuple(row["tests"])}) for row in rows]
    for deviation in found:
        if (deviation.outcome == "fails") != bool(deviation.error):
            raise ValueError(f"{FILE.name}: `error` belongs to the outcome fails: {', '.join(deviation.tests)}")
        if deviation.outcome not in OUTCOMES:
            raise ValueError(f"{FILE.name}: outcome {deviation.outcome!r}, accepted are {', '.join(OUTCOMES)}")
    return found


def of(name: str, deviations: list[Deviation]) -> Deviation | None:
    """The first deviation that covers the test."""
    return next((deviation for deviation in deviations if deviation.covers(name)), None)
