# %% [markdown]
# # From data to verdict: Fashion-MNIST
#
# One image-classification project from start to finish, in the order in which it should be done: look at the data, prepare them, check
# the pipeline, choose optimizer and schedule, train, validate, compare, decide, test **once**, report.
#
# This file is a script and a notebook at once: run it, or open it in Jupyter (with jupytext), VS Code, PyCharm or Spyder.
#
#     python examples/case_study/fashion_mnist.py             # the whole, 15 epochs: half an hour or more on two cores
#     python examples/case_study/fashion_mnist.py --short     # 3 epochs: some minutes. The README's pictures are from it
#     python examples/case_study/fashion_mnist.py --quick     # 2,000 images, 1 epoch, small models: to see that it runs

# %%
"""One project on Fashion-MNIST from looking at the data to the test; see the text between the cells."""

import argparse
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from minicnn import data, metrics, plot
from minicnn.data.statistics import describe
from minicnn.models import summary
from minicnn.train import BestEpoch, compare, config, data_report, report, sheet
from minicnn.train.checking import check_all
from minicnn.train.images import divide
from minicnn.train.job import prepare
from minicnn.train.results import evaluate_classifier

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--short", action="store_true", help="3 epochs")
parser.add_argument("--quick", action="store_true", help="few images, 1 epoch")
here = Path(__file__).parent if "__file__" in globals() else Path()                     # a notebook has no file
parser.add_argument("--output", type=Path, default=here, help="folder for pictures, model and report")
parser.add_argument("--data-dir", help="folder with Fashion-MNIST's files; default: the system's, the cache, else download")
options = parser.parse_known_args()[0]          # a notebook has arguments of its own

PICTURES = options.output / "pictures"
PICTURES.mkdir(parents=True, exist_ok=True)
report.check_possible()                         # better now than after the training


def keep(figure, name):
    """Save a picture, in 256 colours, so that a README can show it."""
    plot.save(figure, PICTURES / name)
    Image.open(PICTURES / name).convert("RGB").quantize(256).save(PICTURES / name, optimize=True)


# %% [markdown]
# ## 1. Look at the data
#
# Before any network: how many images, how large, are the classes of equal size, is anything in it twice, and, above all, is anything
# that we shall test with among what we train on? Then look at the pictures themselves.

# %%
source = data.load("fashion-mnist", options.data_dir)
if options.quick:
    source = source._replace(train_images=source.train_images[:2000], train_labels=source.train_labels[:2000],
                             test_images=source.test_images[:500], test_labels=source.test_labels[:500])
both = {"train": (source.train_images, source.train_labels), "test": (source.test_images, source.test_labels)}
found = describe(both, source.classes, source.name)

print(f"{source.name}: {found.parts}, {found.sizes}, {', '.join(source.classes)}")
print("largest class over smallest:", ", ".join(f"{part} {ratio:.2f}" for part, ratio in found.imbalance.items()))
print(f"mean {found.mean[0]:.4f}, deviation {found.std[0]:.4f} (in 0..1)")
print(f"equal or nearly equal: {len(found.related)} pairs, {len(found.leaks)} of them with one image in train and one in test, "
      f"{len(found.contradictions)} with different labels")
print(f"blank: {len(found.blank)}; far from the mean of their class: {len(found.outliers)}")

looked_at = data_report.DataReport(found, np.concatenate([images for images, _ in both.values()]), None)
keep(data_report.means(looked_at), "1-class-means.png")
if len(found.related):
    keep(data_report.pairs(looked_at), "1-duplicates.png")

# %% [markdown]
# The mean images already say what will be difficult: T-shirt, pullover, coat and shirt are one silhouette, and so are the three kinds of
# shoes. And some hundred pairs of nearly equal images lie across train and test: about one test image in a hundred has a twin among those
# that are trained on, and is easier than it should be. We leave the data as everybody uses them, and say so.
#
# ## 2. Prepare: divide and normalise
#
# The test images came with the data and are put away until step 9. A tenth of the training images, of each class the same share, is held
# out: every decision below is made on these *validation* images. Images are normalised by the mean and the deviation of the training
# images, and of no others.

# %%
parts = divide(source)
print(f"{len(parts.train):,} to train on, {len(parts.validation):,} to decide by, {len(parts.test):,} put away for the test")

# %% [markdown]
# The baseline is the classic: LeNet-5, without augmentation. The candidate sees each image in another way in every epoch: mirrored one
# time in two, moved by up to two pixels. Both are described by a `Config`, as `minicnn train` makes it of its options.

# %%
epochs, ema = (1, 0.9) if options.quick else (3, 0.99) if options.short else (15, 0.999)
common = dict(dataset="fashion-mnist", data_dir=options.data_dir, epochs=epochs, batch_size=128)
baseline = config.complete(**common, model="lenet5", shift=0, label_smoothing=0.0)
candidate = config.complete(**common, model="lenet5" if options.quick else "vgg_small", shift=2, augment="flip", ema=ema)

for name, settings in (("baseline", baseline), ("candidate", candidate)):
    print(f"{name}: {settings.model}, {summary(prepare(settings, source=source).classifier.model, (1, 28, 28)).totals()}")

keep(sheet.contact_sheet(prepare(candidate, source=source), count=6, epochs=6), "2-what-the-network-sees.png")

# %% [markdown]
# ## 3. Check the pipeline
#
# Most failures of a first training are no failures of the model: labels that are shifted by one, a forgotten normalisation, a learning
# rate for another optimizer. Each check says what it saw; the last two train for a moment, on true labels and on shuffled ones.

# %%
checks = {check.name: check for check in check_all(prepare(baseline, source=source))}
for check in checks.values():
    print(f"{check.verdict}  {check.name:<32} {check.saw}")
    if check.cause:
        print(f"        expected: {check.expected}; usual causes: {check.cause}")

rates = checks["learning rate"].figures["range"]
keep(plot.learning_rate_range(rates.rates, rates.losses, rates.smooth, rates.suggestion, checks["learning rate"].figures["rate"]),
     "3-learning-rate-range.png")

# %% [markdown]
# ## 4. Choose optimizer and schedule
#
# A small comparison: the baseline on a fifth of the training images, each pair of optimizer and schedule at its usual rate with two
# seeds. It is judged on validation images, and it is small: a lead within the spread of the seeds is none.

# %%
fifth = slice(0, None, 1 if options.quick else 5)
small = source._replace(train_images=source.train_images[fifth], train_labels=source.train_labels[fifth])
pairs = compare.settings(replace(baseline, epochs=min(epochs, 5)), ["sgd", "adamw"], ["one-cycle", "constant"])
outcomes = compare.ranked(compare.compare(pairs, seeds=1 if options.quick else 2, source=small))
for outcome in outcomes:
    print(f"{outcome.name:<18} rate {outcome.lr:g}: {outcome.final[0]:.2%} ± {outcome.final[1]:.2%}")
keep(plot.comparison({outcome.name: outcome.accuracy for outcome in outcomes}, "LeNet-5 on a fifth of Fashion-MNIST"), "4-comparison.png")

best = {"optimizer": outcomes[0].optimizer, "scheduler": outcomes[0].scheduler, "lr": outcomes[0].lr}
baseline, candidate = replace(baseline, **best), replace(candidate, **best)

# %% [markdown]
# ## 5. Train
#
# The candidate is regularised in five ways: augmentation, weight decay, label smoothing, batch normalization, and an average of its
# weights over the last steps, which is what is validated and kept. Of both models the epoch with the best validation accuracy is kept.


# %%
def train(settings):
    """(the Job, after training; its history; the number of the epoch that was kept; the Evaluation on the validation images)"""
    job, kept = prepare(settings, source=source), BestEpoch()
    job.trainer.callbacks.append(kept)
    history = job.fit()
    kept.restore(job.classifier.model)
    return job, history, kept.record["epoch"], evaluate_classifier(job.classifier, job.parts.validation)


trained = {name: train(settings) for name, settings in (("baseline", baseline), ("candidate", candidate))}
for name, (_, history, epoch, _) in trained.items():
    for record in history:
        print(f"{name} epoch {record['epoch']:2}: training {record['train_loss']:.4f} {record['train_accuracy']:.2%}, "
              f"validation {record['val_loss']:.4f} {record['val_accuracy']:.2%}")
    keep(plot.learning_curve(history, epoch), f"5-learning-curve-{name}.png")

# %% [markdown]
# ## 6. Validate
#
# One figure hides much. Which classes are hard? Which are taken for which? And when the model says "90 %", is it right nine times in
# ten? Label smoothing makes a model timid on purpose: it is right more often than it says.

# %%
for name, (_, _, _, valid) in trained.items():
    error = metrics.expected_calibration_error(valid.labels, valid.probabilities)
    print(f"\n{name} on the validation images (expected calibration error {error:.1%})")
    print(metrics.classification_report(valid.labels, valid.predictions, target_names=source.classes, digits=3, zero_division=0))

# %% [markdown]
# ## 7. Compare
#
# Is the candidate better, or luckier? The bootstrap says how far each accuracy would move with other validation images. McNemar's test
# looks only at the images on which the two disagree, and so needs far fewer of them to see a difference.

# %%
accuracy = {name: metrics.bootstrap_interval(metrics.accuracy_score, valid.labels, valid.predictions)
            for name, (_, _, _, valid) in trained.items()}
for name, interval in accuracy.items():
    print(f"{name}: accuracy {interval} (95 %)")
labels = trained["baseline"][3].labels
test_of_both = metrics.mcnemar_test(labels, *(valid.predictions for _, _, _, valid in trained.values()))
print(f"only the baseline is right on {test_of_both.only_first} images, only the candidate on {test_of_both.only_second}: "
      f"p = {test_of_both.p_value:.2g} if they were equally good")

# %% [markdown]
# ## 8. Decide
#
# The rule was made before the figures were seen: the candidate is taken if it is better and the difference is significant (p < 0.05);
# else the baseline, which is smaller.

# %%
better = test_of_both.only_second > test_of_both.only_first and test_of_both.p_value < 0.05
chosen = "candidate" if better else "baseline"
job, history, epoch, _ = trained[chosen]
print(f"chosen: the {chosen}, {job.config.model}")

# %% [markdown]
# ## 9. Test, once
#
# Everything has been decided. Only now are the test images looked at, and whatever comes out is what is reported: to go back and choose
# again would make validation images of them.

# %%
outcome = evaluate_classifier(job.classifier, parts.test)
for name, metric in (("accuracy", metrics.accuracy_score), ("macro F1", partial(metrics.f1_score, average="macro"))):
    print(f"test {name} {metrics.bootstrap_interval(metric, outcome.labels, outcome.predictions)} (95 %)")

matrix = metrics.confusion_matrix(outcome.labels, outcome.predictions, labels=range(len(source.classes)))
keep(plot.confusion_matrix(matrix, source.classes), "9-confusion-matrix.png")
keep(plot.mistakes(parts.test.images, outcome.labels, outcome.probabilities, source.classes, most=15), "9-mistakes.png")
keep(plot.reliability_diagram(metrics.reliability(outcome.labels, outcome.probabilities),
                              metrics.expected_calibration_error(outcome.labels, outcome.probabilities)), "9-reliability.png")

# %% [markdown]
# ## 10. Report
#
# The model, with its classes and its normalisation, in one file; and one page that shows what was done, with the images behind every
# number: open `report.html`. What one training cannot say is how much was the seed's luck: for that, train with several seeds.

# %%
job.classifier.about = {"dataset": source.name, **history[epoch - 1]}
job.classifier.save(options.output / "model.mcnn")
report.write(options.output / "report.html", title=f"{job.config.model} on {source.name}", classifier=job.classifier, outcome=outcome,
             images=parts.test.images, parts=parts, augmented=job.augmented(32), history=history, best_epoch=epoch,
             facts=list(asdict(job.config).items()), command="python examples/case_study/fashion_mnist.py")
print(f"written: {options.output / 'model.mcnn'}, {options.output / 'report.html'}, {len(list(PICTURES.glob('*.png')))} pictures")
