"""The explorers' pages: their numbers against Python's, and their sliders, in Chromium.

Each page is taken out of its Markdown, so no site needs to be built here; how it looks
on the site, test_in_chromium.py sees with all other pages.
"""

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page
from scipy.integrate import quad
from scipy.spatial.distance import jensenshannon
from scipy.stats import norm

from dcgan_keras import convolution
from dcgan_keras.evaluation.classifier import load_classifier
from dcgan_keras.lessons.recorded import recorded_run
from dcgan_keras.noise import latent_noise
from dcgan_keras.training.callbacks import SAMPLE_SEED
from dcgan_keras.training.configuration import load_players

DOCS = Path(__file__).parents[2] / "docs"
STATIC = DOCS / "_static" / "explorers"
PADDINGS = ["valid", "same", 0, 1, 2, 3]


@pytest.fixture
def explorer(browser: Browser, tmp_path: Path) -> Callable[[str], Page]:
    """Opens an explorer's page by its name."""
    (tmp_path / "_static").symlink_to(DOCS / "_static")
    folder = tmp_path / "docs" / "explorers"
    folder.mkdir(parents=True)
    tab = browser.new_page()
    said = []
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("requestfailed", lambda request: said.append(request.url))

    def open_page(name: str) -> Page:
        text = (DOCS / "explorers" / f"{name}.md").read_text("utf-8")
        (raw,) = re.findall(r"```\{raw\} html\n(.*?)```", text, re.DOTALL)
        path = folder / f"{name}.html"
        path.write_text(f'<!doctype html><meta charset="utf-8">{raw}', "utf-8")
        tab.goto(path.as_uri())
        return tab

    yield open_page
    tab.close()
    assert said == []


def press(page: Page, name: str, key: str, times: int = 1) -> None:
    """A key, pressed where the control of this name has the focus."""
    control = page.locator(f"[name={name}]").first
    for _ in range(times):
        control.press(key)


def put(page: Page, name: str, value: float) -> None:
    """Move a slider to a value, as a hand would."""
    page.locator(f"[name={name}]").evaluate(
        """(slider, value) => {
          slider.value = value;
          slider.dispatchEvent(new Event("input", { bubbles: true }));
        }""",
        str(value),
    )


def outcome(function: Callable, *arguments) -> object:
    """What a function returns, or the word for its refusal."""
    try:
        return function(*arguments)
    except ValueError:
        return "refused"


SIZES_OF_ALL = """cases => cases.map((one) => {
  const ask = (what) => {
    try { return convolution[what](...one); } catch (error) {
      if (error instanceof RangeError) return "refused";
      throw error;
    }
  };
  return [ask("outputSize"), ask("transposedOutputSize")];
})"""


def test_sizes_are_pythons(explorer) -> None:
    """Every combination of small numbers, what is refused among them."""
    cases = list(itertools.product(range(1, 13), range(1, 7), range(1, 5), PADDINGS))
    found = explorer("convolution").evaluate(SIZES_OF_ALL, cases)
    wanted = [
        [
            outcome(convolution.conv_output_size, *case),
            outcome(convolution.transposed_conv_output_size, *case),
        ]
        for case in cases
    ]
    assert found == wanted
    refused = sum("refused" in pair for pair in wanted)
    assert 50 < refused < len(cases) / 2


@pytest.mark.parametrize("padding", PADDINGS)
def test_matrices_are_pythons(explorer, padding) -> None:
    """Each entry of W, and the zeros around the image."""
    page = explorer("convolution")
    cases = itertools.product((1, 4, 5, 7), range(1, 6), (1, 2, 3), [padding])
    cases = [c for c in cases if outcome(convolution.conv_output_size, *c) != "refused"]
    ask = """cases => cases.map((one) =>
      [convolution.matrix(...one), convolution.paddingAmounts(...one)])"""
    for case, (rows, zeros) in zip(cases, page.evaluate(ask, cases), strict=True):
        size, taps, stride, _ = case
        kernel = np.arange(1, taps * taps + 1).reshape(taps, taps)
        wanted = convolution.convolution_matrix(kernel, (size, size), stride, padding)
        found = np.zeros(wanted.shape)
        for j, row in enumerate(rows):
            for pixel, tap in row:
                assert found[j, pixel] == 0
                found[j, pixel] = tap + 1
        np.testing.assert_array_equal(found, wanted.toarray())
        assert tuple(zeros) == convolution.padding_amounts(*case)


SHOWN = """cases => cases.map((one) => {
  for (const [name, value] of Object.entries(one))
    document.querySelector(`[name=${name}]`).value = value;
  const size = document.querySelector("[name=size]");
  size.dispatchEvent(new Event("input", { bubbles: true }));
  const text = (what) => [...document.querySelectorAll(what)].map((e) => e.textContent);
  return {
    impossible: document.querySelectorAll(".impossible").length,
    captions: text("figcaption"),
    formula: text(".formula")[0],
    said: text(".said")[0],
    cells: document.querySelectorAll(".matrix [data-output]").length,
  };
})"""


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("padding", ["valid", "same", "1", "2"])
def test_the_page_shows_what_python_says(explorer, padding, transposed) -> None:
    """Captions, formula, cells and sentence after the controls were moved."""
    page = explorer("convolution")
    page.locator("[name=direction]").nth(int(transposed)).check()
    page.locator("[name=padding]").select_option(padding)
    padding = int(padding) if padding.isdigit() else padding
    cases = list(itertools.product((1, 3, 4), (1, 2, 3, 5), (1, 2, 3)))
    names = ("size", "kernel", "stride")
    moved = [dict(zip(names, case, strict=True)) for case in cases]
    for case, shown in zip(cases, page.evaluate(SHOWN, moved), strict=True):
        function = convolution.conv_output_size
        if transposed:
            function = convolution.transposed_conv_output_size
        output = outcome(function, *case, padding)
        assert shown["impossible"] == (output == "refused")
        if output == "refused":
            assert len(shown["formula"].split()) > 6
            continue
        size, taps, stride = case
        image = output if transposed else size
        kernel = np.ones((taps, taps))
        W = convolution.convolution_matrix(kernel, (image, image), stride, padding)
        shape = "Wᵀ, {1}×{0}" if transposed else "W, {}×{}"
        entries = f"{W.nnz} of {W.shape[0] * W.shape[1]} entries are not zero"
        before, words, after = shown["captions"]
        assert words == f"{shape.format(*W.shape)}: {entries}"
        assert f", {size}×{size}" in before and f", {output}×{output}" in after
        assert shown["cells"] == W.nnz
        assert re.search(rf"= {output}\b", shown["formula"])
        idle = W.shape[1] - np.count_nonzero(W.sum(axis=0))
        said = re.search(r"(\d+) pixels? (meet|is|are)", shown["said"])
        assert (int(said[1]) if said else 0) == idle


def test_formulas_give_what_they_say(explorer) -> None:
    """The two general formulas, worked out again from the text on the page."""
    page = explorer("convolution")
    put(page, "size", 7)
    put(page, "stride", 2)
    page.locator("[name=padding]").select_option("1")
    said = page.locator(".formula").inner_text()
    assert said == "⌊(i + p − k) / s⌋ + 1 = ⌊(7 + 2 − 3) / 2⌋ + 1 = 4"
    assert (7 + 2 - 3) // 2 + 1 == 4
    page.locator("[name=direction]").nth(1).check()
    said = page.locator(".formula").inner_text()
    assert said == "(i − 1) s − p + k = (4 − 1) · 2 − 2 + 3 = 7"
    assert (4 - 1) * 2 - 2 + 3 == 7


def test_the_matrix_lights_up(explorer) -> None:
    """By keys and by a click: a row of W, its window, and the same in Wᵀ."""
    page = explorer("convolution")
    press(page, "place", "ArrowRight", 2)  # the third output: row 2, column 1
    lit = page.locator(".matrix [data-output]:not(.dim)")
    assert {cell.get_attribute("data-output") for cell in lit.all()} == {"2"}
    window = page.locator(".from .lit")
    places = [(w.get_attribute("x"), w.get_attribute("y")) for w in window.all()]
    assert places == [(str(x), str(y)) for y in (1, 2, 3) for x in (0, 1, 2)]
    colours = [cell.get_attribute("fill") for cell in lit.all()]
    assert colours == [cell.get_attribute("fill") for cell in window.all()]
    assert len(set(colours)) == 3
    assert "reads 9 pixels: row 3 of W" in page.locator(".said").inner_text()
    page.locator(".to [data-pixel='1']").click()
    assert "Output 2 (row 1, column 2)" in page.locator(".said").inner_text()
    page.locator("[name=direction]").nth(1).check()
    frame = page.locator(".matrix .frame")
    assert (frame.get_attribute("x"), frame.get_attribute("width")) == ("1", "1")
    assert "lays its stamp on 9 pixels" in page.locator(".said").inner_text()


def data_density(world: str) -> Callable:
    """p_data, of SciPy's own normal distributions."""
    bells = {"one": [norm(0, 1)], "two": [norm(-1.5, 0.6), norm(2, 0.8)]}[world]
    return lambda x: sum(bell.pdf(x) for bell in bells) / len(bells)


@pytest.mark.parametrize("world", ["one", "two"])
def test_the_game_is_worth_what_scipy_says(explorer, world) -> None:
    """V by adaptive integration, and the divergence by SciPy's own function."""
    page, p_data = explorer("densities"), data_density(world)
    x = np.linspace(-35, 35, 140_001)
    for mu, sigma in itertools.product((-5, -1.3, 0, 0.8, 5), (0.3, 1, 1.7, 3)):
        p_g = norm(mu, sigma).pdf
        found = page.evaluate("one => game.play(...one)", [world, mu, sigma])

        def paid(at, p_g=p_g):
            p, q = p_data(at), p_g(at)
            terms = [w * np.log(w / (p + q)) for w in (p, q) if w > 1e-300]
            return sum(terms)

        points = sorted({mu, -1.5, 0.0, 2.0})
        value, error = quad(paid, -30, 30, points=points, limit=500)
        assert error < 1e-6
        assert found["value"] == pytest.approx(value, abs=1e-6)
        p, q = (np.where(d < 1e-300, 0, d) for d in (p_data(x), p_g(x)))
        divergence = jensenshannon(p, q) ** 2
        assert found["divergence"] == pytest.approx(divergence, abs=1e-6)


def test_the_judge_at_one_place(explorer) -> None:
    """p_data, p_G, D* and its logit, where both can be computed plainly."""
    page = explorer("densities")
    for world, mu, sigma in itertools.product(("one", "two"), (-2, 1.5), (0.5, 2)):
        for x in np.linspace(-4, 6, 11):
            arguments = [float(x), world, mu, sigma]
            found = page.evaluate("one => game.at(...one)", arguments)
            p, q = data_density(world)(x), norm(mu, sigma).pdf(x)
            wanted = {"p": p, "q": q, "logit": np.log(p) - np.log(q)}
            assert found == pytest.approx(wanted | {"best": p / (p + q)}, rel=1e-9)


def test_the_densities_move(explorer) -> None:
    """Ten keys to the left, and the text, the pictures and their words change."""
    page = explorer("densities")
    assert "V(D*, G) = −0.333 = 2 · 0.527 − log 4" in page.locator("body").inner_text()
    before = page.locator(".area.fake").get_attribute("d")
    press(page, "mu", "ArrowLeft", 30)
    assert page.locator(".area.fake").get_attribute("d") != before
    said = page.locator(".formula").inner_text()
    assert said == "V(D*, G) = −1.386 = 2 · 0.000 − log 4"
    about = page.locator(".value svg").get_attribute("aria-label")
    assert about == "V against the place of G; at 0.0 it is −1.386"
    assert (
        "The best D says 0.500; its logit is 0.00."
        in page.locator(".said").inner_text()
    )


SHEETS = json.loads(
    re.sub(
        r"\bside:",
        '"side":',
        (STATIC / "digits.js")
        .read_text("utf-8")
        .partition("LATENT = ")[2]
        .rstrip(";\n")
        .replace("sheets:", '"sheets":'),
    )
)
SIDE = SHEETS["side"]


def grey(path: Path) -> np.ndarray:
    """A picture's pixels, float (H, W) from 0 to 255."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"), float)


def stop(number: int, across: int, down: int) -> np.ndarray:
    """One digit of a sheet, (28, 28)."""
    pixels = grey(STATIC / SHEETS["sheets"][number]["picture"])
    return pixels[28 * down :, 28 * across :][:28, :28]


def test_the_corners_are_the_runs_own_samples() -> None:
    """The first digits of the grid that the run's training drew, none chosen."""
    grid = grey(recorded_run("mnist").path / "samples" / "step_006000.png")[::2, ::2]
    for number in range(12):
        row, column = divmod(number, 8)
        wanted = grid[28 * row :, 28 * column :][:28, :28]
        sheet, corner = divmod(number, 4)
        down, across = divmod(corner, 2)
        found = stop(sheet, across * (SIDE - 1), down * (SIDE - 1))
        assert np.abs(found - wanted).max() < 32, number  # 16 greys are stored


def arc(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """From a to b: the direction by halving the angle, the length evenly."""
    direction = lambda v: v / np.linalg.norm(v)  # noqa: E731
    low, high, at = direction(a), direction(b), t
    middle = low
    for _ in range(40):
        middle = direction(low + high)
        low, high, at = (
            (low, middle, 2 * at) if at < 0.5 else (middle, high, 2 * at - 1)
        )
    return middle * ((1 - t) * np.linalg.norm(a) + t * np.linalg.norm(b))


def test_between_the_corners_stands_what_the_generator_draws() -> None:
    """Some places of each sheet, drawn again, and what the classifier reads there."""
    generator, _ = load_players(recorded_run("mnist"))
    noise = latent_noise((64, 100), SAMPLE_SEED, 0).numpy().astype(float)
    places = [(5, 5), (10, 10), (13, 7), (16, 3), (0, 12)]
    for number, sheet in enumerate(SHEETS["sheets"]):
        corner, z = noise[4 * number : 4 * number + 4], []
        for across, down in places:
            u, v = across / (SIDE - 1), down / (SIDE - 1)
            left, right = arc(corner[0], corner[2], v), arc(corner[1], corner[3], v)
            z.append(arc(left, right, u))
        images = np.asarray(generator(np.float32(z), training=False))
        _, probabilities = load_classifier("mnist")(images)
        for (across, down), image, p in zip(places, images, probabilities, strict=True):
            wanted = (image[..., 0] + 1) * 127.5
            assert np.abs(stop(number, across, down) - wanted).mean() < 2
            at = down * SIDE + across
            assert sheet["digits"][at] == str(p.argmax())
            assert abs(sheet["percent"][at] - 100 * p.max()) < 2


def test_the_text_quotes_the_sheets() -> None:
    """How often the classifier is unsure, as the page says."""
    shares = [np.mean(np.array(s["percent"]) < 90) for s in SHEETS["sheets"]]
    text = (DOCS / "explorers" / "latent.md").read_text("utf-8")
    quoted = re.search(r"at (\d+), (\d+) and (\d+) of 100", " ".join(text.split()))
    assert [round(100 * share) for share in shares] == [int(n) for n in quoted.groups()]


def test_the_walk(explorer) -> None:
    """Keys move the digit; another sheet has other corners; a click jumps."""
    page = explorer("latent")
    digit, said = page.locator(".digit"), page.locator(".said")
    before = digit.evaluate("one => getComputedStyle(one).backgroundPosition")
    press(page, "across", "ArrowRight", 3)
    press(page, "down", "End")
    assert digit.evaluate("one => getComputedStyle(one).backgroundPosition") != before
    at = (SIDE - 1) * SIDE + 8
    first, third = SHEETS["sheets"][0], SHEETS["sheets"][2]
    text = (
        "40 % to the right, 100 % down. The classifier reads a {}, and gives it {} %."
    )
    assert said.inner_text() == text.format(first["digits"][at], first["percent"][at])
    page.locator("[name=sheet]").nth(2).check()
    assert said.inner_text() == text.format(third["digits"][at], third["percent"][at])
    assert "digits_3.png" in digit.evaluate(
        "one => getComputedStyle(one).backgroundImage"
    )
    words = f"A generated digit that reads as a {third['digits'][at]}"
    assert digit.get_attribute("aria-label") == words
    page.locator(".map").click(position={"x": 2, "y": 2})
    assert said.inner_text().startswith("0 % to the right, 0 % down.")


@pytest.mark.parametrize("name", ["convolution", "densities", "latent"])
def test_every_control_has_a_name_and_a_key(explorer, name) -> None:
    """Tab reaches each slider, and each is labelled in words."""
    page = explorer(name)
    reached = set()
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.name"))
    controls = page.locator(".explorer input, .explorer select").all()
    assert {one.get_attribute("name") for one in controls} <= reached
    for one in controls:
        words = one.evaluate("one => one.labels[0].textContent.trim()")
        assert len(words) > 5
    for drawn in page.locator("svg, [role=img]").all():
        assert len(drawn.get_attribute("aria-label").split()) > 2
