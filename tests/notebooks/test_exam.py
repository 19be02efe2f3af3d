"""The exam, its answers, and the guide: what they say stands in the notebooks."""

import json
import re
from pathlib import Path

import exam_curves
import numpy as np
import pytest

import dcgan_keras as dk
from dcgan_keras.convolution import overlap_counts
from dcgan_keras.lessons.games import theory

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "teaching"
EXAM, ANSWERS = (
    (FOLDER / name).read_text("utf-8") for name in ("exam.md", "answers.md")
)
QUESTIONS = dict(re.findall(r"^\*\*(\d+)\.(.*?)(?=^\*\*\d+\.|\Z)", EXAM, re.M | re.S))
SECTIONS = {
    number: (int(points), text)
    for number, points, text in re.findall(
        r"^## (\d+) \((\d) points\)\n(.*?)(?=^## |\Z)", ANSWERS, re.M | re.S
    )
}
POINTERS = [
    (number, cell, phrase)
    for number, (_, text) in SECTIONS.items()
    for cell, phrase in re.findall(r'^- (nb\d\d-[\w-]+): "(.+)"$', text, re.M)
]


def cells(number: str) -> dict[str, str]:
    """The cells of one notebook by id: the source, and what the outputs say."""
    (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
    found = {}
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        said = ["".join(cell["source"])]
        for output in cell.get("outputs", []):
            said.append("".join(output.get("text", "")))
            said.append("".join(output.get("data", {}).get("text/plain", "")))
        found[cell["id"]] = "\n".join(said)
    return found


CELLS = {number: cells(number) for number in {cell[2:4] for _, cell, _ in POINTERS}}


@pytest.mark.parametrize("number, cell, phrase", POINTERS)
def test_an_answer_stands_in_the_cell_that_it_names(number, cell, phrase) -> None:
    """A cell that went away, or no longer says what the answer needs, is noticed."""
    assert cell in CELLS[cell[2:4]], f"answer {number}: no cell {cell}"
    said, wanted = (
        " ".join(text.split()).lower() for text in (CELLS[cell[2:4]][cell], phrase)
    )
    assert wanted in said, f"answer {number}: {cell} has changed"


def test_thirty_questions_have_answers_with_cells() -> None:
    """Twenty questions of 3 points and ten of 4, each with at least one cell.

    They are about 01 to 06 and 08; 07 and 09 build on these.
    """
    assert list(QUESTIONS) == list(SECTIONS) == [str(n) for n in range(1, 31)]
    points = [points for points, _ in SECTIONS.values()]
    assert points == [3] * 20 + [4] * 10 and sum(points) == 100
    assert {number for number, *_ in POINTERS} == set(SECTIONS)
    assert {cell[2:4] for _, cell, _ in POINTERS} == {
        path.name[:2] for path in (ROOT / "notebooks").glob("0*.ipynb")
    } - {"07", "09"}


@pytest.mark.parametrize("number", SECTIONS)
def test_the_points_of_an_answer_add_up(number: str) -> None:
    """The numbers in parentheses are the points of the question."""
    points, text = SECTIONS[number]
    given = re.findall(r"\((\d)(?:;[^)]*|\s+for\s+two\s+of\s+them)?\)", text)
    assert sum(map(int, given)) == points


def says(number: int, *numbers: str) -> None:
    """The model answer holds these numbers."""
    for one in numbers:
        assert one in SECTIONS[str(number)][1], one


# The transfer questions, computed again.


def test_21_sizes_and_counts() -> None:
    first = dk.transposed_conv_output_size(5, 4, 3, "valid")
    assert (first, dk.transposed_conv_output_size(first, 5, 2, "same")) == (16, 32)
    says(21, "= 16", "= 32")
    for size, kernel_size, strides in ((5, 4, 3), (16, 5, 2)):
        counts = overlap_counts((size, size), kernel_size, strides)
        inside = slice(kernel_size, -kernel_size)
        assert len(np.unique(counts[inside, inside])) > 1


def test_22_the_matrix() -> None:
    W = dk.convolution_matrix(np.ones((3, 3, 1, 2)), (6, 6, 1), 3, "valid")
    assert W.shape == (8, 36) and W.nnz == 72
    says(22, "8 rows and 36 columns", "72")
    one = np.eye(8)[3]  # the second channel of the upper right place
    stamp = (W.T @ one).reshape(6, 6)
    assert stamp[:3, 3:].all() and stamp.sum() == 9


def test_23_the_weights_of_a_network() -> None:
    generator = dk.build_generator((16, 16, 3), latent_dim=64, channels=64)
    counts = [
        sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights)
        for layer in generator.layers
    ]
    assert [n for n in counts if n] == [131_072, 4_096, 204_800, 128, 4_803]
    says(23, "131,072", "4,096", "204,800", "= 128", "4,803", f"{sum(counts):,}")


def test_24_the_best_discriminator() -> None:
    p, q = np.full(4, 0.25), np.array([0.5, 0.5, 0, 0])
    best = theory.optimal_discriminator(p, q)
    assert np.allclose(best, [1 / 3, 1 / 3, 1, 1])
    value = theory.game_value(p, q, best)
    says(24, f"{-value:.3f}", f"{theory.js_divergence(p, q):.3f}")


def test_25_the_curves() -> None:
    """Each run has the sign that the answer names, and no other run has it."""
    runs = exam_curves.runs()
    ends = {name: run[-1] for name, run in runs.items()}
    healthy = {n for n, end in ends.items() if abs(end[0] - 2 * np.log(2)) < 0.01}
    growing = {n for n, run in runs.items() if np.all(np.diff(run[:, 0]) > 0)}
    still = {n for n, run in runs.items() if run[:, 0].max() < 0.1}
    back = {n for n, run in runs.items() if run[:, 0].max() > 3 > 2 * run[-1, 0]}
    assert (healthy, still, back) == ({"R"}, {"Q"}, {"P"})
    assert "S" in growing and ends["S"][1] < 0.02 < 6 < ends["S"][0]
    assert runs["Q"][[0, -1], 1] == pytest.approx([18, 13], abs=0.2)
    says(25, "from 18 to 13")
    assert runs["P"][:, 1].min() == pytest.approx(0.05, abs=0.005)
    assert exam_curves.TARGET.exists()


def test_26_the_moving_average() -> None:
    says(26, f"{1 - 0.99**50:.0%}".replace("%", " %"))


def test_27_noise_wins_the_mean_distance() -> None:
    images = dk.load_dataset("digits").images[:200].reshape(200, -1)
    noise = np.random.default_rng(0).uniform(-1, 1, images.shape)

    def mean_distance(x):
        apart = [np.linalg.norm(x - np.roll(x, k, axis=0), axis=1) for k in (1, 7, 50)]
        return np.mean(apart)

    assert mean_distance(noise) > 1.2 * mean_distance(images)


def test_29_the_program() -> None:
    """G's gradients are None, D's aren't: the step moves D alone."""
    from dcgan_keras import keras, tf

    generator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    discriminator = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    fakes = generator(tf.ones((2, 3)), training=True)
    with tf.GradientTape() as tape:
        logits = discriminator(fakes, training=True)
        loss = tf.reduce_mean(tf.nn.softplus(-logits))
    slopes = tape.gradient(loss, [generator.weights, discriminator.weights])
    assert slopes[0] == [None, None] and None not in slopes[1]


def test_30_the_game_of_two_numbers() -> None:
    for way in ("simultaneous", "extragradient"):
        path = theory.play_bilinear((1.0, 0.0), 0.5, 10, way)
        distance = np.linalg.norm(path, axis=1)
        says(30, f"= {distance[1]:.3f}", f"= {distance[10]:.3g}")


# The guide and the plans.

GUIDE, PLANS = ((FOLDER / name).read_text("utf-8") for name in ("guide.md", "plans.md"))
README = (ROOT / "README.md").read_text("utf-8")
WORDS = {"forty": 40, "fifty": 50}
EXERCISE = r"^(?:\*\*|### )(?:Exercise )?(\d) · [^(\n]*\((\d+) minutes\)"


def exercise_minutes(number: str) -> dict[str, int]:
    """The minutes of each of a notebook's exercises, by the exercise's number."""
    found = re.findall(EXERCISE, "\n".join(cells(number).values()), re.M)
    return {exercise: int(minutes) for exercise, minutes in found}


@pytest.mark.parametrize("page", ["guide", "plans", "exam", "answers"])
def test_a_page_for_lecturers_names_cells_that_exist(page: str) -> None:
    text = (FOLDER / f"{page}.md").read_text("utf-8")
    named = re.findall(r"\b(nb(\d\d)-[\w-]+)", text)
    assert len(named) > 10 or page in ("plans", "exam")
    assert [cell for cell, number in named if cell not in cells(number)] == []


@pytest.mark.parametrize(
    "number, reading, exercises",
    re.findall(r"^\| (\d\d) \| (\d+)[^|]* \| (\d+) \|", GUIDE, re.M)
    + re.findall(r"^\| \[(\d\d)\].* \| (\d+)[^|]* \| (\d+) \|$", README, re.M),
)
def test_minutes_are_those_of_the_notebook(number, reading, exercises) -> None:
    """Reading: as the first cell says; exercises: their sum, to about five minutes."""
    first = next(iter(cells(number).values())).lower()
    said = re.search(r"(\d+|forty|fifty) minutes", first)[1]
    assert int(reading) == int(WORDS.get(said, said))
    assert abs(int(exercises) - sum(exercise_minutes(number).values())) <= 3


def test_homework_takes_the_minutes_that_the_plan_says() -> None:
    homework = re.findall(r"exercises ([^(]+)\(about (\d+)", " ".join(PLANS.split()))
    assert len(homework) == 4
    for exercises, minutes in homework:
        named = re.findall(r"(\d\d)-(\d)", exercises)
        whole = sum(exercise_minutes(number)[exercise] for number, exercise in named)
        assert abs(int(minutes) - whole) <= 2, exercises


def test_a_lecture_has_ninety_minutes() -> None:
    lectures = [
        [int(n) for n in re.findall(r"^\| (\d+) \|", part, re.M)]
        for part in re.split(r"^##+ ", PLANS, flags=re.M)
    ]
    assert [sum(minutes) for minutes in lectures if minutes] == [90] * 5


def test_the_plans_name_headings_that_exist() -> None:
    """A heading in italics stands in its notebook; a section's number, too."""
    rows = re.findall(r"\| (\d\d), ([^|]+) \|$", PLANS, re.M)
    homework = re.findall(r"notebook (\d\d), ([^;.]+)[;.]", " ".join(PLANS.split()))
    assert len(rows) > 30 and len(homework) > 6
    for number, where in rows + homework:
        text = "\n".join(cells(number).values())
        headings = re.findall(r"^#+ (?:(\d+) · )?(.+)$", text, re.M)
        for name in re.findall(r"\*(.+?)\*", where):
            assert name in {heading for _, heading in headings}, (number, name)
        for section in re.findall(r"\b\d\b", re.sub(r"\*.+?\*", "", where)):
            assert section in {place for place, _ in headings}, (number, section)
