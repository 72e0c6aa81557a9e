"""Writes docs/conformance/web3py.md from deviations.toml; `--check` only says whether it is current."""

import re
import subprocess
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import deviations

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parents[3] / "docs" / "conformance" / "web3py.md"

HEAD = """# web3.py's own suite

web3.py {version} ships the integration tests that it runs against geth, `web3/_utils/module_testing`. They run, unchanged,
against a fresh group, over HTTP and WebSocket (`make e2e CASE=web3pys_own_suite`). Of {all} tests, parameters and
transports counted, {passing} pass. This is every test that does not, by reason. The list is
`e2e/clients/python/module_testing/deviations.toml`; the run fails when an outcome or an error differs from it, for the
worse or for the better.

The suite expects the chain that web3.py prepares for geth. The fixtures make the like of it: contracts, a transaction and
an event on a fresh group, an account in web3.py's own signing middleware, and, where a test waits for a new head, another
account that sends transactions meanwhile.

`fails`: must fail. `skips`: the suite skips it by itself. `varies`: depends on timing that the test cannot control.
"""

SECTION = """
## {number}. {outcome}: {count}

{reason}

{tests}
"""


def collected() -> list[str]:
    """Every `Class::test[parameter]` of the suite, as pytest finds them."""
    command = [sys.executable, "-m", "pytest", "--collect-only"]
    said = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    names = re.findall(r"^test_\w+\.py::(.+)$", said.stdout, re.MULTILINE)
    if said.returncode or not names:
        raise SystemExit(f"the suite could not be collected:\n{said.stdout}{said.stderr}")
    return names


def listed(names: list[str]) -> str:
    """One line a test, with the classes that run it and how often."""
    tests = {}
    for name in names:
        run_by, test = name.split("[")[0].split("::")
        tests.setdefault(test, Counter())[run_by] += 1
    line = "- `{}`: {}"
    times = {1: "{}"}
    return "\n".join(
        line.format(test, ", ".join(times.get(count, "{} ×{}").format(run_by, count) for run_by, count in classes.items()))
        for test, classes in tests.items()
    )


def render() -> str:
    """The whole document."""
    rows, names = deviations.load(), collected()
    by_row = [[name for name in names if deviations.of(name, rows) is row] for row in rows]
    sections = [
        SECTION.format(
            number=number, outcome=row.outcome, count=len(covered), reason=row.reason, tests=listed(covered)
        )
        for number, (row, covered) in enumerate(zip(rows, by_row, strict=True), 1)
    ]
    passing = len(names) - sum(map(len, by_row))
    return HEAD.format(version=version("web3"), all=len(names), passing=passing) + "".join(sections)


def main() -> int:
    """Writes the document, or with `--check` compares it."""
    current = render()
    if "--check" not in sys.argv:
        DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
        DOCUMENT.write_text(current)
        return 0
    if DOCUMENT.exists() and DOCUMENT.read_text() == current:
        return 0
    print("docs/conformance/web3py.md is not current: run python document.py in e2e/clients/python/module_testing")
    return 1


if __name__ == "__main__":
    sys.exit(main())
