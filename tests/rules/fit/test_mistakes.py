"""Mistakes that people make with Keras, each found before training; and what looks like one and is none.

Each mistake was trained with TensorFlow 2.21 and Keras 3.15: those under RAISES stop `fit`, those under
SILENT train on and are wrong, those under HARMLESS train as well as they should.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from auditor import InputError, Report, Severity, audit_fit

keras = pytest.importorskip("keras")
layers = keras.layers

C = 10
N_TRAIN = 1400


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return (X[order] / 16).astype(np.float32), y[order]


@cache
def regression() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(1200, 20)).astype(np.float32)
    y = X @ rng.normal(size=20) + 0.3 * rng.normal(size=1200)
    return X, ((y - y.mean()) / y.std()).astype(np.float32)


def net(
    *tail: Any, loss: Any = None, metrics: Any = None, shape: tuple[int, ...] = (64,), **settings: Any
) -> Any:
    model = keras.Sequential([keras.Input(shape), layers.Dense(16, activation="relu"), *tail])
    model.compile(optimizer="adam", loss=loss, metrics=metrics, **settings)
    return model


def fit(model: Any, y: Any, X: Any = None, **arguments: Any) -> dict[str, Any]:
    """Return arguments of a fit on digits, or on the regression for its model."""
    X = digits()[0] if X is None else X
    if "validation_data" not in arguments:
        arguments.setdefault("validation_split", 0.2)
    return {"model": model, "x": X, "y": y, **arguments}


def labels(y: Any = None) -> np.ndarray:
    return digits()[1] if y is None else y


def onehot() -> np.ndarray:
    return np.eye(C, dtype=np.float32)[digits()[1]]


def binary() -> np.ndarray:
    return (digits()[1] % 2).astype(np.int64)


def dense(units: int, activation: str | None = None) -> Any:
    return layers.Dense(units, activation=activation)


SCCE, CCE, BCE, MSE = (
    "sparse_categorical_crossentropy",
    "categorical_crossentropy",
    "binary_crossentropy",
    "mean_squared_error",
)


def logits(loss: str) -> Any:
    return getattr(keras.losses, "".join(p.capitalize() for p in loss.split("_")))(from_logits=True)


def target_far_away() -> dict[str, Any]:
    X, y = regression()
    model = net(dense(1), loss=MSE, shape=(20,))
    return fit(model, y * 1e4 + 1e5, X, epochs=8)


def val_onehot() -> dict[str, Any]:
    X, y = digits()
    return fit(
        net(dense(C, "softmax"), loss=SCCE),
        y[:N_TRAIN],
        X[:N_TRAIN],
        validation_data=(X[N_TRAIN:], onehot()[N_TRAIN:]),
    )


def given_apart(
    model: Any, y: np.ndarray, y_val: np.ndarray, X: Any = None, X_val: Any = None
) -> dict[str, Any]:
    """Return arguments of a fit with validation rows of their own."""
    rows = digits()[0]
    X, X_val = rows[:N_TRAIN] if X is None else X, rows[N_TRAIN:] if X_val is None else X_val
    return fit(model, y, X, validation_data=(X_val, y_val))


def broken(value: float, where: str) -> dict[str, Any]:
    """Return a fit on rows, or labels, with one number that is none."""
    X, y = digits()[0].copy(), binary().astype(np.float32)
    if where == "y":
        y[3] = value
    else:
        X[3 if where == "train" else -3, 20] = value
    return fit(net(dense(1, "sigmoid"), loss=BCE), y, X)


def series(*tail: Any, loss: str) -> dict[str, Any]:
    model = keras.Sequential([keras.Input((8, 8)), *tail])
    model.compile(optimizer="adam", loss=loss)
    y = digits()[1] if "sparse" in loss else binary()
    return fit(model, y, digits()[0].reshape(-1, 8, 8))


def features_differ() -> dict[str, Any]:
    X, y = digits()
    return fit(
        net(dense(C, "softmax"), loss=SCCE),
        y[:N_TRAIN],
        X[:N_TRAIN],
        validation_data=(X[N_TRAIN:, :63], y[N_TRAIN:]),
    )


def reg(tail: list[Any], y: np.ndarray | None = None, loss: str = MSE, **arguments: Any) -> dict[str, Any]:
    X, target = regression()
    return fit(net(*tail, loss=loss, shape=(20,)), target if y is None else y, X, **arguments)


def as_long_as_wide() -> dict[str, Any]:
    X, y = regression()
    model = net(dense(64), loss=MSE, shape=(20,))
    return fit(model, y[:1152], X[:1152], batch_size=64, validation_split=0.0)


def unflattened() -> dict[str, Any]:
    model = keras.Sequential([keras.Input((8, 8)), layers.Dense(16, activation="relu"), layers.Dense(1)])
    model.compile(optimizer="adam", loss=MSE)
    return fit(model, digits()[1].astype(np.float32), digits()[0].reshape(-1, 8, 8))


def sorted_by_label(**arguments: Any) -> dict[str, Any]:
    order = np.argsort(digits()[1], kind="stable")
    return fit(net(dense(C, "softmax"), loss=SCCE), digits()[1][order], digits()[0][order], **arguments)


def val_times(factor: float, **arguments: Any) -> dict[str, Any]:
    X, y = digits()
    X = X * arguments.pop("train", 1.0)
    return fit(
        net(dense(C, "softmax"), loss=SCCE),
        y[:N_TRAIN],
        X[:N_TRAIN],
        validation_data=(X[N_TRAIN:] * factor, y[N_TRAIN:]),
    )


def scaled_inside(layer: Any, X: np.ndarray) -> dict[str, Any]:
    model = keras.Sequential(
        [keras.Input((64,)), layer, layers.Dense(16, activation="relu"), dense(C, "softmax")]
    )
    model.compile(optimizer="adam", loss=SCCE)
    return fit(model, digits()[1], X)


def adapted() -> Any:
    layer = layers.Normalization()
    layer.adapt(digits()[0][:1437] * 255)
    return layer


def images(X: np.ndarray, **settings: Any) -> dict[str, Any]:
    model = keras.Sequential(
        [
            layers.Conv2D(4, 3, activation="relu", **settings),
            layers.Flatten(),
            layers.Dense(C, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss=SCCE)
    return fit(model, digits()[1], X)


def keras_conv() -> Any:
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.Flatten(), dense(C, "softmax")]
    )
    model.compile(optimizer="adam", loss=SCCE)
    return model


@cache
def coloured() -> np.ndarray:
    """Digits in three channels that differ by noise, channels last, 16 pixels wide."""
    rng = np.random.default_rng(2)
    big = digits()[0].reshape(-1, 8, 8).repeat(2, axis=1).repeat(2, axis=2)
    shades = big[..., None] * np.array([1.0, 0.8, 0.5]) + 0.05 * rng.normal(size=(*big.shape, 3))
    return shades.astype(np.float32)


def frozen() -> dict[str, Any]:
    model = net(dense(C, "softmax"), loss=SCCE)
    model.trainable = False
    return fit(model, labels())


def zeros() -> dict[str, Any]:
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(16, activation="relu", kernel_initializer="zeros"),
            layers.Dense(C, activation="softmax", kernel_initializer="zeros"),
        ]
    )
    model.compile(optimizer="adam", loss=SCCE)
    return fit(model, labels())


def batch_normalized(**arguments: Any) -> dict[str, Any]:
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(16),
            layers.BatchNormalization(),
            layers.ReLU(),
            dense(C, "softmax"),
        ]
    )
    model.compile(optimizer="adam", loss=SCCE)
    return fit(model, labels()[:320], digits()[0][:320], **arguments)


def embedded(X: np.ndarray) -> dict[str, Any]:
    model = keras.Sequential([layers.Embedding(16, 4), layers.Flatten(), dense(C, "softmax")])
    model.compile(optimizer="adam", loss=SCCE)
    return fit(model, labels(), X)


def stopping(monitor: str) -> dict[str, Any]:
    model = net(dense(C, "softmax"), loss=SCCE, metrics=["accuracy"])
    return fit(model, labels(), callbacks=[keras.callbacks.EarlyStopping(monitor=monitor)])


def two_hot() -> np.ndarray:
    y = onehot()
    y[np.arange(len(y)), (digits()[1] + 3) % C] = 1
    return y


RAISES = {
    "CCE with class numbers (n,)": (lambda: fit(net(dense(C, "softmax"), loss=CCE), labels()), "FIT002"),
    "CCE with class numbers (n, 1)": (
        lambda: fit(net(dense(C, "softmax"), loss=CCE), labels()[:, None]),
        "FIT002",
    ),
    "SCCE with one-hot": (lambda: fit(net(dense(C, "softmax"), loss=SCCE), onehot()), "FIT002"),
    "BCE over 10 units with class numbers": (
        lambda: fit(net(dense(C, "softmax"), loss=BCE), labels()),
        "FIT001",
    ),
    "BCE over 2 units with {0, 1} (n,)": (
        lambda: fit(net(dense(2, "softmax"), loss=BCE), binary()),
        "FIT001",
    ),
    "BCE over 2 units with {0, 1} (n, 1)": (
        lambda: fit(net(dense(2, "softmax"), loss=BCE), binary()[:, None]),
        "FIT001",
    ),
    "BCE over 1 unit with one-hot": (
        lambda: fit(net(dense(1, "sigmoid"), loss=BCE), np.eye(2)[binary()]),
        "FIT001",
    ),
    "one-hot in val only": (val_onehot, "FIT002"),
    "sigmoid over 1 unit with SCCE": (lambda: fit(net(dense(1, "sigmoid"), loss=SCCE), binary()), "FIT001"),
    "classes from 1, as many units": (
        lambda: fit(net(dense(C, "softmax"), loss=SCCE), labels() + 1),
        "FIT002",
    ),
    "a class -1": (lambda: fit(net(dense(C, "softmax"), loss=SCCE), labels() - 1), "FIT002"),
    "one unit too few": (lambda: fit(net(dense(C - 1, "softmax"), loss=SCCE), labels()), "FIT001"),
    "text as labels": (lambda: fit(net(dense(1, "sigmoid"), loss=BCE), binary().astype(str)), "FIT002"),
    "MSE over 10 units with class numbers (n,)": (
        lambda: fit(net(dense(C, "softmax"), loss=MSE), labels()),
        "FIT001",
    ),
    "MSE over 64 units with y (n,)": (lambda: reg([dense(64, "relu")]), "FIT001"),
    "MAE over 64 units with y (n,)": (lambda: reg([dense(64, "relu")], loss="mean_absolute_error"), "FIT001"),
    "Huber over 64 units with y (n,)": (lambda: reg([dense(64, "relu")], loss="huber"), "FIT001"),
    "MSE over 64 units with y (n, 10)": (
        lambda: reg([dense(64)], np.ones((1200, 10)) * regression()[1][:, None]),
        "FIT001",
    ),
    "class numbers in val only": (
        lambda: given_apart(net(dense(C, "softmax"), loss=CCE), onehot()[:N_TRAIN], labels()[N_TRAIN:]),
        "FIT002",
    ),
    "a class beyond the units in val only": (
        lambda: given_apart(net(dense(C, "softmax"), loss=SCCE), labels()[:N_TRAIN], labels()[N_TRAIN:] + 1),
        "FIT001",
    ),
    "BCE over a series": (lambda: series(dense(1, "sigmoid"), loss=BCE), "FIT001"),
    "SCCE over a series": (lambda: series(dense(C, "softmax"), loss=SCCE), "FIT001"),
    "LSTM that returns its sequence": (
        lambda: series(layers.LSTM(4, return_sequences=True), dense(1, "sigmoid"), loss=BCE),
        "FIT001",
    ),
    "EarlyStopping on val_acc": (lambda: stopping("val_acc"), "FIT008"),
    "features of val differ": (features_differ, "FIT007"),
    "Conv2D without a channel axis": (lambda: images(digits()[0].reshape(-1, 8, 8)), "FIT007"),
    "len(X) is not len(y)": (lambda: fit(net(dense(C, "softmax"), loss=SCCE), labels()[:-1]), "LBL001"),
    "text as features": (
        lambda: fit(net(dense(C, "softmax"), loss=SCCE), labels(), digits()[0].astype(str)),
        "FIT007",
    ),
    "a token beyond the embedding": (lambda: embedded((digits()[0] * 17).astype(np.int64)), "FIT007"),
    "class_weight and sample_weight": (
        lambda: fit(
            net(dense(C, "softmax"), loss=SCCE),
            labels(),
            class_weight={0: 2.0},
            sample_weight=np.ones(len(labels())),
        ),
        "FIT005",
    ),
    "not compiled": (lambda: fit(keras.Sequential([keras.Input((64,)), dense(C)]), labels()), "FIT002"),
}

SILENT = {
    "fractions of class numbers in SCCE": (lambda: fit(net(dense(C, "softmax"), loss=SCCE), labels() / 10), "FIT002"),
    "sigmoid over 1 unit with CCE, y (n,)": (lambda: fit(net(dense(1, "sigmoid"), loss=CCE), binary()), "FIT001"),
    "sigmoid over 1 unit with CCE, y (n, 1)": (lambda: fit(net(dense(1, "sigmoid"), loss=CCE), binary()[:, None]), "FIT001"),
    "softmax over 1 unit with BCE": (lambda: fit(net(dense(1, "softmax"), loss=BCE), binary()), "FIT003"),
    "softmax over 1 unit with MSE": (lambda: reg([dense(1, "softmax")]), "FIT003"),
    "no activation with SCCE": (lambda: fit(net(dense(C), loss=SCCE), labels()), "FIT003"),
    "ReLU with SCCE": (lambda: fit(net(dense(C, "relu"), loss=SCCE), labels()), "FIT003"),
    "ReLU as logits": (lambda: fit(net(dense(C, "relu"), loss=logits(SCCE)), labels()), "FIT003"),
    "tanh as logits": (lambda: fit(net(dense(C, "tanh"), loss=logits(SCCE)), labels()), "FIT003"),
    "softmax, reshape, from_logits": (
        lambda: fit(net(dense(C, "softmax"), layers.Reshape((C,)), loss=logits(SCCE)), labels()), "FIT003"),
    "softmax twice": (lambda: fit(net(dense(C, "softmax"), layers.Softmax(), loss=SCCE), labels()), "FIT003"),
    "no activation with BCE": (lambda: fit(net(dense(1), loss=BCE), binary()), "FIT003"),
    "ReLU with BCE": (lambda: fit(net(dense(1, "relu"), loss=BCE), binary()), "FIT003"),
    "tanh with BCE": (lambda: fit(net(dense(1, "tanh"), loss=BCE), binary()), "FIT003"),
    "{-1, 1} with BCE": (lambda: fit(net(dense(1, "sigmoid"), loss=BCE), 2 * binary() - 1), "FIT002"),
    "{1, 2} with BCE": (lambda: fit(net(dense(1, "sigmoid"), loss=BCE), binary() + 1), "FIT002"),
    "{0, 255} with BCE": (lambda: fit(net(dense(1, "sigmoid"), loss=BCE), binary() * 255), "FIT002"),
    "{0..9} with BCE over 1 unit": (lambda: fit(net(dense(1, "sigmoid"), loss=BCE), labels()), "FIT002"),
    "{0, 2} with hinge": (lambda: fit(net(dense(1, "tanh"), loss="hinge"), binary() * 2), "FIT002"),
    "two classes a row with CCE": (lambda: fit(net(dense(C, "softmax"), loss=CCE), two_hot()), "FIT002"),
    "MSE over 64 units with y (n, 1)": (lambda: reg([dense(64, "relu")], regression()[1][:, None]), "FIT001"),
    "MSE over 64 units in batches of 64": (as_long_as_wide, "FIT001"),
    "MSE without Flatten": (unflattened, "FIT001"),
    "ReLU with a standardized target": (lambda: reg([dense(1, "relu")]), "FIT003"),
    "sigmoid with a standardized target": (lambda: reg([dense(1, "sigmoid")]), "FIT003"),
    "a target around 100,000": (target_far_away, "FIT002"),
    "one NaN in y": (lambda: broken(np.nan, "y"), "LBL006"),
    "one NaN in train": (lambda: broken(np.nan, "train"), "SHP003"),
    "one NaN in val": (lambda: broken(np.nan, "val"), "SHP003"),
    "one infinity in train": (lambda: broken(np.inf, "train"), "SHP003"),
    "train bytes, val scaled": (
        lambda: given_apart(
            net(dense(C, "softmax"), loss=SCCE), labels()[:N_TRAIN], labels()[N_TRAIN:],
            (digits()[0][:N_TRAIN] * 240).astype(np.uint8), digits()[0][N_TRAIN:],
        ), "SCL001"),
    "labels of train permuted": (
        lambda: given_apart(
            net(dense(C, "softmax"), loss=SCCE),
            np.random.default_rng(1).permutation(labels()[:N_TRAIN]),
            labels()[N_TRAIN:],
        ),
        "LBL007",
    ),
    "labels of val permuted": (
        lambda: given_apart(
            net(dense(C, "softmax"), loss=SCCE),
            labels()[:N_TRAIN],
            np.random.default_rng(1).permutation(labels()[N_TRAIN:]),
        ),
        "LBL007",
    ),
    "val 255 times as large": (lambda: val_times(255), "SCL001"),
    "val 255 times as small": (lambda: val_times(1 / 255, train=255.0), "SCL001"),
    "scaled outside and by Rescaling": (lambda: scaled_inside(layers.Rescaling(1 / 255), digits()[0]), "FIT007"),
    "scaled outside, Normalization of raw": (lambda: scaled_inside(adapted(), digits()[0]), "FIT007"),
    "Normalization never adapted": (lambda: scaled_inside(layers.Normalization(), digits()[0] * 255), "FIT007"),
    "dropout behind softmax": (lambda: fit(net(dense(C, "softmax"), layers.Dropout(0.5), loss=SCCE), labels()), "FIT003"),
    "all layers frozen": (frozen, "FIT003"),
    "all kernels zero": (zeros, "FIT003"),
    "channels first": (lambda: images(np.moveaxis(coloured(), 3, 1)), "FIT007"),
    "reshaped for transposed": (
        lambda: images(np.moveaxis(coloured(), 3, 1).reshape(-1, 16, 16, 3)), "FIT007"),
    "sorted by label, validation_split": (sorted_by_label, "FIT004"),
    "sorted by label, shuffle=False": (lambda: sorted_by_label(validation_split=0.0, shuffle=False), "FIT004"),
    "class_weight with text keys": (
        lambda: fit(net(dense(1, "sigmoid"), loss=BCE), binary(), class_weight={"0": 1.0, "1": 5.0}), "FIT005"),
    "batch normalization, 40 steps": (lambda: batch_normalized(batch_size=64, epochs=10), "FIT007"),
    "batch normalization, batches of 1": (lambda: batch_normalized(batch_size=1, epochs=10), "FIT007"),
}  # fmt: skip

HARMLESS = {
    "softmax over 10, SCCE": lambda: fit(net(dense(C, "softmax"), loss=SCCE, metrics=["accuracy"]), labels()),
    "softmax over 10, CCE, one-hot": lambda: fit(net(dense(C, "softmax"), loss=CCE), onehot()),
    "sigmoid, BCE": lambda: fit(net(dense(1, "sigmoid"), loss=BCE), binary()),
    "logits, SCCE": lambda: fit(net(dense(C), loss=logits(SCCE)), labels()),
    "logits, BCE": lambda: fit(net(dense(1), loss=logits(BCE)), binary()),
    "SCCE, y (n, 1)": lambda: fit(net(dense(C, "softmax"), loss=SCCE), labels()[:, None]),
    "SCCE, y float": lambda: fit(net(dense(C, "softmax"), loss=SCCE), labels().astype(np.float32)),
    "softmax over 10, BCE, one-hot": lambda: fit(net(dense(C, "softmax"), loss=BCE), onehot()),
    "softmax over 2, BCE, one-hot": lambda: fit(net(dense(2, "softmax"), loss=BCE), np.eye(2)[binary()]),
    "softmax over 2, SCCE": lambda: fit(net(dense(2, "softmax"), loss=SCCE), binary()),
    "sigmoid over 10, CCE": lambda: fit(net(dense(C, "sigmoid"), loss=CCE), onehot()),
    "sigmoid over 2, SCCE": lambda: fit(net(dense(2, "sigmoid"), loss=SCCE), binary()),
    "softmax over 10, MSE, one-hot": lambda: fit(net(dense(C, "softmax"), loss=MSE), onehot()),
    "sigmoid, MSE": lambda: fit(net(dense(1, "sigmoid"), loss=MSE), binary()),
    "from_logits behind softmax": lambda: fit(net(dense(C, "softmax"), loss=logits(SCCE)), labels()),
    "from_logits behind softmax, CCE": lambda: fit(net(dense(C, "softmax"), loss=logits(CCE)), onehot()),
    "from_logits behind sigmoid over 10": lambda: fit(net(dense(C, "sigmoid"), loss=logits(SCCE)), labels()),
    "from_logits behind sigmoid": lambda: fit(net(dense(1, "sigmoid"), loss=logits(BCE)), binary()),
    "11 units for classes 1 to 10": lambda: fit(net(dense(11, "softmax"), loss=SCCE), labels() + 1),
    "64 units for 10 classes": lambda: fit(net(dense(64, "softmax"), loss=SCCE), labels()),
    "one-hot with unused columns": lambda: fit(net(dense(20, "softmax"), loss=CCE), np.eye(20)[labels()]),
    "{-1, 1}, tanh, MSE": lambda: fit(net(dense(1, "tanh"), loss=MSE), 2 * binary() - 1),
    "{-1, 1}, tanh, hinge": lambda: fit(net(dense(1, "tanh"), loss="hinge"), 2 * binary() - 1),
    "{0, 1}, tanh, hinge": lambda: fit(net(dense(1, "tanh"), loss="hinge"), binary()),
    "bool labels": lambda: fit(net(dense(1, "sigmoid"), loss=BCE), binary().astype(bool)),
    "y (n, 1), sigmoid": lambda: fit(net(dense(1, "sigmoid"), loss=BCE), binary()[:, None]),
    "regression, y (n,)": lambda: reg([dense(1)]),
    "regression, y (n, 1)": lambda: reg([dense(1)], regression()[1][:, None]),
    "output (n,), y (n, 1)": lambda: reg([dense(1), layers.Reshape(())], regression()[1][:, None]),
    "ReLU, counts": lambda: reg([dense(1, "relu")], np.random.default_rng(0).poisson(3, 1200)),
    "linear regression": lambda: fit(net(dense(C), dense(C, "softmax"), loss=SCCE), labels()),
    "Conv2D with a channel axis": lambda: images(digits()[0].reshape(-1, 8, 8, 1)),
    "an Input with a channel axis, rows without": lambda: fit(
        keras_conv(), labels(), digits()[0].reshape(-1, 8, 8)),
    "y (n, 1) in train, (n,) in val": lambda: given_apart(
        net(dense(C, "softmax"), loss=SCCE), labels()[:N_TRAIN, None], labels()[N_TRAIN:]),
    "Conv2D on colours": lambda: images(coloured()),
    "Rescaling of raw bytes": lambda: scaled_inside(layers.Rescaling(1 / 255), digits()[0] * 255),
    "Normalization of raw": lambda: scaled_inside(adapted(), digits()[0] * 255),
    "bytes as they are": lambda: fit(net(dense(C, "softmax"), loss=SCCE), labels(), (digits()[0] * 16).astype(np.uint8)),
    "batch normalization, 600 steps": lambda: batch_normalized(batch_size=64, epochs=150),
    "tokens in an embedding": lambda: embedded((digits()[0] * 15).astype(np.int64)),
    "EarlyStopping on val_loss": lambda: stopping("val_loss"),
    "EarlyStopping on val_accuracy": lambda: stopping("val_accuracy"),
    "class_weight": lambda: fit(net(dense(1, "sigmoid"), loss=BCE), binary(), class_weight={0: 1.0, 1: 1.2}),
}  # fmt: skip


def show(report: Report) -> str:
    return report.summary()


@pytest.mark.parametrize("name", RAISES)
def test_what_keras_refuses_is_an_error(name: str) -> None:
    make, code = RAISES[name]
    report = audit_fit(**make(), select=["FIT", "LBL", "SHP", "SCL001"])
    assert code in {finding.code for finding in report.errors}, show(report)
    assert not report.crashed, show(report)


@pytest.mark.parametrize("name", SILENT)
def test_what_trains_wrong_in_silence_is_an_error(name: str) -> None:
    make, code = SILENT[name]
    report = audit_fit(**make(), select=["FIT", "LBL", "SHP", "SCL001"])
    assert code in {finding.code for finding in report.errors}, show(report)
    assert not report.crashed, show(report)


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_harmless_is_no_error(name: str) -> None:
    report = audit_fit(**HARMLESS[name](), select=["FIT", "LBL", "SHP"])
    assert not report.errors, show(report)
    assert not report.crashed, show(report)
    assert not [f for f in report.findings if f.code.startswith("FIT") and f.level > Severity.INFO], show(
        report
    )


def test_objects_as_features_are_refused() -> None:
    with pytest.raises(InputError, match="Python objects"):
        audit_fit(
            **fit(net(dense(C, "softmax"), loss=SCCE), labels(), np.array([[object()] * 3] * len(labels())))
        )
