#!/usr/bin/env python3
"""Prints what the program is made of, as CycloneDX 1.5: every library with version, licence and hash.

From Cargo's own resolution, for the machine that it runs on: what is linked into the program. Not in it are
tools of the build (build scripts, procedural macros) and what only tests use.
"""

import datetime
import json
import os
import subprocess
import tomllib
import urllib.parse
import uuid


def cargo(*arguments):
    """What Cargo says of this machine's program."""
    command = ["cargo", *arguments, "--locked"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def linked():
    """What the program links, by (name, version), and what each of them names itself.

    The tree knows which features are in force; the metadata count those of tests, too.
    """
    tree = cargo("tree", "--edges=normal,no-proc-macro", "--prefix=none", "--no-dedupe", "--format={p}")
    names = {tuple(line.split(" v", 1)) for line in tree.splitlines()}
    names = {(name, rest.split(" ")[0]) for name, rest in names}
    found = json.loads(cargo("metadata", "--format-version=1"))
    packages = {one["id"]: one for one in found["packages"] if (one["name"], one["version"]) in names}
    needs = {
        node["id"]: sorted(
            dependency["pkg"]
            for dependency in node["deps"]
            if dependency["pkg"] in packages and any(kind["kind"] is None for kind in dependency["dep_kinds"])
        )
        for node in found["resolve"]["nodes"]
        if node["id"] in packages
    }
    return found["resolve"]["root"], packages, needs


def component(package, sums):
    """A library as CycloneDX names it."""
    name, version = package["name"], package["version"]
    purl = f"pkg:cargo/{name}@{urllib.parse.quote(version)}"
    made = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if package["license"]:
        # Older crates write a slash for `or`.
        made["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    if checksum := sums.get((name, version)):
        made["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        made["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return made


def main():
    root, packages, graph = linked()
    with open("Cargo.lock", "rb") as lock:
        locked = tomllib.load(lock)["package"]
    sums = {(one["name"], one["version"]): one.get("checksum") for one in locked}
    made = {one: component(package, sums) for one, package in packages.items()}
    program = made.pop(root) | {"type": "application"}
    time = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    text = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ"), "component": program},
        "components": sorted(made.values(), key=lambda one: one["bom-ref"]),
        "dependencies": sorted(
            (
                {"ref": component(packages[one], {})["bom-ref"], "dependsOn": [made[two]["bom-ref"] for two in needs]}
                for one, needs in graph.items()
            ),
            key=lambda one: one["ref"],
        ),
    }
    # The same contents have the same number.
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(text, sort_keys=True))
    print(json.dumps({"bomFormat": text.pop("bomFormat"), "serialNumber": f"urn:uuid:{serial}"} | text, indent=1))


main()
