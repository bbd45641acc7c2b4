"""Trainings that are killed at random moments, gone on with, and compared with trainings that nothing happened to.

    python -m tests.killed --times 200          # a table of where the kills fell; the exit status is 1 where something differs

A run is killed (SIGKILL) again and again until it comes to its end. After each kill, every file in its folder must be whole, and the
checkpoint at least as new as the last one whose saving had ended. At the end, history, models, figures and pictures must be, byte for
byte, those of the undisturbed run, and so must the state of everything in the checkpoint.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))

import numpy as np  # noqa: E402
from helpers import marked  # noqa: E402

from minicnn import Tensor  # noqa: E402
from minicnn.errors import Error  # noqa: E402
from minicnn.serialize import load  # noqa: E402

PROGRAM = Path(marked.__file__)
RUNS = (                # what is killed: between them, they have all that a training can be made of. FOLDER is one of images
    "--epochs 4 --checkpoint-every 1 --early-stopping 2",
    "--epochs 4 --checkpoint-every 2 --model with_dropout --optimizer adamw --scheduler warmup-cosine --ema 0.9 --clip-norm 1 --shift 0",
    "--epochs 6 --model with_dropout --optimizer rmsprop --lr 0.01 --scheduler plateau --early-stopping 2 --workers 2 "
    "--augment rotate,erase,mixup",
    "--epochs 4 --checkpoint-every 3 --data FOLDER --model small_cnn --optimizer nadam --scheduler step --ema 0.8 --workers 3 --batch-size 16 "
    "--augment flip,affine,color,cutmix --class-weight balanced",
    "--epochs 3 --checkpoint-every 2 --data FOLDER --model vgg_small --optimizer radam --scheduler one-cycle --no-decay-biases --batch-size 8 "
    "--image-size 16",
    "--epochs 3 --checkpoint-every 4 --data FOLDER --model resnet20 --optimizer adam --scheduler exponential --batch-size 16 --workers 1 "
    "--augment vflip --label-smoothing 0",
)
SLOW = (0, 0, 0.3, 2)   # milliseconds by which each part of a save is slowed down, by chance
EARLY = 0.1             # share of the kills that may fall before the training
REACH = 0.4             # of the undisturbed training's seconds, from its beginning, within which the others fall
MOST = 12               # kills of one run, which is then left to come to its end
PATIENCE = 300          # seconds that a run may take


class Differs(AssertionError):
    """A run that was killed is not what it should be."""


def make_images(folder, seed=0):
    """A folder of three unbalanced classes of small colour images."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    for shift, (name, count) in enumerate((("dark", 60), ("grey", 30), ("light", 20))):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 150, (16, 16, 3), dtype=np.uint8) + np.uint8(50 * shift)
            Image.fromarray(pixels).save(folder / name / f"{i:02}.png")


class Killer:
    """Starts trainings in a folder, kills them, and counts where."""

    def __init__(self, folder, seed=0):
        self.folder, self.rng, self.fell = Path(folder), np.random.default_rng(seed), Counter()
        make_images(self.folder / "images")

    def start(self, slow, *words):
        self.marks = self.folder / "marks"
        self.marks.unlink(missing_ok=True)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (PROGRAM.parents[2], *sys.path)))}
        return subprocess.Popen([sys.executable, PROGRAM, self.marks, str(slow), "train", *words, "--quiet"], env=environment,
                                cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def undisturbed(self, options, name):
        """The folder of a run that nothing happens to, and how many seconds it takes from the beginning of its training."""
        process = self.start(0, *options, "--output", name)
        self.wait_for_the_training(process)
        began = time.monotonic()
        self.end(process)
        return self.folder / name, time.monotonic() - began

    def wait_for_the_training(self, process):
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and self.stage == "starting" and time.monotonic() < deadline:
            time.sleep(0.002)

    def kill(self, process, seconds):
        """Whether the process was killed at a random moment, before it ended by itself."""
        if self.rng.random() > EARLY:
            self.wait_for_the_training(process)
        try:
            process.wait(float(self.rng.uniform(0, REACH * seconds)))
        except subprocess.TimeoutExpired:
            process.kill()
        return self.end(process, allowed=(0, -9)) != 0

    def end(self, process, allowed=(0,)):
        """Wait for the process. Returns its exit status, which must be one of the allowed."""
        _, errors = process.communicate(timeout=PATIENCE)
        if process.returncode not in allowed:
            raise Differs(f"{process.args}: exit status {process.returncode}: {errors}")
        return process.returncode

    @property
    def stage(self):
        return marked.read(self.marks)[0] if self.marks.exists() and self.marks.stat().st_size == marked.SIZE else "starting"

    def killed_until_complete(self, options, name, seconds, most):
        """The run's folder; it is killed up to `most` times. Undisturbed, its training takes so many seconds."""
        folder, kills = self.folder / name, 0
        while not (folder / "results.json").exists():
            words = ("--resume", name) if (folder / "config.json").exists() else (*options, "--output", name)
            process = self.start(self.rng.choice(SLOW), *words)
            if kills == most:
                self.end(process)
            elif self.kill(process, seconds):
                kills += 1
                self.fell[self.stage] += 1
                self.check_whole(folder)
        return folder

    def check_whole(self, folder):
        """Every file in the folder of a killed run is the old one or the new one, and the checkpoint is the newest."""
        for path in folder.glob("*.mcnn"):
            load(path)
        for path in folder.glob("*.json"):
            json.loads(path.read_text())
        if (folder / "history.csv").exists() and not (folder / "history.csv").read_text().endswith("\n"):
            raise Differs("history.csv is cut off")
        if self.stage != "starting" and (folder / "checkpoint.mcnn").exists():
            state, saved = load(folder / "checkpoint.mcnn"), marked.read(self.marks)[1]
            if (state["epoch"], state["step"]) < saved:
                raise Differs(f"the checkpoint is of {state['epoch'], state['step']}, but {saved} had been saved")


def compare(whole, parts):
    """Raise Differs unless the folder of a run that was killed holds what that of the undisturbed run holds."""
    left = {path.name for path in parts.iterdir()} ^ {path.name for path in whole.iterdir()}
    if left:
        raise Differs(f"only in one folder: {left}")
    different = [path.name for path in sorted(whole.iterdir())
                 if path.name != "checkpoint.mcnn" and path.read_bytes() != (parts / path.name).read_bytes()]
    states = [load(folder / "checkpoint.mcnn") for folder in (whole, parts)]
    for state in states:
        del state["waiting"]            # seconds
    different += [f"checkpoint.mcnn: {place}" for place in differences(*states)]
    if different:
        raise Differs(f"{parts} differs from {whole} in {', '.join(different)}")


def differences(a, b, place="state"):
    """The places where two nested states have not the same bits."""
    if type(a) is not type(b):
        yield place
    elif isinstance(a, dict):
        yield from (place for _ in [0] if a.keys() != b.keys())
        for key in a.keys() & b.keys():
            yield from differences(a[key], b[key], f"{place}.{key}")
    elif isinstance(a, (list, tuple)):
        yield from (place for _ in [0] if len(a) != len(b))
        for i, (x, y) in enumerate(zip(a, b)):
            yield from differences(x, y, f"{place}[{i}]")
    elif bits(a) != bits(b):
        yield place


def bits(value):
    array = value.array if isinstance(value, Tensor) else value
    return (array.dtype, array.shape, array.tobytes()) if isinstance(array, np.ndarray) else repr(array)


def main(times, seed, out=print):
    """Kill so many times, and print where the kills fell."""
    with tempfile.TemporaryDirectory() as folder:
        killer, runs, whole = Killer(folder, seed), 0, {}
        while killer.fell.total() < times:
            number = runs % len(RUNS)
            options = RUNS[number].replace("FOLDER", "images").split() + ["--seed", str(seed)]
            if number not in whole:
                whole[number] = killer.undisturbed(options, f"whole-{number}")
            before, (folder_of_whole, seconds) = killer.fell.total(), whole[number]
            compare(folder_of_whole, killer.killed_until_complete(options, f"parts-{runs}", seconds, min(MOST, times - before)))
            runs += 1
            out(f"run {runs}: killed {killer.fell.total() - before} times, and equal to the undisturbed one", flush=True)
    out(f"\n{killer.fell.total()} kills of {runs} runs:", *(f"{count:5} {stage}" for stage, count in killer.fell.most_common()), sep="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    try:
        main(given.times, given.seed)
    except (Differs, Error) as error:
        sys.exit(f"Error: {error}")
