"""Import the public names of a package when they are first used, so that importing the package itself is fast.

The `__init__` of every subpackage lists the names that other subpackages may use. Importing all of them would load
torch, GDAL and SciPy for commands that need none of them. The functions made here, a module-level `__getattr__` and
`__dir__` (PEP 562), import a name only when it is used.
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(
    package: str, names_of_modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the functions `__getattr__` and `__dir__` of a package whose names are defined in its modules.

    Args:
        package: the package's `__name__`.
        names_of_modules: the names that each module defines, separated by blanks, by the module's path below the
            package (such as `scene.raster`). `alias=name` offers `name` as `alias`.

    Returns:
        Both functions. A name that was imported once becomes an attribute of the package, so that the next use of it
        does not call `__getattr__`.

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
