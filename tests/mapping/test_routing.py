"""Whose decoder maps a scene: by its place first, else by what it looks like."""

from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
import torch
from rasterio.transform import from_origin
from rasterio.windows import Window

from tests.conftest import write_raster
from tests.model.test_bundle import make_record
from tsmu.chips import ImageStatistics, image_features
from tsmu.errors import RegionError
from tsmu.mapping.scene.raster import Scene
from tsmu.mapping.scene.routing import Routing, route_scene
from tsmu.model import BundleRecord

LEVELS = {"alps": 90, "andes": 170}


def pixels(level: float, side: int, seed: int) -> np.ndarray:
    """A ground of one brightness, a little different each time."""
    random = np.random.default_rng(seed)
    return (random.normal(level, 12, (3, side, side)) + random.normal(0, 4, (3, 1, 1))).clip(1, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def record() -> BundleRecord:
    """Two regions, one darker than the other."""
    made = make_record(1)
    regions = {}
    for name, level in LEVELS.items():
        rows = image_features(torch.stack([torch.from_numpy(pixels(level, 64, seed)).float() for seed in range(60)]))
        style = ImageStatistics(rows.mean(0).tolist(), rows.T.cov().tolist(), len(rows), 64)
        regions[name] = made.regions["alps"].model_copy(update={"style": style, "decoder": name})
    return made.model_copy(update={"regions": regions})


def scene(folder: Path, level: float) -> Scene:
    place = {"crs": "EPSG:32610", "transform": from_origin(500_000, 5_000_000, 10, 10), "nodata": 0}
    values = pixels(level, 200, 99)
    values[:, :40] = 0
    return Scene(write_raster(folder / "scene.tif", values, photometric="RGB", **place))


@pytest.mark.parametrize("region", LEVELS)
def test_without_a_place_looks_decide(tmp_path: Path, record: BundleRecord, region: str) -> None:
    with scene(tmp_path, LEVELS[region]) as opened:
        found = route_scene(opened, tmp_path / "regions.gpkg", record)
    assert (found.region, found.unfamiliar) == (region, False)
    assert "no region map" in found.reason


def test_what_looks_like_no_region_is_said_to(tmp_path: Path, record: BundleRecord) -> None:
    with scene(tmp_path, 240) as opened:
        found = route_scene(opened, tmp_path / "regions.gpkg", record)
    assert (found.region, found.unfamiliar) == ("andes", True)


@pytest.mark.parametrize(("under", "expected"), [("alps", "alps"), ("moon", "andes")])
def test_the_place_wins_over_looks_where_its_region_was_learned(
    tmp_path: Path, record: BundleRecord, under: str, expected: str
) -> None:
    with scene(tmp_path, LEVELS["andes"]) as opened:
        area = geopandas.GeoDataFrame({"name": [under]}, geometry=[opened.footprint.buffer(1)], crs=4326)
        area.to_file(tmp_path / "regions.gpkg", layer="regions")
        found = route_scene(opened, tmp_path / "regions.gpkg", record)
    assert found.region == expected
    assert under in (found.region, found.reason.split("lies in ")[1].split(",")[0])


def test_a_scene_without_data_is_told(tmp_path: Path, record: BundleRecord) -> None:
    place = {"crs": "EPSG:32610", "transform": from_origin(500_000, 5_000_000, 10, 10), "nodata": 0}
    post = write_raster(tmp_path / "none.tif", np.zeros((3, 90, 90), np.uint8), photometric="RGB", **place)
    with Scene(post) as opened, pytest.raises(RegionError, match="`region=NAME`"):
        route_scene(opened, tmp_path / "regions.gpkg", record)


MIDDLE = 501_000.0  # metres east: the middle of the scenes above, 200 px of 10 m


def region_map(path: Path, areas: dict[str, tuple[float, float]]) -> Path:
    """Strips from west to east, metres in UTM zone 10."""
    strips = [shapely.box(west, 4_990_000, east, 5_010_000).segmentize(500) for west, east in areas.values()]
    frame = geopandas.GeoDataFrame({"name": list(areas)}, geometry=strips, crs=32610).to_crs(4326)
    frame.to_file(path / "regions.gpkg", layer="regions")
    return path / "regions.gpkg"


def routed(folder: Path, record: BundleRecord, areas: dict[str, tuple[float, float]], level: str = "andes") -> Routing:
    with scene(folder, LEVELS[level]) as opened:
        return route_scene(opened, region_map(folder, areas), record)


def test_a_scene_across_a_border_goes_to_both_decoders_the_larger_first(tmp_path: Path, record: BundleRecord) -> None:
    found = routed(tmp_path, record, {"andes": (490_000, MIDDLE - 300), "alps": (MIDDLE - 300, 510_000)})
    assert found.regions == ["alps", "andes"]
    assert "alps 65%, andes 35% by the region map" in found.reason
    with scene(tmp_path, LEVELS["alps"]) as opened:
        shares = found.weights(opened).percent(Window(0, 0, 200, 200))
    assert (shares.sum(axis=0) == 100).all()
    assert (shares[1][:, :15] == 100).all()
    assert (shares[0][:, 125:] == 100).all()


def test_what_was_not_learned_goes_to_the_decoder_it_looks_like(tmp_path: Path, record: BundleRecord) -> None:
    """Looks decide for the whole scene, not for the part."""
    areas = {"moon": (490_000, MIDDLE), "alps": (MIDDLE, 510_000.0)}
    apart = routed(tmp_path, record, areas)
    assert set(apart.regions) == {"alps", "andes"}
    assert "partly in moon, not learned" in apart.reason
    same = routed(tmp_path, record, areas, "alps")
    assert (same.regions, same.areas) == (["alps"], {})


def test_the_sea_and_gaps_go_to_the_largest_region_without_asking_looks(tmp_path: Path, record: BundleRecord) -> None:
    found = routed(tmp_path, record, {"alps": (MIDDLE, 510_000)})
    assert found.regions == ["alps"]
    assert "looks" not in found.reason


def test_where_regions_overlap_the_first_in_the_map_counts(tmp_path: Path, record: BundleRecord) -> None:
    found = routed(tmp_path, record, {"andes": (490_000, MIDDLE), "alps": (495_000, 510_000)})
    with scene(tmp_path, LEVELS["alps"]) as opened:
        shares = found.weights(opened)
        strongest = shares.percent(Window(0, 0, 200, 200)).argmax(axis=0)
    assert shares.names[strongest[0, 90]] == "andes"
    assert shares.names[strongest[0, 110]] == "alps"
