"""audit_fit: the same rows in the same splits as in fit, and every rule on them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

from auditor import ConfigError, InputError, Report, Status, audit, audit_fit

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
keras = pytest.importorskip("keras")
layers = keras.layers

RNG = np.random.default_rng(5)
X = RNG.normal(size=(200, 6)).astype(np.float32)
MUCH = X[:, 1] + RNG.normal(size=200).astype(np.float32)
Y = (X[:, 0] + RNG.normal(size=200) > 0).astype(np.int64)


def network(shape: tuple[int, ...] = (6,), *tail: Any, loss: Any = "binary_crossentropy") -> Any:
    model = keras.Sequential(
        [keras.Input(shape), layers.Flatten(), *(tail or (layers.Dense(1, activation="sigmoid"),))]
    )
    model.compile(optimizer="adam", loss=loss)
    return model


def two_by_two(loss: Any = None) -> Any:
    numbers, token = keras.Input((6,), name="numbers"), keras.Input((1,), name="token", dtype="int64")
    hidden = layers.Concatenate()([numbers, layers.Flatten()(layers.Embedding(9, 2)(token))])
    outputs = {
        "yes": layers.Dense(1, activation="sigmoid", name="yes")(hidden),
        "much": layers.Dense(1, name="much")(hidden),
    }
    model = keras.Model({"numbers": numbers, "token": token}, outputs)
    model.compile(optimizer="adam", loss=loss or {"yes": "binary_crossentropy", "much": "mse"})
    return model


def sizes(report: Report) -> dict[str, int]:
    return {split.name: split.n_rows for split in report.splits}


@pytest.mark.parametrize("share", [0.1, 0.2, 0.33, 1 / 3, 0.5, 0.995])
def test_validation_split_takes_what_keras_takes(share: float) -> None:
    from keras.src.trainers.data_adapters.array_slicing import train_validation_split

    (train, _), (val, _) = train_validation_split((X, Y), validation_split=share)
    report = audit_fit(network(), X, Y, validation_split=share, select="SHP001")
    assert sizes(report) == {"train": len(train), "val": len(val)}


def test_the_last_rows_are_held_out() -> None:
    x = X.copy()
    x[-40:] = x[:40]
    (finding,) = audit_fit(network(), x, Y, validation_split=0.2, select="DUP001").findings
    assert finding.rows[0].split == "val"
    assert len(finding.rows[0]) == 40


def test_validation_data_overrides_the_split() -> None:
    report = audit_fit(
        network(), X, Y, validation_split=0.5, validation_data=(X[:30], Y[:30]), select="SHP001"
    )
    assert sizes(report) == {"train": 200, "val": 30}
    assert audit_fit(
        network(), X, Y, validation_split=0.5, validation_data=(X[:30], Y[:30]), select="FIT004"
    )["FIT004"].status is Status.SKIPPED  # fmt: skip


def test_a_test_set_may_stand_beside() -> None:
    report = audit_fit(network(), X, Y, validation_split=0.2, test_data=(X[:50], Y[:50]), select="DUP001")
    assert sizes(report) == {"train": 160, "val": 40, "test": 50}
    assert {finding.splits[0] for finding in report.findings} == {"test"}


def test_groups_and_times_are_cut_with_the_rows() -> None:
    groups = np.arange(200) // 3
    report = audit_fit(
        network(), X, Y, validation_split=0.2, groups=groups, time=np.arange(200.0), select="DEP"
    )
    assert report["DEP001"].findings[0].splits[0] == "val"
    assert report["DEP002"].status is not Status.SKIPPED


def test_every_rule_runs() -> None:
    report = audit_fit(network(), X, Y, validation_split=0.2)
    assert not report.crashed, report.crashed
    ran = {outcome.code[:3] for outcome in report.outcomes if outcome.status is not Status.SKIPPED}
    assert {"DUP", "LBL", "SHP", "FIT"} <= ran
    assert report.ok


def test_twice_the_same_bytes_and_nothing_is_written() -> None:
    model, before = network(), (X.tobytes(), Y.tobytes())
    weights = [w.tobytes() for w in model.get_weights()]
    arguments = {"validation_split": 0.2, "class_weight": {0: 1.0, 1: 2.0}, "epochs": 3}
    first = audit_fit(model, X, Y, **arguments)
    assert audit_fit(model, X, Y, **arguments).to_json() == first.to_json()
    assert (X.tobytes(), Y.tobytes()) == before
    assert [w.tobytes() for w in model.get_weights()] == weights
    assert model.optimizer.iterations == 0


def test_an_unbuilt_model_stays_unbuilt() -> None:
    model = keras.Sequential([layers.Dense(4, activation="relu"), layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer="adam", loss="binary_crossentropy")
    assert audit_fit(model, X, Y, validation_split=0.2, select="FIT").ok
    assert not model.built
    assert not model.layers[0].built


def test_read_only_memory_is_enough() -> None:
    x, y = X.copy(), Y.copy()
    x.flags.writeable = y.flags.writeable = False
    assert not audit_fit(network(), x, y, validation_split=0.2).crashed


@pytest.mark.parametrize("wrap", [list, tuple, lambda part: {"x": part[0]}])
def test_one_input_in_a_container(wrap: Any) -> None:
    report = audit_fit(network(), wrap([X]), wrap([Y]), validation_split=0.2, select=["SHP", "FIT", "LBL"])
    assert report.ok, report.summary()
    assert report.splits[0].feature_shape == (6,)


def test_frames_keep_their_names() -> None:
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame.loc[3, "c"] = np.nan
    report = audit_fit(network(), frame, pd.Series(Y), validation_split=0.2, select="SHP003")
    assert "'c'" in report.findings[0].message


def test_several_inputs_and_outputs() -> None:
    token = RNG.integers(0, 9, size=(200, 1))
    x = {"numbers": X, "token": token}
    y = {"yes": Y, "much": MUCH}
    report = audit_fit(two_by_two(), x, y, validation_split=0.2)
    assert not report.crashed, report.crashed
    assert report.ok, report.summary()
    assert report.splits[0].feature_shape == (7,)
    assert any(part.what == "outputs" for part in report["LBL005"].coverage)
    by_position = audit_fit(two_by_two(), [X, token], [MUCH, Y], validation_split=0.2, select="FIT")
    assert by_position.ok, by_position.summary()  # Keras flattens dicts by their sorted keys: much, yes


def test_a_row_is_all_of_its_inputs() -> None:
    token = np.zeros((200, 1), dtype=np.int64)
    x = {"numbers": X.copy(), "token": token.copy()}
    x["numbers"][170] = x["numbers"][3]
    report = audit_fit(two_by_two(), x, {"yes": Y, "much": MUCH}, validation_split=0.2, select="DUP001")
    assert report.findings[0].rows[0].indices.tolist() == [10]
    x["token"][3] = 5
    assert not audit_fit(
        two_by_two(), x, {"yes": Y, "much": MUCH}, validation_split=0.2, select="DUP001"
    ).findings


def test_labels_of_one_of_several_outputs_are_found_wrong() -> None:
    report = audit_fit(
        two_by_two(), {"numbers": X, "token": np.zeros((200, 1), int)}, {"yes": 2 * Y - 1, "much": MUCH},
        validation_split=0.2, select="FIT",
    )  # fmt: skip
    (finding,) = report.errors
    assert (finding.code, finding.about) == ("FIT002", "yes")


def test_text_becomes_codes() -> None:
    words = np.array(["red", "green", "blue", "red"] * 50).reshape(-1, 2)
    vectorize = layers.TextVectorization()
    model = keras.Sequential([vectorize, layers.Embedding(10, 2), layers.Flatten(), layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    report = audit_fit(model, words[:, 0], X[:100, 0], validation_split=0.2)
    assert not report.crashed, report.crashed
    assert not report["FIT007"].findings


def test_no_labels_at_all() -> None:
    report = audit_fit(network(), X, validation_split=0.2)
    assert not report.crashed, report.crashed
    assert report["FIT001"].reason == "no y given"


@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_rows(n: int) -> None:
    report = audit_fit(network(), X[:n], Y[:n], validation_split=0.5, select=["FIT", "SHP", "LBL"])
    assert not report.crashed, report.crashed


def test_inputs_that_differ_between_splits_are_refused() -> None:
    with pytest.raises(InputError, match="lack the input 'token'"):
        audit_fit(
            two_by_two(),
            {"numbers": X, "token": np.zeros((200, 1), int)},
            {"yes": Y, "much": Y},
            validation_data=({"numbers": X[:3]}, {"yes": Y[:3], "much": Y[:3]}),
        )


def test_class_weights_are_a_dict() -> None:
    with pytest.raises(InputError, match="class_weight is a list"):
        audit_fit(network(), X, Y, class_weight=[1.0, 2.0])


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError):
        audit_fit(network(), X, Y, select="NONE999")
    with pytest.raises(TypeError):
        audit_fit(network(), X, Y, batchsize=3)


def test_takes_every_argument_of_fit() -> None:
    import inspect

    theirs = set(inspect.signature(keras.Model.fit).parameters) - {"self"}
    assert theirs <= set(inspect.signature(audit_fit).parameters)


def test_a_model_may_be_given_to_audit() -> None:
    report = audit(
        X[:160], X[160:], y_train=2 * Y[:160] - 1, y_val=2 * Y[160:] - 1, model=network(), select="FIT"
    )
    assert [finding.code for finding in report.errors] == ["FIT002"]
    assert report["FIT004"].reason == "no fit arguments given (see audit_fit)"


def test_what_the_preprocessing_makes_is_what_the_model_gets() -> None:
    def scale(rows: np.ndarray) -> np.ndarray:
        return rows / 255

    images = RNG.integers(0, 256, size=(60, 6)).astype(np.float32)
    model = network((6,), layers.Rescaling(1 / 255), layers.Dense(1, activation="sigmoid"))
    found = audit(images, y_train=Y[:60], preprocess=scale, model=model, select="FIT007")
    assert [finding.stage for finding in found.errors] == ["preprocessed"]
    assert not audit(images, y_train=Y[:60], model=model, select="FIT007").errors


def test_keras_layers_and_models_preprocess() -> None:
    normalize = layers.Normalization()
    normalize.adapt(X[:160])
    chain = keras.Sequential([keras.Input((6,)), normalize, layers.Rescaling(2.0)])
    for preprocess in (
        normalize,
        chain,
        [normalize, layers.Rescaling(2.0)],
        {"train": normalize, "val": normalize},
    ):
        report = audit(X[:160], X[160:], y_train=Y[:160], y_val=Y[160:], preprocess=preprocess)
        assert not report.crashed, report.crashed
        assert report.ok, report.summary()


def test_what_is_no_keras_model_is_skipped() -> None:
    report = audit_fit(object(), X, Y, validation_split=0.2, class_weight={0: 1.0, 1: 1.0}, select="FIT")
    assert not report.crashed
    assert report["FIT003"].reason == "the model is a object, not a Keras model"


def test_tensorflow_stays_out_where_it_is_not_needed() -> None:
    code = (
        "import sys, numpy as np, auditor\n"
        "X = np.random.default_rng(0).normal(size=(90, 3)); y = (X[:, 0] > 0).astype(int)\n"
        "auditor.audit(X[:60], X[60:], y_train=y[:60], y_val=y[60:])\n"
        "auditor.audit_fit(object(), X, y, validation_split=0.2, class_weight={0: 2.0, 1: 2.0})\n"
        "print([name for name in ('tensorflow', 'keras', 'torch', 'jax') if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"
