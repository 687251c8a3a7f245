"""What each person says of which landslide, and where people disagree.

Cohen's kappa = (po - pe) / (1 - pe): po is the share of landslides on which two people say the same, pe
the share on which they would by chance, given how often each says what. Source: Cohen, A coefficient of
agreement for nominal scales, Educational and Psychological Measurement 20 (1960), 37-46.

Kappa means most where neither knew what the other says: `blind_agreement` takes what was judged in a blind review
and nothing else. In an open review the second person sees what the first has decided.
"""

from collections.abc import Iterable
from itertools import combinations
from typing import Any

import pandas as pd
import sqlalchemy as sa

from tsmu.database.queries import BlindView, is_standing_judgement, undone_decisions
from tsmu.database.schema import review
from tsmu.database.storage import Database
from tsmu.database.vocabulary import Action, Decision, Status

VERDICTS = {  # who redraws a landslide accepts it
    Action.ACCEPT.value: "accept",
    Action.EDIT.value: "accept",
    Action.DRAW.value: "accept",
    Action.MERGE.value: "accept",
    Action.SPLIT.value: "accept",
    Action.REJECT.value: "reject",
    Action.UNSURE.value: "unsure",
    Action.BAD_IMAGERY.value: "bad imagery",
}


def verdicts(database: Database, of: Iterable[str] | None = None, view: BlindView | None = None) -> pd.DataFrame:
    """The last verdict of each person on each landslide that was not undone.

    Args:
        database: open.
        of: ids of landslides; None for all.
        view: in a blind review, who asks; None: everything.

    Returns:
        Columns landslide_id, by, verdict (accept, reject, unsure, bad imagery), at, and blind: whether it was given
        in a blind review, where nobody sees what others say.

    Example:
        >>> review(database, slide_id, status="rejected", by="eva", why="a quarry")
        2
        >>> verdicts(database)[["by", "verdict"]].values.tolist()
        [['eva', 'reject']]
    """
    columns = (review.c.landslide_id, review.c.by, review.c.action, review.c.at, review.c.decision_id)
    query = sa.select(*columns, review.c.decision).where(*_is_verdict())
    if of is not None:
        query = query.where(review.c.landslide_id.in_(list(of)))
    if view is not None:
        query = query.where(view.may_see())
    with database.read() as connection:
        undone = set(connection.execute(undone_decisions()).scalars())
        rows = connection.execute(query.order_by(review.c.fid)).fetchall()
    last = {(row.landslide_id, row.by): row for row in rows if row.decision_id not in undone}
    table = [
        (landslide_id, by, VERDICTS[row.action], row.at, row.decision == Decision.JUDGED.value)
        for (landslide_id, by), row in last.items()
    ]
    return pd.DataFrame(table, columns=["landslide_id", "by", "verdict", "at", "blind"])


def _is_verdict() -> tuple[sa.ColumnElement[bool], ...]:
    """The conditions on the review table that an entry is one person's verdict, and not one that took the record away.

    A drawing or split that is taken back leaves entries of status `merged`; they are no verdicts.
    """
    by_one = review.c.decision != Decision.AGREED.value  # that several agree is no further verdict
    return review.c.action.in_(VERDICTS), review.c.status_after != Status.MERGED.value, by_one


def blind_agreement(database: Database, view: BlindView | None = None) -> list[dict[str, Any]]:
    """The agreement of every pair of people in a blind review, on the landslides that both have judged.

    Args:
        database: open.
        view: in a blind review, who asks: adjudicators are told all pairs, others those that they belong to, because
            what is hidden from them would make the figures of other pairs wrong; None: all pairs.

    Returns:
        As `reviewer_agreement`; a landslide that was judged again after it was redrawn counts again.

    Example:
        >>> blind_agreement(database)
        []
    """
    columns = (review.c.landslide_id, review.c.version_before, review.c.by, review.c.action)
    query = sa.select(*columns).where(is_standing_judgement()).order_by(review.c.fid)
    with database.read() as connection:
        last = {(row[0], row[1], row.by): VERDICTS[row.action] for row in connection.execute(query)}
    rows = [(f"{landslide_id} {version}", by, verdict) for (landslide_id, version, by), verdict in last.items()]
    pairs = reviewer_agreement(pd.DataFrame(rows, columns=["landslide_id", "by", "verdict"]))
    if view is None or view.adjudicates:
        return pairs
    return [pair for pair in pairs if view.person in pair["reviewers"]]


def review_texts(database: Database, view: BlindView | None = None) -> pd.DataFrame:
    """The opinions and comments on each landslide that has any, as texts for the columns of an export.

    Args:
        database: open.
        view: in a blind review, who asks; None: everything.

    Returns:
        Index: ids of landslides. `opinions`: the last verdict of each person, such as "eva: accept; jo: unsure";
        `comments`: those that were not taken back, such as "eva 2024-05-01: a road cut", the oldest first, with
        " | " between them. Missing where nobody said anything.

    Example:
        >>> review(database, slide_id, status="rejected", by="eva", why="a quarry")
        2
        >>> review_texts(database).loc[slide_id, "opinions"]
        'eva: reject'
    """
    columns = (review.c.landslide_id, review.c.by, review.c.at, review.c.why, review.c.decision_id)
    query = sa.select(*columns).where(review.c.action == Action.COMMENT.value).order_by(review.c.fid)
    if view is not None:
        query = query.where(view.may_see())
    with database.read() as connection:
        undone = set(connection.execute(undone_decisions()).scalars())
        rows = [row for row in connection.execute(query) if row.decision_id not in undone]
    texts = [(row.landslide_id, f"{row.by} {row.at:%Y-%m-%d}: {row.why}") for row in rows]
    comments = pd.DataFrame(texts, columns=["landslide_id", "text"], dtype=object)
    opinions = verdicts(database, view=view)
    opinions = opinions.assign(text=opinions["by"] + ": " + opinions["verdict"])
    return pd.DataFrame(
        {
            "opinions": opinions.groupby("landslide_id")["text"].agg("; ".join),
            "comments": comments.groupby("landslide_id")["text"].agg(" | ".join),
        },
        dtype=object,
    )


def verdict_counts(verdicts: pd.DataFrame) -> list[dict[str, Any]]:
    """On how many landslides each person has decided, and how; who has decided most comes first.

    Args:
        verdicts: as `verdicts` returns them.

    Example:
        >>> table = pd.DataFrame({"landslide_id": ["a", "b"], "by": ["eva", "eva"], "verdict": ["accept", "reject"]})
        >>> verdict_counts(table)
        [{'by': 'eva', 'landslides': 2, 'accept': 1, 'reject': 1, 'unsure': 0, 'bad imagery': 0}]
    """
    kinds = list(dict.fromkeys(VERDICTS.values()))
    rows = []
    for by, given in verdicts.groupby("by")["verdict"]:
        rows.append({"by": by, "landslides": len(given)} | {kind: int((given == kind).sum()) for kind in kinds})
    return sorted(rows, key=lambda row: (-row["landslides"], row["by"]))


def disagreements(verdicts: pd.DataFrame) -> list[str]:
    """Ids of the landslides on which people have different verdicts.

    Example:
        >>> table = pd.DataFrame({"landslide_id": ["a", "a", "b"], "verdict": ["accept", "reject", "accept"]})
        >>> disagreements(table)
        ['a']
    """
    different = verdicts.groupby("landslide_id")["verdict"].nunique() > 1
    return [str(name) for name in different.index[different]]


def reviewer_agreement(verdicts: pd.DataFrame) -> list[dict[str, Any]]:
    """How far each two people agree, on the landslides that both decided on.

    Args:
        verdicts: as `verdicts` returns them.

    Returns:
        For each two with something in common: `reviewers`, `landslides`, `same` (how many), `agreement` (the
        share that is the same, 0 to 1), and `kappa`, None where both always say one and the same thing.

    Example:
        >>> table = pd.DataFrame(
        ...     {"landslide_id": ["a", "a", "b", "b"], "by": ["eva", "jo"] * 2, "verdict": ["accept"] * 3 + ["reject"]}
        ... )
        >>> reviewer_agreement(table)
        [{'reviewers': ['eva', 'jo'], 'landslides': 2, 'same': 1, 'agreement': 0.5, 'kappa': 0.0}]
    """
    table = verdicts.pivot(index="landslide_id", columns="by", values="verdict")
    rows = []
    for first, second in combinations(sorted(table.columns), 2):
        both = table[[first, second]].dropna()
        if len(both):
            same = int((both[first] == both[second]).sum())
            kappa = cohen_kappa(both[first], both[second])
            counts = {"landslides": len(both), "same": same, "agreement": same / len(both), "kappa": kappa}
            rows.append({"reviewers": [first, second], **counts})
    return rows


def cohen_kappa(first: "pd.Series[str]", second: "pd.Series[str]") -> float | None:
    """Cohen's kappa of two lists of verdicts on the same things; None where chance alone explains all.

    Example:
        >>> cohen_kappa(pd.Series(["accept", "reject"]), pd.Series(["accept", "reject"]))
        1.0
    """
    observed = float((first.to_numpy() == second.to_numpy()).mean())
    shares = first.value_counts(normalize=True).mul(second.value_counts(normalize=True), fill_value=0)
    chance = float(shares.sum())
    return None if chance >= 1 else (observed - chance) / (1 - chance)
