import torch

from relume.operators.expand.linear import Linear


def test_returns_the_input_itself(generator):
    image = torch.rand(2, 3, 4, 5, generator=generator)
    assert Linear()(image) is image
