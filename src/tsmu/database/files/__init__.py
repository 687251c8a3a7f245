"""The files through which landslides come into the database and leave it."""
