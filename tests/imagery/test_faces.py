"""What others use of imagery, tables and vector files is named in their faces, and is cheap to import."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tsmu import imagery, tabular, vectors

ROOT = Path(__file__).parents[2]
FACES = [imagery, tabular, vectors]
ROOM = ROOT / "src" / "tsmu" / "imagery"
FOLDERS = sorted(init.parent.name for init in ROOM.glob("*/__init__.py"))
HEAVY = ("geopandas", "matplotlib", "pyogrio", "pystac", "pystac_client", "rasterio", "scipy", "torch")


def loaded(code: str, modules: tuple[str, ...] = HEAVY) -> list[str]:
    """Which of the modules are loaded after the code."""
    listing = f"print(*[name for name in {modules} if name in sys.modules])"
    return subprocess.check_output([sys.executable, "-c", f"{code}\nimport sys\n{listing}"], text=True).split()


def imports(path: Path) -> Iterator[str]:
    """The modules of the room that a file imports from."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tsmu.imagery."):
            yield node.module or ""


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)
def test_every_name_of_a_face_is_there(face: ModuleType) -> None:
    assert len(set(face.__all__)) == len(face.__all__)
    for name in face.__all__:
        assert getattr(face, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        face.nothing  # noqa: B018


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)
def test_type_checkers_see_the_names_that_are_loaded(face: ModuleType) -> None:
    tree = ast.parse(Path(str(face.__file__)).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    names = {alias.asname or alias.name for node in block.body for alias in node.names}  # type: ignore[attr-defined]
    assert names == set(face.__all__)


def test_importing_the_faces_loads_nothing_heavy() -> None:
    assert loaded("import tsmu.imagery, tsmu.tabular, tsmu.vectors") == []


def test_reading_rasters_and_terrain_loads_no_scipy_and_no_stac_client() -> None:
    code = "from tsmu.imagery import image_channels, read_raster"
    assert loaded(code, ("scipy", "torch", "matplotlib", "pystac_client", "odc")) == []


def test_folders_import_each_other_through_their_faces() -> None:
    for folder in FOLDERS:
        for path in (ROOM / folder).glob("*.py"):
            others = {name for name in imports(path) if name.count(".") > 2 and name.split(".")[2] != folder}
            assert not others, path
