"""Compare two ways to choose the region of an image: the gate of tsmu and the autoencoders of the paper."""
