"""What tests of interrupted trainings need."""

from minicnn.train import Callback


class StopAt(Callback):
    """Stops the training after so many steps from now on; 0: never."""

    def __init__(self, step):
        self.left = step

    def on_step_end(self, trainer):
        self.left -= 1
        if not self.left:
            trainer.stop()
