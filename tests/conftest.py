"""Keeps the tests independent of the machine, away from real mirrors, and in temporary folders."""
import functools
import os
import shutil
import signal
import sys
import warnings

for name in list(os.environ):
    if name.lower().endswith('_proxy') or name in ['TF_CPP_MIN_LOG_LEVEL', 'TF_USE_LEGACY_KERAS',
                                                   'PYTHONUNBUFFERED', 'PYTHONWARNINGS']:
        del os.environ[name]
os.environ['http_proxy'] = os.environ['https_proxy'] = 'http://127.0.0.1:9'  # nothing is there
os.environ['no_proxy'] = '127.0.0.1'
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]  # pytest does not do this in every import mode

import pytest  # noqa: E402

with warnings.catch_warnings():
    warnings.simplefilter('ignore')  # PYTHONWARNINGS=error would make importing TensorFlow fail
    import rnn_mnist  # noqa: E402
from helpers import python, wait_for  # noqa: E402
from tf1_reference.given import write_files  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line('filterwarnings', 'ignore')  # mostly deprecation warnings
    # A background job of a shell script ignores SIGINT, and so do the processes that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def graph(tmp_path, monkeypatch):
    """Gives each test its own working and home directory, no mirrors, and a seeded graph."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('USERPROFILE', str(tmp_path))  # on Windows
    monkeypatch.setattr(rnn_mnist, 'MIRRORS', ())
    with rnn_mnist.tf.Graph().as_default() as graph:
        rnn_mnist.tf.set_random_seed(0)
        yield graph


@pytest.fixture
def mnist_dir(tmp_path, monkeypatch):
    """A folder of files like MNIST's: 170 training images (20 for validation), 130 test images."""
    monkeypatch.setattr(rnn_mnist, 'read_data_sets', functools.partial(
        rnn_mnist.read_data_sets, validation_size=20))
    folder = tmp_path / 'MNIST_data'
    folder.mkdir()
    write_files(folder)
    return folder


@pytest.fixture
def mnist(mnist_dir):
    """What `read_data_sets` returns for `mnist_dir`, with one-hot labels."""
    return rnn_mnist.read_data_sets(str(mnist_dir), one_hot=True, seed=0)


@pytest.fixture
def one_step(tmp_path):
    """Arguments for one training step, on files with one image beside the usual validation set."""
    folder = tmp_path / 'small'
    folder.mkdir()
    write_files(folder, n_train=5001, n_test=1)
    return ['--training-iters', '1', '--data-dir', str(folder)]


@pytest.fixture
def run(capsys):
    """Runs `main`, by default for one training step; returns exit status, stdout, and stderr."""
    def run(*args):
        try:
            status = rnn_mnist.main(['--training-iters', '1', *map(str, args)])
        except SystemExit as error:  # from argparse
            status = error.code
        return (status, *capsys.readouterr())
    return run


@pytest.fixture(scope='session')
def a_run(tmp_path_factory):
    """Trains for 100 steps in a subprocess; returns exit status, stdout, stderr, and saved file."""
    folder = tmp_path_factory.mktemp('ipykernel')  # not a notebook, so options are read
    script = shutil.copy(rnn_mnist.__file__, str(folder))
    process = python(script, '--data', 'generated', '--training-iters', 12800,
                     '--seed', 0, '--save', 'trained', cwd=str(folder))
    return (*wait_for(process), folder / 'trained')
