"""Who imports whom: one way, from the lessons down to the small files on the ground."""

import grimp
import pytest

PACKAGE = "dcgan_keras"
# From the top down; a level imports only from below, and from its own level where the
# names stand in one set.
LEVELS = [
    {"__main__"},
    {"lessons"},
    {"training"},
    {"evaluation"},
    {"models"},
    {"composite", "losses", "fast", "data", "visualization", "convolution"},
    {"noise", "labels", "sizes", "files", "edge"},
    {"_tensorflow"},
    {"_registration"},
]


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph(PACKAGE, exclude_type_checking_imports=True)


def room(module):
    """The folder or file of the package that a module stands in."""
    return module.split(".")[1] if "." in module else "__init__"


def arrows(graph):
    """All imports between modules, as pairs."""
    return [
        (module, imported)
        for module in sorted(graph.modules)
        for imported in sorted(graph.find_modules_directly_imported_by(module))
    ]


def test_rooms_import_from_those_below(graph):
    height = {name: -n for n, level in enumerate(LEVELS) for name in level}
    assert {room(module) for module in graph.modules} == {*height, "__init__"}
    wrong = [
        f"{module} -> {imported}"
        for module, imported in arrows(graph)
        if PACKAGE not in (module, imported)  # the front door opens onto any room
        and room(module) != room(imported)
        and height[room(module)] < height[room(imported)]
    ]
    assert wrong == []


def test_no_module_imports_itself_by_a_detour(graph):
    front_door = {PACKAGE}
    for module in graph.modules - front_door:
        for imported in graph.find_modules_directly_imported_by(module) - front_door:
            back = graph.find_shortest_chain(importer=imported, imported=module)
            assert back is None or PACKAGE in back, f"{module} -> {' -> '.join(back)}"


def test_the_core_never_imports_the_lessons(graph):
    core = [m for m in graph.modules if room(m) not in ("lessons", "__init__")]
    assert [
        module
        for module in core
        if any(
            room(imported) == "lessons"
            for imported in graph.find_modules_directly_imported_by(module)
        )
    ] == []


def test_a_planted_circle_is_seen(graph):
    planted = grimp.build_graph(PACKAGE, exclude_type_checking_imports=True)
    planted.add_import(
        importer="dcgan_keras.losses", imported="dcgan_keras.training.dcgan"
    )
    with pytest.raises(AssertionError, match="dcgan_keras.losses"):
        test_no_module_imports_itself_by_a_detour(planted)
    with pytest.raises(AssertionError):
        test_rooms_import_from_those_below(planted)
