"""Executed notebooks as HTML pages that need no network: formulas become MathML.

nbconvert's own pages load MathJax, RequireJS and Mermaid from the net.
"""

import html
import re
import shutil
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote

import nbformat
from jinja2 import Environment, FileSystemLoader, pass_context
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from traitlets.config import Config

TOOLS = Path(__file__).resolve().parent
PICTURES = {".gif", ".png", ".jpg", ".svg"}
FONT = "STIXTwoMath-Regular.ttf"  # from ziamath: formulas need a font of their own
TIGHT = 'lspace="0.08em" rspace="0.08em"'
THIN_SPACE = '<mspace width="0.167em"></mspace>'


def to_mathml(latex: str, display: str = "inline") -> str:
    """A formula as MathML, with what latex2mathml does not do by itself."""
    latex = re.sub(r"\\arg(?![A-Za-z])", r"\\operatorname{arg}", latex.strip())
    if display == "block":
        latex = re.sub(r"\\(min|max|inf|sup|lim)(?=_)", r"\\\1\\limits", latex)
    mathml = convert(latex, display=display)
    # A thin space after a function's name, none before its bracket or around |.
    mathml = re.sub(
        r"(<mi>(?:log|exp|ln|det|cos|sin)</mi>)(?!<mo)", rf"\1{THIN_SPACE}", mathml
    )
    mathml = re.sub(r"(<mo[^>]*)(>&#x0007C;)", rf"\1 {TIGHT}\2", mathml)
    return re.sub(r"<mo>(min|max)</mo>(?=<mo[^>]*>&#x00028;)", r"<mi>\1</mi>", mathml)


class Renderer(IPythonRenderer):
    """Markdown to HTML, with LaTeX as MathML."""

    def inline_math(self, body: str) -> str:
        """A formula in a line of text."""
        return to_mathml(html.unescape(body))

    def block_math(self, body: str) -> str:
        """A formula on a line of its own."""
        return f"<p>{to_mathml(html.unescape(body), 'block')}</p>"

    def latex_environment(self, name: str, body: str) -> str:
        """A formula between \\begin and \\end, without an equation number."""
        name = name.rstrip("*") + "*"
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")


class CoursePage(HTMLExporter):
    """nbconvert's page, in the course's template, which loads nothing from the net."""

    extra_template_basedirs = [str(TOOLS)]
    template_name = "course"

    @property
    def default_config(self) -> Config:
        """nbconvert's settings, and GIFs shown as pictures."""
        config = super().default_config
        config.NbConvertBase.display_data_priority.insert(0, "image/gif")
        return config

    @pass_context
    def markdown2html(self, context: dict, source: str) -> str:
        """Turn a Markdown cell, or output, into HTML."""
        attachments = context.get("cell", {}).get("attachments", {})
        renderer = Renderer(escape=False, attachments=attachments, anchor_link_text=" ")
        return MarkdownWithMath(renderer=renderer).render(source)


def write_page(notebook: nbformat.NotebookNode, path: Path) -> Path:
    """Write the notebook as an HTML page beside `path`, and return the page's path."""
    name, page = path.stem, path.with_suffix(".html")
    resources = {"metadata": {"name": question_of(notebook, name)}}
    body, _ = CoursePage().from_notebook_node(notebook, resources)
    # Links from notebook to notebook lead from page to page here.
    body = re.sub(r'(href="(?:\./)?\d\d_\w+)\.ipynb', r"\1.html", body)
    body = body.replace('href="../docs/glossary.md', 'href="glossary.html')
    page.write_text(body, encoding="utf-8")
    return page


def write_glossary(course: Path) -> Path:
    """docs/glossary.md as a page, with the anchors that the notebooks' links have."""
    source = (TOOLS.parent / "docs" / "glossary.md").read_text("utf-8")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(source)])
    page = write_page(notebook, course / "glossary.ipynb")
    body = page.read_text("utf-8")
    body = re.sub(r'(<h3 id=")([^"]+)', lambda m: m[1] + unquote(m[2]).lower(), body)
    page.write_text(body, encoding="utf-8")
    return page


def opening(notebook: nbformat.NotebookNode) -> str:
    """The text of the first cell."""
    return notebook.cells[0].source if notebook.cells else ""


def question_of(notebook: nbformat.NotebookNode, name: str) -> str:
    """The notebook's title, from its first heading, without its number."""
    title = re.search(r"^#\s+(.+)$", opening(notebook), flags=re.MULTILINE)
    return re.sub(r"^\d+\W+|[*`]", "", title.group(1)) if title else name


def time_of(notebook: nbformat.NotebookNode) -> str:
    """The time that the opening cell states, such as "half a minute", or nothing."""
    about = r"(?:(?:about|under|less than|at most) )?"
    number = r"(?:[\d.,½-]+|half a|an?|one|two|three|four|five|ten)"
    stated = re.search(rf"{about}{number} (?:minute|second)s?", opening(notebook), re.I)
    return stated.group() if stated else ""


def row(course: Path, name: str, seconds: float | None) -> dict:
    """What the index says of one notebook."""
    notebook = nbformat.read(course / name, as_version=4)
    stem = Path(name).stem
    files = sorted(p for p in (course / stem[:2]).glob("*") if p.suffix in PICTURES)
    return {
        "number": stem[:2],
        "question": question_of(notebook, stem),
        "time": time_of(notebook),
        "seconds": "failed" if seconds is None else f"{seconds:.0f}",
        "page": f"{stem}.html",
        "notebook": name,
        "files": [str(p.relative_to(course)) for p in files],
    }


def write_index(
    course: Path, artifacts: Path, rows: list[tuple[str, float | None]]
) -> Path:
    """Copy what the pages show, and write index.html; return its path."""
    shutil.copy(files("ziamath") / "fonts" / FONT, course / FONT)
    if artifacts.is_dir():
        shutil.copytree(artifacts, course, dirs_exist_ok=True)
    environment = Environment(loader=FileSystemLoader(TOOLS), autoescape=True)
    template = environment.get_template("course/contents.html.j2")
    write_glossary(course)
    index = course / "index.html"
    table = [row(course, *entry) for entry in rows]
    index.write_text(template.render(rows=table), encoding="utf-8")
    return index
