"""Tests the data: file names, batches, damaged files, downloads, and generated digits."""
import gzip
import hashlib
import http.server
import itertools
import os
import socket
import ssl
import threading

import numpy as np
import pytest
from helpers import error_of, files, full_disk
from rnn_mnist import DataSet, generated_data_sets
import rnn_mnist
from tf1_reference.given import idx, write_files

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = NAMES = [
    'train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz',
    't10k-images-idx3-ubyte.gz', 't10k-labels-idx1-ubyte.gz']
DIGITS, LABELS = np.zeros([170, 28, 28], np.uint8), np.zeros([170], np.uint8)


def test_batch_of_an_empty_data_set_is_empty():
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
    same = rnn_mnist.read_data_sets('MNIST_data', one_hot=True, seed=0)
    np.testing.assert_equal([part.next_batch(100) for part in same],
                            [part.next_batch(100) for part in mnist])


def test_gz_file_takes_precedence(mnist_dir):
    for name in NAMES:
        (mnist_dir / name[:-len('.gz')]).write_bytes(b'something else')
        (mnist_dir / name.replace('-idx', '.idx')).write_bytes(b'something else')
    rnn_mnist.read_data_sets('~/MNIST_data')  # would fail on something else


def test_5000_training_images_are_for_validation_and_at_least_one_must_be_left(one_step, run):
    assert run(*one_step)[0] == 0  # the folder has 5,001
    write_files(one_step[-1], n_train=5000)
    assert 'train-images' in error_of(run(*one_step))
    with pytest.raises(ValueError, match='validation_size=-1 '):
        rnn_mnist.read_data_sets(one_step[-1], validation_size=-1)


BAD = {
    'cut': (TRAIN_IMAGES, gzip.compress(idx(DIGITS))[:-20]),
    'empty': (TRAIN_IMAGES, b''),
    'wrong format': (TRAIN_IMAGES, gzip.compress(b'\1' + idx(DIGITS)[1:])),
    'wrong size': (TRAIN_IMAGES, idx(DIGITS.reshape([170, 14, 56]))),
    'too long': (TRAIN_IMAGES, gzip.compress(idx(DIGITS) + b'!')),
    'too short': (TRAIN_IMAGES, idx(DIGITS)[:-1]),
    'label 10': (TRAIN_LABELS, gzip.compress(idx(LABELS + 10))),
    'no image': (TEST_IMAGES, gzip.compress(idx(DIGITS[:0]))),
    'extra labels': (TEST_LABELS, idx(LABELS))}


@pytest.mark.parametrize('kind', BAD)
def test_damaged_file_is_reported_in_one_line_and_left_alone(kind, mnist_dir, run):
    name, contents = BAD[kind]
    (mnist_dir / name).write_bytes(contents)
    before = files(mnist_dir)
    error = error_of(run('--data-dir', mnist_dir))
    assert str(mnist_dir) in error and name[:len('t10k-images')] in error
    assert 'move' in error and '--data-dir' in error
    assert files(mnist_dir) == before


OK = b'HTTP/1.0 200 OK\r\n'
BAD_MIRRORS = {
    'half': OK + b'Content-Length: 9\r\n\r\nhalf',
    'cut': OK + b'\r\n' + gzip.compress(b'cut')[:-1],
    'other': OK + b'\r\n<html>Log in</html>',
    'loop': b'HTTP/1.0 302 Found\r\nLocation: .\r\n\r\n',  # Python's message has several lines
    'silent': b'',
    'missing': b'HTTP/1.0 404 Not Found\r\n\r\n'}


class Mirrors(http.server.BaseHTTPRequestHandler):
    """Simulates good and bad mirrors, told apart by the first folder in the path."""

    def do_GET(self):
        _, mirror, name = self.path.split('/')
        self.server.requests.append((mirror, name))
        if mirror == 'silent':
            self.rfile.read()  # returns when the client has given up
        if mirror == 'first' and name != TRAIN_IMAGES:
            mirror = 'missing'
        contents = self.server.contents.get(name, b'')
        if mirror == 'unpacking':
            contents = gzip.decompress(contents)
        self.wfile.write(BAD_MIRRORS.get(mirror, OK + b'\r\n' + contents))


@pytest.fixture
def mirrors(mnist_dir, monkeypatch):
    """Serves the files of `mnist_dir` as MNIST's; `mirrors('a', 'b')` selects mirrors a and b."""
    def mirrors(*names):
        monkeypatch.setattr(rnn_mnist, 'MIRRORS', [
            'http://127.0.0.1:{}/{}/'.format(server.server_port, name) for name in names])
        return server
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Mirrors) as server:
        server.contents, server.requests = files(mnist_dir), []
        monkeypatch.setattr(rnn_mnist, 'SHA256', {
            name: hashlib.sha256(gzip.decompress(server.contents[name])).hexdigest()
            for name in NAMES})
        threading.Thread(target=server.serve_forever, args=[0.01]).start()
        yield mirrors
        server.shutdown()


def test_each_bad_mirror_is_asked_for_one_file_and_named_in_the_error(mirrors, monkeypatch, run):
    server = mirrors(*BAD_MIRRORS)
    rnn_mnist.MIRRORS.append('http://elsewhere/')
    monkeypatch.setenv('http_proxy', 'http://.impossible:80')  # ValueError: an empty label
    monkeypatch.setattr(rnn_mnist, 'TIMEOUT', 1)  # for the silent one; plenty for the others
    error = error_of(run('--data', 'mnist', '--data-dir', 'new'))
    assert all(words in error for words in [*rnn_mnist.MIRRORS, *NAMES]) and 'SSL' not in error
    assert {name for _, name in server.requests} == {TRAIN_IMAGES, ''}  # '' from the loop
    assert os.listdir('new') == []


def test_mirror_may_pause_for_seconds_but_each_of_its_addresses_costs_at_most_ten(monkeypatch):
    def urlopen(url, timeout):
        assert 5 < timeout <= 10
        raise socket.timeout('timed out')
    monkeypatch.setattr(rnn_mnist.urllib.request, 'urlopen', urlopen)
    monkeypatch.setattr(rnn_mnist, 'MIRRORS', ['http://127.0.0.1/'])
    with pytest.raises(ConnectionError):
        rnn_mnist.read_data_sets('new')


def test_next_mirror_is_asked_only_for_what_is_still_missing(mirrors, mnist_dir, tmp_path, capsys):
    server = mirrors('first', 'good')
    rnn_mnist.read_data_sets('new')
    assert server.requests == [('first', TRAIN_IMAGES), ('first', TRAIN_LABELS)] + [
        ('good', name) for name in NAMES[1:]]
    assert files(tmp_path / 'new') == files(mnist_dir)
    out, err = capsys.readouterr()
    announced = [tuple(line.split()[1].split('/')[-2:]) for line in err.splitlines()]
    assert out == '' and announced == server.requests
    assert socket.getdefaulttimeout() is None


def test_files_may_be_unpacked_on_the_way(mirrors, mnist_dir, mnist):
    mirrors('unpacking')
    same = rnn_mnist.read_data_sets('new', one_hot=True, seed=0)
    np.testing.assert_equal(same.train.next_batch(9), mnist.train.next_batch(9))


def test_only_missing_files_are_downloaded_if_the_others_are_from_mnist(mirrors, mnist_dir):
    server = mirrors('good')
    unpacked = gzip.decompress(server.contents[TRAIN_IMAGES])  # still MNIST's own contents
    (mnist_dir / TRAIN_IMAGES).write_bytes(unpacked)
    (mnist_dir / TEST_IMAGES).unlink()
    rnn_mnist.read_data_sets('MNIST_data')
    rnn_mnist.read_data_sets('MNIST_data')
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


def test_error_names_the_remedy_for_a_refused_certificate(monkeypatch, run):
    def refuse(*args):  # a mock, since a real test would need a bad certificate
        raise ssl.SSLError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] failed')
    monkeypatch.setattr(socket.socket, 'connect', refuse)
    monkeypatch.setattr(rnn_mnist, 'MIRRORS', ['https://127.0.0.1/'])
    error = error_of(run('--data', 'mnist', '--data-dir', 'new'))
    assert all(words in error for words in ['SSL_CERT_FILE', 'PEM', 'python -m certifi'])


def test_script_trains_on_generated_digits_and_says_so_if_all_mirrors_fail(mirrors, run):
    mirrors('missing')
    status, out, err = run('--data-dir', 'new')
    assert status == 0 and 'generated digits, not MNIST' in out.splitlines()[-1]
    notice = ' '.join(line for line in err.splitlines() if line.startswith('NOTICE'))
    assert all(words in notice for words in ['/missing/', 'GENERATED', *NAMES])


def test_full_disk_during_a_download_is_an_error_and_leaves_no_incomplete_file(mirrors, run):
    mirrors('good')
    with full_disk():
        assert 'File too large' in error_of(run('--data-dir', 'new'))
    assert not set(os.listdir('new')) & set(NAMES)


def test_file_in_place_of_the_folder_is_an_error(tmp_path, run):
    (tmp_path / 'MNIST_data').write_text('mine')
    assert 'MNIST_data' in error_of(run())
    assert (tmp_path / 'MNIST_data').read_text() == 'mine'


def test_generated_digits_need_no_mirror_and_no_folder(mirrors, run):
    server = mirrors('good')
    status, _, _ = run('--data', 'generated')
    assert status == 0 and server.requests == [] and os.listdir('.') == ['MNIST_data']


def test_generated_digits_have_the_form_of_mnist_and_are_the_same_everywhere_and_with_any_seed():
    checksum = hashlib.sha256()
    for part, n in zip(generated_data_sets(seed=5), [55000, 5000, 10000]):
        assert part.images.shape == (n, 784) and part.images.dtype == np.float32
        assert part.labels.shape == (n,) and part.labels.dtype == np.uint8
        checksum.update(np.rint(part.images * 255).astype(np.uint8).tobytes())
        checksum.update(part.labels.tobytes())
    assert checksum.hexdigest() == (
        '131d8e16e1d0c5a07b3d319122f7f2381461eede8707de6bd941ef0c742fee65')
