"""The evaluation report: a history of versions as a table, figures, example chips and an HTML page."""
