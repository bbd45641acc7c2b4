"""Training: the loop with its callbacks, evaluation, and the run from a configuration to a folder with the outcome."""

from .callbacks import BestEpoch, Callback, Checkpoint, HistoryFile
from .evaluation import Evaluation, evaluate
from .interrupt import stop_on_interrupt
from .trainer import Diverged, Trainer
