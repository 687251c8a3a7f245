"""Scenes mapped by many processes: on this machine, or on the machines of a Dask cluster.

workers         where the workers come from: a running scheduler, this machine, or SLURM
core_affinity   each worker of a machine keeps to its own cores
steps           what a worker does with a scene: begin it, compute some of its rows of tiles, finish it
dispatcher      gives the steps of all scenes to the workers, and collects the maps
"""
