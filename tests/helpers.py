"""Provides helpers that several test files share."""
import contextlib
import os
from subprocess import PIPE, Popen
import sys

import numpy as np
import pytest
import rnn_mnist

SCRIPT = rnn_mnist.__file__
TOP = os.path.dirname(os.path.abspath(SCRIPT))


def python(*args, **options):
    """Starts a Python process with text-mode pipes."""
    return Popen([sys.executable, *map(str, args)], stdin=PIPE, stdout=PIPE, stderr=PIPE,
                 universal_newlines=True, **options)


def wait_for(process, stdin=None):
    """Waits for a process to end; returns its exit status, stdout, and stderr."""
    out, err = process.communicate(stdin)
    return process.returncode, out, err


def error_of(run):
    """Checks that a run failed without output but for one line on stderr; returns that line."""
    status, out, err = run
    error = err.splitlines()[-1]
    assert status and out == '' and error.startswith('rnn_mnist.py: error: ')
    assert 'Traceback' not in err and err.count('rnn_mnist.py') == 1 + err.count('usage:')
    return error


def files(folder):
    """Returns the contents of a folder's files by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def accuracies(out):
    """Returns the batch accuracies, as printed."""
    return [line.split()[-1] for line in out.splitlines() if line.startswith('step')]


def digits_with_numpy(trained, images):
    """Returns the digits, int `[n]`, that the trained network sees in `images`, `[n, 784]`."""
    h = np.zeros([len(images), 128])
    for rows in images.reshape([-1, 28, 28]).transpose([1, 0, 2]):
        X_in = rows.dot(trained['weights_in']) + trained['biases_in']
        h = np.tanh(np.hstack([X_in, h]).dot(trained['kernel']) + trained['bias'])
    return (h.dot(trained['weights_out']) + trained['biases_out']).argmax(axis=1)


@contextlib.contextmanager
def full_disk():
    """Lets no file grow beyond 1,000 bytes."""
    resource = pytest.importorskip('resource', reason='needs Linux or macOS')
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        yield
    finally:  # otherwise, the limit would also apply to pytest's own output
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
