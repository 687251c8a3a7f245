"""The evaluation report: tables, figures and example chips."""
