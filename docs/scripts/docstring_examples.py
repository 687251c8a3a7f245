"""Lets mkdocstrings see the examples of docstrings: we write `Example:` where it knows only `Examples:`."""

import re
from typing import Any

import griffe


class DocstringExamples(griffe.Extension):
    """Renames the sections of examples before docstrings are parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of a module, class, function or attribute."""
        if obj.docstring:
            obj.docstring.value = re.sub(r"^(\s*)Example:$", r"\1Examples:", obj.docstring.value, flags=re.MULTILINE)
