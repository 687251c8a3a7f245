"""Labels: labelme JSON, vector polygons and mask rasters, onto the post image's grid and back."""
