"""Helpers of the routes of OGC API - Features: coordinate reference systems, and HTML pages for people."""

from tsmu.server.ogc.crs import CRS84, CRS_BY_URI, OutputCrs, box_in_degrees, filter_in_degrees, read_crs
from tsmu.server.ogc.pages import JSON, Page, answer, self_links

__all__ = [
    "CRS84",
    "CRS_BY_URI",
    "JSON",
    "OutputCrs",
    "Page",
    "answer",
    "box_in_degrees",
    "filter_in_degrees",
    "read_crs",
    "self_links",
]
