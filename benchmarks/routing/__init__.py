"""Choosing the region of an image: the gate of tsmu compared with the paper's autoencoders."""
