"""What is installed: each dependency pinned, with its reason, and from nowhere in particular."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([0-9][0-9A-Za-z.]*)")


def names(requirements: list[str]) -> list[str]:
    return [canonicalize_name(Requirement(one).name) for one in requirements]


DEPENDENCIES = sorted(
    {*names(PROJECT["dependencies"]), *(n for e in EXTRAS.values() for n in names(e))}
)


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    found = [PINNED.fullmatch(line) for line in lines if not line.startswith("#")]
    assert all(found), "constraints.txt holds names and versions, no addresses and no options"
    return {canonicalize_name(pin[1]): pin[2] for pin in found if pin}


@pytest.mark.parametrize("name", DEPENDENCIES)
def test_each_dependency_is_pinned_and_has_its_reason(name: str) -> None:
    assert name in pins()
    _, _, reasons = (ROOT / "ARCHITECTURE.md").read_text().partition("## Dependencies")
    assert name in canonicalize_name(reasons.replace("\n", " "))


def test_pins_are_within_what_the_project_asks_for() -> None:
    for requirement in map(Requirement, [*PROJECT["dependencies"], *sum(EXTRAS.values(), [])]):
        assert pins()[canonicalize_name(requirement.name)] in requirement.specifier


def test_the_extras_that_scripts_rely_on_are_there() -> None:
    assert {"train", "web", "archive", "lab", "raw", "demo", "dev"} <= EXTRAS.keys()


@pytest.mark.parametrize("extra", [None, "demo", "web", "raw"])
def test_what_users_install_asks_for_no_pytorch(extra: str | None) -> None:
    asked = names(EXTRAS[extra] if extra else PROJECT["dependencies"])
    assert not {"torch", "torchvision", "transformers", "timm", "open-clip-torch"} & {*asked}
