"""Tests `train` as used at a prompt: seeds, constants, experiments, and what it returns."""
import types
from unittest.mock import Mock

import numpy as np
import pytest
from helpers import accuracies, digits_with_numpy
from rnn_mnist import tf, train
import rnn_mnist


def test_train_can_be_called_again_after_an_interrupt_and_leaves_the_default_graph_alone(
        graph, mnist, capsys):
    with pytest.raises(KeyboardInterrupt):
        train(mnist._replace(train=Mock(next_batch=Mock(side_effect=KeyboardInterrupt))))
    train(mnist, training_iters=1)
    assert len(accuracies(capsys.readouterr().out)) == 1 and graph.get_operations() == []


def test_session_uses_one_thread_per_operation_and_takes_gpu_memory_only_as_needed(
        mnist, monkeypatch):
    def Session(graph, config, Session=tf.Session):
        assert config.intra_op_parallelism_threads == 1 and config.gpu_options.allow_growth
        return Session(graph=graph, config=config)
    monkeypatch.setattr(tf, 'Session', Session)
    train(mnist, training_iters=0)


def test_test_accuracy_counts_each_image_once_and_works_with_a_tensorflow_1_data_set(mnist):
    _, trained = train(mnist, training_iters=0, seed=0)
    labels = digits_with_numpy(trained, mnist.test.images)
    labels[:128] += 1  # so that only the two images of the second batch are recognized
    test = types.SimpleNamespace(  # what our `DataSet` and TensorFlow 1's both have
        images=mnist.test.images, labels=np.eye(10)[labels % 10], num_examples=130)
    accuracy, _ = train(types.SimpleNamespace(test=test), training_iters=0, seed=0)
    assert accuracy == 2 / 130


SIX = {'weights_in': (28, 128), 'weights_out': (128, 10), 'biases_in': (128,), 'biases_out': (10,),
       'kernel': (256, 128), 'bias': (128,)}


def test_trained_variables_are_six_float32_arrays_with_the_37898_numbers_of_the_lesson(mnist):
    _, trained = train(mnist, training_iters=0)
    assert {name: array.shape for name, array in trained.items()} == SIX
    assert {array.dtype for array in trained.values()} == {np.dtype(np.float32)}
    assert sum(array.size for array in trained.values()) == 37898 and not trained['bias'].any()


def layers(number):
    return tf.nn.rnn_cell.MultiRNNCell([tf.nn.rnn_cell.BasicRNNCell(8) for _ in range(number)])


@pytest.mark.parametrize('make_cell, kernels', [
    (lambda: tf.nn.rnn_cell.BasicLSTMCell(8), ['kernel']), (lambda: layers(1), ['kernel']),
    (lambda: layers(2), ['rnn/multi_rnn_cell/cell_%d/basic_rnn_cell/kernel' % i for i in [0, 1]])])
def test_trained_variables_of_other_cells_have_short_names_but_never_the_same(
        make_cell, kernels, mnist, monkeypatch):
    def RNN(X, weights, biases):
        outputs, _ = tf.nn.dynamic_rnn(make_cell(), X, dtype=tf.float32)
        return tf.matmul(tf.pad(outputs[:, -1], [[0, 0], [0, 120]]), weights['out']) + biases['out']
    monkeypatch.setattr(rnn_mnist, 'RNN', RNN)
    _, trained = train(mnist, training_iters=0)
    assert set(trained) == set(SIX) - {'kernel', 'bias'} | set(kernels) | {
        kernel.replace('kernel', 'bias') for kernel in kernels}


def test_only_the_same_seed_gives_the_same_initial_weights(mnist):
    one, same, other, *random = [train(mnist, training_iters=0, seed=seed)[1]['weights_in']
                                 for seed in [0, 0, 1, None, None]]
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.1 and np.abs(np.subtract(*random)).max() > 0.1


def test_constants_can_be_changed_even_to_one_pixel_per_step(mnist, monkeypatch, capsys):
    for name, value in [('lr', 0.5), ('batch_size', 100), ('n_hidden_units', 16),
                        ('n_steps', 784), ('n_inputs', 1)]:
        monkeypatch.setattr(rnn_mnist, name, value)
    _, trained = train(mnist, 101, seed=0)
    assert capsys.readouterr().out.startswith('step    0/2 ')
    assert trained['weights_in'].shape == (1, 16) and trained['kernel'].shape == (32, 16)
    assert 0.4 < np.abs(trained['bias']).max() < 1.1  # two steps of up to about lr, from zero
