"""What mapping runs and inventories bring into the database, and the versions of landslides."""
