"""Make slides of the notebooks' stored figures: one HTML file each, in build/slides/.

    python tools/slides.py [TARGET]

A slide has the heading of a figure's section, the question that the notebook asks
before it, the figure, and the sentence that answers. Each file is complete in itself
and asks for nothing outward. Arrow keys move; printing gives a page for each slide, on
which a film stands as its last frame.
"""

import argparse
import base64
import html
import io
import json
import re
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from PIL import Image

from dcgan_keras.edge import run_command
from dcgan_keras.files import decoding, write_whole

ROOT = Path(__file__).resolve().parent.parent
PAGE = (Path(__file__).parent / "slides.html").read_text(encoding="utf-8")
KINDS = ("image/gif", "image/png", "image/svg+xml", "image/jpeg")
# Characters of an answer; a shorter first sentence takes the next one along.
ENOUGH = 90


class Picture(NamedTuple):
    """A stored figure and what stands around it in the notebook."""

    heading: str
    question: str
    data: str  # a data: URI
    alt: str
    answer: str


def text(cell: dict) -> str:
    """The source of a cell."""
    return "".join(cell["source"])


def pictures_of(cell: dict) -> Iterator[tuple[str, str]]:
    """The data URI and the alt text of each picture that a cell stores."""
    for output in cell.get("outputs", []):
        kind = next((k for k in KINDS if k in output.get("data", {})), None)
        if kind:
            data = "".join(output["data"][kind])
            if kind == "image/svg+xml":
                data = base64.b64encode(data.encode()).decode()
            alt = output.get("metadata", {}).get(kind, {}).get("alt", "")
            yield f"data:{kind};base64,{data.replace(chr(10), '')}", alt


def question_in(source: str) -> str:
    """The last question of a cell of prose: its last block of quoted lines."""
    blocks = re.findall(r"(?:^>.*\n?)+", source, re.MULTILINE)
    return re.sub(r"^> ?", "", blocks[-1], flags=re.MULTILINE).strip() if blocks else ""


def answer_in(source: str) -> str:
    """The first sentences of a cell of prose, if it begins with an answer."""
    if re.match(r"\s*(?:#|>|<|\*\*Exercise)", source):
        return ""
    first = re.sub(r"^- ", "", re.split(r"\n\s*\n|\n- ", source.strip())[0])
    answer = ""
    for sentence in re.split(r"(?<=[.!?])\s+(?=[^a-z\s])", " ".join(first.split())):
        answer = f"{answer} {sentence}".strip()
        if len(answer) >= ENOUGH:
            break
    return re.sub(r":$", ".", answer)


def figures(cells: list[dict]) -> list[Picture]:
    """Every stored picture of some cells, in order."""
    found, heading, question = [], "", ""
    for index, cell in enumerate(cells):
        if cell["cell_type"] == "markdown":
            headings = re.findall(r"^#{2,} (.+)$", text(cell), re.MULTILINE)
            heading = headings[-1] if headings else heading
            question = question_in(text(cell))
            continue
        following = (c for c in cells[index + 1 :] if c["cell_type"] == "markdown")
        answer = answer_in(text(next(following, {"source": ""})))
        for data, alt in pictures_of(cell):
            found.append(Picture(heading, question, data, alt, answer))
    return found


def place(heading: str, cells: list[dict]) -> int:
    """Where the first heading like this is; behind all cells if there is none."""
    for index, cell in enumerate(cells):
        is_prose = cell["cell_type"] == "markdown"
        if is_prose and re.search(heading, text(cell), re.MULTILINE):
            return index
    return len(cells)


def split(cells: list[dict]) -> tuple[list[dict], list[dict], str]:
    """The main line, what goes deeper (nothing may), and the main line's last word."""
    deeper = place(r"^#+ Going deeper", cells)
    prose = [c for c in cells if c["cell_type"] == "markdown"]
    end = place(r"^#+ (?:Exercises|Now you|Going deeper)", prose)
    heading = r"^#+ (?:The answer|So, .+\?)\s*$"
    answers = [c for c in prose if re.search(heading, text(c), re.M)]
    last = answers[0] if answers else prose[end - 1]
    word = re.split(heading, text(last), flags=re.MULTILINE)[-1]
    paragraphs = [p for p in re.split(r"\n\s*\n", word) if not p.startswith("#")]
    word = next((p.strip() for p in paragraphs if p.strip()), "")
    return cells[:deeper], cells[deeper:], word


@lru_cache
def formula(latex: str) -> str:
    """A formula as a picture in the text, drawn by Matplotlib."""
    for theirs, ours in ((r"\tfrac", r"\frac"), (r"\bigl", ""), (r"\bigr", "")):
        latex = latex.replace(theirs, ours)
    braced = re.sub(r"frac(\d)(\d)", r"frac{\1}{\2}", latex)  # Matplotlib wants them
    drawn = "$" + re.sub(r"sqrt ?(\w)", r"sqrt{\1}", braced) + "$"
    font = FontProperties(size=10, math_fontfamily="stix")
    width, height, depth, *_ = MathTextParser("path").parse(drawn, 72, font)
    figure, svg = Figure(figsize=(width / 72, height / 72)), io.BytesIO()
    figure.text(0, depth / height, drawn, fontproperties=font, color="#1f2933")
    figure.savefig(svg, dpi=72, format="svg", transparent=True, metadata={"Date": None})
    data = base64.b64encode(svg.getvalue()).decode()
    return (
        f'<img class="formula" alt="{html.escape(latex)}" '
        f'style="height:{height / 9:.2f}em;vertical-align:{-depth / 9:.2f}em" '
        f'src="data:image/svg+xml;base64,{data}">'
    )


def inline(source: str) -> str:
    """A paragraph of a notebook as HTML: emphasis, code, formulas; links as words."""
    parts = re.split(
        r"(\$[^$]+\$|`[^`]+`)", re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", source)
    )
    for index, part in enumerate(parts):
        if part.startswith("$"):
            parts[index] = formula(part.strip("$"))
        elif part.startswith("`"):
            parts[index] = f"<code>{html.escape(part.strip('`'))}</code>"
        else:
            parts[index] = html.escape(part, quote=False)
    joined = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", "".join(parts))
    return re.sub(r"\*(\S(?:.*?\S)?)\*", r"<em>\1</em>", joined)


def section(kind: str, *parts: str) -> str:
    """One slide."""
    return (
        f'<section class="{kind}">\n' + "\n".join(filter(None, parts)) + "\n</section>"
    )


def last_frame(film: str) -> str:
    """The last frame of a GIF as a PNG; both are data: URIs."""
    png = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(film.partition(",")[2]))) as frames:
        frames.seek(frames.n_frames - 1)
        frames.convert("RGB").save(png, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"


def picture_slide(picture: Picture) -> str:
    """A slide with a question, its figure, and the answer, which come one by one."""
    question, answer = inline(picture.question), inline(picture.answer)
    alt = html.escape(picture.alt)
    shown = f'<img alt="{alt}" src="{picture.data}">'
    if picture.data.startswith("data:image/gif"):
        shown = f'<img class="film" alt="{alt}" src="{picture.data}">'
        shown += f'<img class="last" alt="{alt}" src="{last_frame(picture.data)}">'
    return section(
        "figure",
        f"<h2>{inline(picture.heading)}</h2>",
        question and f'<p class="question">{question}</p>',
        f'<figure class="{"step" if question else ""}">{shown}</figure>',
        answer and f'<p class="answer step">{answer}</p>',
    )


def slides(cells: list[dict]) -> list[str]:
    """All slides: the title, the figures, the answer, and what goes deeper."""
    opening = text(cells[0])
    title = opening.splitlines()[0].lstrip("# ")
    aims = "".join(
        f"<li>{inline(' '.join(aim.split()))}</li>"
        for aim in re.findall(
            r"^- ((?:.+\n)+?)(?=- |\n|\Z)", opening + "\n", re.MULTILINE
        )
    )
    main, deeper, word = split(cells)
    made = [section("title", f"<h1>{inline(title)}</h1>", f"<ul>{aims}</ul>")]
    made += map(picture_slide, figures(main))
    made.append(section("word", "<h2>The answer</h2>", f"<p>{inline(word)}</p>"))
    if more := figures(deeper):
        made.append(section("title", "<h1>Going deeper</h1>"))
        made += map(picture_slide, more)
    return made


def make_slides(path: Path, target: Path) -> int:
    """Write the slides of one notebook.

    Args:
        path: the notebook, with stored outputs.
        target: the folder of the HTML file, which is named like the notebook.

    Returns:
        The number of slides.
    """
    with decoding(path, "a notebook of the course"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    made = slides(cells)
    title = html.escape(text(cells[0]).splitlines()[0].lstrip("# ").replace("*", ""))
    page = PAGE.replace("{{title}}", title).replace("{{slides}}", "\n".join(made))
    write_whole(target / f"{path.stem}.html", page.encode())
    return len(made)


def main() -> None:
    """Write the slides of all notebooks."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target", nargs="?", type=Path, default=ROOT / "build/slides")
    target = parser.parse_args().target
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        print(f"{path.stem}.html: {make_slides(path, target)} slides")


if __name__ == "__main__":
    sys.exit(run_command("slides", main, debug=None))
