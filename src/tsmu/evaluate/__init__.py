"""Pixel metrics, the R matrix and its summaries, reports."""
