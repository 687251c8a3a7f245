"""What is mapped: scenes, their rasters, their masks, and which region's decoder maps which part.

requests         which scenes are to be mapped: files, addresses, or a table
alignment        any raster read on the grid of a scene
raster           `Scene`: the open rasters of a scene, read by window in the model's band order
value_checks     scenes whose pixel values are not of the kind that the model was trained on are refused
masks            pixels that are left out: outside an area of interest, flat ground, clouds, water
routing          which region's decoder maps a scene: by the region map, or by what the scene looks like
region_weights   how much each region's prediction counts at each pixel of a scene across a border
"""
