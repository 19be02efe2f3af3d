"""How Sphinx makes the site; tools/build_site.py calls it, `make site` calls that.

Nothing on the site comes from the net: MathJax stands in _static/, the theme brings its
own fonts, and the notebooks are shown as they are, never run.
"""

import inspect
import json
import os
import re
import sys

from myst_nb.core.render import NbElementRenderer

sys.path.insert(0, os.environ["COURSE_ROOT"])  # autodoc imports the package

project = "DCGANs in Keras"
html_title = project
author = "The contributors to dcgan-keras"
language = "en"
copyright = "the authors; Apache License 2.0"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
include_patterns = [
    "index.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "benchmarks/README.md",
    "data/README.md",
    "docs/**",
    "notebooks/*.ipynb",
]
exclude_patterns = ["docs/_static/**"]
suppress_warnings = [
    "myst.header",  # the glossary's terms are small headings under a large one
]

# Notebooks and Markdown
nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js = {}  # the live sliders need a kernel; their pictures are stored
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4

# The package, from its docstrings
default_role = "code"
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_typehints = "none"  # the docstrings say more
autosummary_generate = False
napoleon_google_docstring = True
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_attr_annotations = False
napoleon_numpy_docstring = False
python_maximum_signature_line_length = 60
add_module_names = False
toc_object_entries_show_parents = "hide"

# Looks
html_theme = "sphinx_book_theme"
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_use_index = html_domain_indices = False  # the reference and the search are there
html_show_sourcelink = False
html_copy_source = True  # the download button of a notebook's page leads there
html_sourcelink_suffix = ""
html_theme_options = {
    "home_page_in_toc": True,
    "show_toc_level": 2,
    "use_download_button": True,
    "use_fullscreen_button": False,
    "navbar_persistent": [],  # the search stands in the sidebar
}
mathjax_path = "mathjax/tex-svg-full.js"
mathjax3_config = {
    "options": {"enableMenu": False},  # parts of the menu lie on a CDN
    "svg": {"scale": 0.92},  # as large as the text
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"


def with_alt_text(render):
    """myst-nb's picture of an output, with the alt text that the output stores."""

    def render_image(self, data):
        nodes = render(self, data)
        for node in nodes:
            node["alt"] = data.output_metadata.get(data.mime_type, {}).get("alt", "")
        return nodes

    return render_image


def readme_is_the_front_page(app, docname, source):
    """A link to the repository's README leads to the page that includes it."""
    up = "../" * docname.count("/")
    source[0] = source[0].replace(f"]({up}README.md", f"]({up}index.md")


def cells_have_anchors(app, docname, source):
    """Each cell of a notebook can be linked to by its id.

    The comment keeps the anchor to itself: raw HTML behind it would swallow it.
    """
    if not docname.startswith("notebooks/"):
        return
    notebook = json.loads(source[0])
    cells = []
    for cell in notebook["cells"]:
        anchor = {"cell_type": "markdown", "metadata": {}, "id": f"to-{cell['id']}"}
        cells += [anchor | {"source": f"({cell['id']})=\n\n% the cell"}, cell]
    source[0] = json.dumps(notebook | {"cells": cells})


def cell_ids_are_links(app, docname, source):
    """The lecturer's pages name cells by their ids; Sphinx warns of one without."""
    if docname.startswith("docs/teaching/"):
        source[0] = re.sub(r"`?\b(nb\d\d-[\w-]+)`?", r"[`\1`](#\1)", source[0])


def formulas_are_literal(app, what, name, thing, options, lines):
    """An indented block after a paragraph is a formula or a command: keep its lines."""
    for i in range(len(lines) - 1, 1, -1):
        above = next((line for line in reversed(lines[:i]) if line), "")
        if lines[i][:4] == "    " and not lines[i - 1] and above[:1] not in ("", " "):
            lines[i:i] = ["::", ""]


def signature_of_init(app, what, name, thing, options, signature, returned):
    """A Keras class hides its arguments behind ``__new__(*args, **kwargs)``."""
    if what == "class" and signature == "(*args, **kwargs)":
        parameters = [*inspect.signature(thing.__init__).parameters.values()][1:]
        parameters = [one.replace(annotation=one.empty) for one in parameters]
        signature = str(inspect.Signature(parameters))
    return signature, returned


def skip_field_numbers(app, what, name, thing, skip, options):
    """NamedTuple's own "Alias for field number 0" explains nothing."""
    return str(getattr(thing, "__doc__", "")).startswith("Alias for field") or None


def long_code_breaks(app, pagename, templatename, context, doctree):
    """A long name in the text may break behind its dots, but never inside a number."""

    def with_breaks(found):
        return found[1] + re.sub(r"(?<!\d)([._(=/,])(?!\d)", r"\1<wbr>", found[2])

    body = context.get("body", "")
    context["body"] = re.sub(r'(<span class="pre">)([^<]{20,})', with_breaks, body)


def setup(app):
    """Called by Sphinx at the start."""
    app.connect("source-read", readme_is_the_front_page)
    app.connect("source-read", cells_have_anchors)
    app.connect("source-read", cell_ids_are_links)
    app.connect("html-page-context", long_code_breaks)
    app.connect("autodoc-process-docstring", formulas_are_literal, priority=400)
    app.connect("autodoc-process-signature", signature_of_init)
    app.connect("autodoc-skip-member", skip_field_numbers)
    NbElementRenderer.render_image = with_alt_text(NbElementRenderer.render_image)
