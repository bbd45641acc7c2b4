"""What one request may take, and how a request that is refused is answered."""

from dataclasses import dataclass

from ..errors import BadValue

MEGA = 10**6


@dataclass(frozen=True)
class Limits:
    """Bounds, each of which protects everybody else from one client.

    megabytes   of a request's body
    megapixels  of one image: some kilobytes of PNG unpack to as many pixels as they like
    images      in one request
    seconds     for a request's body to arrive, and for its answer to be computed
    waiting     requests that are under way at once; one is computed at a time, by all cores
    """

    megabytes: float = 10
    megapixels: float = 20
    images: int = 16
    seconds: float = 30
    waiting: int = 16

    def __post_init__(self):
        for name in ("megabytes", "megapixels", "images", "seconds", "waiting"):
            if not 0 < getattr(self, name) < float("inf"):
                raise BadValue(f"{name} must be above 0, got {getattr(self, name)}")

    @property
    def bytes(self):
        return int(self.megabytes * MEGA)

    @property
    def pixels(self):
        return int(self.megapixels * MEGA)


class Refused(Exception):
    """A request that is answered with an HTTP status and one sentence that says why."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status, self.message = status, message
