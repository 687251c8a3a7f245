"""OGC API - Features, read-only: QGIS, ArcGIS and GDAL add it as a layer.

Part 1: Core (OGC 17-069r4) with JSON and HTML; Part 2: Coordinate Reference Systems by Reference (OGC 18-058r1);
and of Part 3: Filtering (OGC 19-079r2) filters in CQL2 and the queryables. Data cannot be changed here (Part 4).
In the words of the standard, a collection is a layer, items are its features, and queryables are the properties that
a filter can name. Every answer has links to related addresses.
"""

import json
from collections.abc import Container
from datetime import date, datetime
from typing import Annotated, Any, Literal

import geopandas
import numpy as np
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request, Response

from tsmu.database import (
    Filters,
    Status,
    count_landslides,
    cql2_tree,
    format_moment,
    history,
    info,
    query_page,
    spatial_extent,
    utc_now,
)
from tsmu.database import landslide_table as landslide
from tsmu.server import geojson
from tsmu.server.context import Context, ServerContext
from tsmu.server.errors import RequestError
from tsmu.server.ogc import (
    CRS84,
    CRS_BY_URI,
    JSON,
    OutputCrs,
    Page,
    answer,
    box_in_degrees,
    filter_in_degrees,
    read_crs,
    self_links,
)
from tsmu.server.query_parameters import DEFAULT_PAGE, MAX_FID, MAX_PAGE, ConditionText, read_bbox, read_dates

router = APIRouter(prefix="/ogc", tags=["OGC API - Features"])

CONFORMANCE_CLASSES = (
    *(f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "geojson", "html")),
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
    *(
        f"http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/{name}"
        for name in ("queryables", "queryables-query-parameters", "filter", "features-filter")
    ),
    *(
        f"http://www.opengis.net/spec/cql2/1.0/conf/{name}"
        for name in ("cql2-text", "cql2-json", "basic-cql2", "basic-spatial-functions")
    ),
)
COLLECTION_ID = "landslides"
PROPERTIES = {column.name: column for column in landslide.columns if column.name not in ("fid", "geom")}
STANDARD_PARAMETERS = {
    "bbox", "bbox-crs", "crs", "datetime", "limit", "after", "f", "filter", "filter-lang", "filter-crs",
}  # fmt: skip
_SCHEMA_TYPES = {
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
}
SCHEMA_JSON = "application/schema+json"
QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables"

CrsText = Annotated[str | None, Query(description="URI of a system that the collection lists", max_length=200)]


def _only(*names: str) -> Any:
    """Make a FastAPI dependency that refuses parameters with other names than these, as the standard demands."""

    def check(request: Request) -> None:
        for name in request.query_params:
            if name not in names:
                raise RequestError(400, f"no parameter {name!r}; known are {', '.join(sorted(names))}")

    return Depends(check)


Format = Annotated[Literal["json", "html"] | None, Query(description="by default the `Accept` header decides")]


@router.get("", response_class=Response, dependencies=[_only("f")])
@router.get("/", include_in_schema=False, dependencies=[_only("f")])
def landing(context: Context, request: Request, f: Format = None) -> Response:  # noqa: ARG001 - token, OpenAPI
    """Give the landing page, with links to everything else."""
    root = _root(request)
    openapi = f"{request.base_url}openapi.json"
    document = {
        "title": "Landslides",
        "description": "Landslides as believed now, from the landslide database of tsmu",
        "links": [
            *self_links(request),
            _link("service-desc", openapi, "application/vnd.oai.openapi+json;version=3.1", "API"),
            _link("service-doc", f"{request.base_url}docs", "text/html", "documentation"),
            _link("conformance", f"{root}/conformance", JSON, "conformance"),
            _link("data", f"{root}/collections", JSON, "collections"),
        ],
    }
    return answer(request, document, Page("landing", "Landslides"))


@router.get("/conformance", response_class=Response, dependencies=[_only("f")])
def conformance(context: Context, request: Request, f: Format = None) -> Response:  # noqa: ARG001 - token, OpenAPI
    """List the conformance classes of the standard that this API fulfils."""
    return answer(
        request, {"conformsTo": list(CONFORMANCE_CLASSES)}, Page("conformance", "Conformance", _parents(request, 1))
    )


@router.get("/collections", response_class=Response, dependencies=[_only("f")])
def collections(context: Context, request: Request, f: Format = None) -> Response:  # noqa: ARG001 - for OpenAPI
    """List the collections; there is only one, `landslides`."""
    document = {
        "links": self_links(request),
        "crs": list(CRS_BY_URI),
        "collections": [_describe_collection(context, request)],
    }
    return answer(request, document, Page("collections", "Collections", _parents(request, 1)))


@router.get("/collections/{collection_id}", response_class=Response, dependencies=[_only("f")])
def collection(context: Context, request: Request, collection_id: str, f: Format = None) -> Response:  # noqa: ARG001
    """Describe one collection."""
    _check_collection(collection_id)
    document = _describe_collection(context, request)
    document["links"] += self_links(request)[1:]
    return answer(request, document, Page("collection", "Landslides", _parents(request, 2)))


def _describe_collection(context: ServerContext, request: Request) -> dict[str, Any]:
    address = _collection_address(request)
    return {
        "id": COLLECTION_ID,
        "title": "Landslides",
        "description": f"{landslide.comment}; those that went into others only where `status` is asked for",
        "itemType": "feature",
        "crs": list(CRS_BY_URI),
        "storageCrs": CRS84,
        "extent": _extent(context),
        "links": [
            _link("self", address, JSON, "this collection"),
            _link("items", f"{address}/items", geojson.MEDIA_TYPE, "landslides"),
            _link("items", f"{address}/items?f=html", "text/html", "landslides as pages"),
            _link(QUERYABLES, f"{address}/queryables", SCHEMA_JSON, "what a filter can name"),
        ],
    }


def _extent(context: ServerContext) -> dict[str, Any]:
    """The extent of the landslides: their box in degrees, and the first and last day on which one can have happened."""
    figures, box = info(context.database), spatial_extent(context.database)
    first, last = figures["date_min"], figures["date_max"]
    interval = [f"{first}T00:00:00Z" if first else None, f"{last}T23:59:59Z" if last else None]
    spatial = {} if box is None else {"spatial": {"bbox": [list(box)], "crs": CRS84}}
    return {**spatial, "temporal": {"interval": [interval], "trs": GREGORIAN}}


GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"


@router.get("/collections/{collection_id}/queryables", response_class=Response, dependencies=[_only("f")])
def queryables(context: Context, request: Request, collection_id: str, f: Format = None) -> Response:  # noqa: ARG001
    """Describe what `filter` can name, as a JSON schema: the properties of a landslide, and its outline `geom`."""
    _check_collection(collection_id)
    properties = {name: _property_schema(column) for name, column in PROPERTIES.items()}
    outline = {
        "title": "geom",
        "description": landslide.c.geom.comment,
        "format": "geometry-multipolygon",
        "x-ogc-role": "primary-geometry",
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{_collection_address(request)}/queryables",
        "type": "object",
        "title": "Landslides",
        "properties": {**properties, "geom": outline},
        "additionalProperties": False,
    }
    return answer(request, schema, Page("queryables", "Queryables", _parents(request, 3)), SCHEMA_JSON)


def _property_schema(column: sa.Column[Any]) -> dict[str, Any]:
    """The JSON schema of one column of the landslide table."""
    known = column.info.get("vocabulary")
    return {
        "title": column.name,
        "description": column.comment or "",
        **_SCHEMA_TYPES[column.type.python_type],
        **({"enum": [str(value) for value in known]} if known else {}),
    }


@router.get("/collections/{collection_id}/items", response_class=Response, responses=geojson.OPENAPI_RESPONSE)
def items(
    context: Context,
    request: Request,
    collection_id: str,
    bbox: Annotated[str | None, Query(description="lower corner, upper corner", max_length=200)] = None,
    bbox_crs: Annotated[CrsText, Query(alias="bbox-crs")] = None,
    crs: CrsText = None,
    interval: Annotated[str | None, Query(alias="datetime", description="a day, or FIRST/LAST", max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, description=f"at most {MAX_PAGE} are given")] = DEFAULT_PAGE,
    after: Annotated[int, Query(ge=0, le=MAX_FID, description="where a `next` link goes on")] = 0,
    condition: Annotated[ConditionText | None, Query(alias="filter", description="a condition in CQL2")] = None,
    language: Annotated[Literal["cql2-text", "cql2-json"], Query(alias="filter-lang")] = "cql2-text",
    filter_crs: Annotated[CrsText, Query(alias="filter-crs")] = None,
    f: Format = None,  # noqa: ARG001 - for OpenAPI
) -> Response:
    """List landslides page by page. A property given as a parameter selects the landslides that have this value.

    Landslides that were merged into others are left out, unless a parameter or the filter names `status` or
    `merged_into`.
    """
    _check_collection(collection_id)
    output = read_crs("crs", crs)
    where = _joined_condition(request, condition, language, read_crs("filter-crs", filter_crs))
    box = None if bbox is None else box_in_degrees(bbox, read_crs("bbox-crs", bbox_crs))
    filters = Filters(bbox=read_bbox(box), dates=_read_datetime(interval), where=where, status=_shown_statuses(where))
    page = query_page(context.database, filters, min(limit, MAX_PAGE), after)
    members: dict[str, Any] = {
        "links": _page_links(request, page.attrs["last_fid"]),
        "numberReturned": len(page),
        "numberMatched": count_landslides(context.database, filters),
        "timeStamp": format_moment(utc_now()),
    }
    body = geojson.feature_collection(_in_crs(page.drop(columns="fid"), output), members)
    return answer(request, body, Page("items", "Items", _parents(request, 3)), geojson.MEDIA_TYPE, _content_crs(output))


def _in_crs(table: geopandas.GeoDataFrame, crs: OutputCrs) -> geopandas.GeoDataFrame:
    """Project the outlines of a table to a system; the `crs` of the new table is still the old one, so it is wrong."""
    shapes = crs.from_degrees(np.asarray(table.geometry.array, dtype=object))
    return table.set_geometry(geopandas.GeoSeries(shapes, index=table.index, crs=table.crs))


def _content_crs(crs: OutputCrs) -> dict[str, str]:
    return {"Content-Crs": f"<{crs.uri}>"}


def _page_links(request: Request, last_fid: int | None) -> list[dict[str, str]]:
    """Make the links of a page of landslides, with one to the next page unless `last_fid` is None."""
    links = self_links(request, geojson.MEDIA_TYPE)
    if last_fid is not None:
        next_page = request.url.remove_query_params("after").include_query_params(after=last_fid)
        links.append(_link("next", str(next_page), links[0]["type"], "next page"))
    return [*links, _link("collection", _collection_address(request), JSON, "the collection")]


@router.get(
    "/collections/{collection_id}/items/{feature_id}", response_class=Response, dependencies=[_only("f", "crs")]
)
def item(
    context: Context,
    request: Request,
    collection_id: str,
    feature_id: str,
    crs: CrsText = None,
    f: Format = None,  # noqa: ARG001 - for OpenAPI
) -> Response:
    """Give one landslide."""
    _check_collection(collection_id)
    output = read_crs("crs", crs)
    versions = _in_crs(history(context.database, feature_id).iloc[[-1]], output)
    links = [
        *self_links(request, geojson.MEDIA_TYPE),
        _link("collection", _collection_address(request), JSON, "the collection"),
    ]
    page = Page("item", feature_id, (*_parents(request, 3), ("Items", f"{_collection_address(request)}/items")))
    feature = geojson.feature(versions) | {"links": links}
    return answer(request, feature, page, geojson.MEDIA_TYPE, _content_crs(output))


def _check_collection(collection_id: str) -> None:
    if collection_id != COLLECTION_ID:
        raise RequestError(404, f"no collection of that name; there is {COLLECTION_ID}")


def _joined_condition(request: Request, condition: str | None, language: str, crs: OutputCrs) -> str | None:
    """Join the filter with a condition for each parameter that is named like a property, as one condition in CQL2.

    Args:
        request: the request with the parameters.
        condition: the value of the parameter `filter`.
        language: `cql2-text` or `cql2-json`, the language that the request names for the filter.
        crs: the system of the geometries in the filter.

    Returns:
        The condition, whose geometries are in CRS84; None if there is none.

    Raises:
        RequestError: a parameter is unknown or has no valid value, or the filter is in another language.
    """
    values = {name: value for name, value in request.query_params.items() if name not in STANDARD_PARAMETERS}
    if unknown := [name for name in values if name not in PROPERTIES]:
        known = ", ".join(sorted(STANDARD_PARAMETERS | set(PROPERTIES)))
        raise RequestError(400, f"no parameter {unknown[0]!r}; known are {known}")
    if condition and condition.lstrip().startswith("{") != (language == "cql2-json"):
        raise RequestError(400, f"filter: not {language}; correct filter-lang to what the filter is")
    if not values and (not condition or crs.uri == CRS84):
        return condition
    parts = [{"op": "=", "args": [{"property": name}, _property_value(name, value)]} for name, value in values.items()]
    if condition:
        parts.append(filter_in_degrees(cql2_tree(condition), crs))
    return json.dumps({"op": "and", "args": parts} if len(parts) > 1 else parts[0])


def _shown_statuses(where: str | None) -> tuple[Status, ...]:
    """Choose the statuses to show: all but merged, or any (an empty tuple) if the condition names the status itself."""
    if where and _names_property(cql2_tree(where), ("status", "merged_into")):
        return ()
    return tuple(status for status in Status if status != Status.MERGED)


def _names_property(node: Any, names: Container[str]) -> bool:
    """Whether a condition in CQL2-JSON, or a part of one, names one of some properties."""
    if isinstance(node, list):
        return any(_names_property(part, names) for part in node)
    if not isinstance(node, dict):
        return False
    return node.get("property") in names or any(_names_property(part, names) for part in node.values())


def _property_value(name: str, value: str) -> str | float:
    """Convert the value of a property's parameter: to a number if the property's column has numbers."""
    if not isinstance(PROPERTIES[name].type, sa.Integer | sa.Float):
        return value
    try:
        return float(value)
    except ValueError:
        raise RequestError(400, f"{name}: not a number; correct it") from None


def _read_datetime(text: str | None) -> tuple[date | None, date | None] | None:
    """Read the standard's `datetime`: a time or day, or an interval of two; only the day of a time is used."""
    for end in (text or "").upper().split("/"):
        if "T" in end:
            try:
                datetime.fromisoformat(end)
            except ValueError:
                raise RequestError(400, "datetime: not RFC 3339; correct it") from None
    return read_dates(text, "datetime")


def _parents(request: Request, depth: int) -> tuple[tuple[str, str], ...]:
    """The names and addresses of the first `depth` pages above a page, from the landing page down."""
    root = _root(request)
    pages = (("Landslides", root), ("Collections", f"{root}/collections"), ("Collection", _collection_address(request)))
    return pages[:depth]


def _root(request: Request) -> str:
    return f"{request.base_url}ogc"


def _collection_address(request: Request) -> str:
    return f"{_root(request)}/collections/{COLLECTION_ID}"


def _link(relation: str, address: str, media_type: str, title: str) -> dict[str, str]:
    return {"rel": relation, "href": address, "type": media_type, "title": title}
