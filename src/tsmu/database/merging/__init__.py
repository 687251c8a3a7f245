"""How observations of the same landslide become one landslide, and how that is undone."""
