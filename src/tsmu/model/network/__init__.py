"""The network and the weights that it starts from.

region_net          `RegionNet`: a shared encoder, and for each region normalisation, adapters and a decoder
regional_layers     the layers of the encoder in which each region computes with something of its own
encoders            encoders by name
pretrained_weights  how an encoder for any bands starts from weights for red, green and blue
band_kernels        which colour a band is by its name
weight_sources      where weights are found: a package, the model hub, a file
"""
