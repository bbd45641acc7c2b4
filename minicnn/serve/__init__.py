"""A model over HTTP (extra `serve`): images in, probabilities out, as JSON. Starlette takes the requests apart, uvicorn listens."""

from .limits import Limits
from .server import check_possible, is_local, listen, serve


def make_app(*arguments, **options):
    """The application for a Classifier, Limits, and whether it answers as this computer alone: see `app.make_app`."""
    from .app import make_app

    return make_app(*arguments, **options)
