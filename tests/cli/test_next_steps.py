"""The command that is told as the next one: it can be pasted into a shell, and telling it never fails."""

import shlex
from pathlib import Path

import geopandas
import shapely

from tests.conftest import Tsmu
from tests.networks import NETWORK_OPTIONS
from tsmu.imagery import write_pairs
from tsmu.workspace.next_steps import map_command
from tsmu.workspace_folder import WorkspaceFolder


def test_paths_and_addresses_are_quoted_for_a_shell(tmp_path: Path) -> None:
    space = WorkspaceFolder.create(tmp_path / "space")
    post, dem = str(tmp_path / "a & b.tif"), "https://example.org/dem?north=43&east=142"
    row = {"id": "a", "region": "alps", "pre": None, "post": post, "terrain": None, "dem": dem}
    sources = {"source_pre": None, "source_post": post, "source": str(tmp_path)}
    write_pairs(space, geopandas.GeoDataFrame([row | sources], geometry=[shapely.box(0, 0, 1, 1)], crs=4326))
    words = shlex.split(map_command(space, "alps"), posix=True)
    assert Path(words[2]).resolve() == Path(post)
    assert words[3:] == ["--dem", dem, "--region", "alps"]
    assert map_command(space, "two words") == "tsmu map POST.tif --region 'two words'"


def test_a_damaged_table_of_pairs_does_not_undo_an_update(tmp_path: Path, bright_chips: Path, tsmu: Tsmu) -> None:
    space = tmp_path / "space"
    assert tsmu("init", space).returncode == 0
    assert tsmu("import", "chips", bright_chips, "--region", "alps", "--workspace", space).returncode == 0
    (space / "pairs.parquet").write_bytes(b"x")
    done = tsmu("update", "alps", "--steps", 2, "--batch-size", 2, *NETWORK_OPTIONS, "--workspace", space)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("tsmu map POST.tif --region alps")
