"""The training loop. What is not training itself (progress, files, stopping, keeping the best epoch) is a callback's."""

import math

import numpy as np

from .. import arrays
from ..data import DataLoader
from ..data.transfer import on_device
from ..errors import BadValue, DataError, Error
from ..nn.convert import device_of
from ..nn.utils import clip_grad_norm_
from ..optim.lr_scheduler import ReduceLROnPlateau
from .auxiliary import logits_of, loss_of
from .evaluation import Tally, evaluate
from .waiting import Waiting

LOOK_EVERY = 50             # steps on a GPU from one look at the loss to the next


class Diverged(Error, ArithmeticError):
    """The loss became NaN or infinite: further steps would be wasted."""


class Trainer:
    """Trains a model, epoch by epoch, so that it can be stopped after any step and gone on with later.

    criterion  callable (logits, labels) -> loss, a tensor of one element; auxiliary logits of a model's are added by `loss_of`
    scheduler  a schedule for the optimizer's rate, or None
    per        "epoch" or "step": how often the scheduler is to be stepped; ReduceLROnPlateau is given the validation loss
    callbacks  `Callback` objects, called in this order
    clip_norm  the gradients are scaled down to this norm, all together; None: never
    average    an `AveragedModel`: it follows the weights from step to step, and is what is validated and kept

    `epoch` counts the finished epochs, `step` the steps in the one under way; `history` has a dict for each finished epoch; `waiting`
    says how long training waited for batches.
    """

    def __init__(self, model, optimizer, criterion, scheduler=None, per="epoch", callbacks=(), clip_norm=None, average=None):
        if per not in ("epoch", "step"):
            raise BadValue(f"per must be 'epoch' or 'step', got {per!r}")
        if per == "step" and isinstance(scheduler, ReduceLROnPlateau):
            raise BadValue("ReduceLROnPlateau goes by the validation loss, which there is once an epoch: per must be 'epoch'")
        self.model, self.optimizer, self.criterion = model, optimizer, criterion
        self.scheduler, self.per, self.callbacks = scheduler, per, list(callbacks)
        self.clip_norm, self.average = clip_norm, average
        self.epoch, self.step, self.order, self.finished = 0, 0, None, False
        self.history, self.tally, self.stopping = [], Tally(), False
        self.loader_seed, self.waiting = None, Waiting()

    @np.errstate(all="ignore")          # overflow shows in the loss, which is checked after every step
    def fit(self, train_loader, val_loader, epochs):
        """Train until `epochs` epochs are finished in all, `stop()` is called or a callback sets `finished`. Returns the history.

        Loaders give batches (x, labels). Raises Diverged when the loss is not finite, DataError for loaders without batches.
        """
        self.train_loader, self.val_loader, self.epochs, self.stopping = train_loader, val_loader, epochs, False
        self.tell("train_start")
        while self.epoch < epochs and not (self.stopping or self.finished):
            self.train_epoch()
            if not self.stopping:
                self.finish_epoch()
        self.tell("train_end")
        return self.history

    def stop(self):
        """End after the current step, or after the current batch of the validation."""
        self.stopping = True

    def train_epoch(self):
        """The steps of one epoch that are still to be made."""
        batches = self.batches()
        self.tell("epoch_start")
        self.model.train()
        for x, labels in self.waiting.watch(on_device(batches, device_of(self.model))):
            self.train_step(x, labels)
            self.tell("step_end")
            if self.stopping:
                return
        if not self.step:
            raise DataError("the data set is empty: there is nothing to train on")

    def train_step(self, x, labels):
        """Forward, backward, update."""
        self.optimizer.zero_grad()
        outputs = self.model(x)
        loss = loss_of(self.criterion, outputs, labels)
        if not loss.is_cuda:                # to look at it would be to wait for the GPU: there, the tally is looked at now and then
            self.check_finite("loss", loss.item())
        loss.backward()
        if self.clip_norm is not None:
            clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.optimizer.step()
        if self.per == "step" and self.scheduler is not None:
            self.scheduler.step()
        if self.average is not None:
            self.average.update_parameters(self.model)
        self.step += 1
        self.tally.add(loss, logits_of(outputs), labels)
        if loss.is_cuda and self.step % LOOK_EVERY == 0:
            self.check_finite("loss", self.tally.loss)

    def finish_epoch(self):
        """Validate and write the epoch into the history; when stopped meanwhile, leave both for later."""
        self.check_finite("loss", self.tally.loss)
        validation = self.validate()
        if validation is None:
            return
        self.check_finite("validation loss", validation.loss)
        self.history.append({
            "epoch": self.epoch + 1, "learning_rate": self.learning_rate,
            "train_loss": self.tally.loss, "train_accuracy": self.tally.accuracy,
            "val_loss": validation.loss, "val_accuracy": validation.accuracy,
        })
        if self.per == "epoch" and self.scheduler is not None:
            self.scheduler.step(*[validation.loss] * isinstance(self.scheduler, ReduceLROnPlateau))
        self.epoch, self.step, self.order, self.tally = self.epoch + 1, 0, None, Tally()
        self.tell("epoch_end")

    def validate(self):
        """The Evaluation, or None when stopped meanwhile; without a trace in the training's stream of random numbers."""
        now = arrays.get_rng_state()
        validation = evaluate(self.judged, self.val_loader, self.criterion, stopped=lambda: self.stopping)
        arrays.set_rng_state(now)
        return validation

    def batches(self):
        """This epoch's batches from the present step on; in an epoch that is gone on with, in the order drawn at its start."""
        self.tell_loader_where_we_are()
        if self.step == 0:
            self.order = arrays.get_rng_state()
            return iter(self.train_loader)
        now = arrays.get_rng_state()
        arrays.set_rng_state(self.order)
        batches = iter(self.train_loader)
        for _ in range(self.step):
            next(batches)
        arrays.set_rng_state(now)
        return batches

    def tell_loader_where_we_are(self):
        """A DataLoader augments by its seed and the epoch: the same here as in a training that was not interrupted."""
        if isinstance(self.train_loader, DataLoader):
            if self.loader_seed is not None:
                self.train_loader.seed = self.loader_seed
            self.loader_seed = self.train_loader.seed
            self.train_loader.set_epoch(self.epoch)

    def check_finite(self, name, value):
        if not math.isfinite(value):
            raise Diverged(f"the {name} became {value} in epoch {self.epoch + 1}, after {self.step} steps, at a learning rate of "
                           f"{self.learning_rate:.3g}; a lower one is the usual cure")

    @property
    def judged(self):
        """The model that is validated and kept: with the averaged weights, where there are such."""
        return self.model if self.average is None else self.average.module

    @property
    def learning_rate(self):
        """The highest one, where layers have rates of their own."""
        return max(float(group["lr"]) for group in self.optimizer.param_groups)

    def tell(self, event):
        for callback in self.callbacks:
            getattr(callback, f"on_{event}")(self)

    # Stopping and going on

    def state_dict(self):
        """All that is needed to go on from here, in a form that `minicnn.save` takes."""
        return {
            "epoch": self.epoch, "step": self.step, "finished": self.finished, "history": self.history, "tally": self.tally.state_dict(),
            "random": arrays.get_rng_state(), "order": self.order, "loader_seed": self.loader_seed, "waiting": self.waiting.state_dict(),
            "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler is not None else None,
            "average": self.average.state_dict() if self.average is not None else None,
            "callbacks": [callback.state_dict() for callback in self.callbacks],
        }

    def load_state_dict(self, state):
        """Go on exactly where another Trainer, made in the same way, stood when it gave this state."""
        self.epoch, self.step, self.order, self.loader_seed = state["epoch"], state["step"], state["order"], state.get("loader_seed")
        self.history, self.tally, self.waiting = list(state["history"]), Tally(**state["tally"]), Waiting(**state.get("waiting", {}))
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.optimizer._opt_called = True           # it has made steps; a schedule would warn that it has not
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        self.finished = state.get("finished", False)
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        for callback, kept in zip(self.callbacks, state["callbacks"]):
            callback.load_state_dict(kept)
        arrays.set_rng_state(state["random"])
