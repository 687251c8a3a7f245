"""What the records show: maps of landslide density, comparisons of two inventories, distributions of areas."""
