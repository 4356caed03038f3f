"""Compares the script with a record of what the article's code does under TensorFlow 1.15.5."""
import gzip
import hashlib
import json
import os
from pathlib import Path
import re

import numpy as np
from numpy.testing import assert_allclose
import pytest
from helpers import TOP, accuracies
from rnn_mnist import MIRRORS, SHA256, batch_size, read_data_sets, tf, train
from tf1_reference.given import article_names, given, loader_answers, nodes, sketch, write_files

MNIST_DATA = Path(TOP, 'MNIST_data')
with open(os.path.join(TOP, 'tests', 'tf1_reference', 'record.json')) as file:
    RECORD = json.load(file)
LINES = 30  # compared on MNIST; with a higher number, pytest shows where the runs diverge


def wiring(nodes):
    """Returns the operations outside the gradients, in a form that is the same in every version.

    Constants appear as their values, because their names vary. AddV2 appears as Add, its older
    version. The TensorArray size, which newer versions of TensorFlow do not compute, appears as
    strided_slice_1, the number of time steps.
    """
    lines = [line.split(' ', 2) for line in nodes]
    inputs_as = {name + ':0': rest[0] for name, kind, *rest in lines if kind == 'Const'}
    inputs_as['rnn/TensorArrayStack/TensorArraySizeV3:0'] = 'rnn/strided_slice_1:0'
    return sorted(
        ' '.join([name, kind.replace('AddV2', 'Add')] + [
            inputs_as.get(tensor, tensor) for tensor in ' '.join(rest).split()])
        for name, kind, *rest in lines
        if kind not in ['Const', 'TensorArraySizeV3'] and not name.startswith('gradients/'))


def start_from(values, monkeypatch):
    """Makes `init` assign these values to the variables."""
    def initialize_all_variables(initialize=tf.initialize_all_variables):
        with tf.control_dependencies([initialize()]):
            return tf.group(*map(tf.assign, tf.trainable_variables(), values))
    monkeypatch.setattr(tf, 'initialize_all_variables', initialize_all_variables)


def test_graph_outside_the_gradients_is_wired_as_in_tensorflow_1():
    graph = article_names(train).graph
    ours, theirs = wiring(nodes(graph, tf.make_ndarray)), wiring(RECORD['nodes'])
    assert len(theirs) > 100 and ours == theirs


def test_variables_and_adam_parameters_are_those_of_tensorflow_1():
    graph = article_names(train).graph
    assert RECORD['variables'] == ['{} {}'.format(op.name, op.outputs[0].shape)
                                   for op in graph.get_operations() if op.type == 'VariableV2']
    for name, value in RECORD['adam'].items():
        constant = graph.get_operation_by_name('Adam/' + name)
        assert constant.get_attr('value').float_val == [np.float32(value)]


def test_logits_gradients_and_costs_from_given_weights_are_those_of_tensorflow_1(monkeypatch):
    initial, batches = given()
    start_from(initial, monkeypatch)
    names, steps = article_names(train), []
    gradients = [op.inputs[9] for op in names.graph.get_operations() if op.type == 'ApplyAdam']
    with tf.Session(graph=names.graph) as sess:
        sess.run(names.init)
        for _ in RECORD['given']['costs']:
            images, labels = batches.next_batch(batch_size)
            steps.append(sess.run([names.pre, gradients, names.cost, names.train_op], {
                names.x: images.reshape([-1, 28, 28]), names.y: labels}))
    logits, gradients, costs, _ = zip(*steps)
    assert_allclose(logits[0].ravel(), RECORD['given']['logits'], rtol=0, atol=1e-4)
    for gradient, expected in zip(gradients[0], RECORD['given']['gradients']):
        scale = np.abs(expected).max()
        assert_allclose(sketch(gradient) / scale, expected / scale, rtol=0, atol=2e-5)
    assert_allclose(costs, RECORD['given']['costs'], rtol=1e-4)


def test_printed_accuracies_from_given_weights_and_batches_are_those_of_tensorflow_1(
        mnist, monkeypatch, capsys):
    initial, batches = given()
    start_from(initial, monkeypatch)
    train(mnist._replace(train=batches), training_iters=100 * batch_size)
    assert accuracies(capsys.readouterr().out) == [
        '{:.4f}'.format(value) for value in RECORD['given']['accuracies']]


def initial_values(op_seeds):
    """Returns what `init` drew from these op seeds, which give the same numbers in any version."""
    (_, seed, w_in), (_, _, w_out), (_, _, kernel) = op_seeds
    limit = np.sqrt(6 / (256 + 128))  # of the Glorot uniform initializer, as in BasicRNNCell
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(seed)
        return sess.run([
            tf.random_normal([28, 128], seed=w_in), tf.random_normal([128, 10], seed=w_out),
            tf.fill([128], 0.1), tf.fill([10], 0.1),
            tf.random_uniform([256, 128], -limit, limit, seed=kernel), tf.zeros([128])])


def test_loader_answers_are_those_of_tensorflow_1(tmp_path):
    write_files(tmp_path)
    assert loader_answers(read_data_sets, str(tmp_path), tf) == RECORD['loader']


def test_hashes_are_those_of_the_files_that_tensorflow_1_read():
    assert SHA256 == RECORD['sha256']


def test_mirrors_are_the_one_that_the_readme_links_to_and_that_of_tensorflow_1():
    readme = Path(TOP, 'README.md').read_text(encoding='utf-8')
    links = re.findall(r'\((https:\S+)(t(?:rain|10k)\S+\.gz)\)', readme)
    assert sorted(name for _, name in links) == sorted(RECORD['sha256'])
    assert MIRRORS == (*{mirror for mirror, _ in links}, RECORD['source_url'])


def has_mnist():
    """Tells whether MNIST's own files, not those of another data set, are in `MNIST_data`."""
    paths = [MNIST_DATA / name for name in RECORD['sha256']]
    return all(path.is_file() for path in paths) and RECORD['sha256'] == {
        path.name: hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest()
        for path in paths}


@pytest.mark.skipif(not has_mnist(), reason='needs MNIST in MNIST_data/')
@pytest.mark.parametrize('seed', ['0', '1'])
def test_first_lines_on_mnist_are_those_of_tensorflow_1(seed, monkeypatch, capsys):
    record = RECORD['mnist'][seed]
    start_from(initial_values(record['op_seeds']), monkeypatch)
    mnist = read_data_sets(str(MNIST_DATA), one_hot='true', seed=int(seed))
    train(mnist, training_iters=(20 * (LINES - 1) + 1) * batch_size)
    assert accuracies(capsys.readouterr().out) == record['accuracies'][:LINES]
