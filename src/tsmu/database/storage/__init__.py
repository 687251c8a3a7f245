"""How landslide records lie in a GeoPackage or in PostGIS: transactions, geometry, bulk inserts, triggers, backup."""
