"""Answer with a resource of OGC API - Features, as JSON for programs or as an HTML page for people.

The parameter `f=json` or `f=html` chooses the format. Without it the `Accept` header does, and if that names neither,
the answer is JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from tsmu.server.errors import RequestError

if TYPE_CHECKING:
    import jinja2

JSON = "application/json"
HTML = "text/html"
TEMPLATES = Path(__file__).parents[1] / "templates"


@dataclass(frozen=True)
class Page:
    """An HTML page that shows a resource to people in a browser.

    Attributes:
        kind: the kind of resource, such as `items`; the template has a part for each kind.
        title: the title of the page.
        parents: name and address of each page above this one, from the landing page down.
    """

    kind: str
    title: str
    parents: tuple[tuple[str, str], ...] = ()


def answer(
    request: Request,
    document: dict[str, Any] | str,
    page: Page,
    media_type: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with a resource in the format that the request chooses.

    Args:
        request: the request, which chooses between JSON and HTML.
        document: the resource, as an object or as the text of its JSON.
        page: the HTML page that shows the resource.
        media_type: media type of an answer in JSON.
        headers: HTTP headers of an answer in JSON.
    """
    if wants_html(request):
        decoded = _decoded(document)
        return HTMLResponse(_template().render(page=page, document=decoded), headers={"Vary": "Accept"})
    headers = {"Vary": "Accept", **(headers or {})}
    if isinstance(document, str):
        return Response(document, media_type=media_type, headers=headers)
    return JSONResponse(document, media_type=media_type, headers=headers)


def wants_html(request: Request) -> bool:
    """Whether a request chooses HTML and not JSON.

    Raises:
        RequestError: the parameter `f` names another format.
    """
    name = request.query_params.get("f")
    if name is not None:
        if name not in ("json", "html"):
            raise RequestError(400, f"f: no format {name!r}; there are json and html")
        return name == "html"
    weights = _accepted(request.headers.get("accept", ""))
    json_weight = max(weight for kind, weight in weights.items() if "json" in kind or kind == "*/*")
    return weights.get(HTML, 0.0) > json_weight


def self_links(request: Request, media_type: str = JSON) -> list[dict[str, str]]:
    """The links of a resource to itself, and to itself in the other format."""
    page = str(request.url.include_query_params(f="html"))
    data = str(request.url.include_query_params(f="json"))
    if wants_html(request):
        current, other = (page, HTML), (data, media_type)
    else:
        current, other = (str(request.url), media_type), (page, HTML)
    return [
        {"rel": "self", "href": current[0], "type": current[1], "title": "this document"},
        {"rel": "alternate", "href": other[0], "type": other[1], "title": f"this document as {other[1]}"},
    ]


def _accepted(text: str) -> dict[str, float]:
    """Read the weights of an `Accept` header by media type; the weight of `*/*` is 0 if the header does not name it."""
    weights = {"*/*": 0.0}
    for part in text.lower().split(","):
        kind, *parameters = (word.strip() for word in part.split(";"))
        quality = next((word[2:] for word in parameters if word.startswith("q=")), "1")
        try:
            weights[kind] = float(quality)
        except ValueError:
            weights[kind] = 0.0
    return weights


def _decoded(document: dict[str, Any] | str) -> Any:
    import json

    return json.loads(document) if isinstance(document, str) else document


@lru_cache
def _template() -> "jinja2.Template":
    import jinja2  # imported late, so that the server starts faster

    return jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True).get_template("ogc.html")
