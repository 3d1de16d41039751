"""What the packaging tests install, built once."""

from pathlib import Path

import pytest

from support.wheels import PACKAGES, ROOT, Environment, build


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hookline's wheel."""
    return build(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Hookline and three packages of other people's, installed from wheels."""
    out = tmp_path_factory.mktemp("wheels")
    others = [build(PACKAGES / name, out) for name in ("acme_tools", "acme_billing", "acme_broken")]
    return Environment.make(tmp_path_factory.mktemp("environment") / "env", [wheel, *others])
