"""What others use of the database is named in its face, is cheap to import, and is all that they import."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tsmu import database

ROOT = Path(__file__).parents[2]
ROOM = ROOT / "src" / "tsmu" / "database"
FOLDERS = sorted(init.parent.name for init in ROOM.glob("*/__init__.py"))


def imports(path: Path) -> Iterator[str]:
    """The modules of the database that a file imports from."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        yield from (name for name in names if name.startswith("tsmu.database."))


def test_every_name_of_the_face_is_there() -> None:
    assert len(set(database.__all__)) == len(database.__all__)
    for name in database.__all__:
        assert getattr(database, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        database.nothing  # noqa: B018


def test_type_checkers_see_the_names_that_are_loaded() -> None:
    face = ast.parse((ROOM / "__init__.py").read_text())
    block = next(node for node in face.body if isinstance(node, ast.If))
    seen = {alias.asname or alias.name for node in block.body for alias in node.names}  # type: ignore[attr-defined]
    assert seen == set(database.__all__)


def test_importing_the_face_loads_nothing_heavy() -> None:
    heavy = "[name for name in ('sqlalchemy', 'geopandas', 'alembic', 'matplotlib', 'scipy') if name in sys.modules]"
    told = subprocess.check_output([sys.executable, "-c", f"import tsmu.database, sys; print({heavy})"], text=True)
    assert told.strip() == "[]"


def test_queries_load_neither_alembic_nor_matplotlib_nor_scipy() -> None:
    heavy = "[name for name in ('alembic', 'matplotlib', 'scipy', 'torch') if name in sys.modules]"
    code = f"import tsmu.database as d, sys; d.query, d.open_database, d.decide; print({heavy})"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_tests_and_benchmarks_import_faces_only() -> None:
    faces = {f"tsmu.database.{folder}" for folder in FOLDERS}
    for base in ("tests", "benchmarks"):
        for path in (ROOT / base).rglob("*.py"):
            allowed = faces if path.parent == Path(__file__).parent else set()
            assert set(imports(path)) <= allowed, path


def test_folders_import_each_other_through_their_faces() -> None:
    for folder in FOLDERS:
        for path in (ROOM / folder).glob("*.py"):
            others = {name for name in imports(path) if name.count(".") > 2 and name.split(".")[2] != folder}
            assert not others, path


def test_landslides_are_changed_in_one_place() -> None:
    writers = {path.name for path in ROOM.rglob("*.py") if "update(landslide)" in path.read_text()}
    assert writers == {"landslide_versions.py"}
