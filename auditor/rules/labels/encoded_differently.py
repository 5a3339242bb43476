"""LBL004."""

from __future__ import annotations

from collections.abc import Iterator

from auditor._context import Context
from auditor._finding import Evidence, Finding, Fix, Measure, Severity
from auditor._rule import rule
from auditor.measures.encodings import Disagreement, disagreements
from auditor.measures.target import target

_SENTENCES = {
    "form": "y_{name} holds {here}, y_train {there}",
    "width": "y_{name} holds {here}, y_train {there}: the columns do not stand for the same classes",
    "numbers": "y_{name} numbers the classes {here}, y_train {there}",
    "spelling": "y_{name} spells labels unlike y_train: {here} here, {there} there",
    "scale": "y_{name} ({here}) has the shape of y_train ({there}) on another scale",
}

_FIXES = {
    "form": "Encode the labels once, before the split, or with one encoder fitted on train.",
    "width": "Encode every split with the same list of classes, train's.",
    "numbers": "Use one numbering for every split, train's.",
    "spelling": "Clean the text of the labels before the split, in every split alike.",
    "scale": "Scale the target of every split with the scaler fitted on y_train, or of none.",
}


@rule(
    "LBL004",
    "encoded-differently",
    severity=Severity.ERROR,
    needs=("labels on two splits",),
    since="0.1",
    stage="given",
)
def encoded_differently(context: Context) -> Iterator[Finding]:
    """Equal labels are written differently in different splits.

    ## What it does
    Compares how every evaluation split writes its labels with how train does:

    - one-hot rows against whole numbers, text against numbers, one-hot of another width, class ids
      against real numbers;
    - the same classes under other numbers: {0, 1} against {-1, 1}, {1, 2} or {0, 255}; 0 to 9 against
      1 to 10. Shifted ids are reported only where an id is unknown to train, one of train's is
      missing by more than chance, and the class proportions agree once shifted back;
    - text that differs only by case, spaces, outer punctuation or how a number is written: `Cat` and
      `cat `, `<=50K` and `<=50K.`, `1` and `1.0`;
    - quantities of equal shape whose spread differs by a factor of 8 or more: a target standardised in
      one split only, or in another unit.

    Booleans beside 0 and 1, numbers of another dtype, shape (n, 1) beside (n,), and smoothed beside
    plain one-hot rows are the same labels and pass.

    ## Why it matters
    Every label that is written differently counts as an error of the model, or the loss stops with a
    message about shapes. A validation accuracy of exactly 0 is the usual symptom.

    ## Example
    `pd.get_dummies(y_train)` and `pd.get_dummies(y_val)` called apart: val lacks a class, so its
    columns stand for others.

    ## Fix
    Encode before the split, or fit one encoder on train and use it everywhere.

    ## Options
    None.

    ## Limits
    Class ids in another order (`LabelEncoder` fitted on each split) use the same numbers and are not
    told apart here; LBL007 compares labels with X.
    """
    labels = context.shared(target)
    for name, how in context.shared(disagreements, labels).items():
        yield _finding(name, how)


def _finding(name: str, how: Disagreement) -> Finding:
    sentence = _SENTENCES[how.kind].format(name=name, here=how.here, there=how.there)
    return Finding(
        f"{sentence}. Equal labels are not equal values, so the {name} score is wrong.",
        Evidence.of(
            Measure(f"y_{name}", how.here, how.there),
            Measure("labels concerned", len(how.same) or "all"),
            examples=[{f"y_{name}": ours, "y_train": theirs} for ours, theirs in how.same[:5]],
        ),
        Fix(_FIXES[how.kind], how.mend or _scaler(name, how)),
        splits=(name, "train"),
        classes=tuple(ours for ours, _ in how.same),
    )


def _scaler(name: str, how: Disagreement) -> str:
    if how.kind != "scale":
        return ""
    return (
        "from sklearn.preprocessing import StandardScaler\n"
        "scaler = StandardScaler().fit(raw_y_train.reshape(-1, 1))  # on train only\n"
        f"y_train = scaler.transform(raw_y_train.reshape(-1, 1)).ravel()\n"
        f"y_{name} = scaler.transform(raw_y_{name}.reshape(-1, 1)).ravel()"
    )
