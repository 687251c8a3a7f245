"""Landslide records: a GeoPackage that GDAL makes and QGIS opens."""
