"""The HTML page of a report: two sheets of A4 in one file that loads nothing from elsewhere."""

import math
import re
from collections.abc import Sequence
from typing import Any

import jinja2
import numpy as np
import shapely
from markupsafe import Markup

from tsmu.database import Status
from tsmu.situation.facts import SIZE_LABELS, Facts, district_rows, largest
from tsmu.situation.inputs import Observed, Situation
from tsmu.situation.numbers import area_text, count_text, day_text, days_text, percent_text, place_text
from tsmu.situation.page import words
from tsmu.situation.page.imagery import imagery_rows
from tsmu.situation.pictures import LandslidePicture, MapPicture, probability_figure, size_figure
from tsmu.situation.pictures.room import ROW_MM, SHEET_MM, room_for_districts
from tsmu.situation.pictures.style import OBSERVED_LABELS, plain_text
from tsmu.situation.sources import used_sources

# Remarks and districts that have no room on the sheets are only counted. To find out what has room, heights are
# estimated here, in mm, for the widest font that a reader may have.
LINE_MM = 3.9  # height of a line of text
USED_BEHIND_MM = 101.0  # height on the second sheet that figures, headings and foot take
CAPTION_MM = 13.5  # height of the captions below a row of pictures
CHIPS_IN_ROW = 5  # pictures of landslides in one row
CHIP_MM = (12.0, 18.2)  # least and greatest height of a picture of a landslide
HALF_LINE, WHOLE_LINE = 51, 112  # letters in a line of half the sheet's width, and of the whole width
LONGEST_NAME = 26  # letters of a district's name; longer names are shortened
LONGEST_REMARK = 2 * WHOLE_LINE  # letters of a remark; longer remarks are cut
_NUMBER_AND_UNIT = re.compile(r"(\d) (m²|km²|%|m\b)")


def render_page(
    situation: Situation,
    facts: Facts,
    map_picture: MapPicture,
    landslides: Sequence[LandslidePicture],
) -> str:
    """Render the report.

    Args:
        situation: the event as it is known now.
        facts: the figures that were counted for it.
        map_picture: the map.
        landslides: pictures of the largest landslides, the largest first.

    Returns:
        The HTML text; pictures and styles are part of it, so that it loads nothing from elsewhere.
    """
    sources = used_sources(situation)
    districts, others = district_rows(facts.districts, room_for_districts(facts, map_picture.height_mm))
    imagery, limits = imagery_rows(sources), words.limits(situation, facts)
    remarks, chip_mm = _second_sheet(situation.remarks, limits, len(imagery), len(landslides))
    sized, sure = size_figure(situation, facts), probability_figure(situation.landslides)
    return _environment().get_template("report.html").render(
        situation=situation,
        name=plain_text(situation.name, 90),
        facts=facts,
        ground=_ground_rows(facts),
        known=bool(facts.shown or facts.ground.m2[Observed.SEEN]),  # else "0 landslides" would claim too much
        seen_share=facts.ground.share(Observed.SEEN),
        summary=words.summary(situation, facts),
        news=words.news_sentences(facts),
        map=Markup(map_picture.svg),  # safe without escaping: matplotlib has escaped the texts in this SVG
        map_scale=map_picture.scale,
        districts=[*districts, *([others] if others else [])],
        size_figure=Markup(sized) if sized else None,
        size_sentence=words.size_sentence(facts),
        probability_figure=Markup(sure) if sure else None,
        largest=_largest(situation, landslides),
        imagery=imagery,
        scenes=len(sources),
        scenes_left_out=len(situation.sources) - len(sources),
        method=words.method_sentence(situation),
        probability_sentence=words.probability_sentence(situation),
        review=words.review_sentence(facts),
        limits=limits,
        remarks=remarks,
        chip_mm=chip_mm,
        more_remarks=len(situation.remarks) - len(remarks),
        size_labels=SIZE_LABELS,
        Status=Status,
    )  # fmt: skip


def _second_sheet(remarks: Sequence[str], limits: list[str], imagery: int, landslides: int) -> tuple[list[str], float]:
    """Divide the second sheet between remarks and pictures of landslides.

    Args:
        remarks: all remarks of the situation.
        limits: the sentences about what the map cannot tell.
        imagery: number of rows of the table of imagery.
        landslides: number of landslides of which there are pictures.

    Returns:
        The remarks that fit (at least the first, if there is one), and the height of each picture, mm.
    """
    lines = sum(math.ceil(len(sentence) / HALF_LINE) for sentence in limits)
    rows = math.ceil(landslides / CHIPS_IN_ROW)
    room = SHEET_MM - USED_BEHIND_MM - rows * CAPTION_MM - imagery * ROW_MM - lines * LINE_MM
    kept: list[str] = []
    for remark in remarks:
        text = plain_text(remark, LONGEST_REMARK)
        needed = math.ceil(len(text) / WHOLE_LINE) * LINE_MM
        if kept and room - needed < 2 * rows * CHIP_MM[0]:
            room -= LINE_MM  # for the line that counts the remarks left out
            break
        kept.append(text)
        room -= needed
    return kept, min(max(room / (2 * rows), CHIP_MM[0]), CHIP_MM[1]) if rows else CHIP_MM[1]


def _ground_rows(facts: Facts) -> list[dict[str, Any]]:
    ground = facts.ground
    return [
        {"key": observed.name.lower(), "label": label, "m2": ground.m2[observed], "share": ground.share(observed)}
        for observed, label in OBSERVED_LABELS.items()
    ]


def _largest(situation: Situation, pictures: Sequence[LandslidePicture]) -> list[dict[str, Any]]:
    rows = largest(situation)
    places = shapely.get_coordinates(shapely.point_on_surface(rows.geometry.to_numpy()))
    return [
        {
            "number": number,
            "id": plain_text(row["id"], 40),
            "area": area_text(float(row["area_m2"])),
            "status": str(row["status"]),
            "probability": None if np.isnan(row["probability"]) else percent_text(float(row["probability"])),
            "place": place_text(*place.tolist()),
            "picture": picture,
            "unseen": None
            if picture.observed == Observed.SEEN
            else OBSERVED_LABELS.get(picture.observed, "no imagery"),
        }
        for number, ((_, row), place, picture) in enumerate(
            zip(rows.iterrows(), places, pictures, strict=True), start=1
        )
    ]


def _unbroken(text: str) -> str:
    """Put unbreakable spaces between numbers and their units, so that no line ends between them."""
    return _NUMBER_AND_UNIT.sub("\\1\N{NO-BREAK SPACE}\\2", text)


def _short(name: str) -> str:
    """Shorten a name to the column's width by leaving out its middle, because long names often differ at their end."""
    text = plain_text(name)
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 11].rstrip()}…{text[-10:].lstrip()}"


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tsmu.situation.page"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "area": area_text, "count": count_text, "percent": percent_text, "day": day_text, "plain": plain_text,
        "unbroken": _unbroken, "short": _short,
    }  # fmt: skip
    environment.globals["days"] = days_text
    return environment
