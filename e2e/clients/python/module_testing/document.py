"""Writes docs/conformance/web3py.md from deviations.toml; `--check` only says whether it is current."""

import sys
from importlib.metadata import version
from pathlib import Path

import deviations

DOCUMENT = Path(__file__).resolve().parents[4] / "docs" / "conformance" / "web3py.md"

HEAD = """# web3.py's own suite

web3.py {version} ships the integration tests that it runs against geth, `web3/_utils/module_testing`. They run against a
group here, over HTTP and WebSocket, unchanged (`make e2e CASE=web3pys_own_suite`). This is every test that does not pass
and why. The list is `e2e/clients/python/module_testing/deviations.toml`; the run fails when an outcome differs from it,
for the worse or for the better.

`fails`: must fail. `skips`: the suite skips it by itself. `varies`: depends on timing that the test cannot control.

| tests | outcome | reason |
| --- | --- | --- |
"""


def render() -> str:
    """The whole document."""
    rows = []
    for deviation in deviations.load():
        tests = "<br>".join(f"`{test}`".replace("|", "\\|") for test in deviation.tests)
        rows.append(f"| {tests} | {deviation.outcome} | {deviation.reason} |\n")
    return HEAD.format(version=version("web3")) + "".join(rows)


def main() -> int:
    if "--check" not in sys.argv:
        DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
        DOCUMENT.write_text(render())
        return 0
    if DOCUMENT.exists() and DOCUMENT.read_text() == render():
        return 0
    print("docs/conformance/web3py.md is not current: run python document.py in e2e/clients/python/module_testing")
    return 1


if __name__ == "__main__":
    sys.exit(main())
