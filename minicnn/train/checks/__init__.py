"""Checks of a training pipeline: each says what it saw, what it expected, and what usually causes the difference.

    from minicnn.train.checks import Pipeline, run_checks

    for check in run_checks(Pipeline(images, labels, prepare, build, criterion, optimizer, classes=10)):
        print(check.name, check.verdict, check.saw)

The list follows Karpathy, "A recipe for training neural networks" (2019).
"""

from functools import partial

from .beginning import dead_units, first_loss, gradients, inputs, outputs, separate_examples
from .learning import one_batch, shuffled_labels, true_labels, updates
from .pipeline import FAILED, PASSED, WARNED, Check, Pipeline, own_randomness
from .rates import RangeTest, learning_rate, learning_rate_range

ALL = (inputs, outputs, first_loss, separate_examples, gradients, dead_units, one_batch, updates, learning_rate, true_labels,
       shuffled_labels)
# Without training and without kernels that the training itself does not need.
SHORT = (inputs, outputs, first_loss, partial(separate_examples, by_gradient=False), gradients)


def run_checks(pipeline, checks=ALL):
    """Yields the Check of each function, in order. Models are built anew for each; the default random stream is left as it was."""
    for function in checks:
        with own_randomness(pipeline.seed):
            found = function(pipeline)
        yield found
