"""Scores, from arrays and outlines alone: nothing here knows networks, chips or workspaces.

pixel_counts       how many pixels got which probability: IoU, precision, recall and more at every threshold
object_counts      landslides detected and missed, and false alarms
overlap            the one rule by which two outlines show the same landslide
continual_scores   the R matrix of continual learning and its summaries
jackknife          standard errors of scores of few chips
threshold          the probability from which a pixel counts as landslide
"""
