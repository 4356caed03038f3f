"""Reads handwritten digits row by row with a recurrent network, as one did in TensorFlow 1.

    python rnn_mnist.py                        # trains for two minutes or so; see --help

The script of the article "python artificial intelligence tensorflow how to build cyclic neural
network RNN" (shulou.com), for today's TensorFlow, to be read beside it. The article's

    import tensorflow as tf                    is at the head of the lesson, as compat.v1
    mnist = input_data.read_data_sets(...)     in `_run`, near the end; TensorFlow deleted the
                                               function, which here comes after the lesson
    lr = 0.001 ... n_classes = 10              in the lesson, as is all that follows
    x, y, weights, biases; pre, cost ... init  in `build_graph`
    def RNN                                    before `build_graph`, which calls it
    with tf.Session() as sess, the loop        in `train`

The article breaks off in the middle of its `while`. The rest of the loop is that of the tutorial
which its code follows, github.com/MorvanZhou/tutorials, tensorflowTUT/tf20_RNN2/full_code.py.
"""
# ---------------------------------------------------------------- set-up: skip it on first reading
# /// script
# requires-python = ">=3.10,<3.14"
# dependencies = ["tensorflow>=2.16,<3", "tf-keras>=2.16,<3", "numpy"]
# ///
import argparse
import collections
import contextlib
import gzip
import hashlib
import importlib.util
import os
import socket
import sys
import tempfile
import time
import warnings
import zlib

if __name__ == '__main__':
    print('Starting TensorFlow ...', file=sys.stderr)  # which takes seconds
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # no talk of processors and drivers
warnings.filterwarnings('ignore', '.*is deprecated')  # as all that the article uses is
if importlib.util.find_spec('tf_keras'):  # where TensorFlow has BasicRNNCell since 2.16
    os.environ['TF_USE_LEGACY_KERAS'] = '1'
try:
    import numpy as np
    import tensorflow
    tensorflow.compat.v1.nn.rnn_cell.BasicRNNCell  # loads Keras, which may be the wrong one
except (AttributeError, ImportError, TypeError) as error:  # TypeError: from too new a protobuf
    raise (SystemExit if __name__ == '__main__' else ImportError)(
        f'rnn_mnist.py: error: cannot import TensorFlow with BasicRNNCell ({error}); with Python '
        '3.10 to 3.13, install it: python -m pip install tensorflow tf-keras numpy; in a '
        'notebook, restart the kernel and import rnn_mnist first') from None
except KeyboardInterrupt:
    raise (SystemExit(130) if __name__ == '__main__' else KeyboardInterrupt) from None

# -------------------------------------------------------------------------------------- the lesson
# TensorFlow 1 works in two phases. First a graph is built: x, pre, cost and all the others stand
# for arrays to come, and nothing is computed. Then, in a session, sess.run(what, feed_dict)
# computes what it is asked for, from the arrays fed for x and y and what the variables hold then.
# The shape beside a line is that of what the line makes; each number has its word, since both the
# batch and the hidden units happen to be 128. Trust these shapes, not the article's comments.

import tensorflow.compat.v1 as tf
tf.logging.set_verbosity(tf.logging.ERROR)
tf.disable_v2_behavior()  # without this, TensorFlow 2 has no phases: it computes line by line

lr = 0.001                # learning rate: how far a training step goes
training_iters = 1000000  # training examples to read, not steps: at 128 a step, 7813 steps
batch_size = 128          # digits in a training step
n_inputs = 28             # pixels in a row
n_steps = 28              # rows in a digit, which the network reads one after another
n_hidden_units = 128      # numbers in the cell's state, its memory; also what a row becomes
n_classes = 10            # digits to tell apart, 0 to 9


def RNN(X, weights, biases):
    """Adds the network, from pixels in [0, 1] to scores of the classes, to the graph; float32."""
    # One product for the rows of all digits, which go below each other from [128 batch, 28 steps,
    # 28 inputs]; until TensorFlow 1.14, tf.matmul took no third axis.
    X = tf.reshape(X, [-1, n_inputs])  # [128 batch * 28 steps, 28 inputs]
    # Each row by itself becomes 128 numbers, by learned weights: what the cell is to read.
    X_in = tf.matmul(X, weights['in']) + biases['in']  # [128 batch * 28 steps, 128 hidden]
    X_in = tf.reshape(X_in, [-1, n_steps, n_hidden_units])  # [128 batch, 28 steps, 128 hidden]

    # One cell is used for all the rows: the article's "four layers" are one, used four times. Each
    # time, new_state = tanh(rows @ W + old_state @ U + bias), where rows is X_in[:, step]. W above
    # U is the cell's `kernel`, [128 row + 128 state, 128 hidden], the only 256 here. `kernel` and
    # `bias` are made at the first use, in dynamic_rnn, and trained like `weights` and `biases`.
    RNN_cell = tf.nn.rnn_cell.BasicRNNCell(n_hidden_units)
    # Zeros. They tie the graph to batches of 128, though x would take any number.
    _init_state = RNN_cell.zero_state(batch_size, tf.float32)  # [128 batch, 128 hidden]
    # The loop of the article's pseudo-code; its `word` is a row, its `hidden_state` the state.
    # outputs: [128 batch, 28 steps, 128 hidden], the states after every row; not used further
    # states:  [128 batch, 128 hidden], the state after the last row
    outputs, states = tf.nn.dynamic_rnn(RNN_cell, X_in, initial_state=_init_state, time_major=False)

    # The pseudo-code's `ff`. The scores, called logits, are not probabilities yet.
    results = tf.matmul(states, weights['out']) + biases['out']  # [128 batch, 10 classes]
    return results


def build_graph():
    """Adds the article's graph to the default graph; returns `x` to `init` as a `Model`.

    Under TensorFlow 1.15.5 it is node for node the one that the article's code makes.
    """
    # Placeholders are fed at each run. None leaves the number of digits open; see _init_state.
    x = tf.placeholder(tf.float32, [None, n_steps, n_inputs])  # pixels from 0 to 1
    y = tf.placeholder(tf.float32, [None, n_classes])  # one-hot: 1 at the right digit, else 0

    # Variables keep their values from run to run, until a training step changes them. They get
    # their first values when `init` is run, not here.
    weights = {
        'in': tf.Variable(tf.random_normal([n_inputs, n_hidden_units])),
        'out': tf.Variable(tf.random_normal([n_hidden_units, n_classes])),
    }
    biases = {
        'in': tf.Variable(tf.constant(0.1, shape=[n_hidden_units])),
        'out': tf.Variable(tf.constant(0.1, shape=[n_classes])),
    }

    pre = RNN(x, weights, biases)  # [128 batch, 10 classes]
    # Softmax makes probabilities of the scores; cross-entropy, [128 batch], says how wrong they are
    # for each digit; the mean of that is one number.
    cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=pre, labels=y))
    # A training step, as a part of the graph; this line trains nothing. It finds which way each of
    # the six variables, the cell's two among them, has to go for a lower cost (the gradients), and
    # changes it by Adam's rule, which adds variables of its own to those six.
    train_op = tf.train.AdamOptimizer(lr).minimize(cost)

    # Along axis 1, the classes: is the highest score that of the right digit?
    correct_pre = tf.equal(tf.argmax(y, 1), tf.argmax(pre, 1))  # [128 batch], true or false
    accuracy = tf.reduce_mean(tf.cast(correct_pre, tf.float32))  # the share of true, one number

    # Gives all variables their first values when it is run.
    init = tf.initialize_all_variables()
    return Model(**locals())  # the ten above, by name, from x to init


def train(mnist, training_iters=None, seed=None, logdir=None, save=None):
    """Builds the article's graph and trains it; returns the accuracy on all test images, 0 to 1.

    Args:
      mnist: what `read_data_sets` returns with `one_hot`; TensorFlow 1's own object will do.
      training_iters: examples to read; by default the constant above, as it is at the call.
      seed: an int, for the same initial weights at every call.
      logdir: a folder for TensorBoard: the graph, `accuracy`, `cost` and `test_accuracy`.
      save: a file for the trained network, see `_save`; OSError if it cannot be written to.
    """
    if training_iters is None:
        training_iters = globals()['training_iters']
    if save is not None:
        _check_save(save)
    # The first phase, in a graph of its own: train can be called again and again.
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(seed)
        x, y, weights, biases, pre, cost, train_op, correct_pre, accuracy, init = build_graph()

    # The second phase. The values of the variables live and die with the session.
    with tf.Session(graph=graph, config=SESSION_CONFIG) as sess, \
            _reporting(training_iters, logdir, graph) as report:
        sess.run(init)
        step = 0
        while step * batch_size < training_iters:
            # [128 batch, 784 pixels] and [128 batch, 10 classes], the digits in random order
            batch_xs, batch_ys = mnist.train.next_batch(batch_size)
            batch_xs = batch_xs.reshape([batch_size, n_steps, n_inputs])
            # The training step: computes the cost of this batch, changes the variables to lower it.
            sess.run(train_op, feed_dict={x: batch_xs, y: batch_ys})
            if step % 20 == 0:
                # Computes only, changes nothing: the share of the batch that is right, now that it
                # has been learned from. (The tutorial prints it here; cost is for TensorBoard.)
                batch_accuracy, batch_cost = sess.run(
                    [accuracy, cost], feed_dict={x: batch_xs, y: batch_ys})
                report(step, accuracy=batch_accuracy, cost=batch_cost)
            step += 1

        # The article's script would end here. The test images go through in batches of 128, too.
        test_accuracy = _test_accuracy(mnist.test, sess, x, y, correct_pre)
        report(step, test_accuracy=test_accuracy)
        if save is not None:
            _save(save, sess)
        return test_accuracy


# ---------------------------------------------------------------------- what the lesson stands on
Model = collections.namedtuple(
    'Model', 'x y weights biases pre cost train_op correct_pre accuracy init')

SESSION_CONFIG = tf.ConfigProto(
    # One thread to a matrix product: these are too small to share out. It also adds up in the same
    # order every time, so that the same seed prints the same lines.
    intra_op_parallelism_threads=1,
    gpu_options=tf.GPUOptions(allow_growth=True))  # of a GPU's memory, no more than it needs


@contextlib.contextmanager
def _reporting(training_iters, logdir, graph):
    """Gives a function that prints the accuracy, and logs all it is told if there is a `logdir`."""
    steps = -(-training_iters // batch_size)  # rounded up
    with tf.summary.FileWriter(logdir, graph) if logdir else contextlib.nullcontext() as writer:
        def report(step, **scalars):
            if 'accuracy' in scalars:
                print(f'step {step:{len(str(steps))}}/{steps}'
                      f'  batch accuracy {scalars["accuracy"]:.4f}', flush=True)
            if writer:  # with values of Python's, so that the graph stays the article's
                values = [{'tag': tag, 'simple_value': value} for tag, value in scalars.items()]
                writer.add_summary(tf.Summary(value=values), step)
                writer.flush()
        yield report


def _test_accuracy(test, sess, x, y, correct_pre):
    """The share of all test images that are recognised."""
    images, labels, correct = test.images, test.labels, []
    for start in range(0, test.num_examples, batch_size):
        # The last batch is filled up with the first images, which are not counted again.
        batch = np.arange(start, start + batch_size) % test.num_examples
        batch_xs = images[batch].reshape([batch_size, n_steps, n_inputs])
        correct.extend(sess.run(correct_pre, feed_dict={x: batch_xs, y: labels[batch]}))
    return np.mean(correct[:test.num_examples])


def _check_save(path):
    """Raises OSError where `_save` cannot write."""
    path = os.path.realpath(path)
    if os.path.exists(path) and not (os.path.isfile(path) and os.access(path, os.W_OK)):
        raise OSError(f'{path} is there, and no file to write to')
    tempfile.TemporaryFile(dir=os.path.dirname(path)).close()


def _save(path, sess):
    """Writes the six trained variables, float32, to a file of just this name, for `numpy.load`."""
    names = ['weights_in', 'weights_out', 'biases_in', 'biases_out', 'kernel', 'bias']
    path = os.path.realpath(path)
    with tempfile.TemporaryDirectory(prefix='save-', dir=os.path.dirname(path)) as scratch:
        whole = os.path.join(scratch, 'trained.npz')
        np.savez(whole, **dict(zip(names, sess.run(tf.trainable_variables()))))
        os.replace(whole, path)  # in one step: an older file stays as it is until then


# ------------------------- in place of tensorflow.examples.tutorials.mnist.input_data, now deleted
MIRRORS = ('https://storage.googleapis.com/cvdf-datasets/mnist/',  # TensorFlow 1.15's own
           'https://ossci-datasets.s3.amazonaws.com/mnist/')
TIMEOUT = 10  # seconds without an answer, from each address that a mirror's host has
SHA256 = {  # of MNIST's own files; a download must match, what the user puts there need not
    name + '-ubyte.gz': sha256 for name, sha256 in [
        ('train-images-idx3', '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609'),
        ('train-labels-idx1', '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c'),
        ('t10k-images-idx3', '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6'),
        ('t10k-labels-idx1', 'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6')]}
VALIDATION_SIZE = 5000  # of the training images, the first

Datasets = collections.namedtuple('Datasets', 'train validation test')


class DataSet:
    """Images and labels, whole and in batches, as in TensorFlow 1's `DataSet`.

    `images` is float32 `[num_examples, 784]` in [0, 1], made from uint8 at each access; `labels`,
    in the same order, float64 `[num_examples, 10]` if one-hot, else uint8 `[num_examples]`.
    """

    def __init__(self, images, labels, one_hot, rng):
        self.num_examples = len(images)
        self.labels = np.eye(n_classes)[labels] if one_hot else labels
        self._bytes, self._rng = images, rng
        self._order = np.arange(self.num_examples)
        self._rest_of_epoch = self._order[:0]

    @property
    def images(self):
        return np.multiply(self._bytes, 1 / 255, dtype=np.float32)

    def next_batch(self, batch_size):
        """Returns the next images and labels, shuffled for each epoch; a batch may span two."""
        while len(self._rest_of_epoch) < batch_size:
            self._rng.shuffle(self._order)
            self._rest_of_epoch = np.concatenate([self._rest_of_epoch, self._order])
        batch, self._rest_of_epoch = np.split(self._rest_of_epoch, [batch_size])
        return np.multiply(self._bytes[batch], 1 / 255, dtype=np.float32), self.labels[batch]


def read_data_sets(train_dir, one_hot=False, seed=None):
    """Reads MNIST, or other files in its format, from a folder; downloads those that are missing.

    Returns `Datasets`: `train`, `validation`, the first 5,000 of the training images, and `test`.
    With a `seed`, the order of the batches is TensorFlow 1's after `tf.set_random_seed(seed)`.
    Raises ValueError if a file is not what it should be, ConnectionError if no mirror sends one
    that is missing, OSError if the folder cannot be written to. Not for threads: a download sets
    the time-out of all sockets, and redirects standard output.
    """
    paths = [_find(train_dir, name) for name in SHA256]
    arrays = [_read_idx(path) for path in paths if path]  # a bad file is refused before a download
    if None in paths:
        _download([name for name, path in zip(SHA256, paths) if not path], train_dir)
        return read_data_sets(train_dir, one_hot, seed)
    for i, least in [(0, VALIDATION_SIZE + batch_size), (2, 1)]:
        n_images, n_labels = len(arrays[i]), len(arrays[i + 1])
        if n_images != n_labels or n_images < least:
            raise ValueError(f'{paths[i]} has {n_images} images and {paths[i + 1]} {n_labels} '
                             f'labels; there should be as many, and {least} or more')
    return _split(*arrays, one_hot, seed)


def _split(train_images, train_labels, test_images, test_labels, one_hot, seed):
    """`Datasets` of these, the first `VALIDATION_SIZE` of the training images for validation."""
    rng, size = np.random.RandomState(seed), VALIDATION_SIZE  # one for all, as in TensorFlow 1
    return Datasets(DataSet(train_images[size:], train_labels[size:], one_hot, rng),
                    DataSet(train_images[:size], train_labels[:size], one_hot, rng),
                    DataSet(test_images, test_labels, one_hot, rng))


def _find(folder, name):
    """The path of one of the four files, zipped or, as browsers leave it, not; None if missing."""
    paths = [os.path.join(folder, name), os.path.join(folder, name[:-len('.gz')])]
    return next(filter(os.path.lexists, paths), None)


def _read_idx(path):
    """What is in one of the four files: uint8, images `[n, 784]` or labels `[n]`."""
    try:
        with open(path, 'rb') as file:
            data = file.read()
        if data.startswith(b'\x1f\x8b'):  # gzip's mark; the name may say otherwise
            data = gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f'{path} cannot be read: {error}') from None
    magic, size = (2051, [28, 28]) if 'images' in os.path.basename(path) else (2049, [])
    start = 4 * (2 + len(size))  # magic, n and size come first, each 32 bits, big-endian
    header = np.frombuffer(data[:start].ljust(start, b'\0'), '>u4').tolist()
    body = np.frombuffer(data, np.uint8)[start:]
    n, item = header[1], int(np.prod(size))
    if header != [magic, n, *size]:
        raise ValueError(f'{path} begins with {header}, where {[magic, n, *size]} is due')
    if len(body) != n * item:
        raise ValueError(f'{path} has {len(body)} bytes of data, where {n * item} are due')
    if not size and body.max(initial=0) >= n_classes:
        raise ValueError(f'{path} has a label {body.max()}, where {n_classes - 1} is the highest')
    return body.reshape([n, item]) if size else body


def _download(names, folder):
    """Puts these of MNIST's files into the folder, from the first mirror that sends them."""
    os.makedirs(folder, exist_ok=True)
    answers, timeout = '', socket.getdefaulttimeout()
    # A file is moved from scratch to its name in one step, once it is checked: neither a crash nor
    # another run at the same time leaves half a file.
    with tempfile.TemporaryDirectory(prefix='download-', dir=folder) as scratch:
        for mirror in MIRRORS:
            try:
                socket.setdefaulttimeout(TIMEOUT)
                while names:
                    path = _fetch(mirror, names[0], tempfile.mkdtemp(dir=scratch))
                    if not _find(folder, names[0]):  # else the user has put it there by now
                        os.replace(path, os.path.join(folder, names[0]))
                    names = names[1:]
                return
            except Exception as error:  # get_file raises no narrower class
                answers += f'; {mirror}: {error.__context__ or error}'
            finally:
                socket.setdefaulttimeout(timeout)
    if 'CERTIFICATE_VERIFY_FAILED' in answers:
        answers += "; set SSL_CERT_FILE to what `python -m certifi` prints, or to your proxy's"
    raise ConnectionError(f'{", ".join(names)} cannot be downloaded{answers}; for MNIST, put these '
                          f'files into {folder} yourself, from either address')


def _fetch(mirror, name, folder):
    """Downloads one of MNIST's files into the folder, checks it, and returns its path."""
    with contextlib.redirect_stdout(sys.stderr):
        path = tf.keras.utils.get_file(name, mirror + name, cache_dir=folder, cache_subdir='')
    with open(path, 'rb') as file:
        data = file.read()
    if hashlib.sha256(data).hexdigest() != SHA256[name]:  # get_file of 1.15 does not check it
        raise ConnectionError(f'sent {len(data)} bytes that are not {name}')
    return path


# ------------------------------------------------ in place of MNIST, where there is no network
GLYPHS = """
.###....#....###...###.....#..#####..###..#####..###...###..
#...#..##...#...#.#...#...##..#.....#.........#.#...#.#...#.
#...#...#.......#.....#..#.#..####..#........#..#...#.#...#.
#...#...#......#....##..#..#......#.####....#....###...####.
#...#...#.....#.......#.#####.....#.#...#...#...#...#.....#.
#...#...#....#....#...#....#..#...#.#...#...#...#...#.....#.
.###...###..#####..###.....#...###...###....#....###...###..
"""


def generated_data_sets(one_hot=False, seed=None):
    """Makes `Datasets` of MNIST's sizes and dtypes from ten glyphs, shifted, dimmed and noised."""
    rng = np.random.RandomState(0)  # the same digits at every call; `seed` is for their order
    glyphs = np.array([list(row) for row in GLYPHS.split()]) == '#'  # [7, 10 * 6]
    canvas = np.zeros([10, 28, 28], np.uint8)
    canvas[:, 2:23, 4:22] = np.kron(np.hsplit(glyphs, 10), np.ones([3, 3]))
    placed = np.array([np.roll(canvas, shift, axis=[1, 2]) for shift in np.ndindex(5, 5)])
    labels = rng.randint(n_classes, size=70000).astype(np.uint8)
    images = placed[rng.randint(len(placed), size=70000), labels].reshape([-1, 784])
    images *= rng.randint(128, 256, [70000, 1]).astype(np.uint8)
    np.maximum(images, rng.randint(16, size=images.shape, dtype=np.uint8), out=images)
    return _split(images[:60000], labels[:60000], images[60000:], labels[60000:], one_hot, seed)


# ----------------------------------------------------------------------------- the command line
def main(argv=None):
    """Runs the command line `argv`, by default the process's own; returns the exit status."""
    try:
        return _run(argv)
    except KeyboardInterrupt:
        print('rnn_mnist.py: stopped', file=sys.stderr)
        return 130
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # who reads has left: rnn_mnist.py | head -3
            print(f'rnn_mnist.py: error: {error}', file=sys.stderr)
        return 1


def _run(argv):
    parser = argparse.ArgumentParser(prog='rnn_mnist.py', description=__doc__.splitlines()[0])
    add, path = parser.add_argument, os.path.expanduser
    add('--training-iters', type=int, default=training_iters, metavar='N',
        help="training examples to read (default: the article's %(default)s)")
    add('--seed', type=int, metavar='S', help='the same seed prints the same lines again')
    add('--data', choices=['auto', 'mnist', 'generated'], default='auto',
        help='auto, the default: MNIST if it can be had, else generated digits')
    add('--data-dir', type=path, default='MNIST_data', metavar='DIR',
        help='where MNIST is, or is downloaded to (default: %(default)s)')
    add('--logdir', type=path, metavar='DIR', help='log for TensorBoard in this folder')
    add('--save', type=path, metavar='FILE', help='save the trained network; no .npz is appended')
    args = parser.parse_args(argv)
    if args.training_iters < 1:
        parser.error('argument --training-iters: must be at least 1')
    if args.seed is not None and not 0 <= args.seed < 2**32:
        parser.error(f'argument --seed: must be from 0 to {2**32 - 1}')
    try:
        option = '--logdir'
        if args.logdir is not None:
            os.makedirs(args.logdir, exist_ok=True)
            tempfile.TemporaryFile(dir=args.logdir).close()
        option = '--save'
        if args.save is not None:
            _check_save(args.save)
    except OSError as error:
        parser.error(f'argument {option}: cannot be written to: {error.strerror or error}')

    mnist, source = None, 'generated digits, not MNIST'
    if args.data != 'generated':
        print(f'Reading MNIST from {args.data_dir} ...', file=sys.stderr)
        try:
            mnist = read_data_sets(args.data_dir, one_hot=True, seed=args.seed)
            source = f'test images from {args.data_dir}'
        except ValueError as error:
            parser.exit(1, f'rnn_mnist.py: error: {error}; move the file away to have it '
                           'downloaded again, or name another folder with --data-dir\n')
        except ConnectionError as error:
            if args.data == 'mnist':
                raise
            print(f'NOTICE: {error}\nNOTICE: training goes on with GENERATED digits, whose '
                  "accuracy says nothing of MNIST's", file=sys.stderr)
        except OSError as error:
            parser.error(f'argument --data-dir: not a folder to download to: {error}')
    if mnist is None:
        print('Generating digits ...', file=sys.stderr)
        mnist = generated_data_sets(one_hot=True, seed=args.seed)

    start = time.time()
    test_accuracy = train(mnist, args.training_iters, args.seed, args.logdir, args.save)
    print(f'test accuracy {test_accuracy:.4f} on {mnist.test.num_examples} {source}, after '
          f'{-(-args.training_iters // batch_size)} steps in {time.time() - start:.0f} s',
          flush=True)
    return 0


if __name__ == '__main__':
    if sys.stdout:  # for a folder's name beyond its character set
        sys.stdout.reconfigure(errors='backslashreplace')
    status = main()
    with contextlib.suppress(AttributeError, OSError):  # no stdout, or a broken one
        sys.stdout.close()  # what could not be written shall not be tried again at exit
    sys.exit(status)
