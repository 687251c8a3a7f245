"""How the first sheet is divided between the map and the rows of districts, in mm of print."""

from tsmu.situation.facts import Facts

SHEET_MM = 272.0  # of A4 within the margins
ROW_MM = 4.3  # of a table, in the widest font that a reader may have
USED_MM = 106.0  # of the first sheet, by all but the map and the rows of districts
NEWS_MM = 20.0
LEAST_ROWS, LIKED_ROWS, MOST_ROWS = 5, 9, 16  # of districts
HIGHEST_MAP, LOWEST_MAP = 150.0, 100.0


def map_room(facts: Facts) -> float:
    """Give the height that is left for the map, mm, once up to nine rows of districts have their room."""
    rows = min(max(len(facts.districts), LEAST_ROWS), LIKED_ROWS)
    return min(max(_room(facts) - rows * ROW_MM, LOWEST_MAP), HIGHEST_MAP)


def room_for_districts(facts: Facts, map_height: float) -> int:
    """The rows of districts that there is room for below a map."""
    return min(max(int((_room(facts) - map_height) // ROW_MM), LEAST_ROWS), MOST_ROWS)


def _room(facts: Facts) -> float:
    return SHEET_MM - USED_MM - (NEWS_MM if facts.news else 0)
