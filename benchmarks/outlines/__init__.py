"""A benchmark of outlines made by one click, compared with the outlines of a mask."""
