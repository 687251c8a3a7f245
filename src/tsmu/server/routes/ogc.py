"""OGC API - Features, read-only: QGIS, ArcGIS and GDAL add it as a layer.

Part 1: Core (OGC 17-069r4), and of Part 3: Filtering (OGC 19-079r2) filters in CQL2 and the queryables.
The standard's words: a collection is a layer, items are its features, queryables are the properties that a
filter can name, and every answer carries links to the addresses that belong to it.
"""

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from tsmu.database import Filters, count_landslides, cql2_tree, format_moment, history, info, query_page, utc_now
from tsmu.database import landslide_table as landslide
from tsmu.server import geojson
from tsmu.server.context import Context, ServerContext
from tsmu.server.errors import RequestError
from tsmu.server.query_parameters import MAX_FID, MAX_PAGE, ConditionText, read_bbox, read_dates

router = APIRouter(prefix="/ogc", tags=["OGC API - Features"])

JSON = "application/json"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CONFORMANCE_CLASSES = (
    *(f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "geojson")),
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
STANDARD_PARAMETERS = {"bbox", "datetime", "limit", "after", "f", "filter", "filter-lang", "filter-crs"}
_SCHEMA_TYPES = {
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
}
SCHEMA_JSON = "application/schema+json"
QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables"


@router.get("")
@router.get("/", include_in_schema=False)
def landing(context: Context, request: Request) -> dict[str, Any]:  # noqa: ARG001 - asks for the token
    """The landing page: where everything is."""
    root = _root(request)
    openapi = f"{request.base_url}openapi.json"
    return {
        "title": "Landslides",
        "description": "Landslides as believed now, from the landslide database of tsmu",
        "links": [
            _link("self", root, JSON, "this page"),
            _link("service-desc", openapi, "application/vnd.oai.openapi+json;version=3.1", "API"),
            _link("service-doc", f"{request.base_url}docs", "text/html", "documentation"),
            _link("conformance", f"{root}/conformance", JSON, "conformance"),
            _link("data", f"{root}/collections", JSON, "collections"),
        ],
    }


@router.get("/conformance")
def conformance(context: Context) -> dict[str, list[str]]:  # noqa: ARG001 - asks for the token
    """What of the standard is kept."""
    return {"conformsTo": list(CONFORMANCE_CLASSES)}


@router.get("/collections")
def collections(context: Context, request: Request) -> dict[str, Any]:
    """The collections: one."""
    links = [_link("self", f"{_root(request)}/collections", JSON, "this page")]
    return {"links": links, "collections": [_describe_collection(context, request)]}


@router.get("/collections/{collection_id}")
def collection(context: Context, request: Request, collection_id: str) -> dict[str, Any]:
    """One collection."""
    _check_collection(collection_id)
    return _describe_collection(context, request)


def _describe_collection(context: ServerContext, request: Request) -> dict[str, Any]:
    address, figures = _collection_address(request), info(context.database)
    interval = [f"{figures[name]}T00:00:00Z" if figures[name] else None for name in ("date_min", "date_max")]
    return {
        "id": COLLECTION_ID,
        "title": "Landslides",
        "description": landslide.comment,
        "itemType": "feature",
        "crs": [CRS84],
        "extent": {
            "spatial": {"bbox": [[-180, -90, 180, 90]], "crs": CRS84},
            "temporal": {"interval": [interval]},
        },
        "links": [
            _link("self", address, JSON, "this collection"),
            _link("items", f"{address}/items", geojson.MEDIA_TYPE, "landslides"),
            _link(QUERYABLES, f"{address}/queryables", SCHEMA_JSON, "what a filter can name"),
        ],
    }


@router.get("/collections/{collection_id}/queryables", response_class=JSONResponse)
def queryables(context: Context, request: Request, collection_id: str) -> JSONResponse:  # noqa: ARG001 - asks for the token
    """What `filter` can name, as a JSON schema: the properties of a landslide, and its outline `geom`."""
    _check_collection(collection_id)
    properties = {name: _property_schema(column) for name, column in PROPERTIES.items()}
    outline = {"title": "geom", "format": "geometry-multipolygon", "x-ogc-role": "primary-geometry"}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{_collection_address(request)}/queryables",
        "type": "object",
        "title": "Landslides",
        "properties": {**properties, "geom": outline},
        "additionalProperties": False,
    }
    return JSONResponse(schema, media_type=SCHEMA_JSON)


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
    bbox: Annotated[str | None, Query(description="west,south,east,north in degrees", max_length=200)] = None,
    interval: Annotated[str | None, Query(alias="datetime", description="a day, or FIRST/LAST", max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, description=f"at most {MAX_PAGE} are given")] = 10,
    after: Annotated[int, Query(ge=0, le=MAX_FID, description="where a `next` link goes on")] = 0,
    condition: Annotated[ConditionText | None, Query(alias="filter", description="a condition in CQL2")] = None,
    language: Annotated[Literal["cql2-text", "cql2-json"], Query(alias="filter-lang")] = "cql2-text",
    crs: Annotated[Literal["http://www.opengis.net/def/crs/OGC/1.3/CRS84"] | None, Query(alias="filter-crs")] = None,  # noqa: ARG001 - refuses others
) -> Response:
    """Landslides page by page; each property of a landslide is a parameter, too, and asks for that value."""
    _check_collection(collection_id)
    where = _joined_condition(request, condition, language)
    filters = Filters(bbox=read_bbox(bbox), dates=_read_datetime(interval), where=where)
    page = query_page(context.database, filters, min(limit, MAX_PAGE), after)
    members: dict[str, Any] = {
        "links": _page_links(request, page.attrs["last_fid"]),
        "numberReturned": len(page),
        "timeStamp": format_moment(utc_now()),
    }
    if filters.bbox is None:  # the spatial index alone does not count the landslides of a box exactly
        members["numberMatched"] = count_landslides(context.database, filters)
    body = geojson.feature_collection(page.drop(columns="fid"), members)
    return Response(body, media_type=geojson.MEDIA_TYPE)


def _page_links(request: Request, last_fid: int | None) -> list[dict[str, str]]:
    """The links of a page; to the next one where this is not the last."""
    links = [_link("self", str(request.url), geojson.MEDIA_TYPE, "this page")]
    if last_fid is not None:
        next_page = request.url.remove_query_params("after").include_query_params(after=last_fid)
        links.append(_link("next", str(next_page), geojson.MEDIA_TYPE, "next page"))
    collection_address = str(request.url.replace(query="")).removesuffix("/items")
    return [*links, _link("collection", collection_address, JSON, "the collection")]


@router.get("/collections/{collection_id}/items/{feature_id}", response_class=JSONResponse)
def item(context: Context, request: Request, collection_id: str, feature_id: str) -> JSONResponse:
    """One landslide."""
    _check_collection(collection_id)
    versions = history(context.database, feature_id)
    address = _collection_address(request)
    links = [
        _link("self", f"{address}/items/{feature_id}", geojson.MEDIA_TYPE, "this landslide"),
        _link("collection", address, JSON, "the collection"),
    ]
    feature = geojson.feature(versions, len(versions) - 1) | {"links": links}
    return JSONResponse(feature, media_type=geojson.MEDIA_TYPE)


def _check_collection(collection_id: str) -> None:
    if collection_id != COLLECTION_ID:
        raise RequestError(404, f"no collection of that name; there is {COLLECTION_ID}")


def _joined_condition(request: Request, condition: str | None, language: str) -> str | None:
    """The filter, and that properties have the values of the parameters with their names, in CQL2."""
    values = {name: value for name, value in request.query_params.items() if name not in STANDARD_PARAMETERS}
    if unknown := [name for name in values if name not in PROPERTIES]:
        known = ", ".join(sorted(STANDARD_PARAMETERS | set(PROPERTIES)))
        raise RequestError(400, f"no parameter {unknown[0]!r}; known are {known}")
    if condition and condition.lstrip().startswith("{") != (language == "cql2-json"):
        raise RequestError(400, f"filter: not {language}; correct filter-lang to what the filter is")
    if not values:
        return condition
    parts = [{"op": "=", "args": [{"property": name}, _typed(name, value)]} for name, value in values.items()]
    if condition:
        parts.append(cql2_tree(condition))
    return json.dumps({"op": "and", "args": parts})


def _typed(name: str, value: str) -> str | float:
    """The value of a property's parameter: a number for a column of numbers."""
    if not isinstance(PROPERTIES[name].type, sa.Integer | sa.Float):
        return value
    try:
        return float(value)
    except ValueError:
        raise RequestError(400, f"{name}: not a number; correct it") from None


def _read_datetime(text: str | None) -> tuple[date | None, date | None] | None:
    """Read the standard's `datetime`: a moment or day, or an interval of them; of a moment the day counts."""
    for end in (text or "").upper().split("/"):
        if "T" in end:
            try:
                datetime.fromisoformat(end)
            except ValueError:
                raise RequestError(400, "datetime: not RFC 3339; correct it") from None
    return read_dates(text)


def _root(request: Request) -> str:
    return f"{request.base_url}ogc"


def _collection_address(request: Request) -> str:
    return f"{_root(request)}/collections/{COLLECTION_ID}"


def _link(relation: str, address: str, media_type: str, title: str) -> dict[str, str]:
    return {"rel": relation, "href": address, "type": media_type, "title": title}
