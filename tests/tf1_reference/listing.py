import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

mnist = input_data.read_data_sets("MNIST_data", one_hot="true")

lr = 0.001                # Learning rate
training_iters = 1000000  # Learning Generation
batch_size = 128          # the amount of training per round of training
n_inputs = 28             # enter the inputs dimension of each hidden layer
n_steps = 28              # divided into 28 input
n_hidden_units = 128      # number of neurons in each hidden layer
n_classes = 10            # output has a total of 10

x = tf.placeholder(tf.float32, [None, n_steps, n_inputs])
y = tf.placeholder(tf.float32, [None, n_classes])

weights = {
    'in': tf.Variable(tf.random_normal([n_inputs, n_hidden_units])),
    'out': tf.Variable(tf.random_normal([n_hidden_units, n_classes]))
}
biases = {
    'in': tf.Variable(tf.constant(0.1, shape=[n_hidden_units])),
    'out': tf.Variable(tf.constant(0.1, shape=[n_classes]))
}


def RNN(X, weights, biases):
    # X has the initial shape of (128 batch,28 steps,28 inputs)
    # converted to (128 batch*28 steps,128 hidden)
    X = tf.reshape(X, [-1, n_inputs])
    # after multiplication, the result is (128 batch*28 steps,256 hidden)
    X_in = tf.matmul(X, weights['in']) + biases['in']
    # converted again to (128 batch,28 steps,256 hidden)
    X_in = tf.reshape(X_in, [-1, n_steps, n_hidden_units])
    RNN_cell = tf.nn.rnn_cell.BasicRNNCell(n_hidden_units)
    _init_state = RNN_cell.zero_state(batch_size, tf.float32)
    outputs, states = tf.nn.dynamic_rnn(RNN_cell, X_in, initial_state=_init_state, time_major=False)
    results = tf.matmul(states, weights['out']) + biases['out']
    return results


pre = RNN(x, weights, biases)
cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=pre, labels=y))
train_op = tf.train.AdamOptimizer(lr).minimize(cost)

correct_pre = tf.equal(tf.argmax(y, 1), tf.argmax(pre, 1))
accuracy = tf.reduce_mean(tf.cast(correct_pre, tf.float32))

init = tf.initialize_all_variables()

with tf.Session() as sess:
    sess.run(init)
    step = 0
    while step*batch_size < training_iters:
        batch_xs, batch_ys = mnist.train.next_batch(batch_size)
        batch_xs = batch_xs.reshape([batch_size, n_steps, n_inputs])
        sess.run(train_op, feed_dict={x: batch_xs, y: batch_ys})
        if step % 20 == 0:
            print(sess.run(accuracy, feed_dict={x: batch_xs, y: batch_ys}))
        step += 1
