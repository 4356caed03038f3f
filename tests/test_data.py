"""Tests the data: file names, batches, damaged files, downloads, and generated digits."""
import concurrent.futures
import gzip
import hashlib
import http.server
import itertools
import os
import socket
import ssl
import threading
import urllib.error
import urllib.parse
import urllib.request

import numpy as np
import pytest
from helpers import files, full_disk, numbers
from rnn_mnist import DataSet, MIRRORS, generated_data_sets, read_data_sets
import rnn_mnist
from tf1_reference.given import idx

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = NAMES = list(rnn_mnist.SHA256)
DIGITS, LABELS = np.zeros([170, 28, 28], np.uint8), np.zeros([170], np.uint8)


# ------------------------------------------------------------------------------ files and batches

def test_first_training_images_are_for_validation(mnist):
    assert numbers(mnist.validation.images) == list(range(20))
    assert numbers(mnist.train.images) == list(range(20, 170))
    assert numbers(mnist.test.images) == list(range(130))


def test_images_keep_their_order_and_their_labels_while_batches_are_shuffled(mnist):
    images, labels = mnist.train.images.copy(), mnist.train.labels.copy()
    batch_xs, batch_ys = mnist.train.next_batch(150)
    assert numbers(batch_xs) != numbers(images)
    order = np.argsort(numbers(batch_xs))
    np.testing.assert_array_equal(batch_xs[order], images)
    np.testing.assert_array_equal(batch_ys[order], labels)
    np.testing.assert_array_equal(mnist.train.images, images)


def test_images_and_labels_can_be_written_to(mnist_dir):
    train = read_data_sets(str(mnist_dir)).train
    train.images[:] = 0.5
    train.labels[:] = 7
    images, labels = train.next_batch(9)
    assert (images == 0.5).all() and (labels == 7).all()


def test_labels_are_those_in_the_file_one_hot_or_not(mnist_dir, mnist):
    in_file = np.frombuffer(gzip.decompress((mnist_dir / TEST_LABELS).read_bytes())[8:], np.uint8)
    np.testing.assert_array_equal(read_data_sets(str(mnist_dir)).test.labels, in_file)
    np.testing.assert_array_equal(mnist.test.labels, np.eye(10)[in_file])


def test_a_batch_may_span_several_epochs_or_be_empty(mnist):
    images, _ = mnist.validation.next_batch(50)
    first, second, rest = np.split(np.array(numbers(images)), [20, 40])
    assert sorted(first) == sorted(second) == list(range(20)) and len(rest) == 10
    assert mnist.validation.epochs_completed == 2
    nothing = DataSet(DIGITS[:0], LABELS[:0], None, one_hot=True)
    assert [array.shape for array in nothing.next_batch(3)] == [(0, 784), (0, 10)]


def test_tilde_is_the_home_folder_at_a_prompt_too(mnist_dir, monkeypatch):
    monkeypatch.setenv('HOME', str(mnist_dir.parent))
    monkeypatch.setenv('USERPROFILE', str(mnist_dir.parent))
    assert read_data_sets('~/MNIST_data').train.num_examples == 150


def rename(path, dash='-', gz=True, folder=False):
    """Renames one of the four files, unpacks it, or moves it into a folder of the same name."""
    contents = path.read_bytes() if gz else gzip.decompress(path.read_bytes())
    path.unlink()
    path = path.parent / path.name.replace('-idx', dash + 'idx')[:None if gz else -3]
    if folder:
        path.mkdir()
        path = path / path.name
    path.write_bytes(contents)


@pytest.mark.parametrize('dash, gz, folder', itertools.product('-.', [True, False], [False, True]))
def test_files_are_found_by_any_of_their_usual_names(dash, gz, folder, mnist_dir, mnist):
    for name in NAMES[1:]:  # the first file keeps its name, so the names are mixed
        rename(mnist_dir / name, dash, gz, folder)
    same = read_data_sets(str(mnist_dir), one_hot=True, seed=0)
    for part, other in zip(mnist, same):
        for one, another in zip(part.next_batch(100), other.next_batch(100)):
            np.testing.assert_array_equal(one, another)


def test_file_that_a_browser_unpacked_may_still_be_called_gz(mnist_dir, mnist):
    path = mnist_dir / TEST_IMAGES
    path.write_bytes(gzip.decompress(path.read_bytes()))
    assert numbers(read_data_sets(str(mnist_dir)).test.images) == list(range(130))


def test_gz_file_takes_precedence(mnist_dir, mnist):
    for name in NAMES:
        (mnist_dir / name[:-len('.gz')]).write_bytes(b'something else')
        (mnist_dir / name.replace('-idx', '.idx')).write_bytes(b'something else')
    np.testing.assert_array_equal(
        read_data_sets(str(mnist_dir)).train.images, mnist.train.images)


@pytest.mark.parametrize('train, test', [(1, 130), (150, 1)])
def test_one_image_for_training_or_for_testing_is_enough(train, test, mnist_dir, run):
    for name, array in zip(NAMES, [DIGITS[:20 + train], LABELS[:20 + train],
                                   DIGITS[:test], LABELS[:test]]):
        (mnist_dir / name).write_bytes(idx(array))
    status, out, _ = run('--data-dir', mnist_dir)
    assert status == 0 and 'on {} test images'.format(test) in out


# ---------------------------------------------------------------------------------- damaged files

BAD = [
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS))[:-20], 'cannot be read: Compressed file ended'),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS))[:10] + b'\xff' * 80, 'cannot be read: Error -3'),
    (TRAIN_IMAGES, b'<html>Log in', 'got header [1013478509, 1816022127, 1730177390, 0]'),
    (TRAIN_IMAGES, b'', 'expected header [2051, 0, 28, 28] and 0 bytes, got header [0, 0, 0, 0]'),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS)[:10]), 'got header [2051, 170, 0, 0] and 0 bytes'),
    (TRAIN_IMAGES, gzip.compress(b'\1' + idx(DIGITS)[1:]), 'got header [16779267, 170, 28, 28]'),
    (TRAIN_IMAGES, gzip.compress(idx(LABELS)), 'expected header [2051, 170, 28, 28] and'),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS[:, 1:])), 'got header [2051, 170, 27, 28]'),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS) + b'!'), 'and 133281 bytes'),
    (TRAIN_IMAGES, idx(DIGITS)[:-1], '133280 bytes, got header [2051, 170, 28, 28] and 133279'),
    (TRAIN_IMAGES, gzip.compress(idx(DIGITS[:20])), 'expected 21 or more images'),
    (TRAIN_LABELS, gzip.compress(idx(LABELS + 10)), '170 labels up to 10'),
    (TRAIN_LABELS, gzip.compress(idx(LABELS[1:])), 'got 170 images and 169 labels'),
    (TEST_IMAGES, gzip.compress(idx(DIGITS[:0])), 'expected 1 or more images'),
    (TEST_LABELS, idx(LABELS), 'got 130 images and 170 labels'),
]


@pytest.mark.parametrize('name, contents, words', BAD, ids=[words for _, _, words in BAD])
def test_damaged_file_is_reported_in_one_line_and_left_alone(name, contents, words, mnist_dir, run):
    (mnist_dir / name).write_bytes(contents)
    before = files(mnist_dir)
    status, out, err = run('--data-dir', mnist_dir)
    assert status == 1 and out == ''
    _, error = err.splitlines()  # after "Reading MNIST ..."
    assert str(mnist_dir / name) in error and words in error
    assert 'move or delete the file' in error and '--data-dir' in error
    assert files(mnist_dir) == before


def test_file_without_read_permission_is_refused(read_only):
    with pytest.raises(ValueError, match='cannot be read: .*Permission denied'):
        read_data_sets('unreadable')


# -------------------------------------------------------------------------------------- downloads

class Mirrors(http.server.BaseHTTPRequestHandler):
    """Simulates good and bad mirrors, told apart by the first folder in the path."""

    def do_GET(self):
        _, mirror, name = self.path.split('/')
        contents = self.server.contents[name]
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
            self.server.before_answer(name)
            self.wfile.write({'half': contents[:99], 'cut': contents[:99],
                              'login': b'<html>Log in</html>',
                              'other': gzip.compress(b'other')}.get(mirror, contents))

    def log_message(self, *args):
        pass


@pytest.fixture
def mirrors(mnist_dir, monkeypatch):
    """Serves the files of `mnist_dir` as MNIST's; `mirrors('a', 'b')` selects mirrors a and b."""
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Mirrors)
    server.contents, server.requests, server.stopped = files(mnist_dir), [], threading.Event()
    server.before_answer = lambda name: None
    threading.Thread(target=server.serve_forever, args=[0.01]).start()
    monkeypatch.setattr(rnn_mnist, 'SHA256', {
        name: hashlib.sha256(gzip.decompress(server.contents[name])).hexdigest() for name in NAMES})

    def mirrors(*names):
        monkeypatch.setattr(rnn_mnist, 'MIRRORS', [
            'http://127.0.0.1:{}/{}/'.format(server.server_port, name) for name in names])
        return server
    yield mirrors
    server.stopped.set()
    server.shutdown()
    server.server_close()


BAD_MIRRORS = pytest.mark.parametrize('bad, words', [
    ('missing', 'HTTP Error 404'), ('half', 'IncompleteRead'), ('cut', 'Compressed file ended'),
    ('login', 'Not a gzip'), ('other', 'got another file'), ('silent', 'timed out')])


@BAD_MIRRORS
def test_bad_mirror_leads_to_the_next_one_and_is_not_asked_again(
        bad, words, mirrors, mnist_dir, tmp_path, monkeypatch, capsys):
    server = mirrors(bad, 'good')
    monkeypatch.setattr(rnn_mnist, 'TIMEOUT', 1)  # for the silent one; plenty for the good one
    read_data_sets(str(tmp_path / 'new'))
    assert server.requests == [(bad, TRAIN_IMAGES)] + [('good', name) for name in NAMES]
    assert files(tmp_path / 'new') == files(mnist_dir)
    assert capsys.readouterr().out == ''


@BAD_MIRRORS
def test_error_says_what_each_mirror_did_and_what_to_do(
        bad, words, mirrors, tmp_path, monkeypatch, run):
    mirrors(bad, 'missing')
    monkeypatch.setattr(rnn_mnist, 'TIMEOUT', 0.1)
    status, out, err = run('--data', 'mnist', '--data-dir', tmp_path / 'new')
    error = err.splitlines()[-1]
    assert status == 1 and out == '' and words in error and 'HTTP Error 404' in error
    assert all(name in error for name in NAMES) and 'into ' + str(tmp_path / 'new') in error
    assert files(tmp_path / 'new') == {}


def test_mirror_with_eight_unresponsive_addresses_costs_at_most_30_seconds(
        tmp_path, monkeypatch):
    waits = []

    # This is a mock, since real timeouts would take nearly 30 seconds.
    class Socket(socket.socket):
        def connect(self, address):
            waits.append(self.gettimeout())
            raise socket.timeout('timed out')
    monkeypatch.setattr(socket, 'socket', Socket)
    monkeypatch.setattr(socket, 'getaddrinfo', lambda *args: [
        (socket.AF_INET, socket.SOCK_STREAM, 6, '', ('127.0.0.1', port)) for port in range(1, 9)])
    monkeypatch.setattr(rnn_mnist, 'MIRRORS', ['http://127.0.0.1/'])
    with pytest.raises(ConnectionError):
        read_data_sets(str(tmp_path / 'new'))
    assert len(waits) == 8 and sum(waits) <= 30


def test_mirrors_are_on_two_hosts():
    assert len({urllib.parse.urlsplit(mirror).hostname for mirror in MIRRORS}) == 2


def test_next_mirror_is_asked_only_for_what_is_still_missing(mirrors, mnist_dir, tmp_path):
    server = mirrors('first', 'good')
    read_data_sets(str(tmp_path / 'new'))
    assert server.requests == [('first', TRAIN_IMAGES), ('first', TRAIN_LABELS)] + [
        ('good', name) for name in NAMES[1:]]
    assert files(tmp_path / 'new') == files(mnist_dir)


def test_only_missing_files_are_downloaded_if_the_others_are_from_mnist(mirrors, mnist_dir):
    server = mirrors('good')
    rename(mnist_dir / TRAIN_IMAGES, '.', gz=False)  # its contents show that it is MNIST's
    (mnist_dir / TEST_IMAGES).unlink()
    before = files(mnist_dir)
    read_data_sets(str(mnist_dir))
    read_data_sets(str(mnist_dir))
    assert server.requests == [('good', TEST_IMAGES)]
    assert files(mnist_dir) == dict(before, **{TEST_IMAGES: server.contents[TEST_IMAGES]})


@pytest.mark.parametrize('damaged', [idx(DIGITS), b''], ids=['another data set', 'damaged'])
def test_nothing_is_downloaded_if_any_file_is_not_from_mnist(damaged, mirrors, mnist_dir, run):
    server = mirrors('good')
    (mnist_dir / TRAIN_IMAGES).write_bytes(damaged)
    (mnist_dir / TEST_IMAGES).unlink()
    before = files(mnist_dir)
    status, out, err = run('--data-dir', mnist_dir)
    assert status == 1 and out == '' and str(mnist_dir / TRAIN_IMAGES) in err.splitlines()[-1]
    assert server.requests == [] and files(mnist_dir) == before


def test_threads_can_download_at_the_same_time(mirrors, mnist_dir, tmp_path):
    mirrors('good')
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = list(pool.map(read_data_sets, [str(tmp_path / 'new')] * 4))
    assert [result.train.num_examples for result in results] == [150] * 4
    assert files(tmp_path / 'new') == files(mnist_dir)


def test_file_that_the_user_adds_during_the_download_stays(mirrors, tmp_path):
    server = mirrors('good')
    server.before_answer = lambda name: (tmp_path / 'new' / name).write_bytes(b'mine')
    with pytest.raises(ValueError, match='expected'):
        read_data_sets(str(tmp_path / 'new'))
    assert set(files(tmp_path / 'new').values()) == {b'mine'}


def test_download_leaves_the_default_socket_timeout_unchanged(mirrors, tmp_path):
    mirrors('good')
    read_data_sets(str(tmp_path / 'new'))
    assert socket.getdefaulttimeout() is None


def test_error_names_the_remedy_for_a_refused_certificate(tmp_path, monkeypatch, run):
    def refuse(*args, **options):  # a mock, since a real test would need a bad certificate
        raise urllib.error.URLError(ssl.SSLError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] failed'))
    monkeypatch.setattr(urllib.request, 'urlopen', refuse)
    monkeypatch.setattr(rnn_mnist, 'MIRRORS', ['https://127.0.0.1/'])
    status, _, err = run('--data', 'mnist', '--data-dir', tmp_path / 'new')
    assert status == 1 and 'SSL_CERT_FILE' in err and 'python -m certifi' in err


# ---------------------------------------------------------------------- what each failure leads to

def test_if_all_mirrors_fail_the_script_trains_on_generated_digits_and_says_so(
        mirrors, tmp_path, run):
    mirrors('missing')
    status, out, err = run('--data-dir', tmp_path / 'new')
    assert status == 0 and 'generated digits, not MNIST' in out.splitlines()[-1]
    notice = ' '.join(line for line in err.splitlines() if line.startswith('NOTICE'))
    assert 'HTTP Error 404' in notice and 'GENERATED' in notice
    assert all(name in notice for name in NAMES)


def test_full_disk_during_a_download_is_an_error_even_in_the_default_folder(
        mirrors, mnist_dir, run):
    mirrors('good')
    mnist_dir.rename('elsewhere')
    with full_disk():
        status, out, err = run()
    assert status == 1 and out == ''
    assert err.splitlines()[-1] == 'rnn_mnist.py: error: MNIST_data: File too large'
    assert os.listdir('MNIST_data') == []


def test_unwritable_default_folder_leads_to_generated_digits(read_only, run):
    status, out, err = run()
    assert status == 0 and 'generated digits' in out and "Permission denied: 'MNIST_data'" in err


@pytest.mark.parametrize('options', [
    ['--data-dir', 'MNIST_data'], ['--data-dir', '.'], ['--data', 'mnist']])
def test_unwritable_folder_is_an_error_if_chosen_or_if_mnist_is_required(options, read_only, run):
    status, out, err = run(*options)
    assert status == 1 and out == ''
    assert err.splitlines()[-1] == 'rnn_mnist.py: error: {}: Permission denied'.format(
        options[-1].replace('mnist', 'MNIST_data'))


def test_file_in_place_of_the_folder_is_an_error(tmp_path, run):
    (tmp_path / 'file').write_text('mine')
    status, out, err = run('--data-dir', tmp_path / 'file')
    assert status == 1 and out == '' and str(tmp_path / 'file') in err.splitlines()[-1]
    assert (tmp_path / 'file').read_text() == 'mine'


def test_generated_digits_need_no_mirror_and_no_folder(mirrors, mnist_dir, tmp_path, run):
    server = mirrors('good')
    status, _, _ = run('--data', 'generated')
    assert status == 0 and server.requests == [] and os.listdir('.') == [mnist_dir.name]


# ------------------------------------------------------------------------------- generated digits

def test_generated_digits_have_the_sizes_and_dtypes_of_mnist():
    digits = generated_data_sets()
    assert [part.num_examples for part in digits] == [55000, 5000, 10000]
    images, labels = digits.test.next_batch(10000)
    assert images.dtype == np.float32 and images.shape == (10000, 784)
    assert images.min() == 0 and images.max() == 1
    assert labels.dtype == np.uint8 and sorted(set(labels)) == list(range(10))


def test_generated_digits_are_the_same_everywhere_with_any_seed():
    checksum = hashlib.sha256()
    for part in generated_data_sets(seed=5):
        checksum.update(np.rint(part.images * 255).astype(np.uint8).tobytes())
        checksum.update(part.labels.tobytes())
    assert checksum.hexdigest() == (
        '131d8e16e1d0c5a07b3d319122f7f2381461eede8707de6bd941ef0c742fee65')


def test_seed_sets_the_order_of_the_generated_digits_in_batches():
    one, same, other = [generated_data_sets(seed=seed).train.next_batch(9)[0] for seed in [0, 0, 1]]
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
