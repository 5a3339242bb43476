"""Audits inside Keras: one line changed, or a callback."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from auditor import AuditFailed, ConfigError, audit_fit

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
keras = pytest.importorskip("keras")

from auditor.integrations.keras import AuditCallback, fit_audited  # noqa: E402

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)).astype(np.float32)
Y = (X[:, 0] + RNG.normal(size=60) > 0).astype(np.int64)
WRONG = 2 * Y - 1
ONLY = {"select": ["FIT", "DUP", "LBL002"]}


def network() -> Any:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer="adam", loss="binary_crossentropy")
    return model


def test_trains_with_exactly_these_arguments() -> None:
    weights = []
    for call in (
        lambda model, **a: model.fit(X, Y, **a),
        lambda model, **a: fit_audited(model, X, Y, audit=ONLY, **a),
    ):
        keras.utils.set_random_seed(1)
        model = network()
        history = call(model, validation_split=0.2, epochs=2, batch_size=16, verbose=0)
        weights.append(np.concatenate([w.ravel() for w in model.get_weights()]))
        assert len(history.history["val_loss"]) == 2
    np.testing.assert_array_equal(*weights)
    assert history.audit.ok
    assert "FIT002" in history.audit


def test_raises_before_keras_does_anything() -> None:
    model = network()
    before = model.get_weights()
    with pytest.raises(AuditFailed, match="FIT002") as caught:
        fit_audited(model, X, WRONG, validation_split=0.2, verbose=0)
    assert caught.value.report.errors
    assert model.optimizer.iterations == 0
    np.testing.assert_array_equal(before[0], model.get_weights()[0])


def test_logs_and_trains(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="auditor"):
        history = fit_audited(network(), X, WRONG, on_failure="log", audit=ONLY, verbose=0)
        fit_audited(network(), X, Y, on_failure="log", audit=ONLY, verbose=0)
    assert not history.audit.ok
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "FIT002" in caplog.records[0].getMessage()


def test_the_level_at_which_it_fails_is_a_setting() -> None:
    twins = np.concatenate([X, X[:20]]), np.concatenate([Y, 1 - Y[:20]])
    found = {f.level.label for f in audit_fit(network(), *twins, select="DUP005").findings}
    assert found == {"warning"}
    fit_audited(network(), *twins, audit={"select": "DUP005"}, verbose=0)
    with pytest.raises(AuditFailed):
        fit_audited(network(), *twins, audit={"select": "DUP005", "fail_on": "warning"}, verbose=0)


def test_a_callback_stops_training_before_its_first_step() -> None:
    model = network()
    callback = AuditCallback(X, WRONG, audit=ONLY, validation_split=0.2)
    with pytest.raises(AuditFailed):
        model.fit(X, WRONG, validation_split=0.2, epochs=3, verbose=0, callbacks=[callback])
    assert model.optimizer.iterations == 0
    assert callback.report.errors


def test_a_callback_knows_the_epochs_and_lets_good_fits_pass() -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization(), keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    callback = AuditCallback(X * 50, X[:, 0], audit={"select": "FIT007"}, on_failure="log")
    model.fit(X * 50, X[:, 0], epochs=2, verbose=0, callbacks=[callback])
    assert callback.report["FIT007"].findings[0].evidence["steps"] == 4
    good = AuditCallback(X, Y, audit=ONLY)
    network().fit(X, Y, epochs=1, verbose=0, callbacks=[good])
    assert good.report.ok


def test_a_word_it_does_not_know() -> None:
    with pytest.raises(ConfigError, match="on_failure"):
        AuditCallback(X, Y, on_failure="ignore")
    with pytest.raises(ConfigError, match="on_failure"):
        fit_audited(network(), X, Y, on_failure="ignore")


def test_every_code_of_the_table_is_a_rule() -> None:
    import re

    import auditor.integrations.keras as module
    from auditor._rule import FAMILIES

    codes = set(re.findall(r"\b[A-Z]{3}\d{3}\b", module.__doc__))
    assert len(codes) > 15
    assert {code[:3] for code in codes} <= set(FAMILIES)


def test_auditor_itself_does_not_import_it() -> None:
    code = "import sys, auditor; print('auditor.integrations.keras' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"
