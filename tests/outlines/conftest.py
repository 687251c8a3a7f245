"""The scene that is clicked on."""

import pytest

from tests.outlines.made_scene import write_scene
from tsmu.outlines import SceneFiles


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> SceneFiles:
    return write_scene(tmp_path_factory.mktemp("one_click"))
