"""Both sites, each built once for all tests of this folder."""

import build_site
import pytest
from site_rules import Site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The course as a website, from the stored outputs."""
    folder = tmp_path_factory.mktemp("site") / "course"
    build_site.build(folder)
    return Site(folder)


@pytest.fixture(scope="session")
def class_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The same without solutions and without the lecturer's pages."""
    folder = tmp_path_factory.mktemp("class_site") / "course"
    build_site.build(folder, for_class=True)
    return Site(folder)
