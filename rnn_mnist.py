"""Trains a recurrent network to read handwritten digits row by row, in TensorFlow 1 style.

Begin at "The lesson", below. It is the program of the article "python artificial intelligence
tensorflow how to build cyclic neural network RNN" (shulou.com), completed, explained, and running
on today's TensorFlow. The lesson stands by itself, and since it keeps the article's names and
nearly its order, you can also read the two side by side. What comes after it (reading MNIST,
generated digits, the command line) is there to let it run.
"""
# /// script
# requires-python = ">=3.9,<3.14"
# dependencies = ["tensorflow>=2.16,<3", "tf-keras>=2.16,<3", "numpy"]
# ///
import argparse
import hashlib
import http.client
import importlib.util
import math
import os
import pathlib
import sys
import time
import urllib.request
import warnings
import zlib
from collections import namedtuple

if __name__ == '__main__':
    print('Starting TensorFlow ...', file=sys.stderr)  # takes a few seconds
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # hides some of TensorFlow's C++ log
if importlib.util.find_spec('tf_keras'):  # home of BasicRNNCell since TensorFlow 2.16
    os.environ['TF_USE_LEGACY_KERAS'] = '1'
try:
    import numpy as np
    import tensorflow.compat.v1 as tf
    tf.nn.rnn_cell.BasicRNNCell  # loads Keras; fails if Keras is the wrong version
except KeyboardInterrupt:
    if __name__ == '__main__':
        raise SystemExit(130) from None
    raise
except Exception as error:
    message = (
        f'rnn_mnist.py: error: cannot import TensorFlow with BasicRNNCell: {type(error).__name__}: '
        f'{" ".join(str(error).split())}; if a package is missing, install it under 64-bit Python '
        '3.9 to 3.13 with `python -m pip install tensorflow tf-keras numpy`; in a notebook that '
        'has used Keras 3, restart the kernel')
    failure = SystemExit if __name__ == '__main__' else ImportError
    raise failure(message) from None
tf.logging.set_verbosity(tf.logging.ERROR)
warnings.filterwarnings('ignore', r'`tf\.nn\.rnn_cell\.\w+` is deprecated')
tf.disable_v2_behavior()  # variables and loops are built as in TensorFlow 1

# %% The lesson
#
#         row 1                row 2                           row 28           28 pixels
#           | weights['in']      | weights['in']                 | weights['in']
#       X_in[:, 0]           X_in[:, 1]                      X_in[:, 27]        128 numbers
#           | W                  | W                             | W
# zeros --U-+-> tanh = state --U-+-> tanh = state --U-- ... --U--+-> tanh = states
#                                                                | weights['out']
#                                                               pre             10 scores
#
# A recurrent network reads a sequence one element at a time. Here the sequence is an image of a
# handwritten digit, and its elements are the 28 rows of pixels, from top to bottom. After each row,
# the network mixes what it has just read with what it remembers, the state. Row 1 changes the first
# state, U carries it into the second, and so on: this is how row 1 can still matter after row 28,
# when ten scores are read off the last state, one for each digit. (Such memories fade. LSTM cells
# were invented to keep them longer.)
#
# All rows go through the same weights, so there are only 37,898 numbers to learn. They are in six
# variables (the drawing leaves out the biases, which are added to the products):
#
#     weights['in']   [28, 128]  3,584    biases['in']    [128]  128    prepare a row for the cell
#     kernel         [256, 128] 32,768    bias            [128]  128    mix it with the state
#     weights['out']  [128, 10]  1,280    biases['out']    [10]   10    turn the state into scores
#
# The kernel is two matrices in one: W, [128, 128], for what the cell reads, stacked on U,
# [128, 128], for the state. The size of the state, 128, is a choice. With n_hidden_units = 64, each
# 128 above would be 64, and 256 would be 128. A larger state can remember more, but takes longer.
#
# A TensorFlow 1 program works in two phases. First it builds a graph, in which nothing is computed
# yet. Then it runs parts of the graph in a session:
#
#     a = tf.placeholder(tf.float32)           # an input, which has no value yet
#     b = a * 2                                # not a number, but a recipe for one
#     tf.Session().run(b, feed_dict={a: 3.0})  # 6.0
#
# In the same way, x and y below are inputs, and `pre`, `cost`, and even the training step are
# recipes. You can run any of them. To look at X_in, for example, let `RNN` return it as well:
# pre, X_in = RNN(x, weights, biases). Then, in the loop: sess.run(X_in, feed_dict={x: batch_xs}).

lr = 0.001                # learning rate: roughly how far a training step moves a number
training_iters = 1000000  # images to train on (not iterations): the 55,000 about 18 times
batch_size = 128          # images per training step
n_inputs = 28             # pixels per row
n_steps = 28              # rows per image, read one per time step
n_hidden_units = 128      # numbers in the state (that batch_size is 128, too, is a coincidence)
n_classes = 10            # the digits 0 to 9


def RNN(X, weights, biases):
    """Adds the network to the graph.

    Args:
      X: images, float32 `[128 batch, 28 steps, 28 inputs]`.
      weights, biases: dicts of the variables 'in' and 'out'; `train` creates them.

    Returns:
      The scores of the ten digits (also called logits), float32 `[128 batch, 10 classes]`.
    """
    # Each row is first projected: learned weights turn its 28 pixels into 128 numbers. (W could
    # take the pixels themselves, but this is what the article does.) A matrix product takes a
    # matrix, so all rows of all images are stacked for it and put back in place afterward. Today's
    # tf.matmul also takes the images as they are, and would do without both reshapes.
    X = tf.reshape(X, [-1, n_inputs])                       # [128 batch * 28 steps, 28 inputs]
    X_in = tf.matmul(X, weights['in']) + biases['in']       # [128 batch * 28 steps, 128 hidden]
    X_in = tf.reshape(X_in, [-1, n_steps, n_hidden_units])  # [128 batch, 28 steps, 128 hidden]

    # The cell is what happens at one row. By default, its activation is tanh.
    RNN_cell = tf.nn.rnn_cell.BasicRNNCell(n_hidden_units)
    # Before row 1, there is nothing to remember, so each image starts with zeros.
    _init_state = RNN_cell.zero_state(batch_size, tf.float32)  # [128 batch, 128 hidden]
    # dynamic_rnn adds a loop over the rows to the graph, which works on all images at once:
    #     state = _init_state
    #     for t in range(n_steps):
    #         state = tanh(X_in[:, t] @ W + state @ U + bias)
    # It also creates the cell's variables: a kernel of small random numbers and a bias of zeros.
    # time_major=False says that the first axis of X_in is the batch and the second one is time.
    outputs, states = tf.nn.dynamic_rnn(RNN_cell, X_in, initial_state=_init_state, time_major=False)
    # outputs: [128 batch, 28 steps, 128 hidden], the state after each row; not needed here
    # states:  [128 batch, 128 hidden], the state after the last row, the same as outputs[:, -1]

    results = tf.matmul(states, weights['out']) + biases['out']  # [128 batch, 10 classes]
    return results


def train(mnist, training_iters=training_iters, seed=None):
    """Builds the graph, trains the network, and tests it.

    Args:
      mnist: what `read_data_sets` or `generated_data_sets` returns with `one_hot=True`. Its
        `train` images are for training, and its `test` images for the test.
      training_iters: the number of images to train on; the last batch is always a whole one.
      seed: an int that makes the initial weights repeatable.

    Returns:
      The test accuracy, from 0 to 1, and a dict of the trained variables as float32 arrays.
    """
    # Phase 1 builds the graph, a new one for each call of `train`.
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(seed)

        # `None` leaves the number of images open. (Only _init_state insists on 128.)
        x = tf.placeholder(tf.float32, [None, n_steps, n_inputs])  # pixels: 0 (black) to 1 (white)
        # The labels are one-hot: a 2 is 0010000000. These are the ten probabilities of a perfect
        # answer, with which the cost, below, compares those of the network.
        y = tf.placeholder(tf.float32, [None, n_classes])

        # What the network learns is kept in variables. Both weights start as random numbers with a
        # standard deviation of 1. For weights['in'] that is too large: many units start on the flat
        # ends of tanh, and training is jumpy.
        weights = {'in': tf.Variable(tf.random_normal([n_inputs, n_hidden_units])),
                   'out': tf.Variable(tf.random_normal([n_hidden_units, n_classes]))}
        biases = {'in': tf.Variable(tf.constant(0.1, shape=[n_hidden_units])),
                  'out': tf.Variable(tf.constant(0.1, shape=[n_classes]))}

        pre = RNN(x, weights, biases)  # [128 batch, 10 classes]

        # How wrong are the scores? Softmax turns the ten scores of an image into probabilities. If
        # p is that of the correct digit, the image costs -log(p): 0 for p = 1, and 2.3 for p = 0.1,
        # a guess. The cost is the mean over the batch. At first it is 4 to 6, worse than guessing,
        # because with its large weights the network is sure of answers that are wrong.
        #
        # Why are there no probabilities in this line? Because the function applies softmax itself.
        # Softmax and logarithm, taken together, do not overflow even for scores of 1,000.
        cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=pre, labels=y))

        # The training step first computes the gradient: how the cost would change with each of the
        # 37,898 numbers. For this it goes back from the cost, through row 28, row 27, ... to row 1,
        # and adds up what each row says about the weights that all rows share.
        #
        # Then Adam, a kind of gradient descent, moves each number a little, rarely by more than lr.
        # An average of the latest gradients says in which direction the cost falls.
        train_op = tf.train.AdamOptimizer(lr).minimize(cost)

        # An image is recognized if the correct digit has the highest score.
        correct_pre = tf.equal(tf.argmax(y, 1), tf.argmax(pre, 1))  # [128 batch], true or false
        accuracy = tf.reduce_mean(tf.cast(correct_pre, tf.float32))  # fraction true; 0.1 by chance

        init = tf.initialize_all_variables()  # the six, and others for Adam's averages

    # Phase 2 runs the graph in a session, which keeps the values of the variables between runs.
    with tf.Session(graph=graph, config=SESSION_CONFIG) as sess:
        sess.run(init)  # gives the variables their initial values
        step = 0
        while step * batch_size < training_iters:
            # Batches go through the images in random order. After the last image comes the next
            # epoch, another pass in another order, and a batch may have images of both.
            batch_xs, batch_ys = mnist.train.next_batch(batch_size)  # [128, 784 pixels], [128, 10]
            batch_xs = batch_xs.reshape([batch_size, n_steps, n_inputs])
            # This changes the variables, and usually lowers the cost of this batch.
            sess.run(train_op, feed_dict={x: batch_xs, y: batch_ys})
            if step % 20 == 0:
                # The same batch again, without training. Since this comes after the training step,
                # it flatters: the network has just learned from these images.
                batch_accuracy = sess.run(accuracy, feed_dict={x: batch_xs, y: batch_ys})
                print(f'step {step:4}/{math.ceil(training_iters / batch_size)}'
                      f'  batch accuracy {batch_accuracy:.4f}', flush=True)
            step += 1

        # The article's program would end here. But how good is the network? The test images tell,
        # because it has never seen them. (Expect about 0.93.)
        test_accuracy = _test_accuracy(mnist.test, sess, x, y, correct_pre)
        return test_accuracy, sess.run(_trained_variables(weights, biases))


# If you read the article beside this lesson:
# - It is a machine translation, and garbled in places. Trust a shape in its comments only if the
#   same statement has it here. In particular, no array of this network is "256 hidden".
# - Its "four hidden layers" are one layer, used once for each of four words. Its "W1" is U.
# - In its pseudocode, `rnn` is RNN_cell (not the function `RNN`), `word` is X_in[:, t], `output`
#   and `hidden_state` are both the new state, and `ff` is the line that computes `results`.
# - It creates x, y, weights, and biases before it defines `RNN`. Here they are in `train`, and
#   `mnist` comes from `_load`, near the end of this file.
# - It breaks off at `while step*batch_size`. The rest of the loop is that of the tutorial which
#   its program follows closely: github.com/MorvanZhou/tutorials, tensorflowTUT/tf20_RNN2.


# %% Helpers for the lesson
SESSION_CONFIG = tf.ConfigProto(
    intra_op_parallelism_threads=1,  # such small matrices are not worth a second thread
    gpu_options=tf.GPUOptions(allow_growth=True))  # takes GPU memory only as needed


def _test_accuracy(test, sess, x, y, correct_pre):
    """Returns the fraction of all test images that the network recognizes."""
    images = test.images.reshape([-1, n_steps, n_inputs])
    # _init_state requires batches of 128, so the last one is filled up with the first images.
    batches = np.resize(np.arange(len(images)), [math.ceil(len(images) / batch_size), batch_size])
    correct = [sess.run(correct_pre, feed_dict={x: images[batch], y: test.labels[batch]})
               for batch in batches]
    return np.mean(np.ravel(correct)[:len(images)])


def _trained_variables(weights, biases):
    """Returns the default graph's trained variables, keyed by the names they are saved under."""
    names = {variable: variable.op.name.split('/')[-1] for variable in tf.trainable_variables()}
    names.update({variable: f'weights_{key}' for key, variable in weights.items()})
    names.update({variable: f'biases_{key}' for key, variable in biases.items()})
    # Where there are several kernels, each keeps its full name.
    return {name if list(names.values()).count(name) == 1 else variable.op.name: variable
            for variable, name in names.items()}


# %% A replacement for tensorflow.examples.tutorials.mnist.input_data
MIRRORS = ('https://ossci-datasets.s3.amazonaws.com/mnist/',
           'https://storage.googleapis.com/cvdf-datasets/mnist/')  # the second is TensorFlow 1.15's
TIMEOUT = 10  # seconds to wait for each address of a mirror, and for each piece of data
SHA256 = {  # of MNIST's files, unpacked
    'train-images-idx3-ubyte.gz':
        'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
    'train-labels-idx1-ubyte.gz':
        '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
    't10k-images-idx3-ubyte.gz':
        '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
    't10k-labels-idx1-ubyte.gz':
        'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
}
Datasets = namedtuple('Datasets', 'train validation test')


class DataSet:
    """Holds images and labels and returns them in batches, like TensorFlow 1's `DataSet`.

    Attributes:
      images: float32, 0 (black) to 1 (white), `[n, 784]`, or `[n, 28, 28, 1]` if not reshaped.
      labels: float64 `[n, 10]` if one-hot, else uint8 `[n]`.
      num_examples: n.
      epochs_completed: how often `next_batch` has gone through all images.
    """

    def __init__(self, images, labels, rng, one_hot, reshape=True):
        self.images = np.multiply(images, 1 / 255, dtype=np.float32).reshape(
            [-1, 784] if reshape else [-1, 28, 28, 1])
        self.labels = np.eye(n_classes)[labels] if one_hot else labels.copy()
        self.num_examples = len(images)
        self.epochs_completed = 0
        self._rng = rng
        self._order = np.arange(len(images))
        self._unread = self._order[:0]  # the rest of the epoch
        self._epochs_started = 0

    def next_batch(self, batch_size, fake_data=False, shuffle=True):
        """Returns the next images and labels. With `shuffle`, each epoch has a new random order."""
        while self.num_examples and len(self._unread) < batch_size:
            self.epochs_completed = self._epochs_started
            self._epochs_started += 1
            if shuffle:
                self._rng.shuffle(self._order)
            self._unread = np.concatenate([self._unread, self._order])
        batch, self._unread = np.split(self._unread, [batch_size])
        return self.images[batch], self.labels[batch]


def read_data_sets(train_dir, fake_data=False, one_hot=False, *, reshape=True,
                   validation_size=5000, seed=None):
    """Reads MNIST, or other data in its format, from a folder; downloads missing MNIST files.

    Args:
      train_dir: the folder; its files may have any of MNIST's usual names, gzipped or not.
      fake_data: ignored; tutorials set it to False.
      one_hot: whether labels are rows like 0010000000 instead of numbers like 2.
      reshape: whether images are rows of 784 pixels instead of `[28, 28, 1]`.
      validation_size: how many of the first training images are set aside for validation.
      seed: an int that makes the order of batches repeatable, the same as in TensorFlow 1. The
        default is the seed of the default graph, if it has one.

    Returns:
      A `Datasets` of three `DataSet`s.

    Raises:
      ValueError: for a damaged or unsuitable file.
      ConnectionError: if a download fails.
      OSError: if a file cannot be read or saved.
    """
    train_dir = os.path.expanduser(train_dir)
    missing = [name for name in SHA256 if not _find(train_dir, name)]
    if missing:
        for name in [each for each in SHA256 if each not in missing]:
            path = _find(train_dir, name)
            if hashlib.sha256(_read(path)).hexdigest() != SHA256[name]:
                raise ValueError(f'{path}: expected MNIST, got other data; cannot add the missing '
                                 f'{", ".join(missing)} to data that is not MNIST')
        _download(missing, train_dir)
    train = _read_pair(train_dir, 'train')
    test = _read_pair(train_dir, 't10k')
    if not 0 <= validation_size < len(train[0]):
        raise ValueError(f'{train_dir}: cannot set aside validation_size={validation_size} of '
                         f'{len(train[0])} train-images, because 1 or more must be left')
    return _split(train, test, validation_size, seed, one_hot, reshape)


def _split(train, test, size, seed, one_hot, reshape=True):
    """Makes a `Datasets` of (images, labels) pairs; sets `size` training images aside."""
    # tf.set_random_seed counts as well, and all three share one generator, as in TensorFlow 1.
    rng = np.random.RandomState(tf.get_default_graph().seed if seed is None else seed)
    images, labels = train
    return Datasets(DataSet(images[size:], labels[size:], rng, one_hot, reshape),
                    DataSet(images[:size], labels[:size], rng, one_hot, reshape),
                    DataSet(*test, rng, one_hot, reshape))


def _find(folder, name):
    """Returns the path of a file under any of its usual names, or None if it is missing."""
    dotted = name.replace('-idx', '.idx')  # Kaggle's way to write it
    names = [name, name[:-len('.gz')], dotted, dotted[:-len('.gz')]]
    # Kaggle also puts each file in a folder that has the file's name.
    paths = [os.path.join(folder, parent, file) for parent in ['', *names] for file in names]
    return next(filter(os.path.isfile, paths), None)


def _read(path):
    """Returns the contents of a file, unpacked if it is gzipped."""
    try:
        return _unpack(pathlib.Path(path).read_bytes())
    except zlib.error as error:
        raise ValueError(f'{path}: cannot be unpacked: {error}') from None


def _unpack(data):
    """Returns bytes as they are or, if they are gzipped, unpacked. Raises zlib.error."""
    # 31 stands for the gzip format, whose files start with these two bytes.
    return zlib.decompress(data, wbits=31) if data.startswith(b'\x1f\x8b') else data


def _read_pair(folder, part):
    """Returns images, uint8 `[n, 28, 28]`, and labels, uint8 `[n]`; `part` is 'train' or 't10k'."""
    images = _read_idx(_find(folder, f'{part}-images-idx3-ubyte.gz'), [28, 28])
    labels = _read_idx(_find(folder, f'{part}-labels-idx1-ubyte.gz'), [])
    if not len(images) or len(images) != len(labels) or labels.max() >= n_classes:
        raise ValueError(f'{folder}: expected one or more {part}-images and as many {part}-labels '
                         f'from 0 to 9, got {len(images)} images and {len(labels)} labels up to '
                         f'{labels.max(initial=0)}')
    return images, labels


def _read_idx(path, size):
    """Returns the array in a file in MNIST's format (IDX), uint8 `[n, *size]`."""
    data = _read(path)
    shape = [int.from_bytes(data[4:8], 'big'), *size]
    header = np.array([2049 + len(size), *shape], '>u4').tobytes()  # 32-bit numbers, big-endian
    if not data.startswith(header) or len(data) != len(header) + np.prod(shape, dtype=np.int64):
        raise ValueError(f"{path}: expected a whole file in MNIST's format, got {len(data)} bytes "
                         f'that start with {data[:16]}')
    return np.frombuffer(data, np.uint8, offset=len(header)).reshape(shape)


def _download(names, folder):
    """Downloads MNIST files into a folder, trying the mirrors in turn."""
    os.makedirs(folder, exist_ok=True)
    failures = []
    for mirror in MIRRORS:
        for name in [each for each in names if not _find(folder, each)]:
            print(f'Downloading {mirror}{name} ...', file=sys.stderr)
            try:
                with urllib.request.urlopen(mirror + name, timeout=TIMEOUT) as response:
                    data = response.read()
                if hashlib.sha256(_unpack(data)).hexdigest() != SHA256[name]:
                    raise ValueError(f'expected {name}, got another file')
            except (OSError, ValueError, http.client.HTTPException, zlib.error) as error:
                failures.append(f'{mirror}: {" ".join(str(error).split())}')
                break  # on to the next mirror
            part = os.path.join(folder, f'{name}.{os.getpid()}.part')
            pathlib.Path(part).write_bytes(data)
            os.replace(part, os.path.join(folder, name))  # only a complete file gets this name
    if 'CERTIFICATE_VERIFY_FAILED' in str(failures):
        failures.append("set SSL_CERT_FILE to a PEM file with your proxy's CA certificate or, if "
                        'there is no proxy, to the path that `python -m certifi` prints')
    missing = [name for name in names if not _find(folder, name)]
    if missing:
        raise ConnectionError(f'cannot download {", ".join(missing)}; {"; ".join(failures)}; to '
                              'use MNIST, download each file yourself from either address into '
                              f'{folder}')


# %% Generated digits, for when MNIST is not available
GLYPHS = """
.###....#....###...###.....#..#####..###..#####..###...###..
#...#..##...#...#.#...#...##..#.....#.........#.#...#.#...#.
#...#...#.......#.....#..#.#..####..#........#..#...#.#...#.
#...#...#......#....##..#..#......#.####....#....###...####.
#...#...#.....#.......#.#####.....#.#...#...#...#...#.....#.
#...#...#....#....#...#....#..#...#.#...#...#...#...#.....#.
.###...###..#####..###.....#...###...###....#....###...###.."""


def generated_data_sets(one_hot=False, seed=None):
    """Makes a `Datasets` like MNIST's from shifted, dimmed, and noisy copies of ten glyphs."""
    rng = np.random.RandomState(0)  # the same digits on every call; `seed` sets the batch order
    glyphs = np.hsplit(np.array([list(row) for row in GLYPHS.split()]) == '#', 10)  # each [7, 6]
    canvas = np.pad(np.kron(glyphs, np.ones([3, 3], np.uint8)), [(0, 0), (2, 5), (4, 6)],
                    'constant')
    placed = np.array([np.roll(canvas, shift, axis=[1, 2]) for shift in np.ndindex(5, 5)])
    labels = rng.randint(n_classes, size=70000).astype(np.uint8)
    images = placed[rng.randint(len(placed), size=70000), labels].reshape([-1, 784])
    images *= rng.randint(128, 256, [70000, 1]).astype(np.uint8)
    np.maximum(images, rng.randint(16, size=images.shape, dtype=np.uint8), out=images)
    return _split((images[:60000], labels[:60000]), (images[60000:], labels[60000:]), 5000, seed,
                  one_hot)


# %% The command line
def main(argv=None):
    """Runs the script.

    Args:
      argv: a list of command-line options, by default those of the command line.

    Returns:
      The exit status: 0, 1 after an error, or 130 after Ctrl-C.

    Raises:
      SystemExit: for `--help` and for bad options.
    """
    parser = argparse.ArgumentParser('rnn_mnist.py', description='Trains an RNN to read digits.')
    parser.add_argument('--training-iters', type=int, default=training_iters, metavar='N',
                        help="number of images to train on (default: the article's %(default)s)")
    parser.add_argument('--seed', type=int, metavar='S', help='make the run repeatable')
    parser.add_argument('--data', choices=['auto', 'mnist', 'generated'], default='auto',
                        help='data to use; auto (default) is MNIST if available, else generated '
                             'digits')
    parser.add_argument('--data-dir', default='MNIST_data', metavar='DIR',
                        help='MNIST folder (default: %(default)s)')
    parser.add_argument('--save', type=os.path.expanduser, metavar='FILE',
                        help='save the trained variables to this file, in .npz format')
    args = parser.parse_args(argv)
    if args.training_iters < 1 or not 0 <= (args.seed or 0) < 2**32:
        parser.error(f'expected --training-iters of 1 or more and --seed from 0 to {2**32 - 1}')
    try:
        if args.save is not None:
            open(args.save, 'ab').close()  # raises most errors now rather than after training
        mnist, source = _load(args.data, args.data_dir, args.seed)
        start = time.time()
        test_accuracy, trained = train(mnist, args.training_iters, args.seed)
        print(f'test accuracy {test_accuracy:.4f} on {mnist.test.num_examples} {source}, after '
              f'{math.ceil(args.training_iters / batch_size)} steps in {time.time() - start:.0f} s',
              flush=True)
        if args.save is not None:
            try:
                with open(args.save, 'wb') as file:
                    np.savez(file, **trained)
            except OSError as error:
                raise OSError(f'{args.save}: cannot be saved: {error.strerror}') from None
        return 0
    except KeyboardInterrupt:
        print('rnn_mnist.py: stopped', file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader is gone, as in `... | head`
        return 1
    except OSError as error:
        print(f'rnn_mnist.py: error: {error}', file=sys.stderr)
        return 1


def _load(data, folder, seed):
    """Returns the data sets and, for the last line of output, what the test images are."""
    if data != 'generated':
        print(f'Reading MNIST from {folder} ...', file=sys.stderr)
        try:
            return read_data_sets(folder, one_hot=True, seed=seed), 'test images'
        except ValueError as error:
            raise OSError(f'{error}; choose another --data-dir, or move the file or files away, so '
                          'that MNIST is downloaded') from None
        except ConnectionError as error:
            if data == 'mnist':
                raise
            print(f'NOTICE: {error}\nNOTICE: continuing with GENERATED digits; the accuracy on '
                  'them says nothing about MNIST', file=sys.stderr)
    return generated_data_sets(one_hot=True, seed=seed), 'generated digits, not MNIST'


if __name__ == '__main__':
    # In a cell of a notebook or of a console, sys.argv is that of the host.
    is_cell = os.path.basename(sys.argv[0]) != os.path.basename(globals().get('__file__', ''))
    status = main([] if is_cell else None)
    if status:
        try:
            print(end='', flush=True)
        except OSError:  # a full disk or a closed pipe: the flush at exit would fail again
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(status)
