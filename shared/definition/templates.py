"""Templates rendered in a closed sandbox: the engine's `Renderer`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType
from typing import Any

from jinja2 import Template, TemplateError, TemplateSyntaxError, UndefinedError, meta, nodes

from shared.definition.template_environment import TemplateEnvironment, close
from shared.definition.template_limits import BUDGET_KEY, SOURCE_CHARACTERS, Budget, TooMuch, check_length
from shared.engine.decision import RenderFailed
from shared.engine.flow import Json

CACHED_TEMPLATES = 2048
"""Compiled templates kept: a task has tens of them."""

DEEPEST = 64
"""Levels of lists and maps that `render_deep` goes down."""

FALSE_TEXTS = frozenset({"", "false", "0", "null", "none"})
_SIMPLE_PATH = re.compile(r"\s*\{\{\s*([A-Za-z_]\w*(?:\.\w+)*)\s*\}\}\s*")
_FAILURES = (TooMuch, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError, MemoryError)


@dataclass(frozen=True, slots=True)
class _Compiled:
    template: Template
    names: frozenset[str]
    paths: tuple[tuple[str, ...], ...]


class JinjaRenderer:
    """`Renderer` of the engine. Compiled templates are cached; rendering has no side effects and is safe in threads."""

    def __init__(self) -> None:
        self._environment = TemplateEnvironment()
        self._compile = lru_cache(maxsize=CACHED_TEMPLATES)(self._compile_anew)

    def render(self, value: Json, context: Mapping[str, Json]) -> Json:
        """See `Renderer.render`: only a text that is one simple path to a list or map keeps its type."""
        if not isinstance(value, str) or not has_template(value):
            return value
        path = _SIMPLE_PATH.fullmatch(value)
        if path:
            found = _look_up(tuple(path[1].split(".")), context)
            if isinstance(found, (list, tuple, Mapping)):
                return found
        return self._render_text(value, context)

    def render_deep(self, value: Json, context: Mapping[str, Json]) -> Json:
        """See `Renderer.render_deep`."""
        return self._render_deep(value, context, DEEPEST)

    def is_true(self, template: str, context: Mapping[str, Json]) -> bool:
        """See `Renderer.is_true`."""
        return self._render_text(template, context).strip().lower() not in FALSE_TEXTS

    def names(self, template: str) -> frozenset[str]:
        """The variables that the template reads: `{"input", "say_hello"}`.

        Raises:
            RenderFailed: bad syntax.
        """
        return self._compile(template).names if has_template(template) else frozenset()

    def paths(self, template: str) -> tuple[tuple[str, ...], ...]:
        """What the template reads, longest first: `(("say_hello", "output"), ("say_hello",))`.

        Raises:
            RenderFailed: bad syntax.
        """
        return self._compile(template).paths if has_template(template) else ()

    def _render_deep(self, value: Json, context: Mapping[str, Json], levels: int) -> Json:
        if levels == 0:
            raise RenderFailed(f"more than {DEEPEST} levels of lists and maps")
        if isinstance(value, str):
            return self._render_text(value, context)
        if isinstance(value, Mapping):
            return {key: self._render_deep(item, context, levels - 1) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._render_deep(item, context, levels - 1) for item in value]
        return value

    def _render_text(self, text: str, context: Mapping[str, Json]) -> str:
        if not has_template(text):
            return text
        compiled = self._compile(text)
        template = compiled.template
        seen = {name: context[name] for name in compiled.names if name in context}
        inner = template.new_context({**seen, BUDGET_KEY: Budget()})
        parts: list[str] = []
        length = 0
        try:
            for part in template.root_render_func(inner):
                length += len(part)
                check_length(length)
                parts.append(part)
        except UndefinedError as error:
            line = _line_of(template, error.__traceback__)
            raise _failed(_explain(error, compiled.paths, context), text, line) from error
        except (*_FAILURES, TemplateError) as error:
            line = _line_of(template, error.__traceback__)
            raise _failed(str(error) or type(error).__name__, text, line) from error
        return "".join(parts)

    def _compile_anew(self, text: str) -> _Compiled:
        if len(text) > SOURCE_CHARACTERS:
            raise RenderFailed(f"the template is longer than {SOURCE_CHARACTERS} characters")
        environment = self._environment
        try:
            tree = environment.parse(text)
            names = frozenset(meta.find_undeclared_variables(tree))
            paths = tuple(dict.fromkeys(_paths(tree)))
            code = environment.compile(close(tree))
            template = Template.from_code(environment, code, {})
        except TemplateSyntaxError as error:
            raise _failed(error.message or "bad syntax", text, error.lineno) from error
        except (RecursionError, MemoryError, SyntaxError, ValueError) as error:
            raise RenderFailed(f"the template is too deeply nested: {error}") from error
        return _Compiled(template, names, paths)


def has_template(text: str) -> bool:
    """Whether there is anything to render."""
    return "{{" in text or "{%" in text or "{#" in text


def _failed(message: str, text: str, line: int) -> RenderFailed:
    place = f" (line {line} of the template)" if "\n" in text.rstrip("\n") else ""
    return RenderFailed(f"{message}{place}", line=line)


def _explain(error: UndefinedError, paths: tuple[tuple[str, ...], ...], context: Mapping[str, Json]) -> str:
    """Name the first path of the template that leads nowhere and is part of the complaint."""
    message = str(error.message)
    for path in paths:
        missing = _first_missing(path, context)
        if missing and f"'{missing}'" in message:
            return f"undefined variable '{'.'.join(path)}'"
    return message


def _first_missing(path: tuple[str, ...], context: Mapping[str, Json]) -> str | None:
    return next((path[end - 1] for end in range(1, len(path) + 1) if _look_up(path[:end], context) is _MISSING), None)


_MISSING = object()


def _look_up(path: tuple[str, ...], context: Mapping[str, Json]) -> Any:
    found: Any = context
    for name in path:
        if isinstance(found, Mapping) and name in found:
            found = found[name]
        elif isinstance(found, (list, tuple)) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return _MISSING
    return found


def _paths(tree: nodes.Template) -> Iterator[tuple[str, ...]]:
    """The longest dotted paths first, as `("say_hello", "output", "greeting")`."""
    for node in tree.find_all((nodes.Getattr, nodes.Getitem, nodes.Name)):
        path = _path(node)
        if path:
            yield path


def _path(node: nodes.Node) -> tuple[str, ...] | None:
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        before, name = _path(node.node), node.attr
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        before, name = _path(node.node), str(node.arg.value)
    else:
        return None
    return (*before, name) if before else None


def _line_of(template: Template, trace: TracebackType | None) -> int:
    line = 1
    while trace is not None:
        if trace.tb_frame.f_globals.get("__jinja_template__") is template:
            line = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line
