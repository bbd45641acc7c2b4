"""The report: one page that needs nothing else, says what the figures say, and shows what is behind them."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from helpers.commands import refused, run
from PIL import Image

from minicnn import metrics, models
from minicnn.errors import DataError
from minicnn.train import opening, report
from minicnn.train.evaluation import Evaluation
from minicnn.train.images import Part, Parts


class Page(HTMLParser):
    """The tags of a page, with their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        self.text.append(data.strip())


def made(classes=3, count=60, size=8, channels=1, seed=0, names=None, **more):
    """A classifier, and an outcome on images of chance with as many mistakes as chance makes."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, channels, size, size), np.uint8)
    labels = np.arange(count) % classes
    scores = rng.random((count, classes)) + 0.6 * np.eye(classes)[labels]
    outcome = Evaluation(0.5, 0.0, labels, scores / scores.sum(1, keepdims=True))
    names = names or [f"class {k}" for k in range(classes)]
    classifier = models.Classifier.for_images("small_cnn", images, names, {"background": "dark", "fill": 0.5})
    return {"title": "a test", "classifier": classifier, "outcome": outcome, "images": images, **more}


def written(tmp_path, **what):
    report.write(tmp_path / "report.html", **what)
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def check_self_contained(text):
    page = Page(text)
    assert not page.open
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object", "base", "form"), tag
        assert not any(name.startswith("on") for name in attributes), attributes
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:image/png;base64,")), attributes[name][:80]
    assert "http:" not in text and "https:" not in text and "url(" not in text and "@import" not in text
    targets = {a["href"][1:] for t, a in page.tags if t == "a"}
    assert targets <= {a["id"] for _, a in page.tags if "id" in a}
    return page


def test_a_page_that_needs_nothing_else_and_whose_links_lead_somewhere(tmp_path):
    what = made()
    parts = Parts(*(Part(what["images"], what["outcome"].labels) for _ in range(3)))
    history = [{"epoch": e, "train_loss": 1 / e, "val_loss": 1.1 / e, "train_accuracy": 0.5, "val_accuracy": 0.4} for e in (1, 2)]
    text = written(tmp_path, **what, parts=parts, augmented=what["images"][:5], history=history, best_epoch=2, facts=[("seed", 7)],
                   command="minicnn train --config <x>")
    page = check_self_contained(text)
    for words in ("a test", "class 2", "Learning curves", "seed", "7", "minicnn train --config <x>", "small_cnn: 36,939 parameters, "):
        assert any(words in part for part in page.text), words
    assert len(text) < 5e6


def test_figures_are_those_of_the_metrics(tmp_path):
    what = made()
    outcome = what["outcome"]
    page = Page(written(tmp_path, **what))
    assert f"{metrics.accuracy_score(outcome.labels, outcome.predictions):.2%}" in page.text
    assert f"{metrics.roc_auc_score(outcome.labels == 1, outcome.probabilities[:, 1]):.4f}" in page.text
    matrix = metrics.confusion_matrix(outcome.labels, outcome.predictions)
    links = {a["href"]: a for t, a in page.tags if t == "a" and a["href"].startswith("#c") and "-" in a["href"]}
    assert set(links) == {f"#c{k}-{j}" for k, j in zip(*np.nonzero(matrix))}


def test_a_class_that_is_not_tested_has_no_curve_and_the_others_are_all_shown(tmp_path):
    what = made(names=["a", "b", "c"], classes=2)
    outcome = what["outcome"]._replace(probabilities=np.pad(what["outcome"].probabilities, ((0, 0), (0, 1))))
    page = Page(written(tmp_path, **{**what, "outcome": outcome}))
    assert page.text.count("Each class against all others.") == 2 and page.text.count("–") == 1


def test_behind_a_cell_are_its_own_images_the_most_confident_mistakes_first(tmp_path):
    what = made()
    outcome = what["outcome"]
    text = written(tmp_path, **what)
    k, j = next((k, j) for k, j in zip(*np.nonzero(metrics.confusion_matrix(outcome.labels, outcome.predictions))) if k != j)
    section = text[text.index(f'id="c{k}-{j}"'):]
    section = section[:section.index("</section>")]
    there = np.flatnonzero((outcome.labels == k) & (outcome.predictions == j))
    expected = there[np.argsort(-outcome.probabilities.max(1)[there], kind="stable")]
    shown = [np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for data in re.findall(r"base64,([^\"]+)", section)]
    assert len(shown) == min(len(expected), 12) > 0
    for image, index in zip(shown, expected):
        np.testing.assert_array_equal(image, what["images"][index, 0])


def test_names_are_text_and_not_html(tmp_path):
    names = ["<script>alert(1)</script>", "a & b", '"quoted" <img src=http:x>']
    page = Page(written(tmp_path, **made(names=names)))
    assert not any(tag == "script" for tag, _ in page.tags)
    assert names[0] in page.text
    assert all(a.get("src", "data:").startswith("data:") for _, a in page.tags)


@pytest.mark.parametrize("what", [
    dict(classes=2, count=2), dict(classes=3, count=4), dict(classes=2, count=30, channels=3, size=100),
    dict(classes=120, count=1000, channels=3, size=40),
], ids=["two images", "four images", "colour", "many classes"])
def test_odd_tests(what, tmp_path):
    text = written(tmp_path, **made(**what))
    check_self_contained(text)
    assert len(text) < 5e6


def test_large_images_are_left_out_before_the_page_becomes_too_large(tmp_path):
    text = written(tmp_path, **made(classes=40, count=4000, channels=3, size=64))
    assert len(text) < 5e6 and "images are left out, to keep the page small" in text


def test_from_the_command_line(tmp_path, monkeypatch):
    folder, page = tmp_path / "run", tmp_path / "test.html"
    result = run("train", "--epochs", 1, "--report", "--augment", "rotate", "--output", folder)
    assert result.exit_code == 0 and "report.html" in result.output
    check_self_contained((folder / "report.html").read_text(encoding="utf-8"))
    opened, read = [], opening.read_network
    monkeypatch.setattr(opening, "read_network", lambda path, model: opened.append(path.name) or read(path, model))
    result = run("evaluate", folder, "--part", "validation", "--mean", "0.3", "--report", page)
    assert result.exit_code == 0 and "written: " in result.output and opened == ["model.mcnn"]
    text = page.read_text(encoding="utf-8")
    check_self_contained(text)
    assert re.search(r"istakes on \d+ images", text) and "test images" not in text
    assert f"minicnn evaluate {folder} --part validation --mean 0.3<" in text


def test_without_jinja_it_is_said_before_the_training(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(DataError, match=r"pip install 'minicnn\[report\]'"):
        report.check_possible()
    assert "pip install" in refused("train", "--report", "--output", tmp_path / "run") and not (tmp_path / "run").exists()


def test_a_place_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(DataError, match="cannot be written, it is a folder"):
        report.write(tmp_path / "report.html", **made())
