"""The slides: every stored figure, its question and its answer, in one file."""

import base64
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import slides
from PIL import Image, ImageChops

from dcgan_keras.files import UnreadableFile

PATHS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))
each_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, dict[str, int]]:
    """All files, made once, and the number of slides in each."""
    folder = tmp_path_factory.mktemp("slides")
    return folder, {path.stem: slides.make_slides(path, folder) for path in PATHS}


@each_notebook
def test_each_figure_has_a_slide_and_there_are_more(path, made) -> None:
    folder, counts = made
    page = (folder / f"{path.stem}.html").read_text("utf-8")
    stored = [
        data
        for cell in json.loads(path.read_text("utf-8"))["cells"]
        for data, _ in slides.pictures_of(cell)
    ]
    assert counts[path.stem] == page.count("<section") > len(stored) > 3
    assert all(page.count(data) == stored.count(data) for data in set(stored))
    assert page.count("<figure") == len(stored)
    assert page.count('class="question"') > len(stored) / 3
    assert page.count('class="answer step"') > len(stored) / 2


@each_notebook
def test_a_file_of_slides_asks_for_nothing_outward(path, made) -> None:
    page = (made[0] / f"{path.stem}.html").read_text("utf-8")
    sources = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"'\s>]{1,20})""", page)
    assert sources and all(source.startswith("data:image/") for source in sources)
    assert not re.search(r"<link|@import|fetch\(|XMLHttpRequest", page)


@each_notebook
def test_the_words_of_the_slides_are_whole(path, made) -> None:
    """Alt texts everywhere; neither Markdown nor LaTeX is left; no solution is told."""
    page = (made[0] / f"{path.stem}.html").read_text("utf-8")
    body = page.split("</style>")[1].split("<script>")[0]
    images = re.findall(r"<img [^>]*>", body)
    assert all(re.search(r'alt="[^"]+"', image) for image in images)
    words = re.sub(r"<code>.*?</code>", "", body)
    words = re.sub(r"<[^>]+>", "", words)
    assert not re.search(r"\]\(|\*\*|\$|\\[a-z]|^>", words)
    assert "Solution" not in words


def test_the_last_word_answers_the_title() -> None:
    """Not always what stands last: 08 answers in its middle, 04 without a heading."""
    cells = {p.stem[:2]: json.loads(p.read_text("utf-8"))["cells"] for p in PATHS}
    words = {number: slides.split(of_one)[2] for number, of_one in cells.items()}
    assert words["01"].startswith("How can a network draw a new 7?")
    assert words["04"].startswith("**What does each layer of a DCGAN do?**")
    assert words["08"].startswith("No single number can say.")


def test_a_notebook_need_not_go_deeper() -> None:
    sources = ["# A title", "The last word."]
    cells = [{"cell_type": "markdown", "source": source} for source in sources]
    assert slides.split(cells) == (cells, [], "The last word.")
    assert len(slides.slides(cells)) == 2


def test_a_damaged_notebook_is_named(tmp_path) -> None:
    path = tmp_path / "01_a.ipynb"
    path.write_text('{\n<<<<<<< HEAD\n"cells": []}')
    with pytest.raises(UnreadableFile, match=f"^{path}: expected a notebook .*line 2"):
        slides.make_slides(path, tmp_path)


@pytest.mark.parametrize(
    "source, answer",
    [
        ("Lower. It falls.\n\nMore.", "Lower. It falls."),
        (f"It is {'very ' * 20}long. And then.", f"It is {'very ' * 20}long."),
        ("It is 0.5 here, see e.g. the left: " + 3 * "word " * 10, None),
        ("## A heading\n\nText.", ""),
        ("<details><summary>Solution</summary>", ""),
        ("> **Predict:** what?", ""),
        ("- One: 1.\n- Two: 2.", "One: 1."),
    ],
)
def test_the_sentence_that_answers(source: str, answer: "str | None") -> None:
    found = slides.answer_in(source)
    assert found == (" ".join(source.split()) if answer is None else answer)


def test_the_last_question_is_asked() -> None:
    source = (
        "> **Predict:** first?\n\nText.\n\n> **Predict:** second,\n> on two lines?\n"
    )
    assert slides.question_in(source) == "**Predict:** second,\non two lines?"
    assert slides.question_in("No question.") == ""


def test_words_become_html() -> None:
    said = slides.inline("**Bold** *thin* `a < b` [link](x.md) 2 < 3 and 4 * 5 * 6")
    assert said == (
        "<strong>Bold</strong> <em>thin</em> <code>a &lt; b</code> link 2 &lt; 3 "
        "and 4 * 5 * 6"
    )
    assert 'alt="p_G"' in slides.inline("where $p_G$ is")


FILM = r'<img class="film" alt="(.+?)" src="data:image/gif;base64,(.+?)">'
LAST = r'<img class="last" alt="(.+?)" src="data:image/png;base64,(.+?)">'


@each_notebook
def test_each_film_has_its_last_frame_beside_it(path, made) -> None:
    page = (made[0] / f"{path.stem}.html").read_text("utf-8")
    pairs = re.findall(rf"{FILM}{LAST}", page)
    assert len(pairs) == page.count("data:image/gif") == page.count('class="last"')
    for alt, film, other_alt, last in pairs:
        film, last = (Image.open(io.BytesIO(base64.b64decode(i))) for i in (film, last))
        first = film.convert("RGB")
        film.seek(film.n_frames - 1)
        assert ImageChops.difference(last, film.convert("RGB")).getbbox() is None
        assert ImageChops.difference(last, first).getbbox()
        assert other_alt == alt


def test_paper_shows_the_last_frame_and_the_screen_the_film(made, browser) -> None:
    page = browser.new_page()
    page.goto((made[0] / f"{PATHS[0].stem}.html").as_uri())
    page.evaluate("document.body.classList.remove('playing')")
    for medium, shown in (("screen", "film"), ("print", "last")):
        page.emulate_media(media=medium)
        for kind in ("film", "last"):
            seen = [one.is_visible() for one in page.locator(f"img.{kind}").all()]
            assert seen == [kind == shown] * 2, (medium, kind)
    page.close()


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium to print with")
def test_printing_gives_a_page_for_each_slide(made, tmp_path) -> None:
    folder, counts = made
    name, target = PATHS[2].stem, tmp_path / "slides.pdf"
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu"]
    command += [f"--user-data-dir={tmp_path}", f"--print-to-pdf={target}"]
    page = (folder / f"{name}.html").as_uri()
    subprocess.run([*command, page], check=True, capture_output=True, timeout=120)
    pages = len(re.findall(rb"/Type\s*/Page[^s]", target.read_bytes()))
    assert pages == counts[name]
