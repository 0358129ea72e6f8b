"""Exceptions in pieces, in the shape of a Sentry event: type, message, and frames with the code around them."""

from __future__ import annotations

import linecache
import sys
import traceback
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

from monlight.scrub import Scrubber, plain_text

MOST_EXCEPTIONS = 10
"""Of a chain of causes."""
MOST_FRAMES = 100
"""Of a stack deeper than this the middle is left out: the tracker keeps as many."""
LINES_AROUND = 5
LINE_CHARS = 200
MOST_VARIABLES = 50
VARIABLE_CHARS = 400
_LIBRARY_FOLDERS = ("/site-packages/", "/dist-packages/", "/lib/python3", "/lib/pypy")


def exceptions(
    error: BaseException, with_variables: bool, scrubber: Scrubber, is_handled: bool
) -> list[dict[str, Any]]:
    """The exception with its causes, the first cause first; frames outermost first."""
    chain = [_exception(it, with_variables, scrubber) for it in _chain(error)]
    chain[0]["type"] = type(error).__qualname__
    chain[0]["mechanism"] = {"type": "generic", "handled": is_handled}
    chain.reverse()
    return chain


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    now: BaseException | None = error
    while now is not None and id(now) not in seen and len(seen) < MOST_EXCEPTIONS:
        seen.add(id(now))
        yield now
        now = now.__cause__ if now.__cause__ or now.__suppress_context__ else now.__context__


def _exception(error: BaseException, with_variables: bool, scrubber: Scrubber) -> dict[str, Any]:
    kind = type(error)
    piece: dict[str, Any] = {
        "type": printed_name(kind),
        "value": message(error),
        "module": kind.__module__,
    }
    frames = [_frame(frame, line, with_variables, scrubber) for frame, line in _stack(error.__traceback__)]
    if frames:
        piece["stacktrace"] = {"frames": frames}
    return piece


def printed_name(kind: type[BaseException]) -> str:
    """As in a printed trace, which has been all that a tracker knew of a cause; reports name only the last type."""
    is_plain = kind.__module__ in ("builtins", "__main__")
    return kind.__qualname__ if is_plain else f"{kind.__module__}.{kind.__qualname__}"


def message(error: BaseException) -> str:
    """What the exception says, whatever its `__str__` does."""
    try:
        return str(error)[:8000]
    except Exception:
        return f"<{type(error).__qualname__} that cannot be shown>"


def traceback_text(error: BaseException) -> str:
    """As Python prints it."""
    try:
        text = "".join(traceback.format_exception(error))
    except Exception:
        # Whoever's `__str__` or `__repr__` fails still has a stack.
        frames = "".join(traceback.format_tb(error.__traceback__))
        text = f"Traceback (most recent call last):\n{frames}{type(error).__qualname__}: {message(error)}\n"
    half = 50_000
    return text if len(text) <= 2 * half else f"{text[:half]}\n  [...]\n{text[-half:]}"


def _stack(trace: TracebackType | None) -> list[tuple[FrameType, int]]:
    stack = []
    while trace is not None:
        stack.append((trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    half = MOST_FRAMES // 2
    return stack if len(stack) <= MOST_FRAMES else stack[:half] + stack[-half:]


def _frame(frame: FrameType, line: int, with_variables: bool, scrubber: Scrubber) -> dict[str, Any]:
    code = frame.f_code
    path = code.co_filename
    # No more than what the trace as text has: with a module or a qualified name the tracker would group by them,
    # and the groups that reports of 0.3.0 have made would begin anew. What is the app's own it decides too.
    piece: dict[str, Any] = {"function": code.co_name, "filename": path, "abs_path": path, "lineno": line}
    piece.update(_code(path, line, frame.f_globals))
    if with_variables and _is_in_app(path):
        piece["vars"] = _variables(frame, scrubber)
    return piece


def _is_in_app(path: str) -> bool:
    plain = path.replace("\\", "/")
    return not plain.startswith("<frozen ") and not any(folder in plain for folder in _LIBRARY_FOLDERS)


def _code(path: str, line: int, names: dict[str, Any]) -> dict[str, Any]:
    try:
        lines = linecache.getlines(path, names)
    except Exception:
        return {}
    if not 0 < line <= len(lines):
        return {}

    def cut(some: list[str]) -> list[str]:
        return [it.rstrip("\n")[:LINE_CHARS] for it in some]

    return {
        "pre_context": cut(lines[max(0, line - 1 - LINES_AROUND) : line - 1]),
        "context_line": lines[line - 1].rstrip("\n")[:LINE_CHARS],
        "post_context": cut(lines[line : line + LINES_AROUND]),
    }


def _variables(frame: FrameType, scrubber: Scrubber) -> dict[str, object]:
    shown: dict[str, object] = {}
    for name, value in list(frame.f_locals.items())[:MOST_VARIABLES]:
        if scrubber.is_secret(name):
            shown[name] = "[Filtered]"
        elif isinstance(value, (dict, list, tuple, set, frozenset)):
            # Made plain first, so that secrets within are found by their names.
            shown[name] = plain_text(scrubber.value(value))[:VARIABLE_CHARS]
        else:
            shown[name] = plain_text(value)[:VARIABLE_CHARS]
    return shown


def runtime() -> dict[str, str]:
    """Name and version of the interpreter, as a Sentry context."""
    return {"name": sys.implementation.name, "version": ".".join(map(str, sys.version_info[:3]))}
