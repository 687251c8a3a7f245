"""Questions to the database that change nothing: filters, landslides with their history, counts, the review queue."""
