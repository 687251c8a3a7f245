"""Names of regions: which names are possible, which spellings mean the same region, and how pairs get a region."""

import re
import shlex
from pathlib import Path

from tsmu.errors import RegionError
from tsmu.files import name_key, to_nfc

FORBIDDEN = r'/\:*?"<>|.'  # characters that some file systems do not allow, and the dot
MAX_NAME = 80  # characters


def check_region_name(name: str) -> str:
    """Return a region's name in the composed Unicode form (NFC), after checking that files can have this name.

    Raises:
        RegionError: the name is empty or too long, or has characters that a file name cannot have.

    Example:
        >>> check_region_name("Sierra Nevada")
        'Sierra Nevada'
        >>> check_region_name("north/south")
        Traceback (most recent call last):
        tsmu.errors.RegionError: region name 'north/south' contains /; files are named after regions, ...
    """
    if not isinstance(name, str):
        raise RegionError(f"region name {name!r}: must be a text")
    name = to_nfc(name)
    if not 1 <= len(name) <= MAX_NAME:
        problem = f"has {len(name)} characters, not 1 to {MAX_NAME}"
    elif not name.isprintable():
        problem = "has characters that cannot be printed"
    elif forbidden := [c for c in name if c in FORBIDDEN]:
        problem = f"contains {forbidden[0]}"
    elif name != name.strip():
        problem = "begins or ends with a blank"
    elif name.startswith("-"):
        problem = "begins with -"
    else:
        return name
    raise RegionError(f"region name {name!r} {problem}; files are named after regions, so choose another name")


def clean_region_name(text: str) -> str:
    """Make a region name from any text: characters that a file name cannot have become `-`.

    Raises:
        RegionError: nothing is left that could be a name.

    Example:
        >>> clean_region_name("Coast/Range ")
        'Coast-Range'
    """
    name = "".join("-" if c in FORBIDDEN else c if c.isprintable() else " " for c in text)
    return check_region_name(name.strip().lstrip("-").strip())


def region_key(name: str) -> str:
    """Return a key that is the same for all spellings of a region's name.

    Spellings may differ in upper and lower case, Unicode form, blanks and underscores.

    Example:
        >>> region_key("Sierra_Nevada") == region_key("sierra  nevada")
        True
    """
    return name_key(re.sub(r"[\s_]+", " ", name).strip())


def region_advice(source: Path | str, *, region_map: bool) -> str:
    """Say how pairs that have no region get one.

    Args:
        source: folder or table from which the pairs were imported.
        region_map: whether the workspace has a region map; if so, the pairs lie in none of its regions.

    Example:
        >>> region_advice("scenes", region_map=True)
        "they lie in none of the region map's; name theirs with: tsmu import pairs scenes --region NAME"
    """
    command = f"tsmu import pairs {shlex.quote(str(source))} --region NAME"
    if region_map:
        return f"they lie in none of the region map's; name theirs with: {command}"
    return f"name theirs with: {command}, or give a region map: tsmu regions use FILE --name-field FIELD"
