"""Scores: pixel counts, landslides as objects, continual-learning summaries, and their uncertainty."""
