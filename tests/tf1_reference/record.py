"""Writes `record.json`: what the article's listing does under the real TensorFlow 1.15.5.

To make it again, with Python 3.7 and MNIST's four files in MNIST_data, from the top folder:

    python3.7 -m venv tf1 && tf1/bin/pip install tensorflow==1.15.5 numpy==1.18.5 protobuf==3.20.3
    tf1/bin/python tests/tf1_reference/record.py MNIST_data

Then it runs the script, rnn_mnist.py, under the same TensorFlow, and prints how many of its lines
have the listing's accuracies. All in all, ten minutes or so.
"""
import json
import os
import subprocess
import sys

import numpy as np
import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

from given import given, sketch
from listing import listing

HERE = os.path.dirname(os.path.abspath(__file__))
# as in the port; with two threads the sums may be added up in another order
ONE_THREAD = tf.ConfigProto(intra_op_parallelism_threads=1)


def floats(array):
    """A list of floats with the nine digits that tell any two float32 apart."""
    return [float('%.9g' % value) for value in np.ravel(array)]


def record_of_graph(graph):
    operations = graph.get_operations()
    values = {op.name: op.get_attr('value') for op in operations if op.type == 'Const'}
    variables = [op for op in operations if op.type == 'VariableV2']
    return {
        'nodes': ['%s %s' % (op.name, op.type) for op in operations],
        'variables': ['%s %s' % (op.name, op.outputs[0].shape) for op in variables],
        'adam': {name: values['Adam/' + name].float_val[0]
                 for name in ['learning_rate', 'beta1', 'beta2', 'epsilon']},
    }


def record_of_given():
    seen = listing(
        given(), initial=given().initial, training_iters=100 * 128, config=ONE_THREAD)
    return {
        'logits': floats(seen['logits']),
        'gradients': [floats(sketch(gradient)) for gradient in seen['gradients']],
        'costs': floats(seen['costs']),
        'accuracies': floats(seen['accuracies']),
    }


def record_of_mnist(mnist_dir, seed):
    mnist = input_data.read_data_sets(mnist_dir, one_hot='true')
    np.random.seed(seed)
    seen = listing(mnist, seed=seed, config=ONE_THREAD)
    return {
        # from these an op draws the same numbers in every version of TensorFlow
        'op_seeds': [[op.name, op.get_attr('seed'), op.get_attr('seed2')]
                     for op in seen['graph'].get_operations() if op.type.startswith('Random')],
        'initial': [floats(sketch(value)) for value in seen['initial']],
        'accuracies': ['%.4f' % value for value in seen['accuracies']],
    }, seen['graph']


def compare(record, mnist_dir, seed):
    script = os.path.join(HERE, '..', '..', 'rnn_mnist.py')
    lines = subprocess.check_output([
        sys.executable, script, '--seed', seed, '--data', 'mnist', '--data-dir', mnist_dir])
    printed = [line.split()[-1] for line in lines.decode().splitlines()[:-1]]
    listed = record['mnist'][seed]['accuracies']
    print('seed %s: %d of %d lines of rnn_mnist.py are the listing\'s' % (
        seed, sum(one == other for one, other in zip(printed, listed)), len(listed)))


def main(mnist_dir):
    record = {'given': record_of_given(), 'mnist': {}}
    for seed in ['0', '1']:
        record['mnist'][seed], graph = record_of_mnist(mnist_dir, int(seed))
    record.update(record_of_graph(graph))
    with open(os.path.join(HERE, 'record.json'), 'w') as file:
        json.dump(record, file, indent=0, sort_keys=True)
        file.write('\n')
    for seed in ['0', '1']:
        compare(record, mnist_dir, seed)


if __name__ == '__main__':
    main(*sys.argv[1:])
