"""What every page of the site must be, as far as one sees without a browser.

Each rule returns its complaints.
"""

from functools import cached_property
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag


class Site:
    """The built site's pages, read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def pages(self) -> dict[str, BeautifulSoup]:
        """Each page, by its path in the site."""
        paths = sorted(self.folder.rglob("*.html"))
        return {
            path.relative_to(self.folder).as_posix(): BeautifulSoup(
                path.read_text("utf-8"), "html.parser"
            )
            for path in paths
            if "_static" not in path.parts
        }

    @cached_property
    def anchors(self) -> dict[str, set[str]]:
        """The ids of each page."""
        return {
            name: {tag["id"] for tag in page.find_all(id=True)}
            for name, page in self.pages.items()
        }

    def article(self, name: str) -> Tag:
        """What the page has to say, without the theme around it."""
        return self.pages[name].find("article") or self.pages[name]


def loaded(page: BeautifulSoup) -> list[str]:
    """The addresses that a browser asks for by itself."""
    tags = page.find_all(["script", "img", "source", "iframe"], src=True)
    links = page.find_all("link", rel=["stylesheet", "preload", "icon"], href=True)
    return [tag["src"] for tag in tags] + [tag["href"] for tag in links]


def dead_links(site: Site) -> list[str]:
    """Links within the site that lead to no file, or to no place in it."""
    found = []
    for name, page in site.pages.items():
        links = loaded(page) + [tag["href"] for tag in page.find_all("a", href=True)]
        for link in sorted(set(links)):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (site.folder / name).parent / unquote(parts.path)
            target = target.resolve() if parts.path else site.folder / name
            place = target.relative_to(site.folder.resolve()).as_posix()
            fragment = unquote(parts.fragment)
            if not target.is_file():
                found.append(f"{name}: {link} leads to no file")
            elif fragment and fragment not in site.anchors.get(place, {fragment}):
                found.append(f"{name}: {link} leads to no place in {place}")
    return found


def foreign_files(site: Site) -> list[str]:
    """Scripts, styles and pictures that come from another machine."""
    return [
        f"{name}: {link}"
        for name, page in site.pages.items()
        for link in loaded(page)
        if urlsplit(link).netloc
    ]


def silent_pictures(site: Site) -> list[str]:
    """Pictures without a text for those who do not see them."""
    return [
        f"{name}: {tag.get('src')}"
        for name in site.pages
        for tag in site.pages[name].find_all("img")
        if len(tag.get("alt", "").split()) < 2
    ]


RULES = {rule.__name__: rule for rule in (dead_links, foreign_files, silent_pictures)}
