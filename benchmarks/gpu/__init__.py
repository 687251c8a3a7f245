"""Checks that need an NVIDIA GPU: the tests of `tests/gpu`, and the speed of training and mapping.

checks           runs all checks; without a GPU it lists them
training_speed   measures the steps per second of a training, and of its network alone
"""
