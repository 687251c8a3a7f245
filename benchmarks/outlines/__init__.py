"""Outlines in one click, measured against the outlines of a mask."""
