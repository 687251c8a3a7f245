"""What only a machine with an NVIDIA GPU can show: the tests of `tests/gpu`, and the speed of training and mapping.

checks           all of it in one run, and what it would run where there is no GPU
training_speed   steps per second of a training as it is, and of its network alone
"""
