"""Which scenes a STAC catalogue has of a place and time; with item search or, in a static one, without."""

import difflib
import re
import threading
import warnings
from collections.abc import Callable
from datetime import date
from http import HTTPStatus
from typing import Any, TypeVar

import pystac
import shapely
from pystac.errors import STACError, STACTypeError
from pystac_client import Client
from pystac_client.errors import ClientTypeError
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO
from pystac_client.warnings import FallbackToPystac, NoConformsTo
from urllib3 import Retry

from tsmu.errors import FetchError, SceneError, ServerError
from tsmu.imagery.footprints import Box
from tsmu.imagery.stac.retry import retried

TIMEOUT = (15.0, 60.0)  # seconds to connect, and without an answer
PAGE = 100  # items asked for at once
PASSING_STATUS = (429, 500, 502, 503, 504)
RETRY = Retry(
    total=4,
    backoff_factor=0.5,  # waits of 0, 1, 2, 4 seconds
    status_forcelist=PASSING_STATUS,
    allowed_methods=("GET", "POST"),  # a search posts, and changes nothing
    respect_retry_after_header=True,
)
NOT_STAC = (STACError, STACTypeError, ClientTypeError, ValueError, KeyError)

T = TypeVar("T")

_CAUSE = re.compile(r"Caused by \w+\((?:[\"'])?(?P<reason>.*?)(?:[\"'])?\)\)?$")


class _PassingError(Exception):
    """The server failed in a way that may pass."""


class Catalogue:
    """One collection of a STAC API or of a static catalogue; may be asked by several threads.

    Args:
        url: address of the landing page or of the root catalogue.
        collection: the collection's id.

    Attributes:
        requests: how many requests were answered so far, retries included.

    Raises:
        FetchError: there is no catalogue at `url`, or it has no such collection.
    """

    def __init__(self, url: str, collection: str) -> None:
        self.requests = 0
        self._collection = collection
        self._turn = threading.Lock()  # one question at a time is polite; and pystac's cache knows no threads
        self._io = StacApiIO(max_retries=RETRY)
        self._io.session.hooks["response"].append(self._count)
        try:
            self._client = self._asked(lambda: _open(url, self._io))
            self._searchable = self._client.conforms_to("ITEM_SEARCH")
            self._items = None if self._searchable else self._asked(lambda: _walked(self._client, collection))
            if self._searchable and self._client.conforms_to("COLLECTIONS"):
                self._asked(self._check_collection)
        except SceneError as error:
            raise FetchError(f"{url}: {error}; check --stac, or try again later") from None

    def scenes(self, box: Box, first: date, last: date) -> list[pystac.Item]:
        """Find the items whose bounds meet a box and whose day lies in first..last.

        Raises:
            ServerError: the server fails, or does not answer with items.
        """
        bounds = (box.west, box.south, box.east, box.north)
        with self._turn:
            items = self._items if self._items is not None else self._asked(lambda: self._search(bounds, first, last))
        return [item for item in items if first <= day(item) <= last and _meets(item, box.polygon)]

    def _search(self, bounds: tuple[float, float, float, float], first: date, last: date) -> list[pystac.Item]:
        search = self._client.search(
            collections=[self._collection], bbox=bounds, datetime=f"{first}/{last}", limit=PAGE
        )
        return list(search.items())

    def _asked(self, question: Callable[[], T]) -> T:
        """Ask; a server that fails for good, or tells no STAC, is a ServerError."""
        try:
            return retried(lambda _: _passing(question), (_PassingError,))
        except (_PassingError, APIError) as error:
            raise ServerError(f"server failed: {_first_line(error)}") from None
        except NOT_STAC as error:
            raise ServerError(f"its answer is not STAC ({_first_line(error)})") from None

    def _check_collection(self) -> None:
        if self._client.get_collection(self._collection) is None:
            raise _no_collection(self._collection, [found.id for found in self._client.get_collections()])

    def _count(self, response: Any, *_: Any, **__: Any) -> None:
        retries = getattr(response.raw, "retries", None)
        self.requests += 1 + (len(retries.history) if retries else 0)


def day(item: pystac.Item) -> date:
    """The day of an item, UTC: that of its datetime, else its first."""
    moment = item.datetime or item.common_metadata.start_datetime
    if moment is None:
        raise SceneError(f"server failed: item {item.id} has no date")
    return moment.date()


def _open(url: str, io: StacApiIO) -> Client:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoConformsTo)  # a static catalogue conforms to no API, and need not
        return Client.open(url, stac_io=io, timeout=TIMEOUT)


def _walked(root: pystac.Catalog, collection: str) -> list[pystac.Item]:
    """All items of a collection, wherever it lies below the root."""
    seen: list[str] = []
    waiting = [root]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FallbackToPystac)  # it says that walking is slow
        while waiting:
            here = waiting.pop()
            if isinstance(here, pystac.Collection):
                if here.id == collection:
                    return list(here.get_items(recursive=True))
                seen.append(here.id)
            waiting += here.get_children()
    raise _no_collection(collection, seen)


def _passing(question: Callable[[], T]) -> T:
    """Ask once; what may pass becomes a _PassingError, so that only that is asked again."""
    try:
        return question()
    except APIError as error:
        # Broken connections have no status; what still fails with one was retried by RETRY already.
        if getattr(error, "status_code", None) is None and "Max retries" not in str(error):
            raise _PassingError(str(error)) from None
        raise


def _no_collection(wanted: str, there: list[str]) -> FetchError:
    near = difflib.get_close_matches(wanted, there, n=3, cutoff=0.0)
    return FetchError(f"--collection {wanted}: the catalogue has none of this name; near: {', '.join(near) or 'none'}")


def _first_line(error: Exception) -> str:
    status = getattr(error, "status_code", None)
    if status in set(HTTPStatus):
        return f"{status} {HTTPStatus(status).phrase}"
    text = " ".join(str(error).split())
    cause = _CAUSE.search(text)  # of requests' story that retries were of no use
    return (cause["reason"] if cause else text)[:200]


def _meets(item: pystac.Item, place: shapely.Polygon) -> bool:
    if item.bbox is None:
        return False
    west, south, *_ = item.bbox
    east, north = item.bbox[2:4] if len(item.bbox) == 4 else item.bbox[3:5]  # six with heights
    if west > east:  # across the antimeridian; the geometry will tell
        return True
    return bool(shapely.box(west, south, east, north).intersects(place))
