"""Sizes, crops, flips and affine maps: by hand, against Pillow, and by what must hold for every size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import minicnn
from minicnn import arrays
from minicnn.data import transforms as T
from minicnn.data.transforms import functional as F
from minicnn.tensor import wrap

MODES = T.InterpolationMode
sizes = st.integers(1, 17)


def picture(height, width, channels=3, seed=0):
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, channels) if channels > 1 else (height, width), dtype=np.uint8))


def planes(image):
    """The bytes of a Pillow image as a tensor (C, H, W)."""
    return F.pil_to_tensor(image)


def numbers(image):
    """(..., H, W) of any image; a Pillow image's channels first."""
    if isinstance(image, Image.Image):
        pixels = np.asarray(image)
        return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return image.numpy() if isinstance(image, minicnn.Tensor) else image


# No pixel changes: both kinds must agree exactly

EXACT = [
    lambda h, w: T.CenterCrop((h, w)), lambda h, w: T.Pad((h, w)), lambda h, w: T.Pad((-1, h % 3, w % 3, 0), fill=7),
    lambda h, w: T.Pad((h % 3, 1), padding_mode="edge"), lambda h, w: T.RandomCrop((h, w), padding=9, fill=3),
    lambda h, w: T.RandomCrop((h, w), pad_if_needed=True), lambda h, w: T.RandomHorizontalFlip(), lambda h, w: T.RandomVerticalFlip(),
    lambda h, w: lambda image: F.crop(image, h - 9, w - 9, 8, 8),
]


@pytest.mark.parametrize("make", EXACT)
@settings(max_examples=25)
@given(height=st.integers(2, 17), width=st.integers(2, 17), h=st.integers(1, 17), w=st.integers(1, 17), seed=st.integers(0, 9))
def test_pillow_images_tensors_and_arrays_agree(make, height, width, h, w, seed):
    image, transform, results = picture(height, width), make(h, w), []
    for kind in (image, planes(image), planes(image).numpy(), wrap(planes(image).numpy()[None])):
        with arrays.seeded(seed):
            found = transform(kind)
        assert type(found) is type(kind) or isinstance(kind, Image.Image)
        results.append(numbers(found))
    assert results[0].shape == results[1].shape == results[2].shape
    for other in (*results[1:3], results[3][0]):
        np.testing.assert_array_equal(other, results[0])


def test_crop_and_pad_by_hand():
    x = wrap(np.arange(1, 7).reshape(1, 2, 3))
    assert F.crop(x, 0, 1, 2, 2).tolist() == [[[2, 3], [5, 6]]]
    assert F.crop(x, -1, 2, 2, 3).tolist() == [[[0, 0, 0], [3, 0, 0]]]
    assert F.crop(x, 5, 5, 1, 2).tolist() == [[[0, 0]]]
    assert F.center_crop(x, [2, 1]).tolist() == [[[2], [5]]]
    assert F.center_crop(x, 4).tolist() == [[[0, 0, 0, 0], [1, 2, 3, 0], [4, 5, 6, 0], [0, 0, 0, 0]]]
    assert F.pad(x, [1, 0]).tolist() == [[[0, 1, 2, 3, 0], [0, 4, 5, 6, 0]]]
    assert F.pad(x, [2, 0, 0, 1], padding_mode="edge").tolist() == [[[1, 1, 1, 2, 3], [4, 4, 4, 5, 6], [4, 4, 4, 5, 6]]]
    assert F.pad(x, [2, 0], padding_mode="reflect").tolist() == [[[3, 2, 1, 2, 3, 2, 1], [6, 5, 4, 5, 6, 5, 4]]]
    assert F.pad(x, [2, 0], padding_mode="symmetric").tolist() == [[[2, 1, 1, 2, 3, 3, 2], [5, 4, 4, 5, 6, 6, 5]]]
    assert F.pad(x, [0, -1, -2, 0], fill=9).tolist() == [[[4]]]
    assert F.hflip(x).tolist() == [[[3, 2, 1], [6, 5, 4]]] and F.vflip(x).tolist() == [[[4, 5, 6], [1, 2, 3]]]


@pytest.mark.parametrize("mode", ["reflect", "symmetric", "edge"])
def test_pillow_images_are_padded_in_every_mode(mode):
    image = picture(5, 6)
    np.testing.assert_array_equal(numbers(F.pad(image, [2, 3, 1, 4], padding_mode=mode)),
                                  F.pad(planes(image), [2, 3, 1, 4], padding_mode=mode).numpy())
    grey = picture(4, 4, channels=1)
    assert F.pad(grey, 1, padding_mode=mode).size == (6, 6)
    palette = image.convert("P", palette=Image.Palette.ADAPTIVE)
    padded = F.pad(palette, 1, padding_mode=mode)
    assert padded.mode == "P" and padded.getpalette() == palette.getpalette()


# Resizing

@settings(max_examples=60)
@given(height=sizes, width=sizes, h=sizes, w=sizes, mode=st.sampled_from(["BILINEAR", "BICUBIC"]))
def test_antialiased_resizing_of_tensors_is_pillows(height, width, h, w, mode):
    """Pillow resizes floats by the same weights, in other precision."""
    x = np.random.default_rng(height).random((2, height, width), dtype=np.float32)
    found = F.resize(wrap(x), [h, w], MODES[mode]).numpy()
    expected = np.stack([np.asarray(Image.fromarray(plane).resize((w, h), Image.Resampling[mode])) for plane in x])
    np.testing.assert_allclose(found, expected, atol=1e-5)


@settings(max_examples=60)
@given(height=sizes, width=sizes, h=sizes, w=sizes, mode=st.sampled_from(["nearest", "nearest-exact", "bilinear", "bicubic"]))
def test_resizing_without_antialiasing_is_pytorchs_interpolation(height, width, h, w, mode):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(height).random((1, 2, height, width))
    found = F.resize(wrap(x), [h, w], MODES(mode), antialias=False).numpy()
    options = {} if "nearest" in mode else {"align_corners": False}
    expected = torch.nn.functional.interpolate(torch.from_numpy(x), [h, w], mode=mode, **options).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_bytes_are_rounded():
    assert F.resize(wrap(np.array([[[0, 255]]], np.uint8)), [1, 4]).tolist() == [[[0, 64, 191, 255]]]
    assert F.resize(wrap(np.array([[[0, 1, 255, 254]]], np.uint8)), [1, 2]).numpy().dtype == np.uint8


def test_resize_by_hand():
    np.testing.assert_allclose(F.resize(wrap(np.array([[[0.0, 4.0]]])), [1, 4]).numpy(), [[[0, 1, 3, 4]]])
    np.testing.assert_allclose(F.resize(wrap(np.arange(8.0).reshape(1, 1, 8)), [1, 1]).numpy(), [[[3.5]]])
    weights = np.array([1, 3, 3, 1]) / 8                # the triangle of a new pixel that is two old ones wide, away from the edges
    x = np.random.default_rng(0).random((1, 1, 12))
    np.testing.assert_allclose(F.resize(wrap(x), [1, 6]).numpy()[0, 0, 2], weights @ x[0, 0, 3:7])


@pytest.mark.parametrize("size, options, before, after", [
    (10, {}, (20, 40), (10, 20)), (10, {}, (40, 20), (20, 10)), (10, {"max_size": 15}, (20, 40), (7, 15)),
    ([10], {}, (20, 40), (10, 20)), ((3, 5), {}, (20, 40), (3, 5)), (5, {}, (5, 9), (5, 9)), (3, {}, (7, 9), (3, 3)),
])
def test_sizes_after_resizing(size, options, before, after):
    assert F.resize(picture(*before), size, **options).size == after[::-1]
    assert F.resize(planes(picture(*before)), size, **options).shape[-2:] == after


def test_pillow_images_are_resized_by_pillow():
    image = picture(9, 11)
    for mode in MODES:
        way = Image.Resampling[mode.name.removesuffix("_EXACT")]
        assert F.resize(image, [5, 20], mode).tobytes() == image.resize((20, 5), way).tobytes()
    assert T.Resize(4, interpolation=2).interpolation is MODES.BILINEAR
    with pytest.raises(ValueError, match="lanczos is for Pillow images"):
        F.resize(planes(image), 4, MODES.LANCZOS)


# Affine maps

@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("mode", [MODES.NEAREST, MODES.BILINEAR])
@pytest.mark.parametrize("size", [(6, 6), (4, 10)])
def test_quarter_turns_move_pixels(turns, mode, size):
    image = picture(*size)
    expected = np.rot90(planes(image).numpy(), turns, (-2, -1))
    np.testing.assert_array_equal(F.rotate(planes(image), 90 * turns, mode, expand=True).numpy(), expected)
    np.testing.assert_array_equal(numbers(F.rotate(image, 90 * turns, mode, expand=True)), expected)


def test_moves_are_crops():
    x = planes(picture(7, 9))
    for mode in (MODES.NEAREST, MODES.BILINEAR):
        np.testing.assert_array_equal(F.affine(x, 0, [2, -1], 1, 0, mode).numpy(), F.crop(x, 1, -2, 7, 9).numpy())
    assert (F.affine(x, 0, [9, 0], 1, 0, fill=5).numpy() == 5).all()


def test_scales_and_shears_by_hand():
    x = wrap(np.arange(16.0).reshape(1, 4, 4))
    np.testing.assert_array_equal(F.affine(x, 0, [0, 0], 2, 0).numpy()[0], np.arange(16).reshape(4, 4)[1:3, 1:3].repeat(2, 0).repeat(2, 1))
    sheared = F.affine(wrap(np.ones((1, 3, 9))), 0, [0, 0], 1, [45, 0]).numpy()[0]
    np.testing.assert_array_equal(sheared, [[0] + [1] * 8, [1] * 9, [1] * 8 + [0]])


@settings(max_examples=40)
@given(angle=st.floats(-180, 180), shift=st.tuples(st.integers(-3, 3), st.integers(-3, 3)), scale=st.floats(0.5, 2),
       shear=st.tuples(st.floats(-40, 40), st.floats(-40, 40)), center=st.sampled_from([None, (3, 5)]))
def test_tensors_are_warped_as_pillow_warps(angle, shift, scale, shear, center):
    """A smooth image, so that Pillow's other rounding of places does not show; its edges, where the ground mixes in, left out."""
    y, x = np.mgrid[:40, :40]
    smooth = (np.sin(x / 9) + np.cos(y / 7) + 2).astype(np.float32)
    arguments = (angle, shift, scale, shear, MODES.BILINEAR)
    theirs = np.asarray(F.affine(Image.fromarray(smooth), *arguments, center=center))
    ours = F.affine(wrap(smooth[None]), *arguments, center=center).numpy()[0]
    inside = F.affine(wrap(np.ones((1, 40, 40), np.float32)), *arguments, center=center).numpy()[0]
    np.testing.assert_allclose(ours[inside > 0.999], theirs[inside > 0.999], atol=0.02)


def test_the_ground_is_filled_by_channel():
    turned = F.rotate(wrap(np.zeros((3, 5, 5), np.float32)), 45, fill=[1, 2, 3]).numpy()
    assert turned[:, 0, 0].tolist() == [1, 2, 3] and turned[:, 2, 2].tolist() == [0, 0, 0]
    assert F.rotate(picture(5, 5), 45, fill=[1, 2, 3]).getpixel((0, 0)) == (1, 2, 3)
    assert T.RandomAffine((45, 45), fill=9)(picture(5, 5)).getpixel((0, 0)) == (9, 9, 9)
    with pytest.raises(ValueError, match="one for each of 3 channels"):
        F.rotate(wrap(np.zeros((3, 5, 5))), 45, fill=[1, 2])


def test_blur():
    x = np.zeros((1, 7, 7))
    x[0, 3, 3] = 1
    w = np.exp(-0.5 * (np.arange(-2, 3) / 1.5) ** 2)
    np.testing.assert_allclose(F.gaussian_blur(wrap(x), 5, 1.5).numpy()[0, 1:6, 1:6], np.outer(w, w) / w.sum() ** 2)
    assert np.ptp(F.gaussian_blur(wrap(np.full((3, 6, 6), 9, np.uint8)), [3, 5]).numpy()) == 0
    assert F.gaussian_blur(picture(9, 9), 3).size == (9, 9)


# What is drawn

def test_parameters_stay_within_what_was_asked_for():
    image = picture(20, 30)
    for seed in range(200):
        with arrays.seeded(seed):
            top, left, height, width = T.RandomResizedCrop.get_params(image, (0.1, 0.5), (0.5, 2))
            assert 0 <= top <= 20 - height and 0 <= left <= 30 - width and 0.07 < height * width / 600 < 0.55
            angle, move, scale, shear = T.RandomAffine.get_params([-5, 7], (0.1, 0.2), (0.9, 1.2), [-1, 1, 2, 3], (30, 20))
            assert -5 <= angle <= 7 and abs(move[0]) <= 3 and abs(move[1]) <= 4 and 0.9 <= scale <= 1.2
            assert -1 <= shear[0] <= 1 and 2 <= shear[1] <= 3
            top, left, _, _ = T.RandomCrop.get_params(image, (18, 29))
            assert top in (0, 1, 2) and left in (0, 1)


def test_a_crop_that_never_fits_is_the_middle():
    assert T.RandomResizedCrop.get_params(picture(10, 100), (1, 1), (1, 1)) == (0, 45, 10, 10)
    assert T.RandomResizedCrop.get_params(picture(100, 10), (1, 1), (1, 1)) == (45, 0, 10, 10)
    assert T.RandomResizedCrop((4, 5))(planes(picture(10, 20))).shape == (3, 4, 5)


@pytest.mark.parametrize("transform", [T.RandomHorizontalFlip(0.3), T.RandomVerticalFlip(0.3), T.RandomApply([T.Lambda(lambda x: -x)], 0.3)])
def test_probabilities(transform):
    x = wrap(np.arange(1.0, 5).reshape(1, 2, 2))
    share = np.mean([not np.array_equal(transform(x).numpy(), x.numpy()) for _ in range(1000)])
    assert 0.25 < share < 0.35
    assert sum(T.RandomGrayscale(0)(picture(2, 2)).mode == "RGB" for _ in range(5)) == 5


def test_orders_and_choices():
    plus, times = T.Lambda(lambda x: x + 1), T.Lambda(lambda x: x * 10)
    assert {T.RandomOrder([plus, times])(1) for _ in range(30)} == {20, 11}
    assert {T.RandomChoice([plus, times])(1) for _ in range(30)} == {2, 10}
    assert {T.RandomChoice([plus, times], p=[0, 3])(1) for _ in range(30)} == {10}


# As text, and refused

REPRS = {
    "Resize(5)": "Resize(size=5, interpolation=bilinear, max_size=None, antialias=True)",
    "CenterCrop(3)": "CenterCrop(size=(3, 3))",
    "Pad((1, 2), 5, 'edge')": "Pad(padding=(1, 2), fill=5, padding_mode=edge)",
    "RandomCrop((5, 6), padding=2)": "RandomCrop(size=(5, 6), padding=2)",
    "RandomResizedCrop(5)":
        "RandomResizedCrop(size=(5, 5), scale=(0.08, 1.0), ratio=(0.75, 1.3333), interpolation=bilinear, antialias=True)",
    "RandomHorizontalFlip()": "RandomHorizontalFlip(p=0.5)",
    "RandomRotation(10)": "RandomRotation(degrees=[-10.0, 10.0], interpolation=nearest, expand=False, fill=0)",
    "RandomRotation((1, 2), center=(1, 2))":
        "RandomRotation(degrees=[1.0, 2.0], interpolation=nearest, expand=False, center=(1, 2), fill=0)",
    "RandomAffine(0, shear=(1, 2))": "RandomAffine(degrees=[0.0, 0.0], shear=[1.0, 2.0])",
    "RandomAffine(3, (.1, .2), (.5, .6), 3, InterpolationMode.BILINEAR, 5, (1, 2))":
        "RandomAffine(degrees=[-3.0, 3.0], translate=(0.1, 0.2), scale=(0.5, 0.6), shear=[-3.0, 3.0], interpolation=bilinear, fill=5, "
        "center=(1, 2))",
    "ColorJitter(.5, hue=(-.1, .2))": "ColorJitter(brightness=(0.5, 1.5), contrast=None, saturation=None, hue=(-0.1, 0.2))",
    "Grayscale()": "Grayscale(num_output_channels=1)",
    "RandomGrayscale()": "RandomGrayscale(p=0.1)",
    "RandomErasing(value=(1, 2, 3))": "RandomErasing(p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=(1, 2, 3), inplace=False)",
    "GaussianBlur(3)": "GaussianBlur(kernel_size=(3, 3), sigma=(0.1, 2.0))",
    "ToPILImage('RGB')": "ToPILImage(mode=RGB)",
    "Compose([ToTensor(), Pad(1)])": "Compose(\n    ToTensor()\n    Pad(padding=1, fill=0, padding_mode=constant)\n)",
    "RandomApply([ToTensor()])": "RandomApply(\n    p=0.5\n    ToTensor()\n)",
    "RandomChoice([ToTensor()])": "RandomChoice(\n    ToTensor()\n)(p=None)",
    "RandomOrder([ToTensor()])": "RandomOrder(\n    ToTensor()\n)",
    "MixUp(num_classes=3)": "MixUp(alpha=1.0, num_classes=3)",
}


@pytest.mark.parametrize("call, text", REPRS.items())
def test_reprs_are_torchvisions(call, text):
    assert repr(eval(call, dict(vars(T)))) == text


REFUSED = """
Resize((1, 2, 3))|Resize('a')|Resize(0)|Resize(5, max_size=4)|Resize((1, 2), max_size=3)|CenterCrop(())|CenterCrop((1, 2, 3))|Pad('a')
Pad((1, 2, 3))|Pad(1, fill={})|Pad(1, padding_mode='x')|RandomCrop((1, 2, 3))|RandomResizedCrop(5, scale=3)|RandomRotation(-1)
RandomRotation((1, 2, 3))|RandomRotation(1, center=3)|RandomRotation(1, fill='x')|RandomAffine(1, translate=(1, 2))
RandomAffine(1, translate=3)|RandomAffine(1, scale=(0, 1))|RandomAffine(1, shear=-1)|RandomAffine(1, shear=(1, 2, 3))|ColorJitter(-1)
ColorJitter(hue=.6)|ColorJitter((2, 1))|ColorJitter('a')|RandomErasing(p=2)|RandomErasing(value='x')|RandomErasing(value={})
RandomErasing(scale=2)|RandomErasing(scale=(0, 2))|GaussianBlur(2)|GaussianBlur(3, -1)|GaussianBlur(3, (2, 1))|RandomApply(3)
RandomChoice([1], p=3)|RandomHorizontalFlip(2)|MixUp(alpha=0)|MixUp(num_classes=0)
""".replace("\n", "|").strip("|").split("|")


@pytest.mark.parametrize("call", REFUSED)
def test_arguments_that_are_refused(call):
    with pytest.raises((ValueError, TypeError)):
        eval(call, dict(vars(T)))


@pytest.mark.parametrize("call", [
    lambda x: F.crop([1, 2], 0, 0, 1, 1), lambda x: F.pad(x, 9, padding_mode="reflect"), lambda x: F.pad(x, -3),
    lambda x: F.rotate(x, "a"), lambda x: F.affine(x, 0, [0, 0], 0, 0), lambda x: F.affine(x, 0, 3, 1, 0),
    lambda x: F.affine(x, 0, [0, 0], 1, 0, MODES.BICUBIC), lambda x: T.RandomCrop(9)(x), lambda x: F.gaussian_blur(x, 11),
    lambda x: F.pad(x, 1, fill=(1, 2, 3)), lambda x: F.hflip(wrap(np.zeros(3))),
])
def test_images_that_are_refused(call):
    with pytest.raises((ValueError, TypeError)):
        call(wrap(np.zeros((3, 4, 4))))
