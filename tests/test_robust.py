"""Bad files, bad networks, bad arguments, sudden endings: a sentence, and nothing lost."""
import gzip
import hashlib
import http.server
import os
import signal
import socket
import ssl
import sys
import threading
import urllib.error

import numpy as np
import pytest
from helpers import TOP, ended, files, idx, python
from rnn_mnist import main, read_data_sets, tf
import rnn_mnist

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = rnn_mnist.SHA256
DIGITS, LABELS = np.zeros([170, 28, 28], np.uint8), np.zeros([170], np.uint8)


def run(capsys, *args):
    """The exit status and what is said on stderr by a run that prints no result."""
    try:
        status = main(['--training-iters', '1', *map(str, args)])
    except SystemExit as exit:  # argparse's
        status = exit.code
    out, err = capsys.readouterr()
    assert not out
    return status, err


# --------------------------------------------------------------------------------------- files

BAD = [
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS))[:-20], 'ended before the end'),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS))[:10] + b'\xff' * 80, 'invalid'),
    (TRAIN_IMAGES, b'<html>Log in', 'begins with [1013478509, 1816022127, 1730177390, 0], where'),
    (TRAIN_IMAGES, b'', 'begins with [0, 0, 0, 0], where [2051, 0, 28, 28] is due'),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS)[:10]), 'begins with [2051, 170, 0, 0], where'),
    (TRAIN_IMAGES, gzip.compress(b'\1' + idx(DIGITS)[1:]), 'begins with [16779267, 170, 28, 28]'),
    (TRAIN_IMAGES, gzip.compress(idx(LABELS)), 'begins with [2049, 170, 0, 0], where [2051, 170, '),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS[:, 1:])), 'begins with [2051, 170, 27, 28], where'),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS) + b'!'), 'has 133281 bytes of data, where 133280'),
    (TRAIN_IMAGES, idx(DIGITS)[:-1], 'has 133279 bytes of data, where 133280 are due'),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS[:0])), 'has 0 images and'),
    (TRAIN_LABELS, gzip.compress(idx(LABELS + 10)), 'has a label 10, where 9 is the highest'),
    (TRAIN_LABELS, gzip.compress(idx(LABELS[1:])), '169 labels'),
    (TEST_LABELS, idx(LABELS), '170 labels'),
]


@pytest.mark.parametrize('name, contents, words', BAD, ids=[words for _, _, words in BAD])
def test_a_bad_file_is_refused_in_a_sentence_and_left_as_it_is(
        name, contents, words, mnist_dir, capsys):
    (mnist_dir / name).write_bytes(contents)
    before = files(mnist_dir)
    status, err = run(capsys, '--data-dir', mnist_dir)
    assert status == 1
    _, sentence = err.splitlines()  # the first line is "Reading MNIST ..."
    assert str(mnist_dir / name) in sentence and words in sentence
    assert 'move the file away' in sentence and '--data-dir' in sentence
    assert files(mnist_dir) == before


def test_a_bad_file_without_gz_is_refused_under_its_own_name(mnist_dir, capsys):
    (mnist_dir / TEST_LABELS).rename(mnist_dir / 't10k-labels-idx1-ubyte')
    (mnist_dir / 't10k-labels-idx1-ubyte').write_bytes(b'')
    status, err = run(capsys, '--data-dir', mnist_dir)
    assert status == 1 and 't10k-labels-idx1-ubyte begins with' in err


def test_too_few_images_for_the_split_and_a_batch_are_refused(mnist_dir, monkeypatch, capsys):
    monkeypatch.setattr(rnn_mnist, 'VALIDATION_SIZE', 43)
    status, err = run(capsys, '--data-dir', mnist_dir)
    assert status == 1 and '170 images' in err and '171 or more' in err


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


def denied(path, *args, **parameters):
    raise PermissionError(13, 'Permission denied', str(path))


def test_a_file_without_permission_is_refused(mnist_dir, monkeypatch, capsys):
    monkeypatch.setattr(rnn_mnist, 'open', denied, raising=False)  # chmod would not stop root
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
        elif mirror == 'missing' or mirror == 'first' and name != TRAIN_IMAGES:
            self.send_error(404)
        else:
            self.send_response(200)
            if mirror == 'half':
                self.send_header('Content-Length', str(len(contents)))
            self.end_headers()
            self.wfile.write({'half': contents[:99], 'cut': contents[:99],
                              'login': b'<html>Log in</html>'}.get(mirror, contents))

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

    def use(*names):
        monkeypatch.setattr(rnn_mnist, 'MIRRORS', [
            'http://127.0.0.1:{}/{}/'.format(server.server_port, name) for name in names])
        return server.requests
    yield use
    server.stopped.set()
    server.shutdown()
    server.server_close()


BAD_MIRRORS = pytest.mark.parametrize('bad, said', [
    ('missing', 'HTTP Error 404'), ('half', 'sent 99 bytes'), ('cut', 'sent 99 bytes'),
    ('login', 'sent 19 bytes'), ('silent', 'timed out')])


@BAD_MIRRORS
def test_a_bad_mirror_means_the_next_and_is_not_asked_again(
        bad, said, mirrors, mnist_dir, tmp_path, monkeypatch, capsys):
    requests = mirrors(bad, 'good')
    monkeypatch.setattr(rnn_mnist, 'TIMEOUT', 1)  # for silence, and enough for what is not
    read_data_sets(str(tmp_path / 'new'))
    assert requests == [(bad, TRAIN_IMAGES)] + [('good', name) for name in rnn_mnist.SHA256]
    assert files(tmp_path / 'new') == files(mnist_dir)
    assert capsys.readouterr().out == ''


@BAD_MIRRORS
def test_when_all_mirrors_fail_it_is_told_what_each_said(
        bad, said, mirrors, tmp_path, monkeypatch, capsys):
    mirrors(bad, 'missing')
    monkeypatch.setattr(rnn_mnist, 'TIMEOUT', 0.1)
    status, err = run(capsys, '--data', 'mnist', '--data-dir', tmp_path / 'new')
    sentence = err.splitlines()[-1]
    assert status == 1 and said in sentence and 'HTTP Error 404' in sentence
    assert all(name in sentence for name in rnn_mnist.SHA256)
    assert files(tmp_path / 'new') == {}


def test_what_one_mirror_has_sent_is_not_asked_of_the_next(mirrors, mnist_dir, tmp_path):
    requests = mirrors('first', 'good')
    read_data_sets(str(tmp_path / 'new'))
    assert requests == [('first', TRAIN_IMAGES), ('first', TRAIN_LABELS)] + [
        ('good', name) for name in [TRAIN_LABELS, TEST_IMAGES, TEST_LABELS]]
    assert files(tmp_path / 'new') == files(mnist_dir)


def test_a_second_run_downloads_nothing_and_a_first_only_what_is_missing(mirrors, tmp_path):
    requests = mirrors('good')
    read_data_sets(str(tmp_path / 'new'))
    read_data_sets(str(tmp_path / 'new'))
    assert requests == [('good', name) for name in rnn_mnist.SHA256]
    (tmp_path / 'new' / TEST_IMAGES).unlink()
    read_data_sets(str(tmp_path / 'new'))
    assert requests[4:] == [('good', TEST_IMAGES)]


@pytest.mark.parametrize('mirror', ['good', 'missing'])
def test_the_time_out_of_other_sockets_is_put_back(mirror, mirrors, tmp_path):
    mirrors(mirror)
    socket.setdefaulttimeout(77)
    try:
        read_data_sets(str(tmp_path / 'new'))
    except ConnectionError:
        assert mirror == 'missing'
    assert socket.getdefaulttimeout() == 77
    socket.setdefaulttimeout(None)


def test_a_certificate_that_cannot_be_verified_gets_its_cure_named(tmp_path, monkeypatch, capsys):
    def get_file(name, origin, **parameters):  # as Keras does
        try:
            raise urllib.error.URLError(ssl.SSLError(
                1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed'))
        except urllib.error.URLError as error:
            raise Exception('URL fetch failure on {}: {}'.format(origin, error.errno))
    monkeypatch.setattr(tf.keras.utils, 'get_file', get_file)
    status, err = run(capsys, '--data', 'mnist', '--data-dir', tmp_path / 'new')
    assert status == 1 and 'CERTIFICATE_VERIFY_FAILED' in err
    assert 'SSL_CERT_FILE' in err and 'python -m certifi' in err


A_RUN = """
import sys
sys.path.insert(0, {top!r})
import rnn_mnist
rnn_mnist.MIRRORS, rnn_mnist.SHA256, rnn_mnist.VALIDATION_SIZE = {mirrors!r}, {sha256!r}, 20
print(rnn_mnist.read_data_sets({folder!r}).train.num_examples)
"""


def test_three_runs_at_once_all_end_well(mirrors, mnist_dir, tmp_path):
    mirrors('good')
    run = A_RUN.format(top=TOP, mirrors=rnn_mnist.MIRRORS, sha256=rnn_mnist.SHA256,
                       folder=str(tmp_path / 'new'))
    for process in [python('-c', run) for _ in range(3)]:
        status, out, err = ended(process)
        assert (status, out) == (0, '150\n'), err
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
    with pytest.raises(ValueError, match='begins with'):
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


# ----------------------------------------------------------------------------------- arguments

@pytest.mark.parametrize('arguments', [
    ['--training-iters', '0'], ['--training-iters', 'many'], ['--training-iters', '1.5'],
    ['--seed', '-1'], ['--seed', '4294967296'], ['--data', 'letters'], ['--epochs', '3']])
def test_a_bad_argument_gets_argparses_answer(arguments, capsys):
    status, err = run(capsys, *arguments)
    assert status == 2 and 'rnn_mnist.py: error: ' in err and arguments[0] in err


@pytest.mark.parametrize('place', ['', '.', 'nowhere/trained', 'file/trained', os.devnull])
def test_a_place_that_cannot_be_saved_to_is_refused_before_the_first_step(
        place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'file').write_bytes(b'mine')
    status, err = run(capsys, '--save', place)
    assert status == 2 and 'argument --save: ' in err
    with pytest.raises(OSError):
        rnn_mnist.train(None, save=place)
    assert files(tmp_path) == {'file': b'mine'}


def test_a_file_that_is_protected_is_not_replaced(tmp_path, monkeypatch, capsys):
    (tmp_path / 'file').write_bytes(b'mine')
    monkeypatch.setattr(os, 'access', lambda path, mode: False)  # chmod would not stop root
    status, err = run(capsys, '--save', tmp_path / 'file')
    assert status == 2 and 'argument --save: ' in err and str(tmp_path / 'file') in err


# ------------------------------------------------------------------------------------- endings

def test_whoever_reads_the_lines_may_leave_at_any_of_them():
    """Here before the last of two lines, and among many: exit status 1, not a word."""
    processes = [python('rnn_mnist.py', '--data', 'generated', '--training-iters', iters)
                 for iters in [1, 1000000]]
    for process in processes:
        assert process.stdout.readline().startswith('step ')
        process.stdout.close()
    for process in processes:
        assert process.stderr.read().endswith('Generating digits ...\n')
        assert process.wait() == 1
        process.stdin.close()
        process.stderr.close()


def test_a_folders_name_that_the_output_cannot_spell_is_escaped(tmp_path):
    folder = tmp_path / 'MNIST_\u6570'
    folder.mkdir()
    for name, n in zip(rnn_mnist.SHA256, [5128, 5128, 1, 1]):
        array = np.zeros([n, 28, 28] if 'images' in name else [n], np.uint8)
        (folder / name).write_bytes(gzip.compress(idx(array), 1))
    status, out, err = ended(python('rnn_mnist.py', '--data-dir', folder, '--training-iters', 1,
                                    env={'PYTHONIOENCODING': 'ascii'}))
    assert status == 0 and 'MNIST_\\u6570' in out, err


def test_a_full_disk_is_named_and_ends_it(monkeypatch, capsys):
    def full(*args, **options):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(rnn_mnist, 'train', full)
    status, err = run(capsys, '--data', 'generated')
    assert status == 1 and err.endswith(
        'rnn_mnist.py: error: [Errno 28] No space left on device\n')


def test_ctrl_c_stops_it_with_status_130_and_leaves_the_older_file_as_it_was(tmp_path):
    file = tmp_path / 'new' / 'trained'
    file.parent.mkdir()
    file.write_bytes(b'older')
    process = python('rnn_mnist.py', '--data', 'generated', '--save', file)
    assert process.stdout.readline().startswith('step ')
    process.send_signal(signal.SIGINT)
    status, _, err = ended(process)
    assert status == 130 and err.endswith('Generating digits ...\nrnn_mnist.py: stopped\n')
    assert files(file.parent) == {'trained': b'older'}


def test_ctrl_c_before_the_training_exits_130_too(monkeypatch, capsys):
    def interrupted(**parameters):
        raise KeyboardInterrupt
    monkeypatch.setattr(rnn_mnist, 'generated_data_sets', interrupted)
    status, err = run(capsys, '--data', 'generated')
    assert status == 130 and err == 'Generating digits ...\nrnn_mnist.py: stopped\n'


@pytest.fixture
def ctrl_c_in_import(tmp_path):
    """An environment where Ctrl-C is pressed just while TensorFlow is imported."""
    (tmp_path / 'tensorflow.py').write_text('raise KeyboardInterrupt')
    return {'PYTHONPATH': str(tmp_path)}


def test_ctrl_c_in_the_import_of_the_command_exits_130(ctrl_c_in_import):
    assert ended(python('rnn_mnist.py', env=ctrl_c_in_import)) == (
        130, '', 'Starting TensorFlow ...\n')


def test_ctrl_c_in_the_import_at_a_prompt_leaves_the_prompt_alive(ctrl_c_in_import):
    status, out, err = ended(python('-c', 'import code; code.interact()', env=ctrl_c_in_import),
                             'import rnn_mnist\nprint("alive")\n')
    assert status == 0 and 'alive' in out and 'KeyboardInterrupt' in err


@pytest.mark.parametrize('module', ['tensorflow', 'tf_keras'])
def test_a_missing_package_is_named_with_the_pip_command_and_the_pythons(module):
    status, out, err = ended(python(
        '-c', 'import sys, runpy; sys.modules[{!r}] = None; '
        'runpy.run_path("rnn_mnist.py", run_name="__main__")'.format(module)))
    assert status == 1 and out == '' and 'Traceback' not in err
    sentence = err.splitlines()[-1]
    assert 'python -m pip install tensorflow tf-keras numpy' in sentence
    assert 'Python 3.10 to 3.13' in sentence and 'restart the kernel' in sentence


def test_at_a_prompt_a_missing_package_is_an_import_error_with_one_traceback():
    _, _, err = ended(python(
        '-c', 'import sys; sys.modules["tensorflow"] = None; import rnn_mnist'))
    assert err.count('Traceback') == 1 and err.splitlines()[-1].startswith('ImportError: ')


def test_a_notebook_that_has_used_keras_3_can_import_it_and_run_it(tmp_path):
    status, out, err = ended(python('-c', '; '.join([
        'import keras, numpy, tensorflow as tf',
        'model = tf.keras.Sequential([tf.keras.layers.Dense(1)])',
        'model.compile(loss="mse")',
        'model.fit(numpy.ones([2, 3]), numpy.ones([2, 1]), verbose=0)',
        'import os, sys; sys.path.insert(0, {!r}); os.chdir({!r})'.format(TOP, str(tmp_path)),
        'import rnn_mnist',
        'assert os.listdir(".") == []',
        'assert rnn_mnist.tf.get_default_graph().get_operations() == []',
        'print(rnn_mnist.main(["--data", "generated", "--training-iters", "1"]))'])))
    assert status == 0, err
    assert out.splitlines()[-1] == '0'
