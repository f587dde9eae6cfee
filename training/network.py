"""The network of a reconstructor: convolutions in space and convolutions in time, one after the other.

What CIANNA can express is a chain of layers, so there are no skips and no sums of maps. "space7x16,time9x16,...,space1x1" names them:
where a kernel lies, its size, how many maps come out. All but the last are followed by a leaky ReLU.
"""
import re

import torch

ARCHITECTURE = 'space7x16,time9x16,space5x16,time9x16,space5x16,time9x16,space3x16,time9x16,space3x16,space1x1'
CHANNELS = 3
LEAK = 0.05
# CIANNA's ReLU bends above a value (800 unless it is told): fluxes must not.
SATURATION = 1e6


def layers_of(architecture):
    """[(kernel as (frames, y, x), maps)]"""
    layers = []
    for name in architecture.split(','):
        found = re.fullmatch(r'(space|time)(\d+)x(\d+)', name)
        if not found or int(found[2]) % 2 == 0:
            raise SystemExit(f'"{name}" is no layer: space7x16 or time9x16, with an odd size')
        size, maps = int(found[2]), int(found[3])
        layers.append(((1, size, size) if found[1] == 'space' else (size, 1, 1), maps))
    if layers[-1][1] != 1:
        raise SystemExit('the last layer must give one map')
    return layers


class Reconstructor(torch.nn.Module):
    """(cubes, 3 channels, frames, y, x) to (cubes, frames, y, x), both in units of the noise of a frame."""

    def __init__(self, architecture=ARCHITECTURE):
        super().__init__()
        self.architecture = architecture
        given, made = CHANNELS, []
        for kernel, maps in layers_of(architecture):
            made.append(torch.nn.Conv3d(given, maps, kernel, padding=tuple(side // 2 for side in kernel)))
            torch.nn.init.kaiming_normal_(made[-1].weight, a=LEAK)
            torch.nn.init.zeros_(made[-1].bias)
            given = maps
        self.layers = torch.nn.ModuleList(made)
        with torch.no_grad():  # begin near the empty sky, which most of a cube is
            self.layers[-1].weight *= 0.1

    def forward(self, cubes):
        for layer in self.layers[:-1]:
            cubes = torch.nn.functional.leaky_relu(layer(cubes), LEAK)
        return self.layers[-1](cubes)[:, 0]
