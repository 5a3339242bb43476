"""PRE002."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Severity, Status, audit

X = np.random.default_rng(0).lognormal(size=(400, 4))


def standardise(rows):
    return (rows - rows.mean(axis=0)) / rows.std(axis=0)


def run(preprocess, train=X[:300], val=X[300:], **settings):
    return audit(train, val, preprocess=preprocess, select="PRE002", **settings)["PRE002"]


def test_the_finding_carries_the_change_the_share_and_the_fix() -> None:
    found = run(standardise)
    (finding,) = found.findings
    assert finding.level is Severity.ERROR
    assert finding.splits == ("val", "train")
    assert finding.evidence["share of unchanged rows whose output changed"] == 1.0
    assert finding.evidence["largest change"] > 1
    assert "beside it" in finding.message
    assert "fit(X_train)" in finding.fix.code
    assert {"others-copied", "others-scaled"} <= {dict(row)["change"] for row in finding.evidence.examples}


def test_the_learning_call_is_named() -> None:
    sklearn = pytest.importorskip("sklearn.preprocessing")

    def anew(rows):
        return sklearn.StandardScaler().fit_transform(rows)

    (finding,) = run(anew).findings
    assert "fit_transform" in finding.fix.summary


def test_a_place_in_the_batch_is_told_from_other_rows() -> None:
    (finding,) = run(lambda rows: np.column_stack([rows, np.arange(len(rows))])).findings
    assert "its place in the batch" in finding.message


def test_what_hardly_moves_is_only_noted() -> None:
    (finding,) = run(lambda rows: rows + 1e-3 * rows.std(axis=0) / rows.std()).findings
    assert finding.level is Severity.INFO


def test_what_rounding_explains_is_not_reported() -> None:
    assert run(lambda rows: rows + 1e-9 * rows.mean(axis=0)).status is Status.PASSED


def test_coverage_states_the_sample() -> None:
    (part,) = run(np.log1p).coverage
    assert (part.examined, part.of) == (256, 300)
    assert run(np.log1p, options={"PRE002.rows": 1000}).coverage == ()
    assert run(np.log1p, options={"PRE002.rows": 20}).coverage[0].examined == 20


def test_no_time_is_said_to_be_no_time() -> None:
    found = run(standardise, options={"PRE002.seconds": 0})
    assert found.status is Status.SKIPPED
    assert "PRE002.seconds" in found.reason


def test_train_s_own_callable_may_learn_from_train() -> None:
    mean = X[:300].mean(axis=0)
    found = run({"train": lambda rows: rows - rows.mean(axis=0), "val": lambda rows: rows - mean})
    assert found.status is Status.PASSED
    (finding,) = run(
        {"train": lambda rows: rows - mean, "val": lambda rows: rows - rows.mean(axis=0)}
    ).findings
    assert finding.splits == ("val",)


def test_randomness_alone_is_not_dependence() -> None:
    found = run(lambda rows: rows + np.random.normal(size=rows.shape))  # noqa: NPY002
    assert found.status is Status.PASSED
    found = run(lambda rows: rows + np.random.default_rng().normal(size=rows.shape))
    assert found.status is Status.SKIPPED
    assert "two calls on equal input differ" in found.reason


def test_reordering_is_left_to_its_rule() -> None:
    found = run(lambda rows: rows[rows[:, 0].argsort()])
    assert found.status is Status.SKIPPED
    assert "PRE007" in found.reason


def test_a_callable_that_fails_is_left_to_its_rule() -> None:
    found = run(lambda rows: None)
    assert found.status is Status.SKIPPED
    assert "PRE008" in found.reason


def test_a_relation_that_raises_is_no_alarm() -> None:
    def whole(rows):
        if len(rows) < 200:
            raise ValueError("needs 200 rows")
        return np.log(rows)

    assert run(whole, val=X).status is Status.PASSED


@pytest.mark.parametrize("shape", [(60,), (60, 1), (60, 3, 4), (60, 3, 4, 2), (60, 2, 2, 2, 2)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.uint8, np.int32])
def test_any_shape_and_dtype(shape: tuple[int, ...], dtype: type) -> None:
    rows = np.random.default_rng(0).integers(1, 200, shape).astype(dtype)
    assert run(lambda batch: batch / 255, rows[:40], rows[40:]).status is Status.PASSED
    leaky = run(
        lambda batch: batch.astype(np.float64) / batch.astype(np.float64).mean(), rows[:40], rows[40:]
    )
    assert leaky.status is Status.FAILED


@pytest.mark.parametrize("n", [0, 1])
def test_an_evaluation_split_of_no_or_one_row(n: int) -> None:
    assert run(np.log1p, val=X[:n]).status is Status.PASSED
    assert run(standardise, val=X[:n]).status is Status.FAILED


def test_sets_of_clean_transformers_pass() -> None:
    pytest.importorskip("sklearn")
    from sklearn.decomposition import PCA
    from sklearn.impute import KNNImputer
    from sklearn.kernel_approximation import RBFSampler
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import KBinsDiscretizer, QuantileTransformer, StandardScaler

    gaps = X.copy()
    gaps[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    bins = KBinsDiscretizer(5, encode="ordinal", quantile_method="averaged_inverted_cdf")
    for make, rows in (
        (lambda: make_pipeline(StandardScaler(), PCA(3), bins), X),
        (lambda: make_pipeline(KNNImputer(weights="distance"), QuantileTransformer(n_quantiles=50)), gaps),
        (lambda: RBFSampler(n_components=30), X.astype(np.float32)),
    ):
        assert run(make().fit(rows[:300]), rows[:300], rows[300:]).status is Status.PASSED
