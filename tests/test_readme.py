"""What the README shows is what is there."""

import re
from pathlib import Path

import yaml

from rag.registry import parts

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_configuration_shown_is_the_one_shipped():
    name, block = re.search(r"```yaml\n# (configs/\w+\.yaml)\n(.*?)```", README, re.DOTALL).groups()
    assert yaml.safe_load(block) == yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_parts_named_are_the_parts_registered():
    for kind, word in (("chunk", "chunkers"), ("retrieve", "retrievers"), ("refine", "refiners"), ("pack", "packer"), ("answer", "answerer")):
        named = re.search(rf"{word}\s+((?:`[\w ]+`\s*)+)", README)[1]
        assert sorted(re.findall(r"\w+", named)) == sorted(u for u, c in parts(kind).items() if c.__module__.startswith("rag."))


def test_the_figures_are_filled_in():
    for block in ("demo", "figures"):
        assert len(re.search(rf"<!-- {block}:begin -->(.*?)<!-- {block}:end -->", README, re.DOTALL)[1].strip()) > 200
