"""The texts of the plugin for translators: `python qgis/package/translations.py` brings qgis/tsmu/i18n/*.ts up to date.

A text is the first argument of `tr(...)`, a literal. New ones are added as unfinished, those that are no longer there
are taken out, and translations stay.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

PLUGIN = Path(__file__).parents[1] / "tsmu"
CONTEXT = "tsmu"
HEADER = '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n'


def texts(folder: Path = PLUGIN) -> list[str]:
    """All texts in the source, each once, in the order of files and lines.

    Raises:
        ValueError: a call of `tr` has no literal, which no translator would ever see.
    """
    found: dict[str, None] = {}
    for path in sorted(folder.rglob("*.py")):
        for call in _calls(ast.parse(path.read_text(encoding="utf-8"))):
            first = call.args[0] if call.args else None
            if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
                raise ValueError(f"{path}, line {call.lineno}: tr() of what is no literal")
            found[first.value] = None
    return list(found)


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr":
            yield node


def read(path: Path) -> dict[str, str]:
    """The finished translations in a file, by text."""
    translations = {}
    for message in ET.parse(path).getroot().iter("message"):
        source, translation = message.findtext("source", ""), message.find("translation")
        if translation is not None and translation.get("type") != "unfinished" and translation.text:
            translations[source] = translation.text
    return translations


def write(path: Path, language: str, translations: dict[str, str]) -> None:
    """Write a file with all texts of the source; those without a translation are unfinished."""
    root = ET.Element("TS", version="2.1", language=language, sourcelanguage="en")
    context = ET.SubElement(root, "context")
    ET.SubElement(context, "name").text = CONTEXT
    for text in texts():
        message = ET.SubElement(context, "message")
        ET.SubElement(message, "source").text = text
        translation = ET.SubElement(message, "translation")
        if text in translations:
            translation.text = translations[text]
        else:
            translation.set("type", "unfinished")
    ET.indent(root)
    path.write_text(HEADER + ET.tostring(root, encoding="unicode") + "\n", encoding="utf-8")


if __name__ == "__main__":
    for file in sorted((PLUGIN / "i18n").glob("tsmu_*.ts")):
        done = read(file)
        write(file, file.stem.removeprefix("tsmu_"), done)
        missing = [text for text in texts() if text not in done]
        print(f"{file.name}: {len(texts())} texts, {len(missing)} to be translated", file=sys.stderr)
