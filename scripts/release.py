"""Versions of the components, and a release of one: checks, version, changelog, commit, tag.

    release.py versions
    release.py COMPONENT VERSION [--dry]

`--dry` does all of it in a worktree of its own, shows what it would commit, and leaves nothing. Nothing is pushed.
"""

import datetime
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


@dataclass(frozen=True)
class Component:
    """What has a version of its own. `said` is how the changelog begins its lines."""

    name: str
    said: str
    # Files with their pattern around the version, the first of which is where it is read.
    places: tuple[tuple[str, str], ...]


def service(name: str) -> Component:
    return Component(
        name,
        name,
        (
            (f"{name}/Cargo.toml", r'(?m)^version = "(.+)"$'),
            (f"{name}/openapi.json", r'"info": \{[^{}]*?"version": "([^"]+)"'),
            ("Cargo.lock", rf'\[\[package\]\]\nname = "{name}"\nversion = "([^"]+)"'),
            ("deploy/kubernetes.yaml", rf"ghcr\.io/monlight/{name}:(\S+)"),
        ),
    )


COMPONENTS = {
    component.name: component
    for component in (
        service("error-tracker"),
        service("log-viewer"),
        service("metrics-collector"),
        service("browser-relay"),
        Component(
            "js",
            "clients/js",
            (
                ("clients/js/package.json", r'(?m)^  "version": "(.+)",$'),
                (
                    "clients/js/package-lock.json",
                    r'\A\{\s*"name": "[^"]+",\s*"version": "([^"]+)"',
                ),
                (
                    "clients/js/package-lock.json",
                    r'"": \{\s*"name": "[^"]+",\s*"version": "([^"]+)"',
                ),
            ),
        ),
        Component(
            "python",
            "Python client",
            (("clients/python/monlight/__init__.py", r'__version__ = "(.+)"'),),
        ),
    )
}


class Refused(Exception):
    """Why there is no release; a sentence."""


def version_of(root: Path, component: Component) -> str:
    """The version, which must be the same in all its places."""
    found = {}
    for file, pattern in component.places:
        match = re.search(pattern, (root / file).read_text())
        if not match:
            raise Refused(f"{file} does not tell the version of {component.name}")
        found[file] = match[1]
    if len(set(found.values())) > 1:
        raise Refused(
            f"the versions of {component.name} are not the same: {json.dumps(found)}"
        )
    return next(iter(found.values()))


def bump(root: Path, component: Component, version: str) -> None:
    for file, pattern in component.places:
        text = (root / file).read_text()
        match = re.search(pattern, text)
        assert match, "version_of found it"
        (root / file).write_text(
            text[: match.start(1)] + version + text[match.end(1) :]
        )


def released(changelog: str, component: Component, version: str, day: str) -> str:
    """The changelog with a section for the release: what is unreleased of the component moves there.

    What is said of all services is copied into the section of each, and goes once all four have it.
    """
    head, _, rest = changelog.partition("## Unreleased\n")
    if not rest:
        raise Refused("CHANGELOG.md has no section 'Unreleased'")
    unreleased, heading, older = rest.partition("\n## ")
    older = heading + older
    sections = re.findall(r"(?ms)^## (\S+) \S+ – \S+\n(.*?)(?=^## |\Z)", older)
    services = [name for name, other in COMPONENTS.items() if other.said == name]

    def has(name: str, line: str) -> bool:
        return any(section == name and line in text for section, text in sections)

    section, kept = [], []
    for line in unreleased.splitlines():
        about = line.removeprefix("- ").partition(":")[0]
        is_for_all = about == "All services" and component.name in services
        if line.startswith("- ") and (component.said in about or is_for_all):
            if not has(component.name, line):
                section.append(line)
            others = [name for name in services if name != component.name]
            if is_for_all and not all(has(name, line) for name in others):
                kept.append(line)
        elif line.strip():
            kept.append(line)
    if not section:
        raise Refused(
            f"CHANGELOG.md says nothing new of {component.name}: its lines begin '- {component.said}: '"
        )
    lines = ["", *kept, "", f"## {component.name} {version} – {day}", "", *section, ""]
    return head + "## Unreleased\n" + "\n".join(lines) + older


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", root, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Refused(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def check(component: Component, version: str, is_dry: bool) -> str:
    """Returns the version of now."""
    if not VERSION.fullmatch(version):
        raise Refused(f"'{version}' is no version: give V=x.y.z")
    now = version_of(ROOT, component)
    if tuple(map(int, version.split("."))) <= tuple(map(int, now.split("."))):
        raise Refused(f"{component.name} is {now}: {version} is not higher")
    if git(ROOT, "tag", "--list", tag(component, version)):
        raise Refused(f"there is a tag {tag(component, version)} already")
    if is_dry:
        return now
    if git(ROOT, "status", "--porcelain"):
        raise Refused("there is uncommitted work: commit it first")
    if git(ROOT, "branch", "--show-current") != "main":
        raise Refused("releases are made of the branch main")
    return now


def tag(component: Component, version: str) -> str:
    return f"{component.name}-v{version}"


def prepare(root: Path, component: Component, version: str) -> None:
    """Everything that the commit holds."""
    bump(root, component, version)
    changelog = root / "CHANGELOG.md"
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    changelog.write_text(released(changelog.read_text(), component, version, day))
    version_of(root, component)


def release(component: Component, version: str, is_dry: bool) -> None:
    now = check(component, version, is_dry)
    print(f"{component.name}: {now} -> {version}")
    if is_dry:
        with tempfile.TemporaryDirectory() as folder:
            tree = Path(folder) / "tree"
            git(ROOT, "worktree", "add", "--detach", "--quiet", str(tree), "HEAD")
            try:
                prepare(tree, component, version)
                print(git(tree, "diff", "--unified=0", "--no-color"))
            finally:
                git(ROOT, "worktree", "remove", "--force", str(tree))
        print(
            f"\nWould run make check and make test, commit this, and tag it {tag(component, version)}."
        )
        return
    for verb in ("check", "test"):
        subprocess.run(["make", "-C", ROOT, verb], check=True)
    prepare(ROOT, component, version)
    message = f"{component.name}: version {version}"
    git(ROOT, "commit", "--all", "--message", message)
    git(ROOT, "tag", "--annotate", tag(component, version), "--message", message)
    print(
        f"Committed and tagged {tag(component, version)}. Publish: git push --follow-tags"
    )


def main(arguments: list[str]) -> int:
    try:
        match arguments:
            case ["versions"]:
                for component in COMPONENTS.values():
                    print(f"{component.name:<18} {version_of(ROOT, component)}")
            case [name, version, *options] if name in COMPONENTS and options in (
                [],
                ["--dry"],
            ):
                release(COMPONENTS[name], version, is_dry=bool(options))
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except Refused as refused:
        print(f"release: {refused}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as failed:
        print(
            f"release: {failed.cmd[-1]} failed, so there is no release", file=sys.stderr
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
