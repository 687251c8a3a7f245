"""From the probability raster to landslide polygons, strip of rows by strip of rows.

tracing    outlines of labelled regions of pixels
outlines   the landslides of a raster: outlines of its strips, merged where a landslide crosses strips
measures   areas and lengths on the ground
polygons   the polygons with their columns, as GeoParquet
"""
