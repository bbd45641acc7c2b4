"""The loss of networks that have classifiers in the middle, such as GoogLeNet: in training these give several sets of logits.

    loss = criterion(logits) + 0.3 · Σ criterion(auxiliary logits)

Szegedy et al., "Going deeper with convolutions", CVPR 2015, section 5: the losses in the middle give the lower layers a gradient.
"""

WEIGHT = 0.3                    # of each auxiliary loss


def logits_of(outputs):
    """The logits (N, K) among a model's outputs: a tensor, or a named tuple with the field `logits`."""
    return getattr(outputs, "logits", outputs)


def auxiliary_logits(outputs):
    """The tensors in the other fields of the named tuple whose names begin with "aux"; [] for a tensor."""
    fields = getattr(outputs, "_fields", ())
    return [getattr(outputs, name) for name in fields if name.startswith("aux") and getattr(outputs, name) is not None]


def loss_of(criterion, outputs, labels):
    """The loss of a model's outputs, auxiliary ones included; a tensor of one element."""
    loss = criterion(logits_of(outputs), labels)
    for logits in auxiliary_logits(outputs):
        loss = loss + WEIGHT * criterion(logits, labels)
    return loss
