"""Tests the article's claims in order. Where one is wrong, the test's name says what is true."""
import inspect
import types

import numpy as np
import pytest
from helpers import accuracies
from rnn_mnist import build_graph, tf, train
import rnn_mnist
from tf1_reference.given import given

BasicRNNCell = tf.nn.rnn_cell.BasicRNNCell
BATCH, TIME, DEPTH, UNITS = 3, 4, 2, 5
SEQUENCES = np.random.RandomState(0).normal(size=[BATCH, TIME, DEPTH]).astype(np.float32)


def run(*tensors):
    """Evaluates tensors in a new session, after initializing the variables."""
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run(tensors)


def shapes(*tensors):
    return [tensor.shape.as_list() for tensor in tensors]


def dynamic_rnn(cell=None, inputs=SEQUENCES, scope=None, **parameters):
    """Calls `tf.nn.dynamic_rnn`, by default with a zero state, and always with the same weights."""
    initializer = tf.random_uniform_initializer(-1, 1, seed=0)
    with tf.variable_scope(scope or tf.get_variable_scope(), initializer=initializer,
                           reuse=tf.AUTO_REUSE):
        return tf.nn.dynamic_rnn(
            cell or BasicRNNCell(UNITS), tf.constant(inputs), dtype=tf.float32, **parameters)


# ------------------------------------------------------------------------ introduction to RNNs

def test_word_order_changes_the_state_of_an_rnn_but_not_the_sum_of_the_words():
    i, go, eat, rice = np.eye(4, dtype=np.float32)
    sentences = np.array([[i, go, eat, rice], [rice, eat, go, i]])
    _, (one, other) = run(*dynamic_rnn(inputs=sentences))
    assert np.abs(one - other).max() > 0.1
    assert np.array_equal(*sentences.sum(axis=1))


def test_last_output_depends_on_every_word():
    words = tf.constant(SEQUENCES)
    outputs, _ = tf.nn.dynamic_rnn(BasicRNNCell(UNITS), words, dtype=tf.float32)
    gradient, = run(*tf.gradients(outputs[:, -1], words))
    assert (np.abs(gradient).max(axis=-1) > 0).all()


def test_four_words_pass_through_one_layer_four_times_not_through_four_layers():
    def weights_for(words):
        with tf.Graph().as_default():
            dynamic_rnn(inputs=np.zeros([1, words, DEPTH], np.float32))
            return shapes(*tf.trainable_variables())
    assert weights_for(4) == weights_for(1) == [[DEPTH + UNITS, UNITS], [UNITS]]


def test_pseudocode_loop_equals_dynamic_rnn():
    rnn = BasicRNNCell(UNITS)
    outputs, states = dynamic_rnn(rnn)
    hidden_state = rnn.zero_state(BATCH, tf.float32)
    by_hand = []
    for word in np.moveaxis(SEQUENCES, 1, 0):
        output, hidden_state = rnn(tf.constant(word), hidden_state)
        by_hand.append(output)
    outputs, states, by_hand, hidden_state = run(
        outputs, states, tf.stack(by_hand, 1), hidden_state)
    np.testing.assert_allclose(outputs, by_hand, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(states, hidden_state, rtol=1e-5, atol=1e-6)


# ------------------------------------------------------------------ tf.nn.rnn_cell.BasicRNNCell

def call(cell, dtype=tf.float32):
    return cell(tf.ones([BATCH, DEPTH], dtype), cell.zero_state(BATCH, dtype))[0]


def test_basic_rnn_cell_has_the_parameters_and_defaults_that_the_article_lists():
    assert str(inspect.signature(BasicRNNCell)) == (
        '(num_units, activation=None, reuse=None, name=None, dtype=None, **kwargs)')


def test_num_units_is_the_size_of_the_output_and_the_state():
    cell = BasicRNNCell(UNITS)
    assert cell.output_size == cell.state_size == UNITS
    assert shapes(call(cell)) == [[BATCH, UNITS]]


@pytest.mark.parametrize('activation, function', [
    (None, np.tanh), (tf.nn.relu, lambda z: np.maximum(z, 0))])
def test_activation_is_tanh_by_default_and_can_be_changed(activation, function):
    cell = BasicRNNCell(UNITS, activation=activation)
    output, kernel, bias = run(call(cell), *cell.variables)
    z = np.ones([BATCH, DEPTH]).dot(kernel[:DEPTH]) + bias  # the initial state is zero
    np.testing.assert_allclose(output, function(z), rtol=1e-5, atol=1e-6)


def test_second_cell_in_a_scope_raises_unless_reuse_is_true():
    def call_in_scope(cell):
        with tf.variable_scope('scope'):
            call(cell)
        return cell
    first = call_in_scope(BasicRNNCell(UNITS))
    with pytest.raises(ValueError, match='already exists'):
        call_in_scope(BasicRNNCell(UNITS))
    second = call_in_scope(BasicRNNCell(UNITS, reuse=True))
    assert all(one is other for one, other in zip(first.variables, second.variables))


def test_name_is_the_prefix_of_the_variables():
    call(BasicRNNCell(UNITS, name='reader'))
    assert [v.op.name for v in tf.global_variables()] == ['reader/kernel', 'reader/bias']


def test_dtype_applies_to_the_variables_and_the_output():
    cell = BasicRNNCell(UNITS, dtype=tf.float64)
    assert call(cell, tf.float64).dtype == tf.float64
    assert all(v.dtype.base_dtype == tf.float64 for v in cell.variables)


def test_kwargs_are_common_layer_attributes_such_as_trainable():
    call(BasicRNNCell(UNITS, trainable=False))
    assert tf.global_variables() and not tf.trainable_variables()


def test_zero_state_is_all_zeros_and_has_shape_batch_size_by_num_units():
    state, = run(BasicRNNCell(UNITS).zero_state(BATCH, tf.float32))
    assert state.dtype == np.float32
    np.testing.assert_array_equal(state, np.zeros([BATCH, UNITS]))


# ------------------------------------------------------------------------- tf.nn.dynamic_rnn

def test_dynamic_rnn_has_the_parameters_and_defaults_that_the_article_lists():
    assert str(inspect.signature(tf.nn.dynamic_rnn)) == (
        '(cell, inputs, sequence_length=None, initial_state=None, dtype=None, '
        'parallel_iterations=None, swap_memory=False, time_major=False, scope=None)')


def test_time_major_swaps_the_first_two_axes_without_changing_values():
    outputs, states = dynamic_rnn(time_major=False)
    swapped, same_states = dynamic_rnn(inputs=np.swapaxes(SEQUENCES, 0, 1).copy(), time_major=True)
    assert shapes(outputs, swapped) == [[BATCH, TIME, UNITS], [TIME, BATCH, UNITS]]
    outputs, states, swapped, same_states = run(outputs, states, swapped, same_states)
    np.testing.assert_array_equal(outputs, np.swapaxes(swapped, 0, 1))
    np.testing.assert_array_equal(states, same_states)


@pytest.mark.parametrize('time_major, transposes', [(False, 2), (True, 0)])
def test_time_major_avoids_transposing_the_inputs_and_the_outputs(graph, time_major, transposes):
    dynamic_rnn(time_major=time_major)
    assert [op.type for op in graph.get_operations()].count('Transpose') == transposes


def test_inputs_may_be_a_nested_tuple_of_tensors():
    class Products(tf.nn.rnn_cell.RNNCell):  # adds up the products of its two inputs
        state_size = output_size = DEPTH

        def call(self, inputs, state):
            first, (second,) = inputs
            return state + first * second, state + first * second
    words = tf.constant(SEQUENCES)
    outputs, states = run(*tf.nn.dynamic_rnn(Products(), (words, (words,)), dtype=tf.float32))
    np.testing.assert_allclose(outputs, np.cumsum(SEQUENCES ** 2, axis=1), rtol=1e-5)
    np.testing.assert_array_equal(states, outputs[:, -1])


@pytest.mark.parametrize('dtype', [tf.int32, tf.int64])
def test_sequence_length_has_an_int32_or_int64_per_batch_element(dtype):
    length = np.array([2, TIME, 0])
    _, states = dynamic_rnn(sequence_length=tf.constant(length, dtype))
    _, one_by_one = zip(*[dynamic_rnn(inputs=SEQUENCES[i:i + 1, :end])
                          for i, end in enumerate(length[:2])])
    states, one_by_one = run(states, tf.concat(one_by_one, axis=0))
    np.testing.assert_allclose(states[:2], one_by_one, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match='vector'):
        dynamic_rnn(sequence_length=tf.constant(2, dtype))


def test_outputs_past_sequence_length_are_zero_and_the_state_is_copied_through():
    length = [2, TIME, 0]
    outputs, states = dynamic_rnn(sequence_length=length)
    full, _ = dynamic_rnn()
    outputs, states, full = run(outputs, states, full)
    for row, end in enumerate(length):
        np.testing.assert_array_equal(outputs[row, :end], full[row, :end])
        assert not outputs[row, end:].any()
        np.testing.assert_array_equal(states[row], full[row, end - 1] if end else np.zeros(UNITS))


def test_sequence_length_changes_results_and_not_only_performance():
    full, short = run(dynamic_rnn()[1], dynamic_rnn(sequence_length=[2] * BATCH)[1])
    assert np.abs(full - short).max() > 0.1


def test_first_step_starts_from_initial_state():
    start = np.full([BATCH, UNITS], 0.5, np.float32)
    whole, _ = dynamic_rnn()
    halfway, _ = dynamic_rnn(inputs=SEQUENCES[:, 2:], initial_state=whole[:, 1])
    elsewhere, _ = dynamic_rnn(initial_state=tf.constant(start))
    whole, halfway, elsewhere = run(whole, halfway, elsewhere)
    np.testing.assert_allclose(halfway, whole[:, 2:], rtol=1e-5, atol=1e-6)
    assert np.abs(elsewhere - whole).max() > 0.1


@pytest.mark.parametrize('parameter', [{'parallel_iterations': 1}, {'swap_memory': True}])
def test_parallel_iterations_and_swap_memory_do_not_change_values(parameter):
    plain, other = run(dynamic_rnn(), dynamic_rnn(**parameter))
    for one, same in zip(plain, other):
        np.testing.assert_array_equal(one, same)


def test_default_scope_is_rnn_in_lower_case():
    outputs, _ = tf.nn.dynamic_rnn(BasicRNNCell(UNITS), tf.constant(SEQUENCES), dtype=tf.float32)
    assert outputs.op.name.split('/')[0] == 'rnn'


def test_initial_state_or_dtype_is_required():
    with pytest.raises(ValueError, match='dtype'):
        tf.nn.dynamic_rnn(BasicRNNCell(UNITS), tf.constant(SEQUENCES))


def test_dynamic_rnn_returns_every_output_and_the_final_state():
    outputs, states = dynamic_rnn()
    assert shapes(outputs, states) == [[BATCH, TIME, UNITS], [BATCH, UNITS]]


def test_final_state_equals_the_last_output_of_basic_rnn_cell():
    outputs, states = run(*dynamic_rnn())
    np.testing.assert_array_equal(states, outputs[:, -1])


def test_outputs_come_from_the_last_of_several_layers():
    cells = tf.nn.rnn_cell.MultiRNNCell([BasicRNNCell(UNITS), BasicRNNCell(UNITS + 1)])
    outputs, states = dynamic_rnn(cells)
    assert shapes(outputs, *states) == [
        [BATCH, TIME, UNITS + 1], [BATCH, UNITS], [BATCH, UNITS + 1]]
    outputs, (_, last) = run(outputs, states)
    np.testing.assert_array_equal(outputs[:, -1], last)


def test_final_state_of_basic_lstm_cell_is_a_pair_of_cell_and_hidden_state():
    cell = tf.nn.rnn_cell.BasicLSTMCell(UNITS)
    outputs, states = dynamic_rnn(cell)
    assert states._fields == ('c', 'h') and shapes(*states) == [[BATCH, UNITS]] * 2
    outputs, states = run(outputs, states)
    np.testing.assert_array_equal(states.h, outputs[:, -1])
    assert np.abs(states.c - states.h).max() > 0.01


# ------------------------------------------------------------------------- the RNN definition

def test_first_reshape_has_28_inputs_not_128_or_256_hidden_units(graph):
    build_graph()
    assert shapes(graph.get_tensor_by_name('Reshape:0')) == [[None, 28]]


@pytest.fixture
def rnn(monkeypatch):
    """The inputs and the results of `dynamic_rnn` in the article's graph, once it is built."""
    seen, dynamic_rnn = types.SimpleNamespace(), tf.nn.dynamic_rnn

    def spy(cell, inputs, **parameters):
        seen.X_in, seen._init_state = inputs, parameters['initial_state']
        seen.outputs, seen.states = dynamic_rnn(cell, inputs, **parameters)
        return seen.outputs, seen.states
    monkeypatch.setattr(tf.nn, 'dynamic_rnn', spy)
    return seen


def test_shapes_in_rnn_have_no_256(graph, rnn):
    model = build_graph()
    products = [graph.get_tensor_by_name(name + ':0') for name in ['MatMul', 'add']]
    assert shapes(*products, rnn.X_in, rnn._init_state, rnn.outputs, rnn.states, model.pre) == [
        [None, 128], [None, 128], [None, 28, 128], [128, 128], [128, 28, 128], [128, 128],
        [128, 10]]


def test_each_time_step_takes_one_row_of_the_digit(rnn):
    model = build_graph()
    gradient = tf.gradients(rnn.outputs[:, 3], model.x)[0]  # the output after four rows
    images = given().train.next_batch(128)[0].reshape([-1, 28, 28])
    with tf.Session() as sess:
        sess.run(model.init)
        rows = np.abs(sess.run(gradient, {model.x: images})).max(axis=(0, 2))
    assert np.flatnonzero(rows).tolist() == [0, 1, 2, 3]


def test_kernel_stacks_the_weights_for_the_input_on_those_for_the_state():
    cell = BasicRNNCell(UNITS)
    row, old_state = SEQUENCES[:, 0], np.ones([BATCH, UNITS], np.float32)
    new_state, _ = cell(tf.constant(row), tf.constant(old_state))
    new_state, kernel, bias = run(new_state, *cell.variables)
    W, U = kernel[:DEPTH], kernel[DEPTH:]
    np.testing.assert_allclose(
        new_state, np.tanh(row.dot(W) + old_state.dot(U) + bias), rtol=1e-5, atol=1e-6)


def test_train_op_changes_all_six_variables_while_accuracy_changes_none():
    model = build_graph()
    images, labels = given().train.next_batch(128)
    batch = {model.x: images.reshape([-1, 28, 28]), model.y: labels}
    with tf.Session() as sess:
        sess.run(model.init)
        before = sess.run(tf.trainable_variables())
        sess.run(model.accuracy, batch)
        still = sess.run(tf.trainable_variables())
        sess.run(model.train_op, batch)
        after = sess.run(tf.trainable_variables())
    assert [np.array_equal(*values) for values in zip(before, still)] == [True] * 6
    assert [np.array_equal(*values) for values in zip(before, after)] == [False] * 6


def test_results_come_from_the_final_state_which_equals_the_last_output(rnn):
    model = build_graph()
    images = given().train.next_batch(128)[0].reshape([-1, 28, 28])
    with tf.Session() as sess:
        sess.run(model.init)
        outputs, states, weights, biases, pre = sess.run(
            [rnn.outputs, rnn.states, model.weights, model.biases, model.pre], {model.x: images})
    np.testing.assert_array_equal(states, outputs[:, -1])
    np.testing.assert_allclose(
        pre, states.dot(weights['out']) + biases['out'], rtol=1e-4, atol=1e-4)


def test_zero_state_of_batch_size_fixes_the_batch_size_at_128():
    model = build_graph()
    with tf.Session() as sess:
        sess.run(model.init)
        sess.run(model.pre, {model.x: np.zeros([128, 28, 28])})
        with pytest.raises(tf.errors.InvalidArgumentError):
            sess.run(model.pre, {model.x: np.zeros([127, 28, 28])})


# ------------------------------------------------------------------------------- all the code

def test_hyperparameters_are_those_of_the_article():
    assert (rnn_mnist.lr, rnn_mnist.training_iters, rnn_mnist.batch_size) == (0.001, 1000000, 128)
    assert (rnn_mnist.n_inputs, rnn_mnist.n_steps) == (28, 28)
    assert (rnn_mnist.n_hidden_units, rnn_mnist.n_classes) == (128, 10)


@pytest.mark.parametrize('one_hot', ['true', 'false'])
def test_one_hot_is_true_for_any_non_empty_string(one_hot, mnist_dir):
    _, labels = rnn_mnist.read_data_sets(str(mnist_dir), one_hot=one_hot).test.next_batch(3)
    assert labels.shape == (3, 10)


def test_initial_weights_are_standard_normal_and_biases_are_one_tenth():
    model = build_graph()
    weights, biases = run(model.weights, model.biases)
    assert weights['in'].shape == (28, 128) and weights['out'].shape == (128, 10)
    assert biases['in'].shape == (128,) and biases['out'].shape == (10,)
    for weight in weights.values():
        error = 1 / np.sqrt(weight.size)  # standard error; four times that is unlikely
        assert abs(weight.mean()) < 4 * error and abs(weight.std() - 1) < 4 * error
    for bias in biases.values():
        np.testing.assert_array_equal(bias, np.full_like(bias, 0.1))


def test_softmax_cross_entropy_has_no_gradient_with_respect_to_the_labels():
    logits, labels = tf.constant([[1., 2.]]), tf.constant([[0., 1.]])
    loss = tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=labels)
    to_logits, to_labels = tf.gradients(loss, [logits, labels])
    assert to_logits is not None and to_labels is None


def test_cost_is_the_mean_over_the_batch():
    model = build_graph()
    images, labels = given().train.next_batch(128)
    with tf.Session() as sess:
        sess.run(model.init)
        cost, pre = sess.run(
            [model.cost, model.pre], {model.x: images.reshape([-1, 28, 28]), model.y: labels})
    log_softmax = pre - np.log(np.exp(pre.astype(np.float64)).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(cost, -(labels * log_softmax).sum(axis=1).mean(), rtol=1e-5)


def test_initialize_all_variables_is_the_old_name_of_global_variables_initializer():
    call(BasicRNNCell(UNITS))
    old, new = tf.initialize_all_variables(), tf.global_variables_initializer()
    assert old.control_inputs and old.control_inputs == new.control_inputs


class IdleSession(tf.Session):
    """Computes nothing, so that thousands of steps take no time."""

    def run(self, fetches, feed_dict=None):
        if isinstance(fetches, dict):
            return {}
        if isinstance(fetches, list):
            return [self.run(fetch) for fetch in fetches]
        return None if isinstance(fetches, tf.Operation) else np.zeros(fetches.shape.as_list())


def test_training_iters_counts_examples_and_gives_7813_steps_and_391_lines(
        mnist, monkeypatch, capsys):
    monkeypatch.setattr(tf, 'Session', IdleSession)
    train(mnist)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 391
    assert lines[0].startswith('step    0/7813 ') and lines[-1].startswith('step 7800/7813 ')


def test_printed_accuracy_is_that_of_the_batch_just_trained_on(
        mnist_dir, mnist, monkeypatch, capsys):
    monkeypatch.setattr(rnn_mnist, 'lr', 0.1)  # so that one training step changes the accuracy
    train(mnist, training_iters=128, seed=0)
    printed, = accuracies(capsys.readouterr().out)

    again = rnn_mnist.read_data_sets(str(mnist_dir), one_hot=True, seed=0)
    images, labels = again.train.next_batch(128)
    model = build_graph()
    batch = {model.x: images.reshape([-1, 28, 28]), model.y: labels}
    with tf.Session() as sess:
        sess.run(model.init)
        before = sess.run(model.accuracy, batch)
        sess.run(model.train_op, batch)
        after = sess.run(model.accuracy, batch)
    assert before != after and printed == '{:.4f}'.format(after)
