"""A scene into a probability raster and polygons: source, engine, blending, sink, polygons."""
