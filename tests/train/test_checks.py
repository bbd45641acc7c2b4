"""The checks of a training pipeline: each fails on the fault that it is for, and all pass without one."""

from dataclasses import replace

import numpy as np
import pytest

import minicnn
from minicnn import arrays, data, nn, optim, plot
from minicnn.train import config as configuration
from minicnn.train.checking import pipeline_of
from minicnn.train.checks import ALL, SHORT, Pipeline, beginning, learning, learning_rate_range, rates, run_checks
from minicnn.train.job import prepare as prepare_job

DIGITS = data.load("digits")
MEAN, STD = DIGITS.train_images.mean(), DIGITS.train_images.std()


def prepare(images, labels):
    return ((images - MEAN) / STD).astype(np.float32)


def network(*more):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 10), *more)


def pipeline(prepare=prepare, build=network, labels=DIGITS.train_labels, lr=0.1, criterion=None):
    return Pipeline(DIGITS.train_images, labels, prepare, build, criterion or nn.CrossEntropyLoss(),
                    lambda model: optim.SGD(model.parameters(), lr, momentum=0.9), 10)


def verdicts(pipeline, checks=ALL):
    return {check.name: check.verdict for check in run_checks(pipeline, checks)}


def failed(pipeline, checks=ALL):
    return {name for name, verdict in verdicts(pipeline, checks).items() if verdict == "failed"}


@pytest.mark.parametrize("seed", range(3))
def test_a_sound_pipeline_passes(seed):
    sound = pipeline()
    sound.seed = seed
    assert set(verdicts(sound).values()) == {"passed"}


def test_labels_in_another_order_than_the_images():
    shuffled = np.random.default_rng(0).permutation(DIGITS.train_labels)
    assert failed(pipeline(labels=shuffled)) == {"labels are learned"}


@pytest.mark.parametrize("scale", [1, 255])
def test_forgotten_normalisation(scale):
    found = failed(pipeline(prepare=lambda images, labels: images.astype(np.float32) / 255 * scale))
    assert "inputs" in found


def test_normalised_twice():
    assert "inputs" in failed(pipeline(prepare=lambda images, labels: ((prepare(images, labels) * 255 - MEAN) / STD / 9).astype(np.float32)), SHORT)


def test_a_transform_that_writes_the_label_into_the_image():
    def leaking(images, labels):
        x = prepare(images, labels)
        x[np.arange(len(x)), :, 0, labels % 8] += 3.0
        x[np.arange(len(x)), :, 7, labels // 8] += 3.0
        return x

    assert failed(pipeline(prepare=leaking)) == {"shuffled labels are not learned"}


def test_a_learning_rate_100_times_too_high():
    found = failed(pipeline(lr=10.0))
    assert "learning rate" in found and found <= {"learning rate", "size of the updates", "labels are learned"}
    assert verdicts(pipeline(lr=1e-5), [rates.learning_rate]) == {"learning rate": "warned"}


class Mixing(nn.Module):
    """Adds a little of the batch's mean to each example."""

    def forward(self, x):
        return x + 0.1 * x.mean(0, keepdim=True)


class Reshaping(nn.Module):
    """(N, C) -> (C, N) -> (N, C) by reshape where a transpose was meant."""

    def forward(self, x):
        return x.t().reshape(x.shape)


class BatchSoftmax(nn.Module):
    def forward(self, x):
        return x.softmax(0)


@pytest.mark.parametrize("fault", [Mixing, Reshaping, BatchSoftmax])
def test_examples_of_a_batch_that_mix(fault):
    mixing = pipeline(build=lambda: network(fault()))
    assert failed(mixing, [beginning.separate_examples]) == {"examples kept apart"}
    assert "examples kept apart" in failed(mixing, SHORT)             # by exchanging the others, too


def test_batch_normalization_is_no_mixing():
    assert not failed(pipeline(), [beginning.separate_examples])


def test_a_graph_that_is_cut():
    class Cut(nn.Module):
        def forward(self, x):
            return x.detach()

    cut = pipeline(build=lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 32), Cut(), nn.ReLU(), nn.Linear(32, 10)))
    found = {check.name: check for check in run_checks(cut, SHORT)}
    assert found["gradients"].verdict == "failed" and "1.weight" in found["gradients"].saw


def test_softmax_applied_twice():
    found = failed(pipeline(build=lambda: network(nn.Softmax(1))))
    assert {"outputs", "one batch by heart"} <= found


def test_log_softmax_before_cross_entropy_is_harmless():
    assert not failed(pipeline(build=lambda: network(nn.LogSoftmax(1))), [*SHORT, learning.one_batch])


def test_a_last_layer_that_is_too_bold():
    def bold():
        model = network()
        model[4].weight.data.mul_(50)
        return model

    assert failed(pipeline(build=bold), SHORT) == {"loss at the start"}


def test_units_that_are_dead():
    def dead():
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 40), nn.ReLU(), nn.Linear(40, 10))
        nn.init.constant_(model[1].bias, -100)
        return model

    assert {"dead units", "gradients"} <= failed(pipeline(build=dead), [*SHORT, beginning.dead_units])


def test_a_sum_over_the_batch_in_place_of_the_mean():
    assert "loss at the start" in failed(pipeline(criterion=nn.CrossEntropyLoss(reduction="sum")), SHORT)


class Detached(nn.Module):
    """A network whose output does not depend on its weights, as far as backward knows."""

    def __init__(self):
        super().__init__()
        self.net = network()

    def forward(self, x):
        return self.net(x).detach() + 0 * sum(p.sum() for p in self.net.parameters())


@pytest.mark.parametrize("broken", [dict(labels=np.random.default_rng(0).permutation(DIGITS.train_labels)), dict(build=Detached),
                                    dict(prepare=lambda images, labels: 0 * prepare(images, labels))])
def test_a_loss_that_does_not_fall_is_called_that(broken, tmp_path):
    (found,) = run_checks(pipeline(**broken, lr=0.01), [rates.learning_rate])
    assert found.verdict == "warned" and found.saw.startswith("0.01; the loss does not fall at any rate up to ")
    assert found.expected == "a loss clearly below that of guessing, 2.3" and "a gradient that does not reach the weights" in found.cause
    test = found.figures["range"]
    assert test.suggestion is None
    plot.save(plot.learning_rate_range(test.rates, test.losses, test.smooth, test.suggestion, 0.01), tmp_path / "range.png")


def test_a_loss_that_is_no_number_is_called_that(tmp_path):
    (found,) = run_checks(pipeline(prepare=lambda images, labels: prepare(images, labels) * np.float32(np.inf)), [rates.learning_rate])
    assert (found.verdict, found.saw) == ("failed", "0.1; the loss is no finite number at any rate")
    plot.save(plot.learning_rate_range([], [], np.array([]), None, 0.01), tmp_path / "range.png")


@pytest.mark.parametrize("classes", [2, 10])
def test_the_suggestion_is_not_the_noise_of_the_first_steps(classes):
    labels = DIGITS.train_labels if classes == 10 else (DIGITS.train_labels > 4).astype(np.int64)
    for seed in range(3):
        some = pipeline(labels=labels)
        some.seed = seed
        assert 0.003 < learning_rate_range(some).suggestion < 0.5


def test_range_test_suggests_a_rate_that_trains_and_finds_the_limit():
    test = learning_rate_range(pipeline())
    assert 0.003 < test.suggestion < 1 < test.limit < 100 and len(test.rates) == len(test.losses) == len(test.smooth)
    assert test.smooth.min() < 0.7 * test.losses[0]


def test_checks_leave_no_trace_and_say_the_same_every_time():
    minicnn.manual_seed(5)
    before = arrays.get_rng_state()
    first = [(check.name, check.saw) for check in run_checks(pipeline(), ALL)]
    assert str(arrays.get_rng_state()) == str(before)
    minicnn.manual_seed(6)
    assert first == [(check.name, check.saw) for check in run_checks(pipeline(), ALL)]


def test_a_check_that_does_not_pass_says_why_that_may_be():
    for check in run_checks(pipeline(lr=10.0, labels=np.roll(DIGITS.train_labels, 7)), ALL):
        assert check.saw and check.expected and bool(check.cause) == (check.verdict != "passed")


# The faults, once more in what `minicnn train` does without options: small_cnn on the digits


@pytest.fixture(scope="module")
def sound():
    return pipeline_of(prepare_job(configuration.complete()))


def test_the_default_training_is_sound(sound):
    assert set(verdicts(sound).values()) == {"passed"}


@pytest.mark.parametrize("name, fault", [
    ("labels are learned", lambda p: replace(p, labels=np.random.default_rng(0).permutation(p.labels))),
    ("inputs", lambda p: replace(p, prepare=lambda images, labels: images.astype(np.float32))),
    ("shuffled labels are not learned", lambda p: replace(p, prepare=lambda images, labels: leaking(p, images, labels))),
    ("learning rate", lambda p: replace(p, optimizer=lambda model: optim.SGD(model.parameters(), 10.0, momentum=0.9, nesterov=True))),
    ("examples kept apart", lambda p: replace(p, build=lambda: nn.Sequential(p.build(), Mixing()))),
    ("outputs", lambda p: replace(p, build=lambda: nn.Sequential(p.build(), nn.Softmax(1)))),
    ("one batch by heart", lambda p: replace(p, build=lambda: nn.Sequential(p.build(), nn.Softmax(1)))),
])
def test_faults_in_the_default_training(sound, name, fault):
    assert name in failed(fault(sound))


def leaking(pipeline, images, labels):
    x = pipeline.prepare(images, labels).copy()
    x[np.arange(len(x)), :, 0, labels % 8] += 3.0
    x[np.arange(len(x)), :, 7, labels // 8] += 3.0
    return x
