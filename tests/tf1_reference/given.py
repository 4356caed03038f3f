"""Defines what `record.py` and the tests share: weights, batches, files, and descriptions."""
import collections
import gzip
import hashlib
import os
import struct
import types
from unittest import mock

import numpy as np

Given = collections.namedtuple('Given', 'initial train')


class Batches:
    """Makes learnable batches by mixing noise with ten random images, one per class."""

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
    """Returns initial values for the six variables, in the graph's order, and the batches."""
    rng = np.random.RandomState(0)
    limit = np.sqrt(6 / (256 + 128))  # of the Glorot uniform initializer, as in BasicRNNCell
    initial = [
        rng.normal(size=[28, 128]), rng.normal(size=[128, 10]),
        np.full([128], 0.1), np.full([10], 0.1),
        rng.uniform(-limit, limit, size=[256, 128]), np.zeros([128]),
    ]
    return Given([value.astype(np.float32) for value in initial], Batches(rng))


class End(Exception):
    """Ends a run early when raised in place of a batch."""


def article_names(train):
    """Runs `train` until it asks for a batch; returns its local variables at that point.

    `train` is the article's program, so the article's names are local to it. A traceback is the
    only way to them that needs nothing in the program itself.
    """
    try:
        train(mock.Mock(**{'train.next_batch.side_effect': End}), seed=0)
    except End as end:
        return types.SimpleNamespace(**end.__traceback__.tb_next.tb_frame.f_locals)


def sketch(array):
    """Reduces each row of a matrix to two numbers that depend on the whole row.

    A vector is returned unchanged.
    """
    if array.ndim == 2:
        array = array.dot(np.random.RandomState(1).normal(size=[array.shape[1], 2]))
    return array.ravel()


def idx(array):
    """Returns the bytes of this uint8 array in IDX, MNIST's file format, uncompressed."""
    return struct.pack('>HBB%dI' % array.ndim, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_files(folder, n_train=170, n_test=130):
    """Writes four gzipped files in MNIST's format; the first pixel of image `i` is `i % 256`."""
    rng = np.random.RandomState(0)
    for part, n in [('train', n_train), ('t10k', n_test)]:
        images = rng.randint(256, size=[n, 28, 28]).astype(np.uint8)
        labels = rng.randint(10, size=n).astype(np.uint8)
        images[:, 0, 0] = np.arange(n) % 256
        for name, array in [('images-idx3', images), ('labels-idx1', labels)]:
            path = os.path.join(str(folder), '%s-%s-ubyte.gz' % (part, name))
            with open(path, 'wb') as file:
                file.write(gzip.compress(idx(array), 1))


def describe(array):
    """Returns what identifies an array: its dtype, its shape, and a checksum of its bytes."""
    return [str(array.dtype), list(array.shape), hashlib.sha256(array.tobytes()).hexdigest()]


def loader_answers(read_data_sets, folder, tf):
    """Returns a loader's answers to the calls that tutorials make, for the files in a folder."""
    answers = []
    for options in [{}, {'one_hot': True}, {'reshape': False}, {'validation_size': 0},
                    {'one_hot': 'true', 'fake_data': False, 'seed': 3}, {'seed': None}]:
        with tf.Graph().as_default():
            tf.set_random_seed(5)  # counts if there is no other seed
            data = read_data_sets(folder, **dict({'validation_size': 20, 'seed': 7}, **options))
        for part in data:
            answers.append([part.num_examples, part.epochs_completed,
                            describe(part.images), describe(part.labels)])
        # These batches lie within an epoch, end together with it, or span two epochs.
        for shuffle in [True, False]:
            for part, sizes in [(data.train, [50] * 4 + [100] * 2), (data.test, [130, 70, 90])]:
                for size in sizes:
                    images, labels = part.next_batch(size, shuffle=shuffle)
                    answers.append([describe(images), describe(labels), part.epochs_completed])
    return answers


def nodes(graph, make_ndarray):
    """Returns a line for each operation: name, type, and inputs or, for a constant, the value."""
    return [' '.join([op.name, op.type] + (
        [str(make_ndarray(op.get_attr('value')).tolist())] if op.type == 'Const' else
        [tensor.name for tensor in op.inputs])) for op in graph.get_operations()]
