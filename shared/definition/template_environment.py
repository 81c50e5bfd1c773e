"""The closed world that templates run in."""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn

from jinja2 import StrictUndefined, Undefined, nodes, pass_context
from jinja2.exceptions import TemplateSyntaxError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from shared.definition.template_filters import FILTERS, TESTS
from shared.definition.template_limits import NUMBER_BITS, ROUND, TooMuch, budget_of, check_length, size_of
from shared.definition.template_text import to_text

_VALUES = (nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.TemplateData)
_ACCESS = (nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Filter, nodes.Test, nodes.Keyword)
_LOGIC = (nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr)
_NUMBERS = (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow, nodes.Neg, nodes.Pos)
_STATEMENTS = (nodes.Output, nodes.If, nodes.For, nodes.Assign)
_ALLOWED = (nodes.Template, *_STATEMENTS, *_VALUES, *_ACCESS, *_LOGIC, *_NUMBERS, nodes.Concat)
"""What a template may be made of; calls, macros, imports, includes and blocks are not among it."""

_LOOP_NAMES = frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length"})
_ROUNDS, _ROUNDS_OF_PAIRS, _JOINED = "the rounds", "the rounds of pairs", "the joined"
"""Filters that only the rewriting below can name."""

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}


class UnknownVariable(StrictUndefined):
    """A variable that is not there: false in a condition, an error anywhere else; so are its parts."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return f"undefined variable '{self._undefined_name}'"

    def __bool__(self) -> bool:  # type: ignore[override]  # Jinja types it as never returning
        return False


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """Jinja without attributes, calls or globals: data in, text out."""

    intercepted_binops = frozenset(_ARITHMETIC)

    def __init__(self) -> None:
        super().__init__(undefined=UnknownVariable, finalize=to_text, keep_trailing_newline=True, cache_size=0)
        self.globals.clear()
        self.filters = {**FILTERS, _ROUNDS: _rounds, _ROUNDS_OF_PAIRS: _rounds_of_pairs, _JOINED: _joined}
        self.tests = dict(TESTS)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A map's value, or one of the loop's own facts; never a Python attribute."""
        if isinstance(obj, LoopContext) and attribute in _LOOP_NAMES:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """A map's value, a list's item or slice, a text's characters."""
        if isinstance(obj, Undefined):
            return obj
        try:
            if isinstance(obj, Mapping) and isinstance(argument, str):
                return obj[argument]
            if isinstance(obj, (str, list, tuple)) and isinstance(argument, (int, slice)):
                return obj[argument]
        except LookupError:
            pass
        return self.undefined(obj=obj, name=str(argument))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic on numbers; `+` also joins texts and lists, within limits."""
        if operator == "+" and type(left) is type(right) and isinstance(left, (str, list)):
            length = size_of(left) + size_of(right)
            check_length(length)
            budget_of(context).spend(length)
        else:
            _check_numbers(operator, left, right)
        return _ARITHMETIC[operator](left, right)

    def is_safe_callable(self, obj: Any) -> bool:
        """Nothing is."""
        del obj
        return False


def close(template: nodes.Template) -> nodes.Template:
    """Refuse what templates may not be made of, and put a meter on loops and joins.

    Raises:
        TemplateSyntaxError: a forbidden construct.
    """
    for node in template.find_all(nodes.Node):
        if isinstance(node, (nodes.Expr, nodes.Stmt, nodes.Helper)) and not isinstance(node, _ALLOWED):
            _refuse(node)
    closed: nodes.Template = _Meter().visit(template)
    return closed


class _Meter(NodeTransformer):
    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - named by the visitor
        self.generic_visit(node)
        if node.recursive:
            raise TemplateSyntaxError("recursive loops are not supported", node.lineno)
        is_pair = isinstance(node.target, nodes.Tuple)
        node.iter = _filtered(node.iter, _ROUNDS_OF_PAIRS if is_pair else _ROUNDS)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802 - named by the visitor
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), _JOINED)


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _refuse(node: nodes.Node) -> NoReturn:
    what = "calls" if isinstance(node, nodes.Call) else type(node).__name__.lower()
    raise TemplateSyntaxError(f"templates can't do this: {what}; use filters", node.lineno)


def _check_numbers(sign: str, left: Any, right: Any) -> None:
    for value in (left, right):
        if isinstance(value, Undefined):
            str(value)
        if not isinstance(value, (int, float)):
            raise TypeError(f"`{sign}` needs numbers")
    if sign in ("*", "**") and isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() + right.bit_length() if sign == "*" else left.bit_length() * max(right, 0)
        if bits > NUMBER_BITS:
            raise TooMuch("the number would be too large")


@pass_context
def _rounds(context: Context, values: Any) -> Iterator[Any]:
    if isinstance(values, Undefined):
        str(values)
    if not isinstance(values, (list, tuple, str, Mapping)):
        raise TypeError(f"a loop needs a list or a map, not {to_text(values) or 'null'}")
    return _metered(context, values)


@pass_context
def _rounds_of_pairs(context: Context, values: Any) -> Iterator[Any]:
    return _metered(context, values.items()) if isinstance(values, Mapping) else _rounds(context, values)


def _metered(context: Context, values: Iterable[Any]) -> Iterator[Any]:
    budget = budget_of(context)
    for value in values:
        budget.spend(ROUND)
        yield value


@pass_context
def _joined(context: Context, values: list[Any]) -> str:
    texts = [to_text(value) for value in values]
    length = sum(len(text) for text in texts)
    check_length(length)
    budget_of(context).spend(length)
    return "".join(texts)
