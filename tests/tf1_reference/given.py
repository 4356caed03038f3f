"""Initial weights and batches that NumPy makes the same in every version, for both sides to use."""
import collections

import numpy as np

Given = collections.namedtuple('Given', 'initial train')


class Batches:
    """Ten random images, one a class, that come back mixed with noise: something to learn."""

    def __init__(self, rng):
        self._rng = rng
        self._classes = rng.uniform(size=[10, 784])

    def next_batch(self, batch_size):
        """Returns images, float32 `[batch_size, 784]`, and labels, one-hot `[batch_size, 10]`."""
        labels = self._rng.randint(10, size=batch_size)
        noise = self._rng.uniform(size=[batch_size, 784])
        images = 0.4 * self._classes[labels] + 0.6 * noise
        return images.astype(np.float32), np.eye(10)[labels]


def given():
    """Returns the six variables' initial values, in the graph's order, and the batches."""
    rng = np.random.RandomState(0)
    limit = np.sqrt(6 / (256 + 128))  # BasicRNNCell's own, Glorot's
    initial = [
        rng.normal(size=[28, 128]), rng.normal(size=[128, 10]),
        np.full([128], 0.1), np.full([10], 0.1),
        rng.uniform(-limit, limit, size=[256, 128]), np.zeros([128]),
    ]
    return Given([value.astype(np.float32) for value in initial], Batches(rng))


def sketch(array):
    """Two numbers a row of a matrix, which change if any of its entries does; a vector as is."""
    if array.ndim == 2:
        array = array.dot(np.random.RandomState(1).normal(size=[array.shape[1], 2]))
    return array.ravel()
