"""Images that occur twice: equal to the last pixel, or alike but for brightness, contrast, noise or compression.

Nearly equal means that the pixels of two images are correlated almost perfectly. With every image reduced to 8x8 pixels and scaled to
mean 0 and length 1, the correlation of all pairs is one matrix product, and

    |u − v|² = 2 − 2 · correlation

so images with a correlation of c lie within √(2 − 2c) of each other, and so do their projections on any line. Sorted along the line on
which they are spread out most, each image meets only those within that reach: no pair is missed, and most are never computed.
"""

import hashlib
from typing import NamedTuple

import numpy as np

BLOCK = 1024                    # images that are compared with others in one matrix product
CHUNK = 4096                    # images that are reduced at once
CORRELATION = 0.99              # of the pixels of near-duplicates
CANDIDATE = 0.985               # the same, of images reduced to TINY
TINY = (8, 8)
LUMA = (0.299, 0.587, 0.114)    # red, green, blue: Rec. 601
SIDE = 32                       # candidates are compared at no more than so many pixels a side


class Duplicates(NamedTuple):
    """What occurs more than once among N images."""

    groups: list                # of index arrays, images that are equal, sorted
    pairs: np.ndarray           # (P, 2) near-duplicates, of which no two are equal


def find_duplicates(images):
    """The Duplicates among images (N, C, H, W) uint8; of equal images, only the first is compared with others."""
    first, groups = _equal(images)
    pairs = near_pairs(thumbnails(images[first], fitting(images.shape[2:], SIDE)))
    return Duplicates(groups, first[pairs])


def _equal(images):
    """(the first of each kind, the groups of more than one); by a digest of 128 bits of the pixels."""
    kinds = {}
    for i, image in enumerate(images):
        kinds.setdefault(hashlib.blake2b(np.ascontiguousarray(image), digest_size=16).digest(), []).append(i)
    first = np.array([group[0] for group in kinds.values()], np.int64)
    return first, [np.array(group) for group in kinds.values() if len(group) > 1]


def near_pairs(small):
    """(P, 2) int64, pairs i < j of nearly equal images among grey ones (N, H, W) float32; single-coloured images are left out."""
    candidates = _correlated(_unit(thumbnails(small[:, None], TINY)))
    return candidates[_correlation(small, candidates) >= CORRELATION]


def _unit(images):
    """(N, H·W): images with mean 0 and length 1; 0 where an image has a single colour."""
    flat = images.reshape(len(images), -1)
    flat = flat - flat.mean(1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.where(length > 1e-3, flat / np.maximum(length, 1e-3), 0)


def _correlated(unit):
    """Pairs i < j of unit vectors (N, D) whose product is at least CANDIDATE."""
    axis = np.linalg.eigh(np.cov(unit.T))[1][:, -1].astype(np.float32) if len(unit) > 1 else np.zeros(unit.shape[1], np.float32)
    order = np.argsort(unit @ axis, kind="stable")
    unit = unit[order]
    place, reach, found = unit @ axis, np.sqrt(2 - 2 * CANDIDATE) + 1e-3, [np.empty((0, 2), np.int64)]
    for start in range(0, len(unit), BLOCK):
        block = unit[start : start + BLOCK]
        end = np.searchsorted(place, place[start + len(block) - 1] + reach)
        i, j = np.nonzero(block @ unit[start:end].T >= CANDIDATE)
        found.append(np.stack([i, j], 1)[j > i] + start)
    pairs = np.sort(order[np.concatenate(found)], axis=1)
    return pairs[np.lexsort(pairs.T[::-1])]


def _correlation(images, pairs):
    """The correlation of the pixels of each pair, (P,)."""
    unit = _unit(images)
    chunks = [pairs[i : i + CHUNK] for i in range(0, len(pairs), CHUNK)]
    return np.concatenate([np.empty(0), *[(unit[chunk[:, 0]] * unit[chunk[:, 1]]).sum(1) for chunk in chunks]])


def fitting(size, side):
    """(height, width), made smaller so that neither is above `side`, in proportion."""
    scale = min(1, side / max(size))
    return tuple(max(1, round(n * scale)) for n in size)


def thumbnails(images, size):
    """Grey images (N, h, w) float32, averaged over areas, of images (N, C, H, W)."""
    rows, columns = (_area(n, m) for n, m in zip(images.shape[2:], size))
    chunks = [_grey(images[i : i + CHUNK]) for i in range(0, len(images), CHUNK)] or [np.empty((0, *images.shape[2:]), np.float32)]
    if images.shape[2:] == tuple(size):
        return np.concatenate(chunks)
    return np.concatenate([rows @ chunk @ columns.T for chunk in chunks])        # (N, h, w) = (h, H) @ (N, H, W) @ (W, w)


def _grey(images):
    """(N, H, W) float32: of RGB the luma, which compression keeps best; else the mean of the channels."""
    if images.shape[1] == 3:
        return np.einsum("nchw,c->nhw", images, np.array(LUMA, np.float32))
    return images.mean(1, dtype=np.float32) if images.shape[1] > 1 else images[:, 0].astype(np.float32)


def _area(n, m):
    """(m, n): each of m equal stretches of 0..n as an average of the pixels that it covers."""
    edges = np.linspace(0, n, m + 1)
    start, end = edges[:-1, None], edges[1:, None]
    covered = np.clip(np.minimum(end, np.arange(1, n + 1)) - np.maximum(start, np.arange(n)), 0, None)
    return (covered * m / n).astype(np.float32)
