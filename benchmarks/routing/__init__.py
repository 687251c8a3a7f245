"""Choosing the region of an image: the gate of tsmu beside the paper's autoencoders."""
