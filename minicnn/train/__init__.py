"""Training: the loop with its callbacks, evaluation, and the run from a configuration to a folder with the outcome."""

from .averaging import AveragedModel, get_ema_avg_fn, get_ema_multi_avg_fn
from .callbacks import BestEpoch, Callback, Checkpoint, EarlyStopping, GradualUnfreezing, HistoryFile
from .choices import parameter_groups
from .events import EventFiles
from .evaluation import Evaluation, evaluate
from .interrupt import stop_on_interrupt
from .trainer import Diverged, Trainer
