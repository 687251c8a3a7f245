"""Loads what the processes of `tests/processes.py` need, before they are forked; nothing of it starts a thread."""

import timm
import torch

import tests.database.test_building
import tests.networks
import tsmu.cli
import tsmu.database
import tsmu.mapping
import tsmu.model
import tsmu.update

__all__ = ["tests", "timm", "torch", "tsmu"]
