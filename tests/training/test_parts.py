"""A batch in parts: the same answers and gradients as part after part, on threads of their own."""

import threading

import torch
from torch import Tensor, nn

from albumen.models.clip import TextConfig, TextTower
from albumen.training.contrastive import read_by_length
from albumen.training.parts import in_parts


class Noting(nn.Module):
    """A linear map that notes which threads it ran on, and waits until two have come."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.threads = nn.Linear(4, 3), set()
        self.both = threading.Barrier(2, timeout=20)

    def forward(self, x: Tensor) -> Tensor:
        self.threads.add(threading.get_ident())
        self.both.wait()
        return self.linear(x)


def gradients(module: nn.Module) -> list[Tensor]:
    found = [p.grad.clone() for p in module.parameters() if p.grad is not None]
    module.zero_grad(set_to_none=True)
    return found


def test_parts_give_what_one_after_the_other_gives_gradients_included() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 2)).double()
    parts = torch.randn(7, 5, dtype=torch.float64).chunk(2)
    weight = torch.randn(7, 2, dtype=torch.float64)
    wanted = torch.cat([module(part) for part in parts])
    (wanted * weight).sum().backward()
    plain = gradients(module)
    found = torch.cat(in_parts(module, parts))
    (found * weight).sum().backward()
    assert torch.equal(found, wanted)
    for ours, theirs in zip(gradients(module), plain, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-14, atol=1e-14)


def test_parts_are_worked_on_at_the_same_time(monkeypatch) -> None:
    monkeypatch.setattr(torch, "get_num_interop_threads", lambda: 2)  # on one core as well
    module = Noting()
    in_parts(module, torch.randn(4, 4).chunk(2))
    assert len(module.threads) == 2


def test_parts_follow_the_autocast_of_the_thread_that_asks() -> None:
    module = nn.Linear(4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        (first, _) = in_parts(module, torch.randn(4, 4).chunk(2))
    assert first.dtype == torch.bfloat16
    (first, _) = in_parts(module, torch.randn(4, 4).chunk(2))
    assert first.dtype == torch.float32


def test_texts_read_by_length_are_read_as_they_are() -> None:
    torch.manual_seed(0)
    tower = TextTower(TextConfig(20, 12, 16, 2, 2, end_id=2), 8).double()
    ids = torch.zeros(9, 12, dtype=torch.int64)
    for row, length in enumerate((3, 12, 5, 5, 2, 9, 7, 4, 11)):
        ids[row, :length] = torch.randint(3, 20, (length,))
        ids[row, length - 1] = 2
    torch.testing.assert_close(read_by_length(tower, ids), tower(ids), rtol=1e-12, atol=1e-12)
