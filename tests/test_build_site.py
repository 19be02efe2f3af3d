"""tools/build_site.py: what it replaces is its own. The pages: tests/site/."""

import subprocess
import sys
from pathlib import Path

import build_site
import pytest


def test_a_folder_of_somebody_is_not_replaced(tmp_path):
    kept = tmp_path / "site" / "thesis.tex"
    kept.parent.mkdir()
    kept.write_text("all of it")
    with pytest.raises(FileExistsError, match="site is no site that this tool"):
        build_site.build(tmp_path / "site")
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    assert kept.read_text() == "all of it"


def test_only_a_site_or_nothing_is_replaced(tmp_path):
    folder = tmp_path / "site"
    build_site.check_own(folder)
    folder.mkdir()
    build_site.check_own(folder)
    page = folder / build_site.MARK
    page.parent.mkdir()
    page.touch()
    build_site.check_own(folder)
    link = tmp_path / "link"
    link.symlink_to(folder)
    for other in (link, page):
        with pytest.raises(FileExistsError):
            build_site.check_own(other)


def test_a_site_stays_until_another_is_whole(tmp_path, monkeypatch):
    """Also what a stopped run left beside it is in nobody's way."""
    folder = tmp_path / "site"
    page = folder / build_site.MARK
    page.parent.mkdir(parents=True)
    page.write_text("old")
    (tmp_path / ".site_work" / "doctrees").mkdir(parents=True)
    monkeypatch.setattr(build_site, "lay_out", lambda source, fresh: None)
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(subprocess.CalledProcessError):
        build_site.build(folder)
    assert page.read_text() == "old"

    def sphinx(command, **options):
        made = command[-1] / build_site.MARK
        made.parent.mkdir(parents=True)
        made.write_text("new")

    monkeypatch.setattr(subprocess, "run", sphinx)
    assert build_site.build(folder) == folder / "index.html"
    assert page.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_what_a_host_needs_stays_beside_the_pages(tmp_path, monkeypatch):
    folder = tmp_path / "site"
    for name in (".git/HEAD", "CNAME", ".nojekyll", ".buildinfo", "gone.html"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"old {name}")
    (folder / ".mine").symlink_to("elsewhere")

    def sphinx(command, **options):
        for name in (build_site.MARK, ".buildinfo"):
            (command[-1] / name).parent.mkdir(parents=True, exist_ok=True)
            (command[-1] / name).write_text("new")

    monkeypatch.setattr(build_site, "lay_out", lambda source, fresh: None)
    monkeypatch.setattr(subprocess, "run", sphinx)
    (folder / build_site.MARK).parent.mkdir()
    (folder / build_site.MARK).write_text("old")
    (tmp_path / ".site_work").mkdir()
    folder.rename(tmp_path / ".site_work" / "old")  # stopped at that moment
    build_site.build(folder)
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*")}
    kept = {".git", ".git/HEAD", "CNAME", ".nojekyll", ".mine"}
    assert files == kept | {".buildinfo", "notebooks", build_site.MARK.as_posix()}
    assert (folder / ".git" / "HEAD").read_text() == "old .git/HEAD"
    assert (folder / ".buildinfo").read_text() == "new"


@pytest.mark.parametrize(
    ("typed", "output", "for_class"),
    [
        ([], build_site.SITE, False),
        (["--class"], build_site.CLASS_SITE, True),
        (["--class", "web"], Path("web"), True),
    ],
)
def test_the_site_for_a_class_has_a_folder_of_its_own(
    typed, output, for_class, monkeypatch, tmp_path
):
    asked = []

    def build(output, for_class):
        asked.append((output, for_class))
        return output / "index.html"

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(build_site, "build", build)
    monkeypatch.setattr(sys, "argv", ["build_site.py", *typed])
    assert build_site.main() == 0
    assert asked == [(output.resolve(), for_class)]
