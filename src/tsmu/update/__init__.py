"""How a bundle learns a new region: strategies, trainer, the update itself."""
