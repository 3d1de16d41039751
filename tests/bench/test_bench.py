"""The benchmark itself: it runs, and finds no wrong answer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run.py")
CASES = "json-c32,stream200-c32,drip200-c8,tool20-c8,idle1000,abort,stores"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the benchmark needs uvloop")


def test_every_answer_under_load_is_right(tmp_path: Path) -> None:
    """Under load, streamed or not, each answer is what the model said, and tables are written."""
    words = ["--quick", "--only=hookline", f"--cases={CASES}", f"--out={tmp_path}"]

    done = subprocess.run(
        [sys.executable, str(RUN), *words], capture_output=True, text=True, timeout=90, check=False
    )

    assert 0 == done.returncode, done.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    assert {} == results["faults"]
    measured = [*results["cases"], *results["streams"], *results["aborts"]]
    assert [*CASES.split(",")[:4], "hookline", "hookline"] == measured
    assert 0 == results["aborts"]["hookline"]["missed"]
    assert {"sqlite-cold", "sqlite-warm"} <= set(results["stores"])
    assert "### stream200-c32" in (tmp_path / "results.md").read_text()
