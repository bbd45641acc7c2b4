"""Random targets for metrics, and the comparison of one call with scikit-learn's: value, warning and refusal must agree."""

import warnings

import numpy as np
import sklearn.metrics

from minicnn import metrics as ours

sklearn_errors = (ValueError, TypeError, NotImplementedError, IndexError, ZeroDivisionError)


def outcome(module, name, args, options):
    """(value or None, error or None, warned?) of one call."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value, error = getattr(module, name)(*args, **options), None
        except sklearn_errors as raised:
            value, error = None, raised
    return value, error, any(issubclass(w.category, UserWarning) for w in caught)


def agree(name, *args, theirs=sklearn.metrics, **options):
    value, error, warned = outcome(ours, name, args, options)
    expected, expected_error, expected_warned = outcome(theirs, name, args, options)
    case = f"{name}({', '.join(map(repr, args))}, {options})"
    assert (error is None) == (expected_error is None), f"{case}\n{error or value}\n{expected_error or expected}"
    if error is not None:
        assert isinstance(error, (ValueError, TypeError, ZeroDivisionError)), case
        return
    assert warned == expected_warned, f"{case}: warned {warned}, scikit-learn {expected_warned}"
    same(value, expected, case)


def same(value, expected, case):
    if isinstance(expected, (tuple, list)):
        assert len(value) == len(expected), case
        for one, other in zip(value, expected):
            same(one, other, case)
    elif isinstance(expected, dict):
        assert list(value) == list(expected), case
        same(list(value.values()), list(expected.values()), case)
    elif isinstance(expected, str) or expected is None:
        assert value == expected, f"{case}\n{value}\n{expected}"
    else:
        assert np.asarray(value).shape == np.asarray(expected).shape, case
        assert np.ndim(expected) == 0 or value.dtype.kind == expected.dtype.kind, case
        rounded = getattr(expected, "dtype", None) == np.float32          # scikit-learn rounds where weights are float32
        np.testing.assert_allclose(value, expected, rtol=1e-6 if rounded else 1e-9, atol=1e-12, err_msg=case)


def weights(rng, count):
    """No weights, or integers with zeros (never all zero), or floats."""
    whole = rng.integers(0, 3, count) + (np.arange(count) == 0)
    return [None, whole, rng.random(count), np.ones(count, np.float32)][rng.integers(4)]


def label_pair(rng):
    """True and predicted labels: few or many classes, ints or strings or bools or floats, some absent from one side."""
    count, classes = int(rng.integers(1, 25)), int(rng.integers(1, 6))
    names = [np.arange(6), np.arange(6) - 2, np.array(list("fbacde")), np.arange(6.0), np.arange(6) * 10,
             np.array([False, True])][rng.integers(6)]
    classes = min(classes, len(names))
    pair = [names[rng.integers(0, classes, count)] for _ in range(2)]
    if rng.random() < 0.3:
        pair[1] = np.where(rng.random(count) < 0.7, pair[0], pair[1])
    return [y.tolist() for y in pair] if rng.random() < 0.2 else pair


def indicator_pair(rng):
    shape = (int(rng.integers(2, 12)), int(rng.integers(2, 5)))
    return [(rng.random(shape) < rng.choice([0.1, 0.5, 0.9])).astype(int) for _ in range(2)]


def some_labels(rng, *label_arrays):
    """None, or a choice of the labels in any order, sometimes with one that never occurs."""
    known = np.unique(np.concatenate([np.asarray(y).ravel() for y in label_arrays]))
    if rng.random() < 0.5:
        return None
    chosen = rng.permutation(known)[: rng.integers(1, len(known) + 1)]
    if rng.random() < 0.3 and known.dtype.kind in "iU":
        chosen = np.append(chosen, known.dtype.type("zz" if known.dtype.kind == "U" else 77))
    return chosen if rng.random() < 0.5 else chosen.tolist()


def scored(rng):
    """Binary truth in several spellings, and scores with many ties."""
    count = int(rng.integers(2, 30))
    truth = rng.integers(0, 2, count) if rng.random() < 0.9 else np.full(count, rng.integers(2))
    names = [np.array([0, 1]), np.array([-1, 1]), np.array(["no", "yes"]), np.array([3, 5]), np.array([0.0, 1.0])]
    names = names[rng.integers(5)]
    score = [rng.random(count), rng.integers(0, 4, count), rng.integers(0, 4, count) / 4,
             rng.normal(size=count).astype(np.float32)][rng.integers(4)]
    return names[truth], score, [None, names[1], names[0]][rng.integers(3)]


def probabilities(rng, count, classes):
    p = rng.random((count, classes)) if rng.random() < 0.5 else rng.integers(1, 4, (count, classes)).astype(float)
    return p / p.sum(axis=1, keepdims=True)
