"""The article's listing as it ran in its day, under TensorFlow 1.15.5.

It stands in a function, so that it can be run several times; the lines marked `record` are not the
article's. `record.py` runs it.
"""
import tensorflow as tf


def listing(mnist, seed=None, initial=None, training_iters=1000000, config=None):
    """Trains as the article does.

    Args:
      mnist: what `input_data.read_data_sets` returns, or anything with its `train.next_batch`.
      seed: for `tf.set_random_seed`.
      initial: values for the variables, in place of those that `init` draws.
      training_iters: the article's 1000000, or less.
      config: a `tf.ConfigProto` for the session, where the article has none.

    Returns:
      A dict of what it saw on its way.
    """
    tf.reset_default_graph()  # record
    tf.set_random_seed(seed)  # record

    lr = 0.001
    batch_size = 128
    n_inputs = 28
    n_steps = 28
    n_hidden_units = 128
    n_classes = 10

    x = tf.placeholder(tf.float32, [None, n_steps, n_inputs])
    y = tf.placeholder(tf.float32, [None, n_classes])
    weights = {
        'in': tf.Variable(tf.random_normal([n_inputs, n_hidden_units])),
        'out': tf.Variable(tf.random_normal([n_hidden_units, n_classes]))
    }
    biases = {
        'in': tf.Variable(tf.constant(0.1, shape=[n_hidden_units, ])),
        'out': tf.Variable(tf.constant(0.1, shape=[n_classes, ]))
    }

    def RNN(X, weights, biases):
        X = tf.reshape(X, [-1, n_inputs])
        X_in = tf.matmul(X, weights['in']) + biases['in']
        X_in = tf.reshape(X_in, [-1, n_steps, n_hidden_units])
        RNN_cell = tf.nn.rnn_cell.BasicRNNCell(n_hidden_units)
        _init_state = RNN_cell.zero_state(batch_size, tf.float32)
        outputs, states = tf.nn.dynamic_rnn(
            RNN_cell, X_in, initial_state=_init_state, time_major=False)
        results = tf.matmul(states, weights['out']) + biases['out']
        return results

    pre = RNN(x, weights, biases)
    cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=pre, labels=y))
    train_op = tf.train.AdamOptimizer(lr).minimize(cost)
    correct_pre = tf.equal(tf.argmax(y, 1), tf.argmax(pre, 1))
    accuracy = tf.reduce_mean(tf.cast(correct_pre, tf.float32))
    init = tf.initialize_all_variables()

    seen = {'graph': tf.get_default_graph(), 'costs': [], 'accuracies': []}
    with tf.Session(config=config) as sess:
        sess.run(init)
        if initial is not None:  # record
            for variable, value in zip(tf.trainable_variables(), initial):
                variable.load(value, sess)
        seen['initial'] = sess.run(tf.trainable_variables())  # record
        step = 0
        while step * batch_size < training_iters:
            batch_xs, batch_ys = mnist.train.next_batch(batch_size)
            batch_xs = batch_xs.reshape([batch_size, n_steps, n_inputs])
            if step == 0:  # record
                gradients = [update.inputs[9] for update in seen['graph'].get_operations()
                             if update.type == 'ApplyAdam']
                seen['logits'], seen['gradients'] = sess.run(
                    [pre, gradients], feed_dict={x: batch_xs, y: batch_ys})
            _, batch_cost = sess.run([train_op, cost], feed_dict={x: batch_xs, y: batch_ys})
            seen['costs'].append(batch_cost)  # record
            if step % 20 == 0:
                batch_accuracy = sess.run(accuracy, feed_dict={x: batch_xs, y: batch_ys})
                print(batch_accuracy)
                seen['accuracies'].append(batch_accuracy)  # record
            step += 1
    return seen
