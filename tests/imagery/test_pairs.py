"""Pairs of rasters, matched by key or by a table, each on the grid of its post image."""

import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from rasterio.transform import Affine
from scipy import ndimage

from tests.imagery.made_pairs import imported, named, save, shoot, texture
from tsmu.errors import ImageError
from tsmu.imagery import describe_raster, import_pairs, read_raster
from tsmu.imagery.pairs.registration import estimate_shift
from tsmu.issues import IssueLog


@pytest.mark.parametrize(
    "layout", ["{key}_{side}.tif", "{side}/{key}.tif", "{side}_event/{key}.tif", "deep/{key}_{date}_{side}.tif"]
)
def test_rasters_are_matched_by_key(folder: Path, layout: str) -> None:
    grid = Affine(10, 0, 600_000, 0, -10, 3_100_000)
    for key, seed in (("b", 2), ("a", 1)):
        for side, day in (("pre", "20100101"), ("post", "20110101")):
            save(folder / layout.format(key=key, side=side, date=day), texture(seed), grid)
    for stray in ("masks/a.tif", "a_mask.tif", "a_truth.tif", "gt/a.tif", "Máscara/a.tif"):
        save(folder / stray, texture(0)[..., :1], grid)
    pairs, log = imported(folder)
    assert pairs["id"].tolist() == ["a", "b"], [str(issue) for issue in log]
    assert not (folder.parent / "out").exists(), "rasters on one grid are taken as they are"
    for _, pair in pairs.iterrows():
        assert (read_raster(Path(pair["pre"]))[0] == read_raster(Path(pair["post"]))[0]).all()
    assert pairs["date_post"].isna().all() == ("date" not in layout)
    assert pairs["pixel_size_m"].tolist() == [10, 10] and pairs["crs"].tolist() == ["EPSG:32645"] * 2


def test_images_named_by_their_side_alone_are_a_pair_of_their_folders_name(folder: Path) -> None:
    grid = Affine(10, 0, 600_000, 0, -10, 3_100_000)
    for place, (before, after) in {
        "": ("pre", "post"),
        "east": ("before", "after"),
        "deep/west": ("pre_event_2010-01-01", "post-event_20110101"),
        "tal": ("Vorher", "Nachher"),
        "val": ("avant", unicodedata.normalize("NFD", "après")),
        "valle": ("antes", "después"),
    }.items():
        for name in (before, after):
            save(folder / place / f"{name}.tif", texture(1), grid)
    for stray in ("mask.tif", "dem_30m.tif"):
        save(folder / stray, texture(0)[..., :1], grid)
    pairs, log = imported(folder)
    assert pairs["id"].tolist() == [folder.name, "west", "east", "tal", "val", "valle"], [str(issue) for issue in log]
    assert pairs["pre"].notna().all()
    assert pairs["date_pre"].notna().tolist() == [False, True, False, False, False, False]
    assert [issue.severity for issue in log if "dem_30m" in issue.file] == ["warning"]


def test_an_empty_border_that_is_not_declared_is_taken_as_no_data(folder: Path) -> None:
    grid = Affine(10, 0, 600_000, 0, -10, 3_100_000)
    post, pre = texture(1) | 1, texture(2) | 1
    pre[:40] = 0
    pre[60:62, 60:62] = 0  # a shadow
    save(folder / "pre.tif", pre, grid)
    save(folder / "post.tif", post, grid)
    pairs, log = imported(folder)
    told = [issue for issue in log if "declares no no-data value" in issue.problem]
    assert len(told) == 1 and "40%" in told[0].problem and told[0].file.endswith("pre.tif")
    _, valid = read_raster(Path(pairs["pre"][0]))
    assert not valid[:40].any() and valid[40:60].all()
    assert read_raster(Path(pairs["post"][0]))[1].all()

    save(folder / "pre.tif", pre, Affine.translation(0, -50) @ grid)  # of another grid: resampled
    pairs, _ = imported(folder)
    assert not read_raster(Path(pairs["pre"][0]))[1][:40].any()

    save(folder / "pre.tif", pre, grid, nodata=255)
    save(folder / "post.tif", np.where(texture(1) < 1, 1, texture(1)), grid)
    assert not [issue for issue in imported(folder)[1] if "no-data value" in issue.problem], "it declares one"


def test_keys_without_partner(folder: Path) -> None:
    grid = Affine(10, 0, 600_000, 0, -10, 3_100_000)
    for name in ("a_pre.tif", "a_post.tif", "b_post.tif", "c_pre.tif", "d.tif", "a_post.png"):
        pixels = texture(1)
        if name.endswith("png"):
            Image.fromarray(pixels).save(folder / name)
        else:
            save(folder / name, pixels, grid)
    pairs, log = imported(folder)
    assert pairs.empty
    files = {Path(issue.file).name for issue in log.errors}
    assert len(log.errors) == 4 and files > {"b_post.tif", "c_pre.tif", "d.tif"}


def test_other_crs_and_extent(folder: Path) -> None:
    save(folder / "a_post.tif", texture(1, 200, 200), Affine(10, 0, 600_000, 0, -10, 3_100_000))
    with rasterio.open(folder / "a_post.tif") as post:
        west, south, east, north = rasterio.warp.transform_bounds(post.crs, "EPSG:4326", *post.bounds)
    degrees = Affine((east - west) / 200, 0, west, 0, -(north - south) * 0.7 / 200, north)
    save(folder / "a_pre.tif", texture(2, 200, 200), degrees, "EPSG:4326")
    pairs, _ = imported(folder)
    _, valid = read_raster(Path(pairs["pre"][0]))
    assert pairs["resampled"][0] and 0.6 < valid.mean() < 0.8, "what pre does not show is not valid"
    assert valid[:100].mean() > 0.95 and not valid[-40:].any()
    assert describe_raster(Path(pairs["pre"][0])).crs == "EPSG:32645"

    save(folder / "a_pre.tif", texture(2, 200, 200), degrees @ Affine.translation(150, 0), "EPSG:4326")
    pairs, log = imported(folder)
    assert pairs.empty and "shows only" in log.issues[0].problem


@pytest.mark.parametrize("nodata", [None, 0])
def test_shift_is_reported_and_corrected(folder: Path, nodata: int | None) -> None:
    ground, grid = texture(3, 300, 300), Affine(10, 0, 600_000, 0, -10, 3_100_000)
    away = ndimage.shift(ground.astype(float), (4.3, -3.6, 0), order=3, mode="nearest")  # down and left
    save(folder / "a_post.tif", ground, grid, nodata=nodata)
    save(folder / "a_pre.tif", np.clip(away * 0.8 + 10, 1, 255).astype(np.uint8), grid, nodata=nodata)
    pairs, log = imported(folder)
    assert pairs["shift_x_px"][0] == pytest.approx(-3.6, abs=0.15)
    assert pairs["shift_y_px"][0] == pytest.approx(4.3, abs=0.15)
    assert "`correct_shift`" in log.issues[0].action and not pairs["shift_corrected"][0]
    corrected, log = imported(folder, correct_shift=True)
    assert corrected["shift_corrected"][0] and len(log) == 0
    (post, _), (pre, valid) = read_raster(Path(corrected["post"][0])), read_raster(Path(corrected["pre"][0]))
    left = estimate_shift(post, pre, valid)
    assert left is not None and np.hypot(left.x, left.y) < 0.2
    assert not valid.all(), "the strip that pre no longer shows"


@pytest.mark.parametrize("blur", [0.5, 1, 2, 3, 4, 6])
def test_an_aligned_pair_of_which_one_image_is_blurred_is_not_moved(folder: Path, blur: float) -> None:
    grid = Affine(10, 0, 600_000, 0, -10, 3_100_000)
    for seed in (3, 5):
        ground = texture(seed, 200, 200)
        noise = np.random.default_rng(seed).normal(0, 3, ground.shape)
        blurred = ndimage.gaussian_filter(ground.astype(float), (blur, blur, 0)) + noise
        save(folder / f"a{seed}_post.tif", ground, grid)
        save(folder / f"a{seed}_pre.tif", blurred.clip(1, 255).astype(np.uint8), grid)
    pairs, _ = imported(folder, correct_shift=True)
    assert not pairs["shift_corrected"].any()
    assert not pairs["resampled"].any()


def test_a_shift_that_is_not_sure_is_told_and_left(folder: Path) -> None:
    """Half of the pre image lies 3 px to the right, the other half 3 px to the left."""
    ground, grid = texture(3, 240, 240), Affine(10, 0, 600_000, 0, -10, 3_100_000)
    torn = np.concatenate([np.roll(ground[:150], 3, axis=1), np.roll(ground[150:], -3, axis=1)])
    save(folder / "a_post.tif", ground, grid)
    save(folder / "a_pre.tif", torn, grid)
    pairs, log = imported(folder, correct_shift=True)
    assert not pairs["shift_corrected"][0]
    assert "seems to lie" in log.issues[0].problem and "kept where it is" in log.issues[0].action


def test_a_shift_below_a_pixel_of_a_blurred_image_is_corrected_where_it_is_sure(folder: Path) -> None:
    ground, grid = texture(3, 300, 300), Affine(10, 0, 600_000, 0, -10, 3_100_000)
    away = ndimage.gaussian_filter(ndimage.shift(ground.astype(float), (0.9, 0, 0), order=3, mode="nearest"), (1, 1, 0))
    save(folder / "a_post.tif", ground, grid)
    save(folder / "a_pre.tif", away.clip(1, 255).astype(np.uint8), grid)
    pairs, _ = imported(folder, correct_shift=True)
    assert pairs["shift_corrected"][0]
    assert pairs["shift_y_px"][0] == pytest.approx(0.9, abs=0.1)


def test_images_without_likeness_have_no_shift(folder: Path) -> None:
    shoot(folder, 1)
    Image.fromarray(texture(77)).save(folder / str(named(1, "PRE")), quality=95)
    pairs, log = imported(folder, correct_shift=True)
    assert np.isnan(pairs["shift_x_px"][0]) and not pairs["shift_corrected"][0] and len(log) == 0
    assert estimate_shift(np.zeros((1, 50, 50)), np.zeros((1, 50, 50))) is None
    assert estimate_shift(np.zeros((1, 50, 50)), np.ones((1, 50, 50)), np.zeros((50, 50), bool)) is None
    assert estimate_shift(np.zeros((1, 5, 5)), np.zeros((1, 5, 5))) is None


def test_table(folder: Path) -> None:
    Image.fromarray(texture(1)).save(folder / "post.png")
    Image.fromarray(texture(1)).save(folder / "pre.png")
    table = folder / "pairs.csv"
    rows = [
        "id,region,pre,post,date_pre,date_post,lon,lat,pixel_size_m",
        "good,Nepal,pre.png,post.png,2013-09-15,20140918,85.868467,27.770733,30",
        "post-only,,,post.png,,,85.9,27.7,30",
        "a,,pre.png,post.png,2015-01-01,2014-09-18,85.8,27.7,30",
        "b,,pre.png,post.png,yesterday,2014-09-18,85.8,27.7,30",
        "c,,pre.png,gone.png,,,85.8,27.7,30",
        "d,,pre.png,post.png,,,,,",
        "e,,pre.png,post.png,,,85.8,north,30",
        "f,,pre.png,,,,85.8,27.7,30",
        "g,,pre.png,post.png,,,585.8,27.7,30",
        "h,,pre.png,pairs.csv,,,85.8,27.7,30",
    ]
    table.write_text("\ufeff" + "\n".join(rows) + "\n", encoding="utf-8")
    pairs, log = imported(table)
    assert pairs["id"].tolist() == ["good", "post-only"], [str(issue) for issue in log]
    assert sorted(issue.row or 0 for issue in log.errors) == list(range(4, 12))
    good = pairs.iloc[0]
    assert good["region"] == "Nepal" and good["crs"] == "EPSG:32645" and good["pixel_size_m"] == pytest.approx(30)
    centre = good.geometry.centroid
    assert (centre.x, centre.y) == pytest.approx((85.868467, 27.770733), abs=1e-4)
    assert good["date_post"] == pd.Timestamp(2014, 9, 18)


odd = ["", "post.png", "x" * 300, "\0", "2011-02-30", "2011-01-01", "1e400", "nan", "-5", '"', ".."]
fuzzed_cells = st.sampled_from(odd) | st.text(max_size=4)
fuzzed_rows = st.lists(st.lists(fuzzed_cells, max_size=7).map(",".join), max_size=4).map("\n".join)
fuzzed_tables = fuzzed_rows.map(lambda rows: f"post,pre,date_pre,lon,lat,pixel_size_m\n{rows}".encode(errors="replace"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(fuzzed_tables | st.binary())
def test_fuzzed_table(folder: Path, data: bytes) -> None:
    if not (folder / "post.png").exists():
        Image.fromarray(texture(1, 32, 32)).save(folder / "post.png")
    (folder / "pairs.csv").write_bytes(data)
    try:
        _, log = imported(folder / "pairs.csv")
    except ImageError as error:
        assert "\n" not in str(error)
    else:
        assert not any("\n" in str(issue) for issue in log)


def test_sources_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "list.csv").write_text("image\na.tif\n")
    (tmp_path / "bytes.csv").write_bytes(bytes(range(256)))
    for name in ("empty", "list.csv", "bytes.csv", "absent"):
        with pytest.raises(ImageError, match=name):
            import_pairs(tmp_path / name, IssueLog(name), out=tmp_path / "out", root=tmp_path)


def test_jure_pair(shared_data: Path, tmp_path: Path) -> None:
    post, pre = sorted((shared_data / "jure_landsat_pair").glob("*.tiff"), key=lambda p: "2013" in p.name)
    latitude, longitude = post.name.split("_")[:2]
    table = tmp_path / "jure.csv"
    table.write_text(
        "post,pre,date_pre,date_post,lat,lon,pixel_size_m\n"
        f"{post.resolve()},{pre.resolve()},2013-09-15,2014-09-18,{latitude},{longitude},30\n"
    )
    pairs, log = imported(table)
    assert len(pairs) == 1 and len(log) == 0
    pair = pairs.iloc[0]
    assert pair.geometry.contains(shapely.Point(float(longitude), float(latitude)))
    assert np.hypot(pair["shift_x_px"], pair["shift_y_px"]) < 0.5, "the pair is co-registered"
    assert pair["pixel_size_m"] == pytest.approx(30)
    (after, _), (before, _) = read_raster(Path(pair["post"])), read_raster(Path(pair["pre"]))
    middle = np.s_[:, 305:345, 305:345]
    assert after[middle].mean() > before[middle].mean(), "the bare slide is brighter than the forest"


def test_mars_is_left_out(shared_data: Path, tmp_path: Path) -> None:
    log = IssueLog("mars")
    pairs = import_pairs(shared_data / "mars_7band/images", log, out=tmp_path / "out", root=tmp_path)
    assert pairs.empty and len(log.errors) == 8
    assert all("not of the Earth" in issue.problem for issue in log)


def test_folder_of_scenes_without_pre(shared_data: Path, tmp_path: Path) -> None:
    log = IssueLog("chattogram")
    pairs = import_pairs(shared_data / "chattogram_sentinel2/images", log, out=tmp_path / "out", root=tmp_path)
    assert len(pairs) == 8 and pairs["pre"].isna().all() and not log.errors
    assert pairs["pixel_size_m"].between(8, 12).all()


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:32760", Affine(1000, 0, 750_000, 0, -1000, 8_000_000)),  # across the 180th meridian
        ("EPSG:4326", Affine(0.01, 0, 179.7, 0, -0.01, 10)),  # likewise, in degrees
        ("EPSG:4326", Affine(0.01, 0, -180.3, 0, -0.01, 10)),
        ("EPSG:4326", Affine(0.01, 0, 10, 0, -0.01, 91)),
        ("EPSG:32645", Affine(0, 0, 5e5, 0, 0, 3e6)),
        ("EPSG:32645", Affine(float("inf"), 0, 5e5, 0, -10, 3e6)),
        ("EPSG:32645", Affine(10, 0, 1e12, 0, -10, 1e12)),
    ],
)
def test_an_impossible_place_is_told_and_the_rest_goes_in(tmp_path: Path, crs: str, transform: Affine) -> None:
    save(tmp_path / "x" / "bad_post.tif", texture(1), transform, crs)
    save(tmp_path / "x" / "good_post.tif", texture(1), Affine(10, 0, 5e5, 0, -10, 3e6))
    log = IssueLog(tmp_path)
    assert import_pairs(tmp_path / "x", log, out=tmp_path / "out", root=tmp_path)["id"].tolist() == ["good"]
    assert len(log.errors) == 1
    assert "bad_post.tif" in log.errors[0].file


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig"])
def test_a_table_from_another_country_and_system(folder: Path, encoding: str) -> None:
    (folder / "\u00e9t\u00e9").mkdir()
    for name in ("post", "pre"):
        Image.fromarray(texture(1)).save(folder / "\u00e9t\u00e9" / f"{name}.png")
    rows = [
        "sep=;",
        "ID;Pre;Post;Date Pre;Date Post;Longitude;Latitude;Pixel Size (m);Bemerkung",
        "a;\u00e9t\u00e9\\pre.png;\u00e9t\u00e9\\post.png;03/04/2013;18/09/2014;85,868;27,7707;30;\u00fc",
        "b;\u00e9t\u00e9\\pre.png;\u00e9t\u00e9\\post.png;5-8 July 2013;18/09/2014;85,868;27,7707;30;",
        "c;\u00e9t\u00e9\\pre.png;\u00e9t\u00e9\\post.png;unknown;2014-09-18;85,868;27,7707;30;",
    ]
    (folder / "pairs.csv").write_bytes("\r\n".join(rows).replace(" (m)", "_m").encode(encoding))
    pairs, log = imported(folder / "pairs.csv")
    assert pairs["id"].tolist() == ["a", "c"], [str(issue) for issue in log]
    assert pairs["date_pre"][0] == pd.Timestamp(2013, 4, 3), "the other column has the day first"
    assert pd.isna(pairs["date_pre"][1]) and pairs.geometry[0].centroid.x == pytest.approx(85.868, abs=1e-4)
    assert [(issue.row, "one day" in issue.problem) for issue in log.errors] == [(3, True)]
    assert any("could be M/D/Y or D/M/Y" in issue.problem and issue.action == "read as D/M/Y" for issue in log)


def test_a_row_with_exchanged_coordinates_is_left_out(folder: Path) -> None:
    Image.fromarray(texture(1)).save(folder / "post.png")
    rows = [f"p{i},post.png,{85.8 + i / 10},{27.7 + i / 10},30" for i in range(7)]
    rows[2] = "p2,post.png,27.9,86.0,30"
    (folder / "pairs.csv").write_text("\n".join(["id,post,lon,lat,pixel_size_m", *rows]))
    pairs, log = imported(folder / "pairs.csv")
    assert len(pairs) == 6 and [(issue.row, "exchanged" in issue.problem) for issue in log.errors] == [(4, True)]


def test_a_column_of_dates_by_another_name_is_told(folder: Path) -> None:
    Image.fromarray(texture(1)).save(folder / "post.png")
    (folder / "pairs.csv").write_text("post,date_after,lon,lat,pixel_size_m\npost.png,2014-09-18,85.8,27.7,30\n")
    _, log = imported(folder / "pairs.csv")
    assert [(issue.column, issue.action) for issue in log] == [("date_after", "not used")]


def test_longitudes_from_0_to_360_are_those_of_everybody_else(tmp_path: Path) -> None:
    save(tmp_path / "x" / "hawaii_post.tif", texture(1), Affine(0.01, 0, 204, 0, -0.01, 20), "EPSG:4326")
    (place,) = import_pairs(tmp_path / "x", IssueLog(tmp_path), out=tmp_path / "out", root=tmp_path).geometry
    assert place.bounds[0] == pytest.approx(-156) and place.bounds[2] < -154


@pytest.mark.parametrize(
    ("crs", "transform", "metres"),
    [
        ("EPSG:32645", Affine(10, 0, 5e5, 0, -10, 3e6), 10),
        ("EPSG:32645", Affine(0, 10, 5e5, 10, 0, 3e6), 10),
        ("EPSG:4326", Affine(1e-4, 0, 10, 0, -1e-4, 60), 7.885),  # 5.58 m x 11.14 m
        ("EPSG:3857", Affine(10, 0, 1e6, 0, -10, 8_399_738), 5.0087),  # 60 degrees north: 5.013 m x 5.004 m
        ("EPSG:2994", Affine(10, 0, 1e6, 0, -10, 1e6), 3.048),  # international feet
    ],
)
def test_pixels_are_measured_on_the_ground(tmp_path: Path, crs: str, transform: Affine, metres: float) -> None:
    save(tmp_path / "x" / "a_post.tif", texture(1), transform, crs)
    pairs = import_pairs(tmp_path / "x", IssueLog(tmp_path), out=tmp_path / "out", root=tmp_path)
    assert pairs["pixel_size_m"].item() == pytest.approx(metres, rel=2e-3)


@pytest.mark.parametrize(("suffix", "driver"), [("png", "PNG"), ("jpg", "JPEG")])
def test_the_place_of_a_picture_may_stand_in_an_aux_xml(tmp_path: Path, suffix: str, driver: str) -> None:
    transform = Affine(10, 0, 5e5, 0, -10, 3e6)
    for side in ("pre", "post"):
        path = save(tmp_path / "x" / f"a_{side}.{suffix}", texture(1), transform, driver=driver)
        assert path.with_name(f"{path.name}.aux.xml").exists()
    before = {file: file.read_bytes() for file in (tmp_path / "x").iterdir()}
    log = IssueLog(tmp_path)
    (pair,) = import_pairs(tmp_path / "x", log, out=tmp_path / "out", root=tmp_path).itertuples()
    assert not log.errors and pair.crs == "EPSG:32645" and pair.pixel_size_m == 10
    assert {file: file.read_bytes() for file in (tmp_path / "x").iterdir()} == before
    assert not list((tmp_path / "out").rglob("*.aux.xml"))


def test_what_a_pair_seems_to_be_is_said(folder: Path) -> None:
    grid = Affine(10, 0, 600_000, 0, -10, 3_100_000)
    holed = texture(2, 200, 200) | 1
    holed[60:140, 60:140] = 0
    coarse = Affine(30, 0, 600_000, 0, -30, 3_100_000)
    for name, before, transform in (
        ("same", texture(1, 200, 200) | 1, grid),
        ("holed", holed, grid),
        ("coarse", texture(2, 67, 67) | 1, coarse),
        ("partial", texture(2, 200, 200) | 1, Affine.translation(600, 0) @ grid),
    ):
        save(folder / f"{name}_pre.tif", before, transform)
        save(folder / f"{name}_post.tif", texture(1, 200, 200) | 1, grid)
    _, log = imported(folder)
    told = "; ".join(issue.problem for issue in log)
    assert "the pre image shows the same pixels as the post image" in told
    assert "about 16% of its known pixels are 0 in all bands" in told
    assert "the pixels of the pre image are 3 times as wide as those of the post image" in told
    assert "shows 70% of the post image's footprint" in told


def test_numbers_of_bands_that_mean_other_colours_on_another_sensor_are_said(tmp_path: Path) -> None:
    for names, told in (
        (("SR_B1", "SR_B2", "SR_B3", "SR_B4"), True),
        (("B2", "B3", "B4", "B8"), False),
        (tuple(f"B{number}" for number in range(1, 8)), False),
        (("B1 blue", "B2 green", "B3 red", "B4 nir"), False),
        (("red", "red", "green"), True),
    ):
        pixels = np.stack([texture(1)[..., 0]] * len(names), axis=-1)
        place = Affine(10, 0, 600_000, 0, -10, 3_100_000)
        path = save(tmp_path / "bands.tif", pixels, place, photometric="minisblack")
        with rasterio.open(path, "r+") as dataset:
            dataset.descriptions = names
        assert bool(describe_raster(path).assumptions) == told, names
