"""Loads what the processes of `tests/processes.py` need, before they are forked; nothing of it starts a thread."""

import fastapi
import rio_tiler.io
import timm
import torch
import uvicorn

import tests.database.test_building
import tests.networks
import tsmu.cli
import tsmu.database
import tsmu.mapping
import tsmu.model
import tsmu.server.app
import tsmu.update

__all__ = ["fastapi", "rio_tiler", "tests", "timm", "torch", "tsmu", "uvicorn"]
