"""Chips out of folders and out of labelled pairs, and their place in the index."""
