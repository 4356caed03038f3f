"""Writes `record.json`: what the article's listing and TensorFlow 1.15.5's MNIST loader do.

Then runs the script, `rnn_mnist.py`, under the same TensorFlow, and prints how many of the graph's
operations, the loader's answers, and the printed lines match the record. The README.md in this
folder says how to run this program.
"""
import contextlib
import gzip
import hashlib
import inspect
import json
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile
from unittest import mock

import numpy as np
import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

from given import End, Given, article_names, given, loader_answers, nodes, sketch, write_files

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))


class Seen:
    """Holds what `run_listing` records: the graph and the values that the session computes."""

    def __init__(self):
        self.graph = tf.Graph()
        self.accuracies, self.costs = [], []


def run_listing(seen, mnist=None, seed=None, initial=None, config=None):
    """Runs listing.py as written and records in `seen` what passes through its session.

    Args:
      seen: a `Seen`.
      mnist: the data to use instead of the files; `mnist.train.next_batch` may raise `End`.
      seed: an int for `tf.set_random_seed`, as if the listing began with that call.
      initial: values for the variables, instead of those that `init` draws.
      config: a `tf.ConfigProto` for the session; the listing has none.
    """
    class Session(tf.Session):
        def __init__(self):
            super(Session, self).__init__(config=config)

        def run(self, fetches, feed_dict=None):
            run = super(Session, self).run
            if fetches.name == 'init':
                run(fetches)
                for variable, value in zip(tf.trainable_variables(), initial or []):
                    variable.load(value, self)
                seen.initial = run(tf.trainable_variables())
            elif fetches.name == 'Adam':
                if not seen.costs:
                    gradients = [update.inputs[9] for update in seen.graph.get_operations()
                                 if update.type == 'ApplyAdam']
                    seen.logits, seen.gradients = run(['add_1:0', gradients], feed_dict)
                _, cost = run([fetches, 'Mean:0'], feed_dict)
                seen.costs.append(cost)
            elif fetches.name == 'Mean_1:0':
                seen.accuracies.append(run(fetches, feed_dict))
                return seen.accuracies[-1]
            else:  # from variable.load
                run(fetches, feed_dict)

    with seen.graph.as_default(), mock.patch.object(tf, 'Session', Session):
        tf.set_random_seed(seed)
        loader = mock.patch.object(input_data, 'read_data_sets', lambda *args, **options: mnist)
        with loader if mnist else open(os.devnull):
            try:
                with contextlib.redirect_stdout(sys.stderr):
                    runpy.run_path(os.path.join(HERE, 'listing.py'))
            except End:
                pass


def one_thread():
    """Returns the script's one-thread config; more threads might sum in a different order."""
    return tf.ConfigProto(intra_op_parallelism_threads=1)


def floats(array):
    """Returns floats with nine significant digits, enough to tell any two float32 values apart."""
    return [float('%.9g' % value) for value in np.ravel(array)]


def record_of_graph(graph):
    operations = graph.get_operations()
    values = {op.name: op.get_attr('value') for op in operations if op.type == 'Const'}
    return {
        'nodes': nodes(graph, tf.make_ndarray),
        'variables': ['%s %s' % (op.name, op.outputs[0].shape)
                      for op in operations if op.type == 'VariableV2'],
        'adam': {name: values['Adam/' + name].float_val[0]
                 for name in ['learning_rate', 'beta1', 'beta2', 'epsilon']},
    }


def record_of_loader(read_data_sets):
    with tempfile.TemporaryDirectory() as folder:
        write_files(folder)
        with contextlib.redirect_stdout(sys.stderr):
            return loader_answers(read_data_sets, folder, tf)


def record_of_files():
    """Returns the SHA-256 of MNIST's four files, unpacked, by name."""
    folder = pathlib.Path('MNIST_data')
    return {path.name: hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest()
            for path in sorted(folder.glob('*-ubyte.gz'))}


def record_of_given(steps=100):
    initial, batches = given()
    numbers, next_batch = iter(range(steps)), batches.next_batch

    def limited(batch_size):
        if next(numbers, None) is None:
            raise End
        return next_batch(batch_size)
    batches.next_batch = limited
    seen = Seen()
    run_listing(seen, mnist=Given(initial, batches), initial=initial, config=one_thread())
    return {
        'logits': floats(seen.logits),
        'gradients': [floats(sketch(gradient)) for gradient in seen.gradients],
        'costs': floats(seen.costs),
        'accuracies': floats(seen.accuracies),
    }


def record_of_mnist(seed):
    seen = Seen()
    run_listing(seen, seed=seed, config=one_thread())
    return {
        # From the same op seeds, an operation draws the same numbers in every version.
        'op_seeds': [[op.name, op.get_attr('seed'), op.get_attr('seed2')]
                     for op in seen.graph.get_operations() if op.type.startswith('Random')],
        'initial': [floats(sketch(value)) for value in seen.initial],
        'accuracies': ['%.4f' % value for value in seen.accuracies],
    }, seen.graph


def same(ours, theirs):
    return '%d of %d' % (sum(one == other for one, other in zip(ours, theirs)), len(theirs))


def compare(record):
    """Prints how much of the record the script reproduces."""
    sys.path.insert(0, TOP)
    import rnn_mnist
    graph = article_names(rnn_mnist.train).graph
    print('operations, in order: %s (the script has %d)' % (
        same(nodes(graph, tf.make_ndarray), record['nodes']), len(nodes(graph, tf.make_ndarray))))
    print('loader answers: %s' % same(
        record_of_loader(rnn_mnist.read_data_sets), record['loader']))
    for seed in sorted(record['mnist']):
        lines = subprocess.check_output([
            sys.executable, os.path.join(TOP, 'rnn_mnist.py'), '--data', 'mnist', '--seed', seed])
        printed = [line.split()[-1] for line in lines.decode().splitlines()[:-1]]
        print('lines, seed %s: %s' % (seed, same(printed, record['mnist'][seed]['accuracies'])))


def main():
    record = {'given': record_of_given(), 'mnist': {},
              'loader': record_of_loader(input_data.read_data_sets),
              'sha256': record_of_files(),
              'source_url': inspect.signature(
                  input_data.read_data_sets).parameters['source_url'].default}
    for seed in [0, 1]:
        record['mnist'][str(seed)], graph = record_of_mnist(seed)
    record.update(record_of_graph(graph))
    with open(os.path.join(HERE, 'record.json'), 'w') as file:
        json.dump(record, file, indent=0, sort_keys=True)
        file.write('\n')
    compare(record)


if __name__ == '__main__':
    main()
