"""Pictures and images as data URIs: they are in the page itself."""

import base64
import io

import numpy as np

from ...plot.style import png

SIDE = 64                       # pixels; larger images are made smaller
BUDGET = 2_500_000              # bytes of all images of a page together, before they are written as text
IN_A_CELL = 12                  # images behind a cell of the confusion matrix


def picture(figure):
    """A matplotlib figure as the data URI of a PNG."""
    return uri(png(figure, dpi=110))


def uri(data):
    """The bytes of a PNG as an address."""
    return "data:image/png;base64," + base64.b64encode(data).decode()


class Thumbnails:
    """Makes data URIs of images, (C, H, W) uint8, until the budget is spent; counts what is left out then."""

    def __init__(self):
        self.spent = self.left_out = 0

    def show(self, image):
        """The data URI, or None when the page has enough."""
        if self.spent > BUDGET:
            self.left_out += 1
            return None
        data = encoded(image)
        self.spent += len(data)
        return uri(data)

    def some(self, images, order, confidence):
        """(data URI, confidence) of the first few of the images at these indices."""
        shown = ((self.show(images[i]), f"{confidence[i]:.0%}") for i in order[:IN_A_CELL])
        return [(address, percent) for address, percent in shown if address is not None]


def encoded(image):
    """The bytes of a PNG."""
    from PIL import Image

    pixels = np.asarray(image).transpose(1, 2, 0)
    found = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else np.ascontiguousarray(pixels[..., :3]))
    if max(found.size) > SIDE:
        found.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    found.save(file, "PNG", optimize=True)
    return file.getvalue()
