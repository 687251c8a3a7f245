import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmu.errors import ImageError
from tsmu.imagery import GoogleEarthName
from tsmu.imagery.footprints import check_box

PRE = "GE_43.309023_-122.966736_43.310900_-122.963295_LS_354_US_20070730_PRE.jpg"
POST = "GE_43.309023_-122.966736_43.310900_122.963295_LS_354_US_20110729_POST.jpg"

corners = st.builds(
    lambda sign, whole, fraction: Decimal(f"{sign}{whole}{'.' + fraction if fraction else ''}"),
    st.sampled_from(["", "-"]),
    st.integers(0, 180),
    st.text("0123456789", max_size=15),
)
ids = st.text(st.characters(codec="utf-8", exclude_characters="/\\\n\r\0"), min_size=1, max_size=30)
tricky = st.sampled_from(["LS_354_US", "_", "1_2", "20110729_POST", "-1.5_20070730_PRE.jpg", "GE_1_2_3_4"])
names = st.builds(
    GoogleEarthName,
    corners,
    corners,
    corners,
    corners,
    ids | tricky,
    st.dates(date(1000, 1, 1)),
    st.sampled_from(["PRE", "POST"]),
    st.sampled_from([".jpg", ".JPG", ".png", ".tif"]),
)


@given(names)
def test_round_trip(name: GoogleEarthName) -> None:
    text = str(name)
    again = GoogleEarthName.parse(text)
    assert again == name
    assert str(again) == text, "every digit and sign survives"


@given(st.text() | st.from_regex(r"GE(_-?[0-9.]{1,9}){3,5}_[A-Z0-9_]{0,9}_[0-9]{7,9}_P(RE|OST)\.jpg", fullmatch=True))
def test_any_text_is_a_name_or_one_line(text: str) -> None:
    try:
        name = GoogleEarthName.parse(text)
    except ImageError as error:
        assert text in str(error)
    else:
        check_box(name.box)


def test_published_example() -> None:
    pre, post = GoogleEarthName.parse(PRE), GoogleEarthName.parse(POST)
    assert (pre.id, pre.side, pre.date) == ("LS_354_US", "PRE", date(2007, 7, 30))
    assert str(pre) == PRE
    assert check_box(pre.box) is None
    finding = check_box(post.box)
    assert finding is not None and finding.kind == "missing minus sign"
    assert finding.repaired == pre.box


def test_lower_case() -> None:
    assert GoogleEarthName.parse(PRE.lower()).side == "PRE"


@pytest.mark.parametrize("wrong", [PRE.replace("0730", "1330"), PRE.replace("_PRE", ""), "IMG_1.jpg"])
def test_wrong_names(wrong: str) -> None:
    with pytest.raises(ImageError, match=re.escape(wrong)):
        GoogleEarthName.parse(wrong)
