"""Conditions on landslides in CQL2 (OGC 21-065r2), as text or as JSON, turned into bound SQL conditions.

    area_m2 > 1000 and (trigger = 'rainfall' or trigger is null) and not region in ('alps', 'jura')
    S_INTERSECTS(geom, POLYGON((7 46, 8 46, 8 47, 7 46))) and date_max between '2024-05-01' and '2024-05-31'

Operators: = <> < <= > >=, in (...), between a and b, like '%x%' (without regard to case), is null; and, or,
not, parentheses; S_INTERSECTS and the other spatial predicates of the outline `geom` with a WKT geometry or
BBOX(west, south, east, north) in EPSG:4326. Texts stand in single quotes ('' for one inside), days are texts
such as '2024-05-01', DATE('2024-05-01') or TIMESTAMP('2024-05-01T12:00:00Z').

Of the tree of CQL2-JSON that both are read into (see `cql2_tree`), only names of known columns and bound values
reach the database.
"""

import difflib
import json
import math
import operator
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, NoReturn, cast

import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.queries.cql2_reading import cql2_tree, shortened
from tsmu.database.queries.spatial_index import box_area, touches_box
from tsmu.database.storage import SPATIAL_PREDICATES
from tsmu.database.types import SRS_ID, Moment
from tsmu.errors import DatabaseError

_COMPARE: dict[str, Callable[[Any, Any], sa.ColumnElement[bool]]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}  # 1 < a is a > 1
_ARGUMENTS = {
    **dict.fromkeys((*_COMPARE, "in", "like", *SPATIAL_PREDICATES), 2),
    "between": 3,
    "isNull": 1,
    "not": 1,
}
_DEEPEST_TREE = 50


def parse_where(text: str, table: sa.Table, backend: str = "sqlite") -> sa.ColumnElement[bool]:
    """Turn a condition in CQL2 over a table's columns into SQL.

    Args:
        text: CQL2 text, or a JSON object of CQL2-JSON.
        table: with a spatial index on `geom`.
        backend: "sqlite" or "postgresql".

    Raises:
        DatabaseError: it is no such condition; says what is wrong, and which column or value.

    Example:
        >>> str(parse_where("area_m2 > 1e4 and trigger is null", landslide_table))
        'landslide.area_m2 > :area_m2_1 AND landslide.trigger IS NULL'
    """
    return _Compiler(text, table, backend).condition(cql2_tree(text), 0)


class _Compiler:
    """Compiles the tree of one condition; keeps the condition's text for error messages."""

    def __init__(self, text: str, table: sa.Table, backend: str) -> None:
        self.text, self.table, self.backend = text, table, backend
        self.columns = {column.name: column for column in table.columns if column.name != "fid"}

    def wrong(self, problem: str) -> NoReturn:
        """Refuse the condition."""
        raise DatabaseError(f"condition {shortened(self.text)}: {problem}")

    def condition(self, node: Any, depth: int) -> sa.ColumnElement[bool]:
        """The SQL of a node that is true or false."""
        if depth > _DEEPEST_TREE:
            self.wrong(f"nested more than {_DEEPEST_TREE} deep; write it more simply")
        if isinstance(node, bool):
            return sa.true() if node else sa.false()
        if not isinstance(node, Mapping) or "op" not in node:
            self.wrong(f"expected a comparison such as area_m2 > 1000, not {_written(node)}; correct it")
        name, arguments = str(node["op"]), node["args"]
        if name in ("and", "or") and arguments:
            parts = [self.condition(argument, depth + 1) for argument in arguments]
            return (sa.and_ if name == "and" else sa.or_)(*parts)
        if name not in _ARGUMENTS:
            self.wrong(f"no operator {name}; there are and, or, {', '.join(_ARGUMENTS)}")
        if len(arguments) != _ARGUMENTS[name]:
            self.wrong(f"{name} has {_ARGUMENTS[name]} arguments, not {len(arguments)}; correct it")
        if name == "not":
            return sa.not_(self.condition(arguments[0], depth + 1))
        if name in SPATIAL_PREDICATES:
            return self.spatial(name, *arguments)
        return self.comparison(name, arguments)

    def comparison(self, name: str, arguments: list[Any]) -> sa.ColumnElement[bool]:
        """The SQL of a predicate on one column's values."""
        if name in _COMPARE:
            left, right = arguments
            if not _is_column(left) and _is_column(right):
                name, left, right = _MIRRORED.get(name, name), right, left
            column = self.column(left)
            return _COMPARE[name](column, self.value(column, right))
        column = self.column(arguments[0])
        if name == "isNull":
            return column.is_(None)
        if name == "in":
            if not isinstance(arguments[1], list) or not arguments[1]:
                self.wrong(f"{column.name}: expected values in parentheses after in, not {_written(arguments[1])}")
            return column.in_([self.value(column, value) for value in arguments[1]])
        if name == "between":
            return column.between(self.value(column, arguments[1]), self.value(column, arguments[2]))
        if not isinstance(column.type, sa.Text):
            self.wrong(f"{column.name} is no text, and like compares texts; use = or <")
        return column.ilike(self.literal(column, arguments[1], str, "a text in single quotes"))

    def spatial(self, name: str, left: Any, right: Any) -> sa.ColumnElement[bool]:
        """The SQL of a spatial predicate of the outline with a geometry, by the index where it can help."""
        if not (_is_column(left) and left["property"].lower() == "geom"):
            self.wrong(f"{name} compares the outline geom with a geometry; write {name}(geom, BBOX(7, 46, 8, 47))")
        area = self.geometry(right)
        wkb: Any = shapely.to_wkb(area)
        value = sa.func.ST_GeomFromWKB(wkb, SRS_ID) if self.backend == "postgresql" else wkb
        exact = getattr(sa.func, SPATIAL_PREDICATES[name])(self.table.c.geom, value, type_=sa.Boolean)
        exact = cast("sa.ColumnElement[bool]", exact)
        if name == "s_disjoint":
            return exact
        return sa.and_(touches_box(self.table, area.bounds, self.backend), exact)

    def geometry(self, node: Any) -> BaseGeometry:
        """A geometry of a condition, in EPSG:4326."""
        if isinstance(node, Mapping) and "bbox" in node:
            sides = [float(side) for side in node["bbox"]]
            sides = [*sides[:2], *sides[3:5]] if len(sides) == 6 else sides
            if len(sides) != 4:
                self.wrong("a box without west, south, east and north; write BBOX(7, 46, 8, 47)")
            return box_area((sides[0], sides[1], sides[2], sides[3]))
        if not isinstance(node, Mapping) or "type" not in node:
            self.wrong(f"expected a geometry, not {_written(node)}; write BBOX(7, 46, 8, 47), or WKT")
        try:
            shape = shapely.from_geojson(json.dumps(node))
        except shapely.errors.GEOSException as error:
            self.wrong(f"a geometry that cannot be read ({error}); correct it")
        west, south, east, north = shape.bounds
        if shape.is_empty or not shapely.is_valid(shape):
            self.wrong(f"a geometry that is not valid ({shapely.is_valid_reason(shape)}); correct it")
        if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
            self.wrong("a geometry that is not in degrees, longitude before latitude; reproject it to EPSG:4326")
        return shape

    def column(self, node: Any) -> sa.Column[Any]:
        """A column by its name, without regard to case."""
        if not _is_column(node):
            self.wrong(f"expected a column, not {_written(node)}; compare a column with a value")
        name = node["property"].lower()
        if name == "geom":
            self.wrong("geom is the outline; use it in S_INTERSECTS(geom, BBOX(7, 46, 8, 47))")
        if name not in self.columns:
            near = difflib.get_close_matches(name, self.columns, n=1, cutoff=0.0)[0]
            self.wrong(f"no column {node['property']}; the nearest is {near}")
        return self.columns[name]

    def value(self, column: sa.Column[Any], node: Any) -> Any:
        """A value of the column's type."""
        if isinstance(column.type, sa.Integer | sa.Float):
            number = self.literal(column, node, float, "a number")
            return number if math.isfinite(number) else self.wrong(f"{column.name}: {number} is no number to compare")
        if isinstance(column.type, sa.Date | Moment):
            if isinstance(node, Mapping) and node.keys() & {"date", "timestamp"}:
                (node,) = node.values()
            return self.moment(column, self.literal(column, node, str, "a day such as '2024-05-01'"))
        text = self.literal(column, node, str, "a text in single quotes")
        known = column.info.get("vocabulary")
        if known and text not in list(known):
            self.wrong(f"{column.name} is never {text!r}; it is one of {', '.join(known)}")
        return text

    def literal(self, column: sa.Column[Any], node: Any, kind: type, expected: str) -> Any:
        """A number or a text as it stands in the condition."""
        if type(node) is not kind:
            hint = "; of what is missing ask with: is null" if node is None else ""
            self.wrong(f"{column.name}: expected {expected}, not {_written(node)}{hint}")
        return node

    def moment(self, column: sa.Column[Any], text: str) -> date:
        """A day, or for columns of moments a moment in UTC."""
        try:
            moment = datetime.fromisoformat(text)
            if isinstance(column.type, sa.Date):
                return date(moment.year, moment.month, moment.day)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):  # the latter for an hour before the year 1
            self.wrong(f"{column.name}: {text!r} is no day such as '2024-05-01'; correct it")


def _is_column(node: Any) -> bool:
    return isinstance(node, Mapping) and "property" in node


def _written(node: Any) -> str:
    """A node of the tree for a message, as somebody would have written it."""
    if _is_column(node):
        return str(node["property"])
    return "null" if node is None else json.dumps(node) if isinstance(node, Mapping) else repr(node)
