"""The guard before the HTML parser counts nesting as the parser would build it, in linear time."""

import pytest

from rag.loaders.base import Unreadable
from rag.loaders.html_depth import check_depth

DEEP = 600


@pytest.mark.parametrize(
    "page",
    [
        "<div>" * DEEP,
        "<DIV class=a\n>" * DEEP,
        "<a" * DEEP,
        "<ul><li>" * DEEP,
        "<dd><li>" * DEEP,
        "<table><tr><td>" * DEEP,
        "<b id=1>" + "".join(f"<p><i id={i}>" for i in range(DEEP)),
        "<!-- --><script></SCRIPT>" + "<div>" * DEEP,
        "\u0130" * 9 + "<script>x</script>" + "<div>" * DEEP,
        "".join(f"<p><b id={i}></p>" for i in range(DEEP)),
    ],
)
def test_deep_nesting_is_refused(page: str) -> None:
    """More than 512 levels, or as many formats left open, would cost the parser quadratic time or memory."""
    with pytest.raises(Unreadable, match=r"^HTML with elements nested more than 512 deep"):
        check_depth(page)


@pytest.mark.parametrize(
    "page",
    [
        "<div>" * 512,
        "<p>x" * DEEP,
        "<ul>" + "<li>x" * DEEP,
        "<ul>" + "<li><p>x" * DEEP,
        "<dl>" + "<dt>a<dd><p>b" * DEEP,
        "<table>" + "<tr><td>x<td>y" * DEEP,
        "<br><img>" * DEEP,
        "<div></div>" * DEEP,
        "<div><span></div>" * DEEP,
        "<p><font color=red></p>" * DEEP,
        "<script>" + "'<div>'" * DEEP + "</script>",
        "<!--" + "<div>" * DEEP + "-->",
        "<!--" + "<div>" * DEEP,
        "</div>" * DEEP,
        "a < b " * DEEP,
    ],
)
def test_long_flat_pages_pass(page: str) -> None:
    """Length is not depth: end tags that HTML lets a page leave out close what they close, scripts and comments do not count."""
    check_depth(page)
