"""`minicnn serve`: a model that answers over HTTP."""

import click

from .. import serve as serving
from ..serve import Limits
from ..train.opening import open_classifier
from .options import FILE_OPTIONS, NORMALISATION_OPTIONS, with_options
from .show import make_console


@click.command(short_help="Answer over HTTP: images in, classes out.")
@click.argument("model_file", metavar="MODEL", type=click.Path())
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0: for everybody who can reach this "
              "computer.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: one that is free.")
@click.option("--max-megabytes", "megabytes", type=float, default=Limits.megabytes, show_default=True, help="Largest request.")
@click.option("--max-megapixels", "megapixels", type=float, default=Limits.megapixels, show_default=True, help="Largest image.")
@click.option("--max-images", "images", type=click.IntRange(min=1), default=Limits.images, show_default=True,
              help="Images in one request.")
@click.option("--timeout", "seconds", type=float, default=Limits.seconds, show_default=True,
              help="Seconds to send a request, and to answer it.")
@click.option("--max-waiting", "waiting", type=click.IntRange(min=1), default=Limits.waiting, show_default=True,
              help="Requests at once; more are told to try again later.")
@with_options(*FILE_OPTIONS, *NORMALISATION_OPTIONS)
def serve(model_file, host, port, megabytes, megapixels, images, seconds, waiting, **options):
    """Classify the images that are sent to this computer, with the MODEL that minicnn predict would take. Ctrl-C ends it.

    \b
    Examples:
      minicnn serve runs/digits-small_cnn-001
      curl -F image=@photo.jpg http://127.0.0.1:8000/predict
      curl --data-binary @photo.jpg 'http://127.0.0.1:8000/predict?top=3'
    """
    serving.check_possible()
    limits = Limits(megabytes, megapixels, images, seconds, waiting)
    sock, address = serving.listen(host, port)
    classifier, console = open_classifier(model_file, **options), make_console()
    for remark in classifier.remarks:
        console.print(remark, style="dim", markup=False)
    classifier.compile()
    if not serving.is_local(host):
        console.print("Everybody who can reach this computer can use the model: nothing is encrypted, nobody is asked who they are.",
                      style="yellow")
    console.print(f"{classifier.name} on {address}  (Ctrl-C ends it; {address}/ says how to ask)", markup=False, soft_wrap=True)
    serving.serve(serving.make_app(classifier, limits, serving.is_local(host)), sock)
