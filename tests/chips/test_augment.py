"""Augmentation changes image and mask together and invents neither ground nor labels."""

from concurrent.futures import ThreadPoolExecutor

import torch
from hypothesis import given
from hypothesis import strategies as st

from tsmu.chips.augmentation import Augment
from tsmu.chips.dataset import Sample

MEAN, STD = [100.0] * 4, [30.0] * 4


def sample(height: int, width: int, seed: int) -> Sample:
    """Four bands; the landslide is where the first band is far above all ground."""
    torch.manual_seed(seed)
    mask = torch.zeros(height, width, dtype=torch.int64)
    mask[height // 3 : height // 2 + 8, width // 3 : width // 2 + 8] = 1
    image = 100 + 5 * torch.randn(4, height, width)
    image[0] += 1000 * mask
    return {"image": image, "mask": mask, "region": "a"}


@given(st.integers(0, 10_000), st.integers(24, 90), st.integers(24, 90))
def test_image_and_mask_move_together(seed: int, height: int, width: int) -> None:
    torch.manual_seed(seed)
    result = Augment(64, MEAN, STD)(sample(height, width, seed))
    image, mask = result["image"], result["mask"]
    assert image.shape == (4, 64, 64)
    assert mask.dtype == torch.int64
    known = mask != 255
    assert torch.equal(known, torch.isfinite(image).all(0))
    bright = image[0] > 100 + 500 * 1.0
    inside = torch.nn.functional.max_pool2d(-(mask == 1).float()[None], 7, 1, 3)[0] == -1  # far from every edge
    outside = torch.nn.functional.max_pool2d((mask == 1).float()[None], 7, 1, 3)[0] == 0
    assert bright[inside & known].all()
    assert not bright[outside & known].any()


@given(st.integers(0, 10_000))
def test_what_is_turned_in_from_outside_is_unknown_not_background(seed: int) -> None:
    torch.manual_seed(seed)
    full: Sample = {
        "image": torch.full((4, 64, 64), 300.0),
        "mask": torch.ones(64, 64, dtype=torch.int64),
        "region": "",
    }
    mask = Augment(64, MEAN, STD)(full)["mask"]
    assert set(mask.unique().tolist()) <= {1, 255}


def test_some_samples_are_rotated_and_unknown_pixels_stay_so() -> None:
    given_mask = torch.zeros(64, 64, dtype=torch.int64)
    given_mask[:10] = 255
    corners = 0
    for seed in range(40):
        torch.manual_seed(seed)
        image = torch.full((4, 64, 64), 120.0)
        image[:, :10] = torch.nan
        result = Augment(64, MEAN, STD)({"image": image, "mask": given_mask.clone(), "region": ""})
        unknown = int((result["mask"] == 255).sum())
        corners += unknown not in (640,)
        assert unknown > 200
        assert bool(torch.isfinite(result["image"][:, result["mask"] == 0]).all())
    assert 8 <= corners <= 32


def test_a_samples_seed_decides_its_draws_in_any_thread_and_leaves_torchs_own_draws_alone() -> None:
    augment, plain = Augment(64, MEAN, STD), sample(80, 80, 1)
    with ThreadPoolExecutor(1) as thread:
        torch.manual_seed(7)
        coming = [thread.submit(augment, plain | {"seed": seed}) for seed in (3, 4, 3)]
        drawn = torch.rand(100)
        first, other, again = (future.result()["image"].nan_to_num(-1) for future in coming)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    torch.manual_seed(7)
    assert torch.equal(drawn, torch.rand(100))


def test_the_seed_decides() -> None:
    results = []
    for _ in range(2):
        torch.manual_seed(7)
        results.append(Augment(64, MEAN, STD)(sample(80, 80, 1)))
        results[-1]["image"] = results[-1]["image"].nan_to_num(-1)
    assert torch.equal(results[0]["image"], results[1]["image"])
