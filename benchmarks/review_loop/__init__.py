"""Benchmarks of the review loop (map, review, update, map again) with a simulated reviewer."""
