import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import rnn_mnist  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line('filterwarnings', 'ignore:.*rnn_cell')  # "is deprecated": so it is


@pytest.fixture(autouse=True)
def graph():
    """Each test has a default graph of its own, always with the same seed."""
    with rnn_mnist.tf.Graph().as_default() as graph:
        rnn_mnist.tf.set_random_seed(0)
        yield graph
