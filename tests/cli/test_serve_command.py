"""`minicnn serve`: its options reach the server. What that answers is tested in tests/serve."""

import pytest
from helpers.commands import refused

import minicnn
from minicnn import errors, models
from minicnn.graph.inference import InferenceModule
from minicnn.serve import Limits

for package in ("starlette", "python_multipart", "uvicorn"):
    pytest.importorskip(package)


@pytest.mark.parametrize("host, local", [("127.0.0.1", True), ("0.0.0.0", False)])
def test_the_options_of_the_command_reach_the_server(tmp_path, monkeypatch, host, local):
    given = []

    def stop(*arguments):
        given.extend(arguments)
        raise errors.DataError("no server today")

    monkeypatch.setattr("minicnn.serve.listen", lambda *address: (None, str(address)))
    monkeypatch.setattr("minicnn.serve.make_app", stop)
    minicnn.save(models.create("small_cnn", num_classes=3, in_channels=3), tmp_path / "m.mcnn", (3, 8, 8))
    words = "--max-megabytes", 1, "--max-megapixels", 2, "--max-images", 3, "--timeout", 4, "--max-waiting", 5, "--mean", 0.25, "--std", "0.5,0.6,0.7"
    assert refused("serve", tmp_path / "m.mcnn", "--host", host, "--input-size", 9, *words) == "no server today"
    served, limits, is_for_here = given
    assert limits == Limits(megabytes=1, megapixels=2, images=3, seconds=4, waiting=5) and is_for_here is local
    assert (served.mean, served.std, served.input_shape) == ([0.25] * 3, [0.5, 0.6, 0.7], (3, 9, 9))
    assert isinstance(served.compiled, InferenceModule)
