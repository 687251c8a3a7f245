"""Pairs of Google Earth screenshots: matched and placed by what their names say."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from PIL import Image

from tests.imagery.made_pairs import SIDES, imported, named, shoot, texture
from tsmu.errors import TsmuError
from tsmu.imagery import describe_raster, import_pairs, read_raster
from tsmu.issues import IssueLog


def test_screenshots_get_their_place(folder: Path) -> None:
    for number in (1, 2):
        shoot(folder, number)
    pairs, log = imported(folder)
    assert len(log) == 0 and pairs["id"].tolist() == ["LS_1_US", "LS_2_US"]
    first = pairs.iloc[0]
    box = named(1, "POST").box
    assert first.geometry.bounds == pytest.approx((box.west, box.south, box.east, box.north), abs=1e-9)
    assert (first["date_pre"], first["date_post"]) == (pd.Timestamp(2010, 7, 30), pd.Timestamp(2011, 7, 29))
    assert first["pixel_size_m"] == pytest.approx(1.5, rel=0.02)
    for side in SIDES:
        placed = describe_raster(Path(first[side.lower()]))
        assert placed.georeferenced and placed.bands == ("red", "green", "blue")
        values, valid = read_raster(placed.path)
        assert valid.all() and (values == read_raster(folder / str(named(1, side)))[0]).all()
    assert abs(first["shift_x_px"]) < 0.05 and not first["resampled"]
    assert pairs.crs == "EPSG:4326" and pairs["overlap_count"].tolist() == [0, 0]


SOUTH = Decimal("43.319023")
EAST_WITHOUT_SIGN = {"east": Decimal("122.963956")}
SWAPPED = {"south": SOUTH + Decimal("0.001350"), "north": SOUTH}
BROKEN: dict[str, tuple[dict[str, dict[str, object]], str, bool]] = {
    "sign": ({"POST": EAST_WITHOUT_SIGN}, "missing minus sign", True),
    "swapped": ({"PRE": SWAPPED, "POST": SWAPPED}, "swapped latitudes", True),
    "same date": ({"PRE": {"date": date(2011, 7, 29)}}, "pre = post date", False),
    "reversed": ({"PRE": {"date": date(2012, 7, 29)}}, "pre after post", False),
    "flat": ({side: {"north": SOUTH + Decimal("0.00002")} for side in SIDES}, "impossible box", False),
    "elsewhere": ({"PRE": {"south": SOUTH + 1, "north": SOUTH + 1 + Decimal("0.00135")}}, "another place", False),
}


@pytest.mark.parametrize("repair", [False, True])
@pytest.mark.parametrize("broken", BROKEN)
def test_broken_names(folder: Path, broken: str, repair: bool) -> None:
    changed, problem, repairable = BROKEN[broken]
    shoot(folder, 0)
    shoot(folder, 1, **changed)
    pairs, log = imported(folder, repair=repair)
    assert {problem in issue.problem for issue in log} == {True}, [str(issue) for issue in log]
    kept = repair and repairable
    assert ("LS_1_US" in set(pairs["id"])) == kept
    assert "LS_0_US" in set(pairs["id"])
    assert {issue.severity for issue in log} == {"warning" if kept else "error"}
    if kept:
        box = named(1, "POST").box
        assert pairs.geometry.iloc[1].bounds == pytest.approx((box.west, box.south, box.east, box.north))


def test_partners_and_files(folder: Path) -> None:
    shoot(folder, 0)
    shoot(folder, 1)[0].unlink()
    shoot(folder, 2)[1].unlink()
    whole = shoot(folder, 3)[1]
    whole.write_bytes(whole.read_bytes()[:2000])
    shoot(folder, 4)[1].write_bytes(b"no picture")
    (folder / "GE_1_2_3.jpg").write_bytes(whole.read_bytes())
    (folder / "notes.txt").write_text("not an image")
    shoot(folder, 5)
    Image.fromarray(texture(5, 100, 100)).save(folder / str(named(5, "PRE")))
    shoot(folder, 6)
    Image.fromarray(texture(6)[..., 0]).save(folder / str(named(6, "PRE")))
    pairs, log = imported(folder)
    assert pairs["id"].tolist() == ["LS_0_US"]
    told = " / ".join(issue.problem for issue in log.errors)
    assert len(log) == len(log.errors) == 7, told
    for words in ("no PRE image", "no POST image", "cannot be read", "no Google Earth name", "one shape", "has bands"):
        assert words in told


def test_only_post_images(folder: Path) -> None:
    for number in (1, 2):
        shoot(folder, number)[0].unlink()
    pairs, log = imported(folder)
    assert len(pairs) == 2 and pairs["pre"].isna().all() and len(log) == 0


def test_one_id_at_two_places(folder: Path) -> None:
    shoot(folder, 1)
    shoot(folder, 2, PRE={"id": "LS_1_US"}, POST={"id": "LS_1_US"})
    pairs, log = imported(folder)
    assert pairs["id"].tolist() == ["LS_1_US", "LS_1_US-2"] and len(log) == 0
    for _, pair in pairs.iterrows():
        assert Path(pair["source_pre"]).name.split("_")[1] == Path(pair["source_post"]).name.split("_")[1]


def test_two_pre_images_are_ambiguous(folder: Path) -> None:
    shoot(folder, 1)
    shoot(folder, 1, PRE={"date": date(2009, 1, 1)})
    pairs, log = imported(folder)
    assert pairs.empty and len(log.errors) == 1 and "several pre images" in log.issues[0].problem


def test_overlap_is_counted_and_told_once(folder: Path) -> None:
    shoot(folder, 1)
    moved = {"south": named(1, "PRE").south + Decimal("0.0005"), "north": named(1, "PRE").north + Decimal("0.0005")}
    shoot(folder, 2, PRE=moved, POST=moved)
    pairs, log = imported(folder)
    assert pairs["overlap_count"].tolist() == [1, 1]
    assert [issue.severity for issue in log] == ["warning"] and "1 overlap of two footprints" in log.issues[0].problem


def test_other_size_is_resampled_onto_post(folder: Path) -> None:
    shoot(folder, 1)
    large = np.asarray(Image.fromarray(texture(1)).resize((450, 300), Image.Resampling.BICUBIC))
    Image.fromarray(large).save(folder / str(named(1, "PRE")), quality=98)
    pairs, _ = imported(folder)
    pair = pairs.iloc[0]
    pre, post = describe_raster(Path(pair["pre"])), describe_raster(Path(pair["post"]))
    assert pair["resampled"] and (pre.width, pre.height, pre.crs) == (post.width, post.height, post.crs)
    assert pre.transform.almost_equals(post.transform, 1e-12)
    assert np.hypot(pair["shift_x_px"], pair["shift_y_px"]) < 0.1


def test_events_are_matched_and_their_dates_checked(folder: Path) -> None:
    for number in (1, 2, 3):
        shoot(folder, number)
    places = [shapely.Point(named(n, "POST").box.west + 0.001, named(n, "POST").box.south + 0.001) for n in (1, 1, 2)]
    days = pd.to_datetime(["2011-01-01", "2018-01-01", "2018-01-01"])
    events = gpd.GeoDataFrame({"id": ["e1", "e2", "e3"], "date_min": days, "date_max": days}, geometry=places, crs=4326)
    pairs, log = imported(folder, events=events)
    assert pairs["event_ids"].tolist() == ["e1,e2", "e3", ""]
    assert len(log) == 1 and "LS_2_US" in log.issues[0].file and "event date outside" in log.issues[0].problem


def test_strict_stops_at_a_warning(folder: Path) -> None:
    shoot(folder, 1, POST={"east": -named(1, "POST").east})
    with pytest.raises(TsmuError, match="strict"):
        import_pairs(folder, IssueLog(folder, strict=True), out=folder / "out", root=folder, repair=True)


def test_import_again_gives_the_same(folder: Path) -> None:
    shoot(folder, 1)
    Image.fromarray(texture(1, 200, 300)).save(folder / str(named(1, "PRE")))
    first, _ = imported(folder)
    again, _ = imported(folder)
    pd.testing.assert_frame_equal(pd.DataFrame(first), pd.DataFrame(again))
    within = import_pairs(folder, IssueLog(folder), out=folder / "out", root=folder)
    assert len(import_pairs(folder, IssueLog(folder), out=folder / "out", root=folder)) == len(within) == 1
    assert not list(folder.rglob(".*")), "nothing half-written stays"


def test_table_survives_geoparquet(folder: Path, tmp_path: Path) -> None:
    shoot(folder, 1)[0].unlink()
    pairs, _ = imported(folder)
    pairs.to_parquet(tmp_path / "pairs.parquet")
    assert gpd.read_parquet(tmp_path / "pairs.parquet")["pre"].isna().all()
    shoot(folder, 1)[1].unlink()
    (folder / str(named(1, "POST"))).unlink(missing_ok=True)
    empty, log = imported(folder)
    assert empty.empty and len(log) == 1
    empty.to_parquet(tmp_path / "empty.parquet")
