"""Search a STAC catalogue for scenes by place and time: an API with item search, or a static catalogue."""

import difflib
import re
import threading
import warnings
from collections.abc import Callable
from datetime import date
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pystac
import shapely
from pystac.errors import STACError, STACTypeError
from pystac_client import Client
from pystac_client.errors import ClientTypeError
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO
from pystac_client.warnings import FallbackToPystac, NoConformsTo
from requests import RequestException
from urllib3 import Retry

from tsmu.errors import FetchError, SceneError, ServerError
from tsmu.imagery.footprints import LatLonBox
from tsmu.imagery.stac.retry import retry_transient

TIMEOUT = (15.0, 60.0)  # seconds to connect, and without an answer
ITEMS_PER_PAGE = 100
HTTP = ("http", "https")
TRANSIENT_STATUS = (429, 500, 502, 503, 504)
RETRY = Retry(
    total=4,
    backoff_factor=0.5,  # waits of 0, 1, 2, 4 seconds
    status_forcelist=TRANSIENT_STATUS,
    allowed_methods=("GET", "POST"),  # a search posts, and changes nothing
    respect_retry_after_header=True,
)
NOT_STAC_ERRORS = (STACError, STACTypeError, ClientTypeError, ValueError, KeyError)

T = TypeVar("T")

_CAUSE = re.compile(r"Caused by \w+\((?:[\"'])?(?P<reason>.*?)(?:[\"'])?\)\)?$")


class _TransientError(Exception):
    """The server failed in a way that may not happen again."""


class StacCatalogue:
    """One collection of a STAC API or of a static catalogue; several threads may use it.

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
        self._url, self._collection = url, collection
        self._lock = threading.Lock()  # one search at a time is polite; and pystac's cache is not safe for threads
        self._io = StacApiIO(max_retries=RETRY)
        self._io.session.hooks["response"].append(self._count_requests)
        try:
            self._client = self._request(lambda: _open_client(url, self._io))
            has_search = self._client.conforms_to("ITEM_SEARCH")
            self._items = None if has_search else self._request(lambda: _list_items(self._client, collection))
            if has_search and self._client.conforms_to("COLLECTIONS"):
                self._request(self._check_collection)
        except SceneError as error:
            raise FetchError(f"{url}: {error}; check --stac, or try again later") from None
        except OSError as error:  # of a static catalogue on this machine
            reason = (error.strerror or str(error)).lower()
            raise FetchError(
                f"{error.filename or url}: {reason}; check --stac and the links of the catalogue"
            ) from None

    def scenes(self, box: LatLonBox, first: date, last: date) -> list[pystac.Item]:
        """Find the items whose bounds meet a box and whose day lies in first..last.

        Raises:
            ServerError: the server fails, or does not answer with items.
        """
        bounds = (box.west, box.south, box.east, box.north)
        with self._lock:
            items = self._items if self._items is not None else self._request(lambda: self._search(bounds, first, last))
        return [item for item in items if first <= item_day(item) <= last and _meets(item, box.polygon)]

    def is_answering(self, item: pystac.Item) -> bool:
        """Whether the servers of the catalogue and of a scene's files answer now, whatever they answer."""
        addresses = [self._url, *(asset.get_absolute_href() or asset.href for asset in item.assets.values())]
        servers = {f"{parts.scheme}://{parts.netloc}/" for parts in map(urlsplit, addresses) if parts.scheme in HTTP}
        with self._lock:
            return all(map(self._answers, sorted(servers)))

    def _answers(self, server: str) -> bool:
        try:
            return bool(self._io.session.head(server, timeout=TIMEOUT).status_code < HTTPStatus.INTERNAL_SERVER_ERROR)
        except RequestException:
            return False

    def _search(self, bounds: tuple[float, float, float, float], first: date, last: date) -> list[pystac.Item]:
        search = self._client.search(
            collections=[self._collection], bbox=bounds, datetime=f"{first}/{last}", limit=ITEMS_PER_PAGE
        )
        return list(search.items())

    def _request(self, request: Callable[[], T]) -> T:
        """Make a request; a server that keeps failing, or does not answer with STAC, raises a ServerError."""
        try:
            return retry_transient(lambda _: _mark_transient_errors(request), (_TransientError,))
        except (_TransientError, APIError) as error:
            raise ServerError(f"server failed: {_short_reason(error)}") from None
        except NOT_STAC_ERRORS as error:
            raise ServerError(f"its answer is not STAC ({_short_reason(error)})") from None

    def _check_collection(self) -> None:
        if self._client.get_collection(self._collection) is None:
            raise _missing_collection(self._collection, [other.id for other in self._client.get_collections()])

    def _count_requests(self, response: Any, *_: Any, **__: Any) -> None:
        retries = getattr(response.raw, "retries", None)
        self.requests += 1 + (len(retries.history) if retries else 0)


def item_day(item: pystac.Item) -> date:
    """The day of an item in UTC: that of its datetime, otherwise its first.

    Raises:
        SceneError: the item has neither.
    """
    moment = item.datetime or item.common_metadata.start_datetime
    if moment is None:
        raise SceneError(f"server failed: item {item.id} has no date")
    return moment.date()


def _open_client(url: str, io: StacApiIO) -> Client:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoConformsTo)  # a static catalogue conforms to no API, and need not
        return Client.open(url, stac_io=io, timeout=TIMEOUT)


def _list_items(root: pystac.Catalog, collection: str) -> list[pystac.Item]:
    """All items of a collection of a static catalogue, wherever it lies below the root."""
    other_collections: list[str] = []
    catalogues = [root]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FallbackToPystac)  # which warns that this is slow
        while catalogues:
            catalogue = catalogues.pop()
            if isinstance(catalogue, pystac.Collection):
                if catalogue.id == collection:
                    return list(catalogue.get_items(recursive=True))
                other_collections.append(catalogue.id)
            catalogues += catalogue.get_children()
    raise _missing_collection(collection, other_collections)


def _mark_transient_errors(request: Callable[[], T]) -> T:
    """Make a request once; an error that may not happen again becomes a _TransientError, so that it is retried."""
    try:
        return request()
    except APIError as error:
        # Broken connections have no status; a request that fails with one was repeated by RETRY already.
        if getattr(error, "status_code", None) is None and "Max retries" not in str(error):
            raise _TransientError(str(error)) from None
        raise


def _missing_collection(name: str, collections: list[str]) -> FetchError:
    near = difflib.get_close_matches(name, collections, n=3, cutoff=0.0)
    return FetchError(f"--collection {name}: the catalogue has none of this name; near: {', '.join(near) or 'none'}")


def _short_reason(error: Exception) -> str:
    status = getattr(error, "status_code", None)
    if status in set(HTTPStatus):
        return f"{status} {HTTPStatus(status).phrase}"
    text = " ".join(str(error).split())
    cause = _CAUSE.search(text)  # the reason at the end of the long text in which requests gives up retrying
    return (cause["reason"] if cause else text)[:200]


def _meets(item: pystac.Item, place: shapely.Polygon) -> bool:
    if item.bbox is None:
        return False
    west, south, *_ = item.bbox
    east, north = item.bbox[2:4] if len(item.bbox) == 4 else item.bbox[3:5]  # six with heights
    if west > east:  # across the antimeridian; whether it covers the place, its geometry decides
        return True
    return bool(shapely.box(west, south, east, north).intersects(place))
