"""OGC API - Features, Part 1: Core (OGC 17-069r4), to read: QGIS, ArcGIS and GDAL add it as a layer."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from tsmu.database import Filters, count_landslides, format_moment, history, info, query_page, utc_now
from tsmu.database import landslide_table as landslide
from tsmu.server import geojson
from tsmu.server.context import Refused, TheDesk
from tsmu.server.schemas import LARGEST, box, days

router = APIRouter(prefix="/ogc", tags=["OGC API - Features"])
GEOJSON = "application/geo+json"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CONFORMANCE = ("core", "geojson")
MOST = 10_000
COLLECTION = "landslides"
PROPERTIES = {column.name: column for column in landslide.columns if column.name not in ("fid", "geom")}
OPERATIONS = {"bbox", "datetime", "limit", "after", "f"}


@router.get("")
@router.get("/", include_in_schema=False)
def landing(desk: TheDesk, request: Request) -> dict[str, Any]:  # noqa: ARG001 - asks for the token
    """The landing page: where everything is."""
    root = _root(request)
    return {
        "title": "Landslides",
        "description": "Landslides as believed now, from the landslide database of tsmu",
        "links": [
            _link("self", f"{root}", "application/json", "this page"),
            _link(
                "service-desc", f"{request.base_url}openapi.json", "application/vnd.oai.openapi+json;version=3.1", "API"
            ),
            _link("service-doc", f"{request.base_url}docs", "text/html", "documentation"),
            _link("conformance", f"{root}/conformance", "application/json", "conformance"),
            _link("data", f"{root}/collections", "application/json", "collections"),
        ],
    }


@router.get("/conformance")
def conformance(desk: TheDesk) -> dict[str, list[str]]:  # noqa: ARG001 - asks for the token
    """What of the standard is kept."""
    return {"conformsTo": [f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}" for name in CONFORMANCE]}


@router.get("/collections")
def collections(desk: TheDesk, request: Request) -> dict[str, Any]:
    """The collections: one."""
    address = f"{_root(request)}/collections"
    links = [_link("self", address, "application/json", "this page")]
    return {"links": links, "collections": [_collection(desk, request)]}


@router.get("/collections/{collection_id}")
def collection(desk: TheDesk, request: Request, collection_id: str) -> dict[str, Any]:
    """One collection."""
    _known(collection_id)
    return _collection(desk, request)


def _collection(desk: TheDesk, request: Request) -> dict[str, Any]:
    address, told = f"{_root(request)}/collections/{COLLECTION}", info(desk.records)
    interval = [f"{told[side]}T00:00:00Z" if told[side] else None for side in ("date_min", "date_max")]
    return {
        "id": COLLECTION,
        "title": "Landslides",
        "description": landslide.comment,
        "itemType": "feature",
        "crs": [CRS84],
        "extent": {
            "spatial": {"bbox": [[-180, -90, 180, 90]], "crs": CRS84},
            "temporal": {"interval": [interval]},
        },
        "links": [
            _link("self", address, "application/json", "this collection"),
            _link("items", f"{address}/items", GEOJSON, "landslides"),
        ],
    }


@router.get("/collections/{collection_id}/items", response_class=Response, responses={200: {"content": {GEOJSON: {}}}})
def items(
    desk: TheDesk,
    request: Request,
    collection_id: str,
    bbox: Annotated[str | None, Query(description="west,south,east,north in degrees", max_length=200)] = None,
    when: Annotated[str | None, Query(alias="datetime", description="a day, or FIRST/LAST", max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, description=f"at most {MOST} are given")] = 10,
    after: Annotated[int, Query(ge=0, le=LARGEST, description="where a `next` link goes on")] = 0,
) -> Response:
    """Landslides page by page; each property of a landslide is a parameter, too, and asks for that value."""
    _known(collection_id)
    asked = {name: value for name, value in request.query_params.items() if name not in OPERATIONS}
    if unknown := [name for name in asked if name not in PROPERTIES]:
        raise Refused(400, f"no parameter {unknown[0]!r}; known are {', '.join(sorted(OPERATIONS | set(PROPERTIES)))}")
    where = " and ".join(_equals(name, value) for name, value in asked.items())
    wanted = Filters(bbox=box(bbox), dates=_days(when), where=where or None)
    found = query_page(desk.records, wanted, min(limit, MOST), after)
    address = str(request.url.replace(query=""))
    kept = {name: value for name, value in request.query_params.items() if name != "after"}
    links = [_link("self", str(request.url), GEOJSON, "this page")]
    if (last := found.attrs["last_fid"]) is not None:
        links.append(_link("next", f"{address}?{urlencode(kept | {'after': last})}", GEOJSON, "next page"))
    links.append(_link("collection", address.removesuffix("/items"), "application/json", "the collection"))
    more: dict[str, Any] = {"links": links, "numberReturned": len(found), "timeStamp": format_moment(utc_now())}
    if wanted.bbox is None:  # by the index alone a box's number is not exact
        more["numberMatched"] = count_landslides(desk.records, wanted)
    return Response(geojson.collection(found.drop(columns="fid"), more), media_type=GEOJSON)


@router.get("/collections/{collection_id}/items/{feature_id}", response_class=JSONResponse)
def item(desk: TheDesk, request: Request, collection_id: str, feature_id: str) -> JSONResponse:
    """One landslide."""
    _known(collection_id)
    versions = history(desk.records, feature_id)
    address = f"{_root(request)}/collections/{COLLECTION}"
    links = [
        _link("self", f"{address}/items/{feature_id}", GEOJSON, "this landslide"),
        _link("collection", address, "application/json", "the collection"),
    ]
    return JSONResponse(geojson.one(versions, len(versions) - 1) | {"links": links}, media_type=GEOJSON)


def _known(collection_id: str) -> None:
    if collection_id != COLLECTION:
        raise Refused(404, f"no collection of that name; there is {COLLECTION}")


def _equals(name: str, value: str) -> str:
    """A condition that a property has a value, in the words of `where`."""
    kind = PROPERTIES[name].type
    if isinstance(kind, sa.Integer | sa.Float):
        return f"{name} = {value}"
    quoted = value.replace("'", "''")
    return f"{name} = '{quoted}'"


def _days(text: str | None) -> Any:
    if text is not None:
        for part in text.split("/"):
            if "T" in part.upper():
                try:
                    datetime.fromisoformat(part.upper())
                except ValueError:
                    raise Refused(400, "datetime: not RFC 3339; correct it") from None
    return days(text)


def _root(request: Request) -> str:
    return f"{request.base_url}ogc"


def _link(relation: str, address: str, kind: str, title: str) -> dict[str, str]:
    return {"rel": relation, "href": address, "type": kind, "title": title}
