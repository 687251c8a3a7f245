"""The page `/docs`, which describes the API. FastAPI's own page is not used, as it loads scripts from other sites."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse

router = APIRouter(include_in_schema=False)

TEMPLATES = Path(__file__).parents[1] / "templates"


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """Render the page from the OpenAPI document."""
    import jinja2  # imported late, so that the server starts faster

    openapi = request.app.openapi()
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)

    def body_fields(operation: dict[str, Any]) -> dict[str, Any]:
        """The fields of an operation's request body, by name."""
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        fields: dict[str, Any] = openapi["components"]["schemas"][_schema_name(reference)]["properties"]
        return fields

    page = templates.get_template("docs.html")
    return HTMLResponse(
        page.render(info=openapi["info"], paths=openapi["paths"], body_fields=body_fields, type_name=_type_name)
    )


@router.get("/docs.css")
def style() -> FileResponse:
    """Send the style sheet of the page."""
    return FileResponse(TEMPLATES / "docs.css")


def _type_name(schema: dict[str, Any]) -> str:
    """Describe the type of a JSON schema in a few words, such as `integer` or the values of an enumeration."""
    if "anyOf" in schema:
        return " or ".join(_type_name(choice) for choice in schema["anyOf"] if choice.get("type") != "null")
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    return str(schema.get("type") or _schema_name(schema.get("$ref", "")))


def _schema_name(reference: str) -> str:
    """The last part of a reference such as `#/components/schemas/DecisionBody`."""
    return reference.rpartition("/")[2]
