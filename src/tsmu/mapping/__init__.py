"""A scene in, a probability raster and landslide polygons out, in the memory of one row of tiles."""
