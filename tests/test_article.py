"""Tests what the article says, in its order. Where it is wrong, the test's name says what is true.

What the article says of TensorFlow and gets right is tested only if the lesson or the README relies
on it.
"""
from pathlib import Path
import re

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
import pytest
from helpers import SCRIPT, accuracies
from rnn_mnist import tf, train
import rnn_mnist
from tf1_reference.given import article_names, given

BasicRNNCell = tf.nn.rnn_cell.BasicRNNCell
BATCH, TIME, DEPTH, UNITS = 3, 4, 2, 5
SEQUENCES = np.random.RandomState(0).normal(size=[BATCH, TIME, DEPTH]).astype(np.float32)


def run(*tensors):
    """Evaluates tensors in a new session, after initializing the variables."""
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run(tensors)


def dynamic_rnn(cell=None, inputs=SEQUENCES, **parameters):
    """Calls `tf.nn.dynamic_rnn`, by default with a zero state, and always with the same weights."""
    initializer = tf.random_uniform_initializer(-1, 1, seed=0)
    with tf.variable_scope('', initializer=initializer, reuse=tf.AUTO_REUSE):
        return tf.nn.dynamic_rnn(cell or BasicRNNCell(UNITS), tf.convert_to_tensor(inputs),
                                 dtype=tf.float32, **parameters)


@pytest.mark.parametrize('words', [1, 4])
def test_four_words_pass_through_one_layer_four_times_not_through_four_layers(words):
    dynamic_rnn(inputs=SEQUENCES[:, :words])
    kernel, bias = tf.trainable_variables()
    assert kernel.shape == [DEPTH + UNITS, UNITS] and bias.shape == [UNITS]


def test_sequence_length_changes_results_and_not_only_performance():
    (_, full), (_, short) = run(dynamic_rnn(), dynamic_rnn(sequence_length=[2] * BATCH))
    assert np.abs(full - short).max() > 0.1


def test_default_scope_is_rnn_in_lowercase():
    assert dynamic_rnn()[0].op.name.startswith('rnn/')


def test_final_state_of_basic_lstm_cell_is_a_pair_of_cell_state_and_hidden_state():
    outputs, states = run(*dynamic_rnn(tf.nn.rnn_cell.BasicLSTMCell(UNITS)))
    assert states._fields == ('c', 'h') and states.c.shape == (BATCH, UNITS)
    assert_array_equal(states.h, outputs[:, -1])
    assert np.abs(states.c - states.h).max() > 0.01


@pytest.fixture
def rnn(monkeypatch):
    """What `dynamic_rnn` takes and returns, under the article's names, once the graph is built."""
    def spy(cell, inputs, dynamic_rnn=tf.nn.dynamic_rnn, **parameters):
        outputs, states = dynamic_rnn(cell, inputs, **parameters)
        seen.update(X_in=inputs, _init_state=parameters['initial_state'],
                    outputs=outputs, states=states)
        return outputs, states
    seen = {}
    monkeypatch.setattr(tf.nn, 'dynamic_rnn', spy)
    return seen


@pytest.fixture
def article(rnn):
    """The article's names, an initialized session, and a batch to feed."""
    names = article_names(train)
    images, labels = given().train.next_batch(128)
    with names.graph.as_default(), tf.Session() as sess:
        sess.run(names.init)
        yield names, sess, {names.x: images.reshape([-1, 28, 28]), names.y: labels}


def test_first_reshape_has_28_inputs_not_128_or_256_hidden_units():
    graph = article_names(train).graph
    assert graph.get_tensor_by_name('Reshape:0').shape.as_list() == [None, 28]


def test_shapes_in_rnn_have_no_256(rnn):
    names = article_names(train)
    products = [names.graph.get_tensor_by_name(name) for name in ['MatMul:0', 'add:0']]
    assert [tensor.shape.as_list() for tensor in [*products, *rnn.values(), names.pre]] == [
        [None, 128], [None, 128], [None, 28, 128], [128, 128], [128, 28, 128], [128, 128],
        [128, 10]]


def test_both_reshapes_could_be_left_out_today(rnn, article):
    names, sess, batch = article
    without, X_in = sess.run(
        [tf.matmul(names.x, names.weights['in']) + names.biases['in'], rnn['X_in']], batch)
    assert_allclose(without, X_in, rtol=1e-5, atol=1e-5)


def test_each_time_step_takes_one_row_and_remembers_those_before(rnn, article):
    names, sess, batch = article
    outputs, states = sess.run([rnn['outputs'], rnn['states']], batch)
    assert_array_equal(states, outputs[:, -1])
    gradient = sess.run(tf.gradients(rnn['outputs'][:, 3], names.x)[0], batch)  # after four rows
    assert np.flatnonzero(np.abs(gradient).max(axis=(0, 2))).tolist() == [0, 1, 2, 3]


def test_zero_state_fixes_the_batch_size_at_128(article):
    names, sess, _ = article
    sess.run(names.pre, {names.x: np.zeros([128, 28, 28])})
    with pytest.raises(tf.errors.InvalidArgumentError):
        sess.run(names.pre, {names.x: np.zeros([127, 28, 28])})


def test_hyperparameters_are_those_of_the_article():
    names = 'lr training_iters batch_size n_inputs n_steps n_hidden_units n_classes'.split()
    assert [getattr(rnn_mnist, name) for name in names] == [0.001, 1000000, 128, 28, 28, 128, 10]


@pytest.mark.parametrize('one_hot', ['true', 'false'])
def test_one_hot_is_true_for_any_non_empty_string(one_hot, mnist_dir):
    _, labels = rnn_mnist.read_data_sets(str(mnist_dir), one_hot=one_hot).test.next_batch(3)
    assert labels.shape == (3, 10)


def test_toy_program_in_the_lesson_gives_6():
    toy = re.findall(r'^#     (a|b|tf\.Session\(\)\S*)(.*)$', Path(SCRIPT).read_text(), re.M)
    names = {'tf': tf}
    *lines, last = [''.join(line) for line in toy]
    exec('\n'.join(lines), names)
    assert len(lines) == 2 and eval(last, names) == 6


def test_training_iters_counts_images_and_gives_7813_steps_and_391_lines(
        mnist, monkeypatch, capsys):
    # The session computes nothing, so that thousands of steps take no time.
    monkeypatch.setattr(tf.Session, 'run', lambda *args, feed_dict=None: np.zeros([]))
    monkeypatch.setattr(rnn_mnist, '_test_accuracy', lambda *args: 0)
    train(mnist)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 391
    assert lines[0].startswith('step    0/7813 ') and lines[-1].startswith('step 7800/7813 ')


def test_printed_accuracy_is_that_of_the_batch_just_trained_on(mnist, monkeypatch, request, capsys):
    monkeypatch.setattr(rnn_mnist, 'lr', 0.1)  # one training step changes the accuracy by a lot
    names, sess, batch = request.getfixturevalue('article')
    before, _, after = [
        sess.run(fetch, batch) for fetch in [names.accuracy, names.train_op, names.accuracy]]
    train(mnist._replace(train=given().train), training_iters=128, seed=0)
    assert before != after and accuracies(capsys.readouterr().out) == ['{:.4f}'.format(after)]
