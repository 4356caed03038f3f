"""Runs the README's Python code on less data, and checks what its text points to."""
import code
import os
from pathlib import Path
import re

import numpy as np
import pytest
from helpers import SCRIPT, TOP, digits_with_numpy, python, wait_for
from picture import accuracies, probabilities_after_each_row
from rnn_mnist import tf
import rnn_mnist

README = Path(TOP, 'README.md').read_text(encoding='utf-8')
WATCH, MINE, TUTORIALS, OTHER_DATA, KERAS, PROMPT = BLOCKS = re.findall(
    '```python\n(.*?)```', README, re.DOTALL)
ROW = r'[ 1-2][0-9] [.:+#]{28} ([0-9]) [ 0-9]{3}% '


@pytest.mark.parametrize('block', BLOCKS)
def test_block_can_be_pasted_at_a_prompt(block, capsys):
    console = code.InteractiveConsole()
    console.runcode = id  # nothing is run
    assert not [console.push(line) for line in block.splitlines()][-1]
    assert capsys.readouterr().err == ''  # no SyntaxError


def test_network_can_be_trained_at_a_prompt(mnist_dir, monkeypatch):
    monkeypatch.setattr(rnn_mnist, 'lr', rnn_mnist.lr)  # restored afterward
    exec(PROMPT.replace('12800', '1') + 'assert accuracy <= 1 and len(trained) == 6', {})


def test_arrays_of_ones_own_can_be_trained_on(mnist_dir):
    parts = {part: rnn_mnist._read_pair('MNIST_data', file)
             for part, file in [('train', 'train'), ('test', 't10k')]}
    np.savez('mnist.npz', **{
        'xy'[i] + '_' + part: parts[part][i] for part in parts for i in [0, 1]})
    names = {}
    exec(OTHER_DATA.replace('100000', '129'), names)
    assert 0 <= names['accuracy'] <= 1 and len(names['trained']) == 6


@pytest.fixture
def names(a_run, mnist_dir, capsys):
    """The names that "Watch it read" defines for a network that the script saved."""
    Path('trained.npz').write_bytes(a_run[-1].read_bytes())
    names = {}
    exec(WATCH, names)
    return names


def test_watch_it_read_block_ends_with_the_test_accuracy(names, mnist, capsys):
    lines = capsys.readouterr().out.splitlines()
    assert [int(line[:2]) for line in lines] == list(range(1, 29))
    assert all(re.fullmatch(ROW + r'[01]\.[0-9]{2}', line) for line in lines)
    digits = digits_with_numpy(names['trained'], mnist.test.images)
    accuracy = np.mean(digits == mnist.test.labels.argmax(axis=1))
    sure = probabilities_after_each_row(
        names['trained'], mnist.test.images[0].reshape([28, 28]))[-1, digits[0]]
    assert lines[-1].endswith(' %d %3.0f%% %.2f' % (digits[0], 100 * sure, accuracy))


def test_picture_shows_the_lines_that_the_script_prints(a_run, tmp_path):
    _, out, _, _ = a_run
    (tmp_path / 'run.txt').write_text(out)
    steps, batch, test = accuracies(tmp_path / 'run.txt')
    assert steps.tolist() == [0, 20, 40, 60, 80] and ' {:.4f} '.format(test) in out
    assert all(' {:.4f}\n'.format(value) in out for value in batch)


def draw(scale=7, stroke=3, rows=(50, 254), columns=(270, 34)):
    """Draws a 4 as in MNIST, enlarged and with margins; paper is 0 and ink is 1."""
    ink = np.zeros([28, 28])
    ink[6:17, 8:8 + stroke] = ink[17 - stroke:17, 8:19] = ink[6:26, 19 - stroke:19] = 1
    return np.pad(np.kron(ink, np.ones([scale, scale])), [rows, columns])


INK = draw()
GRAIN = np.random.RandomState(0).normal(0, 0.04, INK.shape)
PICTURES = {
    'wide page': 1 - draw(7, 3, (14, 30), (500, 104)),
    'thin': 1 - draw(stroke=1),
    'thick': 1 - draw(stroke=4),
    'light on dark': INK,
    'gray paper': (0.75 - 0.5 * INK) * np.linspace(1, 0.6, 500) + GRAIN,  # with a shadow
    'transparent': np.dstack([0 * INK, INK]),  # black ink on transparent black
    '16-bit': 1 - INK, 'JPEG': 1 - INK}


def save(page, kind=None):
    """Writes a page, with values from 0 to 1, to `mine.png` as a PNG or JPEG file."""
    dtype = tf.uint16 if kind == '16-bit' else tf.uint8
    pixels = tf.image.convert_image_dtype(np.atleast_3d(page), dtype, saturate=True)
    encode = tf.image.encode_jpeg if kind in ['gray paper', 'JPEG'] else tf.image.encode_png
    tf.Session().run(tf.write_file('mine.png', encode(pixels)))


@pytest.mark.parametrize('kind', PICTURES)
def test_picture_of_a_digit_is_prepared_as_mnist_was(kind, names, capsys):
    save(PICTURES[kind], kind)
    capsys.readouterr()
    exec(MINE, names)
    mine = names['mine']
    assert mine.shape == (28, 28) and mine.min() == 0 and 0.8 < mine.max() <= 1
    assert 0.12 < mine.sum() / 20 ** 2 < 0.35  # as much ink as in most of MNIST's digits
    pixels = np.nonzero(mine)
    assert max(np.ptp(pixels, axis=1)) == 19
    assert max(abs(np.average(pixels, axis=1, weights=mine[pixels]) - 14)) < 0.6
    assert np.corrcoef(mine.ravel(), draw(1, 3, (0, 0), (0, 0)).ravel())[0, 1] > 0.7
    assert re.fullmatch('(%s\n){28}This is a \\2\n' % ROW, capsys.readouterr().out)


def test_ink_at_one_end_stays_inside_the_picture(names):
    page = np.ones([400, 400])
    page[50:130, 50:350] = page[50:350, 195:205] = 0  # a T, whose bar is much heavier than its leg
    save(page)
    exec(MINE, names)
    rows = np.flatnonzero(names['mine'].sum(axis=1) > 0.5)
    assert rows.tolist() == list(range(rows[0], rows[0] + 20))


def test_blank_page_gets_a_one_line_error(names):
    for page in [0 * INK, 0 * INK + 0.5, 0 * INK + 1, 0.5 + GRAIN]:  # black, gray, white, grain
        save(page)
        with pytest.raises(AssertionError, match=r'^mine.png: expected one digit.*\Z'):
            exec(MINE, names)


def test_notebook_can_train_the_same_network_in_keras_and_then_run_the_script(one_step):
    program = (
        'import keras, numpy as np, tensorflow as tf\n'
        'few = np.zeros([256, 28, 28], np.uint8), np.zeros([256], np.uint8)\n'
        'keras.datasets.mnist.load_data = lambda: (few, few)\n'
        'tf.keras.Sequential()\n'  # from now on, tf.keras is Keras 3
        + KERAS.replace('epochs=17', 'epochs=1') +
        'import os, rnn_mnist\n'
        'assert rnn_mnist.tf.get_default_graph().get_operations() == []\n'
        'print(rnn_mnist.main(%r))\n' % one_step)
    env = dict(os.environ, TF_USE_LEGACY_KERAS='0', PYTHONPATH=TOP)
    status, out, err = wait_for(python('-c', program, env=env))
    assert status == 0, err
    assert re.search(r'^\[.*, 1\.0\]\nstep .*\ntest accuracy .*\n0\n$', out, re.MULTILINE)


def test_two_changed_lines_give_other_tutorials_what_they_import():
    exec(TUTORIALS + 'assert tf.placeholder and input_data.read_data_sets', {})


def test_links_lead_to_the_lesson_and_to_files_and_sections_that_exist():
    start, end = map(int, re.search(r'rnn_mnist\.py#L(\d+)-L(\d+)', README).groups())
    lines = Path(SCRIPT).read_text().splitlines()
    assert [lines[start - 1], lines[end + 2]] == ['# %% The lesson', '# %% Helpers for the lesson']
    for path, section in re.findall(r'(?:\]\(|src=")(?!http)([^)#"]*)(?:#(?!L)([\w-]+))?', README):
        text = Path(TOP, path or 'README.md').read_bytes().decode('utf-8', 'ignore')
        sections = [re.sub(r'[^a-z0-9 -]', '', title.lower()).replace(' ', '-')
                    for title in re.findall('^#+ (.*)$', text, re.MULTILINE)]
        assert section in ['', *sections]


def test_every_test_named_in_the_table_of_mistakes_exists():
    table = Path(TOP, 'tests', 'tf1_reference', 'README.md').read_text(encoding='utf-8')
    names = re.findall(r'^\| .* \| .* \| `(\w+)` \|$', table, re.MULTILINE)
    tests = Path(TOP, 'tests', 'test_article.py').read_text()
    assert names and all(re.search(r'^def test_\w*' + name, tests, re.MULTILINE) for name in names)


@pytest.mark.parametrize('change', re.findall('```diff\n(.*?)```', README, re.DOTALL))
def test_change_to_try_fits_the_script_which_then_trains(change, one_step):
    script = Path(SCRIPT).read_text()
    for lines in re.findall(r'((?:^-.*\n)+)((?:^\+.*\n)+)', change, re.MULTILINE):
        old, new = [re.sub('^[-+]', '', side, flags=re.MULTILINE).rstrip() for side in lines]
        assert script.count(old) == 1
        script = script.replace(old, new)
    names = {'__name__': 'changed'}
    exec(script, names)
    assert names['main'](one_step) == 0
