"""Runs the README's Python code on less data, and checks its table of the article's mistakes."""
import codeop
import os
import re

import numpy as np
import pytest
from helpers import TOP, python, wait_for
from rnn_mnist import tf, train
import rnn_mnist
from tf1_reference.given import given

with open(os.path.join(TOP, 'README.md'), encoding='utf-8') as file:
    README = file.read()
PROMPT, WATCH, MINE, KERAS, OTHERS = re.findall('```python\n(.*?)```', README, re.DOTALL)
ROW = r'[ 1-2][0-9] [.:+#]{28} [0-9]'


@pytest.mark.parametrize('block', [PROMPT, WATCH, MINE, KERAS, OTHERS])
def test_block_can_be_pasted_at_a_prompt(block):
    statement = []
    for line in block.splitlines():
        statement.append(line)
        if codeop.compile_command('\n'.join(statement)):  # raises SyntaxError if a prompt would
            statement = []
    assert not statement


def test_training_at_a_prompt_uses_the_learning_rate_that_was_set(mnist, monkeypatch):
    rates, adam = [], tf.train.AdamOptimizer
    monkeypatch.setattr(tf.train, 'AdamOptimizer', lambda lr: rates.append(lr) or adam(lr))
    monkeypatch.setattr(rnn_mnist, 'lr', rnn_mnist.lr)  # restored afterwards
    exec(PROMPT.replace('12800', '1'), {})
    assert rates == [0.0003] and np.load('short.npz')['kernel'].shape == (256, 128)


def watch(trained):
    """Runs the block "Watch it read" and returns the names that it defines."""
    np.savez('trained.npz', **trained)
    names = {}
    exec(WATCH, names)
    return names


def test_watch_it_read_block_ends_with_the_test_accuracy(mnist, capsys):
    accuracy, trained = train(mnist, training_iters=1280)
    capsys.readouterr()
    watch(trained)
    lines = capsys.readouterr().out.splitlines()
    assert [int(line[:2]) for line in lines] == list(range(1, 29))
    assert all(re.fullmatch(ROW + r' [01]\.[0-9]{2}', line) for line in lines)
    assert lines[-1].endswith('%.2f' % accuracy)


@pytest.fixture
def names(mnist_dir, capsys):
    """The names that "Watch it read" defines for a network that was never trained."""
    names = watch(dict(zip(['weights_in', 'weights_out', 'biases_in', 'biases_out', 'kernel',
                            'bias'], given().initial)))
    capsys.readouterr()
    return names


def digit():
    """Returns a crossed 7, `[28, 28]`, with values from 0 to 1, sized and centered as in MNIST."""
    y, x = np.mgrid[0:28, 0:28]
    stroke = (abs(x - 18 + (y - 6) * 0.4) < 1.5) & (y > 4) & (y < 24)
    top, bar = (abs(y - 5) < 1.5) & (x > 7) & (x < 20), (abs(y - 14) < 1) & (x > 10) & (x < 20)
    ink = (stroke | top | bar).astype(np.float32)
    return np.roll(ink, np.rint(14 - center(ink)).astype(int), axis=[0, 1])


def center(ink):
    """Returns the center of mass, row and column."""
    return (np.indices(ink.shape) * ink).sum(axis=(1, 2)) / ink.sum()


PAGES = {'fills a square': (280, 280, 280), 'anywhere': (500, 500, 200),  # height, width, side
         'wide page': (240, 800, 200), 'tall page': (800, 240, 200), 'small': (800, 800, 60)}
KINDS = [*PAGES, 'thin', 'thick', 'light on dark', 'gray paper', 'transparent, dark ink',
         'transparent, light ink', 'color', '16 bit', 'JPEG']


def picture(kind, digit, rng):
    """Draws `digit`, `[28, 28]` with values from 0 to 1, on a page; returns a PNG or JPEG file."""
    height, width, side = PAGES.get(kind, (500, 500, 200))
    ink = tf.image.resize(digit[None, :, :, None], [side, side], 'bicubic')
    pixel = side // 28 + 1  # size of an original pixel on the page
    ink = (tf.nn.max_pool2d(ink, pixel, 1, 'SAME') if kind == 'thick' else
           -tf.nn.max_pool2d(-ink, pixel, 1, 'SAME') if kind == 'thin' else ink)
    ink = np.clip(tf.Session().run(ink)[0], 0, 1)
    y, x = rng.randint(height - side + 1), rng.randint(width - side + 1)
    ink = np.pad(ink, [(y, height - side - y), (x, width - side - x), (0, 0)])
    page = 1 - ink  # [height, width, 1], black on white
    if kind == 'light on dark':
        page = ink
    elif kind == 'gray paper':  # with a shadow and with grain
        shadow = 1 - 0.4 * (np.indices([height, width, 1])[:2] * rng.rand(2, 1, 1, 1)).mean(0) / 500
        page = (0.75 - 0.5 * ink) * shadow + rng.normal(0, 0.04, page.shape)
    elif kind == 'transparent, dark ink':
        page = np.concatenate([0 * ink, ink], axis=2)
    elif kind == 'transparent, light ink':  # the transparent pixels are black
        page = np.concatenate([ink > 0] * 3 + [ink], axis=2)
    elif kind == 'color':
        paper, pen = rng.uniform(0.6, 1, 3), rng.uniform(0, 0.5, 3)
        page = paper + (pen - paper) * ink
    dtype, top = (np.uint16, 65535) if kind == '16 bit' else (np.uint8, 255)
    encode = tf.image.encode_jpeg if kind in ['gray paper', 'JPEG'] else tf.image.encode_png
    return tf.Session().run(encode((top * np.clip(page, 0, 1)).round().astype(dtype)))


@pytest.mark.parametrize('kind', KINDS)
def test_picture_of_a_digit_is_prepared_as_mnist_was(kind, names, tmp_path, capsys):
    (tmp_path / 'mine.png').write_bytes(picture(kind, digit(), np.random.RandomState(0)))
    exec(MINE, names)
    mine = names['mine']
    assert mine.shape == (28, 28) and mine.min() == 0 and 0.8 < mine.max() <= 1
    rows, columns = [np.flatnonzero(mine.max(axis=axis) > 0) for axis in [1, 0]]
    assert 20 == max(np.ptp(rows), np.ptp(columns)) + 1
    np.testing.assert_allclose(center(mine), [14, 14], atol=0.6)
    assert np.corrcoef(mine.ravel(), digit().ravel())[0, 1] > 0.7
    *lines, last = capsys.readouterr().out.splitlines()
    assert len(lines) == 28 and all(re.fullmatch(ROW, line) for line in lines)
    assert last == 'This is a ' + lines[-1].split()[2]


@pytest.mark.parametrize('page', [0, 127, 255, 'grain', 'not a picture'])
def test_blank_page_or_unreadable_picture_gets_a_one_line_error(page, names, tmp_path):
    pixels = np.random.RandomState(0).randint(100, 140, [300, 200, 1]) if page == 'grain' else (
        np.full([300, 200, 1], 0 if page == 'not a picture' else page))
    contents = b'not a picture' if page == 'not a picture' else tf.Session().run(
        tf.image.encode_png(pixels.astype(np.uint8)))
    (tmp_path / 'mine.png').write_bytes(contents)
    with pytest.raises(Exception, match='mine.png: expected a') as error:
        exec(MINE, names)
    assert '\n' not in str(error.value)


def test_notebook_can_train_the_same_network_in_keras_and_then_run_the_script(one_step):
    few = ('import keras, numpy as np, tensorflow as tf\n'
           'few = np.zeros([256, 28, 28], np.uint8), np.zeros([256], np.uint8)\n'
           'keras.datasets.mnist.load_data = lambda: (few, few)\n'
           'tf.keras.Sequential()\n')  # from now on, tf.keras is Keras 3
    script = ('import os, sys; sys.path.append({!r}); import rnn_mnist\n'
              'assert rnn_mnist.tf.get_default_graph().get_operations() == []\n'
              'assert os.listdir() == ["MNIST_data"]\n'
              'print(rnn_mnist.main({}))\n').format(TOP, one_step)
    status, out, err = wait_for(python(
        '-c', few + KERAS.replace('epochs=17', 'epochs=1') + script,
        env=dict(os.environ, TF_USE_LEGACY_KERAS='0')))
    assert status == 0, err
    assert re.search(r'^\[.*, 1\.0\]\nstep .*\ntest accuracy .*\n0\n$', out, re.MULTILINE)


def test_two_changed_lines_give_other_tutorials_what_they_import():
    names = {}
    exec(OTHERS, names)
    assert names['tf'].placeholder and names['input_data'].read_data_sets


@pytest.mark.parametrize('name', re.findall(
    r'\| `(\w+)` \|$', README[README.index('| the article says'):], re.MULTILINE))
def test_every_test_named_in_the_table_of_mistakes_exists(name):
    with open(os.path.join(TOP, 'tests', 'test_article.py')) as file:
        assert name in ' '.join(re.findall(r'^def (test_\w+)', file.read(), re.MULTILINE))
