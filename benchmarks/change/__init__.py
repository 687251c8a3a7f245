"""Change between two images as a mapper: its calibration on real sites, and its maps of a real pair."""
