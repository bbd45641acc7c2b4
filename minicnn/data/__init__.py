"""Data sets, samplers, loaders: how samples become batches. The names are those of `torch.utils.data` and torchvision."""

from .balance import balanced_sampler, compute_class_weight, imbalance_ratio
from .cifar import CIFAR10, CIFAR100
from .collate import default_collate, default_convert
from .dataset import ChainDataset, ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset, random_split
from .folder import DatasetFolder, ImageFolder
from .images import MNIST, Digits, FashionMNIST, to_float
from .loader import DataLoader
from .registry import NAMES, ImageData, load
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, SubsetRandomSampler, WeightedRandomSampler
from .splits import stratified_split
from . import transforms

__all__ = [
    "BatchSampler", "CIFAR10", "CIFAR100", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset", "DatasetFolder", "Digits",
    "FashionMNIST", "ImageData", "ImageFolder", "IterableDataset", "MNIST", "NAMES", "RandomSampler", "Sampler",
    "SequentialSampler", "Subset", "SubsetRandomSampler", "TensorDataset", "WeightedRandomSampler", "balanced_sampler",
    "compute_class_weight", "default_collate", "default_convert", "get_worker_info", "imbalance_ratio", "load", "random_split",
    "stratified_split", "to_float", "transforms",
]


def get_worker_info():
    """None: workers are threads that share one data set, so there is nothing to divide among them."""
    return None
