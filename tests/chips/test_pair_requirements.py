"""What labelled pairs need to become chips: a label, a region, and the terrain bands of the other chips."""

from pathlib import Path

import geopandas
import pandas as pd
import pytest
import shapely

from tsmu.chips import advise_on_regions, bands_to_keep, check_terrain_bands, require_usable_pairs
from tsmu.errors import ChipError
from tsmu.issues import IssueLog
from tsmu.regions import import_region_map

TABLE = Path("pairs.parquet")
PAIRS = geopandas.GeoDataFrame(
    {
        "id": ["a", "b", "c"],
        "mask": ["a.tif", None, "c.tif"],
        "region": ["alps", "alps", None],
        "source": "scenes",
    },
    geometry=[shapely.box(x, 45, x + 0.1, 45.1) for x in (7.0, 8.0, 9.0)],
    crs=4326,
)


@pytest.fixture
def region_map(tmp_path: Path) -> Path:
    """A map on which only pair c lies in a region."""
    east = geopandas.GeoDataFrame({"eco": ["east"]}, geometry=[shapely.box(8.5, 44, 10, 46)], crs=4326)
    east.to_file(tmp_path / "eco.gpkg")
    import_region_map(tmp_path / "eco.gpkg", "eco", tmp_path / "regions.gpkg", IssueLog("eco"))
    return tmp_path / "regions.gpkg"


def test_pairs_with_a_label_and_a_region_are_usable(tmp_path: Path) -> None:
    assert require_usable_pairs(PAIRS, TABLE, tmp_path / "none.gpkg")["id"].tolist() == ["a"]


def test_why_no_pair_is_usable_names_the_command_that_helps(tmp_path: Path, region_map: Path) -> None:
    none = tmp_path / "none.gpkg"
    with pytest.raises(ChipError, match=r"none of its 3 pairs has a label; .* tsmu import labels DIR"):
        require_usable_pairs(PAIRS.assign(mask=None), TABLE, none)
    with pytest.raises(ChipError, match=r"its only pair does not have a label"):
        require_usable_pairs(PAIRS.assign(mask=None).iloc[:1], TABLE, none)
    with pytest.raises(ChipError, match=r"none of its 2 labelled pairs has a region; .* tsmu regions use FILE"):
        require_usable_pairs(PAIRS.assign(region=None), TABLE, none)
    with pytest.raises(ChipError, match=r"has a region; they lie in regions of the region map; .* tsmu regions assign"):
        require_usable_pairs(PAIRS.assign(region=None), TABLE, region_map)
    assert "they lie in none of the region map's" in advise_on_regions(PAIRS.assign(region=None).iloc[:2], region_map)


def test_terrain_bands_are_those_of_other_chips_and_of_the_model() -> None:
    slope = ["post:red", "terrain:slope"]
    check_terrain_bands("dem.tif", ["slope"])
    check_terrain_bands("dem.tif", ["slope"], other_chips=slope, model=("v001", slope))
    with pytest.raises(ChipError, match=r"dem\.tif: .* bands height, the model v001 has slope; give `terrain` slope"):
        check_terrain_bands("dem.tif", ["height"], model=("v001", slope))
    with pytest.raises(ChipError, match="chips of other sources have none; leave out `dem`"):
        check_terrain_bands("dem.tif", ["slope"], other_chips=["post:red"], model=("v001", slope))


def test_chips_built_anew_keep_their_bands() -> None:
    plain, slope = ["post:red"], ["post:red", "terrain:slope"]
    chips = pd.DataFrame({"source": ["pairs", "pairs", "other"], "bands": [slope, slope, plain]})
    assert bands_to_keep(chips, "pairs") == tuple(slope)
    assert bands_to_keep(chips, "pairs", ["height"]) == ("post:red", "terrain:height")
    assert bands_to_keep(chips, "none") is None
    assert bands_to_keep(chips.assign(source="pairs"), "pairs") is None
