"""Draws what a network answers after each row of a digit, and how its training went.

    python rnn_mnist.py --save trained.npz > run.txt
    python tests/picture.py run.txt trained.npz

This draws `picture.png`, of the first test image in `MNIST_data`. It needs matplotlib. `--compare`
adds the lines that another run printed, `--image` chooses another image, and `--help` tells the
rest. The picture in the README also has a run with the initial weights['in'] one-tenth as large:

    python tests/picture.py run.txt trained.npz --compare small.txt --output tests/picture.png
"""
import argparse
import os
import pathlib
import re
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from rnn_mnist import read_data_sets  # noqa: E402

COLORS = ['#0072b2', '#d55e00']  # blue and orange, which color-blind people can tell apart


def probabilities_after_each_row(trained, image):
    """Returns the probabilities of the ten digits after each row, `[28, 10]`, for a 28 x 28 image.

    Here they are computed as if the reading ended after that row.
    """
    h = np.zeros(128)
    rows = []
    for row in image:
        X_in = row @ trained['weights_in'] + trained['biases_in']
        h = np.tanh(np.hstack([X_in, h]) @ trained['kernel'] + trained['bias'])
        scores = h @ trained['weights_out'] + trained['biases_out']
        exp = np.exp(scores - scores.max())
        rows.append(exp / exp.sum())
    return np.array(rows)


def accuracies(file):
    """Returns the steps, the batch accuracies, and the test accuracy that a run printed."""
    text = file.read_text()
    lines = np.array(re.findall(r'^step +(\d+).* ([\d.]+)$', text, re.MULTILINE), float)
    return lines[:, 0], lines[:, 1], float(re.search(r'test accuracy ([\d.]+)', text).group(1))


def draw(files, trained, image):
    """Returns a figure of a digit, the answers to it, and the accuracies of one or two runs."""
    import matplotlib  # not needed for the other functions
    matplotlib.use('Agg')
    from matplotlib import pyplot
    pyplot.rcParams.update({'font.size': 13, 'axes.spines.top': False, 'axes.spines.right': False})
    figure, (digit, answers, training) = pyplot.subplots(
        1, 3, figsize=(7.2, 3.5), width_ratios=[24, 18, 33], layout='constrained')

    digit.imshow(image, 'gray_r', aspect='auto')
    digit.set(title='row by row', xticks=[], yticks=[0, 9, 19, 27], yticklabels=[1, 10, 20, 28])
    answers.imshow(probabilities_after_each_row(trained, image), 'gray_r', aspect='auto', vmin=0,
                   vmax=1)
    answers.set(title='the answer', xlabel='black: sure', xticks=range(10), yticks=[])

    for color, file in zip(COLORS, files):
        steps, batch, test = accuracies(file)
        training.plot(steps, batch, '.', color=color, markersize=3)
        training.axhline(test, color=color, linewidth=1.5, label=f'{file.stem}: {test:.3f}')
    training.set(title='accuracy', xlabel='training step', ylim=(0, 1.01))
    training.locator_params('x', nbins=2)
    training.legend(loc='lower right', title='dots: batches, lines: test', frameon=False,
                    fontsize=12, title_fontsize=12, handlelength=1)
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('run', type=pathlib.Path, help='the lines that the script printed')
    parser.add_argument('trained', type=pathlib.Path, help='the file that it saved')
    parser.add_argument('--compare', type=pathlib.Path, metavar='RUN', help='another run')
    parser.add_argument('--image', type=int, default=0, metavar='N', help='number of a test image')
    parser.add_argument('--data-dir', default='MNIST_data', metavar='DIR')
    parser.add_argument('--output', default='picture.png', metavar='FILE')
    args = parser.parse_args()
    files = [file for file in [args.run, args.compare] if file]
    try:
        image = read_data_sets(args.data_dir).test.images[args.image].reshape([28, 28])
        draw(files, np.load(args.trained), image).savefig(args.output, dpi=150)
    except OSError as error:
        sys.exit(f'picture.py: error: {error}')


if __name__ == '__main__':
    main()
