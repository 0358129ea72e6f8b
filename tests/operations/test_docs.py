"""The pages of docs/ say what is there: links lead somewhere, and the configuration is that of the binaries."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def pages() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / name for name in listed.stdout.split() if (ROOT / name).exists()]


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))


def anchors(page: Path) -> set[str]:
    """What GitHub and mdbook make of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(without_code(page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_the_configuration_is_that_of_the_binaries() -> None:
    made = subprocess.run(
        ["scripts/configuration.sh", "-"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for service in ("error-tracker", "log-viewer", "metrics-collector", "browser-relay"):
        assert f"\n## {service}\n" in made.stdout
    assert made.stdout.count("LISTEN_ADDR") >= 4
    kept = (ROOT / "docs/configuration.md").read_text()
    assert kept == made.stdout, "run scripts/configuration.sh"


def test_files_that_the_pages_name_are_there() -> None:
    lost = []
    for page in (ROOT / "docs").glob("*.md"):
        for path in re.findall(r"`([\w./-]+/[\w.-]+\.(?:rs|ts|py|sh|yml|yaml|toml))`", page.read_text()):
            if not (ROOT / path).exists():
                lost.append(f"{page.name}: {path}")
    assert lost == []


def test_every_page_is_in_the_summary() -> None:
    summary = (ROOT / "docs/SUMMARY.md").read_text()
    named = {(ROOT / "docs" / link).resolve() for link in LINK.findall(summary)}
    lost = {page for page in (ROOT / "docs").glob("*.md") if page.name != "SUMMARY.md"} - named
    assert lost == set()
    services = ("error-tracker", "log-viewer", "metrics-collector", "browser-relay")
    assert {ROOT / name / "README.md" for name in services} <= named


def test_the_doctors_areas_are_explained() -> None:
    """Each area that a finding can have has its row in the table."""
    sources = [
        *ROOT.glob("shared/service/src/doctor/*.rs"),
        *ROOT.glob("*/src/doctor.rs"),
        ROOT / "shared/alerts/src/doctor.rs",
    ]
    told = set()
    for source in sources:
        told |= set(
            re.findall(
                r'Finding::(?:well|doubtful|wrong)\(\s*"([a-z]+)"',
                source.read_text().split("#[cfg(test)]")[0],
            )
        )
    assert {"disk", "mail", "upstream", "logs", "scrape"} <= told
    table = (ROOT / "docs/troubleshooting.md").read_text()
    explained = {
        area
        for row in re.findall(r"^\| (`[a-z`, ]+`) \|", table, flags=re.MULTILINE)
        for area in re.findall(r"`([a-z]+)`", row)
    }
    assert told <= explained, told - explained
