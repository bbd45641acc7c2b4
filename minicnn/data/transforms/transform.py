"""What transforms have in common: where they draw from, and how they are composed."""

from numbers import Number

from ... import arrays
from ...errors import BadType, BadValue


def stream():
    """The numpy.random.Generator to draw from: the default stream, which a DataLoader starts anew for every sample."""
    return arrays.default_generator.numpy


class Compose:
    """Several transforms, one after the other."""

    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, img):
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self):
        return "\n".join(["Compose(", *(f"    {transform}" for transform in self.transforms), ")"])


class Lambda:
    """Any function as a transform. Raises BadType for what cannot be called."""

    def __init__(self, lambd):
        if not callable(lambd):
            raise BadType(f"Lambda takes a function, got {type(lambd).__name__}")
        self.lambd = lambd

    def __call__(self, img):
        return self.lambd(img)

    def __repr__(self):
        return "Lambda()"


class RandomTransforms:
    """Base of those that choose among several transforms at random."""

    def __init__(self, transforms):
        if not isinstance(transforms, (list, tuple)):
            raise BadType(f"transforms must be a list of transforms, got {type(transforms).__name__}")
        self.transforms = transforms

    def __call__(self, *args):
        raise NotImplementedError

    def __repr__(self):
        return "\n".join([f"{type(self).__name__}(", *(f"    {transform}" for transform in self.transforms), ")"])


class RandomApply(RandomTransforms):
    """All of several transforms, with probability p; else none of them."""

    def __init__(self, transforms, p=0.5):
        super().__init__(transforms)
        self.p = probability(p)

    def __call__(self, img):
        return Compose(self.transforms)(img) if chance(self.p) else img

    def __repr__(self):
        return "\n".join([f"{type(self).__name__}(", f"    p={self.p}", *(f"    {t}" for t in self.transforms), ")"])


class RandomOrder(RandomTransforms):
    """All of several transforms, in random order."""

    def __call__(self, img):
        for i in stream().permutation(len(self.transforms)):
            img = self.transforms[i](img)
        return img


class RandomChoice(RandomTransforms):
    """One of several transforms.

    p  how probable each is, in proportion; None: all alike
    """

    def __init__(self, transforms, p=None):
        super().__init__(transforms)
        if p is not None and not isinstance(p, (list, tuple)):
            raise BadType(f"p must be a list of numbers, got {p!r}")
        if p is not None and (len(p) != len(transforms) or min(p) < 0 or sum(p) <= 0):
            raise BadValue(f"p must have one number of at least 0 for each of {len(transforms)} transforms, and not all 0, got {p!r}")
        self.p = p

    def __call__(self, *args):
        share = None if self.p is None else [p / sum(self.p) for p in self.p]
        return self.transforms[stream().choice(len(self.transforms), p=share)](*args)

    def __repr__(self):
        return f"{super().__repr__()}(p={self.p})"


def probability(p):
    if not isinstance(p, Number) or not 0 <= p <= 1:
        raise BadValue(f"p must be a probability between 0 and 1, got {p!r}")
    return p


def chance(p):
    """True with probability p."""
    return stream().random() < p


def uniform(low, high):
    return float(stream().uniform(low, high))
