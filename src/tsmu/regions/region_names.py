"""Names of regions: what can be one, and which spellings mean the same."""

import re

from tsmu.errors import RegionError
from tsmu.files import composed, name_key

FORBIDDEN = r'/\:*?"<>|.'
MAX_NAME = 80


def check_region_name(name: str) -> str:
    """Return `name`, in the composed Unicode form, if it can name a region and its files; else raise RegionError."""
    name = composed(name)
    if not 1 <= len(name) <= MAX_NAME:
        problem = f"has {len(name)} characters, not 1 to {MAX_NAME}"
    elif not name.isprintable():
        problem = "has characters that cannot be printed"
    elif found := [c for c in name if c in FORBIDDEN]:
        problem = f"contains {found[0]}"
    elif name != name.strip():
        problem = "begins or ends with a blank"
    elif name.startswith("-"):
        problem = "begins with -"
    else:
        return name
    raise RegionError(f"region name {name!r} {problem}; files are named after regions, so choose another name")


def clean_region_name(text: str) -> str:
    """Make a region name of `text`: characters that file names cannot have become `-`; else RegionError."""
    name = "".join("-" if c in FORBIDDEN else c if c.isprintable() else " " for c in text)
    return check_region_name(name.strip().lstrip("-").strip())


def region_key(name: str) -> str:
    """What two spellings of one region have in common: case, Unicode form, blanks and underscores do not count."""
    return name_key(re.sub(r"[\s_]+", " ", name).strip())
