"""LBL009."""

from __future__ import annotations

import numpy as np
import pytest

from auditor import Report, Severity, Status, audit

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 4, 1200)
X = (RNG.normal(size=(4, 8)) * 2.5)[Y] + RNG.normal(size=(1200, 8))


def _audit(X: np.ndarray, y: object, **more: object) -> Report:
    return audit(X, y_train=y, select="LBL009", **more)


def _with_mistakes(share: float) -> tuple[np.ndarray, np.ndarray]:
    wrong = np.random.default_rng(1).random(1200) < share
    return np.where(wrong, (Y + 1) % 4, Y), np.flatnonzero(wrong)


@pytest.mark.parametrize("share", [0.02, 0.04, 0.06])
@pytest.mark.parametrize("labels", ["i8", "U1", "onehot"])
def test_mistakes_stand_alone(share: float, labels: str) -> None:
    y, wrong = _with_mistakes(share)
    (finding,) = _audit(X, np.eye(4)[y] if labels == "onehot" else y.astype(labels)).findings
    assert finding.level is Severity.INFO
    suspects = finding.rows[0].indices
    assert np.isin(suspects, wrong).mean() > 0.9
    assert np.isin(wrong, suspects).mean() > 0.4
    example = dict(finding.evidence.examples[0])
    assert example["label"] != example["its neighbours"]
    assert finding.fix.drop == ()


def test_clean_labels_pass() -> None:
    assert _audit(X, Y)["LBL009"].status is Status.PASSED


@pytest.mark.parametrize("spread", [0.0, 0.5, 1.0, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("tails", ["normal", "heavy"])
def test_classes_that_overlap_by_nature_are_silent(spread: float, tails: str) -> None:
    for seed in range(4):
        rng = np.random.default_rng(seed)
        y = (rng.random(900) < 0.3).astype(int)
        noise = rng.normal(size=(900, 4)) if tails == "normal" else rng.standard_t(2, (900, 4))
        assert _audit(noise + spread * y[:, None], y).findings == ()


def test_real_digits_pass_and_mistakes_among_them_do_not() -> None:
    load_digits = pytest.importorskip("sklearn.datasets").load_digits
    data = load_digits()
    assert _audit(data.images, data.target).findings == ()
    wrong = np.random.default_rng(0).random(data.target.size) < 0.03
    assert _audit(data.images, np.where(wrong, (data.target + 3) % 10, data.target)).findings


def test_of_copies_one_is_asked() -> None:
    y, _ = _with_mistakes(0.03)
    (once,), (twice,) = (_audit(np.tile(X, (n, 1)), np.tile(y, n)).findings for n in (1, 2))
    assert once.rows[0].indices.tolist() == twice.rows[0].indices.tolist()


def test_what_cannot_be_judged_is_skipped() -> None:
    assert _audit(X, RNG.normal(size=1200))["LBL009"].status is Status.SKIPPED
    assert _audit(X[:50], Y[:50])["LBL009"].status is Status.SKIPPED
    assert _audit(np.zeros((200, 2)), Y[:200]).findings == ()
    assert _audit(np.full((200, 2), np.nan), Y[:200]).findings == ()


def test_many_rows_are_sampled_and_it_is_said() -> None:
    y, _ = _with_mistakes(0.03)
    rows = np.tile(X, (5, 1)) + 0.3 * RNG.normal(size=(6000, 8))
    report = _audit(rows, np.tile(y, 5))
    assert report["LBL009"].coverage[0].examined == 5000
    assert report["LBL009"].to_dict() == audit(rows, y_train=np.tile(y, 5), select="LBL")["LBL009"].to_dict()
