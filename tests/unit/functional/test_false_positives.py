import pytest
import torch

from seewhy.core.errors import ParameterError
from seewhy.functional.false_positives import false_positive_rate_at_recall


def slow(positive: list[int], negative: list[int], recall: float) -> float:
    """The definition: try every threshold from the highest down."""
    for level in reversed(range(len(positive))):
        if sum(positive[level:]) >= recall * sum(positive):
            return sum(negative[level:]) / sum(negative)
    raise AssertionError("the lowest threshold finds all")


@pytest.mark.parametrize("recall", [0.5, 0.8, 0.95, 1.0])
def test_false_positive_rate_is_that_of_the_definition(recall):
    generator = torch.Generator().manual_seed(3)
    positive = torch.randint(0, 5, (20, 9), generator=generator)
    negative = torch.randint(0, 5, (20, 9), generator=generator)
    found = false_positive_rate_at_recall(positive, negative, recall).tolist()
    wanted = [slow(p, n, recall) for p, n in zip(positive.tolist(), negative.tolist(), strict=True)]
    assert found == pytest.approx(wanted)


def test_false_positive_rate_takes_19_of_20_for_95_percent():
    positive, negative = torch.tensor([[1.0, 0, 19]]), torch.tensor([[5.0, 3, 2]])
    assert false_positive_rate_at_recall(positive, negative).tolist() == [0.2]


def test_false_positive_rate_without_one_of_both_is_undefined():
    none, some = torch.zeros(1, 3), torch.ones(1, 3)
    assert false_positive_rate_at_recall(none, some).isnan().all()
    assert false_positive_rate_at_recall(some, none).isnan().all()


def test_false_positive_rate_refuses_a_recall_of_0():
    with pytest.raises(ParameterError, match=r"Expected a recall in \(0, 1\], got 0"):
        false_positive_rate_at_recall(torch.ones(1, 2), torch.ones(1, 2), 0)
