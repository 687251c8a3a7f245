"""Benchmarks of mapping by change between two images: its calibration on real sites, and its maps of a real pair."""
