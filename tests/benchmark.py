"""Times a training step of the script and of its peers in turn, each program in a new process.

    python tests/benchmark.py [--rounds N] [--tf1 PYTHON] [--torch PYTHON] [--data-dir MNIST_data]

A round takes about half a minute on an idle machine. `--tf1` and `--torch` name Python interpreters
that have TensorFlow 1.15.5 and PyTorch, respectively. Omitting either of these options leaves out
its row. The table gives the median over the rounds, in milliseconds per step, not counting startup
or the first 100 steps. The second row is for the script without its `SESSION_CONFIG`. The last row
is the time for a step's matrix products at NumPy's speed for large matrices. If the `--data-dir`
folder exists and the system is not Windows (which lacks `resource`), one more line gives the memory
used by a run and the time from the end of the import until the run prints its first line.

None of these made the script faster: running operations on 1, 2, 3, or 4 inter-op threads or on the
caller's thread; turning off Grappler's optimizers, one by one or all together; turning off oneDNN;
other allocators; `make_callable`; control flow v2; XLA.
"""
import argparse
import itertools
import json
import os
import runpy
import statistics
import subprocess
import sys
import time
import types

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
STEPS, WARM_UP = 400, 100


def a_step(times):
    return {'ms': 1000 * (times[-1] - times[WARM_UP]) / (len(times) - 1 - WARM_UP)}


class Clocked:
    """Stands in for a data set and records the time of each request for a batch, one per step."""

    def __init__(self, next_batch):
        self.batch, self.times = next_batch, []

    def next_batch(self, batch_size):
        self.times.append(time.perf_counter())
        return self.batch(batch_size)


def script(own_config=True):
    import rnn_mnist
    if not own_config:
        rnn_mnist.SESSION_CONFIG = None
    digits = rnn_mnist.generated_data_sets(one_hot=True, seed=0)
    train = Clocked(digits.train.next_batch)
    rnn_mnist.train(digits._replace(train=train), training_iters=STEPS * 128)
    return a_step(train.times)


def script_with_default_config():
    return script(own_config=False)


def random_digits(batches):
    import numpy as np
    rng = np.random.RandomState(0)
    return (rng.uniform(size=[batches, 128, 28 * 28]).astype('float32'),
            np.eye(10, dtype='float32')[rng.randint(10, size=[batches, 128])])


def listing_on_tensorflow_1():
    from tensorflow.examples.tutorials.mnist import input_data
    batches = itertools.islice(itertools.cycle(zip(*random_digits(50))), STEPS)
    train = Clocked(lambda batch_size: next(batches))
    input_data.read_data_sets = lambda *args, **options: types.SimpleNamespace(train=train)
    try:
        runpy.run_path(os.path.join(HERE, 'tf1_reference', 'listing.py'))
    except StopIteration:  # after the last batch
        return a_step(train.times)


def keras_simple_rnn():
    import keras
    model = keras.Sequential([
        keras.layers.Input([28, 28]), keras.layers.Dense(128), keras.layers.SimpleRNN(128),
        keras.layers.Dense(10)])
    model.compile('adam', keras.losses.CategoricalCrossentropy(from_logits=True))
    times = []
    clock = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: times.append(time.perf_counter()))
    images, labels = random_digits(STEPS)
    model.fit(images.reshape([-1, 28, 28]), labels.reshape([-1, 10]), 128, verbose=0,
              callbacks=[clock])
    return a_step(times)


def pytorch_rnn():
    import torch
    from torch import nn
    project, classify = nn.Linear(28, 128), nn.Linear(128, 10)
    rnn = nn.RNN(128, 128, batch_first=True)
    adam = torch.optim.Adam([*project.parameters(), *rnn.parameters(), *classify.parameters()])
    loss, times = nn.CrossEntropyLoss(), []
    for images, labels in itertools.islice(itertools.cycle(zip(*random_digits(50))), STEPS):
        times.append(time.perf_counter())
        outputs, _ = rnn(project(torch.from_numpy(images.reshape([-1, 28, 28]))))
        adam.zero_grad()
        loss(classify(outputs[:, -1]), torch.from_numpy(labels)).backward()
        adam.step()
    return a_step(times)


def floor():
    """Returns the time for a step's matrix products at NumPy's speed for large matrices."""
    import numpy as np
    a = np.ones([2048, 2048], np.float32)
    times = []
    for _ in range(10):
        start = time.perf_counter()
        a.dot(a)
        times.append(time.perf_counter() - start)
    rate = 2 * 2048**3 / min(times)
    # The cell and the output projection take three matrix products each: one forward and two
    # backward, for the gradients of both factors. The input projection takes only one backward,
    # for the weights, because the images need no gradient.
    flop = 2 * 128 * (3 * 28 * 256 * 128 + 3 * 128 * 10 + 2 * 28 * 28 * 128)
    return {'ms': 1000 * flop / rate}


def memory_and_first_line(data_dir):
    """Returns peak memory after the import and after the run, and the time to the first line."""
    import resource  # not available on Windows
    import rnn_mnist

    def megabytes():
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1 << 20 if sys.platform == 'darwin' else 1 << 10)  # bytes on macOS, else kB
    imported = megabytes()
    start, first = time.perf_counter(), []

    class Stdout:
        def write(self, text):
            first.append(time.perf_counter() - start)

        def flush(self):
            pass
    stdout, sys.stdout = sys.stdout, Stdout()
    rnn_mnist.main(['--data-dir', data_dir, '--training-iters', '100000'])
    sys.stdout = stdout
    return {'MB after import': imported, 'MB at peak': megabytes(),
            'seconds to first line': first[0]}


def measure(python, function, *arguments):
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL='3')
    run = subprocess.run([python, os.path.abspath(__file__), '--peer', function, *arguments],
                         env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         universal_newlines=True)
    if run.returncode:
        sys.exit('{} with {} failed:\n{}'.format(function, python, run.stderr))
    return json.loads(run.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--tf1', metavar='PYTHON')
    parser.add_argument('--torch', metavar='PYTHON')
    parser.add_argument('--data-dir', default='MNIST_data')
    args = parser.parse_args()
    peers = [('the script', sys.executable, 'script'),
             ('the script, default config', sys.executable, 'script_with_default_config'),
             ('the listing on TensorFlow 1.15.5', args.tf1, 'listing_on_tensorflow_1'),
             ('Keras 3 SimpleRNN, model.fit', sys.executable, 'keras_simple_rnn'),
             ('PyTorch nn.RNN', args.torch, 'pytorch_rnn'),
             ("matrix products at NumPy's rate", sys.executable, 'floor')]
    peers = [peer for peer in peers if peer[1]]
    times = {name: [] for name, _, _ in peers}
    for number in range(args.rounds):
        for name, python, function in peers:
            print('\r\033[Kround {} of {}: {}'.format(number + 1, args.rounds, name),
                  end='', file=sys.stderr, flush=True)
            times[name].append(measure(python, function)['ms'])
    print('\r\033[K', end='', file=sys.stderr)
    for name, each in times.items():
        print('{:34} {:6.2f} ms per step ({:.2f} to {:.2f}), {:.2f} times the script\'s'.format(
            name, statistics.median(each), min(each), max(each),
            statistics.median(each) / statistics.median(times['the script'])))
    if os.path.isdir(args.data_dir) and os.name != 'nt':
        print(', '.join('{}: {:.1f}'.format(*item) for item in measure(
            sys.executable, 'memory_and_first_line', args.data_dir).items()))


if __name__ == '__main__':
    if sys.argv[1:2] == ['--peer']:
        print(json.dumps(globals()[sys.argv[2]](*sys.argv[3:])))
    else:
        main()
