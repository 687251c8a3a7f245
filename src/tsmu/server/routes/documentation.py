"""/docs: the API as a plain page made here, for FastAPI's own loads scripts from elsewhere."""

from pathlib import Path
from typing import Any

import jinja2
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse

router = APIRouter(include_in_schema=False)
FOLDER = Path(__file__).parents[1] / "templates"


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """The page."""
    said = request.app.openapi()
    pages = jinja2.Environment(loader=jinja2.FileSystemLoader(FOLDER), autoescape=True)

    def fields(about: dict[str, Any]) -> dict[str, Any]:
        name = about["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        found: dict[str, Any] = said["components"]["schemas"][name]["properties"]
        return found

    page = pages.get_template("docs.html")
    return HTMLResponse(page.render(info=said["info"], paths=said["paths"], fields=fields, kind=_kind))


@router.get("/docs.css")
def style() -> FileResponse:
    """Its looks."""
    return FileResponse(FOLDER / "docs.css")


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a word."""
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    return str(schema.get("type") or schema.get("$ref", "").rpartition("/")[2])
