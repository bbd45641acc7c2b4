"""Pictures of data, training and its outcome. Each function returns a matplotlib Figure, which `save` writes as a file."""

from .data import class_balance, class_means, contact_sheet, image_grid, image_pairs
from .devices import devices
from .outcome import confusion_matrix, learning_curve, mistakes, precision_recall_curves, reliability_diagram, roc_curves, worst
from .style import save
from .training import comparison, gradient_norms, learning_rate_range
