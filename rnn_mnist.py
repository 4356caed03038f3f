"""Trains a recurrent network to read handwritten digits row by row, in TensorFlow 1 style.

This is the script from the article "python artificial intelligence tensorflow how to build cyclic
neural network RNN" (shulou.com), ported to current TensorFlow. Read it alongside the article. The
article's code is below, in the section "The lesson": first `lr` to `n_classes`, then `RNN`, then
the rest, in `train`. The import is above that section, the call to `read_data_sets` is in `_load`,
and a later section replaces `input_data`. The article breaks off in its `while` loop; the rest of
the loop follows github.com/MorvanZhou/tutorials, tensorflowTUT/tf20_RNN2.
"""
# /// script
# requires-python = ">=3.9,<3.14"
# dependencies = ["tensorflow>=2.16,<3", "tf-keras>=2.16,<3", "numpy"]
# ///
import argparse
import contextlib
import errno
import gzip
import hashlib
import http.client
import importlib.util
import io
import math
import os
import pathlib
import sys
import threading
import time
import urllib.request
import warnings
import zlib
from collections import namedtuple

if __name__ == '__main__' and sys.stderr:
    print('Starting TensorFlow ...', file=sys.stderr)  # takes a few seconds
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # hides most of TensorFlow's C++ log
if importlib.util.find_spec('tf_keras'):  # home of BasicRNNCell since TensorFlow 2.16
    os.environ['TF_USE_LEGACY_KERAS'] = '1'
try:
    import numpy as np
    import tensorflow.compat.v1 as tf
    tf.nn.rnn_cell.BasicRNNCell  # loads Keras; fails if Keras is the wrong version
except KeyboardInterrupt:
    raise (SystemExit(130) if __name__ == '__main__' else KeyboardInterrupt) from None
except Exception as error:
    reason = ' '.join(f'{type(error).__name__}: {error}'.split())  # on one line
    raise (SystemExit if __name__ == '__main__' else ImportError)(
        f'rnn_mnist.py: error: cannot import TensorFlow with BasicRNNCell: {reason}; if a package '
        'is missing, install it under Python 3.9 to 3.13 with `python -m pip install tensorflow '
        'tf-keras numpy`; in a notebook that has used Keras 3, restart the kernel') from None
tf.logging.set_verbosity(tf.logging.ERROR)
warnings.filterwarnings('ignore', r'`tf\.nn\.rnn_cell\.\w+` is deprecated')
tf.disable_v2_behavior()  # variables and loops are built as in TensorFlow 1

# %% The lesson
# A TensorFlow 1 program has two phases. The first builds a graph: x, pre, cost, and so on stand for
# arrays that do not exist yet, and nothing is computed. The second runs parts of the graph in a
# session: sess.run(what, feed_dict) computes `what` from the variables and any arrays fed for x and
# y. Only init and train_op change the variables. Shapes are written like [128 batch, 10 classes].

lr = 0.001                # learning rate: roughly how far a training step may move each weight
training_iters = 1000000  # training examples to read: about 18 epochs (passes over the data)
batch_size = 128          # digits per training step
n_inputs = 28             # pixels per row
n_steps = 28              # rows per digit, read one per time step
n_hidden_units = 128      # neurons: size of the cell's state (its memory) and of its input
n_classes = 10            # the digits 0 to 9


def RNN(X, weights, biases):
    """Adds the network to the graph; returns the class scores. `train` creates the arguments."""
    # X: [128 batch, 28 steps, 28 inputs]. All rows are stacked for one matrix product. (In
    # the article, every shape with "256 hidden" is wrong, and so is the first with "128 hidden".)
    X = tf.reshape(X, [-1, n_inputs])  # [128 batch * 28 steps, 28 inputs]
    # Each row of 28 pixels is projected, with learned weights, to 128 numbers, the cell's input.
    # (This is the article's choice. The cell could read the pixels directly instead.)
    X_in = tf.matmul(X, weights['in']) + biases['in']  # [128 batch * 28 steps, 128 hidden]
    X_in = tf.reshape(X_in, [-1, n_steps, n_hidden_units])  # [128 batch, 28 steps, 128 hidden]

    # dynamic_rnn, below, adds this loop to the graph. The loop's body, the cell, runs 28 times:
    #     state = zeros
    #     for t in range(n_steps):
    #         state = tanh(X_in[:, t] @ W + state @ U + bias)  # X_in[:, t]: row t, projected
    # So the article's "four hidden layers" are one layer, used once per word. The article's "W1" is
    # U. In the pseudocode, `rnn` is RNN_cell, `word` is X_in[:, t], and `output` and `hidden_state`
    # are both the new state. dynamic_rnn creates the cell's variables: `bias`, initially zeros, and
    # `kernel` (W stacked on U, [128 input + 128 state, 128 hidden]), initially small random values.
    RNN_cell = tf.nn.rnn_cell.BasicRNNCell(n_hidden_units)  # its activation is tanh by default
    # The initial state is all zeros. Its shape fixes the batch size at 128.
    _init_state = RNN_cell.zero_state(batch_size, tf.float32)  # [128 batch, 128 hidden]
    # outputs: [128 batch, 28 steps, 128 hidden], the state after each row; not needed
    # states:  [128 batch, 128 hidden], the state after the last row, equal to outputs[:, -1]
    outputs, states = tf.nn.dynamic_rnn(RNN_cell, X_in, initial_state=_init_state, time_major=False)

    # This is the pseudocode's `ff`. The ten scores for each image are also called logits.
    results = tf.matmul(states, weights['out']) + biases['out']  # [128 batch, 10 classes]
    return results


def train(mnist, training_iters=training_iters, seed=None, logdir=None):
    """Builds the article's graph, trains the network, and tests it.

    `mnist` is what `read_data_sets` or `generated_data_sets` returns with `one_hot=True`: labeled
    grayscale images of 784 (28 x 28) pixels, 55,000 for training and 10,000 for testing. (Another
    5,000, for validation, are not used.) Training reads `training_iters` examples, plus up to 127
    to fill the last batch. If `seed` is an int, the initial weights are repeatable. If `logdir` is
    given, a TensorBoard log is written there. Returns the test accuracy (0 to 1) and a dict of the
    trained variables as float32 arrays. Raises tf.errors.OpError if the log cannot be written.
    """
    # The first phase builds a graph, here a new one. (The article uses TensorFlow's default graph.)
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(seed)  # makes the initial weights repeatable, given a seed
        # Placeholders stand for arrays to be fed. `None`, the article's choice, accepts any batch
        # size, although _init_state fixes it at 128.
        x = tf.placeholder(tf.float32, [None, n_steps, n_inputs])  # pixels: 0 (black) to 1 (white)
        y = tf.placeholder(tf.float32, [None, n_classes])  # one-hot: correct class = 1, others = 0

        # In a session, variables keep their values from one run to the next. Training changes them.
        # The weights start as random numbers with mean 0 and standard deviation 1.
        weights = {'in': tf.Variable(tf.random_normal([n_inputs, n_hidden_units])),
                   'out': tf.Variable(tf.random_normal([n_hidden_units, n_classes]))}
        biases = {'in': tf.Variable(tf.constant(0.1, shape=[n_hidden_units])),
                  'out': tf.Variable(tf.constant(0.1, shape=[n_classes]))}

        pre = RNN(x, weights, biases)  # [128 batch, 10 classes]
        # Softmax turns the scores into probabilities. A digit's cross-entropy is -log(p), where p
        # is the probability of the correct class. The cost, one number, is the mean over the batch.
        cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=pre, labels=y))
        # `minimize` adds a training step to the graph. When run, the step finds the gradients: how
        # the cost changes with each number in the six variables (four above, two in the cell). W,
        # U, bias, and the "in" variables are used for every row, so their gradients are summed over
        # all 28 rows. Then Adam, a kind of gradient descent, moves each number, rarely by more than
        # about lr, to lower the cost.
        train_op = tf.train.AdamOptimizer(lr).minimize(cost)

        # Does the correct class have the highest score? Axis 1 runs over the classes.
        correct_pre = tf.equal(tf.argmax(y, 1), tf.argmax(pre, 1))  # [128 batch], true or false
        accuracy = tf.reduce_mean(tf.cast(correct_pre, tf.float32))  # fraction true; 0.1 by chance

        init = tf.initialize_all_variables()  # when run, gives all variables their initial values

    # The second phase runs in a session. (SESSION_CONFIG, below, sets thread and memory options.)
    with tf.Session(graph=graph, config=SESSION_CONFIG) as sess:
        sess.run(init)
        log = _open_log(logdir, graph)  # not in the article; log does nothing without a logdir
        step = 0
        while step * batch_size < training_iters:  # the article breaks off before `<`
            # Each epoch uses every training digit once, in a new random order. A batch is the next
            # 128 digits, even if they span two epochs.
            batch_xs, batch_ys = mnist.train.next_batch(batch_size)  # [128, 784 pixels], [128, 10]
            batch_xs = batch_xs.reshape([batch_size, n_steps, n_inputs])
            # One training step changes the six variables to lower the cost of this batch.
            sess.run(train_op, feed_dict={x: batch_xs, y: batch_ys})
            if step % 20 == 0:
                # This run comes after the training step, even at step 0. It changes no variable.
                batch_accuracy, batch_cost = sess.run(
                    [accuracy, cost], feed_dict={x: batch_xs, y: batch_ys})  # cost: for the log
                print(f'step {step:4}/{math.ceil(training_iters / batch_size)}'
                      f'  batch accuracy {batch_accuracy:.4f}', flush=True)
                log(step, accuracy=batch_accuracy, cost=batch_cost)
            step += 1

        # The article's program would end here. The batch accuracy flatters the network, which was
        # just trained on that batch. The 10,000 test digits are new to the network. _init_state
        # requires batches of 128, so the last one is padded, and the padding is not counted.
        test_accuracy = _test_accuracy(mnist.test, sess, x, y, correct_pre)
        log(step, test_accuracy=test_accuracy)
        return test_accuracy, sess.run(_trained_variables(weights, biases))  # all six variables


# %% Helpers for the lesson
SESSION_CONFIG = tf.ConfigProto(
    intra_op_parallelism_threads=1,  # suits small matrices and makes a seeded run repeatable
    gpu_options=tf.GPUOptions(allow_growth=True))  # takes GPU memory only as needed


def _test_accuracy(test, sess, x, y, correct_pre):
    """Returns the fraction of all test images that the network recognizes."""
    n, images = test.num_examples, test.images.reshape([-1, n_steps, n_inputs])
    batches = np.resize(np.arange(n), [math.ceil(n / batch_size), batch_size])  # pads the last one
    correct = [sess.run(correct_pre, feed_dict={x: images[batch], y: test.labels[batch]})
               for batch in batches]
    return np.mean(np.ravel(correct)[:n])


def _trained_variables(weights, biases):
    """Returns the default graph's trained variables, keyed by the names they are saved under."""
    names = {variable: f'weights_{key}' for key, variable in weights.items()}
    names.update({variable: f'biases_{key}' for key, variable in biases.items()})
    return {names.get(variable, variable.op.name.replace('rnn/basic_rnn_cell/', '')): variable
            for variable in tf.trainable_variables()}


def _open_log(logdir, graph):
    """Writes the graph to a log in `logdir`, if given; returns a function that logs scalars."""
    if not logdir:
        return lambda step, **scalars: None
    logdir = os.path.expanduser(logdir)
    tf.gfile.MakeDirs(logdir)
    # tf.summary.FileWriter is not used: its thread prints a traceback if the disk is full.
    file = tf.io.TFRecordWriter(os.path.join(logdir, f'events.out.tfevents.{time.time():.6f}'))
    file.write(tf.Event(graph_def=graph.as_graph_def().SerializeToString()).SerializeToString())

    def log(step, **scalars):
        summary = tf.Summary(value=[{'tag': k, 'simple_value': v} for k, v in scalars.items()])
        file.write(tf.Event(wall_time=time.time(), step=step, summary=summary).SerializeToString())
        file.flush()
    return log


# %% A replacement for tensorflow.examples.tutorials.mnist.input_data
MIRRORS = ('https://ossci-datasets.s3.amazonaws.com/mnist/',
           'https://storage.googleapis.com/cvdf-datasets/mnist/')  # the second is TensorFlow 1.15's
TIMEOUT = 3  # seconds per connection attempt (a mirror has up to eight IP addresses) and per read
SHA256 = {name + '-ubyte.gz': sha256 for name, sha256 in [  # of MNIST's own files, unpacked
    ('train-images-idx3', 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db'),
    ('train-labels-idx1', '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5'),
    ('t10k-images-idx3', '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7'),
    ('t10k-labels-idx1', 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2')]}
Datasets = namedtuple('Datasets', 'train validation test')


class DataSet:
    """Holds images and labels and returns them in batches, like TensorFlow 1's `DataSet`.

    The attribute `images` is float32 (0 to 1) `[n, 784]`, or `[n, 28, 28, 1]` if `reshape=False`.
    The attribute `labels` is float64 `[n, 10]` if one-hot, else uint8 `[n]`. n is `num_examples`.
    """

    def __init__(self, images, labels, rng, one_hot, reshape=True):
        images = images.reshape([-1, 784] if reshape else [-1, 28, 28, 1])
        self.images = np.multiply(images, 1 / 255, dtype=np.float32)
        self.labels = np.eye(n_classes)[labels] if one_hot else labels.copy()
        self.num_examples, self.epochs_completed = len(images), 0
        self._rng, self._order = rng, np.arange(len(images))
        self._unread, self._started = self._order[:0], False  # _unread is the rest of the epoch

    def next_batch(self, batch_size, fake_data=False, shuffle=True):
        """Returns the next images and labels. With `shuffle`, each epoch has a new random order."""
        while self.num_examples and len(self._unread) < batch_size:
            self.epochs_completed += self._started
            self._started = True
            if shuffle:
                self._rng.shuffle(self._order)
            self._unread = np.concatenate([self._unread, self._order])
        batch, self._unread = np.split(self._unread, [batch_size])
        return self.images[batch], self.labels[batch]


def read_data_sets(train_dir, fake_data=False, one_hot=False, *, reshape=True,
                   validation_size=5000, seed=None):
    """Reads MNIST, or other data in its format, from a folder; downloads missing MNIST files.

    The first `validation_size` training images are set aside for validation. With a `seed`, batches
    come in the same order as in TensorFlow 1 after `tf.set_random_seed(seed)`. `fake_data`, which
    tutorials set to False, is ignored. Returns a `Datasets`. Raises ValueError for an unreadable or
    invalid file, ConnectionError if a download fails, or another OSError if a file cannot be saved.
    """
    train_dir = os.path.expanduser(train_dir)
    missing = [name for name in SHA256 if not _find(train_dir, name)]
    if missing:
        for path, name in [(_find(train_dir, name), name) for name in SHA256]:
            if path and _read_idx(path)[1] != SHA256[name]:
                raise ValueError(f'{path}: expected MNIST, got other data; cannot add the '
                                 f'missing {", ".join(missing)} to data that is not MNIST')
        _download(missing, train_dir)
    paths = [_find(train_dir, name) for name in SHA256]
    arrays = [_read_idx(path)[0] for path in paths]
    for i, least, images, labels in [(0, validation_size + 1, *arrays[:2]), (2, 1, *arrays[2:])]:
        if not 0 < least <= len(images) == len(labels) or labels.max() >= n_classes:
            raise ValueError(f'{paths[i]}, {paths[i + 1]}: expected {least} or more images and as '
                             f'many labels from 0 to 9, got {len(images)} images and '
                             f'{len(labels)} labels up to {labels.max(initial=0)}')
    return _split(*arrays, validation_size, seed, one_hot, reshape)


def _split(train_images, train_labels, test_images, test_labels, size, seed, *options):
    """Returns a `Datasets` of these arrays; the first `size` training images are for validation."""
    rng = np.random.RandomState(seed)  # shared by all three, as in TensorFlow 1
    return Datasets(DataSet(train_images[size:], train_labels[size:], rng, *options),
                    DataSet(train_images[:size], train_labels[:size], rng, *options),
                    DataSet(test_images, test_labels, rng, *options))


def _find(folder, name):
    """Returns the path of a file under any of its usual names, or None if it is missing."""
    names = [name.replace('-idx', dash + 'idx')[:end] for dash in '-.' for end in [None, -3]]
    # Kaggle puts each file in a folder that also has one of these names.
    paths = [os.path.join(folder, parent, name) for parent in ['', *names] for name in names]
    return next((path for path in paths if os.path.lexists(path) and not os.path.isdir(path)), None)


def _read_idx(path):
    """Returns the array in an IDX file, gzipped or not, and the unpacked file's SHA-256."""
    try:
        data = pathlib.Path(path).read_bytes()
        data = gzip.decompress(data) if data.startswith(b'\x1f\x8b') else data
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f'{path}: cannot be read: {error}') from None
    magic, size = (2051, [28, 28]) if 'images' in os.path.basename(path) else (2049, [])
    start = 8 + 4 * len(size)  # magic, count, and size come first, 32 bits per number, big-endian
    header = np.frombuffer(data[:start].ljust(start, b'\0'), '>u4').tolist()
    shape = [header[1], *size]
    if header != [magic, *shape] or len(data) != start + np.prod(shape):
        raise ValueError(f'{path}: expected header {[magic, *shape]} plus {np.prod(shape)} bytes, '
                         f'got header {header} plus {max(len(data) - start, 0)} bytes')
    return np.frombuffer(data[start:], np.uint8).reshape(shape), hashlib.sha256(data).hexdigest()


def _download(names, folder):
    """Downloads MNIST files into a folder, trying the mirrors in turn."""
    os.makedirs(folder, exist_ok=True)
    if not os.access(folder, os.W_OK):  # checked before a download rather than after it
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)
    failures = ''
    for mirror in MIRRORS:
        for name in [name for name in names if not _find(folder, name)]:
            print(f'Downloading {mirror}{name} ...', file=sys.stderr)
            try:
                with urllib.request.urlopen(mirror + name, timeout=TIMEOUT) as response:
                    data = response.read()
                if hashlib.sha256(gzip.decompress(data)).hexdigest() != SHA256[name]:
                    raise ConnectionError(f'expected {name}, got another file')
            except (EOFError, OSError, ValueError, http.client.HTTPException, zlib.error) as error:
                failures += f'; {mirror}: {error}'
                break  # on to the next mirror
            if _find(folder, name):  # another run or thread has put it there in the meantime
                continue
            # Each run and thread writes its own .part file, which is renamed once it is complete.
            part = os.path.join(folder, f'{name}.{os.getpid()}-{threading.get_ident()}.part')
            try:
                pathlib.Path(part).write_bytes(data)
                os.replace(part, os.path.join(folder, name))
            finally:
                if os.path.exists(part):  # for example, if the disk is full
                    os.remove(part)
    if 'CERTIFICATE_VERIFY_FAILED' in failures:
        failures += ("; set SSL_CERT_FILE to your proxy's CA file or to the path that `python -m "
                     'certifi` prints, and try again')
    missing = [name for name in names if not _find(folder, name)]
    if missing:
        raise ConnectionError(f'cannot download {", ".join(missing)}{failures}; to use MNIST, '
                              f'download each file yourself from either address into {folder}')


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
    canvas = np.pad(np.kron(glyphs, np.ones([3, 3], np.uint8)), [(0, 0), (2, 5), (4, 6)])
    placed = np.array([np.roll(canvas, shift, axis=[1, 2]) for shift in np.ndindex(5, 5)])
    labels = rng.randint(n_classes, size=70000).astype(np.uint8)
    images = placed[rng.randint(len(placed), size=70000), labels].reshape([-1, 784])
    images *= rng.randint(128, 256, [70000, 1]).astype(np.uint8)
    np.maximum(images, rng.randint(16, size=images.shape, dtype=np.uint8), out=images)
    return _split(images[:60000], labels[:60000], images[60000:], labels[60000:], 5000, seed,
                  one_hot)


# %% The command line
def main(argv=None):
    """Runs the script; returns its exit status. Bad options and --help raise SystemExit."""
    parser = argparse.ArgumentParser('rnn_mnist.py', description='Trains an RNN to read digits.')
    add = parser.add_argument
    add('--training-iters', type=int, default=training_iters, metavar='N',
        help="number of training examples to read (default: the article's %(default)s)")
    add('--seed', type=int, metavar='S', help='make the run repeatable')
    add('--data', choices=['auto', 'mnist', 'generated'], default='auto',
        help='data to use; auto (default) is MNIST if available, else generated digits')
    add('--data-dir', metavar='DIR', help='MNIST folder (default: MNIST_data)')
    add('--logdir', metavar='DIR', help='write a TensorBoard log to this folder')
    add('--save', type=os.path.expanduser, metavar='FILE',
        help='save the trained variables to this file, in .npz format')
    args = parser.parse_args(argv)
    if args.training_iters < 1:
        parser.error('argument --training-iters: expected 1 or more')
    if args.seed is not None and not 0 <= args.seed < 2**32:
        parser.error(f'argument --seed: expected 0 to {2**32 - 1}')
    try:
        if args.save is not None:
            is_new = not os.path.exists(args.save)
            open(args.save, 'ab').close()  # raises most errors now rather than after training
            if is_new:
                os.remove(os.path.realpath(args.save))
        mnist, source = _load(args.data, args.data_dir, args.seed)
        start, steps = time.time(), math.ceil(args.training_iters / batch_size)
        test_accuracy, trained = train(mnist, args.training_iters, args.seed, args.logdir)
        result = (f'test accuracy {test_accuracy:.4f} on {mnist.test.num_examples} {source}, after '
                  f'{steps} steps in {time.time() - start:.0f} s')
        encoding = getattr(sys.stdout, 'encoding', None) or 'ascii'  # some paths cannot be encoded
        print(result.encode(encoding, 'backslashreplace').decode(encoding), flush=True)
        if args.save is not None:
            saved = io.BytesIO()  # np.savez needs a file position, which /dev/null does not keep
            np.savez(saved, **trained)
            try:
                pathlib.Path(args.save).write_bytes(saved.getvalue())
            except OSError as error:
                raise OSError(f'{args.save}: cannot be saved: {error.strerror}') from None
        return 0
    except KeyboardInterrupt:
        print('rnn_mnist.py: stopped', file=sys.stderr)
        return 130
    except (OSError, tf.errors.OpError) as error:
        if getattr(error, 'op', None):  # a failed operation needs a traceback; a log error does not
            raise
        if not isinstance(error, BrokenPipeError):  # silent if the reader is gone (`... | head`)
            print(f'rnn_mnist.py: error: {error}', file=sys.stderr)
        return 1


def _load(data, data_dir, seed):
    """Returns the data sets and, for the last line of output, a description of the test images."""
    folder = data_dir or 'MNIST_data'
    if data != 'generated':
        print(f'Reading MNIST from {folder} ...', file=sys.stderr)
        try:
            return read_data_sets(folder, one_hot=True, seed=seed), f'test images from {folder}'
        except ValueError as error:
            raise OSError(f'{error}; move or delete the file or files named at the start, so that '
                          'MNIST is downloaded, or choose another --data-dir') from None
        except OSError as error:
            unwritable = data_dir is None and error.errno in [errno.EACCES, errno.EROFS]
            if data == 'mnist' or not (unwritable or isinstance(error, ConnectionError)):
                raise OSError(f'{folder}: {error.strerror or error}') from None
            print(f'NOTICE: {error}\nNOTICE: continuing with GENERATED digits; the accuracy on '
                  'them says nothing about MNIST', file=sys.stderr)
    print('Generating digits ...', file=sys.stderr)
    return generated_data_sets(one_hot=True, seed=seed), 'generated digits, not MNIST'


if __name__ == '__main__':
    with contextlib.redirect_stderr(sys.stderr or open(os.devnull, 'w')):  # None means closed
        # If a notebook runs this file cell by cell, sys.argv holds the kernel's arguments.
        status = main([] if sys.argv[0].endswith(('kernel_launcher.py', '__main__.py')) else None)
    if status:
        try:
            print(end='', flush=True)
        except OSError:  # a full disk or a closed pipe: the flush at exit would fail again
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(status)
