"""tools/build_site.py: what it empties is its own. The pages: tests/site/."""

import build_site
import pytest


@pytest.mark.parametrize("name", ["site", "site_work"])
def test_a_folder_of_somebody_is_not_emptied(name, tmp_path):
    kept = tmp_path / name / "thesis.tex"
    kept.parent.mkdir()
    kept.write_text("all of it")
    with pytest.raises(FileExistsError, match=f"{name} is no site that this tool"):
        build_site.build(tmp_path / "site")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert kept.read_text() == "all of it"


def test_only_a_site_or_nothing_is_replaced(tmp_path):
    folder = tmp_path / "site"
    build_site.check_own(folder, ".buildinfo")
    folder.mkdir()
    build_site.check_own(folder, ".buildinfo")
    (folder / "index.html").touch()
    (folder / ".buildinfo").touch()
    build_site.check_own(folder, ".buildinfo")
    link = tmp_path / "link"  # of it rmtree would remove nothing
    link.symlink_to(folder)
    for other in (link, folder / "index.html"):
        with pytest.raises(FileExistsError):
            build_site.check_own(other, ".buildinfo")
