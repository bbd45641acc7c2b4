"""Fonts for names in any script: where the usual font lacks a letter, matplotlib takes it from the next one in a list."""

import functools
import logging
import re
import warnings
from contextlib import contextmanager, suppress

USUAL = "DejaVu Sans"           # matplotlib brings it along: Latin, Greek, Cyrillic, and some of Arabic, Hebrew, Armenian, Georgian
# Those that are installed follow it, in this order: many scripts at once, then one system's fonts after the other.
OTHERS = (
    *(f"Noto Sans CJK {place}" for place in ("SC", "JP", "KR", "TC")), "Noto Sans SC", "Noto Sans JP", "Noto Sans KR", "Source Han Sans SC",
    *(f"Noto Sans {script}" for script in ("Arabic", "Hebrew", "Devanagari", "Bengali", "Tamil", "Telugu", "Thai", "Khmer", "Ethiopic")),
    "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback", "IPAGothic", "NanumGothic", "Lohit Devanagari", "Garuda",
    "Microsoft YaHei", "SimHei", "Yu Gothic", "Meiryo", "Malgun Gothic", "Nirmala UI", "Leelawadee UI", "Segoe UI", "Segoe UI Symbol",
    "PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo", "Arial Unicode MS", "Kohinoor Devanagari", "Thonburi", "Geeza Pro",
    "FreeSans", "FreeSerif", "Unifont", "Noto Emoji", "Symbola",
)
MISSING = re.compile(r"Glyph (\d+) .*missing from")
_told = set()


@functools.cache
def families():
    """The usual font, and of the others those that matplotlib knows."""
    from matplotlib.font_manager import fontManager

    installed = set(fontManager.get_font_names())
    return [USUAL, *(name for name in OTHERS if name in installed)]


def draw(figure, file, **options):
    """Write a figure to an open file. What no font has becomes a box; that is told once, in one warning for all letters."""
    missing = missing_letters(figure, file, options)
    if missing and add_new_fonts():
        from matplotlib.text import Text

        for text in figure.findobj(Text):
            text.set_family(families())
        file.seek(0)
        file.truncate()
        missing = missing_letters(figure, file, options)
    tell(missing)


def missing_letters(figure, file, options):
    """Draw the figure; the letters that matplotlib had no font for."""
    with quiet(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(file, **options)
    found = [(warning, MISSING.match(str(warning.message))) for warning in caught]
    for warning, missing in found:
        if not missing:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return {chr(int(missing[1])) for _, missing in found if missing}


def add_new_fonts():
    """Whether fonts were installed since matplotlib made its list of them: it does not look again by itself."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    before, known = len(families()), {entry.fname for entry in fontManager.ttflist}
    for path in set(findSystemFonts()) - known:
        with suppress(Exception):       # of a file that is no font, or of a kind that cannot be drawn
            fontManager.addfont(path)
    families.cache_clear()
    return len(families()) > before


@contextmanager
def quiet():
    """Without a word for each letter that is bold elsewhere and not in its own font."""
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def tell(letters):
    if letters - _told:
        _told.update(letters)
        warnings.warn(f"no installed font has {' '.join(sorted(letters)[:10])}{' ...' * (len(letters) > 10)}: pictures show boxes instead. "
                      f"Install one that has them, such as Noto Sans (Debian: fonts-noto-cjk, fonts-noto-core)", UserWarning, stacklevel=2)
