"""The controlled vocabularies of the database; the schema's checks and docs/schema.md are made from them."""

from enum import StrEnum


class Status(StrEnum):
    """What is believed of a landslide."""

    CANDIDATE = "candidate"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    MERGED = "merged"


class ReviewState(StrEnum):
    """How far the review of a landslide has come; `queries.review_state` defines it by status and reviews."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNSURE = "unsure"
    BAD_IMAGERY = "bad imagery"
    DISPUTED = "disputed"
    WITHDRAWN = "withdrawn"


class Confidence(StrEnum):
    """How sure a person is: the classes of the USGS compilation of landslide inventories."""

    POSSIBLE = "possible"
    PROBABLE = "probable"
    LIKELY = "likely"
    CONFIDENT = "confident"
    HIGH = "high"

    @property
    def usgs(self) -> int:
        """The number that the USGS compilation gives the class."""
        return {"possible": 1, "probable": 2, "likely": 3, "confident": 5, "high": 8}[self.value]


class MovementType(StrEnum):
    """Landslide movements of Hungr, Leroueil and Picarelli (2014), from the class to its kinds.

    The first word before a class's kinds is the class itself, for when the kind is not known. What
    they call by its material as well (rock fall, debris slide) is a movement and a `Material`.
    Source: doi 10.1007/s10346-013-0436-y, table 5.
    """

    FALL = "fall"
    TOPPLE = "topple"
    BLOCK_TOPPLE = "block topple"
    FLEXURAL_TOPPLE = "flexural topple"
    SLIDE = "slide"
    ROTATIONAL_SLIDE = "rotational slide"
    PLANAR_SLIDE = "planar slide"
    WEDGE_SLIDE = "wedge slide"
    COMPOUND_SLIDE = "compound slide"
    IRREGULAR_SLIDE = "irregular slide"
    SPREAD = "spread"
    LIQUEFACTION_SPREAD = "liquefaction spread"
    FLOW = "flow"
    AVALANCHE = "avalanche"
    DRY_FLOW = "dry flow"
    FLOWSLIDE = "flowslide"
    DEBRIS_FLOW = "debris flow"
    MUD_FLOW = "mud flow"
    DEBRIS_FLOOD = "debris flood"
    DEBRIS_AVALANCHE = "debris avalanche"
    EARTHFLOW = "earthflow"
    PEAT_FLOW = "peat flow"
    SLOPE_DEFORMATION = "slope deformation"
    CREEP = "creep"
    SOLIFLUCTION = "solifluction"


class Material(StrEnum):
    """Landslide materials of Hungr, Leroueil and Picarelli (2014), table 3."""

    ROCK = "rock"
    CLAY = "clay"
    MUD = "mud"
    SILT = "silt"
    SAND = "sand"
    GRAVEL = "gravel"
    BOULDERS = "boulders"
    DEBRIS = "debris"
    PEAT = "peat"
    ICE = "ice"


class Trigger(StrEnum):
    """What set landslides off."""

    RAINFALL = "rainfall"
    TROPICAL_CYCLONE = "tropical cyclone"
    SNOWMELT = "snowmelt"
    FREEZE_THAW = "freeze-thaw"
    EARTHQUAKE = "earthquake"
    VOLCANIC_ACTIVITY = "volcanic activity"
    FLOODING = "flooding"
    HUMAN_ACTIVITY = "human activity"
    NONE_APPARENT = "none apparent"
    OTHER = "other"


class Author(StrEnum):
    """Whether a mapping run or a person made a version of a landslide."""

    RUN = "run"
    PERSON = "person"


class Decision(StrEnum):
    """What a review entry does.

    A run or a merging proposes, a person accepts, declines, or decides on the status. In a blind review a person
    judges, which by itself changes nothing, and where enough people have judged alike it is agreed.
    """

    PROPOSED = "proposed"
    DECIDED = "decided"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    JUDGED = "judged"
    AGREED = "agreed"


class Action(StrEnum):
    """What a person did in a review."""

    ACCEPT = "accept"
    REJECT = "reject"
    UNSURE = "unsure"
    BAD_IMAGERY = "bad imagery"
    MERGE = "merge"
    SPLIT = "split"
    EDIT = "edit"
    DRAW = "draw"
    COMMENT = "comment"
    UNDO = "undo"
    DESCRIBE = "describe"
