"""Where a key may go in clear: to this machine and its own network, and to no other."""

from __future__ import annotations

import pytest

from rag.chat._address import exposed
from rag.chat.openai import OpenAI

LOCAL = [
    "localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.1.1", "[fd00::1]", "[fe80::1]", "gpu-box", "gpu_1", "1box", "ollama.localhost", "box.local", "llm.team.svc.cluster.local", "host.docker.internal",
]  # fmt: skip
ELSEWHERE = [
    "api.openai.com", "example.com", "box.example", "8.8.8.8", "172.32.0.1", "172.15.0.1", "11.0.0.1", "192.169.0.1", "[2001:4860::1]", "[2001:0:1::1]",
    "[::ffff:8.8.8.8]", "134744072", "0x8080808", "8.8.2056", "com.", "local.example.com", "10.0.0.1.example.com", "localhost.", "evil%2ecom",
]  # fmt: skip


@pytest.mark.parametrize("host", LOCAL)
def test_this_machine_and_its_network_may_be_sent_a_key_in_clear(host: str) -> None:
    assert not exposed(f"http://{host}:8000/v1")
    assert OpenAI(model="m", base_url=f"http://{host}:8000/v1", api_key_env="K").key_env == "K"


@pytest.mark.parametrize("host", ELSEWHERE)
def test_no_other_host_is_sent_a_key_over_http(host: str) -> None:
    assert exposed(f"http://{host}:80/v1")
    assert exposed(f"HTTP://{host}/v1")
    assert not exposed(f"https://{host}/v1")
    with pytest.raises(ValueError, match=r"would have the key of K sent in clear to a host that is not local; write https, or api_key_env: null where"):
        OpenAI(model="m", base_url=f"http://{host}/v1", api_key_env="K")


def test_without_a_key_http_is_taken() -> None:
    assert OpenAI(model="m", base_url="http://example.com/v1").key_env is None


def test_the_public_address_is_not_asked_over_http() -> None:
    with pytest.raises(ValueError, match=r"the key of OPENAI_API_KEY sent in clear to a host that is not local; write https$"):
        OpenAI(model="m", base_url="http://api.openai.com/v1")
