"""The wheel and the sdist hold all that runs, and what they install runs outside a checkout, with the review page."""

import json
import os
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tsmu.workspace import Workspace

ROOT = Path(__file__).parents[2]
SQUARE = {
    "type": "Feature",
    "properties": {},
    "geometry": {"type": "Polygon", "coordinates": [[[7, 46], [7.01, 46], [7.01, 46.01], [7, 46.01], [7, 46]]]},
}


def run(*words: object, cwd: Path) -> str:
    """Run a program as on another machine: nothing of this checkout is found by its environment."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run([*map(str, words)], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(source: Path, out: Path, *targets: str) -> None:
    """Build distributions without an environment of their own; hatchling is in the development group."""
    run(sys.executable, "-m", "hatchling", "build", "-d", out, *(f"-t{target}" for target in targets), cwd=source)


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist and the wheel of this checkout."""
    out = tmp_path_factory.mktemp("dist")
    build(ROOT, out, "sdist", "wheel")
    return out


@pytest.fixture(scope="module")
def bare(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel in it; the packages that it needs are those of this environment."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    run(sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, folder, cwd=folder.parent)
    [wheel] = distributions.glob("*.whl")
    install = ("-m", "uv", "pip", "install", "--quiet", "--no-deps", "--offline", "--python", folder / "bin" / "python")
    run(sys.executable, *install, wheel, cwd=folder.parent)
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "needed.pth").write_text(str(Path(np.__file__).parents[1]))
    return folder


def test_the_sdist_builds_the_same_wheel_without_its_page_being_built_again(
    distributions: Path, tmp_path: Path
) -> None:
    [sdist] = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    [source] = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert not (source / "web" / "node_modules").exists()  # nothing could build a page there
    build(source, tmp_path / "dist", "wheel")
    [ours], [theirs] = distributions.glob("*.whl"), (tmp_path / "dist").glob("*.whl")
    contents = []
    for wheel in (ours, theirs):
        with zipfile.ZipFile(wheel) as archive:
            contents.append({info.filename: info.CRC for info in archive.infolist()})
    assert contents[0] == contents[1]
    assert {"tsmu/server/page/index.html", "tsmu/public_data/catalogue.toml", "tsmu/py.typed"} < contents[0].keys()
    assert not [name for name in contents[0] if name.split("/")[0] not in ("tsmu", f"{source.name}.dist-info")]


def test_the_installed_package_runs_outside_the_checkout_with_the_page(bare: Path, tmp_path: Path) -> None:
    tsmu = bare / "bin" / "tsmu"
    assert run(tsmu, "--version", cwd=tmp_path).startswith("tsmu ")
    where = run(bare / "bin" / "python", "-c", "import tsmu; print(tsmu.__file__)", cwd=tmp_path)
    assert where.startswith(str(bare))
    (tmp_path / "slides.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [SQUARE]}))
    Workspace(tmp_path / "survey").database.add_file(tmp_path / "slides.geojson")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    process = subprocess.Popen(
        [tsmu, "serve", "--port", "0", "--workspace", "survey"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[0].rstrip("/")
        with urllib.request.urlopen(f"{address}/", timeout=60) as answer:
            page = answer.read().decode()
        script = page.split('src="')[1].split('"')[0]
        with urllib.request.urlopen(f"{address}/{script.lstrip('./')}", timeout=60) as answer:
            assert len(answer.read()) > 100_000
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_the_wheel_installs_with_all_it_needs_and_shows_the_demo(distributions: Path, tmp_path: Path) -> None:
    """Downloads several gigabytes of packages."""
    [wheel] = distributions.glob("*.whl")
    run(sys.executable, "-m", "uv", "venv", "--quiet", "--python", sys.executable, "venv", cwd=tmp_path)
    run(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", "venv/bin/python", wheel, cwd=tmp_path)
    assert "fine-tuning loses on the first region" in run(tmp_path / "venv" / "bin" / "tsmu", "demo", cwd=tmp_path)
