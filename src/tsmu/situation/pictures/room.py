"""How the first sheet is divided between the map and the rows of districts, in mm of print."""

from tsmu.situation.facts import Facts

SHEET_MM = 272.0  # height of an A4 sheet within its margins
ROW_MM = 4.3  # height of a table's row, in the widest font that a reader may have
USED_MM = 106.0  # height on the first sheet that everything but the map and the rows of districts takes
NEWS_MM = 20.0  # height of the sentences that compare with the earlier report
LEAST_ROWS, LIKED_ROWS, MOST_ROWS = 5, 9, 16  # rows of districts: at least, if the map leaves room, and at most
HIGHEST_MAP, LOWEST_MAP = 150.0, 100.0  # limits of the map's height


def map_room(facts: Facts) -> float:
    """Give the height of the map in mm: what is left when five to nine rows of districts have their room."""
    rows = min(max(len(facts.districts), LEAST_ROWS), LIKED_ROWS)
    return min(max(_room(facts) - rows * ROW_MM, LOWEST_MAP), HIGHEST_MAP)


def room_for_districts(facts: Facts, map_height: float) -> int:
    """How many rows of districts have room below a map of this height (mm)."""
    return min(max(int((_room(facts) - map_height) // ROW_MM), LEAST_ROWS), MOST_ROWS)


def _room(facts: Facts) -> float:
    """The height in mm that the map and the rows of districts share."""
    return SHEET_MM - USED_MM - (NEWS_MM if facts.news else 0)
