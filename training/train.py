"""Train a reconstructor on a set of cubes that dataset.mjs has written (docs/training.md).

    python3 train.py SET OUT.pt --minutes 45
"""
import argparse
import copy
import json
import math
import pathlib
import time

import numpy
import torch

from network import ARCHITECTURE, Reconstructor


class CubeSet:
    """Channels, target and sources of every cube; arrays stay on disk."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.about = json.loads((folder / 'set.json').read_text())
        self.cubes = self.about['cubes']
        shape = self.about['shape']  # frames, y, x
        count = len(self.cubes)
        self.channels = numpy.memmap(folder / 'channels.f32', '<f4', 'r', shape=(count, 3, *shape))
        self.target = numpy.memmap(folder / 'target.f32', '<f4', 'r', shape=(count, *shape))

    def near_sources(self, index):
        """(y, x): 1 at transients, 0.5 at steady sources, falling off as the beam does: where errors matter."""
        _, height, width = self.about['shape']
        y, x = numpy.mgrid[:height, :width]
        sigma = self.about['beam_px'] / 2.3548
        near = numpy.zeros((height, width), numpy.float32)
        for source in self.cubes[index]['sources']:
            squared = (x - source['x']) ** 2 + (y - source['y']) ** 2
            share = 0.5 if source['shape'] == 'steady' else 1.0
            near = numpy.maximum(near, share * numpy.exp(-squared / (2 * sigma**2)))
        return near


class Crops:
    """Pieces of random cubes, turned over in space (never in time: transients rise and decay)."""

    def __init__(self, cubes, options, random):
        self.cubes, self.options, self.random = cubes, options, random

    def one(self):
        index = self.random.integers(len(self.cubes.cubes))
        _, height, width = self.cubes.about['shape']
        side = min(self.options.crop, height, width)
        y, x = self.random.integers(height - side + 1), self.random.integers(width - side + 1)
        here = (..., slice(y, y + side), slice(x, x + side))
        peak = self.cubes.cubes[index]['peak_snr']
        weight = 1 + self.options.source_weight * self.cubes.near_sources(index)[here]
        # Without this the bright cubes, whose errors are large in units of the noise, would decide alone.
        weight = weight / (1 + 0.03 * self.options.source_weight) / (1 + (peak / 5) ** 2)
        parts = [numpy.array(self.cubes.channels[index][here]), numpy.array(self.cubes.target[index][here]), weight]
        for axis in (-1, -2):
            if self.random.random() < 0.5:
                parts = [numpy.flip(part, axis) for part in parts]
        if self.random.random() < 0.5:
            parts = [numpy.swapaxes(part, -1, -2) for part in parts]
        return [torch.from_numpy(numpy.ascontiguousarray(part, dtype=numpy.float32)) for part in parts]

    def batch(self):
        channels, target, weight = zip(*(self.one() for _ in range(self.options.batch)))
        return torch.stack(channels), torch.stack(target), torch.stack(weight)[:, None]


def validate(network, cubes, most):
    """Rms error of the light curves of transients at their nearest pixels, over their peaks; and of the empty sky, in its noise."""
    curves, empty = [], []
    with torch.no_grad():
        for index in range(min(most, len(cubes.cubes))):
            made = network(torch.from_numpy(numpy.array(cubes.channels[index]))[None])[0].numpy()
            truth = cubes.target[index]
            for source in cubes.cubes[index]['sources']:
                if source['shape'] != 'steady':
                    at = (slice(None), round(source['y']), round(source['x']))
                    curves.append(numpy.mean((made[at] - truth[at]) ** 2) / source['peak_snr'] ** 2)
            empty.append(numpy.mean(made[truth < 0.01] ** 2))
    return math.sqrt(numpy.mean(curves)), math.sqrt(numpy.mean(empty))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('set', help='folder with the parts train and validate, each written by dataset.mjs')
    parser.add_argument('out', help='file for the weights (PyTorch); export.py makes CIANNA\'s file of it')
    parser.add_argument('--architecture', default=ARCHITECTURE)
    parser.add_argument('--minutes', type=float, default=45)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--device', default='cpu', help='or cuda')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--rate', type=float, default=2e-3, help='largest learning rate; it falls as a cosine')
    parser.add_argument('--batch', type=int, default=3)
    parser.add_argument('--crop', type=int, default=40, help='side of the pieces, pixels')
    parser.add_argument('--source-weight', type=float, default=200, help='how much errors at sources count more')
    parser.add_argument('--begin-with', help='weights of an earlier run')
    parser.add_argument('--validate', type=int, default=24, help='cubes of the validation set that reports look at')
    parser.add_argument('--report-seconds', type=float, default=60)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    random = numpy.random.default_rng(options.seed)
    folder = pathlib.Path(options.set)
    training, validation = CubeSet(folder / 'train'), CubeSet(folder / 'validate')

    network = Reconstructor(options.architecture)
    if options.begin_with:
        network.load_state_dict(torch.load(options.begin_with)['weights'])
    network.to(options.device)
    average = copy.deepcopy(network)  # of the weights over the last steps: less noisy than any of them
    optimiser = torch.optim.Adam(network.parameters(), lr=options.rate, betas=(0.9, 0.98))
    crops = Crops(training, options, random)
    weights = sum(each.numel() for each in network.parameters())
    print(f'{weights} weights, {len(training.cubes)} cubes, torch {torch.__version__}, seed {options.seed}', flush=True)

    begun, reported, step, smooth = time.monotonic(), 0.0, 0, None
    while (done := (time.monotonic() - begun) / (60 * options.minutes)) < 1:
        warm = min(1, done / 0.02 + 0.05)
        for group in optimiser.param_groups:
            group['lr'] = options.rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))
        channels, target, weight = (part.to(options.device) for part in crops.batch())
        loss = (weight * (network(channels) - target) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        step += 1
        keep = min(0.998, (1 + step) / (20 + step))
        with torch.no_grad():
            for mean, now in zip(average.parameters(), network.parameters()):
                mean.lerp_(now, 1 - keep)
        smooth = loss.item() if smooth is None else 0.98 * smooth + 0.02 * loss.item()
        elapsed = time.monotonic() - begun
        if step == 1 or elapsed - reported > options.report_seconds:
            reported = elapsed
            report(average, validation, options.validate, elapsed, step, smooth)
    report(average, validation, options.validate, time.monotonic() - begun, step, smooth)
    saved = {'architecture': options.architecture, 'weights': average.to('cpu').state_dict(), 'steps': step}
    torch.save({**saved, 'seed': options.seed, 'set': training.about['made_with']}, options.out)


def report(network, validation, most, seconds, step, loss):
    curves, empty = validate(copy.deepcopy(network).to('cpu').eval(), validation, most)
    print(f'{seconds / 60:.1f} min, step {step}: loss {loss:.4f}, validation: profile rmse {curves:.4f} of the peak, '
          f'empty sky {empty:.4f} of the noise', flush=True)


if __name__ == '__main__':
    main()
