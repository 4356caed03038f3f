"""Tests the article's claims in order. Where one is wrong, the test's name says what is true."""
import inspect

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
import pytest
from helpers import accuracies
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


# ------------------------------------------------------------------------ introduction to RNNs

def test_word_order_changes_the_state_of_an_rnn_but_not_the_sum_of_the_words():
    i, go, eat, rice = np.eye(4, dtype=np.float32)
    sentences = np.array([[i, go, eat, rice], [rice, eat, go, i]])
    _, (one, other) = run(*dynamic_rnn(inputs=sentences))
    assert np.abs(one - other).max() > 0.1
    assert np.array_equal(*sentences.sum(axis=1))


def test_last_output_depends_on_every_word():
    words = tf.constant(SEQUENCES)
    outputs, _ = dynamic_rnn(inputs=words)
    gradient, = run(*tf.gradients(outputs[:, -1], words))
    assert (np.abs(gradient).max(axis=-1) > 0).all()


@pytest.mark.parametrize('words', [1, 4])
def test_four_words_pass_through_one_layer_four_times_not_through_four_layers(words):
    dynamic_rnn(inputs=SEQUENCES[:, :words])
    kernel, bias = tf.trainable_variables()
    assert kernel.shape == [DEPTH + UNITS, UNITS] and bias.shape == [UNITS]


def test_pseudocode_loop_equals_dynamic_rnn():
    rnn = BasicRNNCell(UNITS)
    outputs, states = dynamic_rnn(rnn)
    hidden_state = rnn.zero_state(BATCH, tf.float32)
    by_hand = []
    for word in np.moveaxis(SEQUENCES, 1, 0):
        output, hidden_state = rnn(tf.constant(word), hidden_state)
        by_hand.append(output)
    outputs, states, by_hand, hidden_state = run(outputs, states, by_hand, hidden_state)
    assert_allclose(outputs, np.stack(by_hand, axis=1), rtol=1e-5, atol=1e-6)
    assert_allclose(states, hidden_state, rtol=1e-5, atol=1e-6)


# ------------------------------------------------------------------ tf.nn.rnn_cell.BasicRNNCell

def call(cell, dtype=tf.float32):
    return cell(tf.ones([BATCH, DEPTH], dtype), cell.zero_state(BATCH, dtype))[0]


def test_basic_rnn_cell_has_the_parameters_and_defaults_that_the_article_lists():
    assert str(inspect.signature(BasicRNNCell)) == (
        '(num_units, activation=None, reuse=None, name=None, dtype=None, **kwargs)')


def test_num_units_is_the_size_of_the_output_and_the_state():
    cell = BasicRNNCell(UNITS)
    assert cell.output_size == cell.state_size == UNITS
    assert call(cell).shape == [BATCH, UNITS]


@pytest.mark.parametrize('activation, function', [
    (None, np.tanh), (tf.nn.relu, lambda z: np.maximum(z, 0))])
def test_activation_is_tanh_by_default_and_can_be_changed(activation, function):
    cell = BasicRNNCell(UNITS, activation=activation)
    output, kernel, bias = run(call(cell), *cell.variables)
    z = np.ones([BATCH, DEPTH]).dot(kernel[:DEPTH]) + bias  # the initial state is zero
    assert_allclose(output, function(z), rtol=1e-5, atol=1e-6)


def test_second_cell_in_a_scope_raises_unless_reuse_is_true():
    def variables_in_scope(**parameters):
        cell = BasicRNNCell(UNITS, **parameters)
        with tf.variable_scope('scope'):
            call(cell)
        return cell.variables
    first = variables_in_scope()
    with pytest.raises(ValueError, match='already exists'):
        variables_in_scope()
    assert all(one is other for one, other in zip(first, variables_in_scope(reuse=True)))


def test_name_argument_is_the_prefix_of_the_variable_names():
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
    assert_array_equal(state, np.zeros([BATCH, UNITS]))


# ------------------------------------------------------------------------- tf.nn.dynamic_rnn

def test_dynamic_rnn_has_the_parameters_and_defaults_that_the_article_lists():
    assert str(inspect.signature(tf.nn.dynamic_rnn)) == (
        '(cell, inputs, sequence_length=None, initial_state=None, dtype=None, '
        'parallel_iterations=None, swap_memory=False, time_major=False, scope=None)')


def test_time_major_swaps_the_first_two_axes_without_changing_values():
    (outputs, states), (swapped, same_states) = run(
        dynamic_rnn(), dynamic_rnn(inputs=np.swapaxes(SEQUENCES, 0, 1), time_major=True))
    assert_array_equal(outputs, np.swapaxes(swapped, 0, 1))
    assert_array_equal(states, same_states)


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
    assert_allclose(outputs, np.cumsum(SEQUENCES ** 2, axis=1), rtol=1e-5)
    assert_array_equal(states, outputs[:, -1])


@pytest.mark.parametrize('dtype', [tf.int32, tf.int64])
def test_sequence_length_has_an_int32_or_int64_per_batch_element(dtype):
    outputs, _ = run(*dynamic_rnn(sequence_length=tf.constant([2, TIME, 0], dtype)))
    assert outputs.any(axis=2).sum(axis=1).tolist() == [2, TIME, 0]  # the rest are zeros
    with pytest.raises(ValueError, match='vector'):
        dynamic_rnn(sequence_length=tf.constant(2, dtype))


def test_outputs_past_sequence_length_are_zero_and_the_state_is_copied_through():
    length = [2, TIME, 0]
    (outputs, states), (full, _) = run(dynamic_rnn(sequence_length=length), dynamic_rnn())
    for row, end in enumerate(length):
        assert_array_equal(outputs[row, :end], full[row, :end])
        assert not outputs[row, end:].any()
        assert_array_equal(states[row], full[row, end - 1] if end else np.zeros(UNITS))


def test_sequence_length_changes_results_and_not_only_performance():
    (_, full), (_, short) = run(dynamic_rnn(), dynamic_rnn(sequence_length=[2] * BATCH))
    assert np.abs(full - short).max() > 0.1


def test_first_step_starts_from_initial_state():
    whole, _ = dynamic_rnn()
    halfway, _ = dynamic_rnn(inputs=SEQUENCES[:, 2:], initial_state=whole[:, 1])
    whole, halfway = run(whole, halfway)
    assert_allclose(halfway, whole[:, 2:], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('parameter', [{'parallel_iterations': 1}, {'swap_memory': True}])
def test_parallel_iterations_and_swap_memory_do_not_change_values(parameter):
    plain, other = run(dynamic_rnn(), dynamic_rnn(**parameter))
    np.testing.assert_equal(plain, other)


def test_default_scope_is_rnn_in_lowercase():
    assert dynamic_rnn()[0].op.name.startswith('rnn/')


def test_initial_state_or_dtype_is_required():
    with pytest.raises(ValueError, match='dtype'):
        tf.nn.dynamic_rnn(BasicRNNCell(UNITS), tf.constant(SEQUENCES))


def test_dynamic_rnn_returns_every_output_and_the_final_state_which_equals_the_last_output():
    outputs, states = run(*dynamic_rnn())
    assert outputs.shape == (BATCH, TIME, UNITS)
    assert_array_equal(states, outputs[:, -1])


def test_outputs_come_from_the_last_of_several_layers():
    cells = tf.nn.rnn_cell.MultiRNNCell([BasicRNNCell(UNITS), BasicRNNCell(UNITS + 1)])
    outputs, (first, last) = run(*dynamic_rnn(cells))
    assert outputs.shape == (BATCH, TIME, UNITS + 1) and first.shape == (BATCH, UNITS)
    assert_array_equal(outputs[:, -1], last)


def test_final_state_of_basic_lstm_cell_is_a_pair_of_cell_state_and_hidden_state():
    outputs, states = run(*dynamic_rnn(tf.nn.rnn_cell.BasicLSTMCell(UNITS)))
    assert states._fields == ('c', 'h') and states.c.shape == (BATCH, UNITS)
    assert_array_equal(states.h, outputs[:, -1])
    assert np.abs(states.c - states.h).max() > 0.01


# ------------------------------------------------------------------------- the RNN definition

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


def test_each_time_step_takes_one_row_of_the_digit(rnn, article):
    names, sess, batch = article
    gradient = sess.run(tf.gradients(rnn['outputs'][:, 3], names.x)[0], batch)  # after four rows
    assert np.flatnonzero(np.abs(gradient).max(axis=(0, 2))).tolist() == [0, 1, 2, 3]


def test_kernel_stacks_the_weights_for_the_input_on_those_for_the_state():
    cell = BasicRNNCell(UNITS)
    row, old_state = SEQUENCES[:, 0], np.ones([BATCH, UNITS], np.float32)
    new_state, _ = cell(tf.constant(row), tf.constant(old_state))
    new_state, kernel, bias = run(new_state, *cell.variables)
    W, U = kernel[:DEPTH], kernel[DEPTH:]
    assert_allclose(new_state, np.tanh(row.dot(W) + old_state.dot(U) + bias), rtol=1e-5, atol=1e-6)


def test_train_op_changes_all_six_variables_while_accuracy_changes_none(article):
    names, sess, batch = article
    variables = tf.trainable_variables()
    before, _, still, _, after = [sess.run(fetch, batch) for fetch in [
        variables, names.accuracy, variables, names.train_op, variables]]
    assert [np.array_equal(*values) for values in zip(before, still)] == [True] * 6
    assert [np.array_equal(*values) for values in zip(before, after)] == [False] * 6


def test_results_come_from_the_final_state_which_equals_the_last_output(rnn, article):
    names, sess, batch = article
    outputs, states, weights, biases, pre = sess.run(
        [rnn['outputs'], rnn['states'], names.weights, names.biases, names.pre], batch)
    assert_array_equal(states, outputs[:, -1])
    assert_allclose(pre, states.dot(weights['out']) + biases['out'], rtol=1e-4, atol=1e-4)


def test_zero_state_fixes_the_batch_size_at_128(article):
    names, sess, _ = article
    sess.run(names.pre, {names.x: np.zeros([128, 28, 28])})
    with pytest.raises(tf.errors.InvalidArgumentError):
        sess.run(names.pre, {names.x: np.zeros([127, 28, 28])})


# ------------------------------------------------------------------------------- all the code

def test_hyperparameters_are_those_of_the_article():
    names = 'lr training_iters batch_size n_inputs n_steps n_hidden_units n_classes'.split()
    assert [getattr(rnn_mnist, name) for name in names] == [0.001, 1000000, 128, 28, 28, 128, 10]


@pytest.mark.parametrize('one_hot', ['true', 'false'])
def test_one_hot_is_true_for_any_non_empty_string(one_hot, mnist_dir):
    _, labels = rnn_mnist.read_data_sets(str(mnist_dir), one_hot=one_hot).test.next_batch(3)
    assert labels.shape == (3, 10)


@pytest.mark.parametrize('name, shape', [('in', (28, 128)), ('out', (128, 10))])
def test_initial_weights_are_standard_normal_and_biases_are_one_tenth(name, shape, article):
    names, sess, _ = article
    weight, bias = sess.run([names.weights[name], names.biases[name]])
    assert weight.shape == shape
    error = 1 / np.sqrt(weight.size)  # standard error; a deviation of 4 times this is unlikely
    assert abs(weight.mean()) < 4 * error and abs(weight.std() - 1) < 4 * error
    assert_array_equal(bias, np.full(shape[1:], 0.1, np.float32))


def test_softmax_cross_entropy_has_no_gradient_with_respect_to_the_labels():
    logits, labels = tf.constant([[1., 2.]]), tf.constant([[0., 1.]])
    loss = tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=labels)
    to_logits, to_labels = tf.gradients(loss, [logits, labels])
    assert to_logits is not None and to_labels is None


def test_cost_is_the_mean_over_the_batch(article):
    names, sess, batch = article
    cost, pre = sess.run([names.cost, names.pre], batch)
    log_softmax = pre - np.log(np.exp(pre.astype(np.float64)).sum(axis=1, keepdims=True))
    assert_allclose(cost, -(batch[names.y] * log_softmax).sum(axis=1).mean(), rtol=1e-5)


def test_initialize_all_variables_is_the_old_name_of_global_variables_initializer():
    call(BasicRNNCell(UNITS))
    old, new = tf.initialize_all_variables(), tf.global_variables_initializer()
    assert old.control_inputs and old.control_inputs == new.control_inputs


def test_training_iters_counts_examples_and_gives_7813_steps_and_391_lines(
        mnist, monkeypatch, capsys):
    # The session computes nothing, so that thousands of steps take no time.
    monkeypatch.setattr(tf.Session, 'run', lambda *args, feed_dict=None: np.zeros(2))
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
