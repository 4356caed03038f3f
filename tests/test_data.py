"""Tests the data: file names, batches, damaged files, downloads, and generated digits."""
import concurrent.futures
import gzip
import hashlib
import http.server
import itertools
import os
import re
import socket
import ssl
import threading

import numpy as np
import pytest
from helpers import files, full_disk, numbers
from rnn_mnist import DataSet, MIRRORS, generated_data_sets, read_data_sets
import rnn_mnist
from tf1_reference.given import idx, write_files

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = NAMES = list(rnn_mnist.SHA256)
DIGITS, LABELS = np.zeros([170, 28, 28], np.uint8), np.zeros([170], np.uint8)


def error_of(run):
    """Checks that a run failed with empty stdout; returns the message from stderr's last line."""
    status, out, err = run
    before, message = err.splitlines()[-1].split('rnn_mnist.py: error: ')
    assert status == 1 and out == before == '' and 'Traceback' not in err
    return message


# ------------------------------------------------------------------------------ files and batches

def test_first_training_images_are_for_validation(mnist):
    assert numbers(mnist.validation.images) == list(range(20))
    assert numbers(mnist.train.images) == list(range(20, 170))
    assert numbers(mnist.test.images) == list(range(130))


def test_images_keep_their_order_and_their_labels_while_batches_are_shuffled(mnist):
    images, labels = mnist.train.next_batch(150)
    assert numbers(images) != list(range(20, 170))
    order = np.argsort(numbers(images))
    np.testing.assert_array_equal(images[order], mnist.train.images)
    np.testing.assert_array_equal(labels[order], mnist.train.labels)


def test_images_and_labels_can_be_written_to(mnist_dir):
    train = read_data_sets('MNIST_data').train
    train.images[:] = 0.5
    train.labels[:] = 7
    images, labels = train.next_batch(9)
    assert (images == 0.5).all() and (labels == 7).all()


def test_labels_are_those_in_the_file_one_hot_or_not(mnist_dir, mnist):
    in_file = np.frombuffer(gzip.decompress((mnist_dir / TEST_LABELS).read_bytes())[8:], np.uint8)
    np.testing.assert_array_equal(read_data_sets('MNIST_data').test.labels, in_file)
    np.testing.assert_array_equal(mnist.test.labels, np.eye(10)[in_file])


def test_a_batch_may_span_several_epochs_or_be_empty(mnist):
    order = numbers(mnist.validation.next_batch(50)[0])
    assert sorted(order[:20]) == sorted(order[20:40]) == list(range(20)) and len(order) == 50
    assert mnist.validation.epochs_completed == 2
    nothing = DataSet(DIGITS[:0], LABELS[:0], None, one_hot=True)
    assert [array.shape for array in nothing.next_batch(3)] == [(0, 784), (0, 10)]


@pytest.mark.parametrize('dash, end, folder, unpack', itertools.product(
    '-.', ['.gz', ''], [False, True], [bytes, gzip.decompress]))
def test_files_are_found_by_any_of_their_usual_names_and_may_be_unpacked(
        dash, end, folder, unpack, mnist_dir, mnist):
    for path in [mnist_dir / name for name in NAMES[1:]]:  # the first file keeps its name
        contents = unpack(path.read_bytes())
        path.unlink()
        path = mnist_dir / path.name.replace('-idx', dash + 'idx').replace('.gz', end)
        if folder:
            path.mkdir()
            path = path / path.name
        path.write_bytes(contents)
    same = read_data_sets('MNIST_data', one_hot=True, seed=0)
    np.testing.assert_equal([part.next_batch(100) for part in same],
                            [part.next_batch(100) for part in mnist])


def test_gz_file_takes_precedence(mnist_dir):
    for name in NAMES:
        (mnist_dir / name[:-len('.gz')]).write_bytes(b'something else')
        (mnist_dir / name.replace('-idx', '.idx')).write_bytes(b'something else')
    assert numbers(read_data_sets('MNIST_data').train.images) == list(range(20, 170))


@pytest.mark.parametrize('train, test', [(1, 130), (150, 1)])
def test_one_image_for_training_or_for_testing_is_enough(train, test, mnist_dir, run):
    write_files(mnist_dir, 20 + train, test)
    status, out, _ = run('--data-dir', mnist_dir)
    assert status == 0 and 'on {} test images'.format(test) in out


# ---------------------------------------------------------------------------------- damaged files

BAD = [
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS))[:-20], 'cannot be read: Compressed file ended'),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS))[:10] + b'\xff' * 80, 'cannot be read: Error -3'),
    (TRAIN_IMAGES, b'<html>Login', 'got header [1013478509, 1816022127, 1734962688, 0]'),
    (TRAIN_IMAGES, b'', 'expected header [2051, 0, 28, 28] plus 0 bytes, got header [0, 0, 0, 0]'),
    (TRAIN_IMAGES, gzip.compress(b'\1' + idx(DIGITS)[1:]), 'got header [16779267, 170, 28, 28]'),
    (TRAIN_IMAGES, idx(DIGITS.reshape([170, 14, 56])), 'got header [2051, 170, 14, 56]'),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS) + b'!'), 'plus 133281 bytes'),
    (TRAIN_IMAGES, idx(DIGITS)[:-1], '133280 bytes, got header [2051, 170, 28, 28] plus 133279'),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS[:20])), 'expected 21 or more images'),
    (TRAIN_LABELS, gzip.compress(idx(LABELS + 10)), '170 labels up to 10'),
    (TRAIN_LABELS, gzip.compress(idx(LABELS[1:])), 'got 170 images and 169 labels'),
    (TEST_IMAGES, gzip.compress(idx(DIGITS[:0])), 'expected 1 or more images'),
    (TEST_LABELS, idx(LABELS), 'got 130 images and 170 labels')]


@pytest.mark.parametrize('name, contents, words', BAD, ids=[words for _, _, words in BAD])
def test_damaged_file_is_reported_in_one_line_and_left_alone(name, contents, words, mnist_dir, run):
    (mnist_dir / name).write_bytes(contents)
    before = files(mnist_dir)
    error = error_of(run('--data-dir', mnist_dir))
    assert str(mnist_dir / name) in error and words in error
    assert 'move or delete the file' in error and '--data-dir' in error
    assert files(mnist_dir) == before


# -------------------------------------------------------------------------------------- downloads

OK = b'HTTP/1.0 200 OK\r\n'
BAD_MIRRORS = {  # each mirror's answer and the words for it in the error message
    'half': (OK + b'Content-Length: 9\r\n\r\nhalf', 'IncompleteRead'),
    'cut': (OK + b'\r\n' + gzip.compress(b'cut')[:-1], 'Compressed file ended'),
    'login': (OK + b'\r\n<html>Log in</html>', 'Not a gzip'),
    'corrupt': (OK + b'\r\n' + gzip.compress(b'x')[:10] + b'\xff' * 80, 'Error -3'),
    'other': (OK + b'\r\n' + gzip.compress(b'other'), 'got another file'),
    'silent': (b'', 'timed out'),
    'missing': (b'HTTP/1.0 404 Not Found\r\n\r\n', 'HTTP Error 404')}


class Mirrors(http.server.BaseHTTPRequestHandler):
    """Simulates good and bad mirrors, told apart by the first folder in the path."""

    def do_GET(self):
        _, mirror, name = self.path.split('/')
        self.server.requests.append((mirror, name))
        self.server.before_answer(name)
        if mirror == 'silent':
            self.rfile.read()  # returns when the client has given up
        if mirror == 'first' and name != TRAIN_IMAGES:
            mirror = 'missing'
        good = OK + b'\r\n' + self.server.contents[name]
        self.wfile.write(BAD_MIRRORS.get(mirror, [good])[0])


@pytest.fixture
def mirrors(mnist_dir, monkeypatch):
    """Serves the files of `mnist_dir` as MNIST's; `mirrors('a', 'b')` selects mirrors a and b."""
    def mirrors(*names):
        monkeypatch.setattr(rnn_mnist, 'MIRRORS', [
            'http://127.0.0.1:{}/{}/'.format(server.server_port, name) for name in names])
        return server
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Mirrors) as server:
        server.contents, server.requests = files(mnist_dir), []
        server.before_answer = lambda name: None
        monkeypatch.setattr(rnn_mnist, 'SHA256', {
            name: hashlib.sha256(gzip.decompress(server.contents[name])).hexdigest()
            for name in NAMES})
        threading.Thread(target=server.serve_forever, args=[0.01]).start()
        yield mirrors
        server.shutdown()


def test_each_bad_mirror_is_asked_once_and_the_error_says_what_it_did(mirrors, monkeypatch, run):
    server = mirrors(*BAD_MIRRORS)
    rnn_mnist.MIRRORS.append('http://elsewhere/')
    monkeypatch.setenv('http_proxy', 'http://.impossible:80')  # ValueError: an empty label
    monkeypatch.setattr(rnn_mnist, 'TIMEOUT', 1)  # for the silent one; plenty for the others
    error = error_of(run('--data', 'mnist', '--data-dir', 'new'))
    assert all(words in error for _, words in BAD_MIRRORS.values()) and 'label' in error
    assert all(name in error for name in NAMES) and error.endswith('into new')
    assert server.requests == [(bad, TRAIN_IMAGES) for bad in BAD_MIRRORS]
    assert os.listdir('new') == [] and 'SSL' not in error


def test_mirror_with_eight_unresponsive_addresses_costs_at_most_30_seconds(monkeypatch):
    waits = []

    def connect(self, address):  # a mock, since real timeouts would take 24 seconds
        waits.append(self.gettimeout())
        raise socket.timeout('timed out')
    monkeypatch.setattr(socket.socket, 'connect', connect)
    monkeypatch.setattr(socket, 'getaddrinfo', lambda *args: [
        (socket.AF_INET, socket.SOCK_STREAM, 6, '', ('127.0.0.1', port)) for port in range(1, 9)])
    monkeypatch.setattr(rnn_mnist, 'MIRRORS', ['http://127.0.0.1/'])
    with pytest.raises(ConnectionError):
        read_data_sets('new')
    assert len(waits) == 8 and sum(waits) <= 30


def test_mirrors_are_on_two_hosts():
    assert len({mirror.split('/')[2] for mirror in MIRRORS}) == 2


def test_next_mirror_is_asked_only_for_what_is_still_missing(mirrors, mnist_dir, tmp_path):
    server = mirrors('first', 'good')
    read_data_sets('new')
    assert server.requests == [('first', TRAIN_IMAGES), ('first', TRAIN_LABELS)] + [
        ('good', name) for name in NAMES[1:]]
    assert files(tmp_path / 'new') == files(mnist_dir)


def test_only_missing_files_are_downloaded_if_the_others_are_from_mnist(mirrors, mnist_dir):
    server = mirrors('good')
    unpacked = gzip.decompress(server.contents[TRAIN_IMAGES])  # still MNIST's own contents
    (mnist_dir / TRAIN_IMAGES).write_bytes(unpacked)
    (mnist_dir / TEST_IMAGES).unlink()
    read_data_sets('MNIST_data')
    read_data_sets('MNIST_data')
    assert server.requests == [('good', TEST_IMAGES)]
    assert files(mnist_dir) == dict(server.contents, **{TRAIN_IMAGES: unpacked})


@pytest.mark.parametrize('contents', [idx(DIGITS), b''], ids=['another data set', 'damaged'])
def test_nothing_is_downloaded_if_any_file_is_not_from_mnist(contents, mirrors, mnist_dir, run):
    server = mirrors('good')
    (mnist_dir / TRAIN_IMAGES).write_bytes(contents)
    (mnist_dir / TEST_IMAGES).unlink()
    before = files(mnist_dir)
    assert str(mnist_dir / TRAIN_IMAGES) in error_of(run('--data-dir', mnist_dir))
    assert server.requests == [] and files(mnist_dir) == before


def test_threads_can_download_at_the_same_time(mirrors, mnist_dir, tmp_path):
    mirrors('good')
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = list(pool.map(read_data_sets, ['new'] * 4))
    assert [result.train.num_examples for result in results] == [150] * 4
    assert files(tmp_path / 'new') == files(mnist_dir)


def test_file_that_the_user_adds_during_the_download_stays(mirrors, tmp_path):
    server = mirrors('good')
    server.before_answer = lambda name: (tmp_path / 'new' / name).write_bytes(b'mine')
    with pytest.raises(ValueError, match='expected'):
        read_data_sets('new')
    assert set(files(tmp_path / 'new').values()) == {b'mine'}


def test_download_leaves_stdout_and_the_default_socket_timeout_alone(mirrors, capsys):
    mirrors('good')
    read_data_sets('new')
    assert capsys.readouterr().out == '' and socket.getdefaulttimeout() is None


def test_error_names_the_remedy_for_a_refused_certificate(monkeypatch, run):
    def refuse(*args):  # a mock, since a real test would need a bad certificate
        raise ssl.SSLError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] failed')
    monkeypatch.setattr(socket.socket, 'connect', refuse)
    monkeypatch.setattr(rnn_mnist, 'MIRRORS', ['https://127.0.0.1/'])
    error = error_of(run('--data', 'mnist', '--data-dir', 'new'))
    assert 'SSL_CERT_FILE' in error and 'python -m certifi' in error


# ---------------------------------------------------------------------- what each failure leads to

def test_script_trains_on_generated_digits_and_says_so_if_all_mirrors_fail(mirrors, run):
    mirrors('missing')
    status, out, err = run('--data-dir', 'new')
    assert status == 0 and 'generated digits, not MNIST' in out.splitlines()[-1]
    notice = ' '.join(line for line in err.splitlines() if line.startswith('NOTICE'))
    assert all(words in notice for words in ['HTTP Error 404', 'GENERATED', *NAMES])


def test_full_disk_during_a_download_is_an_error_even_in_the_default_folder(mirrors, run):
    mirrors('good')
    os.rename('MNIST_data', 'elsewhere')
    with full_disk():
        assert error_of(run()) == 'MNIST_data: File too large'
    assert os.listdir('MNIST_data') == []


def test_unwritable_default_folder_leads_to_generated_digits(read_only, run):
    status, out, err = run()
    assert status == 0 and 'generated digits' in out and "Permission denied: 'MNIST_data'" in err


@pytest.mark.parametrize('options, error', [
    (['--data-dir', 'MNIST_data'], 'MNIST_data: Permission denied'),
    (['--data-dir', '.'], r'\.: Permission denied'),
    (['--data-dir', 'unreadable'], '.*cannot be read: .*Permission denied.*move or delete.*'),
    (['--data', 'mnist'], 'MNIST_data: Permission denied')])
def test_missing_permission_is_an_error_if_the_folder_is_chosen_or_mnist_is_required(
        options, error, read_only, run):
    assert re.fullmatch(error, error_of(run(*options)))


def test_file_in_place_of_the_folder_is_an_error(tmp_path, run):
    (tmp_path / 'file').write_text('mine')
    assert str(tmp_path / 'file') in error_of(run('--data-dir', tmp_path / 'file'))
    assert (tmp_path / 'file').read_text() == 'mine'


def test_generated_digits_need_no_mirror_and_no_folder(mirrors, run):
    server = mirrors('good')
    status, _, _ = run('--data', 'generated')
    assert status == 0 and server.requests == [] and os.listdir('.') == ['MNIST_data']


# ------------------------------------------------------------------------------- generated digits

def test_generated_digits_have_the_form_of_mnist_and_are_the_same_everywhere_and_with_any_seed():
    checksum = hashlib.sha256()
    for part, n in zip(generated_data_sets(seed=5), [55000, 5000, 10000]):
        assert part.images.shape == (n, 784) and part.images.dtype == np.float32
        assert part.labels.shape == (n,) and part.labels.dtype == np.uint8
        checksum.update(np.rint(part.images * 255).astype(np.uint8).tobytes())
        checksum.update(part.labels.tobytes())
    assert checksum.hexdigest() == (
        '131d8e16e1d0c5a07b3d319122f7f2381461eede8707de6bd941ef0c742fee65')


def test_seed_sets_the_order_of_the_generated_digits_in_batches():
    one, same, other = [generated_data_sets(seed=seed).train.next_batch(9)[0] for seed in [0, 0, 1]]
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
