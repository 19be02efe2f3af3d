"""The site in a real browser: every page, on a laptop and a telephone, light and dark.

The browser is the Chromium of the system (Debian: apt install chromium), driven by
Playwright, which downloads nothing.
"""

import sys
from dataclasses import dataclass, field, fields

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page
from site_rules import Site

LAPTOP, TELEPHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
MATH_IS_DRAWN = "() => !window.MathJax || MathJax.startup.promise.then(() => true)"
# What sticks out to the right without standing in a box that scrolls.
STICKING_OUT = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = (e) => ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
  const held = (e) => e && (scrolls(e) || held(e.parentElement));
  const out = [...document.querySelectorAll(".bd-article *, .bd-header-article *")]
    .filter((e) => !e.closest("mjx-assistive-mml")) // for the ears
    .filter((e) => e.getBoundingClientRect().right > width + 1 && !held(e))
    .map((e) => e.tagName + " " + e.textContent.trim().slice(0, 40));
  const page = document.documentElement.scrollWidth - width;
  return out.concat(page > 0 ? [`the page, by ${page} pixels`] : []);
}"""
# Numbers of which one part stands on another line.
BROKEN_NUMBERS = r"""() => {
  const found = [], range = document.createRange();
  const article = document.querySelector(".bd-article") ?? document.body;
  const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); )
    for (const match of node.data.matchAll(/\d[\d.,]*\d/g)) {
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      const tops = [...range.getClientRects()].map((r) => Math.round(r.top));
      if (Math.max(...tops) - Math.min(...tops) > 3) found.push(match[0]);
    }
  return found;
}"""
# Code that one has to scroll to read: its longest line.
CUT_CODE = """() => [...document.querySelectorAll(".cell_input pre")]
  .filter((e) => e.offsetParent && e.scrollWidth > e.clientWidth)
  .map((e) => e.textContent.split("\\n"))
  .map((lines) => lines.reduce((a, b) => (a.length > b.length ? a : b)))"""
PALE_PICTURES = """() => [...document.images]
  .filter((i) => !(i.complete && i.naturalWidth)).map((i) => i.getAttribute("src"))"""
# Formulas with an error, or with a command that MathJax shows because it is unknown.
UNDRAWN = r"""() => [...document.querySelectorAll("mjx-container")]
  .filter((e) => e.querySelector("[data-mjx-error]") || /\\[a-z]/i.test(e.textContent))
  .map((e) => e.textContent)"""
BRIGHTNESS = """() => [["background-color", document.body], ["color",
    document.querySelector(".bd-article p") ?? document.body]].map(([what, e]) => {
  const [r, g, b] = getComputedStyle(e).getPropertyValue(what).match(/[\\d.]+/g);
  return 0.299 * r + 0.587 * g + 0.114 * b;
})"""


@dataclass
class Visit:
    """What one page did when it was looked at."""

    asked: list[str] = field(default_factory=list)  # from other machines
    said: list[str] = field(default_factory=list)  # warnings and errors
    unloaded: list[str] = field(default_factory=list)
    formulas: int = 0
    undrawn: list[str] = field(default_factory=list)
    sticking_out: list[str] = field(default_factory=list)
    cut_code: list[str] = field(default_factory=list)
    broken_numbers: list[str] = field(default_factory=list)
    light: tuple[float, float] = (0, 0)  # brightness of the ground and the letters
    dark: tuple[float, float] = (0, 0)


def switch(page: Page, theme: str) -> tuple[float, float]:
    """Choose the theme at the switch; return the brightness of ground and letters."""
    for _ in range(3):
        if page.locator("html").get_attribute("data-mode") == theme:
            break
        page.locator("button.theme-switch-button:visible").first.click()
        for choice in page.locator(f".theme-change-button[data-mode={theme}]").all():
            choice.click()  # before version 0.17 the theme's switch had no list
    assert page.locator("html").get_attribute("data-theme") == theme
    return tuple(page.evaluate(BRIGHTNESS))


def is_trouble(message: ConsoleMessage) -> bool:
    """A warning or an error that is not the old theme's, the one for Python 3.10.

    That one asks for its fonts twice; from a disk, Chromium refuses the first time.
    """
    font = ".woff2" in message.text + message.location["url"]
    twice = sys.version_info < (3, 11) and font
    return message.type in ("error", "warning") and not twice


def look_at(page: Page, site: Site, name: str) -> Visit:
    """Open the page, wait for its formulas, and look at it wide, narrow and dark."""
    visit, home = Visit(), site.folder.as_uri()
    page.on(
        "request",
        lambda request: (
            request.url.startswith((home, "data:", "blob:"))
            or visit.asked.append(request.url)
        ),
    )
    page.on("pageerror", lambda error: visit.said.append(str(error)))
    page.on(
        "console",
        lambda message: is_trouble(message) and visit.said.append(message.text),
    )
    page.set_viewport_size(LAPTOP)
    page.goto(f"{home}/{name}")
    page.wait_for_function(MATH_IS_DRAWN)
    visit.unloaded = page.evaluate(PALE_PICTURES)
    visit.formulas = page.locator("mjx-container svg").count()
    visit.undrawn = page.evaluate(UNDRAWN)
    visit.sticking_out = page.evaluate(STICKING_OUT)
    visit.cut_code = page.evaluate(CUT_CODE)
    for details in page.locator(".bd-article details").all():
        details.evaluate("one => one.open = true")
    page.set_viewport_size(TELEPHONE)
    visit.sticking_out += page.evaluate(STICKING_OUT)
    visit.broken_numbers = page.evaluate(BROKEN_NUMBERS)
    visit.light, visit.dark = switch(page, "light"), switch(page, "dark")
    return visit


@pytest.fixture(scope="module")
def visits(browser: Browser, site: Site) -> dict[str, Visit]:
    """Every page, looked at once."""
    found = {}
    for name in site.pages:
        context = browser.new_context()
        context.set_default_timeout(60_000)
        found[name] = look_at(context.new_page(), site, name)
        context.close()
    return found


def trouble(visits: dict[str, Visit], what: str) -> dict[str, list[str]]:
    """The pages with something to complain of."""
    return {name: getattr(v, what) for name, v in visits.items() if getattr(v, what)}


@pytest.mark.parametrize(
    "what",
    [field.name for field in fields(Visit) if field.type == list[str]],
)
def test_no_page_has(visits: dict[str, Visit], what: str) -> None:
    """Requests to others, console errors, missing pictures, formulas that failed."""
    assert trouble(visits, what) == {}


def test_formulas_are_drawn(visits: dict[str, Visit], site: Site) -> None:
    """As many as the pages have, and no page of the course is without."""
    written = {name: len(page.select(".math")) for name, page in site.pages.items()}
    assert {name: visit.formulas for name, visit in visits.items()} == written
    assert all(n > 10 for name, n in written.items() if name.startswith("notebooks/"))


def test_dark_mode(visits: dict[str, Visit]) -> None:
    """Dark letters on a light ground, and after the switch the other way round."""
    for name, visit in visits.items():
        (ground, letters), (dark_ground, light_letters) = visit.light, visit.dark
        assert ground > 230 > 110 > letters, name
        assert dark_ground < 50 < 170 < light_letters, name


def test_search_finds_a_word(browser: Browser, site: Site) -> None:
    page = browser.new_page()
    page.goto(f"{site.folder.as_uri()}/search.html?q=checkerboard")
    found = page.locator("#search-results li a")
    found.first.wait_for()
    assert "03_transposed_convolution" in str(
        [link.get_attribute("href") for link in found.all()]
    )
    page.close()


def test_code_can_be_copied_and_solutions_opened(browser: Browser, site: Site) -> None:
    page = browser.new_page()
    page.goto(f"{site.folder.as_uri()}/notebooks/01_what_is_a_gan.html")
    details = page.locator(".bd-article details").first
    code = details.locator("pre").first
    assert not code.is_visible()
    details.locator("summary").click()
    assert code.is_visible()
    page.locator("button.copybtn").first.wait_for(state="attached")
    blocks = page.locator(".bd-article .cell_input pre").count()
    assert page.locator(".cell_input button.copybtn").count() == blocks > 10
    page.close()


FAULTS = r"""<img src="https://cdn.example/x.png" alt="A picture from elsewhere">
<script>console.error("something broke")</script>
<p style="width: 1px; overflow-wrap: anywhere">60,000</p>
<div style="width: 1500px">wide</div>
<div class="cell_input">
<pre style="width: 50px; overflow-x: auto">x = 1000 * 1000</pre></div>
<p><span class="math">\(\nothing x\)</span> <span class="math">\(x^2^3\)</span></p>"""


def test_planted_faults_are_seen(browser: Browser, site: Site) -> None:
    """Each of the things that no page has is seen on a page that has it."""
    sound = site.folder / "docs" / "glossary.html"
    page = sound.with_name("planted.html")
    page.write_text(
        sound.read_text("utf-8").replace("</article>", f"{FAULTS}</article>")
    )
    tab = browser.new_page()
    visit = look_at(tab, site, "docs/planted.html")
    tab.close()
    page.unlink()
    assert visit.asked == ["https://cdn.example/x.png"]
    assert "something broke" in visit.said
    assert visit.unloaded == ["https://cdn.example/x.png"]
    assert len(visit.undrawn) == 2
    assert "DIV wide" in visit.sticking_out
    assert visit.cut_code == ["x = 1000 * 1000"]
    assert visit.broken_numbers == ["60,000"]
