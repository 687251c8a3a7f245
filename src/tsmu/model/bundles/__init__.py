"""Model versions on disk.

bundle      an immutable model version in a folder: written, checked and opened
record      what bundle.json stores of the model and of each region
registry    which version serves which region: the current one, or the one that the region is pinned to
comparison  what differs between two versions
card        the record for people
stac_item   the record for catalogues
"""
