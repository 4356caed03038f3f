# /// script
# requires-python = ">=3.10,<3.14"
# dependencies = ["tensorflow>=2.16,<3", "tf-keras>=2.16,<3", "numpy"]
# ///
"""Reads MNIST digits row by row with a recurrent network, as one did in TensorFlow 1.

The article's script, statement by statement, on `tf.compat.v1`: an input projection,
`BasicRNNCell` under `dynamic_rnn`, an output projection, Adam in a `Session`. The names are the
article's. `RNN` stands before the statements that call it; what the article took from a module
that is gone, `tensorflow.examples.tutorials.mnist.input_data`, stands after the lesson.
"""
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
    print('Starting TensorFlow ...', file=sys.stderr)
# all "deprecated": BasicRNNCell, what it calls in TensorFlow 2.4, what 1.15 asks of NumPy
warnings.filterwarnings('ignore', message='.*(rnn_cell|add_variable|1type)')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
if importlib.util.find_spec('tf_keras'):  # the home of BasicRNNCell since TensorFlow 2.16
    os.environ['TF_USE_LEGACY_KERAS'] = '1'
try:
    import numpy as np
    import tensorflow.compat.v1 as tf
    getattr(tf.nn.rnn_cell, 'BasicRNNCell')  # loads Keras, which may be the wrong one
except (AttributeError, ImportError, TypeError) as error:  # TypeError: from too new a protobuf
    message = (f'TensorFlow with BasicRNNCell cannot be imported ({error}); install it with: '
               'python -m pip install tensorflow tf-keras numpy')
    if __name__ != '__main__':
        raise ImportError(message)
    sys.exit(f'rnn_mnist.py: error: {message}')
except KeyboardInterrupt:
    sys.exit(130)
tf.logging.set_verbosity(tf.logging.ERROR)
tf.disable_v2_behavior()  # graphs, sessions and variables as in TensorFlow 1, in the whole process


# ------------------------------------------------------------------------ the article's lesson

lr = 0.001                # learning rate
training_iters = 1000000  # training examples to read, not steps: at 128 a step, 7813 steps
batch_size = 128
n_inputs = 28             # the pixels of a row
n_steps = 28              # the rows of a digit, which the cell reads one after another
n_hidden_units = 128
n_classes = 10

Graph = collections.namedtuple(
    'Graph', 'x y weights biases pre cost train_op correct_pre accuracy init')


def RNN(X, weights, biases):
    """Adds the network to the default graph.

    Args:
      X: float32 `[batch_size, n_steps, n_inputs]`, pixels in [0, 1].
      weights: `'in'`, `[n_inputs, n_hidden_units]`, and `'out'`, `[n_hidden_units, n_classes]`.
      biases: `'in'`, `[n_hidden_units]`, and `'out'`, `[n_classes]`.

    Returns:
      float32 `[batch_size, n_classes]`, the logits.
    """
    # X: [128 batch, 28 steps, 28 inputs] -> [128 * 28, 28 inputs]
    X = tf.reshape(X, [-1, n_inputs])
    # [128 * 28, 128 hidden]; where the article's comments say "256 hidden", it is 128
    X_in = tf.matmul(X, weights['in']) + biases['in']
    # [128 batch, 28 steps, 128 hidden]
    X_in = tf.reshape(X_in, [-1, n_steps, n_hidden_units])

    # h_t = tanh([x_t, h_{t-1}] kernel + bias), kernel [128 + 128, 128]
    RNN_cell = tf.nn.rnn_cell.BasicRNNCell(n_hidden_units)
    # [128 batch, 128 hidden] of zeros: from here on the graph takes batches of batch_size only
    _init_state = RNN_cell.zero_state(batch_size, tf.float32)
    # outputs: all the h_t, [128 batch, 28 steps, 128 hidden]; states: the last, [128, 128 hidden]
    outputs, states = tf.nn.dynamic_rnn(
        RNN_cell, X_in, initial_state=_init_state, time_major=False)

    # [128 batch, 10 classes]
    results = tf.matmul(states, weights['out']) + biases['out']
    return results


def build_graph():
    """Adds the article's graph, from `x` to `init`, to the default graph.

    Under TensorFlow 1.15.5 it is node for node the one that the article's code makes.

    Returns:
      A `Graph`. `x` takes float32 `[batch_size, n_steps, n_inputs]` and `y` float32
      `[batch_size, n_classes]`, one-hot; `correct_pre` is bool `[batch_size]`; `cost` and
      `accuracy` are float32 scalars.
    """
    x = tf.placeholder(tf.float32, [None, n_steps, n_inputs])
    y = tf.placeholder(tf.float32, [None, n_classes])

    weights = {
        'in': tf.Variable(tf.random_normal([n_inputs, n_hidden_units])),
        'out': tf.Variable(tf.random_normal([n_hidden_units, n_classes])),
    }
    biases = {
        'in': tf.Variable(tf.constant(0.1, shape=[n_hidden_units])),
        'out': tf.Variable(tf.constant(0.1, shape=[n_classes])),
    }

    pre = RNN(x, weights, biases)  # [128 batch, 10 classes]
    cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=pre, labels=y))
    train_op = tf.train.AdamOptimizer(lr).minimize(cost)

    correct_pre = tf.equal(tf.argmax(y, 1), tf.argmax(pre, 1))  # [128 batch]
    accuracy = tf.reduce_mean(tf.cast(correct_pre, tf.float32))

    init = tf.initialize_all_variables()
    return Graph(x, y, weights, biases, pre, cost, train_op, correct_pre, accuracy, init)


def train(mnist, training_iters=training_iters, logdir=None):
    """Builds the article's graph in the default graph and trains it, printing as it goes.

    Args:
      mnist: what `read_data_sets` or `generated_data_sets` returns, one-hot.
      training_iters: how many training examples to read; the last step may read past them.
      logdir: a folder in which to log, for TensorBoard, the graph, `accuracy` and `cost` every
        20 steps, and `test_accuracy`.

    Returns:
      The accuracy on all test images when training is done, a float in [0, 1].

    Raises:
      KeyboardInterrupt: on Ctrl-C, saying at which step.
    """
    x, y, weights, biases, pre, cost, train_op, correct_pre, accuracy, init = build_graph()
    config = tf.ConfigProto(
        # One thread to a matrix product: these are too small to share out. It also adds up in
        # the same order every time, so that the same seed prints the same lines.
        intra_op_parallelism_threads=1,
        gpu_options=tf.GPUOptions(allow_growth=True))
    with tf.Session(config=config) as sess:
        writer = tf.summary.FileWriter(logdir, sess.graph) if logdir else None
        sess.run(init)
        step, steps = 0, -(-training_iters // batch_size)  # rounded up
        try:
            while step * batch_size < training_iters:
                batch_xs, batch_ys = mnist.train.next_batch(batch_size)
                batch_xs = batch_xs.reshape([batch_size, n_steps, n_inputs])
                sess.run(train_op, feed_dict={x: batch_xs, y: batch_ys})
                if step % 20 == 0:
                    # on the batch that the step above has just learned from
                    batch = {x: batch_xs, y: batch_ys}
                    batch_accuracy = sess.run(accuracy, feed_dict=batch)
                    print(f'step {step:{len(str(steps))}}/{steps}'
                          f'  batch accuracy {batch_accuracy:.4f}', flush=True)
                    if writer:
                        _log(writer, step, accuracy=batch_accuracy, cost=sess.run(cost, batch))
                step += 1
            test_accuracy = _test_accuracy(mnist.test, sess, x, y, correct_pre)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f'at step {step} of {steps}')
        if writer:
            _log(writer, step, test_accuracy=test_accuracy)
        return test_accuracy


def _test_accuracy(test, sess, x, y, correct_pre):
    """The share of all test images that are recognised, which the article never looks at."""
    correct = []
    for start in range(0, test.num_examples, batch_size):
        # The graph takes batches of batch_size only: the first images fill up the last one, and are
        # not counted again.
        indices = np.arange(start, start + batch_size) % test.num_examples
        batch_xs, batch_ys = test.examples(indices)
        batch_xs = batch_xs.reshape([batch_size, n_steps, n_inputs])
        correct.extend(sess.run(correct_pre, feed_dict={x: batch_xs, y: batch_ys}))
    return np.mean(correct[:test.num_examples])


def _log(writer, step, **scalars):
    """Logs floats for TensorBoard from Python, so that the graph stays the article's."""
    writer.add_summary(tf.Summary(value=[
        tf.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]), step)
    writer.flush()


# ------------------------- in place of tensorflow.examples.tutorials.mnist.input_data, now deleted

MIRRORS = (  # tried in this order; the first is the one that TensorFlow 1.15 used
    'https://storage.googleapis.com/cvdf-datasets/mnist/',
    'https://ossci-datasets.s3.amazonaws.com/mnist/',
)
TIMEOUT = 15  # seconds without an answer after which a mirror is given up
SHA256 = {  # of MNIST's own files: a download has to match, a file of the user's need not
    'train-images-idx3-ubyte.gz':
        '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609',
    'train-labels-idx1-ubyte.gz':
        '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c',
    't10k-images-idx3-ubyte.gz':
        '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6',
    't10k-labels-idx1-ubyte.gz':
        'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6',
}
VALIDATION_SIZE = 5000  # the first of the training images

Datasets = collections.namedtuple('Datasets', 'train validation test')


class DataSet:
    """Images and labels in batches, with the semantics of TensorFlow 1's `DataSet`.

    Args:
      images: uint8 `[num_examples, 784]`; stays so until a batch needs them.
      labels: uint8 `[num_examples]`, from 0 to 9.
      one_hot: whether the labels come as one-hot rows.
      rng: the `numpy.random.RandomState` to shuffle with.
    """

    def __init__(self, images, labels, one_hot, rng):
        self.num_examples = len(images)
        self._images, self._labels, self._one_hot, self._rng = images, labels, one_hot, rng
        self._order = np.arange(self.num_examples)
        self._rest_of_epoch = self._order[:0]

    def examples(self, indices):
        """Returns the examples at these places, int `[n]`, in the unshuffled data set.

        Returns:
          images, float32 `[n, 784]` in [0, 1], and labels, float64 `[n, 10]` if one-hot, else
          uint8 `[n]`; dtypes as in TensorFlow 1.
        """
        images, labels = self._images[indices], self._labels[indices]
        return (np.multiply(images, 1 / 255, dtype=np.float32),
                np.eye(n_classes)[labels] if self._one_hot else labels)

    def next_batch(self, batch_size):
        """Returns the next `batch_size` examples, in the form in which `examples` does.

        The order is shuffled at the start and anew at each epoch's end; a batch that runs past
        the end has the rest of the old epoch, then the start of the new one.
        """
        while len(self._rest_of_epoch) < batch_size:
            self._rng.shuffle(self._order)
            self._rest_of_epoch = np.concatenate([self._rest_of_epoch, self._order])
        batch, self._rest_of_epoch = np.split(self._rest_of_epoch, [batch_size])
        return self.examples(batch)


def read_data_sets(train_dir, one_hot=False, seed=None):
    """Reads MNIST, or whatever is in its format, from a folder; downloads what is missing there.

    Args:
      train_dir: the folder with the four `*-ubyte.gz` files; made if it has to be.
      one_hot: whether the labels come as one-hot rows.
      seed: with it, the batches are those of TensorFlow 1's loader after
        `numpy.random.seed(seed)`.

    Returns:
      `Datasets` of `train`, all but the first 5,000 training images, `validation`, those 5,000,
      and `test`: of MNIST, 55,000, 5,000 and 10,000.

    Raises:
      ValueError: a file is not what it should be; the message is a sentence that says why.
      ConnectionError: a file is missing, and no mirror sends it.
      OSError: the folder for a download cannot be made or written to.
    """
    def read(names):
        return {name: _read_idx(train_dir, name) for name in names}

    # what is there is read first: a bad file is refused whatever becomes of a download
    files = read(name for name in SHA256 if os.path.lexists(os.path.join(train_dir, name)))
    missing = [name for name in SHA256 if name not in files]
    if missing:
        _download(missing, train_dir)
        files.update(read(missing))
    train_images, train_labels, test_images, test_labels = SHA256
    for images, labels, least in [(train_images, train_labels, VALIDATION_SIZE + batch_size),
                                  (test_images, test_labels, 1)]:
        if len(files[labels]) != len(files[images]):
            raise ValueError(f'{os.path.join(train_dir, labels)} has {len(files[labels])} labels '
                             f'for the {len(files[images])} images of {images}')
        if len(files[images]) < least:
            raise ValueError(f'{os.path.join(train_dir, images)} has {len(files[images])} images, '
                             f'where at least {least} are needed')
    return _split(*[files[name] for name in SHA256], one_hot, seed)


def _split(train_images, train_labels, test_images, test_labels, one_hot, seed):
    """`Datasets` of these, the first `VALIDATION_SIZE` of the training images for validation."""
    rng = np.random.RandomState(seed)  # one for all three, as in TensorFlow 1
    return Datasets(
        DataSet(train_images[VALIDATION_SIZE:], train_labels[VALIDATION_SIZE:], one_hot, rng),
        DataSet(train_images[:VALIDATION_SIZE], train_labels[:VALIDATION_SIZE], one_hot, rng),
        DataSet(test_images, test_labels, one_hot, rng))


def _read_idx(folder, name):
    """What is in one of the four files: uint8, images `[n, 784]` or labels `[n]`."""
    path = os.path.join(folder, name)
    magic, size = (2051, [n_steps, n_inputs]) if 'images' in name else (2049, [])
    try:
        with gzip.open(path) as file:
            data = file.read()
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f'{path} cannot be read: {error}')
    # the header: the magic number, n and the size of an image, each 32 bits, big-endian
    header_bytes = 4 * (2 + len(size))
    if len(data) < header_bytes:
        raise ValueError(f'{path} ends within its header')
    found_magic, n, *found_size = np.frombuffer(data[:header_bytes], '>u4').tolist()
    if found_magic != magic:
        raise ValueError(f'{path} is of another kind: it begins with {found_magic}, not {magic}')
    if found_size != size:
        raise ValueError(f'{path} has images of {found_size} pixels, not {size}')
    body = np.frombuffer(data, np.uint8, offset=header_bytes)
    if len(body) != n * int(np.prod(size)):
        raise ValueError(f'{path} has {len(body)} bytes of data, which is not what {n} items take')
    if size:
        return body.reshape([n, n_steps * n_inputs])
    if body.max(initial=0) >= n_classes:
        raise ValueError(f'{path} has a label {body.max()}, where 9 is the highest')
    return body


def _download(names, folder):
    """Puts these of MNIST's files into the folder, each from the first mirror that sends it."""
    os.makedirs(folder, exist_ok=True)
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        for name in names:
            answers = []
            for mirror in MIRRORS:
                # In a folder of its own until it is checked, then moved to its name in one step:
                # neither a crash nor another run at the same time leaves half a file there.
                with tempfile.TemporaryDirectory(prefix='download-', dir=folder) as own:
                    try:
                        with contextlib.redirect_stdout(sys.stderr):
                            path = tf.keras.utils.get_file(
                                name, mirror + name, cache_dir=own, cache_subdir='')
                    except Exception as error:  # get_file raises no narrower class
                        answers.append(f'{mirror}: {error.__context__ or error}')
                        continue
                    with open(path, 'rb') as file:
                        data = file.read()
                    if hashlib.sha256(data).hexdigest() == SHA256[name]:
                        if not os.path.lexists(os.path.join(folder, name)):  # put there meanwhile
                            os.replace(path, os.path.join(folder, name))
                        break
                    answers.append(f'{mirror}: sent {len(data)} bytes that are not this file')
            else:
                raise ConnectionError(
                    f'{folder} has no {", ".join(names)}, and {name} cannot be downloaded: '
                    f'{"; ".join(answers)}')
    finally:
        socket.setdefaulttimeout(timeout)


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
    """Makes digits for want of MNIST: ten glyphs, shifted, dimmed and noised.

    Args:
      one_hot: whether the labels come as one-hot rows.
      seed: for the order of the batches; the digits are the same every time.

    Returns:
      `Datasets` of the sizes and dtypes of MNIST's.
    """
    rng = np.random.RandomState(0)
    glyphs = np.array([list(row) for row in GLYPHS.split()]) == '#'  # [7, 10 * 6]
    glyphs = glyphs.reshape([7, 10, 6]).transpose([1, 0, 2])
    glyphs = glyphs.repeat(3, axis=1).repeat(3, axis=2)  # [10, 21, 18]
    placed = np.array([
        np.pad(glyphs, [(0, 0), (down, 7 - down), (right, 10 - right)], 'constant')
        for down in range(2, 7) for right in range(4, 9)], np.uint8)  # [25, 10, 28, 28]
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
    except KeyboardInterrupt as interrupt:
        print(f'rnn_mnist.py: stopped {str(interrupt) or "before the first step"}', file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read the lines has left: `python rnn_mnist.py | head -3`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(argv):
    parser = argparse.ArgumentParser(
        prog='rnn_mnist.py', description=__doc__.splitlines()[0])
    parser.add_argument('--training-iters', type=int, default=training_iters, metavar='N',
                        help="training examples to read (default: the article's %(default)s)")
    parser.add_argument('--seed', type=int, metavar='S',
                        help='the same seed prints the same lines again')
    parser.add_argument('--data', choices=['auto', 'mnist', 'generated'], default='auto',
                        help='generated digits need no network; auto, the default, turns to them '
                             'where MNIST is neither in the folder nor to be downloaded')
    parser.add_argument('--data-dir', default='MNIST_data', metavar='DIR',
                        help='where MNIST is, or is downloaded to (default: %(default)s)')
    parser.add_argument('--logdir', metavar='DIR', help='log for TensorBoard in this folder')
    args = parser.parse_args(argv)
    if args.training_iters < 1:
        parser.error('argument --training-iters: must be at least 1')
    if args.seed is not None and not 0 <= args.seed < 2**32:
        parser.error(f'argument --seed: must be from 0 to {2**32 - 1}')
    if args.logdir:
        try:
            os.makedirs(args.logdir, exist_ok=True)
            tempfile.TemporaryFile(dir=args.logdir).close()
        except OSError as error:
            parser.error(f'argument --logdir: not a folder to write to: {error}')

    mnist = None
    if args.data != 'generated':
        print(f'Reading MNIST from {args.data_dir} ...', file=sys.stderr)
        try:
            mnist = read_data_sets(args.data_dir, one_hot=True, seed=args.seed)
            digits = f'test images from {args.data_dir}'
        except ValueError as error:
            print(f'rnn_mnist.py: error: {error}; move the file away to have it downloaded again, '
                  'or name another folder with --data-dir', file=sys.stderr)
            return 1
        except ConnectionError as error:
            if args.data == 'mnist':
                print(f'rnn_mnist.py: error: {error}; put the files there yourself, or use '
                      '--data generated', file=sys.stderr)
                return 1
            print(f'NOTICE: {error}\n'
                  'NOTICE: training goes on with GENERATED digits, whose accuracy says nothing of '
                  "MNIST's.\n"
                  f'NOTICE: for MNIST, put those files into {args.data_dir} yourself, from '
                  'either address above.', file=sys.stderr)
        except OSError as error:
            parser.error(f'argument --data-dir: not a folder to download to: {error}')
    if mnist is None:
        print('Generating digits ...', file=sys.stderr)
        mnist = generated_data_sets(one_hot=True, seed=args.seed)
        digits = 'generated digits, not MNIST'

    start = time.time()
    with tf.Graph().as_default():
        tf.set_random_seed(args.seed)
        test_accuracy = train(mnist, args.training_iters, args.logdir)
    print(f'test accuracy {test_accuracy:.4f} on {mnist.test.num_examples} {digits}, after '
          f'{-(-args.training_iters // batch_size)} steps in {time.time() - start:.0f} s')
    return 0


if __name__ == '__main__':
    sys.exit(main())
