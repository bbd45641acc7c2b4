"""What happens around the training loop: keeping the best epoch, writing files, reports to whoever watches."""

from ..models.transfer import blocks_of, freeze, unfreeze
from ..optim.hyperparameters import count
from ..serialize import save
from .results import write_csv


class Callback:
    """Base of callbacks. Each method is called with the Trainer; a subclass defines those that it needs.

    What must survive an interruption goes through `state_dict` and `load_state_dict`.
    """

    def on_train_start(self, trainer):
        pass

    def on_epoch_start(self, trainer):
        pass

    def on_step_end(self, trainer):
        pass

    def on_epoch_end(self, trainer):
        pass

    def on_train_end(self, trainer):
        pass

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


class BestEpoch(Callback):
    """Keeps the model of the epoch with the best validation accuracy; of equals, the one with the lowest validation loss.

    on_best  called with the Trainer whenever there is a new best epoch
    """

    def __init__(self, on_best=lambda trainer: None):
        self.on_best = on_best
        self.record = self.model = None

    def on_epoch_end(self, trainer):
        record = trainer.history[-1]
        if self.record is None or _merit(record) > _merit(self.record):
            self.record = record
            self.model = {name: tensor.clone() for name, tensor in trainer.judged.state_dict().items()}
            self.on_best(trainer)

    def restore(self, model):
        """Put the best epoch's parameters into the model; without a finished epoch, leave them as they are."""
        if self.model is not None:
            model.load_state_dict(self.model)

    def state_dict(self):
        return {"record": self.record, "model": self.model}

    def load_state_dict(self, state):
        self.record, self.model = state["record"], state["model"]


def _merit(record):
    return record["val_accuracy"], -record["val_loss"]


class EarlyStopping(Callback):
    """Ends the training when so many epochs in a row have brought no new best one.

    best      the BestEpoch that stands before this callback
    patience  epochs

    A schedule that lowers the learning rate towards a fixed last epoch is cut off by it; "constant" and "step" go well with it.
    """

    def __init__(self, best, patience):
        self.best, self.patience = best, count("patience", patience, least=1)

    def on_epoch_end(self, trainer):
        if trainer.epoch - self.best.record["epoch"] >= self.patience:
            trainer.finished = True


class GradualUnfreezing(Callback):
    """Trains the last block of a model at first, and after every so many epochs one block more, from the end to the beginning.

    every  epochs

    The blocks are those of `models.blocks_of`. The optimizer must have been given the parameters of all of them, as they are before
    the training: it leaves those without a gradient as they are (Howard & Ruder, ACL 2018, section 3.3).
    """

    def __init__(self, every=1):
        self.every = count("every", every, least=1)

    def on_epoch_start(self, trainer):
        blocks, trained = blocks_of(trainer.model), 1 + trainer.epoch // self.every
        if trained < len(blocks):
            freeze(trainer.model, until=blocks[-trained].path)
            unfreeze(trainer.model, since=blocks[-trained].path)
        else:
            unfreeze(trainer.model)


class Checkpoint(Callback):
    """Writes the Trainer's whole state to a file: at the start, after every epoch, and at the end or when stopped.

    every  steps of an epoch from one checkpoint within it to the next; None: there is none within an epoch
    more   entries to be written along with it
    """

    def __init__(self, path, every=None, **more):
        self.path, self.every, self.more = path, every, more

    def on_train_start(self, trainer):
        save({**trainer.state_dict(), **self.more}, self.path)

    on_epoch_end = on_train_end = on_train_start

    def on_step_end(self, trainer):
        if self.every is not None and trainer.step % self.every == 0:
            self.on_train_start(trainer)


class HistoryFile(Callback):
    """Writes the history as CSV after every epoch: the same training gives the same bytes."""

    def __init__(self, path):
        self.path = path

    def on_epoch_end(self, trainer):
        write_csv(trainer.history, self.path)
