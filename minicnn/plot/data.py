"""Pictures of a data set: its balance, what its classes look like on average, its odd images."""

from itertools import chain, zip_longest

import numpy as np

from .style import BLUE, GREEN, HATCHES, ORANGE, VERMILION, literal, make_figure, show_image, style

MOST_CLASSES = 60               # of more, the largest and the smallest are drawn
MOST_CHARACTERS = 32            # of a name along an axis


def class_balance(counts, classes):
    """The number of images of each class as bars, a bar for each part, the largest class on top.

    counts  {part: (K,) numbers}
    """
    order = np.argsort(-sum(counts.values()), kind="stable")[::-1]
    if len(order) > MOST_CLASSES:
        order = np.concatenate([order[: MOST_CLASSES // 2], order[-MOST_CLASSES // 2 :]])
    with style():
        figure = make_figure(7.5, 1.4 + 0.3 * len(order))
        axes = figure.subplots()
        left = np.zeros(len(order))
        for (part, count), color, hatch in zip(counts.items(), (BLUE, VERMILION, GREEN, ORANGE), HATCHES):
            look = dict(label=literal(part), color=color, hatch=hatch, edgecolor="white")
            axes.barh(range(len(order)), count[order], left=left, height=0.75, **look)
            left += count[order]
        for row, total in enumerate(left):
            axes.text(total, row, f" {int(total):,}", va="center", fontsize=8)
        axes.set_yticks(range(len(order)), [literal(classes[k], MOST_CHARACTERS) for k in order])
        axes.set(title="Images by class", xlabel="images")
        axes.grid(axis="y", visible=False)
        axes.margins(x=0.1, y=0.02)
        if len(counts) > 1:
            figure.legend(loc="outside lower center", ncols=len(counts))
    return figure


def class_means(means, classes):
    """The mean image of each class; of a class without images, nothing.

    means  (K, C, H, W) in 0..255
    """
    return image_grid([None if np.isnan(mean).any() else mean.astype(np.uint8) for mean in means], classes, "Mean image of each class")


def image_grid(images, captions, title, columns=8, fixed=False):
    """Images (C, H, W) uint8, or None for a gap, with a caption above each.

    columns  at most so many in a row; fixed: exactly so many
    """
    rows = -(-max(len(images), 1) // columns)
    columns = columns if fixed else -(-max(len(images), 1) // rows)         # full rows, rather than one image alone in the last
    lines = max((str(caption).count("\n") for caption in captions), default=0) + 1
    with style():
        figure = make_figure(max(1.3 * columns, 4.0), (1.2 + 0.16 * lines) * rows + 0.5)
        figure.suptitle(literal(title), fontweight="bold", fontsize=11)
        for axes, image, caption in zip_longest(figure.subplots(rows, columns, squeeze=False).flat, images, captions):
            _draw(axes, image, caption)
    return figure


def _draw(axes, image, caption):
    axes.set_axis_off()
    if image is not None:
        show_image(axes, image)
    axes.set_title("" if caption is None else lines_of(caption, 22), fontsize=7.5, fontweight="normal", pad=3)


def lines_of(caption, most):
    """A caption, of each line no more than so many characters."""
    return "\n".join(literal(line, most) for line in str(caption).split("\n"))


def image_pairs(pairs, captions, title):
    """Pairs of images (C, H, W) uint8 side by side, each image with a caption.

    pairs     of images
    captions  of captions
    """
    return image_grid([*chain(*pairs)], [*chain(*captions)], title, columns=6, fixed=True)


def contact_sheet(images, captions, headings=(), title=""):
    """Images in a grid, each with its caption underneath: a row for each image, its versions side by side.

    images    (R, V, C, H, W) uint8 or floats in 0..1
    captions  R lists of V texts; "" for none
    headings  V texts above the columns
    """
    rows, versions, _, height, width = np.shape(images)
    lines = 1 + max(text.count("\n") for row in captions for text in row)
    with style():
        row_height = 1.15 * height / width + 0.06 + 0.15 * lines
        figure = make_figure(1.15 * versions + 0.2, row_height * rows + 0.3 * bool(title) + 0.2 * bool(headings))
        figure.suptitle(literal(title), fontweight="bold", fontsize=11)
        grid = figure.subplots(rows, versions, squeeze=False)
        for (row, version), axes in np.ndenumerate(grid):
            _draw_image(axes, images[row][version], captions[row][version])
        for axes, heading in zip(grid[0], headings):
            axes.set_title(heading, fontsize=8, fontweight="normal")
    return figure


def _draw_image(axes, image, caption):
    show_image(axes, image)
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(lines_of(caption, 16), fontsize=8, labelpad=2)
