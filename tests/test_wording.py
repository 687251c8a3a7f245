"""Counts in messages are in the singular where they are of one."""

import doctest

import pytest

from tests.room_examples import examples, run_example


@pytest.mark.parametrize("example", examples("tsmu.wording"))
def test_an_example_gives_what_it_says(example: doctest.DocTest) -> None:
    run_example(example)
