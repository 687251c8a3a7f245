"""What others use of mapping is named in its face, is cheap to import, and is all that they import."""

import ast
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from tsmu import mapping
from tsmu.errors import MapError
from tsmu.mapping.cluster import steps

ROOT = Path(__file__).parents[2]
ROOM = ROOT / "src" / "tsmu" / "mapping"


def test_every_name_of_the_face_is_there() -> None:
    assert len(set(mapping.__all__)) == len(mapping.__all__)
    for name in mapping.__all__:
        assert getattr(mapping, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        mapping.nothing  # noqa: B018


def test_type_checkers_see_the_names_that_are_loaded() -> None:
    face = ast.parse((ROOM / "__init__.py").read_text())
    block = next(node for node in face.body if isinstance(node, ast.If))
    seen = {alias.name for node in block.body for alias in node.names}  # type: ignore[attr-defined]
    assert seen == set(mapping.__all__)


@pytest.mark.parametrize(
    ("names", "heavy"),
    [
        ("", "torch openvino nncf scipy geopandas rasterio distributed matplotlib"),
        ("MapOptions ENGINES PRECISIONS", "torch openvino nncf scipy geopandas rasterio distributed matplotlib"),
        ("SceneRequest DEVIATION_FILE check_scene_name", "torch openvino nncf distributed matplotlib"),
        ("MapSession Dispatcher connect_cluster map_scene", "torch openvino nncf distributed matplotlib"),
    ],
)
def test_names_of_the_face_load_no_more_than_they_need(names: str, heavy: str) -> None:
    code = f"import tsmu.mapping as m, sys; [getattr(m, n) for n in {names.split()}]"
    code += f"; print([name for name in {heavy.split()} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_what_travels_to_workers_can_be_pickled() -> None:
    setup = steps.CommandSetup(mapping.MapOptions(aoi=Path("area.gpkg"), tta=True), Path("survey"), "0")
    request = mapping.SceneRequest(Path("post.tif"), None, "post")
    for value in (steps.begin, steps.compute, steps.finish, setup, request, mapping.Tiling(512, 128, 4)):
        assert pickle.loads(pickle.dumps(value)) == value


def test_options_have_defaults_and_are_named() -> None:
    assert mapping.MapOptions() == mapping.MapOptions(engine="auto", precision="auto", min_area=0.0)
    with pytest.raises(TypeError):
        mapping.MapOptions(50)  # type: ignore[misc]
    with pytest.raises(MapError, match="`engine=numpy`: must be one of auto, openvino, torch"):
        mapping.MapOptions(engine="numpy")


def test_other_tests_and_benchmarks_import_the_face_only() -> None:
    allowed = {"tests/benchmarks/test_candidates.py"}  # compares with the outlines themselves
    for base in ("tests", "benchmarks"):
        for path in (ROOT / base).rglob("*.py"):
            if path.parent != Path(__file__).parent and str(path.relative_to(ROOT)) not in allowed:
                assert "from tsmu.mapping." not in path.read_text(), path
