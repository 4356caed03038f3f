"""What more than one of the test files needs."""
import os
import struct
import subprocess
import sys

import rnn_mnist

TOP = os.path.dirname(os.path.abspath(rnn_mnist.__file__))


def python(*args, **options):
    """Starts a Python process in the top folder, with pipes for text, buffered as for a user."""
    environment = dict(os.environ, **options.pop('env', {}))
    environment.pop('PYTHONUNBUFFERED', None)
    return subprocess.Popen(
        [sys.executable, *map(str, args)], cwd=TOP, env=environment, universal_newlines=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def ended(process, stdin=None):
    """Waits for the end of a process; returns its status and what it said on stdout and stderr."""
    out, err = process.communicate(stdin)
    return process.returncode, out, err


def idx(array):
    """An array as a file of MNIST's IDX format, not compressed."""
    return struct.pack('>HBB%dI' % array.ndim, 0, 8, array.ndim, *array.shape) + array.tobytes()


def files(folder):
    """The contents of a folder's files by their names."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def accuracies(out):
    """The batch accuracies in what a run printed."""
    return [line.split()[-1] for line in out.splitlines() if line.startswith('step')]
