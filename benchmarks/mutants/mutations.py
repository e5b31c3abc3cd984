"""The small mistakes that can be made in a file, each at one place of its syntax tree."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Change = Callable[[ast.AST], ast.AST | None]
"""Makes another node of a copy of one; None: the node is removed."""

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
}
CALLED = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}
UNSEEN = {"strict", "stacklevel"}  # keywords of which no result depends


@dataclass(frozen=True)
class Mutant:
    """One mistake: where it is, what was changed, and the function that it lies in."""

    file: str
    line: int
    function: int  # its first line; 0: the code that runs when the file is imported
    what: str
    number: int  # among those of the file

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


def mutants(file: str, source: str) -> list[Mutant]:
    """All of a file's, in the order of the syntax tree."""
    return [
        Mutant(file, node.lineno, function, what, number)  # type: ignore[attr-defined]
        for number, (node, function, what, _) in enumerate(_sites(ast.parse(source)))
    ]


def changed(source: str, number: int) -> ast.Module:
    """The file's syntax tree with that mistake."""
    tree = ast.parse(source)
    for at, (node, _, _, change) in enumerate(_sites(tree)):
        if at == number:
            put = _Put(node, change(copy.deepcopy(node)))
            put.visit(tree)
            return ast.fix_missing_locations(tree)
    raise IndexError(number)


class _Put(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST | None) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        if node is not self.old:
            return self.generic_visit(node)
        return ast.copy_location(self.new or ast.Pass(), node)


def _sites(tree: ast.Module) -> Iterator[tuple[ast.AST, int, str, Change]]:
    yield from _within(tree, 0)


def _within(node: ast.AST, function: int) -> Iterator[tuple[ast.AST, int, str, Change]]:
    if isinstance(node, ast.Assert | ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom):
        if isinstance(node, ast.Raise):
            yield node, function, "raise removed", lambda _: None
        return
    for what, change in _changes(node):
        yield node, function, what, change
    is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    for name, value in ast.iter_fields(node):
        if name in ("decorator_list", "annotation", "returns"):
            continue
        # a decorator comes first in the compiled function
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)]) if is_function else 0
        inside = first if is_function and name == "body" else function
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_type(child, function):
                yield from _within(child, inside)


def _is_type(node: ast.AST, function: int) -> bool:
    """Whether it is the name of a type that is written at the top of a file."""
    return (
        function == 0 and isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript)
    ) or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    """What can be done wrong at this node itself."""
    match node:
        case ast.Compare(ops=[op, *_]) if type(op) in COMPARED:
            yield _to(node, _with("ops", lambda n: [COMPARED[type(n.ops[0])](), *n.ops[1:]]))
        case ast.BinOp(op=ast.BitOr()):
            yield _to(node, lambda n: n.left)  # type: ignore[attr-defined]
        case ast.BinOp(op=op) if type(op) in COMPUTED and not _is_text(node):
            yield _to(node, _with("op", lambda n: COMPUTED[type(n.op)]()))
        case ast.BoolOp():
            flipped = ast.Or if isinstance(node.op, ast.And) else ast.And
            yield _to(node, _with("op", lambda _: flipped()))
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield _to(node, lambda n: n.operand)  # type: ignore[attr-defined]
        case ast.Constant(value=bool()):
            yield _to(node, lambda n: ast.Constant(not n.value))  # type: ignore[attr-defined]
        case ast.Constant(value=int() | float()):
            yield _to(node, lambda n: ast.Constant(n.value + 1))  # type: ignore[attr-defined]
        case ast.Call():
            yield from _of_calls(node)
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield _to(node, lambda _: ast.Return(ast.Constant(None)))
        case ast.Yield(value=value) if value is not None:
            yield _to(node, lambda _: ast.Yield(ast.Constant(None)))
        case ast.Expr(value=ast.Call()):
            yield f"removed: {_text(node)}", lambda _: None
        case ast.AugAssign():
            yield _to(node, lambda n: ast.Assign([n.target], n.value))  # type: ignore[attr-defined]
        case ast.If() | ast.IfExp() | ast.While() if not isinstance(
            node.test, ast.Compare | ast.UnaryOp | ast.BoolOp
        ):
            told = f"{_text(node.test)}  →  not {_text(node.test)}"
            yield told, _with("test", lambda n: ast.UnaryOp(ast.Not(), n.test))
        case ast.Continue():
            yield "continue  →  break", lambda _: ast.Break()
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            if any(one.ifs for one in node.generators):
                yield _to(node, _unfiltered)


def _of_calls(node: ast.Call) -> Iterator[tuple[str, Change]]:
    if isinstance(node.func, ast.Name) and node.func.id in CALLED:
        other = CALLED[node.func.id]
        yield _to(node, _with("func", lambda _: ast.Name(other, ast.Load())))
    for at, given in enumerate(node.keywords):
        if given.arg and given.arg not in UNSEEN:
            yield _to(
                node, _with("keywords", lambda n, a=at: n.keywords[:a] + n.keywords[a + 1 :])
            )


def _with(name: str, value: Callable[..., object]) -> Change:
    def change(node: ast.AST) -> ast.AST:
        setattr(node, name, value(node))
        return node

    return change


def _unfiltered(node: ast.AST) -> ast.AST:
    for one in node.generators:  # type: ignore[attr-defined]
        one.ifs = []
    return node


def _to(node: ast.AST, change: Change) -> tuple[str, Change]:
    after = change(copy.deepcopy(node))
    assert after is not None
    return f"{_text(node)}  →  {_text(ast.fix_missing_locations(after))}", change


def _text(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else text[:89] + "…"


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(side, ast.JoinedStr)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in (node.left, node.right)
    )


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
