"""The application: `/` says what there is, `/health` that it lives, `/predict` classifies. All answers are JSON, refusals too.

    {"error": "one sentence"}       with status 400 (no request that makes sense), 404, 405, 408 (too slow), 413 (too large), 415 (of a
                                    kind that is not taken), 422 (no image), 503 (too much at once; try again later)
"""

import asyncio

import anyio
import numpy as np
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ..models.summary import dims
from ..train.predicting import best
from .images import HOW, decoded, of_json
from .limits import Refused

LOCAL = ("localhost", "127.0.0.1", "[::1]", "testserver")


def make_app(classifier, limits, local=True):
    """The application for a Classifier.

    local  answer to requests for this computer's own name only: a page from elsewhere, open in a browser here, cannot ask for it under
           a name of its own
    """
    service = Service(classifier, limits, local)
    routes = [Route("/", service.index), Route("/health", service.health), Route("/predict", service.predict, methods=["POST"])]
    handlers = {Refused: refused, HTTPException: known_refusal, Exception: broken}
    return Starlette(routes=routes, exception_handlers=handlers)


class Service:
    """The answers, and how many requests are under way."""

    def __init__(self, classifier, limits, local):
        self.classifier, self.limits, self.local = classifier, limits, local
        self.under_way, self.one_at_a_time = 0, None

    async def index(self, request):
        self.check_host(request)
        c = self.classifier
        return JSONResponse({
            "model": c.name, "input": dims(c.input_shape), "classes": len(c.classes), "names": c.classes[:100],
            "predict": f"POST /predict: {HOW}", "options": "?top=3: the most probable classes only",
            "example": f"curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' {request.url.scheme}://{request.url.netloc}/predict?top=3",
            "limits": {"megabytes": self.limits.megabytes, "megapixels": self.limits.megapixels, "images": self.limits.images,
                       "seconds": self.limits.seconds},
        })

    async def health(self, request):
        self.check_host(request)
        return JSONResponse({"status": "ok"})

    async def predict(self, request):
        self.check_host(request)
        top = self.top(request.query_params.get("top"))
        if self.under_way >= self.limits.waiting:
            raise Refused(503, f"{self.under_way} requests are under way already; try again later")
        self.under_way += 1
        try:
            images = await self.images(request)
            return JSONResponse({"predictions": await self.in_time(self.compute(images, top), 503, "the answer took")})
        finally:
            self.under_way -= 1

    def check_host(self, request):
        host = request.headers.get("host", "")
        if self.local and host.rpartition(":")[0] not in LOCAL and host not in LOCAL:
            raise Refused(400, f"this server answers to its own computer only, not as {host[:80]!r}")

    def top(self, text):
        """How many classes are asked for; None: all."""
        if text is None:
            return None
        if not text.isascii() or not text.isdigit() or not 0 < int(text[:9]):
            raise Refused(400, f"top must be a whole number of at least 1, got {text[:80]!r}")
        return int(text[:9])

    async def in_time(self, work, status, what):
        try:
            return await asyncio.wait_for(work, self.limits.seconds)
        except asyncio.TimeoutError:
            raise Refused(status, f"{what} longer than {self.limits.seconds:g} s") from None

    # What is sent

    async def images(self, request):
        """The images of a request: bytes of files, and arrays."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in ("application/json", "multipart/form-data", "application/octet-stream") and not kind.startswith("image/"):
            raise Refused(415, f"Content-Type {kind[:80]!r} is not taken: {HOW}")
        body = await self.in_time(self.body(request), 408, "the request took")
        images = of_json(body) if kind == "application/json" else await self.of_form(request, body) if kind.startswith("multi") else [body]
        if len(images) > self.limits.images:
            raise Refused(413, f"there are {len(images)} images in one request, at most {self.limits.images} are taken")
        return images

    async def body(self, request):
        """The whole body; refused as soon as it is known to be too large."""
        most, length = self.limits.bytes, request.headers.get("content-length", "0")
        parts, size = [], int(length) if length.isascii() and length.isdigit() else 0
        if size <= most:
            size = 0
            async for part in request.stream():
                parts.append(part)
                size += len(part)
                if size > most:
                    break
        if size > most:
            raise Refused(413, f"the body takes more than {self.limits.megabytes:g} MB")
        if not size:
            raise Refused(400, f"the body is empty: {HOW}")
        return b"".join(parts)

    async def of_form(self, request, body):
        """The files of a form, whatever they are called."""
        async def receive():
            return {"type": "http.request", "body": body, "more_body": False}

        try:
            async with Request(request.scope, receive).form(max_files=self.limits.images + 1, max_fields=16) as form:
                files = [await value.read() for _, value in form.multi_items() if hasattr(value, "read")]
        except (MultiPartException, HTTPException, KeyError, ValueError) as error:
            raise Refused(400, f"the form cannot be read: {getattr(error, 'detail', error)}") from None
        if not files:
            raise Refused(422, 'the form has no file: expected one in the field "image"')
        return files

    # What is computed: one request at a time, and never in the thread that listens

    async def compute(self, images, top):
        self.one_at_a_time = self.one_at_a_time or anyio.CapacityLimiter(1)         # belongs to the loop that runs
        return await anyio.to_thread.run_sync(self.classify, images, top, limiter=self.one_at_a_time, abandon_on_cancel=True)

    def classify(self, images, top):
        read = [decoded(image, self.classifier, self.limits) for image in images]
        scores = self.classifier.probabilities(np.stack([one.pixels for one in read]))
        return [self.answer(one, row, top) for one, row in zip(read, scores)]

    def answer(self, read, scores, top):
        found = best(scores, self.classifier.classes, top)
        name, probability = next(iter(found.items()))
        return {"class": name, "probability": probability, "scores": found, "input": read.notes}


async def refused(request, error):
    headers = {503: {"Retry-After": "1"}, 408: {"Connection": "close"}, 413: {"Connection": "close"}}
    return JSONResponse({"error": error.message}, error.status, headers.get(error.status))


async def known_refusal(request, error):
    """What Starlette refuses by itself: unknown addresses and methods."""
    ways = "GET /, GET /health, POST /predict"
    message = f"{error.detail}: {request.method} {request.url.path[:80]}; there are {ways}"
    return JSONResponse({"error": message}, error.status_code, error.headers)


async def broken(request, error):
    """A defect: the client is told that there is one, the log tells which."""
    return JSONResponse({"error": "the server has made a mistake; its log says more"}, 500)
