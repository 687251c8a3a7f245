"""What others use of the server is named in its face, which costs nothing to import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tsmu import server


def test_every_name_of_the_face_is_there() -> None:
    assert len(set(server.__all__)) == len(server.__all__)
    for name in server.__all__:
        assert getattr(server, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        server.nothing  # noqa: B018


def test_type_checkers_see_the_names_that_are_loaded() -> None:
    face = ast.parse(Path(server.__file__).read_text())
    block = next(node for node in face.body if isinstance(node, ast.If))
    seen = {alias.asname or alias.name for node in block.body for alias in node.names}  # type: ignore[attr-defined]
    assert seen == set(server.__all__)


@pytest.mark.parametrize("use", ["", "tsmu.server.TokenFile; "])
def test_neither_the_face_nor_the_token_file_loads_anything_heavy(use: str) -> None:
    heavy = "('fastapi', 'rio_tiler', 'sqlalchemy', 'geopandas', 'torch', 'matplotlib', 'scipy')"
    code = f"import tsmu.server, sys; {use}print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_the_server_starts_without_torch_matplotlib_and_jinja() -> None:
    heavy = "[name for name in ('torch', 'matplotlib', 'jinja2') if name in sys.modules]"
    code = f"import tsmu.server, sys; tsmu.server.make_app; print({heavy})"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
