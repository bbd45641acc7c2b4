"""The run folder: what a training leaves behind, and from what an interrupted one goes on."""

import shlex
from contextlib import suppress
from dataclasses import asdict
from itertools import count
from pathlib import Path

from .. import plot
from ..data.folder import check_folder
from ..errors import DataError, Error
from ..serialize import load
from ..serialize.atomic import remove_leftovers
from . import config as configuration
from . import report as page
from .alone import alone_in
from .callbacks import BestEpoch, Checkpoint, EarlyStopping, HistoryFile
from .environment import changes, environment
from .events import EventFiles, event_files
from .job import prepare
from .results import SPLIT, evaluate_classifier, read_split, report, write_json
from .trainer import Diverged

FILES = {
    "model.mcnn": "the model of the best epoch, ready for use",
    "config.json": "to repeat the run: minicnn train --config",
    "history.csv": "losses and accuracies, epoch by epoch",
    "results.json": "the test: figures per class, confusion matrix",
    "learning-curve.png": "the history as a picture",
    "confusion-matrix.png": "which class was taken for which",
    "mistakes.png": "the most confidently misjudged test images",
    "checkpoint.mcnn": "what an interrupted run goes on from",
}
REPORT, REPORT_MEANING = "report.html", "all of it on one page, with the images behind each number"
SPLIT_MEANING = "which file is in which part"
MODEL, CONFIG, HISTORY, RESULTS, CURVE, CONFUSION, MISTAKES, CHECKPOINT = FILES


class Run:
    """A Job and the folder that it writes to.

    `remarks` are sentences on what the user should know of a run that is gone on with.
    """

    def __init__(self, folder, job):
        self.folder, self.job, self.remarks = Path(folder), job, []
        self.best = BestEpoch(on_best=lambda trainer: self.save_model())
        checkpoint = Checkpoint(self.folder / CHECKPOINT, job.config.checkpoint_every, config=asdict(job.config), environment=environment())
        early = [EarlyStopping(self.best, job.config.early_stopping)] if job.config.early_stopping else []
        job.trainer.callbacks[:0] = [self.best, HistoryFile(self.folder / HISTORY), *early, checkpoint]

    def fit(self):
        """Train; then put the best epoch's parameters into the model. Returns the history.

        Raises DataError while another process trains in the folder.
        """
        with alone_in(self.folder):
            remove_leftovers(self.folder)
            return self._fit()

    def _fit(self):
        new = not self.has_checkpoint
        try:
            history = self.job.fit()
        except Diverged:
            if new and self.best.record is None:    # nothing was reached, and to go on would end in the same way
                self.remove()
            raise
        self.best.restore(self.job.classifier.model)
        if self.best.record is None:                # stopped in the first epoch: what was reached is the best there is
            self.save_model()
        if history:
            plot.save(plot.learning_curve(history, self.best_epoch), self.folder / CURVE)
        return history

    @property
    def best_epoch(self):
        return self.best.record and self.best.record["epoch"]

    @property
    def has_checkpoint(self):
        return (self.folder / CHECKPOINT).exists()

    @property
    def is_complete(self):
        return self.job.trainer.finished or self.job.trainer.epoch >= self.job.config.epochs

    def write_events(self):
        """From now on, write the history as event files for TensorBoard, too."""
        self.job.trainer.callbacks.append(EventFiles(self.folder))

    def save_model(self):
        classifier, config = self.job.classifier, self.job.config
        chosen = {name: getattr(config, name) for name in ("dataset", "data_dir", "image_size", "broken", "seed")}
        classifier.about = {**chosen, **(self.best.record or {})}
        classifier.save(self.folder / MODEL, self.best.model)

    def remove(self):
        """Take the run's files away, and the folder unless there is something else in it."""
        for path in (*(self.folder / name for name in (*FILES, SPLIT, REPORT)), *event_files(self.folder)):
            path.unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()

    def test(self, with_report=False, seconds=None):
        """The test, as an Evaluation and as figures; pictures and figures are written, and the page of the report, if it is asked for.

        seconds  that the training took, for the report
        """
        outcome, classes = evaluate_classifier(self.job.classifier, self.job.parts.test), self.job.classifier.classes
        figures = {"best_epoch": self.best_epoch, **report(outcome, classes)}
        plot.save(plot.confusion_matrix(figures["confusion_matrix"], classes), self.folder / CONFUSION)
        images = self.job.parts.test.images
        plot.save(plot.mistakes(images, outcome.labels, outcome.probabilities, classes), self.folder / MISTAKES)
        if with_report:
            self.write_report(outcome, seconds)
        write_json(figures, self.folder / RESULTS)          # last: its presence says that the run is complete
        return outcome, figures

    def write_report(self, outcome, seconds=None):
        """The report of a test as one page of HTML."""
        job, config = self.job, asdict(self.job.config)
        facts = list(config.items())
        if seconds is not None:
            facts += [("training", f"{seconds:.1f} s"), ("waiting for data", str(job.trainer.waiting))]
        page.write(self.folder / REPORT, title=f"{config['model']} on {job.config.name}", classifier=job.classifier, outcome=outcome,
                   images=job.parts.test.images, parts=job.parts, augmented=job.augmented(AUGMENTED), history=job.trainer.history,
                   best_epoch=self.best_epoch, facts=facts, command=f"minicnn train --config {shlex.quote(str(self.folder / CONFIG))}")


AUGMENTED = 32                  # training images that the report shows after augmentation


def start(config, folder=None, progress=None):
    """A new Run, its folder made and its configuration written.

    folder  must not exist, or be empty; None: the next free runs/<dataset>-<model>-NNN

    Raises DataError for a folder that is in use, OSError for one that cannot be made.
    """
    job = prepare(config, progress)
    folder = make_folder(folder) if folder else make_numbered_folder(f"{config.name}-{config.model}")
    configuration.write(config, folder / CONFIG)
    write_split(job.parts, folder)
    return Run(folder, job)


def write_split(parts, folder):
    """Which file is in which part, for data that comes from files."""
    if parts.files() is not None:
        write_json(parts.files(), folder / SPLIT)


def make_folder(folder):
    """The folder, made if need be; DataError when there is something in it that a run could overwrite."""
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is not a folder; give another one, or none for runs/...")
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    if any(folder.iterdir()):
        raise DataError(f"{folder} is not empty; give another folder, or go on with the run in it by --resume {folder}")
    return folder


def make_numbered_folder(name, root="runs"):
    """runs/name-001, or the next number that is free."""
    for number in count(1):
        folder = Path(root) / f"{name}-{number:03d}"
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            if not Path(root).is_dir():
                raise


def resume(folder, progress=None):
    """The Run that was interrupted in a folder, exactly where its checkpoint stands; without one yet, from the beginning.

    Raises DataError where there is no run, where it is complete, or while another process trains it.
    """
    folder = Path(check_folder(folder))
    if (folder / RESULTS).exists():
        raise DataError(f"the run in {folder} is complete: there is nothing to go on with")
    if not (folder / CONFIG).exists():
        raise DataError(f"{folder} has no {CONFIG}: it is not the folder of a run that could be gone on with")
    with alone_in(folder):
        pass
    run = Run(folder, prepare(configuration.read(folder / CONFIG), progress, read_split(folder)))
    if run.has_checkpoint:
        run.remarks += load_checkpoint(run.job, folder / CHECKPOINT)
    else:
        write_split(run.job.parts, folder)
    return run


def load_checkpoint(job, path):
    """Bring a Job to where a checkpoint stands. Returns remarks. Raises DataError for one of another run."""
    state = load(path, map_location="cpu")                         # it goes to where the model is
    try:
        check_settings(state["config"], job.config)
        job.trainer.load_state_dict(state)
        changed = changes(state.get("environment") or environment())
    except (Error, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is not a checkpoint of this run: {reason(error)}") from None
    return [f"the run goes on otherwise than it was computed until now ({'; '.join(changed)}): the last digits may differ from those of "
            f"a run that was not interrupted"] * bool(changed)


def check_settings(before, config):
    """Refuse to go on with other settings than those that a checkpoint was written with; data and training may have been moved."""
    may_change = ("data_dir", "workers", "device", "checkpoint_every")
    other = [name for name, value in asdict(config).items() if before.get(name, value) != value and name not in may_change]
    if other:
        raise DataError(f"{CONFIG} has changed since it was written, in {', '.join(other)}")


def reason(error):
    return str(error) if isinstance(error, Error) else "its entries are others"
