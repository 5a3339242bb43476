"""PRE001."""

from __future__ import annotations

import math
from collections.abc import Iterator

from auditor._case import Case
from auditor._context import Context
from auditor._finding import Coverage, Evidence, Finding, Fix, Measure, Severity
from auditor._rule import Skip, rule
from auditor.probes.application import applied
from auditor.probes.callables import is_layer
from auditor.probes.refits import Verdict
from auditor.probes.verdicts import verdicts
from auditor.probes.wording import given_name, joined, ordered_splits


@rule(
    "PRE001",
    "fitted-on-evaluation-rows",
    severity=Severity.ERROR,
    needs=("preprocess", "evaluation split"),
    since="0.1",
    options={"harm": 0.1, "seconds": 30},
    stage="given",
)
def fitted_on_evaluation_rows(context: Context) -> Iterator[Finding | Coverage]:
    """Something in the preprocessing was fitted on more rows than train's.

    ## What it does
    Takes every fitted object apart that the preprocessing holds: scikit-learn estimators, also inside
    pipelines, column transformers, unions and functions; Keras `Normalization`, `Discretization` and
    vocabulary layers; objects of your own with `fit`. Each is copied and fitted anew, on train and on
    every other set of splits, on the rows it would have been fed; what it learned is then compared with
    what the copies learn, number by number. A state that a fit on train gives passes, whatever its
    history. A state that a fit on more rows gives, and no fit on train, in whatever order of the rows, is
    reported. What counts as equal is measured: fits on the same rows in other orders, with their last
    digits changed, set the tolerance of each number, and numbers they do not agree on are left out, unless
    a fit on more rows, in the order given, gives every digit of them. Where few or coarse numbers differ,
    the state must also be one that no random part of train gives, nor train in a random order where the
    order matters (Monte Carlo tests, p <= 0.05). Objects that keep rows (neighbours, kernels) have them
    looked up.

    Means, spreads and extremes that a function holds are compared with the statistics of each set of
    splits, to the precision they are stored in. A function that holds whole arrays is called with the
    evaluation rows in them replaced; rows of train must come out as before.

    ## Why it matters
    Validation rows then shape the features that the model is trained on. Of a scaler it is often
    harmless, of a step that saw labels never: feature selection on all rows finds signal in pure noise.

    ## Example
    ```python
    scaler = StandardScaler().fit(np.vstack([X_train, X_val]))
    selector = SelectKBest(k=20).fit(X, y)  # before the split
    ```

    ## Fix
    Fit on train only; a pipeline cannot get it wrong:
    ```python
    model = make_pipeline(StandardScaler(), SelectKBest(k=20), LogisticRegression()).fit(X_train, y_train)
    ```

    ## Options
    `PRE001.harm`: movement of a transformed value, in standard deviations of its column in train, beyond
    which a fit without labels is an error; below, it is a warning. `PRE001.seconds`: time after which the
    fits for one object are given up; the outcome then says so.

    ## Limits
    An object whose state is that of no set of the splits is not judged: it may have been fitted on a part
    of train, on rows made by resampling, or on rows not given here. Neither is one that comes out
    differently in every fit (random starts without a seed). One with a seed that comes out differently in
    every order of the rows (k-means, boosting, stochastic gradients, trees) is told only where it saw the
    splits one after the other, as they are given. Steps that need labels need `y_*`. A state that a larger
    set and some parts of train give alike (medians and extremes of few whole numbers) is noted, not warned
    about. Fits are ten to thirty, some hundred where coarse numbers must be told from a part of train's; an
    object whose single fit takes many seconds needs more of `PRE001.seconds`.
    """
    made = context.shared(applied)
    found = context.shared(verdicts, made, context.config.seed, context.option("PRE001.seconds"))
    unknown = [verdict for verdict in found if verdict.status == "unknown"]
    if not found:
        raise Skip("the preprocessing holds nothing that can be traced to rows")
    if len(unknown) == len(found):
        raise Skip(f"{unknown[0].name}: {unknown[0].note}")
    if unknown:
        named = "; ".join(f"{verdict.name}: {verdict.note}" for verdict in unknown[:5])
        yield Coverage(len(found) - len(unknown), len(found), "fitted objects", note=named)
    harm = context.option("PRE001.harm")
    beyond = [verdict for verdict in found if verdict.status.startswith("beyond")]
    groups: dict[tuple[tuple[str, ...], ...], list[Verdict]] = {}
    for verdict in beyond:
        sets = verdict.sets if verdict.status == "beyond" else (*verdict.sets, ("part",))
        groups.setdefault(sets, []).append(verdict)
    for sets, verdicts_of_set in groups.items():
        yield _finding(context.case, sets, verdicts_of_set, harm)


def _finding(case: Case, sets: tuple[tuple[str, ...], ...], found: list[Verdict], harm: float) -> Finding:
    worst = max(found, key=lambda v: (v.supervised, _finite(v.moved)))
    part = ("part",) in sets
    named = [splits for splits in sets if splits != ("part",)]
    least = min(named, key=len)
    names = joined(dict.fromkeys(verdict.name for verdict in found[:4]))
    rest = f" and {len(found) - 4} more" if len(found) > 4 else ""
    subject = f"{names}{rest} {'were' if len(found) > 1 else 'was'}"
    made = "fitted on" if any(verdict.thing is not None for verdict in found) else "computed from"
    if worst.where == "rows":
        subject, made = f"A function of the preprocessing reads {names}{rest}, which", "holds"
    told = _on_what(case, named, made, part=part)
    message = f"{subject} {told}: {_proof(worst, named[0], len(found) > 1)}{_harm(worst)}"
    serious = any(v.supervised or _finite(v.moved) > harm for v in found)
    return Finding(
        message,
        Evidence.of(
            Measure("learned numbers equal to that fit", sum(v.equal for v in found)),
            Measure("of which a fit on train gives others", sum(v.differing for v in found), 0),
            Measure("largest movement against a fit on train", _shown(worst.moved), harm, "std"),
            Measure("saw labels", worst.supervised),
            examples=[_example(verdict) for verdict in found[:5]],
        ),
        _fix(case, worst),
        splits=(
            *ordered_splits(name for name in least if name != "train"),
            *(("train",) if "train" in least else ()),
        ),
        severity=Severity.INFO if part else Severity.ERROR if serious else Severity.WARNING,
        about=joined(verdict.name for verdict in found),
    )


def _on_what(case: Case, sets: list[tuple[str, ...]], made: str, *, part: bool) -> str:
    if part:
        return f"not {made} the whole of train: its state is that of {' + '.join(sets[0])}, or of a part of train"
    if len(sets) > 1:
        ways = joined([" + ".join(splits) for splits in sets[:3]], "or")
        return f"not {made} train only ({ways} give the same)"
    rows = sum(case[name].n_rows for name in sets[0])
    alone = " alone" if len(sets[0]) == 1 else ""
    return f"{made} {' + '.join(sets[0])}{alone} ({rows:,} rows), not train only"


def _proof(verdict: Verdict, splits: tuple[str, ...], several: bool) -> str:
    where = " + ".join(splits)
    if verdict.stored and verdict.where == "rows":
        counts = joined(f"{count:,} rows of {name}" for name, count in verdict.stored.items())
        return f"with other rows in the place of its {counts}, the same train rows come out differently"
    if verdict.stored:
        counts = joined(f"{count:,} rows of {name}" for name, count in verdict.stored.items())
        return f"it keeps {counts} that train does not hold"
    whose = f"{verdict.name.rsplit(': ', 1)[-1]}'s" if several else "its"
    if verdict.thing is None:
        return f"{verdict.name} is the {verdict.where} of {where} ({verdict.fitted:.9g}; of train it would be {verdict.on_train:.9g})"
    if math.isnan(verdict.fitted) or math.isnan(verdict.on_train):
        return f"{whose} {verdict.where} holds what only a fit on {where} gives"
    return f"{whose} {verdict.where} is {verdict.fitted:.9g}, as a fit on {where} gives; train gives {verdict.on_train:.9g}"


def _harm(verdict: Verdict) -> str:
    if verdict.supervised:
        return ". It was fitted with labels, so features carry those of the evaluation rows."
    if math.isnan(verdict.moved):
        return "."
    return f". Values lie up to {verdict.moved:.3g} standard deviations from where a fit on train puts them."


def _finite(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def _shown(value: float) -> float | None:
    return None if math.isnan(value) else value


def _example(verdict: Verdict) -> dict[str, object]:
    return {
        "object": verdict.name,
        "fitted on": " or ".join(" + ".join(splits) for splits in verdict.sets[:3]),
        "where it shows": verdict.where or "rows kept",
        "value": _shown(verdict.fitted),
        "value of a fit on train": _shown(verdict.on_train),
    }


def _fix(case: Case, verdict: Verdict) -> Fix:
    train = given_name(case, "train")
    labels = ", y_train" if verdict.supervised else ""
    if verdict.thing is None:
        return Fix(
            "Compute statistics from train alone, after the split.",
            f"mean, std = {train}.mean(axis=0), {train}.std(axis=0)\n"
            "def preprocess(rows):\n"
            "    return (rows - mean) / np.where(std == 0, 1, std)",
        )
    if is_layer(verdict.thing):
        return Fix("Adapt the layer to train alone.", f"layer.adapt({train})  # on train only")
    kind = type(verdict.thing).__name__
    lines = [
        "from sklearn.pipeline import make_pipeline",
        f"fitted = make_pipeline({kind}(...)).fit({train}{labels})  # on train only",
    ]
    lines += [f"X_{split.name} = fitted.transform({given_name(case, split.name)})" for split in case]
    return Fix(
        "Fit on train alone, then transform every split; put the steps into one pipeline.", "\n".join(lines)
    )
