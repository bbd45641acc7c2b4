"""How long training waits for its data: time between asking for a batch and having it."""

import time


class Waiting:
    """Seconds waited for batches, of all seconds that steps took, and how many steps there were."""

    def __init__(self, waited=0.0, total=0.0, steps=0):
        self.waited, self.total, self.steps = waited, total, steps

    def state_dict(self):
        return {"waited": self.waited, "total": self.total, "steps": self.steps}

    def watch(self, batches):
        """The batches, one by one; time is counted from one to the next."""
        batches, began = iter(batches), time.perf_counter()
        while True:
            asked = time.perf_counter()
            try:
                batch = next(batches)
            except StopIteration:
                return
            self.waited += time.perf_counter() - asked
            yield batch
            self.total, self.steps, began = self.total + time.perf_counter() - began, self.steps + 1, time.perf_counter()

    def __str__(self):
        """In words: per step, in milliseconds."""
        count = max(self.steps, 1)
        return f"waited {1000 * self.waited / count:.2f} ms for data of {1000 * self.total / count:.1f} ms per step"
