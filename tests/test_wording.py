"""Counts in messages are in the singular where they are of one."""

import doctest

import pytest

from tests.doctests import examples_of, failures


@pytest.mark.parametrize("example", list(examples_of("tsmu.wording")), ids=lambda example: example.name)
def test_an_example_gives_what_it_says(example: doctest.DocTest) -> None:
    assert failures(example) == 0
