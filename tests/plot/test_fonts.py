"""Names in any script: letters come from whichever font has them, and what no font has is told once."""

import io
import warnings

import pytest

from minicnn import plot
from minicnn.plot import fonts
from minicnn.plot.style import png, style

LETTER = "\u23b0"               # STIX Size One, which comes with matplotlib, has this bracket; the usual font has not
NOBODY = "\U0003fffd\U0003fffc"     # no font has these


def figure_of(name):
    return plot.confusion_matrix([[1, 0], [0, 1]], [name, "b"])


@pytest.fixture
def only_the_usual_font(monkeypatch):
    monkeypatch.setattr(fonts, "OTHERS", ())
    monkeypatch.setattr(fonts, "_told", set())
    fonts.families.cache_clear()
    yield
    fonts.families.cache_clear()


def test_missing_letters_are_told_once_and_together(only_the_usual_font, monkeypatch):
    monkeypatch.setattr(fonts, "add_new_fonts", lambda: False)
    with pytest.warns(UserWarning) as caught:
        png(figure_of(NOBODY), dpi=50)
        png(figure_of(NOBODY[0]), dpi=50)
    assert [str(w.message).split(":")[0] for w in caught] == [f"no installed font has {NOBODY[1]} {NOBODY[0]}"]
    with pytest.warns(UserWarning, match="no installed font has"):
        png(figure_of(LETTER), dpi=50)


def test_a_listed_font_has_the_letter(only_the_usual_font, monkeypatch):
    monkeypatch.setattr(fonts, "OTHERS", ("Absent Font", "STIXSizeOneSym"))
    fonts.families.cache_clear()
    assert fonts.families() == [fonts.USUAL, "STIXSizeOneSym"]
    assert png(figure_of(LETTER), dpi=50).startswith(b"\x89PNG")


def test_a_font_that_was_installed_since_is_found(only_the_usual_font, monkeypatch):
    from matplotlib import font_manager

    # matplotlib remembers which file it found for a name: none may have been drawn with this one before.
    name, known = "STIXSizeThreeSym", font_manager.fontManager.ttflist
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [entry for entry in known if entry.name != name])
    paths = [entry.fname for entry in known if entry.name == name]
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [*paths, __file__])      # this file is no font
    monkeypatch.setattr(fonts, "OTHERS", (name,))
    fonts.families.cache_clear()
    assert fonts.families() == [fonts.USUAL]
    figure, file = figure_of("\u23b4"), io.BytesIO()         # neither has the usual font this bracket
    with style():
        fonts.draw(figure, file, format="png")
    assert fonts.families() == [fonts.USUAL, name]
    assert file.getvalue().startswith(b"\x89PNG") and file.getvalue().count(b"IEND") == 1


def test_other_warnings_stay_what_they_are(only_the_usual_font):
    class Odd:
        def savefig(self, file, **options):
            warnings.warn("something else", DeprecationWarning, stacklevel=1)

    with pytest.warns(DeprecationWarning, match="something else"):
        fonts.draw(Odd(), io.BytesIO())
