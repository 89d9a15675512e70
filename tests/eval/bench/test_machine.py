"""What benchmarks say of the machine, and the arithmetic of its limits."""

from __future__ import annotations

from eval.bench.machine import encoder_operations, exact_search_bytes, machine, processor


def test_a_machine_names_what_figures_depend_on() -> None:
    """Processor, cores, memory, Python and the engine's version are there."""
    found = machine()
    assert found["processor"] == processor()
    assert found["cores"] >= 1
    assert found["memory_gib"] > 0
    assert found["packages"]["qdrant-edge-py"].startswith("0.9.")


def test_operations_of_one_token_are_two_for_each_weight_of_a_linear_layer() -> None:
    """MiniLM has 6 layers of 4 x 384 x 384 + 2 x 384 x 1536 weights; one token attends to itself."""
    assert encoder_operations([1]) == 6 * (2 * (4 * 384**2 + 2 * 384 * 1536) + 4 * 384)


def test_attention_grows_with_the_square_of_each_length_and_not_of_their_sum() -> None:
    """Two texts of 10 tokens take twice the work of one of 10, and less than one of 20."""
    assert encoder_operations([10, 10]) == 2 * encoder_operations([10])
    assert encoder_operations([20]) - encoder_operations([10, 10]) == 6 * (400 - 200) * 4 * 384


def test_an_exact_search_reads_every_vector_once() -> None:
    """A thousand vectors of 384 numbers of 4 bytes."""
    assert exact_search_bytes(1000, 384) == 1_536_000
