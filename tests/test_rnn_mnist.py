"""The script: what it prints, reads, generates and saves."""
import gzip
import hashlib
import os
import re
import types

import numpy as np
import pytest
from helpers import TOP, accuracies, ended, files, python
from rnn_mnist import build_graph, generated_data_sets, main, read_data_sets, tf, train
import rnn_mnist

LINE = r'step +\d+/\d+  batch accuracy [01]\.\d{4}\n'


# -------------------------------------------------------------------------------- as a command

@pytest.fixture(scope='module')
def a_run(tmp_path_factory):
    """A run of 100 steps: its status, stdout, stderr, and the file that it saved."""
    file = tmp_path_factory.mktemp('run') / 'trained'
    return [*ended(python('rnn_mnist.py', '--data', 'generated', '--training-iters', 12800,
                          '--seed', 0, '--save', file)), file]


def printed_test_accuracy(out):
    return float(re.search('test accuracy ([0-9.]+)', out).group(1))


def test_python_rnn_mnist_py_prints_results_alone_on_stdout(a_run):
    status, out, _, _ = a_run
    assert status == 0
    assert re.fullmatch(LINE * 5 + r'test accuracy 0\.\d{4} on 10000 generated digits, not MNIST, '
                        r'after 100 steps in \d+ s\n', out)


def test_tensorflow_has_nothing_to_say_once_it_is_imported(a_run):
    _, _, err, _ = a_run
    assert err.startswith('Starting TensorFlow ...\n') and err.endswith('Generating digits ...\n')
    assert 'deprecated' not in err and 'cpu_feature_guard' not in err


def test_main_returns_0_and_says_from_where_the_test_images_are(mnist_dir, capsys):
    assert main(['--data-dir', str(mnist_dir), '--training-iters', '1']) == 0
    out = capsys.readouterr().out
    assert re.fullmatch(LINE + r'test accuracy 0\.\d{4} on 130 test images from .*\n', out)
    assert str(mnist_dir) in out


def test_the_same_seed_prints_the_same_lines_again(mnist_dir, capsys):
    def lines(seed):
        main(['--data-dir', str(mnist_dir), '--training-iters', '2700', '--seed', seed])
        return re.sub(r' in \d+ s', '', capsys.readouterr().out)
    assert lines('4294967295') == lines('4294967295') != lines('1')


def test_the_seed_is_given_to_the_digits_and_to_the_training(mnist_dir, monkeypatch):
    calls = []
    monkeypatch.setattr(rnn_mnist, 'train', lambda *args: calls.append(args) or 0)
    main(['--data', 'generated', '--seed', '7'])
    main(['--data-dir', str(mnist_dir), '--seed', '7'])
    for (mnist, _, seed, *_), same in zip(calls, [
            generated_data_sets(seed=7), read_data_sets(str(mnist_dir), seed=7)]):
        assert seed == 7
        np.testing.assert_array_equal(mnist.train.next_batch(9)[0], same.train.next_batch(9)[0])


def test_a_tilde_is_the_home_folder(mnist_dir, monkeypatch, capsys):
    monkeypatch.setenv('HOME', str(mnist_dir.parent))
    monkeypatch.setenv('USERPROFILE', str(mnist_dir.parent))
    assert main(['--data-dir', '~/MNIST_data', '--training-iters', '1', '--logdir', '~/logs',
                 '--save', '~/trained.npz']) == 0
    assert sorted(os.listdir(str(mnist_dir.parent))) == ['MNIST_data', 'logs', 'trained.npz']


def test_requirements_and_the_scripts_own_metadata_name_the_same_packages():
    tomllib = pytest.importorskip('tomllib', reason='needs Python 3.11 or newer')
    with open(os.path.join(TOP, 'rnn_mnist.py')) as file:
        block = re.search(r'^# /// script\n((?:#.*\n)+?)# ///\n', file.read(), re.M).group(1)
    with open(os.path.join(TOP, 'requirements.txt')) as file:
        assert tomllib.loads(re.sub('(?m)^# ', '', block))['dependencies'] == file.read().split()


# ----------------------------------------------------------------------------------- at a prompt

def test_train_can_be_called_again_and_leaves_the_default_graph_alone(graph, mnist, capsys):
    train(mnist, training_iters=1)
    train(mnist, training_iters=1)
    assert len(accuracies(capsys.readouterr().out)) == 2 and graph.get_operations() == []


def test_train_can_be_called_again_after_an_interrupt(mnist, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(mnist.train, 'next_batch', lambda batch_size: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(mnist, training_iters=1)
    train(mnist, training_iters=1)


def test_the_constants_are_obeyed_at_the_next_call_here_to_read_pixel_by_pixel(
        graph, mnist_dir, monkeypatch, capsys):
    for name, value in [('lr', 0.5), ('training_iters', 300), ('batch_size', 100),
                        ('n_hidden_units', 16), ('n_steps', 784), ('n_inputs', 1)]:
        monkeypatch.setattr(rnn_mnist, name, value)
    train(read_data_sets(str(mnist_dir), one_hot=True))
    assert capsys.readouterr().out.startswith('step 0/3 ')
    build_graph()
    assert graph.get_tensor_by_name('Adam/learning_rate:0').op.get_attr('value').float_val == [0.5]
    assert graph.get_tensor_by_name('rnn/basic_rnn_cell/kernel:0').shape.as_list() == [32, 16]
    assert graph.get_tensor_by_name('Placeholder:0').shape.as_list() == [None, 784, 1]


def test_the_seed_is_for_the_initial_weights_which_differ_without(mnist, tmp_path):
    def weights(seed):
        train(mnist, training_iters=0, seed=seed, save=str(tmp_path / 'untrained'))
        return np.load(str(tmp_path / 'untrained'))['weights_in']
    np.testing.assert_array_equal(weights(0), weights(0))
    assert np.abs(weights(0) - weights(1)).max() > 0.1 < np.abs(weights(None) - weights(None)).max()


def test_the_session_has_one_thread_an_operation_and_takes_a_gpus_memory_as_needed(
        mnist, monkeypatch):
    configs, session = [], tf.Session
    monkeypatch.setattr(tf, 'Session', lambda graph, config: (
        configs.append(config) or session(graph=graph, config=config)))
    train(mnist, training_iters=1)
    assert [(config.intra_op_parallelism_threads, config.gpu_options.allow_growth)
            for config in configs] == [(1, True)]


def test_each_line_is_out_as_soon_as_it_is_known(mnist_dir, monkeypatch):
    printed = []
    monkeypatch.setattr(rnn_mnist, 'print', lambda *args, **options: printed.append(
        options.get('flush')), raising=False)
    rnn_mnist.main(['--data-dir', str(mnist_dir), '--training-iters', str(21 * 128)])
    assert printed[-3:] == [True, True, True]


def test_the_test_accuracy_is_that_of_each_test_image_once_at_every_call(mnist, tmp_path):
    file = str(tmp_path / 'trained')
    accuracy = train(mnist, training_iters=1, save=file)
    right = numpy_says(np.load(file), mnist.test.images) == mnist.test.labels.argmax(axis=1)
    assert len(right) == 130 and accuracy == pytest.approx(right.mean(), abs=1e-9)


def test_train_takes_the_data_object_of_tensorflow_1(mnist):
    def data_set(images, labels):  # all that both have
        return types.SimpleNamespace(
            images=images, labels=labels, num_examples=len(images),
            next_batch=lambda batch_size: (images[:batch_size], labels[:batch_size]))
    theirs = types.SimpleNamespace(**{
        name: data_set(part.images, part.labels) for name, part in mnist._asdict().items()})
    accuracy = train(theirs, training_iters=1, seed=0)
    assert accuracy * 130 == pytest.approx(round(accuracy * 130))


def test_logdir_gets_the_graph_and_scalars_and_the_graph_stays_as_it_is(
        graph, mnist, tmp_path, capsys):
    build_graph()
    accuracy = train(mnist, training_iters=21 * 128, logdir=str(tmp_path / 'log'))
    events = [event for path in (tmp_path / 'log').iterdir()
              for event in tf.train.summary_iterator(str(path))]
    logged = tf.GraphDef.FromString(next(e.graph_def for e in events if e.graph_def))
    assert [node.name for node in logged.node] == [op.name for op in graph.get_operations()]
    scalars = {(event.step, value.tag): value.simple_value
               for event in events for value in event.summary.value}
    assert set(scalars) == {(0, 'accuracy'), (0, 'cost'), (20, 'accuracy'), (20, 'cost'),
                            (21, 'test_accuracy')}
    assert scalars[21, 'test_accuracy'] == pytest.approx(accuracy)
    assert accuracies(capsys.readouterr().out) == [
        '{:.4f}'.format(scalars[step, 'accuracy']) for step in [0, 20]]


def test_the_log_is_closed_in_the_end_and_when_interrupted(mnist, tmp_path, monkeypatch):
    closed, close = [], tf.summary.FileWriter.close
    monkeypatch.setattr(
        tf.summary.FileWriter, 'close', lambda self: closed.append(self) or close(self))
    train(mnist, training_iters=1, logdir=str(tmp_path / 'log'))
    monkeypatch.setattr(mnist.train, 'next_batch', lambda batch_size: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train(mnist, training_iters=1, logdir=str(tmp_path / 'log'))
    assert len(closed) == 2


# --------------------------------------------------------------------------- what training leaves

def numpy_says(trained, images):
    """The digits that the saved network reads in images, float `[n, 784]`, by NumPy alone."""
    h = np.zeros([len(images), 128])
    for rows in images.reshape([-1, 28, 28]).transpose([1, 0, 2]):
        X_in = rows.dot(trained['weights_in']) + trained['biases_in']
        h = np.tanh(np.hstack([X_in, h]).dot(trained['kernel']) + trained['bias'])
    return (h.dot(trained['weights_out']) + trained['biases_out']).argmax(axis=1)


def test_save_writes_six_float32_arrays_to_a_file_of_just_that_name(a_run):
    trained = np.load(str(a_run[-1]))
    assert {name: array.shape for name, array in trained.items()} == {
        'weights_in': (28, 128), 'weights_out': (128, 10), 'biases_in': (128,),
        'biases_out': (10,), 'kernel': (256, 128), 'bias': (128,)}
    assert {array.dtype for array in trained.values()} == {np.dtype(np.float32)}
    assert list(files(a_run[-1].parent)) == ['trained']


def test_numpy_alone_gets_from_the_file_the_test_accuracy_that_was_printed(a_run):
    _, out, _, file = a_run
    test = generated_data_sets().test
    accuracy = np.mean(numpy_says(np.load(str(file)), test.images) == test.labels)
    assert accuracy == pytest.approx(printed_test_accuracy(out), abs=1.5e-4)  # for a tie: one image


def test_saving_adds_no_node_to_the_graph(mnist, tmp_path, monkeypatch):
    models, build = [], rnn_mnist.build_graph
    monkeypatch.setattr(rnn_mnist, 'build_graph', lambda: models.append(build()) or models[-1])
    train(mnist, training_iters=1, save=str(tmp_path / 'trained'))
    with tf.Graph().as_default() as graph:
        build()
    assert len(models[0].x.graph.get_operations()) == len(graph.get_operations())


def test_a_training_that_fails_leaves_the_older_file_as_it_was(mnist, tmp_path, monkeypatch):
    file = tmp_path / 'new' / 'trained'
    file.parent.mkdir()
    file.write_bytes(b'older')

    def full(path, **arrays):
        with open(path, 'wb') as half:
            half.write(b'PK')
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(np, 'savez', full)
    with pytest.raises(OSError, match='No space'):
        train(mnist, training_iters=1, save=str(file))
    assert files(file.parent) == {'trained': b'older'}


def test_a_link_stays_a_link_to_the_file_that_is_saved(mnist, tmp_path):
    (tmp_path / 'link').symlink_to(tmp_path / 'trained')
    train(mnist, training_iters=1, save=str(tmp_path / 'link'))
    assert (tmp_path / 'link').is_symlink() and np.load(str(tmp_path / 'trained'))


# ----------------------------------------------------------------------------------- the graph

def test_the_graph_has_the_shapes_and_dtypes_that_it_says():
    model = build_graph()
    assert [model.x.shape.as_list(), model.y.shape.as_list()] == [[None, 28, 28], [None, 10]]
    assert {name: v.shape.as_list() for name, v in model.weights.items()} == {
        'in': [28, 128], 'out': [128, 10]}
    assert {name: v.shape.as_list() for name, v in model.biases.items()} == {
        'in': [128], 'out': [10]}
    assert model.pre.shape.as_list() == [128, 10] and model.correct_pre.dtype == tf.bool
    assert model.correct_pre.shape.as_list() == [128]
    assert model.cost.shape.as_list() == model.accuracy.shape.as_list() == []


# ---------------------------------------------------------------------------------- the loader

def numbers(images):
    """Which images of `mnist_dir` these are."""
    return np.rint(images[:, 0] * 255).astype(int).tolist()


def test_validation_is_the_first_of_the_training_images(mnist):
    assert [part.num_examples for part in mnist] == [150, 20, 130]
    assert numbers(mnist.validation.images) == list(range(20))
    assert numbers(mnist.train.images) == list(range(20, 170))
    assert numbers(mnist.test.images) == list(range(130))


def test_images_and_labels_stay_in_order_while_batches_are_shuffled(mnist):
    images, labels = mnist.train.images, mnist.train.labels
    batch_xs, batch_ys = mnist.train.next_batch(150)
    assert numbers(batch_xs) != numbers(images)
    order = np.argsort(numbers(batch_xs))
    np.testing.assert_array_equal(mnist.train.images, images)
    np.testing.assert_array_equal(batch_xs[order], images)
    np.testing.assert_array_equal(batch_ys[order], labels)


def test_bytes_become_floats_as_in_tensorflow_1(mnist):
    every = np.multiply(np.arange(256, dtype=np.uint8).astype(np.float32), 1.0 / 255.0)
    for images in [mnist.test.images, mnist.test.next_batch(130)[0]]:
        assert images.shape == (130, 784) and images.dtype == np.float32
        np.testing.assert_array_equal(np.unique(images), every)
    assert every[0] == 0 and every[-1] == 1


def test_each_image_keeps_its_label_and_one_hot_says_the_same(mnist_dir, mnist):
    with gzip.open(str(mnist_dir / 't10k-labels-idx1-ubyte.gz')) as file:
        in_file = np.frombuffer(file.read()[8:], np.uint8)
    plain = read_data_sets(str(mnist_dir)).test
    assert plain.labels.dtype == np.uint8 and mnist.test.labels.dtype == np.float64
    np.testing.assert_array_equal(plain.labels, in_file)
    images, labels = plain.next_batch(130)
    np.testing.assert_array_equal(labels, in_file[numbers(images)])
    assert mnist.test.labels.shape == (130, 10) and (mnist.test.labels.sum(axis=1) == 1).all()
    np.testing.assert_array_equal(mnist.test.labels.argmax(axis=1), in_file)


def test_a_batch_past_the_epochs_end_joins_the_rest_to_the_next_epochs_start(mnist):
    first, both, rest = [numbers(mnist.train.next_batch(n)[0]) for n in [100, 100, 100]]
    assert sorted(first + both[:50]) == sorted(both[50:] + rest) == list(range(20, 170))
    assert first + both[:50] != both[50:] + rest


def tensorflow_1_order(images, batch_size):
    """The rule of TensorFlow 1's `DataSet.next_batch`, with NumPy's global generator."""
    start = 0
    images = np.random.permutation(images)
    while True:
        if start + batch_size > len(images):
            rest = images[start:]
            images = images[np.random.permutation(len(images))]
            start += batch_size - len(images)
            yield rest.tolist() + images[:start].tolist()
        else:
            start += batch_size
            yield images[start - batch_size:start].tolist()


def test_seeded_batches_come_in_the_order_of_tensorflow_1_also_from_several_sets(mnist_dir):
    mnist = read_data_sets(str(mnist_dir), seed=7)
    np.random.seed(7)
    orders = [tensorflow_1_order(numbers(part.images), 16) for part in mnist]
    for _ in range(20):
        for part, order in zip(mnist, orders):
            assert numbers(part.next_batch(16)[0]) == next(order)


@pytest.mark.parametrize('unzipped', [slice(4), slice(0, 4, 2)], ids=['all', 'some'])
@pytest.mark.parametrize('ending', ['', '.gz'], ids=['without .gz', 'with .gz'])
def test_files_that_a_browser_unzipped_are_read_as_they_are(unzipped, ending, mnist_dir, mnist):
    for name in list(rnn_mnist.SHA256)[unzipped]:
        contents = gzip.decompress((mnist_dir / name).read_bytes())
        (mnist_dir / name).unlink()
        (mnist_dir / (name[:-len('.gz')] + ending)).write_bytes(contents)
    before = files(mnist_dir)
    same = read_data_sets(str(mnist_dir), one_hot=True, seed=0)
    for part, other in zip(mnist, same):
        for one, another in zip(part.next_batch(100), other.next_batch(100)):
            np.testing.assert_array_equal(one, another)
    assert files(mnist_dir) == before


def test_the_gz_name_goes_before_the_other_where_both_are_there(mnist_dir, mnist):
    for name in rnn_mnist.SHA256:
        (mnist_dir / name[:-len('.gz')]).write_bytes(b'something else')
    same = read_data_sets(str(mnist_dir), one_hot=True)
    np.testing.assert_array_equal(same.train.images, mnist.train.images)


# ------------------------------------------------------------------------------ generated digits

def test_generated_digits_have_the_sizes_and_dtypes_of_mnist():
    digits = generated_data_sets()
    assert [part.num_examples for part in digits] == [55000, 5000, 10000]
    images, labels = digits.test.next_batch(10000)
    assert images.dtype == np.float32 and images.shape == (10000, 784)
    assert images.min() == 0 and images.max() == 1
    assert labels.dtype == np.uint8 and sorted(set(labels)) == list(range(10))


def test_generated_digits_are_the_same_everywhere_whatever_the_seed():
    checksum = hashlib.sha256()
    for part in generated_data_sets(seed=5):
        checksum.update(np.rint(part.images * 255).astype(np.uint8).tobytes())
        checksum.update(part.labels.tobytes())
    assert checksum.hexdigest() == (
        '131d8e16e1d0c5a07b3d319122f7f2381461eede8707de6bd941ef0c742fee65')


def test_the_seed_is_for_the_order_of_the_generated_digits():
    one, same, other = [generated_data_sets(seed=seed).train.next_batch(9)[0] for seed in [0, 0, 1]]
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_the_network_learns_the_generated_digits(a_run):
    assert printed_test_accuracy(a_run[1]) > 0.5  # by chance: 0.1
