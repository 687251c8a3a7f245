"""What the workspace's room offers, and that naming it is cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tsmu import workspace
from tsmu.workspace import Report, Workspace

ROOM = Path(workspace.__file__).parent
HEAVY = ("torch", "geopandas", "pandas", "rasterio", "shapely", "matplotlib", "scipy", "sqlalchemy")


def test_every_name_of_the_face_is_there() -> None:
    assert sorted(workspace.__all__) == workspace.__all__
    for name in workspace.__all__:
        assert getattr(workspace, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        workspace.nothing  # noqa: B018


def test_type_checkers_see_the_names_that_are_loaded() -> None:
    face = ast.parse((ROOM / "__init__.py").read_text())
    block = next(node for node in face.body if isinstance(node, ast.If))
    seen = {alias.asname or alias.name for node in block.body for alias in node.names}  # type: ignore[attr-defined]
    assert seen == set(workspace.__all__)


def test_neither_the_class_nor_the_help_loads_anything_heavy() -> None:
    loaded = f"print([name for name in {HEAVY} if name in sys.modules])"
    for code in ("from tsmu.workspace import Workspace", "import tsmu.cli"):
        assert (
            subprocess.check_output([sys.executable, "-c", f"import sys; {code}; {loaded}"], text=True).strip() == "[]"
        )


def test_a_folder_becomes_a_workspace_and_is_found_from_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    report = Workspace.init("~/alps")
    assert isinstance(report, Report)
    assert report.workspace is not None
    assert report.workspace.folder.root == tmp_path / "alps"
    assert report.outputs == {"workspace": str(tmp_path / "alps")}
    (tmp_path / "alps" / "scenes").mkdir()
    assert Workspace.find("~/alps/scenes").folder == report.workspace.folder


def test_a_name_that_only_begins_with_a_tilde_is_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Workspace("~nobody-of-this-name").folder.root == tmp_path / "~nobody-of-this-name"
