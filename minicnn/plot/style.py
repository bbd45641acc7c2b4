"""One style for all pictures, that reads in print and for colour-blind people.

Series differ in dash, marker or hatch as well as in colour. matplotlib is imported when the first picture is drawn; no window and no
global state of it is involved.
"""

import io
import os

import numpy as np

from ..errors import BadValue
from ..serialize.atomic import replacing
from .fonts import draw, families

# Okabe & Ito's palette: apart for all kinds of vision
BLUE, VERMILION, GREEN, ORANGE, SKY, PURPLE, BLACK = "#0072b2", "#d55e00", "#009e73", "#e69f00", "#56b4e9", "#cc79a7", "#000000"
GREY = "#767676"
COLORS, DASHES, MARKERS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK), ("-", "--", "-.", ":"), "osD^vPX"
LINES = [dict(color=COLORS[i % 7], linestyle=DASHES[(i % 7 + i // 7) % 4], marker=MARKERS[i % 7]) for i in range(28)]    # no two are alike
HATCHES = ("", "///", "...", "xxx")
STYLE = {
    "font.size": 10, "axes.titlesize": 11, "axes.titleweight": "bold", "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": "#e0e0e0", "grid.linewidth": 0.6, "axes.axisbelow": True, "legend.frameon": False,
    "image.cmap": "gray", "savefig.dpi": 150,
}


def shortened(text, most):
    """The text, or its beginning and its end with … between, in so many characters: names often differ in a number at their end."""
    return text if len(text) <= most else text[: (most - 1) // 2] + "…" + text[-(most // 2) :]


def literal(text, most=None):
    """A name as it is to be read: matplotlib would set what stands between two $ as a formula, and leave _names out of legends.

    most  characters, as of `shortened`; None: any
    """
    text = shortened(str(text), most or len(str(text)))
    return " " * text.startswith("_") + text.replace("$", r"\$")


FORMATS = ("png", "pdf", "svg")


def format_of(path):
    """ "png", "pdf" or "svg", by the path's ending. Raises BadValue for another one."""
    ending = os.path.splitext(path)[1].lower().removeprefix(".")
    if ending not in FORMATS:
        raise BadValue(f"{os.fspath(path)}: a picture's name must end in .png, .pdf or .svg")
    return ending


def save(figure, path):
    """Write a figure as PNG, PDF or SVG, by the path's ending, atomically. Raises BadValue for another ending."""
    ending = format_of(path)
    with style(), replacing(path) as file:
        draw(figure, file, format=ending)


def png(figure, dpi):
    """The bytes of a figure as PNG."""
    file = io.BytesIO()
    with style():
        draw(figure, file, format="png", dpi=dpi)
    return file.getvalue()


def style():
    import matplotlib

    return matplotlib.rc_context({**STYLE, "font.family": families()})


def make_figure(width, height):
    from matplotlib.figure import Figure

    return Figure((width, height), layout="constrained")


def show_image(axes, image):
    """Draw an image (C, H, W), uint8 or floats in 0..1, of one channel or three."""
    pixels = np.asarray(image).transpose(1, 2, 0)
    axes.imshow(pixels[..., 0] if pixels.shape[2] == 1 else pixels[..., :3], vmin=0, vmax=255 if pixels.dtype == np.uint8 else 1)


def percent(axis):
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1.0))
