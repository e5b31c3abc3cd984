"""Cluster files: what is no YAML, no mapping, or of another kind than Ray and we need."""

from __future__ import annotations

from pathlib import Path

from tests.bad_input.case import Case

ROOT = Path(__file__).parents[2]
LOCAL = (ROOT / "cluster.local.yaml").read_text()


def cluster(content: str | bytes, name: str = "c.yaml"):
    """The check of a file with that content."""

    def command(folder: Path) -> list[str]:
        raw = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(raw)
        return ["study.cluster.check.__main__", name]

    return command


def folder_of(folder: Path) -> list[str]:
    (folder / "c.yaml").mkdir()
    return ["study.cluster.check.__main__", "c.yaml"]


def bomb(levels: int) -> str:
    """Aliases of aliases: a few lines that mean ten to the power of `levels` values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    return "\n".join(lines)


CASES = [
    Case("a bomb of aliases", cluster(bomb(9)), ("c.yaml", "20,000 values", "alias")),
    Case("a longer bomb", cluster(bomb(200)), ("c.yaml", "20,000 values", "alias")),
    Case("an alias in itself", cluster("a: &a [*a]\n"), ("c.yaml: line 1", "alias")),
    Case("an unknown alias", cluster("x: 1\na: *b\n"), ("c.yaml:2", "undefined alias")),
    Case("deep lists", cluster("a: " + "[" * 5000), ("c.yaml", "too deep")),
    Case("a tab", cluster("provider:\n\ttype: aws\n"), ("c.yaml:2", "not with tabs")),
    Case("no UTF-8", cluster(b"x: 1\ny: \xff\n"), ("c.yaml:2", "UTF-8")),
    Case("a control character", cluster(b"x: \x01\n"), ("c.yaml", "not allowed")),
    Case("an empty file", cluster(""), ("c.yaml", "a mapping of keys")),
    Case("a list", cluster("- a\n- b\n"), ("c.yaml", "a mapping of keys")),
    Case("a text", cluster("hello\n"), ("c.yaml", "a mapping of keys")),
    Case("two documents", cluster("a: 1\n---\nb: 2\n"), ("c.yaml:2", "another document")),
    Case("an unclosed list", cluster("a: [1, 2\n"), ("c.yaml:2", "expected ','")),
    Case("an unclosed text", cluster("a: 'x\n"), ("c.yaml", "quoted scalar")),
    Case("a bad indent", cluster("a: 1\n b: 2\n"), ("c.yaml:2", "mapping values")),
    Case("a Python object", cluster("a: !!python/object:os.system x\n"), ("c.yaml:1", "tag")),
    Case("a key that is a list", cluster("? [a, b]\n: 1\n"), ("c.yaml:1", "unhashable")),
    Case("a date that is none", cluster("a: 2024-13-45\n"), ("c.yaml", "month")),
    Case("a number too long", cluster(f"a: {'9' * 5000}\n"), ("c.yaml", "digits")),
    Case("a large file", cluster(b"# " + b"x" * 1_000_000), ("1,000,000 bytes",)),
    Case("a folder", folder_of, ("c.yaml: cannot be read", "directory")),
    Case(
        "a file that is not there",
        lambda _: ["study.cluster.check.__main__", "none.yaml"],
        ("none.yaml: cannot be read", "No such file"),
    ),
    Case("no file", lambda _: ["study.cluster.check.__main__"], ("no file given",)),
    Case("an option", lambda _: ["study.cluster.check.__main__", "--x"], ("--x",)),
    *(
        Case(f"{old} -> {new}", cluster(LOCAL.replace(old, new, 1)), ("c.yaml:", *says), lines=15)
        for old, new, *says in (
            ("cluster_name: ", "cluster_name: 3 #", "cluster_name", "string"),
            ("cluster_name: ", "cluster_nane: ", "cluster_nane"),
            ("provider:", "provider: 3\nx:", "provider", "object"),
            ("provider:", "provider: []\nx:", "provider"),
            ("type: local", "type: [local]", "provider.type"),
            ("type: local", "type: {a: b}", "provider.type"),
            ("max_workers: ", "max_workers: many #", "max_workers", "integer"),
            ("max_workers: ", "max_workers: -1 #", "max_workers"),
            ("max_workers: ", "max_workers: .nan #", "max_workers"),
            ("cluster_name: ", "cluster_name: a\ncluster_name: ", "is there twice"),
            ("setup_commands:", "setup_commands: 3\nx:", "setup_commands"),
            ("head_start_ray_commands:", "head_start_ray_commands: {}\nx:", "head_start"),
            ("file_mounts:", "file_mounts: [a]\nx:", "file_mounts"),
            ("auth:", "auth: 3\nx:", "auth"),
        )
        if old in LOCAL
    ),
]
