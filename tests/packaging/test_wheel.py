"""What Hookline's wheel and sdist hold."""

import configparser
import tarfile
import tomllib
import zipfile
from pathlib import Path

from support.wheels import ROOT, build

PACKAGES = {
    folder.name
    for root in ("runtime", "api", "plugins")
    for folder in (ROOT / root).iterdir()
    if (folder / "__init__.py").exists()
}


def test_the_wheel_holds_every_package_at_the_top(wheel: Path) -> None:
    """Runtime, API and plugins are packages beside each other, and nothing else is there."""
    names = zipfile.ZipFile(wheel).namelist()

    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert PACKAGES == tops
    assert [] == [p for p in PACKAGES if f"{p}/py.typed" not in names]


def test_the_wheel_names_its_plugins_and_its_licence(wheel: Path) -> None:
    """The wheel carries the entry points of pyproject.toml and the text of the licence."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    archive = zipfile.ZipFile(wheel)
    info = f"hookline-{project['version']}.dist-info"

    points = configparser.ConfigParser()
    points.read_string(archive.read(f"{info}/entry_points.txt").decode())

    assert project["entry-points"]["hookline"] == dict(points["hookline"])
    assert project["scripts"] == dict(points["console_scripts"])
    plugins = {name for name in PACKAGES if name not in {"hookline", "hookline_api"}}
    assert plugins == set(project["entry-points"]["hookline"].values())
    assert f"{info}/licenses/LICENSE" in archive.namelist()


def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """The wheel that is built from the sdist holds the same files as that of the checkout."""
    (tmp_path / "out").mkdir()
    with tarfile.open(build(ROOT, tmp_path / "out", "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.glob("hookline-*")

    again = build(folder, tmp_path / "out")

    assert zipfile.ZipFile(wheel).namelist() == zipfile.ZipFile(again).namelist()
