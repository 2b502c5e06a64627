"""The manifests as kustomize would send them: enough of it for what the overlays here use."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "cluster"
BASE = CLUSTER / "kuberay" / "base"
OVERLAYS = ("dev", "prod")
Manifest = dict[str, Any]


def load(path: Path) -> list[Manifest]:
    """The documents of a file."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def base() -> list[Manifest]:
    """Every resource that both overlays have."""
    names = load(BASE / "kustomization.yaml")[0]["resources"]
    return [document for name in names for document in load(BASE / name)]


@cache
def _overlay(name: str) -> list[Manifest]:
    kustomization = load(CLUSTER / "kuberay" / "overlays" / name / "kustomization.yaml")[0]
    resources = base()
    for patch in kustomization["patches"]:
        target = patch["target"]
        [found] = [
            one for one in resources if (one["kind"], one["metadata"]["name"]) == (target["kind"], target["name"])
        ]
        for operation in yaml.safe_load(patch["patch"]):
            apply(found, operation)
    for image in kustomization["images"]:
        for container in (one for resource in resources for one in containers(resource)):
            if container.get("image", "").partition(":")[0] == image["name"]:
                container["image"] = f"{image.get('newName', image['name'])}:{image['newTag']}"
    return resources


def overlay(name: str) -> list[Manifest]:
    """Every resource of an overlay, patched."""
    return copy.deepcopy(_overlay(name))


def apply(document: Any, operation: dict[str, Any]) -> None:
    """One operation of a JSON patch; what it replaces or removes must be there, what it adds must not."""
    *way, last = operation["path"].lstrip("/").split("/")
    for step in way:
        document = document[int(step) if isinstance(document, list) else step]
    place = int(last) if isinstance(document, list) else last
    is_there = place < len(document) if isinstance(document, list) else place in document
    assert is_there == (operation["op"] != "add"), operation
    if operation["op"] == "remove":
        del document[place]
    else:
        document[place] = operation["value"]


def containers(document: Any) -> list[Manifest]:
    """Every container in a manifest."""
    if isinstance(document, list):
        return [one for item in document for one in containers(item)]
    if not isinstance(document, dict):
        return []
    own = document.get("containers", [])
    return [*own, *(one for key, value in document.items() if key != "containers" for one in containers(value))]


def cluster_specs(resources: list[Manifest]) -> dict[str, Manifest]:
    """The Ray clusters that they make, by kind of what makes them."""
    places = {"RayCluster": ("spec",), "RayJob": ("spec", "rayClusterSpec"), "RayService": ("spec", "rayClusterConfig")}
    found = {}
    for resource in resources:
        if resource["kind"] in places:
            spec: Any = resource
            for step in places[resource["kind"]]:
                spec = spec[step]
            found[resource["kind"]] = spec
    return found


def pods(cluster: Manifest) -> list[Manifest]:
    """Pod specs of a Ray cluster, the head's first."""
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [group["template"]["spec"] for group in groups]
