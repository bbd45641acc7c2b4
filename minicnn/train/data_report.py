"""The statistics of a named data set or of a folder, and their pictures as files."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import data, plot
from ..data.folder import check_folder
from ..data.registry import FOLDER
from ..data.statistics import Statistics, describe
from ..data.survey import survey
from .results import make_output, write_json

MOST_SHOWN = 24                 # images in a picture


class DataReport(NamedTuple):
    """Statistics, with the images that they are of."""

    statistics: Statistics
    images: np.ndarray          # (N, C, H, W), numbered as in the statistics
    paths: list | None          # the files that the images were read from, as seen from the folder

    def name_of(self, index):
        """The file of an image, or its part and place in it: "test 17"."""
        return self.paths[index] if self.paths else "{} {}".format(*self.statistics.where(index))


def look_at(dataset=None, data_dir=None, progress=None):
    """The DataReport of a data set by name; of "folder", of the image files in data_dir as they are. Raises DataError."""
    if dataset == FOLDER and data_dir is not None:
        folder = check_folder(data_dir)
        found = survey(folder)
        damaged = [(_inside(folder, path), reason) for path, reason in found.damaged]
        statistics = describe(found.parts, found.classes, folder, found.sizes, found.modes, damaged)
        return DataReport(statistics, _all_images(found.parts), [_inside(folder, path) for path in found.paths])
    source = data.load(dataset or "digits", data_dir, progress=progress)
    parts = {"train": (source.train_images, source.train_labels), "test": (source.test_images, source.test_labels)}
    if source.test_images is None:
        parts = {"all": parts["train"]}
    return DataReport(describe(parts, source.classes, source.name), _all_images(parts), None)


def _inside(folder, path):
    return str(Path(path).relative_to(folder))


def _all_images(parts):
    return np.concatenate([images for images, _ in parts.values()])


def write_report(report, folder):
    """The statistics as JSON and their pictures, in a folder that is made if need be. Returns the files."""
    folder = make_output(folder)
    write_json(report.statistics.as_json(), folder / "statistics.json")
    pictures = {"class-balance": balance, "class-means": means, "outliers": outliers, "duplicates": pairs}
    made = {name: draw(report) for name, draw in pictures.items()}
    files = [folder / "statistics.json"]
    for name, figure in made.items():
        if figure is not None:
            plot.save(figure, folder / f"{name}.png")
            files.append(folder / f"{name}.png")
    return files


def balance(report):
    return plot.class_balance(report.statistics.counts, report.statistics.classes)


def means(report):
    return plot.class_means(report.statistics.class_means, report.statistics.classes)


def outliers(report):
    """The images farthest from the mean of their class; None where there is none."""
    found = report.statistics
    shown = found.outliers[:MOST_SHOWN]
    captions = [f"{found.classes[found.labels[i]]}\nscore {score:.1f}" for i, score in zip(shown, found.scores)]
    title = f"{len(found.outliers):,} images far from their class's mean" + (": the farthest" if len(found.outliers) > MOST_SHOWN else "")
    return plot.image_grid(report.images[shown], captions, title) if len(shown) else None


def pairs(report):
    """Equal and nearly equal images side by side: first those with different labels, then those in different parts; None without any."""
    found = report.statistics
    worst_first = np.concatenate([found.contradictions, found.leaks, found.related])
    shown = list(dict.fromkeys(map(tuple, worst_first.tolist())))[: MOST_SHOWN // 2]
    captions = [["{} {}\n".format(*found.where(i)) + found.classes[found.labels[i]] for i in pair] for pair in shown]
    title = f"{len(found.related):,} pairs of equal or nearly equal images, {len(found.leaks):,} of them across parts"
    return plot.image_pairs([[report.images[i] for i in pair] for pair in shown], captions, title) if len(shown) else None
