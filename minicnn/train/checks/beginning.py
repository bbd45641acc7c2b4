"""Checks that need no training: the inputs, the outputs and the loss at the start, gradients, units, and examples kept apart."""

import math

import numpy as np

from ... import arrays, nn
from ...autograd import no_grad
from ..auxiliary import logits_of, loss_of
from .pipeline import check

RECTIFIERS = (nn.ReLU, nn.ReLU6, nn.Hardswish)
ROUNDING = 1e-4                 # of the largest logit: what float32 may make of another batch around an example


def values(tensor):
    return arrays.to_numpy(tensor.detach().array)


def inputs(pipeline):
    """Mean 0 and deviation 1 per channel, as layers and default initialisation assume; no NaN."""
    x = values(pipeline.batch(pipeline.some(512))[0])
    axes = (0, *range(2, x.ndim))
    mean, std = x.mean(axes), x.std(axes)
    ok = bool(np.isfinite(x).all() and (np.abs(mean) < 0.5).all() and ((std > 0.5) & (std < 2)).all())
    return check("inputs", ok, f"mean {_listed(mean)}, deviation {_listed(std)}, from {x.min():.3g} to {x.max():.3g}",
                 "mean near 0 and deviation near 1 in each channel",
                 "normalisation forgotten or made twice, or with the mean and deviation of other data; 0..255 taken for 0..1",
                 mean=mean.tolist(), std=std.tolist())


def _listed(numbers):
    return ", ".join(f"{number:.3g}" for number in numbers[:4]) + (", ..." if len(numbers) > 4 else "")


def outputs(pipeline):
    """Logits, not probabilities: cross-entropy applies the softmax itself."""
    logits = _logits(pipeline)
    probable = bool((logits >= 0).all() and np.allclose(logits.sum(1), 1, atol=1e-4))
    right_shape = logits.ndim == 2 and logits.shape[1] == pipeline.classes
    saw = f"outputs {logits.shape}, {logits.min():.3g} to {logits.max():.3g}" + probable * ", that sum to 1: probabilities"
    return check("outputs", right_shape and not probable and bool(np.isfinite(logits).all()), saw,
                 f"logits (images, {pipeline.classes}) without bounds",
                 "a softmax at the end of the model besides the one in the loss: it learns slowly and never reaches a loss of 0; "
                 "or another number of outputs than classes")


def _logits(pipeline):
    with no_grad():
        return values(logits_of(pipeline.build().train()(pipeline.batch(pipeline.some(pipeline.batch_size))[0])))


def first_loss(pipeline):
    """A fresh model knows nothing, so its loss is that of equal probabilities: ln K."""
    with no_grad():
        x, labels = pipeline.batch(pipeline.some(pipeline.batch_size))
        loss = pipeline.criterion(logits_of(pipeline.build().train()(x)), labels).item()
    know_nothing = math.log(pipeline.classes)
    ok = math.isfinite(loss) and 0.7 * know_nothing < loss < 1.6 * know_nothing
    return check("loss at the start", ok, f"{loss:.3f}", f"about ln {pipeline.classes} = {know_nothing:.3f}",
                 "far above: inputs or first weights too large, or a last layer initialised too boldly; far below: the labels are in the "
                 "input; a sum in place of a mean over the batch", loss=loss)


def separate_examples(pipeline, by_gradient=True):
    """d logits[i] / d x[j] = 0 for i ≠ j in evaluation mode (batch normalization mixes in training mode, and may).

    by_gradient  False: only that logits[i] stay what they are when the other examples are exchanged
    """
    indices = pipeline.some(max(pipeline.batch_size, 4))
    model, i = pipeline.build().eval(), len(indices) // 2
    x = pipeline.batch(indices)[0].detach()
    change = _change_by_others(model, x, i)
    leak, own = _gradients(model, x, i) if by_gradient else (0.0, 1.0)
    ok = change < ROUNDING and leak == 0 and own > 0
    saw = f"logits of an example change by {change:.1e} of their size with the others" + (
        f"; their gradient is {leak:.1e} at other examples, {own:.1e} at its own" if by_gradient else "")
    return check("examples kept apart", ok, saw, "no influence of other examples, in evaluation mode",
                 "a reshape, flip, mean or softmax along the batch axis (dim=0 for dim=1), or a permute that mixes it with another; if the "
                 "example's own gradient is 0, the graph is cut by detach or by rounding", change=change, leak=leak, own=own)


def _change_by_others(model, x, i):
    """The greatest change of logits[i], relative to the greatest logit, when all other examples are shuffled and negated."""
    array = values(x)
    others = -array[::-1]
    others[i] = array[i]
    with no_grad():
        before, after = values(model(x))[i], values(model(type(x)(others)))[i]
    return float(np.abs(before - after).max() / max(np.abs(before).max(), 1e-12))


def _gradients(model, x, i):
    """The greatest gradient of a mixture of logits[i] at the other examples, and at its own."""
    x = x.detach().requires_grad_()
    row = model(x)[i].reshape(-1)
    mixture = type(x)(np.linspace(0.5, 1.5, row.shape[0]).astype(values(row).dtype))      # their plain sum is constant after a softmax
    (row * mixture).sum().backward()
    slope = np.abs(values(x.grad)).reshape(len(x), -1).max(1)
    return float(np.delete(slope, i).max(initial=0)), float(slope[i])


def gradients(pipeline):
    """Every parameter has a gradient that is finite and not 0, and those of the layers do not differ by orders of magnitude."""
    model, _ = pipeline.fresh()
    x, labels = pipeline.batch(pipeline.some(pipeline.batch_size))
    loss_of(pipeline.criterion, model(x), labels).backward()
    norms = {name: 0.0 if p.grad is None else float(np.linalg.norm(values(p.grad))) for name, p in model.named_parameters()
             if p.requires_grad}
    weights = {name: norms[name] for name, p in model.named_parameters() if name in norms and p.ndim > 1} or norms
    without = [name for name, norm in weights.items() if not norm or not math.isfinite(norm)]
    spread = max(weights.values()) / min(weights.values()) if not without else math.inf
    saw = f"none, or not finite, at {', '.join(without[:3])}" if without else (
        f"norms from {min(weights.values()):.1e} to {max(weights.values()):.1e} over {len(weights)} layers")
    return check("gradients", spread < 1e3, saw, "a gradient in every layer, within a factor of 1,000",
                 "a layer that the output does not depend on, or a detach; all units dead; else vanishing or exploding gradients: "
                 "normalization layers, residual connections or another initialisation help", warn=not without, norms=weights)


def dead_units(pipeline):
    """Rectified units (channels) that are 0 for every example and every place have no gradient and cannot recover."""
    model = pipeline.build().train()
    alive = watch_units(model)
    with no_grad():
        model(pipeline.batch(pipeline.some(max(pipeline.batch_size, 128)))[0])
    if not alive:
        return check("dead units", True, "no rectifier among the modules", "units that are active for some example", "")
    shares = {name: 1 - float(np.mean(units)) for name, units in alive.items()}
    worst = max(shares, key=shares.get)
    share = shares[worst]
    return check("dead units", share < 0.25, f"at most {share:.0%} of a layer's units ({worst or 'the model'})", "below 25 % in a layer",
                 "inputs or weights of one sign, a large negative bias, a learning rate that once was too high; leaky units or batch "
                 "normalization help", warn=share < 0.6, shares=shares)


def watch_units(model):
    """{name of a rectifier: (C,) whether each unit was above 0 for any example}, filled in when the model is called."""
    alive = {}

    def remember(name):
        def hook(module, inputs, output):
            active = values(output) > 0
            alive[name] = active.any(axis=(0, *range(2, active.ndim)))
        return hook

    for name, module in model.named_modules():
        if isinstance(module, RECTIFIERS):
            module.register_forward_hook(remember(name))
    return alive
