"""The network: a shared encoder, what each region has of its own, and pretrained weights."""
