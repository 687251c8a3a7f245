"""From tiles to rows of the map: how a scene is divided, predicted tile by tile, blended, and kept on disk meanwhile.

tile_axis      where tiles lie along an axis of a scene, and how they are weighted where they overlap
tile_size      how large tiles are, how much they share, and how many are computed at once
row_blending   overlapping tiles are added up to rows of tiles, and those stitched to the rows of the map
checkpoints    the finished rows of a run on disk, from which a killed run continues
scene_job      the loop: tiles are read, predicted, blended and written, each step in its own thread
"""
