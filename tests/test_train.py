"""Tests `train` and `build_graph` as used at a prompt: seeds, constants, experiments, and logs."""
import types

import numpy as np
import pytest
from helpers import accuracies, predict_with_numpy
from rnn_mnist import build_graph, read_data_sets, tf, train
import rnn_mnist


def interrupt(batch_size):
    raise KeyboardInterrupt


def test_train_leaves_the_default_graph_alone(graph, mnist):
    train(mnist, training_iters=1)
    assert graph.get_operations() == []


def test_train_can_be_called_again_even_after_an_interrupt(mnist, monkeypatch, capsys):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(mnist.train, 'next_batch', interrupt)
        train(mnist, training_iters=1)
    train(mnist, training_iters=1)
    train(mnist, training_iters=1)
    assert len(accuracies(capsys.readouterr().out)) == 2


def test_test_accuracy_counts_each_test_image_once(mnist):
    _, trained = train(mnist, training_iters=0, seed=0)
    labels = predict_with_numpy(trained, mnist.test.images)
    labels[:128] += 1  # so that only the two images of the second batch are recognized
    mnist.test.labels[:] = np.eye(10)[labels % 10]
    accuracy, _ = train(mnist, training_iters=0, seed=0)
    assert accuracy == 2 / 130


def test_trained_variables_are_returned_as_float32_arrays_by_name(mnist):
    _, trained = train(mnist, training_iters=1)
    assert {name: (array.shape, array.dtype) for name, array in trained.items()} == {
        name: (shape, np.float32) for name, shape in [
            ('weights_in', (28, 128)), ('weights_out', (128, 10)), ('biases_in', (128,)),
            ('biases_out', (10,)), ('kernel', (256, 128)), ('bias', (128,))]}


def test_an_added_variable_does_not_change_the_names_of_the_others(mnist, monkeypatch):
    def RNN_with_a_variable(X, weights, biases, RNN=rnn_mnist.RNN):
        scale = tf.Variable(tf.ones([1]), name='scale')
        return RNN(X, weights, biases) * scale
    monkeypatch.setattr(rnn_mnist, 'RNN', RNN_with_a_variable)
    _, trained = train(mnist, training_iters=0)
    assert trained['scale'] == 1 and trained['kernel'].shape == (256, 128)
    assert not trained['bias'].any() and len(trained) == 7


def test_the_same_seed_gives_the_same_initial_weights(mnist):
    def weights(seed):
        return train(mnist, training_iters=0, seed=seed)[1]['weights_in']
    np.testing.assert_array_equal(weights(0), weights(0))
    assert np.abs(weights(0) - weights(1)).max() > 0.1
    assert np.abs(weights(None) - weights(None)).max() > 0.1


def test_constants_can_be_changed_between_calls_even_to_one_pixel_per_step(
        graph, mnist_dir, monkeypatch, capsys):
    for name, value in [('lr', 0.5), ('batch_size', 100), ('n_hidden_units', 16),
                        ('n_steps', 784), ('n_inputs', 1)]:
        monkeypatch.setattr(rnn_mnist, name, value)
    _, trained = train(read_data_sets(str(mnist_dir), one_hot=True), training_iters=101)
    assert capsys.readouterr().out.startswith('step    0/2 ')
    assert trained['weights_in'].shape == (1, 16) and trained['kernel'].shape == (32, 16)
    build_graph()
    assert graph.get_tensor_by_name('Adam/learning_rate:0').op.get_attr('value').float_val == [0.5]


def test_train_accepts_the_data_object_of_tensorflow_1(mnist):
    def data_set(part):  # with only what both `DataSet` classes have
        return types.SimpleNamespace(
            images=part.images, labels=part.labels, num_examples=part.num_examples,
            next_batch=lambda batch_size: part.next_batch(batch_size))
    theirs = types.SimpleNamespace(train=data_set(mnist.train), test=data_set(mnist.test))
    accuracy, _ = train(theirs, training_iters=1)
    assert accuracy * 130 == pytest.approx(round(accuracy * 130))


def read_log(folder):
    """Returns the graph in a TensorBoard log, and the log's scalars by step and tag."""
    events = [event for path in folder.iterdir() for event in tf.train.summary_iterator(str(path))]
    graph, = [tf.GraphDef.FromString(event.graph_def) for event in events if event.graph_def]
    return graph, {(event.step, value.tag): value.simple_value
                   for event in events for value in event.summary.value}


def test_log_has_the_graph_the_costs_and_the_printed_accuracies(graph, mnist, tmp_path, capsys):
    accuracy, _ = train(mnist, training_iters=21 * 128, logdir=str(tmp_path / 'new' / 'log'))
    logged, scalars = read_log(tmp_path / 'new' / 'log')
    build_graph()  # without a log, for comparison
    assert [node.name for node in logged.node] == [op.name for op in graph.get_operations()]
    assert set(scalars) == {(0, 'accuracy'), (0, 'cost'), (20, 'accuracy'), (20, 'cost'),
                            (21, 'test_accuracy')}
    assert scalars[21, 'test_accuracy'] == pytest.approx(accuracy)
    assert accuracies(capsys.readouterr().out) == [
        '{:.4f}'.format(scalars[step, 'accuracy']) for step in [0, 20]]


def test_log_can_be_watched_during_training(mnist, tmp_path, monkeypatch):
    seen, next_batch = [], mnist.train.next_batch

    def watch(batch_size):
        seen.append(len(read_log(tmp_path / 'log')[1]) if seen else 0)
        return next_batch(batch_size)
    monkeypatch.setattr(mnist.train, 'next_batch', watch)
    train(mnist, training_iters=22 * 128, logdir=str(tmp_path / 'log'))
    assert seen[1] == seen[20] == 2 and seen[21] == 4


def test_log_that_cannot_be_written_raises_a_tensorflow_error(mnist, read_only):
    with pytest.raises(tf.errors.OpError, match='log'):
        train(mnist, training_iters=1, logdir=read_only + '/log')
