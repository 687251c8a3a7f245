"""Chips out of folders and out of labelled pairs, and their way into the index.

The face of the room exports what others use of these modules:

    folder_files, chip_reading, chip_folder    a folder of ready-made images and masks
    windows                                    where chips lie in the images of a pair
    pair_splits                                the split of every window of labelled pairs
    pair_chips                                 labelled pairs cut into chips
    pair_requirements                          what pairs need to become chips
    index_update                               chips added to the index
"""
