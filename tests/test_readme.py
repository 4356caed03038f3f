"""The README's Python runs as it stands there."""
import os
import re

import numpy as np
import pytest
from helpers import TOP, ended, python
from rnn_mnist import tf, train
import rnn_mnist

with open(os.path.join(TOP, 'README.md'), encoding='utf-8') as file:
    README = file.read()
PROMPT, WATCH, MINE, KERAS = re.findall('```python\n(.*?)```', README, re.DOTALL)


def test_the_prompt_trains_twice_with_the_learning_rate_that_is_set(
        mnist, monkeypatch, tmp_path):
    rates, adam = [], tf.train.AdamOptimizer
    monkeypatch.setattr(tf.train, 'AdamOptimizer', lambda lr: rates.append(lr) or adam(lr))
    monkeypatch.setattr(rnn_mnist, 'lr', rnn_mnist.lr)  # to be put back
    monkeypatch.chdir(tmp_path)
    exec(PROMPT.replace('12800', '1'), {})
    assert rates == [0.001, 0.0003] and os.path.isfile('trained.npz')


def test_watching_it_read_ends_on_the_test_accuracy(mnist, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    accuracy = train(mnist, training_iters=1280, save='trained.npz')
    capsys.readouterr()
    exec(WATCH, {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 28 and all(
        re.fullmatch(r'[.:+#]{28} [0-9] [01]\.[0-9]{2}', line) for line in lines)
    assert lines[-1].endswith('%.2f' % accuracy)
    assert len(WATCH.splitlines()) <= 15


def test_a_digit_of_ones_own_is_read_from_a_picture(mnist, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    train(mnist, training_iters=1, save='trained.npz')
    picture = np.full([56, 56, 1], 255, np.uint8)
    picture[:, 28:30] = 0  # a dark stroke on light
    with tf.Session() as sess:
        (tmp_path / 'mine.png').write_bytes(sess.run(tf.image.encode_png(picture)))
    names = {}
    exec(WATCH, names)
    capsys.readouterr()
    exec(MINE, names)
    rows = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert rows == [14 * '.' + '#' + 13 * '.'] * 28


def test_the_same_network_in_keras_trains(tmp_path):
    few = ('import keras, numpy as np\n'
           'few = np.zeros([256, 28, 28], np.uint8), np.zeros([256], np.uint8)\n'
           'keras.datasets.mnist.load_data = lambda: (few, few)\n')
    status, out, err = ended(python('-c', few + KERAS.replace('epochs=17', 'epochs=1')))
    assert status == 0, err
    assert re.fullmatch(r'\[.*, 1\.0\]', out.splitlines()[-1])


@pytest.mark.parametrize('name', re.findall(r'\| `(\w+)` \|$', README, re.MULTILINE))
def test_the_name_of_a_test_of_the_article_names_one(name):
    with open(os.path.join(TOP, 'tests', 'test_article.py')) as file:
        assert name in ' '.join(re.findall(r'^def (test_\w+)', file.read(), re.MULTILINE))
