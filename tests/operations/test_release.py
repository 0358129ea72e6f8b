"""What `make release-…` would do to versions and changelog, and what it refuses."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stack import ROOT, SERVICES

CHANGELOG = """# Changelog

## Unreleased

- error-tracker: finds more.
- log-viewer: reads more.
- All services: start faster.

## log-viewer 0.2.0 – 2026-01-01

- log-viewer: is new.
"""


def load():
    spec = importlib.util.spec_from_file_location("release", ROOT / "scripts/release.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["release"] = module
    spec.loader.exec_module(module)
    return module


release = load()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "scripts/release.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_every_component_has_one_version() -> None:
    said = dict(line.split() for line in run("versions").stdout.splitlines())
    assert set(said) == {*SERVICES, "js", "python"}


def test_what_is_unreleased_of_a_component_becomes_its_section() -> None:
    after = release.released(CHANGELOG, release.COMPONENTS["error-tracker"], "0.2.0", "2026-02-03")
    unreleased, section, older = after.split("\n## ")[1:]
    assert unreleased.splitlines() == [
        "Unreleased",
        "",
        "- log-viewer: reads more.",
        "- All services: start faster.",
    ]
    assert section.splitlines() == [
        "error-tracker 0.2.0 – 2026-02-03",
        "",
        "- error-tracker: finds more.",
        "- All services: start faster.",
    ]
    assert older.startswith("log-viewer 0.2.0")


def test_what_is_said_of_all_goes_once_all_have_it() -> None:
    text = CHANGELOG
    for number, service in enumerate(SERVICES):
        assert text.split("\n## ")[1].count("start faster") == 1
        text = release.released(text, release.COMPONENTS[service], f"0.{number + 3}.0", "2026-02-03")
    assert "start faster" not in text.split("\n## ")[1]
    assert text.count("start faster") == len(SERVICES)


def test_a_release_of_nothing_is_refused() -> None:
    with pytest.raises(release.Refused, match="nothing new of browser-relay"):
        text = CHANGELOG.replace("- All services: start faster.\n", "")
        release.released(text, release.COMPONENTS["browser-relay"], "0.2.0", "2026-02-03")


@pytest.mark.parametrize("name", release.COMPONENTS)
def test_a_version_is_changed_wherever_it_stands_and_nowhere_else(name: str, tmp_path: Path) -> None:
    component = release.COMPONENTS[name]
    for file, _ in component.places:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    release.bump(tmp_path, component, "99.88.77")
    assert release.version_of(tmp_path, component) == "99.88.77"
    n_changed = sum(
        (tmp_path / file).read_text().count("99.88.77") for file in {f for f, _ in component.places}
    )
    assert n_changed == len(component.places)


@pytest.mark.parametrize("version", ["", "1", "v1.2.3", "01.2.3", "0.0.1", "1.2.3-rc1"])
def test_no_higher_version_is_no_release(version: str) -> None:
    refused = run("error-tracker", version, "--dry")
    assert refused.returncode == 1 and refused.stderr.startswith("release: ")


def test_what_a_binary_is_built_of_names_each_crate_with_its_sum() -> None:
    command = [sys.executable, ROOT / "scripts/sbom.py", "log-viewer"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    parts = {part["name"]: part for part in json.loads(done.stdout)["components"]}
    assert {"rusqlite", "zstd", "hyper", "uplot"} <= set(parts)
    # Tests and builds only.
    assert not {"proptest", "insta", "tempfile"} & set(parts)
    assert all("hashes" in part for part in parts.values() if part.get("purl", "").startswith("pkg:cargo/"))
