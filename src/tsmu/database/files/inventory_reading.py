"""Read inventories that tsmu did not write: polygons and points, with their attributes in the database's vocabulary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import geopandas
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from tsmu.database.storage import read_outlines
from tsmu.database.vocabulary import Confidence, MovementType, Trigger
from tsmu.errors import DatabaseError
from tsmu.inventory import import_inventory
from tsmu.issues import IssueLog, warn_rows
from tsmu.wording import counted

VOCABULARIES: dict[str, type[StrEnum]] = {"movement_type": MovementType, "trigger": Trigger, "confidence": Confidence}
_SYNONYMS = {  # words of the USGS compilation and of COOLR
    "rain": Trigger.RAINFALL,
    "downpour": Trigger.RAINFALL,
    "continuous rain": Trigger.RAINFALL,
    "monsoon": Trigger.RAINFALL,
    "snowfall snowmelt": Trigger.SNOWMELT,
    "volcano": Trigger.VOLCANIC_ACTIVITY,
    "construction": Trigger.HUMAN_ACTIVITY,
    "mining": Trigger.HUMAN_ACTIVITY,
    "no apparent trigger": Trigger.NONE_APPARENT,
    "landslide": MovementType.SLIDE,
    "translational slide": MovementType.PLANAR_SLIDE,
    "mudslide": MovementType.MUD_FLOW,
    "earth flow": MovementType.EARTHFLOW,
    "rock fall": MovementType.FALL,
    "rockfall": MovementType.FALL,
    "possible landslide in the area": Confidence.POSSIBLE,
    "probable landslide in the area": Confidence.PROBABLE,
    "likely landslide at or near the location": Confidence.LIKELY,
    "confident consequential landslide at the location": Confidence.CONFIDENT,
    "high confidence in extent or nature": Confidence.HIGH,
}


@dataclass(frozen=True)
class ForeignInventory:
    """An inventory as read from a file.

    Attributes:
        name: of the file.
        rows: with EVENT_COLUMNS of `tsmu.inventory`, geometry in EPSG:4326.
        by: who drew it; None where only the rows say so.
        mapped_area: where its author looked, EPSG:4326; None where nobody says.
    """

    name: str
    rows: geopandas.GeoDataFrame
    by: str | None
    mapped_area: BaseGeometry | None


def read_inventory(
    path: Path,
    log: IssueLog,
    by: str | None,
    mapped_area: Path | None,
    layers_of: Mapping[Path, Sequence[str]],
    columns: Mapping[str, str] | None = None,
) -> ForeignInventory:
    """Read an inventory, and the area in which its author looked for landslides.

    Args:
        path: the inventory.
        log: takes rows that were left out and words that are not understood.
        by: who drew it.
        mapped_area: a file of polygons.
        layers_of: the names of the layers that are read of each file; of a file that is not in it all.
        columns: column by role, where the guess is wrong.

    Raises:
        TsmuError: either file cannot be read, or the mapped area has no polygon.
    """
    area = None
    if mapped_area:
        area = shapely.union_all(read_outlines(mapped_area, log, layers_of.get(mapped_area, ())))
        if area.is_empty:
            raise DatabaseError(f"{mapped_area}: holds no polygon that can be used; give another mapped area")
        area = shapely.MultiPolygon(shapely.get_parts(area).tolist())
    rows = import_inventory(path, None, columns, log, layers_of.get(path, ())).events
    rows["layer"] = rows["layer"].fillna("")
    for column, words in VOCABULARIES.items():
        rows[column] = _vocabulary_words(rows, column, words, path.name, log)
    return ForeignInventory(path.name, rows, by, area)


def _vocabulary_words(
    rows: geopandas.GeoDataFrame, column: str, words: type[StrEnum], file: str, log: IssueLog
) -> pd.Series:
    """A column in the words of a vocabulary; a text that is none of them is reported and dropped."""
    known = {str(word): str(word) for word in words} | {"freeze thaw": "freeze-thaw"}
    known |= {text: str(word) for text, word in _SYNONYMS.items() if isinstance(word, words)}
    texts = rows[column].astype(object).where(rows[column].notna(), "")
    translated = texts.str.casefold().str.replace(r"[\s_/-]+", " ", regex=True).map(known)
    translated = translated.where(translated.isin(list(words)), None)
    lost = (texts != "") & ~texts.str.casefold().isin(["unknown"]) & translated.isna()
    for text in texts[lost].unique():
        numbers = rows["row"][lost & (texts == text)].tolist()
        problem = f"{text[:60]!r} in {counted(len(numbers), 'row')} is none of our words"
        warn_rows(log, file, column, numbers[:1], problem, "imported without it")
    return pd.Series(translated)
