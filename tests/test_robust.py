"""Bad files, bad networks, bad arguments, sudden endings: a sentence, and nothing lost."""
import gzip
import hashlib
import http.server
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from conftest import idx
from rnn_mnist import main, read_data_sets, tf, train
import rnn_mnist
from test_rnn_mnist import TOP, python

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = rnn_mnist.SHA256
DIGITS, LABELS = np.zeros([170, 28, 28], np.uint8), np.zeros([170], np.uint8)


def run(capsys, *args):
    """The exit status and what is said on stderr by a run that prints no result."""
    try:
        status = main(['--training-iters', '1', *map(str, args)])
    except SystemExit as exit:  # argparse's
        status = exit.code
    out, err = capsys.readouterr()
    assert not out and 'Traceback' not in err
    return status, err


# --------------------------------------------------------------------------------------- files

BAD = [
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS))[:-20], 'ended before the end'),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS))[:10] + b'\xff' * 80, 'invalid'),
    (TRAIN_IMAGES, idx(DIGITS), 'ot a gzipped file'),
    (TRAIN_IMAGES, b'', 'ends within its header'),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS)[:10]), 'ends within its header'),
    (TRAIN_IMAGES, gzip.compress(b'\1' + idx(DIGITS)[1:]), 'begins with 16779267, not 2051'),
    (TRAIN_IMAGES, gzip.compress(idx(LABELS)), 'begins with 2049, not 2051'),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS[:, 1:])), 'images of [27, 28] pixels'),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS) + b'!'), 'has 133281 bytes of data'),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS)[:-1]), 'has 133279 bytes of data'),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS[:0])), '170 labels for the 0 images'),
    (TRAIN_LABELS, gzip.compress(idx(LABELS + 10)), 'has a label 10'),
    (TRAIN_LABELS, gzip.compress(idx(LABELS[1:])), '169 labels for the 170 images'),
    (TEST_LABELS, gzip.compress(idx(LABELS)), '170 labels for the 130 images'),
]


@pytest.mark.parametrize('data', ['auto', 'mnist'])
@pytest.mark.parametrize('name, contents, words', BAD, ids=[words for _, _, words in BAD])
def test_a_bad_file_is_refused_in_a_sentence_and_left_as_it_is(
        name, contents, words, data, mnist_dir, capsys):
    (mnist_dir / name).write_bytes(contents)
    status, err = run(capsys, '--data', data, '--data-dir', mnist_dir)
    assert status == 1
    _, sentence = err.splitlines()  # the first line is "Reading MNIST ..."
    assert str(mnist_dir) in sentence and name in sentence and words in sentence
    assert 'move the file away' in sentence and '--data-dir' in sentence
    assert (mnist_dir / name).read_bytes() == contents


def test_too_few_images_for_the_split_and_a_batch_are_refused(mnist_dir, monkeypatch, capsys):
    monkeypatch.setattr(rnn_mnist, 'VALIDATION_SIZE', 43)
    status, err = run(capsys, '--data-dir', mnist_dir)
    assert status == 1 and '170 images, where at least 171 are needed' in err


def test_a_folder_in_a_files_place_is_refused(mnist_dir, capsys):
    (mnist_dir / TEST_LABELS).unlink()
    (mnist_dir / TEST_LABELS).mkdir()
    status, err = run(capsys, '--data-dir', mnist_dir)
    assert status == 1 and TEST_LABELS in err and 'directory' in err


def test_a_file_in_the_folders_place_is_refused(tmp_path, capsys):
    (tmp_path / 'file').write_text('mine')
    status, err = run(capsys, '--data-dir', tmp_path / 'file')
    assert status == 2 and 'argument --data-dir' in err and 'file' in err
    assert (tmp_path / 'file').read_text() == 'mine'


def denied(*args, **parameters):
    raise PermissionError(13, 'Permission denied', str(args[0]))


def test_a_file_without_permission_is_refused(mnist_dir, monkeypatch, capsys):
    monkeypatch.setattr(gzip, 'open', denied)  # chmod would not stop root
    status, err = run(capsys, '--data-dir', mnist_dir)
    assert status == 1 and 'Permission denied' in err and TRAIN_IMAGES in err


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(os, 'makedirs', denied)
    for argument in ['--data-dir', '--logdir']:
        status, err = run(capsys, argument, tmp_path / 'folder')
        assert status == 2 and 'argument ' + argument in err and 'Permission denied' in err


def test_a_bad_file_is_refused_before_others_are_downloaded(mnist_dir, monkeypatch, capsys):
    monkeypatch.setattr(rnn_mnist, 'MIRRORS', ())
    (mnist_dir / TRAIN_IMAGES).write_bytes(b'')
    (mnist_dir / TEST_LABELS).unlink()
    status, err = run(capsys, '--data-dir', mnist_dir)
    assert status == 1 and TRAIN_IMAGES in err


# ----------------------------------------------------------------------------------- downloads

class Mirrors(http.server.BaseHTTPRequestHandler):
    """Mirrors by the first folder of their path, good and bad."""

    def do_GET(self):
        _, mirror, name = self.path.split('/')
        contents = (self.server.folder / name).read_bytes()
        self.server.requests.append((mirror, name))
        if mirror == 'silent':
            self.server.stopped.wait()
        elif mirror == 'missing':
            self.send_error(404)
        else:
            self.send_response(200)
            if mirror == 'half':
                self.send_header('Content-Length', str(len(contents)))
            self.end_headers()
            self.wfile.write({'good': contents, 'half': contents[:99], 'cut': contents[:99],
                              'login': b'<html>Log in</html>'}[mirror])

    def log_message(self, *args):
        pass


@pytest.fixture
def mirrors(mnist_dir, monkeypatch):
    """Serves `mnist_dir` on 127.0.0.1; `mirrors(a, b)` makes those the script's."""
    class Server(http.server.ThreadingHTTPServer):
        folder, requests, stopped = mnist_dir, [], threading.Event()

    server = Server(('127.0.0.1', 0), Mirrors)
    threading.Thread(target=server.serve_forever, args=[0.01]).start()
    monkeypatch.setattr(rnn_mnist, 'SHA256', {
        name: hashlib.sha256((mnist_dir / name).read_bytes()).hexdigest()
        for name in rnn_mnist.SHA256})
    monkeypatch.setattr(rnn_mnist, 'TIMEOUT', 0.3)

    def use(*names):
        monkeypatch.setattr(rnn_mnist, 'MIRRORS', [
            'http://127.0.0.1:{}/{}/'.format(server.server_port, name) for name in names])
        return server.requests
    yield use
    server.stopped.set()
    server.shutdown()
    server.server_close()


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize('bad, said', [
    ('missing', 'HTTP Error 404'), ('half', 'sent 99 bytes'), ('cut', 'sent 99 bytes'),
    ('login', 'sent 19 bytes'), ('silent', 'timed out')])
def test_a_bad_mirror_means_the_next_and_when_all_fail_what_each_said(
        bad, said, mirrors, mnist_dir, tmp_path, capsys):
    mirrors(bad, 'good')
    mnist = read_data_sets(str(tmp_path / 'new'))
    assert mnist.train.num_examples == 150
    assert files(tmp_path / 'new') == files(mnist_dir)
    assert capsys.readouterr().out == ''

    mirrors(bad, 'missing')
    status, err = run(capsys, '--data', 'mnist', '--data-dir', tmp_path / 'other')
    sentence = err.splitlines()[-1]
    assert status == 1 and said in sentence and 'HTTP Error 404' in sentence
    assert all(name in sentence for name in rnn_mnist.SHA256)
    assert files(tmp_path / 'other') == {}


def test_a_second_run_downloads_nothing_and_a_first_only_what_is_missing(mirrors, tmp_path):
    requests = mirrors('good')
    read_data_sets(str(tmp_path / 'new'))
    read_data_sets(str(tmp_path / 'new'))
    assert requests == [('good', name) for name in rnn_mnist.SHA256]
    (tmp_path / 'new' / TEST_IMAGES).unlink()
    read_data_sets(str(tmp_path / 'new'))
    assert requests[4:] == [('good', TEST_IMAGES)]


def test_three_runs_at_once_all_end_well(mirrors, mnist_dir, tmp_path):
    mirrors('good')
    threads = [threading.Thread(target=read_data_sets, args=[str(tmp_path / 'new')])
               for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files(tmp_path / 'new') == files(mnist_dir)


def test_a_download_is_moved_to_its_name_in_one_step_within_the_folder(
        mirrors, tmp_path, monkeypatch):
    mirrors('good')
    moves, replace = [], os.replace
    monkeypatch.setattr(os, 'replace', lambda *move: moves.append(move) or replace(*move))
    read_data_sets(str(tmp_path / 'new'))
    assert [target for _, target in moves] == [
        str(tmp_path / 'new' / name) for name in rnn_mnist.SHA256]
    assert all(source.startswith(str(tmp_path / 'new')) for source, _ in moves)


def test_a_file_that_the_user_puts_there_during_the_download_stays(
        mirrors, tmp_path, monkeypatch):
    mirrors('good')
    get_file = tf.keras.utils.get_file

    def slow_get_file(name, *args, **parameters):
        (tmp_path / 'new' / name).write_bytes(b'mine')
        return get_file(name, *args, **parameters)
    monkeypatch.setattr(tf.keras.utils, 'get_file', slow_get_file)
    with pytest.raises(ValueError, match='ot a gzipped file'):
        read_data_sets(str(tmp_path / 'new'))
    assert set(files(tmp_path / 'new').values()) == {b'mine'}


def test_without_a_network_auto_goes_on_with_generated_digits_and_says_so(
        mirrors, tmp_path, capsys):
    mirrors('missing')
    assert main(['--training-iters', '1', '--data-dir', str(tmp_path / 'new')]) == 0
    out, err = capsys.readouterr()
    assert 'generated' in out.splitlines()[-1]
    notice = ' '.join(line for line in err.splitlines() if line.startswith('NOTICE'))
    assert 'HTTP Error 404' in notice and 'GENERATED' in notice
    assert all(name in notice for name in rnn_mnist.SHA256)


def test_generated_data_asks_no_mirror(mirrors, tmp_path, monkeypatch):
    requests = mirrors('good')
    monkeypatch.chdir(tmp_path)
    assert main(['--training-iters', '1', '--data', 'generated']) == 0
    assert requests == [] and sorted(os.listdir('.')) == ['MNIST_data']


# ------------------------------------------------------------------------------- arguments, logs

@pytest.mark.parametrize('arguments', [
    ['--training-iters', '0'], ['--training-iters', 'many'], ['--training-iters', '1.5'],
    ['--seed', '-1'], ['--seed', '4294967296'], ['--data', 'letters'], ['--epochs', '3']])
def test_a_bad_argument_gets_argparses_answer(arguments, capsys):
    status, err = run(capsys, *arguments)
    assert status == 2 and 'rnn_mnist.py: error: ' in err and arguments[0] in err


def test_logdir_gets_the_graph_and_scalars_and_the_graph_stays_as_it_is(
        graph, mnist_dir, tmp_path, capsys):
    mnist = read_data_sets(str(mnist_dir), one_hot=True)
    with tf.Graph().as_default():
        rnn_mnist.build_graph()
        nodes = tf.get_default_graph().as_graph_def().node
    accuracy = train(mnist, training_iters=21 * 128, logdir=str(tmp_path / 'log'))
    events = [event for path in (tmp_path / 'log').iterdir()
              for event in tf.train.summary_iterator(str(path))]
    logged = tf.GraphDef.FromString(next(e.graph_def for e in events if e.graph_def))
    assert [n.name for n in logged.node] == [n.name for n in nodes]
    scalars = {(event.step, value.tag): value.simple_value
               for event in events for value in event.summary.value}
    assert set(scalars) == {(0, 'accuracy'), (0, 'cost'), (20, 'accuracy'), (20, 'cost'),
                            (21, 'test_accuracy')}
    assert scalars[21, 'test_accuracy'] == pytest.approx(accuracy)
    printed = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert printed == pytest.approx([scalars[0, 'accuracy'], scalars[20, 'accuracy']], abs=5e-5)


# ------------------------------------------------------------------------------------- endings

def test_ctrl_c_says_at_which_step_it_stopped_and_exits_130(monkeypatch, capsys):
    next_batch = rnn_mnist.DataSet.next_batch
    calls = iter(range(3))

    def interrupted(self, batch_size):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return next_batch(self, batch_size)
    monkeypatch.setattr(rnn_mnist.DataSet, 'next_batch', interrupted)
    assert main(['--data', 'generated']) == 130
    assert 'stopped at step 2 of 7813' in capsys.readouterr().err


def test_ctrl_c_before_the_training_exits_130_too(monkeypatch, capsys):
    def interrupted(**parameters):
        raise KeyboardInterrupt
    monkeypatch.setattr(rnn_mnist, 'generated_data_sets', interrupted)
    status, err = run(capsys, '--data', 'generated')
    assert status == 130 and 'stopped before the first step' in err


def test_a_closed_pipe_ends_it_quietly():
    process = subprocess.Popen(
        [sys.executable, 'rnn_mnist.py', '--data', 'generated'], cwd=TOP,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    assert process.stdout.readline().startswith('step    0/7813')  # as soon as it is known
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 1
    assert 'Traceback' not in said and 'BrokenPipe' not in said


@pytest.mark.parametrize('module', ['tensorflow', 'tf_keras'])
def test_a_missing_package_is_named_with_the_pip_command(module):
    run = python('-c', 'import sys, runpy; sys.modules[{!r}] = None; '
                 'runpy.run_path("rnn_mnist.py", run_name="__main__")'.format(module))
    assert run.returncode == 1 and run.stdout == '' and 'Traceback' not in run.stderr
    assert 'python -m pip install tensorflow tf-keras numpy' in run.stderr.splitlines()[-1]


def test_a_notebook_that_has_used_keras_3_can_import_it_and_run_it(tmp_path):
    run = python('-c', '; '.join([
        'import keras, numpy, tensorflow as tf',
        'model = tf.keras.Sequential([tf.keras.layers.Dense(1)])',
        'model.compile(loss="mse")',
        'model.fit(numpy.ones([2, 3]), numpy.ones([2, 1]), verbose=0)',
        'import os, sys; sys.path.insert(0, {!r}); os.chdir({!r})'.format(TOP, str(tmp_path)),
        'import rnn_mnist',
        'assert os.listdir(".") == []',
        'assert rnn_mnist.tf.get_default_graph().get_operations() == []',
        'print(rnn_mnist.main(["--data", "generated", "--training-iters", "1"]))']))
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == '0'
