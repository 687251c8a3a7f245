"""The training set: index, leak-free splits, augmentation, torch dataset."""
