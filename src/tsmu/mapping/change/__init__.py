"""Change as a mapper: landslide probabilities from an image pair alone, without a model and without labels.

    pair_bands        which bands of the two images are compared
    change_indices    how much each pixel changed: red/green ratio, brightness, greenness; of radar, backscatter
    scene_statistics  what change is usual in a scene, so that season, sun and haze cancel
    calibration       from changes to probabilities, fitted on real sites
    change_engine     the same as an engine, which maps tiles like a network
    change_mapper     a scene mapped by change: its bands, checks, and what the database records

A landslide lays bare soil and rock: red rises against green, the ground becomes brighter, and vegetation is gone.
"""
