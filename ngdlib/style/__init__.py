"""The visual language, defined once: colour tokens read by figures, demos and pages."""

import json
from importlib import resources

TOKENS: dict[str, dict[str, str]] = json.loads(
    resources.files(__name__).joinpath("tokens.json").read_text(encoding="utf-8")
)


def tokens_css() -> str:
    """CSS custom properties for every token, light by default, dark where the page is dark.

    The three dark selectors are those of the book's theme, of JupyterLab, and of a page with
    no theme of its own whose reader prefers dark.
    """

    def block(scheme: str) -> str:
        return "".join(f"--ngd-{name}:{value[scheme]};" for name, value in TOKENS.items())

    return (
        f":root{{{block('light')}}}\n"
        f'html[data-theme="dark"],body[data-jp-theme-light="false"]{{{block("dark")}}}\n'
        "@media (prefers-color-scheme: dark)"
        f"{{html:not([data-theme]):not(:has([data-jp-theme-light])){{{block('dark')}}}}}\n"
        f'@media print{{:root,html[data-theme="dark"]{{{block("light")}}}}}\n'
    )
