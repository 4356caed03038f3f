import gzip
import os
import signal
import sys

import numpy as np
import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import rnn_mnist  # noqa: E402
from helpers import idx  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line('filterwarnings', 'ignore:.*is deprecated')  # so it is
    # A shell's background ignores Ctrl-C, and so would the processes that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def graph():
    """Each test has a default graph of its own, always with the same seed."""
    with rnn_mnist.tf.Graph().as_default() as graph:
        rnn_mnist.tf.set_random_seed(0)
        yield graph


@pytest.fixture
def mnist_dir(tmp_path, monkeypatch):
    """A folder with files as MNIST's, of 20 + 150 and 130 images; the 20 are for validation."""
    monkeypatch.setattr(rnn_mnist, 'VALIDATION_SIZE', 20)
    rng = np.random.RandomState(0)
    folder = tmp_path / 'MNIST_data'
    folder.mkdir()
    for part, n in [('train', 170), ('t10k', 130)]:
        images = rng.randint(256, size=[n, 28, 28]).astype(np.uint8)
        labels = rng.randint(10, size=n).astype(np.uint8)
        images[:, 0, 0] = np.arange(n)  # tells which image it is
        (folder / (part + '-images-idx3-ubyte.gz')).write_bytes(gzip.compress(idx(images), 1))
        (folder / (part + '-labels-idx1-ubyte.gz')).write_bytes(gzip.compress(idx(labels), 1))
    return folder


@pytest.fixture
def mnist(mnist_dir):
    """What `read_data_sets` makes of `mnist_dir`, one-hot."""
    return rnn_mnist.read_data_sets(str(mnist_dir), one_hot=True, seed=0)
