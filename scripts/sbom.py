"""What a component is built of, as a CycloneDX 1.6 document on standard output: `sbom.py SERVICE`.

Crates come from `cargo metadata` and `Cargo.lock`, for normal dependencies on this machine's Linux; what pages and the
SDK embed comes from npm's lock files. Both are what the build itself reads.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TARGET = "x86_64-unknown-linux-musl"
EMBEDDED = {"browser-relay": ["shared/ui", "clients/js"]}
"""Folders with a lock file whose run-time packages a service embeds; all have the pages' charts."""


def metadata() -> dict[str, Any]:
    command = ["cargo", "metadata", "--format-version=1", "--locked"]
    command.append(f"--filter-platform={TARGET}")
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return json.loads(done.stdout)


def linked(graph: dict[str, Any], service: str) -> list[dict[str, Any]]:
    """Its crates, itself left out: everything reached by normal dependencies."""
    packages = {package["id"]: package for package in graph["packages"]}
    nodes = {node["id"]: node for node in graph["resolve"]["nodes"]}
    [root] = [key for key, package in packages.items() if package["name"] == service]
    reached, waiting = {root}, [root]
    while waiting:
        for dependency in nodes[waiting.pop()]["deps"]:
            is_normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if is_normal and dependency["pkg"] not in reached:
                reached.add(dependency["pkg"])
                waiting.append(dependency["pkg"])
    return [packages[key] for key in reached - {root}]


def checksums() -> dict[tuple[str, str], str]:
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    return {
        (package["name"], package["version"]): package["checksum"]
        for package in lock["package"]
        if "checksum" in package
    }


def crate(package: dict[str, Any], sums: dict[tuple[str, str], str]) -> dict[str, Any]:
    name, version = package["name"], package["version"]
    component = {
        "type": "library",
        "bom-ref": f"{name}@{version}",
        "name": name,
        "version": version,
    }
    if package["license"]:
        # Old manifests write a slash for `OR`, which is no SPDX expression.
        expression = package["license"].replace("/", " OR ").replace("  ", " ")
        component["licenses"] = [{"expression": expression}]
    if package["source"]:
        component["purl"] = f"pkg:cargo/{name}@{version}"
    if checksum := sums.get((name, version)):
        component["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return component


def npm(folder: str) -> list[dict[str, Any]]:
    """What is needed at run time: the rest only builds it."""
    lock = json.loads((ROOT / folder / "package-lock.json").read_text())
    found = []
    for path, package in lock["packages"].items():
        if not path or package.get("dev"):
            continue
        name, version = path.rpartition("node_modules/")[2], package["version"]
        purl = f"pkg:npm/{name.replace('@', '%40')}@{version}"
        component = {"type": "library", "bom-ref": purl, "name": name}
        component |= {"version": version, "purl": purl}
        if "license" in package:
            component["licenses"] = [{"expression": package["license"]}]
        found.append(component)
    return found


def document(service: str) -> dict[str, Any]:
    graph, sums = metadata(), checksums()
    [root] = [package for package in graph["packages"] if package["name"] == service]
    components = [crate(package, sums) for package in linked(graph, service)]
    for folder in EMBEDDED.get(service, ["shared/ui"]):
        components += npm(folder)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": service,
                "name": service,
                "version": root["version"],
                "licenses": [{"license": {"id": "MIT"}}],
            }
        },
        "components": sorted(components, key=lambda component: component["bom-ref"]),
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: sbom.py SERVICE")
    print(json.dumps(document(sys.argv[1]), indent=1))
