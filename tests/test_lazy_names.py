"""Names of a face are loaded when they are used, and no others are there."""

import doctest

import pytest

from tests.room_examples import examples, run_example
from tsmu.lazy_names import lazy_names


@pytest.mark.parametrize("example", examples("tsmu.lazy_names"))
def test_an_example_gives_what_it_says(example: doctest.DocTest) -> None:
    run_example(example)


def test_another_name_is_an_attribute_error_as_python_has_it() -> None:
    load, _ = lazy_names("tsmu.regions", {"region_map": "RegionMap"})
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        load("nothing")
