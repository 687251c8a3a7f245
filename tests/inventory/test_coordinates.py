"""Coordinates: written in many ways, with signs lost and values exchanged."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmu.inventory.coordinates import (
    lost_signs,
    parse_degrees,
    parse_metres,
    swapped_among_others,
    swapped_in_united_states,
    unusual_signs,
)


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("40.5", 40.5), ("-105.25", -105.25), ("+7", 7), (".5", 0.5), ("40,5", 40.5), ("\u2212105.25", -105.25),
        ("105.25 W", -105.25), ("W105.25", -105.25), ("40.5N", 40.5), ("40.5°", 40.5), ("1.0525e2", 105.25),
        ("40°30'00\"N", 40.5), ("105 15 00 W", -105.25), ("40d30m0s", 40.5), ("-40:30:36", -40.51),
        ("40° 30.6'", 40.51),
    ],
)  # fmt: skip
def test_a_way_of_writing_is_read(text: str, degrees: float) -> None:
    assert parse_degrees(pd.Series([text]))[0] == pytest.approx(degrees)


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "1e", "40.5.5", "1,234,567", "forty", "=40+0.5", "40°75'", "-40.5 W5", "0x28", "4_0"]
)
def test_anything_else_is_no_coordinate(text: str) -> None:
    assert np.isnan(parse_degrees(pd.Series([text]))[0])


@given(st.floats(-180, 180), st.integers(0, 12))
def test_decimal_degrees_come_through(value: float, decimals: int) -> None:
    text = f"{value:.{decimals}f}"
    assert parse_degrees(pd.Series([text, f" {text} "]))[0] == float(text)


@given(st.text(max_size=25))
def test_any_text_gives_a_number_or_nothing(text: str) -> None:
    value = parse_degrees(pd.Series([text], dtype="object"))[0]
    assert isinstance(float(value), float)


def test_a_distance_has_a_unit() -> None:
    assert [parse_metres(text) for text in ("exact", "5km", "250 m", "30", "1.5 KM")] == [0, 5000, 250, 30, 1500]
    assert np.isnan([parse_metres(text) for text in ("", "unknown", "5 miles", "-3")]).all()


def test_a_west_longitude_without_its_sign_is_found_and_a_true_east_one_is_not() -> None:
    places = {
        "Boulder": (105.3, 40.0, True), "Boulder right": (-105.3, 40.0, False), "Guam": (144.8, 13.5, False),
        "Honolulu": (157.8, 21.3, True), "Attu": (173.0, 52.9, False), "Anchorage": (149.9, 61.2, True),
        "San Juan": (66.1, 18.4, True),
    }  # fmt: skip
    lon, lat, lost = (np.array(values) for values in zip(*places.values(), strict=True))
    assert lost_signs(lon, lat).tolist() == lost.tolist()


def test_exchanged_coordinates_are_found() -> None:
    lon, lat = np.array([40.0, -105.3, 40.0, 35.0]), np.array([-105.3, 40.0, 105.3, -80.0])
    assert swapped_in_united_states(lon, lat).tolist() == [True, False, True, True]


def test_one_sign_against_all_others_is_found_only_where_it_would_join_them() -> None:
    lon, lat = np.linspace(-106, -105, 50), np.linspace(39, 40, 50)
    lon[7] *= -1
    assert np.flatnonzero(unusual_signs(lon, lat)).tolist() == [7]
    lon[7] = 20.0
    assert not unusual_signs(lon, lat).any()


@pytest.mark.parametrize(
    ("text", "degrees"), [("46,5 N", 46.5), ("7,25° W", -7.25), ("46° 30,6'", 46.51), ("-7,5", -7.5)]
)
def test_a_decimal_comma_is_a_point(text: str, degrees: float) -> None:
    assert parse_degrees(pd.Series([text]))[0] == pytest.approx(degrees)


@given(st.integers(5, 60), st.floats(-60, 60), st.floats(-150, 150), st.data())
def test_exchanged_rows_are_found_where_most_are_not(
    count: int, south: float, west: float, data: st.DataObject
) -> None:
    random = np.random.default_rng(count)
    lat, lon = south + random.random(count), west + random.random(count)
    chosen = data.draw(st.sets(st.integers(0, count - 1), max_size=count // 5))
    turned = np.isin(np.arange(count), list(chosen))
    here = np.where(turned, lat, lon), np.where(turned, lon, lat)
    found = swapped_among_others(*here)
    assert not found[~turned].any()
    if abs(south - west) > 20:  # else both readings lie among the others
        assert found.tolist() == turned.tolist()


def test_a_place_far_from_the_others_is_no_exchange() -> None:
    random = np.random.default_rng(1)
    lat, lon = 46 + random.random(30), 7 + random.random(30)
    lat[3], lon[3] = -20.0, 30.0
    assert not swapped_among_others(lon, lat).any()
    lon, lat = random.uniform(-180, 180, 500), random.uniform(-60, 70, 500)
    assert not swapped_among_others(lon, lat).any(), "an inventory of the world"
    assert not swapped_among_others(np.array([7.0, 46.0]), np.array([46.0, 7.0])).any(), "two rows tell nothing"
