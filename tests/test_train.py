"""Tests `train` as used at a prompt: seeds, constants, experiments, and logs."""
import types
from unittest.mock import Mock

import numpy as np
import pytest
from helpers import accuracies, logits_with_numpy
from rnn_mnist import read_data_sets, tf, train
import rnn_mnist
from tf1_reference.given import article_names


def test_train_can_be_called_again_after_an_interrupt_and_leaves_the_default_graph_alone(
        graph, mnist, capsys):
    with pytest.raises(KeyboardInterrupt):
        train(mnist._replace(train=Mock(next_batch=Mock(side_effect=KeyboardInterrupt))))
    train(mnist, training_iters=1)
    assert len(accuracies(capsys.readouterr().out)) == 1 and graph.get_operations() == []


def test_test_accuracy_counts_each_image_once_and_works_with_a_tensorflow_1_data_set(mnist):
    _, trained = train(mnist, training_iters=0, seed=0)
    labels = logits_with_numpy(trained, mnist.test.images).argmax(axis=1)
    labels[:128] += 1  # so that only the two images of the second batch are recognized
    test = types.SimpleNamespace(  # what our `DataSet` and TensorFlow 1's both have
        images=mnist.test.images, labels=np.eye(10)[labels % 10], num_examples=130)
    accuracy, _ = train(types.SimpleNamespace(test=test), training_iters=0, seed=0)
    assert accuracy == 2 / 130


def test_trained_variables_are_named_float32_arrays_even_if_one_is_added(mnist, monkeypatch):
    def RNN_with_a_variable(X, weights, biases, RNN=rnn_mnist.RNN):
        scale = tf.Variable(tf.ones([1]), name='scale')
        return RNN(X, weights, biases) * scale
    monkeypatch.setattr(rnn_mnist, 'RNN', RNN_with_a_variable)
    _, trained = train(mnist, training_iters=0)
    assert {name: (array.shape, array.dtype) for name, array in trained.items()} == {
        name: (shape, np.float32) for name, shape in [
            ('weights_in', (28, 128)), ('weights_out', (128, 10)), ('biases_in', (128,)),
            ('biases_out', (10,)), ('kernel', (256, 128)), ('bias', (128,)), ('scale', (1,))]}
    assert trained['scale'] == 1 and not trained['bias'].any()


def test_only_the_same_seed_gives_the_same_initial_weights(mnist):
    one, same, other, *random = [train(mnist, training_iters=0, seed=seed)[1]['weights_in']
                                 for seed in [0, 0, 1, None, None]]
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.1 and np.abs(np.subtract(*random)).max() > 0.1


def test_constants_can_be_changed_even_to_one_pixel_per_step(mnist_dir, monkeypatch, capsys):
    for name, value in [('lr', 0.5), ('batch_size', 100), ('n_hidden_units', 16),
                        ('n_steps', 784), ('n_inputs', 1)]:
        monkeypatch.setattr(rnn_mnist, name, value)
    _, trained = train(read_data_sets(str(mnist_dir), one_hot=True, seed=0), 101, seed=0)
    assert capsys.readouterr().out.startswith('step    0/2 ')
    assert trained['weights_in'].shape == (1, 16) and trained['kernel'].shape == (32, 16)
    assert 0.4 < np.abs(trained['bias']).max() < 1.1  # two steps of up to about lr, from zero


def read_log(folder):
    """Returns the graph in a TensorBoard log, and the log's scalars by step and tag."""
    events = list(tf.train.summary_iterator(*map(str, folder.glob('*.tfevents.*'))))
    graph, = [tf.GraphDef.FromString(event.graph_def) for event in events if event.graph_def]
    return graph, {(event.step, value.tag): value.simple_value
                   for event in events if event.wall_time for value in event.summary.value}


def test_log_has_the_graph_the_costs_and_the_printed_accuracies(mnist, tmp_path, capsys):
    accuracy, _ = train(mnist, training_iters=21 * 128, logdir=str(tmp_path / 'new' / 'log'))
    logged, scalars = read_log(tmp_path / 'new' / 'log')
    graph = article_names(train).graph  # without a log, for comparison
    assert [node.name for node in logged.node] == [op.name for op in graph.get_operations()]
    assert set(scalars) == {(0, 'accuracy'), (0, 'cost'), (20, 'accuracy'), (20, 'cost'),
                            (21, 'test_accuracy')}
    assert scalars[21, 'test_accuracy'] == pytest.approx(accuracy)
    assert accuracies(capsys.readouterr().out) == [
        '{:.4f}'.format(scalars[step, 'accuracy']) for step in [0, 20]]


def test_log_can_be_watched_during_training(mnist, tmp_path, monkeypatch):
    def batches(next_batch=mnist.train.next_batch):
        yield next_batch(128)
        assert set(read_log(tmp_path / 'log')[1]) == {(0, 'accuracy'), (0, 'cost')}
        yield next_batch(128)
    monkeypatch.setattr(mnist.train, 'next_batch', Mock(side_effect=batches()))
    train(mnist, training_iters=129, logdir=str(tmp_path / 'log'))


def test_log_that_cannot_be_written_raises_a_tensorflow_error(mnist, read_only):
    with pytest.raises(tf.errors.OpError, match='log'):
        train(mnist, training_iters=1, logdir='log')
