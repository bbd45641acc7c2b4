"""A trained classifier as an .onnx file that takes images as they are: normalisation and class names are inside."""

from .. import onnx
from ..onnx.preprocess import LAYOUTS  # noqa: F401  (the command line's choices)


def export_classifier(classifier, path, layout="NHWC"):
    """Write a Classifier as ONNX; returns the onnx.ModelProto.

    layout  of the images uint8 0..255 that it takes: "NHWC", as image files are read, or "NCHW"

    It gives logits (N, K). The class names are the file's property `classes`, a JSON list. Raises as `onnx.export`.
    """
    metadata = {"classes": classifier.classes, "mean": classifier.mean, "std": classifier.std}
    return onnx.export(classifier.model, classifier.input_shape, path, output_names=["logits"], metadata=metadata, preprocessing=layout)
