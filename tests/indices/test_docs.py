"""What the documentation shows can be used: every YAML block is checked, whole specifications are built."""

import re

import pytest
import yaml

from pipelines.indices.load import parse_spec
from pipelines.settings import REPOSITORY

TEXT = (REPOSITORY / "docs" / "index_spec.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml (\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def _indent(block: str) -> str:
    return "".join(f"  {line}\n" for line in block.splitlines())


def _children(block: str) -> str:
    """Indicators for nodes shown without: those their weights name, or three."""
    rows = []
    for node in yaml.safe_load(block):
        weights = node.get("weights", {})
        named: set[str] = set()
        if isinstance(weights, dict):
            for values in (
                weights.get("values"),
                *(weights.get("sets") or {}).values(),
                *(weights.get("experts") or {}).values(),
            ):
                named |= set(values or ())
            for pair in weights.get("comparisons", {}):
                named |= set(pair.split(" over "))
        for code in sorted(named) or [f"{node['code']}{n}" for n in range(3)]:
            rows.append(f"  - {{code: {code}, parent: {node['code']}, direction: more}}\n")
    return "".join(rows)


def whole(kind: str, block: str) -> str:
    if kind == "spec":
        return block
    head = "index: t\nedition: '1'\n"
    nodes, rows = "nodes:\n  - {code: ROOT}\n", "indicators:\n  - {code: le, parent: ROOT, direction: more}\n"
    if kind == "indicators":
        return head + nodes + "indicators:\n" + _indent(block)
    if kind == "nodes":
        return head + nodes + _indent(block) + "indicators:\n" + _children(block)
    with_a = "nodes:\n  - {code: ROOT}\n  - {code: A, parent: ROOT}\n"
    return (
        head + block + with_a + "indicators:\n  - {code: le, parent: A, direction: more}\n"
        if "[A]" in block
        else head + block + nodes + rows
    )


@pytest.mark.parametrize(("kind", "block"), BLOCKS, ids=[f"{n}-{kind}" for n, (kind, _) in enumerate(BLOCKS)])
def test_every_example_is_valid(kind, block):
    assert parse_spec(whole(kind, block), "docs/index_spec.md").indicators


def test_there_are_examples_of_every_kind():
    assert len(BLOCKS) >= 15 and {kind for kind, _ in BLOCKS} == {"spec", "indicators", "nodes", "top"}


def test_every_method_and_key_is_named_in_the_documentation():
    from pipelines.indices import column_methods, doubt_parts, node_methods, spec, table_parts

    named = set(re.findall(r"[A-Za-z_0-9]+", TEXT))
    models = [
        thing
        for module in (column_methods, doubt_parts, node_methods, spec, table_parts)
        for thing in vars(module).values()
    ]
    for model in models:
        fields = getattr(model, "model_fields", {})
        if getattr(model, "__module__", "").startswith("pipelines.indices") and model.__name__ != "Resolved":
            for name, field in fields.items():
                assert name in named, f"{model.__name__}.{name} is not documented"
                if name == "method":
                    for value in getattr(field.annotation, "__args__", ()):
                        assert value in named, f"method {value} is not documented"
