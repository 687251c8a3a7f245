"""The files of a map: Cloud-Optimised GeoTIFFs and polygons in the scene's folder, and copies of them elsewhere.

cog          one raster of a map, written from top to bottom and verified
map_files    the names of the files, what is read from them, and whether they are whole
map_writer   all files of a map, filled together row by row
valid_area   the area in which a map has data
publish      copies in object storage or on a server
"""
