"""What people decide in a review, how it is undone, and how far they agree with each other and with the model."""

from tsmu.database.decisions.agreement import (
    blind_agreement,
    cohen_kappa,
    disagreements,
    review_texts,
    reviewer_agreement,
    verdict_counts,
    verdicts,
)
from tsmu.database.decisions.attributes import ATTRIBUTES
from tsmu.database.decisions.blind_review import JUDGES, decide_blindly, settle_agreed
from tsmu.database.decisions.decision_writer import decide, landslides_of_decision, review
from tsmu.database.decisions.evidence import SceneEvidence, scene_evidence
from tsmu.database.decisions.many import decide_on_many
from tsmu.database.decisions.model_scores import model_precision_recall
from tsmu.database.decisions.proposed_changes import accept, accept_as_new, decline, proposals
from tsmu.database.decisions.records import DecisionRequest, DecisionResult, LandslideChange

__all__ = [
    "ATTRIBUTES",
    "JUDGES",
    "DecisionRequest",
    "DecisionResult",
    "LandslideChange",
    "SceneEvidence",
    "accept",
    "accept_as_new",
    "blind_agreement",
    "cohen_kappa",
    "decide",
    "decide_blindly",
    "decide_on_many",
    "decline",
    "disagreements",
    "landslides_of_decision",
    "model_precision_recall",
    "proposals",
    "review",
    "review_texts",
    "reviewer_agreement",
    "scene_evidence",
    "settle_agreed",
    "verdict_counts",
    "verdicts",
]
