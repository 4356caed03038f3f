"""The script: what it prints, what it reads, what it generates."""
import gzip
import io
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from rnn_mnist import build_graph, generated_data_sets, main, read_data_sets, tf
import rnn_mnist

TOP = os.path.dirname(os.path.abspath(rnn_mnist.__file__))
LINE = r'step +\d+/\d+  batch accuracy [01]\.\d{4}\n'


def python(*args):
    """A process of its own, in the top folder."""
    return subprocess.run([sys.executable, *args], cwd=TOP, universal_newlines=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


# -------------------------------------------------------------------------------- as a command

def test_python_rnn_mnist_py_prints_results_alone_on_stdout():
    run = python('rnn_mnist.py', '--data', 'generated', '--training-iters', '2700')
    assert run.returncode == 0
    assert re.fullmatch(
        LINE * 2 + r'test accuracy 0\.\d{4} on 10000 generated digits, not MNIST, '
        r'after 22 steps in \d+ s\n', run.stdout)
    assert 'Traceback' not in run.stderr and 'Warning' not in run.stderr


def test_main_returns_0_and_says_from_where_the_test_images_are(mnist_dir, capsys):
    assert main(['--data-dir', str(mnist_dir), '--training-iters', '1']) == 0
    out = capsys.readouterr().out
    assert re.fullmatch(LINE + r'test accuracy 0\.\d{4} on 130 test images from .*\n', out)
    assert str(mnist_dir) in out


def test_each_line_is_out_as_soon_as_it_is_known(mnist_dir, monkeypatch):
    class Pipe(io.StringIO):
        flushed = []

        def flush(self):
            self.flushed.append(self.getvalue())
    pipe = Pipe()
    monkeypatch.setattr(sys, 'stdout', pipe)
    rnn_mnist.train(read_data_sets(str(mnist_dir), one_hot=True), training_iters=21 * 128)
    first, second = pipe.getvalue().splitlines(True)
    assert pipe.flushed == [first, first + second]


def test_the_same_seed_prints_the_same_lines_again(mnist_dir, capsys):
    def lines(seed):
        main(['--data-dir', str(mnist_dir), '--training-iters', '7800', '--seed', seed])
        return re.sub(r' in \d+ s', '', capsys.readouterr().out)
    assert lines('4294967295') == lines('4294967295') != lines('1')


def test_the_test_accuracy_is_that_of_each_test_image_once(mnist_dir, monkeypatch):
    seen = []
    examples = rnn_mnist.DataSet.examples
    monkeypatch.setattr(rnn_mnist.DataSet, 'examples', lambda self, indices: (
        seen.extend(indices.tolist()) or examples(self, indices)))
    mnist = read_data_sets(str(mnist_dir), one_hot=True)
    accuracy = rnn_mnist.train(mnist, training_iters=1)
    assert seen[128:] == [i % 130 for i in range(256)]
    assert accuracy * 130 == pytest.approx(round(accuracy * 130))


def test_requirements_and_the_scripts_own_metadata_name_the_same_packages():
    tomllib = pytest.importorskip('tomllib', reason='needs Python 3.11 or newer')
    with open(os.path.join(TOP, 'rnn_mnist.py')) as file:
        block = re.match(r'# /// script\n((?:#.*\n)+?)# ///\n', file.read()).group(1)
    with open(os.path.join(TOP, 'requirements.txt')) as file:
        assert tomllib.loads(re.sub('(?m)^# ', '', block))['dependencies'] == file.read().split()


# ----------------------------------------------------------------------------------- the graph

def test_the_graph_has_the_shapes_and_dtypes_that_it_says():
    model = build_graph()
    assert [model.x.shape.as_list(), model.y.shape.as_list()] == [[None, 28, 28], [None, 10]]
    assert {name: v.shape.as_list() for name, v in model.weights.items()} == {
        'in': [28, 128], 'out': [128, 10]}
    assert {name: v.shape.as_list() for name, v in model.biases.items()} == {
        'in': [128], 'out': [10]}
    assert model.pre.shape.as_list() == [128, 10] and model.correct_pre.dtype == tf.bool
    assert model.correct_pre.shape.as_list() == [128]
    assert model.cost.shape.as_list() == model.accuracy.shape.as_list() == []


# ---------------------------------------------------------------------------------- the loader

def numbers(images):
    """Which images of `mnist_dir` these are."""
    return np.rint(images[:, 0] * 255).astype(int).tolist()


def test_validation_is_the_first_of_the_training_images(mnist_dir):
    mnist = read_data_sets(str(mnist_dir))
    assert [part.num_examples for part in mnist] == [150, 20, 130]
    assert sorted(numbers(mnist.validation.next_batch(20)[0])) == list(range(20))
    assert sorted(numbers(mnist.train.next_batch(150)[0])) == list(range(20, 170))
    assert sorted(numbers(mnist.test.next_batch(130)[0])) == list(range(130))


def test_bytes_become_floats_as_in_tensorflow_1(mnist_dir):
    images, _ = read_data_sets(str(mnist_dir)).test.next_batch(130)
    every = np.multiply(np.arange(256, dtype=np.uint8).astype(np.float32), 1.0 / 255.0)
    assert images.shape == (130, 784) and images.dtype == np.float32
    np.testing.assert_array_equal(np.unique(images), every)
    assert every[0] == 0 and every[-1] == 1


def test_each_image_keeps_its_label_and_one_hot_says_the_same(mnist_dir):
    with gzip.open(str(mnist_dir / 't10k-labels-idx1-ubyte.gz')) as file:
        in_file = np.frombuffer(file.read()[8:], np.uint8)
    images, labels = read_data_sets(str(mnist_dir), seed=5).test.next_batch(130)
    np.testing.assert_array_equal(labels, in_file[numbers(images)])
    _, one_hot = read_data_sets(str(mnist_dir), one_hot=True, seed=5).test.next_batch(130)
    assert one_hot.shape == (130, 10) and (one_hot.sum(axis=1) == 1).all()
    np.testing.assert_array_equal(one_hot.argmax(axis=1), labels)


def test_a_batch_past_the_epochs_end_joins_the_rest_to_the_next_epochs_start(mnist_dir):
    train = read_data_sets(str(mnist_dir)).train
    first, both, rest = [numbers(train.next_batch(n)[0]) for n in [100, 100, 100]]
    assert sorted(first + both[:50]) == sorted(both[50:] + rest) == list(range(20, 170))
    assert first + both[:50] != both[50:] + rest


def tensorflow_1_order(images, batch_size, batches):
    """The rule of TensorFlow 1's `DataSet.next_batch`, with NumPy's global generator."""
    start = 0
    np.random.shuffle(images)
    for _ in range(batches):
        if start + batch_size > len(images):
            rest = images[start:]
            images = images[np.random.permutation(len(images))]
            start += batch_size - len(images)
            yield rest.tolist() + images[:start].tolist()
        else:
            start += batch_size
            yield images[start - batch_size:start].tolist()


def test_seeded_batches_come_in_the_order_of_tensorflow_1(mnist_dir):
    train = read_data_sets(str(mnist_dir), seed=7).train
    np.random.seed(7)
    for expected in tensorflow_1_order(np.arange(20, 170), 64, batches=8):
        assert numbers(train.next_batch(64)[0]) == expected


# ------------------------------------------------------------------------------ generated digits

def test_generated_digits_have_the_sizes_and_dtypes_of_mnist():
    digits = generated_data_sets()
    assert [part.num_examples for part in digits] == [55000, 5000, 10000]
    images, labels = digits.test.next_batch(10000)
    assert images.dtype == np.float32 and images.shape == (10000, 784)
    assert images.min() == 0 and images.max() == 1
    assert labels.dtype == np.uint8 and sorted(set(labels)) == list(range(10))


def test_generated_digits_are_the_same_every_time_in_an_order_of_their_own():
    def batch(seed):
        return generated_data_sets(seed=seed).test.next_batch(10000)[0]
    one, other = batch(0), batch(1)
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(np.sort(one.sum(axis=1)), np.sort(other.sum(axis=1)))


def test_the_network_learns_the_generated_digits(capsys):
    main(['--data', 'generated', '--training-iters', str(200 * 128), '--seed', '0'])
    accuracy = float(re.search('test accuracy ([0-9.]+)', capsys.readouterr().out).group(1))
    assert accuracy > 0.5  # by chance: 0.1
