"""The sentences of a report, made from its figures."""

from tsmu.database import Status
from tsmu.situation.facts import Facts
from tsmu.situation.inputs import Observed, Situation
from tsmu.situation.numbers import area_text, count_text, counted_text, day_text, days_text, percent_text
from tsmu.situation.pictures.style import plain_text
from tsmu.situation.sources import days_of_side, used_sources

SMALLEST_PIXELS = 9  # size of the smallest landslide that can be distinguished from noise
UNCOVERED_FROM = 0.01  # the page mentions ground without any raster from this share of the area on


def summary(situation: Situation, facts: Facts) -> str:
    """The landslides that were found and the ground that was not seen, in up to three sentences."""
    ground, sources = facts.ground, used_sources(situation)
    seen = ground.m2[Observed.SEEN]
    if not seen:
        found = f" The {counted_text(facts.shown, 'landslide')} shown here were known before." if facts.shown else ""
        return (
            f"Nothing of the {area_text(ground.area_m2)} could be seen both before and after the event. "
            f"This report does not say whether there are landslides.{found}"
        )
    days = {side: days_of_side(sources, side) for side in ("pre", "post")}
    compared = " and ".join(
        f"{days_text(*range_of)} ({side})"
        for range_of, side in ((days["pre"], "before"), (days["post"], "after"))
        if range_of
    )
    imagery = f" Imagery of {compared} was compared." if compared else ""
    if facts.shown:
        found = f"{counted_text(facts.shown, 'landslide')} with {area_text(facts.area_m2)} in all were mapped"
        found = found.replace(" were mapped", " was mapped") if facts.shown == 1 else found
    else:
        found = "No landslide was found"
    where = f"on the {area_text(seen)} that were seen before and after the event"
    unseen = ground.covered_m2 - seen
    missing = (
        f" Nothing is known of the other {area_text(unseen)} ({percent_text(1 - ground.share(Observed.SEEN))} of the "
        "area): no landslide drawn there does not mean that there is none."
        if unseen > 0
        else ""
    )
    return f"{found} {where}.{missing}{imagery}"


def news_sentences(facts: Facts) -> list[str]:
    """The differences to the earlier report, one sentence each; an empty list if there is no earlier report."""
    news = facts.news
    if news is None:
        return []
    sentences = [
        f"{counted_text(news.new, 'landslide is', 'landslides are')} new: "
        f"{count_text(news.new_on_unseen_ground)} on ground that could not be seen then, "
        f"{count_text(news.new_on_seen_ground)} on ground that had been seen (missed then, or younger).",
        f"{counted_text(news.confirmed_again, 'landslide')} of the earlier report "
        f"{'is' if news.confirmed_again == 1 else 'are'} confirmed by imagery of another date; "
        f"{count_text(news.not_seen_again)} not seen again on ground that is seen now; "
        f"{count_text(news.not_looked_at_again)} on ground that is not seen now.",
        f"{area_text(news.newly_seen_m2)} that could not be seen then are seen now.",
    ]
    if news.gone:
        sentences.append(
            f"{counted_text(news.gone, 'landslide')} of the earlier report "
            f"{'is' if news.gone == 1 else 'are'} no longer listed: {count_text(news.rejected)} rejected by people, "
            f"{count_text(news.gone - news.rejected)} merged with others or taken out."
        )
    return sentences


def method_sentence(situation: Situation) -> str:
    """Say how the map was made, in a sentence."""
    method = situation.method
    threshold = f" Landslide: from {method.threshold} % on." if method.threshold is not None else ""
    if method.name == "change":
        kind = "radar backscatter" if situation.is_radar else "the images"
        return f"Mapped by the change between {kind} before and after the event, without a trained model.{threshold}"
    version = f", version {plain_text(method.version, 40)} of the model" if method.version else ""
    return f"Mapped by the decoder {plain_text(method.name, 60)}{version}.{threshold}"


def review_sentence(facts: Facts) -> str:
    """Say how many landslides people have decided on, in a sentence."""
    confirmed, rejected = facts.numbers[Status.CONFIRMED], facts.numbers[Status.REJECTED]
    decided, total = confirmed + rejected, facts.shown + rejected
    if not total:
        return "There was nothing to decide on."
    if not decided:
        return "Nobody has decided on any of them yet: all are the map's own claim."
    left = facts.numbers[Status.CANDIDATE]
    rest = f"the other {count_text(left)} are the map's own claim" if left else "nothing is left to decide on"
    return (
        f"People decided on {count_text(decided)} of {count_text(total)}: {count_text(confirmed)} confirmed, "
        f"{count_text(rejected)} rejected (not shown); {rest}."
    )


def probability_sentence(situation: Situation) -> str:
    """Say what the probabilities mean, in a sentence or two."""
    basis = situation.method.calibrated_on
    if basis is None:
        return "Probabilities are not calibrated: they only rank landslides, the higher the likelier."
    return (
        f"Probabilities are calibrated by pixel ({plain_text(basis, 60)}): of all pixels with 70 %, about 70 of 100 "
        "are landslide on ground like that. On other ground they are a rank: the higher, the likelier."
    )


def size_sentence(facts: Facts) -> str:
    """Describe the sizes of the landslides in a sentence."""
    if not facts.shown:
        return "There is no landslide to measure."
    assert facts.median_m2 is not None and facts.largest_m2 is not None and facts.smallest_m2 is not None
    if facts.shown == 1:
        return f"The one landslide has {area_text(facts.largest_m2)}."
    text = (
        f"From {area_text(facts.smallest_m2)} to {area_text(facts.largest_m2)}, the middle one "
        f"{area_text(facts.median_m2)}; "
        f"the {counted_text(facts.half_of_area, 'largest one has', 'largest have')} half of the area."
    )
    if facts.rollover_m2:
        text += f" Dotted: the most frequent size, {area_text(facts.rollover_m2)}; many smaller ones are missed."
    return text


def limits(situation: Situation, facts: Facts) -> list[str]:
    """The limits of the map, one sentence each: what it may show wrongly or not at all."""
    low, high = facts.pixel_m
    pixel = f"{low:.3g} m" if round(low, 1) == round(high, 1) else f"{low:.3g} to {high:.3g} m"
    smallest = f"{SMALLEST_PIXELS * high**2:.2g}"
    sentences = [
        f"Pixels are {pixel}: landslides under about {area_text(float(smallest))} are not seen reliably, and "
        "borders are true to a pixel or two.",
        _dating(situation),
        "Radar sees changes of the surface: floods, harvests and wind look alike, and slopes turned to the satellite "
        "or away from it are not seen well."
        if situation.is_radar
        else "Clearings, fields, roads, river beds and melting snow can look like landslides; shadow and forest can "
        "hide them.",
        "Confirmed means that a person decided so, by imagery or on the ground; candidates were checked by nobody.",
    ]
    if facts.on_unseen_ground:
        count = counted_text(facts.on_unseen_ground, "landslide lies", "landslides lie")
        sentences.append(f"{count} on ground that this imagery does not show before and after.")
    ground = facts.ground
    if ground.area_m2 and abs(ground.covered_m2 - ground.area_m2) > UNCOVERED_FROM * ground.area_m2:
        sentences.append(
            f"The rasters cover {area_text(ground.covered_m2)} of an area of {area_text(ground.area_m2)}; "
            "shares are of what they cover."
        )
    return [sentence for sentence in sentences if sentence]


def _dating(situation: Situation) -> str:
    sources = used_sources(situation)
    before, after = days_of_side(sources, "pre"), days_of_side(sources, "post")
    if before is None or after is None:
        return ""
    return (
        f"What is shown moved between {day_text(before[0])} and {day_text(after[1])}; not all of it need have been set "
        f"off on {day_text(situation.day)}."
    )
