"""Image pairs: reading rasters by window, names, georeferencing, pre/post matching."""
