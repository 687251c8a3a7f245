"""The HTML page: two sheets of A4 that hold everything they show."""

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
from tsmu.situation.page import words
from tsmu.situation.page.imagery import imagery_rows
from tsmu.situation.numbers import area_text, count_text, day_text, days_text, percent_text, place_text
from tsmu.situation.pictures import LandslidePicture, MapPicture, probability_figure, size_figure
from tsmu.situation.pictures.style import OBSERVED_LABELS, plain_text
from tsmu.situation.sources import used_sources

MOST_REMARKS = 4
ROW_MM = 4.3  # of a table
SHEET_MM = 272.0
USED_MM = 106.0  # of the first sheet, by all but the map and the rows of districts
NEWS_MM = 17.0
_NUMBER_AND_UNIT = re.compile(r"(\d) (m²|km²|%|m\b)")
LEAST_ROWS, MOST_ROWS = 4, 16  # of districts


def render_page(
    situation: Situation,
    facts: Facts,
    map_picture: MapPicture,
    landslides: Sequence[LandslidePicture],
) -> str:
    """Render the report.

    Args:
        situation: the situation.
        facts: what was counted of it.
        map_picture: its map.
        landslides: pictures of the largest landslides.

    Returns:
        The HTML, which loads nothing from anywhere.
    """
    sources = used_sources(situation)
    room = SHEET_MM - USED_MM - map_picture.height_mm - (NEWS_MM if facts.news else 0)
    rows = min(max(int(room // ROW_MM), LEAST_ROWS), MOST_ROWS)
    districts, others = district_rows(facts.districts, rows)
    remarks = [plain_text(remark, 220) for remark in situation.remarks]
    sized, sure = size_figure(situation, facts), probability_figure(situation.landslides)
    return _environment().get_template("report.html").render(
        situation=situation,
        name=plain_text(situation.name, 90),
        facts=facts,
        ground=_ground_rows(facts),
        seen_share=facts.ground.share(Observed.SEEN),
        summary=words.summary(situation, facts),
        news=words.news_sentences(facts),
        map=Markup(map_picture.svg),  # our own SVG; matplotlib has escaped the texts in it
        map_scale=map_picture.scale,
        districts=[*districts, *([others] if others else [])],
        size_figure=Markup(sized) if sized else None,
        size_sentence=words.size_sentence(facts),
        probability_figure=Markup(sure) if sure else None,
        largest=_largest(situation, landslides),
        imagery=imagery_rows(sources),
        scenes=len(sources),
        scenes_left_out=len(situation.sources) - len(sources),
        method=words.method_sentence(situation),
        probability_sentence=words.probability_sentence(situation),
        review=words.review_sentence(facts),
        limits=words.limits(situation, facts),
        remarks=remarks[:MOST_REMARKS],
        more_remarks=len(remarks) - MOST_REMARKS,
        size_labels=SIZE_LABELS,
        Status=Status,
    )  # fmt: skip


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
            "unseen": None if picture.observed == Observed.SEEN else OBSERVED_LABELS.get(picture.observed, "no imagery"),
        }
        for number, ((_, row), place, picture) in enumerate(zip(rows.iterrows(), places, pictures, strict=True), start=1)
    ]


def _unbroken(text: str) -> str:
    """Keep numbers and their units in one line."""
    return _NUMBER_AND_UNIT.sub("\\1\N{NO-BREAK SPACE}\\2", text)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tsmu.situation.page"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "area": area_text, "count": count_text, "percent": percent_text, "day": day_text, "plain": plain_text,
        "unbroken": _unbroken,
    }  # fmt: skip
    environment.globals["days"] = days_text
    return environment
