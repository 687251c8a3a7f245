"""The network (one encoder, one decoder per region) and the versioned bundle on disk."""
