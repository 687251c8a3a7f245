"""The stored events: imports add up, repeated ones replace, ids stay unique."""

from pathlib import Path

import geopandas as gpd
import pytest

from tsmu.errors import InventoryError
from tsmu.inventory import EVENT_COLUMNS, EventCounts, read_events, write_events

from .conftest import Read

ONE = "id,lat,lon,date\na,46,7,2014-01-02\nb,46,7.1,2014\n"
TWO = "id,lat,lon,extra\nc,47,7,x\n"


def test_imports_of_different_files_add_up(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "events.gpkg"
    assert write_events(read(ONE, name="one.csv").events, path) == EventCounts(2, 0, 2)
    assert write_events(read(TWO, name="two.csv").events, path) == EventCounts(1, 0, 3)
    events = read_events(path)
    assert events.file.tolist() == ["one.csv", "one.csv", "two.csv"]
    assert list(events.columns[: len(EVENT_COLUMNS)]) == list(EVENT_COLUMNS)
    assert events.src_extra.tolist()[2] == "x"
    assert events.date_precision.tolist() == ["day", "year", "unknown"]
    assert [f"{day:%F}" for day in events.date_max[:2]] == ["2014-01-02", "2014-12-31"]
    assert events.crs == "EPSG:4326"


def test_a_repeated_import_replaces(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "events.gpkg"
    write_events(read(ONE, name="one.csv").events, path)
    write_events(read(TWO, name="two.csv").events, path)
    before = set(read_events(path).event_id)
    assert write_events(read(ONE, name="one.csv").events, path) == EventCounts(2, 2, 3)
    assert set(read_events(path).event_id) == before
    assert write_events(read("id,lat,lon\na,46,7.5\n", name="one.csv").events, path) == EventCounts(1, 2, 2)


def test_the_same_events_in_another_file_replace_and_others_with_the_same_id_stay(read: Read, tmp_path: Path) -> None:
    path, head = tmp_path / "events.gpkg", "event_id,event_date,landslide_category,latitude,longitude\n"
    write_events(read(head + "1,2014-01-02,slide,46,7\n2,2014-01-02,slide,47,7\n", name="one.csv").events, path)
    moved = read(head + "1,2014-01-02,slide,46,7\n2,2014-01-02,slide,-33,7\n", name="two.csv")
    for _ in range(2):
        write_events(moved.events, path)
        stored = read_events(path).set_index("event_id")
        assert stored.geometry.y.to_dict() == {"coolr:1": 46, "coolr:2": 47, "coolr:2~2": -33}
        assert stored.file.to_dict() == {"coolr:1": "two.csv", "coolr:2": "one.csv", "coolr:2~2": "two.csv"}


def test_points_and_polygons_lie_in_one_layer(read: Read, tmp_path: Path, shared_data: Path) -> None:
    path = tmp_path / "events.gpkg"
    write_events(read(ONE).events, path)
    polygons = read(shared_data / "inventories" / "bhuyan_multitemporal" / "Nepal.zip").events
    assert write_events(polygons, path) == EventCounts(236, 0, 238)
    stored = read_events(path)
    assert stored.geom_type.value_counts().to_dict() == {"Polygon": 236, "Point": 2}
    assert stored.event_id.is_unique
    assert Path(stored.file.iloc[-1]).is_absolute()


def test_an_unreadable_store_is_refused_and_left_alone(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "events.gpkg"
    with pytest.raises(InventoryError, match="tsmu import inventory"):
        read_events(path)
    path.write_bytes(b"not a GeoPackage")
    with pytest.raises(InventoryError, match="cannot be read as events"):
        write_events(read(ONE).events, path)
    assert path.read_bytes() == b"not a GeoPackage"
    other = tmp_path / "other.gpkg"
    gpd.GeoDataFrame({"a": [1]}, geometry=gpd.points_from_xy([0], [0]), crs=4326).to_file(other, layer="events")
    with pytest.raises(InventoryError, match="no column event_id"):
        read_events(other)
