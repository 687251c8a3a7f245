"""The pages of the reference that are made from the code: commands, settings, addresses of the review server.

`python -m docs.scripts.reference commands|settings|http` prints one of them. The site makes them anew on every build
(`hooks.py`), so that they cannot go stale.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

_EXIT_CODES = """\
Every command ends with one of these exit codes, which a script can ask for:

| code | meaning |
|---|---|
| 0 | Done. |
| 3 | Done, but something was left out; `issues.csv` in the workspace says what, where and why. |
| 2 | Not done; the last line says what is wrong and what to do. |

A code of 1 would be a crash, which is a bug to report. `--json` writes one JSON object to standard output, with at
least `command`, `status`, `records`, `left_out`, `issues`, `outputs` and `seconds`; all else goes to standard error.
"""


def commands_page() -> str:
    """Every command with its arguments and options, from the application itself."""
    import typer

    from tsmu.cli import app

    head = "# Commands\n\nWritten from the command line when this site is built. `tsmu COMMAND --help` shows the same."
    return "\n".join([head, "", _EXIT_CODES, *_command_sections(typer.main.get_command(app), "tsmu")])


def _command_sections(command: Any, name: str) -> Iterator[str]:
    """The sections of a command or of all commands of a group."""
    children = getattr(command, "commands", {})
    if children:
        for word, child in children.items():
            yield from _command_sections(child, f"{name} {word}")
        return
    context = command.make_context(name, [], resilient_parsing=True)
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    usage = " ".join([name, *command.collect_usage_pieces(context)]).replace("[OPTIONS]", "[options]")
    yield f"## {name}\n\n{_text(command.help)}\n\n    {usage}\n"
    for title, params in (("argument", arguments), ("option", [p for p in command.params if p not in arguments])):
        records = [record for p in params if (record := p.get_help_record(context))]
        if records:
            yield f"| {title} | meaning |\n|---|---|"
            yield from (f"| {_code(names)} | {_cell(meaning)} |" for names, meaning in records)
            yield ""


def _text(help_text: str) -> str:
    """A help text as paragraphs."""
    return "\n\n".join(" ".join(part.split()) for part in help_text.split("\n\n"))


def _code(text: str) -> str:
    """Text in a table's cell, as code."""
    return "<code>" + _escape(text) + "</code>"


def _cell(text: str) -> str:
    """Text in a table's cell."""
    return _escape(text).replace("[", "\\[")


def _escape(text: str) -> str:
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;").replace("*", "\\*")


def settings_page() -> str:
    """The keys of tsmu.toml and slurm.toml, from the models that read them."""
    from tsmu.slurm import SlurmSettings
    from tsmu.workspace_folder import SETTINGS_TEMPLATE, Settings

    lines = [
        "# Settings",
        "",
        "Written from the code when this site is built. `tsmu init` writes `tsmu.toml` into the workspace. An option",
        "of a command wins over it. An unknown key is an error that names the nearest known one.",
        "",
        "## tsmu.toml",
        "",
        f"```toml\n{SETTINGS_TEMPLATE.strip()}\n```",
        "",
    ]
    for name, field in Settings.model_fields.items():
        section = field.annotation
        assert isinstance(section, type)
        assert issubclass(section, BaseModel)
        lines += [f"### [{name}]", "", _text(section.__doc__ or ""), "", *_keys(section), ""]
    lines += ["## slurm.toml", "", "What a job of SLURM asks for; see [many machines](../cluster.md).", ""]
    return "\n".join([*lines, *_keys(SlurmSettings), ""])


def _keys(section: type[BaseModel]) -> Iterator[str]:
    """A table of the keys of a section."""
    yield "| key | values | default |\n|---|---|---|"
    schema = section.model_json_schema()["properties"]
    for name, field in section.model_fields.items():
        default = "required" if field.default is PydanticUndefined else repr(field.default)
        yield f"| `{name}` | {_values(schema[name])} | {_code(default)} |"


def _values(schema: dict[str, Any]) -> str:
    """What a JSON schema admits, in words."""
    if "anyOf" in schema:
        return " or ".join(_values(choice) for choice in schema["anyOf"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    words = {"null": "nothing", "string": "text", "array": "a list of text"}
    kind = words.get(schema.get("type", ""), schema.get("type", "text"))
    bounds = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "multipleOf": "a multiple of"}
    return ", ".join([kind, *(f"{word} {schema[key]}" for key, word in bounds.items() if key in schema)])


def http_page() -> str:
    """The addresses of the review server, from its OpenAPI document."""
    from fastapi import FastAPI

    from tsmu.server.app import DESCRIPTION
    from tsmu.server.routes import ROUTERS

    server = FastAPI(title="tsmu review", version="-")
    for router in ROUTERS:
        server.include_router(router)
    document = server.openapi()
    lines = ["# HTTP interface", "", "Written from the review server's OpenAPI document when this site is built.", ""]
    lines += [
        DESCRIPTION,
        "",
        "`tsmu serve` answers with the same document at `/openapi.json`, and as a page at `/docs`.",
        "",
    ]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            lines += [f"## {method.upper()} {path}", "", _text(operation.get("description", operation["summary"])), ""]
            lines += [*_parameters(operation), *_body(operation, document)]
    return "\n".join(lines)


def _parameters(operation: dict[str, Any]) -> Iterator[str]:
    """A table of an operation's parameters."""
    rows = operation.get("parameters", [])
    if rows:
        yield "| parameter | in | values | meaning |\n|---|---|---|---|"
    for row in rows:
        meaning = row.get("description") or row["schema"].get("description", "")
        yield f"| `{row['name']}` | {row['in']} | {_escape(_values(row['schema']))} | {_cell(meaning)} |"
    yield ""


def _body(operation: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    """A table of the fields of an operation's JSON body."""
    contents = operation.get("requestBody", {}).get("content", {})
    for content in contents.values():
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        fields = document["components"]["schemas"].get(name, {}).get("properties", {})
        if fields:
            yield "| field of the body | values | meaning |\n|---|---|---|"
        for field, schema in fields.items():
            yield f"| `{field}` | {_escape(_values(schema))} | {_cell(schema.get('description', ''))} |"
        yield ""


PAGES: dict[str, Callable[[], str]] = {"commands": commands_page, "settings": settings_page, "http": http_page}
"""The pages that are written from the code, by the names of their files in the site's folder `reference`."""

if __name__ == "__main__":
    print(PAGES[sys.argv[1]]())
