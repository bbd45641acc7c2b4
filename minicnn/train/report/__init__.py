"""The report: one HTML file, without scripts and without anything from elsewhere, that says what was tested and how good it is.

`contents.py` computes what it says, `page.html` is how it looks.
"""

from ...errors import DataError
from ...plot.style import shortened
from ...serialize.atomic import replacing


def check_possible():
    """Raise DataError, with the mend, where the package is missing that fills the page."""
    try:
        import jinja2  # noqa: F401
    except ImportError:
        raise DataError("a report needs Jinja2: pip install 'minicnn[report]'") from None


def write(path, **what):
    """Write the report to a file, atomically. The arguments are those of `contents.contents`. Raises DataError without Jinja2."""
    check_possible()
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from .contents import contents

    environment = Environment(loader=PackageLoader(__name__, "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
                              lstrip_blocks=True)
    environment.filters["short"] = shortened
    page = environment.get_template("page.html").render(contents(**what))
    with replacing(path) as file:
        file.write(page.encode())
