"""Names of a package that are loaded when they are first asked for, so that importing the package costs nothing.

Every room has a face, its `__init__`, which names what others may use. Loading all of it would load torch, GDAL and
SciPy for a command that needs none of them; module-level `__getattr__` (PEP 562) loads a name when it is used.
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(
    package: str, names_of_modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the functions `__getattr__` and `__dir__` of a package whose names lie in its modules.

    Args:
        package: the package's `__name__`.
        names_of_modules: by module below the package (such as `scene.raster`), the names that it has, with blanks
            between them. `alias=name` offers a name under another one.

    Returns:
        Both functions. A name that was loaded once is kept in the package, so that it is found at once later.

    Example:
        >>> __getattr__, __dir__ = lazy_names("tsmu.regions", {"region_map": "RegionMap Map=RegionMap"})
        >>> __getattr__("Map").__name__, __dir__()
        ('RegionMap', ['Map', 'RegionMap'])
    """
    places: dict[str, tuple[str, str]] = {}
    for module, names in names_of_modules.items():
        for entry in names.split():
            alias, _, name = entry.partition("=")
            places[alias] = (module, name or alias)

    def load(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, attribute = places[name]
        value = getattr(import_module(f"{package}.{module}"), attribute)
        setattr(sys.modules[package], name, value)
        return value

    return load, lambda: sorted(places)
