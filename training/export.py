"""Write what train.py has saved as a network file of CIANNA (docs/network-files.md), and a pair to check it with.

    python3 export.py NET.pt weights.dat --check FOLDER
    cianna-otf infer --model weights.dat --input FOLDER/input.npy --output FOLDER/engine.npy --input-bias 0.1
    python3 export.py --compare FOLDER
"""
import argparse
import pathlib
import struct
import sys

import numpy

# Bias is one more input of this value: the card's input_bias, and what each layer states.
BIAS = 0.1
FARTHEST = 1e-5  # of the largest value


def write(network, path, trained):
    """`trained`: width, height, frames the network was trained with; information only."""
    from network import CHANNELS, LEAK, SATURATION, layers_of

    rectifier = f'RELU_S{SATURATION:.2f}_L{LEAK:.2f}'
    kernels = layers_of(network.architecture)
    out = struct.pack('<4i', *trained, CHANNELS)
    for index, ((kernel, maps), layer) in enumerate(zip(kernels, network.layers)):
        sizes = kernel[::-1]  # the file has width, height, depth
        activation = 'LIN' if index == len(kernels) - 1 else rectifier
        out += b'C' + struct.pack('<i', maps) + struct.pack('<3i', *sizes) + struct.pack('<3i', 1, 1, 1)
        out += struct.pack('<3i', *(side // 2 for side in sizes)) + struct.pack('<3i', 0, 0, 0)
        out += struct.pack('<4i', *trained, layer.in_channels) + struct.pack('<2f', 0.0, BIAS)
        out += activation.encode().ljust(40, b'\0')
        # (maps, channels, depth, height, width), as the file has them, and the weight of the bias last.
        weights = layer.weight.detach().numpy().reshape(maps, -1)
        bias = layer.bias.detach().numpy()[:, None] / BIAS
        out += numpy.concatenate([weights, bias], 1).astype('<f4').tobytes()
    pathlib.Path(path).write_bytes(out)


def write_check(network, folder, side=24, frames=20):
    """Noise with a few bright points, and what PyTorch makes of it."""
    import torch

    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    random = numpy.random.default_rng(1)
    given = random.normal(size=(2, 3, frames, side, side)).astype('<f4')
    given[:, :, :, 7, 11] += 6
    given[1, :, 8:12, 15, 5] += 20
    with torch.no_grad():
        made = network(torch.from_numpy(given)).numpy().astype('<f4')
    numpy.save(folder / 'input.npy', given)
    numpy.save(folder / 'torch.npy', made)


def compare(folder):
    folder = pathlib.Path(folder)
    ours, theirs = numpy.load(folder / 'engine.npy'), numpy.load(folder / 'torch.npy')
    difference = float(abs(ours.reshape(theirs.shape) - theirs).max() / abs(theirs).max())
    print(f'the engine differs from PyTorch by at most {difference:.1e} of the largest value')
    if not difference < FARTHEST:
        sys.exit(f'that is more than {FARTHEST}: the file is not what was trained')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('network', nargs='?')
    parser.add_argument('weights', nargs='?')
    parser.add_argument('--trained', default='40,40,32', help='width, height and frames of the training')
    parser.add_argument('--check', help='folder for input.npy and torch.npy')
    parser.add_argument('--compare', help='folder with torch.npy and engine.npy')
    options = parser.parse_args()
    if options.compare:
        return compare(options.compare)
    if not options.weights:
        parser.error('NET.pt and weights.dat are wanted, or --compare')
    import torch

    from network import Reconstructor

    saved = torch.load(options.network)
    network = Reconstructor(saved['architecture']).eval()
    network.load_state_dict(saved['weights'])
    write(network, options.weights, [int(side) for side in options.trained.split(',')])
    if options.check:
        write_check(network, options.check)


if __name__ == '__main__':
    main()
