"""A report in a real browser, whose network is watched: nothing is asked for but the file itself."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from helpers import commands
from PIL import Image

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium or Chrome to open the report in")

ALONE = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1200,3000")
ELSEWHERE = "http://example.invalid/picture.png"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    pytest.importorskip("jinja2")
    folder = tmp_path_factory.mktemp("report") / "run"
    assert commands.run("train", "--epochs", 2, "--report", "--output", folder, "--quiet").exit_code == 0
    return folder / "report.html"


def opened(address, folder):
    """(addresses that the browser asked the network for, the page as an image)"""
    folder.mkdir()
    log, picture = folder / "log.json", folder / "page.png"
    subprocess.run([BROWSER, *ALONE, f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}", f"--screenshot={picture}", address],
                   check=True, capture_output=True, timeout=120)
    events = json.loads(log.read_text())["events"]
    asked = {event["params"]["url"].partition("?")[0] for event in events if "url" in event.get("params", {})}
    with Image.open(picture) as image:
        return asked, np.asarray(image.convert("L"))


def test_nothing_is_asked_for(report, tmp_path):
    """Chromium asks for things of its own, which it does for an empty page as well."""
    own, blank = opened("about:blank", tmp_path / "blank")
    asked, page = opened(report.as_uri(), tmp_path / "page")
    assert asked <= own
    assert page.std() > 10 > blank.std()
    assert report.stat().st_size < 5_000_000


def test_the_watch_sees_an_address(report, tmp_path):
    own, _ = opened("about:blank", tmp_path / "blank")
    planted = report.with_name("planted.html")
    planted.write_text(report.read_text(encoding="utf-8").replace("</body>", f'<img src="{ELSEWHERE}"></body>'), encoding="utf-8")
    assert opened(planted.as_uri(), tmp_path / "page")[0] - own == {ELSEWHERE}
