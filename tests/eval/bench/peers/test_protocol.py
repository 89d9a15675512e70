"""What competitors share apart from their process."""

from eval.bench.peers.protocol import fused, versions


def test_fusion_adds_reciprocal_ranks():
    """With k = 1: 1/2 and 1/3 for the first list, so 7 has 1/2, 8 has 1/3 + 1/2, 9 has 1/3."""
    assert fused([[7, 8], [8, 9]], 10, k=1) == [8, 7, 9]
    assert fused([[7, 8], [8, 9]], 1, k=1) == [8]
    assert fused([[2], [1]], 5) == [1, 2]  # ties by number


def test_versions_are_of_what_is_installed():
    found = versions(("numpy", "no-such-package"))
    assert list(found) == ["numpy"]
    assert found["numpy"][0].isdigit()
