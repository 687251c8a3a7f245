"""Landslide databases, region by region, with a model that does not forget.

Importing this package is cheap: torch and GDAL are loaded by the rooms that need them.
"""

from importlib.metadata import version

__version__ = version("tsmu")
