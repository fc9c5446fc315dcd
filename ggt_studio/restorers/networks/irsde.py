"""IR-SDE (Luo et al., ICML 2023): a photo is a clean image that has reverted to it; the way back, step by step.

The mean-reverting SDE dx = theta (mu - x) dt + sigma dw (section 3), sigma^2 = 2 lambda^2 theta, leads from the clean image to the
photo mu and noise of deviation lambda. After t steps the rest of the difference is B_t, and x_t = mu + B_t (x_0 - mu) +
lambda sqrt(1 - B_t^2) e. The network tells e. The step back is drawn from the posterior of x_(t-1), of which proposition 3.2 is
the mean ("Photo-Realistic Image Restoration in the Wild", Luo et al., 2024, arXiv 2404.09732), as the authors do by default.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ggt_studio.restorers.networks.daclip import DACLIP
from ggt_studio.restorers.networks.sampling import Apply


@dataclass(frozen=True, slots=True)
class MeanReversion:
    """The sampler, of DA-CLIP: `steps` instead of the `trained` ones. `noise`: lambda; `rest`: B at the last step."""

    steps: int = 100
    trained: int = 100
    noise: float = 50 / 255
    rest: float = 0.005

    def __call__(self, image: Tensor, apply: Apply, seed: int) -> Tensor:
        """See `Sampler`. Noise is drawn on the processor: a seed means the same on each device."""
        generator = torch.Generator().manual_seed(seed % 2**63)
        seen: list[tuple[Tensor, Tensor]] = []
        rests = self.rests()
        # All that follows is about the difference to the photo.
        state = self.noise * torch.randn(image.shape, generator=generator)
        for number, step in enumerate(range(self.steps, 0, -1)):
            time = torch.tensor([step * self.trained / self.steps])

            def denoise(network: nn.Module, part: Tensor, time: Tensor = time) -> Tensor:
                assert isinstance(network, DACLIP)
                if not seen:
                    seen.append(network.look(image))
                return network(part, time.to(part.device), *seen[0])

            noise = apply(torch.cat([state, image], 1), denoise, (number, self.steps))
            now, then = rests[step], rests[step - 1]
            kept = now / then
            # The mean of the posterior with x_0 put in as x_t and e tell it, which leaves no difference of large numbers.
            state = (state - self.noise * (1 - kept**2) / math.sqrt(1 - now**2) * noise) / kept
            deviation = self.noise * math.sqrt((1 - kept**2) * (1 - then**2) / (1 - now**2))
            if step > 1:
                state = state + deviation * torch.randn(image.shape, generator=generator)
        return image + state

    def rests(self) -> list[float]:
        """B_0 = 1 to B_steps = `rest`: thetas rise as the noise of a cosine schedule does."""
        span = self.steps + 2

        def theta(step: int) -> float:
            left, all_of_it = ((((at / span + 0.008) / 1.008) * math.pi / 2) for at in (step + 1, 0))
            return 1 - (math.cos(left) / math.cos(all_of_it)) ** 2

        sums = [0.0]
        for step in range(1, self.steps + 1):
            sums.append(sums[-1] + theta(step))
        return [self.rest ** (total / sums[-1]) for total in sums]
