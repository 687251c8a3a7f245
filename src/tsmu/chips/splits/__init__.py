"""Training, validation and test splits that do not leak.

The face of the room exports what others use of these modules:

    contiguous        runs of chips or groups in an order: 64 % train, 16 % validation, 20 % test
    spatial_groups    footprints that must stay in one split, and chips of two splits that are too close
    blocks            strips of one ground, one for each split
    block_search      where to divide a ground into blocks
    block_table       where ground was divided, kept for ever
    split_history     the splits that ground, images and groups were in before
"""
