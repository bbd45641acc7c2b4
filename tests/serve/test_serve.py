"""`minicnn serve`: what is answered, what is refused and with which status, and one real server."""

import asyncio
import base64
import io
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
from PIL import Image

import minicnn
from minicnn import errors
from minicnn.models import Classifier
from minicnn.serve import Limits, listen, make_app
from minicnn.serve.images import decoded, of_json
from minicnn.serve.limits import Refused
from minicnn.serve.server import is_local

pytest.importorskip("starlette")
pytest.importorskip("python_multipart")
pytest.importorskip("httpx")

from minicnn.serve.app import Service  # noqa: E402

STYLE = {"background": "any", "fill": 1.0}


def make_classifier(channels=3, side=8):
    minicnn.manual_seed(0)
    arguments = {"num_classes": 3, "in_channels": channels}
    return Classifier("small_cnn", arguments, ["cat", "dog", "ox"], (channels, side, side), [0.5] * channels, [0.2] * channels, STYLE)


@pytest.fixture(scope="module")
def classifier():
    return make_classifier()


def client(classifier, local=True, **limits):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                 # newer ones ask for a client of another name
        from starlette.testclient import TestClient

    return TestClient(make_app(classifier, Limits(**limits), local), raise_server_exceptions=False)


@pytest.fixture
def web(classifier):
    return client(classifier)


def png(side=8, mode="RGB", seed=0, form="PNG"):
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, form)
    return file.getvalue()


def pixels_of(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def send(web, data, kind="image/png", query=""):
    return web.post(f"/predict{query}", content=data, headers={"content-type": kind})


def predictions(response):
    assert response.status_code == 200, response.text
    return response.json()["predictions"]


def refused(response, status):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json" and list(response.json()) == ["error"]
    return response.json()["error"]


# What is answered


def test_what_there_is(web):
    found = web.get("/").json()
    assert found["model"] == "small_cnn" and found["names"] == ["cat", "dog", "ox"] and found["input"] == "3x8x8"
    assert "curl --data-binary" in found["example"] and "multipart/form-data" in found["predict"]
    assert web.get("/health").json() == {"status": "ok"}


def test_all_ways_to_send_an_image_give_the_same(classifier, web):
    data = png()
    pixels = pixels_of(data)
    expected = classifier.probabilities(pixels.transpose(2, 0, 1)[None].astype(np.uint8))[0]
    text = base64.b64encode(data).decode()
    answers = [
        send(web, data), send(web, data, "application/octet-stream"), send(web, data, "application/x-www-form-urlencoded"),
        send(web, data, "image/anything; x=1"),
        web.post("/predict", files={"image": ("../../etc/passwd", data, "image/png")}),
        web.post("/predict", json={"image": text}), web.post("/predict", json={"image": "data:image/png;base64," + text}),
        web.post("/predict", json={"image": pixels.tolist()}), web.post("/predict", json={"images": [(pixels / 255).tolist()]}),
    ]
    for answer in answers:
        (found,) = predictions(answer)
        np.testing.assert_allclose([found["scores"][name] for name in classifier.classes], expected, rtol=1e-5)
        assert found["probability"] == max(found["scores"].values()) == found["scores"][found["class"]]
        assert list(found["scores"].values()) == sorted(found["scores"].values(), reverse=True)


def test_several_images_and_the_best_classes_only(web):
    one, two = png(seed=1), png(seed=2)
    alone = [predictions(send(web, data, query="?top=2"))[0] for data in (one, two)]
    files = [("image", ("a", one)), ("other", ("b", two))]
    assert [p["class"] for p in predictions(web.post("/predict?top=2", files=files))] == [p["class"] for p in alone]
    listed = predictions(web.post("/predict?top=2", json={"images": [base64.b64encode(one).decode(), pixels_of(two).tolist()]}))
    for a, b in zip(listed, alone):
        assert len(a["scores"]) == 2 and a["probability"] == pytest.approx(b["probability"], rel=1e-5)


def test_other_sizes_modes_and_formats(web):
    for mode, form in (("L", "PNG"), ("1", "PNG"), ("P", "GIF"), ("CMYK", "JPEG"), ("RGBA", "WEBP"), ("RGB", "BMP"), ("L", "TIFF"), ("RGB", "PPM")):
        (found,) = predictions(send(web, png(31, mode, form=form)))
        assert any("8x8" in note for note in found["input"]), found
    assert "middle part scaled to 8x8" in predictions(web.post("/predict", json={"image": np.zeros((5, 20), int).tolist()}))[0]["input"]


def test_grey_models_take_colour():
    web = client(make_classifier(channels=1))
    grey, colour = (predictions(send(web, png(mode=mode)))[0] for mode in ("L", "RGB"))
    assert grey["probability"] == pytest.approx(colour["probability"], rel=1e-3)
    rows = predictions(web.post("/predict", json={"image": pixels_of(png()).tolist()}))[0]
    assert rows["probability"] == pytest.approx(colour["probability"], rel=1e-2)


# What is refused


@pytest.mark.parametrize("body, status, message", [
    (b"{", 400, "not JSON"), (b"[" * 100_000, 400, "not JSON"), (b'{"image": NaN}', 400, "NaN is no number"), (b"\xff\xfe", 400, "not JSON"),
    (b"[]", 422, 'expected {"image"'), (b"{}", 422, 'expected {"image"'), (b'{"image": [], "images": []}', 422, 'expected {"image"'),
    (b'{"images": []}', 422, "at least one"), (b'{"images": "x"}', 422, "must be a list"), (b'{"image": 7}', 422, "rows of pixels"),
    (b'{"image": "/etc/passwd"}', 422, "paths and addresses are not opened|not read|cannot be read"),
    (b'{"image": "http://localhost/x.png"}', 422, "paths and addresses are not opened"), (b'{"image": "AAAA"}', 422, "no image that Pillow knows"),
    (b'{"image": [[1, 2], [3]]}', 422, "rows of one length"), (b'{"image": [["a"]]}', 422, "numbers only"), (b'{"image": [[]]}', 422, "rows of"),
    (b'{"image": [[-1]]}', 422, "from -1 to -1"), (b'{"image": [[256]]}', 422, "256"), (b'{"image": [[1.5]]}', 422, "from 0 to 1"),
    (b'{"image": [[[1, 2]]]}', 422, "1 or 3"), (b'{"image": [[1e999]]}', 422, "inf"), (b'{"image": [[true]]}', 422, "numbers only"),
    (b'{"image": [[%d]]}' % 10**40, 422, "numbers only"), (b"", 400, "empty"),
])
def test_json_that_makes_no_sense(web, body, status, message):
    assert re.search(message, refused(send(web, body, "application/json"), status))


@pytest.mark.parametrize("body, kind, status, message", [
    (b"hello", "image/png", 422, "no image that Pillow knows"), (png()[:100], "image/png", 422, "cannot be read as an image"),
    (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "image/x-eps", 422, "no image that Pillow knows"), (b"", "image/png", 400, "empty"),
    (b"x", "text/plain", 415, "'text/plain' is not taken"), (b"x", "", 415, "is not taken"),
    (b"x", "multipart/form-data", 400, "cannot be read"), (b"--y\r\nrubbish", "multipart/form-data; boundary=x", 400, "cannot be read"),
    (b"--x--\r\n", "multipart/form-data; boundary=x", 422, "no file"),
])
def test_bodies_that_are_no_image(web, body, kind, status, message):
    assert re.search(message, refused(send(web, body, kind), status))


def test_fields_of_a_form_that_are_no_files(web):
    assert "no image that Pillow knows" in refused(web.post("/predict", data={"image": "/etc/passwd"}), 422)
    body = b'--x\r\nContent-Disposition: form-data; name="image"\r\n\r\n/etc/passwd\r\n--x--\r\n'
    assert "no file" in refused(send(web, body, "multipart/form-data; boundary=x"), 422)


def test_other_addresses_and_methods(web):
    assert "Not Found: GET /etc; there are" in refused(web.get("/etc"), 404)
    assert "Method Not Allowed" in refused(web.get("/predict"), 405)
    assert "Method Not Allowed" in refused(web.delete("/"), 405)
    for top in ("0", "-1", "x", "", "1.5", "²"):
        assert "whole number" in refused(send(web, png(), query=f"?top={top}"), 400)
    assert len(predictions(send(web, png(), query="?top=99999999999"))[0]["scores"]) == 3


@pytest.mark.parametrize("host, status", [("127.0.0.1:8000", 200), ("localhost", 200), ("[::1]:80", 200), ("evil.example", 400),
                                          ("evil.example:8000", 400), ("127.0.0.1.evil.example", 400), ("", 400)])
def test_a_local_server_answers_as_its_own_computer_only(web, host, status):
    assert web.get("/health", headers={"host": host}).status_code == status


@pytest.mark.parametrize("method, path", [("GET", "/"), ("GET", "/health"), ("POST", "/predict")])
def test_no_address_is_answered_under_another_name(web, method, path):
    answer = web.request(method, path, content=png(), headers={"host": "evil.example", "content-type": "image/png"})
    assert "its own computer only" in refused(answer, 400)


def test_a_server_for_everybody_has_any_name(classifier):
    web = client(classifier, local=False)
    assert web.get("/health", headers={"host": "cats.example"}).status_code == 200


# Limits


def test_large_bodies(classifier):
    web = client(classifier, megabytes=0.01)
    assert "more than 0.01 MB" in refused(send(web, bytes(10_001)), 413)
    assert "more than 0.01 MB" in refused(web.post("/predict", content=iter([bytes(6000)] * 2), headers={"content-type": "image/png"}), 413)
    assert "more than 0.01 MB" in refused(web.post("/predict", files={"image": bytes(10_001)}), 413)
    lied = web.post("/predict", content=png(), headers={"content-type": "image/png", "content-length": "99999999999999"})
    assert "more than 0.01 MB" in refused(lied, 413)


def test_of_a_body_without_end_no_more_is_taken_than_allowed(classifier):
    class Endless:
        headers, sent = {}, 0

        async def stream(self):
            for self.sent in range(1, 100):
                yield bytes(4000)

    request = Endless()
    with pytest.raises(Refused, match="more than 0.01 MB"):
        asyncio.run(Service(classifier, Limits(megabytes=0.01), True).body(request))
    assert request.sent == 3


def test_large_images_in_small_files(classifier):
    file = io.BytesIO()
    Image.new("1", (9000, 9000)).save(file, "PNG")
    web = client(classifier, megapixels=0.1)
    assert len(file.getvalue()) < 50_000 and "81,000,000 pixels, at most 100,000 are taken" in refused(send(web, file.getvalue()), 413)
    assert "at most 100,000" in refused(web.post("/predict", json={"image": np.zeros((400, 300), int).tolist()}), 413)
    file = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(file, "PNG")
    assert "decompression bomb" in refused(send(client(classifier, megapixels=10**6), file.getvalue()), 413)


def test_many_images(classifier):
    web = client(classifier, images=2)
    assert "3 images in one request, at most 2" in refused(web.post("/predict", json={"images": [[[0]]] * 3}), 413)
    assert "3 images|files" and refused(web.post("/predict", files=[("image", ("a", png()))] * 3), 413)
    assert refused(web.post("/predict", files=[("image", ("a", png()))] * 9), 400).startswith("the form cannot be read")


class Slow:
    """A classifier that takes its time."""

    def __init__(self, classifier, seconds):
        self.__dict__.update(vars(classifier))
        self.seconds, self.calls, self.most, self.now = seconds, 0, 0, 0

    def probabilities(self, images):
        self.calls, self.now = self.calls + 1, self.now + 1
        self.most = max(self.most, self.now)
        time.sleep(self.seconds)
        self.now -= 1
        return np.full((len(images), 3), 1 / 3)


def test_answers_that_take_too_long(classifier):
    with client(Slow(classifier, 1.0), seconds=0.2) as web:
        began = time.perf_counter()
        response = send(web, png())
        assert "the answer took longer than 0.2 s" in refused(response, 503) and response.headers["retry-after"] == "1"
        assert time.perf_counter() - began < 0.9


def test_more_requests_than_can_wait(classifier):
    slow = Slow(classifier, 0.3)
    with client(slow, waiting=2) as web:
        answers = []
        workers = [threading.Thread(target=lambda: answers.append(send(web, png()))) for _ in range(5)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert sorted(answer.status_code for answer in answers) == [200, 200, 503, 503, 503]
    assert "2 requests are under way already" in next(refused(a, 503) for a in answers if a.status_code == 503)
    assert (slow.calls, slow.most) == (2, 1)                    # one at a time


def test_answers_and_refusals_make_room_for_others(classifier):
    web = client(classifier, waiting=1)
    for data, status in ((png(), 200), (b"no image", 422), (b"", 400), (png(), 200)):
        assert send(web, data).status_code == status


def test_a_defect_is_told_as_such(classifier):
    class Broken(Slow):
        def probabilities(self, images):
            raise ZeroDivisionError("secret")

    text = refused(send(client(Broken(classifier, 0)), png()), 500)
    assert "its log says more" in text and "secret" not in text


@pytest.mark.parametrize("name", ["megabytes", "megapixels", "images", "seconds", "waiting"])
def test_limits_that_make_no_sense(name):
    for value in (0, -1, float("inf"), float("nan")):
        with pytest.raises(errors.BadValue, match=f"{name} must be above 0"):
            Limits(**{name: value})


def test_no_path_is_opened(classifier, monkeypatch):
    def no(*args, **kwargs):
        raise AssertionError(f"opened {args}")

    monkeypatch.setattr("builtins.open", no)
    for image in ("/etc/passwd", "file:///etc/passwd", "../x.png", "C:\\x.png"):
        try:
            (content,) = of_json(json.dumps({"image": image}))
            decoded(content, classifier, Limits())
        except Refused as error:
            assert error.status == 422


# One real server


@pytest.fixture(scope="module")
def server(classifier, tmp_path_factory):
    """(process, its address)"""
    pytest.importorskip("uvicorn")
    file = tmp_path_factory.mktemp("serve") / "m.mcnn"
    classifier.save(file)
    command = [sys.executable, "-m", "minicnn", "serve", str(file), "--port", "0", "--timeout", "1", "--max-megabytes", "0.05"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    line = process.stdout.readline()
    found = re.search(r"small_cnn on (http://127.0.0.1:\d+)", line)
    assert found, line
    yield process, found[1]
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_real_server(server, classifier):
    import httpx

    process, address = server
    data = png()
    assert httpx.get(address + "/health").json() == {"status": "ok"}
    answer = httpx.post(address + "/predict?top=1", files={"image": ("photo.png", data)}, timeout=30).json()["predictions"][0]
    expected = classifier.probabilities(pixels_of(data).transpose(2, 0, 1)[None])[0]
    assert answer["class"] == classifier.classes[expected.argmax()] and answer["probability"] == pytest.approx(expected.max(), rel=1e-4)
    assert httpx.post(address + "/predict", content=bytes(60_000), headers={"content-type": "image/png"}).status_code == 413


def test_a_client_that_sends_slowly_is_let_go(server):
    _, address = server
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as slow:
        slow.sendall(f"POST /predict HTTP/1.1\r\nHost: {host}\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\nabc".encode())
        assert b"408" in slow.recv(100)


def test_a_port_that_is_taken_and_ctrl_c(server, tmp_path):
    process, address = server
    port = address.rpartition(":")[2]
    command = [sys.executable, "-m", "minicnn", "serve", "x.mcnn", "--port", port]
    other = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert other.returncode == 2 and other.stderr.startswith(f"Error: cannot listen on 127.0.0.1, port {port}: ")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) in (0, 130)
    assert "Traceback" not in process.stdout.read()


def test_addresses():
    assert [is_local(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "192.168.0.1", "example.com")] == [True] * 3 + [False] * 3
    sock, address = listen("127.0.0.1", 0)
    assert address == f"http://127.0.0.1:{sock.getsockname()[1]}"
    sock.close()
    with pytest.raises(OSError, match="cannot listen on 203.0.113.1, port 1"):
        listen("203.0.113.1", 1)
